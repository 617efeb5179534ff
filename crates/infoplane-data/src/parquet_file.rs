//! Columns of a Parquet file, in memory that its length bounds.
//!
//! The `parquet` crate takes a file at its word: it makes room for as much as a page's header claims,
//! and a run of a few bytes may stand for billions of values. So what the pages of a column claim is
//! held against the file's length before they are decoded, and what they decode to as it is read.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::SchemaDescriptor;

use crate::error::DataError;
use crate::guard::guarded;

mod pages;

use pages::{PageHeaders, check_footer};

/// A file's layout and its length in bytes; the data are read on demand.
pub(crate) struct ParquetFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    length: u64,
}

impl ParquetFile {
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let io = |error| DataError::io(path, error);
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let metadata = guarded(|| {
            check_footer(&file, length).map_err(|error| error.to_string())?;
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
                .map_err(|error| error.to_string())
        })
        .map_err(|reason| DataError::malformed(path, format!("not a Parquet file: {reason}")))?;
        Ok(Self {
            path: path.to_owned(),
            metadata,
            length,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn schema(&self) -> &Schema {
        self.metadata.schema()
    }

    pub(crate) fn metadata(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    /// Reads the columns that `columns` takes of the file, of all rows or of one row group, in pieces of
    /// at most `rows`. The error is a reason for a person.
    pub(crate) fn read(
        &self,
        columns: impl FnOnce(&SchemaDescriptor) -> ProjectionMask,
        row_group: Option<usize>,
        rows: usize,
    ) -> Result<Vec<RecordBatch>, String> {
        let mask = columns(self.metadata.parquet_schema());
        let file = File::open(&self.path).map_err(|error| error.to_string())?;
        guarded(|| {
            Claims::of(self.length).check(&file, &self.metadata, &mask, row_group)?;
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                    .with_projection(mask)
                    .with_batch_size(rows);
            let builder = match row_group {
                Some(row_group) => builder.with_row_groups(vec![row_group]),
                None => builder,
            };
            let reader = builder.build().map_err(|error| error.to_string())?;
            let (mut batches, mut bytes) = (Vec::new(), 0);
            let allowed = decoded_bytes(self.length);
            for batch in reader {
                let batch = batch.map_err(|error| error.to_string())?;
                bytes += batch.get_array_memory_size() as u64;
                if bytes > allowed {
                    return Err(format!(
                        "its columns take more than {allowed} bytes in memory, which is too much for \
                         a file of {} bytes",
                        self.length
                    ));
                }
                batches.push(batch);
            }
            Ok(batches)
        })
    }
}

/// Bytes that columns may take in memory: 256 MiB, and as much as a file may grow.
fn decoded_bytes(length: u64) -> u64 {
    (256 << 20) + length.saturating_mul(256)
}

/// What the pages that are read claim.
struct Claims {
    /// Bytes after decompression. Snappy, the one compression that is read, makes at most 64 bytes of 3.
    bytes: Claim,
    /// Numbers, texts and nulls. A run of equal ones takes a few bytes whatever its length, so the
    /// file's length alone can't bound them.
    values: Claim,
}

impl Claims {
    /// Those that a file of `length` bytes may make.
    fn of(length: u64) -> Self {
        let none = |what, allowed| Claim {
            what,
            claimed: 0,
            allowed,
            length,
        };
        Self {
            bytes: none("bytes", (1 << 20) + length.saturating_mul(64 / 3 + 1)),
            values: none("values", (16 << 20) + length.saturating_mul(8)),
        }
    }

    /// Refuses pages that claim more than the file can hold.
    fn check(
        mut self,
        file: &File,
        metadata: &ArrowReaderMetadata,
        mask: &ProjectionMask,
        row_group: Option<usize>,
    ) -> Result<(), String> {
        for field in metadata.schema().fields() {
            // Nulls take as much room as lists of that width.
            if let DataType::FixedSizeList(_, width) = field.data_type() {
                let rows = u64::try_from(metadata.metadata().file_metadata().num_rows());
                let width = u64::try_from(*width).unwrap_or(0);
                let values = rows.unwrap_or(0).saturating_mul(width);
                self.values.clone().add(values, field.name())?;
            }
        }
        let groups = metadata.metadata().row_groups().iter().enumerate();
        let groups = groups.filter(|(at, _)| row_group.is_none_or(|row_group| row_group == *at));
        for (_, group) in groups {
            let chunks = group.columns().iter().enumerate();
            for (_, chunk) in chunks.filter(|(leaf, _)| mask.leaf_included(*leaf)) {
                let column = chunk.column_path().string();
                let (start, length) = chunk.byte_range();
                for page in PageHeaders::new(file, start, length) {
                    let page = page.map_err(|error| format!("column `{column}`: {error}"))?;
                    self.bytes.add(page.uncompressed, &column)?;
                    self.values.add(page.values, &column)?;
                    // The values of a dictionary stand there one by one; each text has its length.
                    if page.is_dictionary && page.values > page.uncompressed {
                        return Err(format!(
                            "column `{column}`: a dictionary of {} bytes claims {} values",
                            page.uncompressed, page.values
                        ));
                    }
                    if let Some(encoding) = page.unbounded_encoding() {
                        return Err(format!(
                            "column `{column}` is encoded as {encoding}; allowed are the plain and \
                             dictionary encodings, and deltas and split bytes of numbers"
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A sum that a file's length bounds.
#[derive(Clone)]
struct Claim {
    what: &'static str,
    claimed: u64,
    allowed: u64,
    /// Bytes of the file.
    length: u64,
}

impl Claim {
    fn add(&mut self, more: u64, column: &str) -> Result<(), String> {
        self.claimed = self.claimed.saturating_add(more);
        if self.claimed > self.allowed {
            return Err(format!(
                "up to column `{column}` its pages claim {} {}; a file of {} bytes may have {}",
                self.claimed, self.what, self.length, self.allowed
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
