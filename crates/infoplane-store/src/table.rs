//! Small tables as Parquet files.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::atomic::write_atomically;
use crate::error::StoreError;
use crate::sealed::CREATED_BY;

/// A named column; every entry may be absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its entries.
    pub data: ColumnData,
}

/// The entries of a column, one a row.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnData {
    /// Real numbers.
    Float(Vec<Option<f64>>),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Truth values.
    Bool(Vec<Option<bool>>),
    /// Words.
    Text(Vec<Option<String>>),
}

impl ColumnData {
    fn len(&self) -> usize {
        match self {
            Self::Float(entries) => entries.len(),
            Self::Integer(entries) => entries.len(),
            Self::Bool(entries) => entries.len(),
            Self::Text(entries) => entries.len(),
        }
    }

    fn array(&self) -> ArrayRef {
        match self {
            Self::Float(entries) => Arc::new(Float64Array::from_iter(entries.iter().copied())),
            Self::Integer(entries) => Arc::new(Int64Array::from_iter(entries.iter().copied())),
            Self::Bool(entries) => Arc::new(BooleanArray::from_iter(entries.iter().copied())),
            Self::Text(entries) => Arc::new(StringArray::from_iter(entries)),
        }
    }
}

/// Writes a table to a Parquet file, as [`write_atomically`] writes. The same columns give the same
/// bytes.
///
/// # Errors
/// [`StoreError::InvalidTable`] where columns differ in length, share a name or are none;
/// [`StoreError::Encode`]; [`StoreError::Io`].
pub fn write_table(path: &Path, columns: &[Column]) -> Result<(), StoreError> {
    let invalid = |reason| StoreError::InvalidTable {
        path: path.to_owned(),
        reason,
    };
    let Some(first) = columns.first() else {
        return Err(invalid("it has no columns".to_owned()));
    };
    for (i, column) in columns.iter().enumerate() {
        if columns[..i].iter().any(|other| other.name == column.name) {
            return Err(invalid(format!("column `{}` is there twice", column.name)));
        }
        if column.data.len() != first.data.len() {
            return Err(invalid(format!(
                "column `{}` has {} rows, column `{}` {}",
                first.name,
                first.data.len(),
                column.name,
                column.data.len()
            )));
        }
    }

    let encode = |source| StoreError::Encode {
        path: path.to_owned(),
        source,
    };
    let arrays: Vec<ArrayRef> = columns.iter().map(|column| column.data.array()).collect();
    let fields: Vec<Field> = columns
        .iter()
        .zip(&arrays)
        .map(|(column, array)| Field::new(&column.name, array.data_type().clone(), true))
        .collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| encode(error.into()))?;
    let properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::SNAPPY)
        .build();
    let bytes = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))
        .and_then(|mut writer| {
            writer.write(&batch)?;
            writer.into_inner()
        })
        .map_err(encode)?;
    write_atomically(path, &bytes)
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int64Type};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

    use super::*;

    fn column(name: &str, data: ColumnData) -> Column {
        Column {
            name: name.to_owned(),
            data,
        }
    }

    #[test]
    fn entries_come_back_with_their_gaps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plane.parquet");
        let text = |text: &str| Some(text.to_owned());
        let columns = [
            column("layer", ColumnData::Text(vec![text("stem"), None])),
            column("ite", ColumnData::Float(vec![None, Some(0.1 + 0.2)])),
            column("depth", ColumnData::Integer(vec![Some(3), Some(-1)])),
            column("cut", ColumnData::Bool(vec![Some(true), None])),
        ];
        write_table(&path, &columns).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        write_table(&path, &columns).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);

        let file = std::fs::File::open(&path).unwrap();
        let mut batches = ParquetRecordBatchReader::try_new(file, 100).unwrap();
        let batch = batches.next().unwrap().unwrap();
        let get = |name| batch.column_by_name(name).unwrap();
        let layers: Vec<_> = get("layer").as_string::<i32>().iter().collect();
        assert_eq!(layers, [Some("stem"), None]);
        let ite: Vec<_> = get("ite").as_primitive::<Float64Type>().iter().collect();
        assert_eq!(ite, [None, Some(0.1 + 0.2)]);
        let depths: Vec<_> = get("depth").as_primitive::<Int64Type>().iter().collect();
        assert_eq!(depths, [Some(3), Some(-1)]);
        let cut: Vec<_> = get("cut").as_boolean().iter().collect();
        assert_eq!(cut, [Some(true), None]);
    }

    #[test]
    fn columns_that_do_not_fit_are_refused_by_name() {
        let path = Path::new("plane.parquet");
        let message = |columns: &[Column]| write_table(path, columns).unwrap_err().to_string();
        let one = column("a", ColumnData::Integer(vec![Some(1)]));
        let two = column("b", ColumnData::Bool(vec![None, None]));
        assert_eq!(
            message(&[one.clone(), two]),
            "the table plane.parquet can't be written: column `a` has 1 rows, column `b` 2"
        );
        assert!(message(&[one.clone(), one]).ends_with("column `a` is there twice"));
        assert!(message(&[]).ends_with("it has no columns"));
    }
}
