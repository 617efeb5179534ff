//! One part: a Parquet file with a fixed range of samples.
//!
//! Skipped samples have no row; they stand, as JSON, in the file's key-value metadata, together with
//! the run the part belongs to, the range it covers and the checksums. So a part says by itself that
//! it is whole.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use parquet::errors::ParquetError;

use crate::error::StoreError;
use crate::layout::Layout;
use crate::record::{SampleOutcome, SampleRecord, SkippedSample};
use crate::schema::element_field;
use crate::sealed::{SealedFile, encode_sealed};

/// The run that a file belongs to.
pub(crate) const RUN_KEY: &str = "infoplane.run";
const FIRST_KEY: &str = "infoplane.first";
const COUNT_KEY: &str = "infoplane.count";
const SKIPPED_KEY: &str = "infoplane.skipped";

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
    encode_sealed(&batch, metadata).map_err(encode)
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
    let opened = SealedFile::open(layout.part_path(part))?;
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
    if opened.fields() != layout.schema.fields() {
        return Err(opened.damaged("its columns are not those of the run"));
    }

    let mut indices = Vec::new();
    opened.read_column("index", |column| {
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
    visit: impl FnMut(&ArrayRef) -> Option<()>,
) -> Result<(), StoreError> {
    SealedFile::open(layout.part_path(part))?.read_column(name, visit)
}
