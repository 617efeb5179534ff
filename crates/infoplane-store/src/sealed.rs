//! Parquet files of one batch that carry checksums over every byte of theirs, and what they say of
//! themselves in their key-value metadata.

use std::fs::File;
use std::path::PathBuf;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::Fields;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::error::StoreError;
use crate::seal::{
    SEAL_KEY, SealError, blank_seal, check_column, check_seal, check_start, column_sum, seal,
};

/// The program, as it stands in the files it writes.
pub(crate) const CREATED_BY: &str = concat!("infoplane ", env!("CARGO_PKG_VERSION"));

/// Checksums of the columns, in the order of the schema, parted by spaces; none without rows.
const SUMS_KEY: &str = "infoplane.checksums";

/// The bytes of a file with this batch and metadata: a function of both alone.
pub(crate) fn encode_sealed(
    batch: &RecordBatch,
    metadata: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<Vec<u8>, ParquetError> {
    let entry = |(key, value): (&'static str, String)| KeyValue::new(key.to_owned(), value);
    let properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::SNAPPY)
        // Almost every number occurs once: a dictionary and ranges would only add bytes.
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_key_value_metadata(Some(metadata.into_iter().map(entry).collect()))
        .build();
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

/// A file whose footer was found right.
pub(crate) struct SealedFile {
    pub path: PathBuf,
    file: File,
    reader: ArrowReaderMetadata,
    /// Where the footer begins.
    footer: u64,
}

impl SealedFile {
    pub fn open(path: PathBuf) -> Result<Self, StoreError> {
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

    pub fn damaged(&self, reason: impl Into<String>) -> StoreError {
        StoreError::DamagedPart {
            path: self.path.clone(),
            reason: reason.into(),
        }
    }

    /// The columns.
    pub fn fields(&self) -> &Fields {
        self.reader.schema().fields()
    }

    /// A value of the footer's metadata.
    pub fn entry(&self, key: &str) -> Option<&str> {
        let metadata = self
            .reader
            .metadata()
            .file_metadata()
            .key_value_metadata()?;
        let entry = metadata.iter().find(|entry| entry.key == key)?;
        entry.value.as_deref()
    }

    /// Checks the file's start and each column, and that nothing lies between them. The footer was
    /// checked when the file was opened.
    pub fn check_every_byte(&self) -> Result<(), StoreError> {
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

    /// Reads one column, and only that, checks it, and hands it to `visit` piece by piece. `visit`
    /// answers `None` where it is not of the type it expects.
    pub fn read_column(
        &self,
        name: &str,
        mut visit: impl FnMut(&ArrayRef) -> Option<()>,
    ) -> Result<(), StoreError> {
        let unexpected = || self.damaged(format!("its column {name} is not as it was written"));
        let root = self
            .reader
            .schema()
            .index_of(name)
            .map_err(|_| unexpected())?;
        self.check_column(root)?;
        let file = self.file.try_clone();
        let file = file.map_err(StoreError::io("read", &self.path))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.reader.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), [root]);
        let n_rows = self.reader.metadata().file_metadata().num_rows();
        let batches = builder
            .with_projection(mask)
            .with_batch_size(usize::try_from(n_rows).unwrap_or(usize::MAX).max(1))
            .build();
        for batch in batches.map_err(|error| self.damaged(error.to_string()))? {
            let batch = batch.map_err(|error| self.damaged(error.to_string()))?;
            batch
                .columns()
                .first()
                .and_then(&mut visit)
                .ok_or_else(unexpected)?;
        }
        Ok(())
    }
}
