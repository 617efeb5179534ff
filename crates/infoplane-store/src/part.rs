//! One part: a Parquet file with a fixed range of samples.
//!
//! Skipped samples have no row; they stand, as JSON, in the file's key-value metadata, together with
//! the run the part belongs to, the range it covers and the checksums. So a part says by itself that
//! it is whole.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::error::StoreError;
use crate::layout::Layout;
use crate::record::{SampleOutcome, SampleRecord, SkippedSample};
use crate::schema::element_field;
use crate::seal::{
    SEAL_KEY, SealError, blank_seal, check_column, check_seal, check_start, column_sum, seal,
};

const RUN_KEY: &str = "infoplane.run";
const FIRST_KEY: &str = "infoplane.first";
const COUNT_KEY: &str = "infoplane.count";
const SKIPPED_KEY: &str = "infoplane.skipped";
/// Checksums of the columns, in the order of the schema, parted by spaces; none without rows.
const SUMS_KEY: &str = "infoplane.checksums";

/// The program, as it stands in the files it writes.
pub(crate) const CREATED_BY: &str = concat!("infoplane ", env!("CARGO_PKG_VERSION"));

/// The bytes of a part: a function of its samples alone, given in order of position.
pub(crate) fn encode(
    layout: &Layout,
    part: u64,
    samples: &[SampleOutcome],
) -> Result<Vec<u8>, StoreError> {
    let encode = |source| StoreError::Encode {
        path: layout.part_path(part),
        source,
    };
    let mut records = Vec::new();
    let mut skipped = Vec::new();
    for sample in samples {
        match sample {
            SampleOutcome::Analysed(record) => records.push(record.as_ref()),
            SampleOutcome::Skipped(sample) => skipped.push(sample),
        }
    }
    let skipped = serde_json::to_string(&skipped)
        .map_err(|error| encode(ParquetError::External(Box::new(error))))?;
    let range = layout.range(part);
    let metadata = [
        (RUN_KEY, layout.hash.clone()),
        (FIRST_KEY, range.start.to_string()),
        (COUNT_KEY, (range.end - range.start).to_string()),
        (SKIPPED_KEY, skipped),
    ];
    let batch = batch(layout, &records).map_err(encode)?;
    let properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::SNAPPY)
        // Almost every number occurs once: a dictionary and ranges would only add bytes.
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_key_value_metadata(Some(
            metadata
                .map(|(key, value)| KeyValue::new(key.to_owned(), value))
                .to_vec(),
        ))
        .build();
    write_sealed(&batch, properties).map_err(encode)
}

/// A Parquet file with one batch, its checksums and its seal.
fn write_sealed(
    batch: &RecordBatch,
    properties: WriterProperties,
) -> Result<Vec<u8>, ParquetError> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.flush()?;
    writer.sync()?;
    let mut sums = Vec::new();
    for chunk in writer
        .flushed_row_groups()
        .iter()
        .flat_map(|group| group.columns())
    {
        let (start, length) = chunk.byte_range();
        let bytes = usize::try_from(start)?..usize::try_from(start + length)?;
        let bytes = writer.inner().get(bytes);
        sums.push(column_sum(bytes.ok_or_else(|| {
            ParquetError::General(format!("column {} was not written", chunk.column_path()))
        })?));
    }
    for (key, value) in [(SUMS_KEY, sums.join(" ")), (SEAL_KEY, blank_seal())] {
        writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
    }
    let mut file = writer.into_inner()?;
    if !seal(&mut file) {
        let reason = "the footer has no place for its checksum".to_owned();
        return Err(ParquetError::General(reason));
    }
    Ok(file)
}

/// The columns in the order of the schema. The records have been checked against the manifest, so
/// every vector that is indexed here is there.
fn batch(layout: &Layout, records: &[&SampleRecord]) -> Result<RecordBatch, ParquetError> {
    let integers = |value: fn(&SampleRecord) -> u32| -> ArrayRef {
        let values = records.iter().map(|record| value(record));
        Arc::new(UInt32Array::from_iter_values(values))
    };
    let numbers = |value: &dyn Fn(&SampleRecord) -> f32| -> ArrayRef {
        let values = records.iter().map(|record| value(record));
        Arc::new(Float32Array::from_iter_values(values))
    };
    let vectors = |width: usize, value: &dyn Fn(&SampleRecord) -> &[f32]| {
        let mut values = Vec::with_capacity(records.len() * width);
        for record in records {
            values.extend_from_slice(value(record));
        }
        let values: ArrayRef = Arc::new(Float32Array::from(values));
        let size = i32::try_from(width)?;
        let list = FixedSizeListArray::try_new(element_field(), size, values, None)?;
        Ok::<ArrayRef, ParquetError>(Arc::new(list))
    };

    let model = &layout.manifest.model;
    let indices = records.iter().map(|record| record.index);
    let ids = records.iter().map(|record| &record.id);
    let labels = records.iter().map(|record| record.label);
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(indices)),
        Arc::new(StringArray::from_iter_values(ids)),
        Arc::new(labels.collect::<UInt32Array>()),
        integers(|record| record.predicted),
        integers(|record| record.target),
        numbers(&|record| record.f_input),
        numbers(&|record| record.f_baseline),
        vectors(model.n_outputs, &|record| &record.logits)?,
        integers(|record| record.steps),
        numbers(&|record| record.error),
    ];
    for cut_layer in 0..model.layers.iter().filter(|layer| layer.cut).count() {
        columns.push(numbers(&|record| record.delta[cut_layer]));
    }
    for (i, layer) in model.layers.iter().enumerate() {
        columns.push(vectors(layer.n_channels, &|record| &record.conductance[i])?);
    }
    for (i, layer) in model.layers.iter().enumerate() {
        columns.push(vectors(layer.n_channels, &|record| &record.activation[i])?);
    }
    Ok(RecordBatch::try_new(layout.schema.clone(), columns)?)
}

/// What a whole part says of itself.
#[derive(Debug, Clone)]
pub(crate) struct PartHeader {
    pub part: u64,
    pub n_rows: u64,
    pub skipped: Vec<SkippedSample>,
}

/// Checks that a part is whole and belongs to the run: every byte of it by checksum, its columns, its
/// range, and a row or a reason for every sample of the range.
///
/// # Errors
/// [`StoreError::ForeignPart`]; [`StoreError::DamagedPart`]; [`StoreError::Io`].
pub(crate) fn inspect(layout: &Layout, part: u64) -> Result<PartHeader, StoreError> {
    let opened = OpenPart::open(layout.part_path(part))?;
    if opened.entry(RUN_KEY) != Some(layout.hash.as_str()) {
        return Err(StoreError::ForeignPart { path: opened.path });
    }
    opened.check_every_byte()?;
    let number = |key| opened.entry(key).and_then(|text| text.parse::<u64>().ok());
    let range = layout.range(part);
    let (first, count) = (number(FIRST_KEY), number(COUNT_KEY));
    if (first, count) != (Some(range.start), Some(range.end - range.start)) {
        return Err(opened.damaged(format!(
            "its name stands for samples {} to {}, its content is for {}",
            range.start,
            range.end - 1,
            match (first, count) {
                (Some(first), Some(count)) => format!("{count} samples from {first} on"),
                _ => "an unknown range".to_owned(),
            }
        )));
    }
    let skipped = opened.entry(SKIPPED_KEY).unwrap_or_default();
    let skipped: Vec<SkippedSample> = serde_json::from_str(skipped)
        .map_err(|error| opened.damaged(format!("its list of skipped samples: {error}")))?;
    if opened.reader.schema().fields() != layout.schema.fields() {
        return Err(opened.damaged("its columns are not those of the run"));
    }

    let mut indices = Vec::new();
    read_column(layout, part, "index", |column| {
        indices.extend_from_slice(column.as_primitive_opt::<UInt64Type>()?.values());
        Some(())
    })?;
    check_range(&indices, &skipped, range).map_err(|reason| opened.damaged(reason))?;
    Ok(PartHeader {
        part,
        n_rows: indices.len() as u64,
        skipped,
    })
}

/// Every sample of the range has a row or a reason why not, in order.
fn check_range(
    indices: &[u64],
    skipped: &[SkippedSample],
    range: Range<u64>,
) -> Result<(), String> {
    let mut rows = indices.iter().copied().peekable();
    let mut reasons = skipped.iter().map(|sample| sample.index).peekable();
    for index in range {
        if rows.next_if_eq(&index).is_none() && reasons.next_if_eq(&index).is_none() {
            return Err(format!("sample {index} is missing"));
        }
    }
    match rows.next().or_else(|| reasons.next()) {
        Some(index) => Err(format!("sample {index} does not belong there")),
        None => Ok(()),
    }
}

/// Reads one column, and only that, and hands it to `visit` piece by piece. `visit` answers `None`
/// where it is not of the type it expects.
pub(crate) fn read_column(
    layout: &Layout,
    part: u64,
    name: &str,
    mut visit: impl FnMut(&ArrayRef) -> Option<()>,
) -> Result<(), StoreError> {
    let opened = OpenPart::open(layout.part_path(part))?;
    let unexpected = || opened.damaged(format!("its column {name} is not as it was written"));
    let root = opened
        .reader
        .schema()
        .index_of(name)
        .map_err(|_| unexpected())?;
    opened.check_column(root)?;
    let file = opened.file.try_clone();
    let file = file.map_err(StoreError::io("read", &opened.path))?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, opened.reader.clone());
    let mask = ProjectionMask::roots(builder.parquet_schema(), [root]);
    let n_rows = usize::try_from(layout.part_size).unwrap_or(usize::MAX);
    let batches = builder
        .with_projection(mask)
        .with_batch_size(n_rows)
        .build();
    for batch in batches.map_err(|error| opened.damaged(error.to_string()))? {
        let batch = batch.map_err(|error| opened.damaged(error.to_string()))?;
        batch
            .columns()
            .first()
            .and_then(&mut visit)
            .ok_or_else(unexpected)?;
    }
    Ok(())
}

/// A part whose seal was found right.
struct OpenPart {
    path: PathBuf,
    file: File,
    reader: ArrowReaderMetadata,
    /// Where the footer begins.
    footer: u64,
}

impl OpenPart {
    fn open(path: PathBuf) -> Result<Self, StoreError> {
        let file = File::open(&path).map_err(StoreError::io("open", &path))?;
        let footer = check_seal(&file).map_err(|error| error.at(&path))?;
        let reader = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let reader = reader.map_err(|error| SealError::Broken(error.to_string()).at(&path))?;
        Ok(Self {
            path,
            file,
            reader,
            footer,
        })
    }

    fn damaged(&self, reason: impl Into<String>) -> StoreError {
        StoreError::DamagedPart {
            path: self.path.clone(),
            reason: reason.into(),
        }
    }

    /// A value of the footer's metadata.
    fn entry(&self, key: &str) -> Option<&str> {
        let metadata = self
            .reader
            .metadata()
            .file_metadata()
            .key_value_metadata()?;
        let entry = metadata.iter().find(|entry| entry.key == key)?;
        entry.value.as_deref()
    }

    /// Checks the file's start and each column, and that nothing lies between them. The footer was
    /// checked when the part was opened.
    fn check_every_byte(&self) -> Result<(), StoreError> {
        let mut position = check_start(&self.file).map_err(|error| error.at(&self.path))?;
        for group in self.reader.metadata().row_groups() {
            for (root, chunk) in group.columns().iter().enumerate() {
                self.check_column(root)?;
                let (start, length) = chunk.byte_range();
                if start != position {
                    return Err(self.damaged("its columns do not follow each other"));
                }
                position = start.saturating_add(length);
            }
        }
        if position != self.footer {
            return Err(self.damaged("its footer does not follow its columns"));
        }
        Ok(())
    }

    /// Every top-level column is one Parquet column, so its place in the schema finds it in the file.
    fn check_column(&self, root: usize) -> Result<(), StoreError> {
        for group in self.reader.metadata().row_groups() {
            let sums = self.entry(SUMS_KEY).unwrap_or_default();
            let chunk = group.columns().get(root).zip(sums.split(' ').nth(root));
            let (chunk, sum) = chunk.ok_or_else(|| self.damaged("it has too few columns"))?;
            check_column(&self.file, chunk.byte_range(), sum)
                .map_err(|error| error.at(&self.path))?;
        }
        Ok(())
    }
}
