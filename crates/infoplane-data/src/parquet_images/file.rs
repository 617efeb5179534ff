//! One Parquet file: its image and label columns.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};
use parquet::arrow::ProjectionMask;
use parquet::schema::types::SchemaDescriptor;

use crate::dataset::ClassIndex;
use crate::error::DataError;
use crate::parquet_file::ParquetFile;

/// Names of an image column, the likeliest first.
const IMAGE_COLUMNS: [&str; 3] = ["image", "img", "jpg"];
/// Names of a label column, the likeliest first.
const LABEL_COLUMNS: [&str; 4] = ["label", "labels", "fine_label", "cls"];
/// Rows read at a time.
const BATCH: usize = 64;

/// A file's layout; the data are read on demand.
pub(super) struct ImageFile {
    file: ParquetFile,
    /// Index of the image column among the top-level columns.
    image: usize,
    /// Index and name of the label column.
    label: Option<(usize, String)>,
}

/// A row's place in a file.
pub(super) struct RowAt {
    pub(super) row_group: usize,
    pub(super) row: usize,
}

impl ImageFile {
    /// Opens a file; `label` names its label column, which is found by its usual names where there is
    /// none.
    pub(super) fn open(path: &Path, label: Option<&str>) -> Result<Self, DataError> {
        let file = ParquetFile::open(path)?;
        let schema = file.schema();
        let image = IMAGE_COLUMNS
            .iter()
            .find_map(|name| schema.column_with_name(name))
            .or_else(|| {
                schema
                    .fields()
                    .iter()
                    .enumerate()
                    .find(|(_, f)| is_image(f.data_type()))
                    .map(|(i, f)| (i, f.as_ref()))
            })
            .ok_or_else(|| missing(path, schema, "image"))?;
        if !is_image(image.1.data_type()) {
            return Err(DataError::malformed(
                path,
                format!(
                    "column `{}` has type {}; expected encoded images: binary, or a struct \
                     with a binary field `bytes`",
                    image.1.name(),
                    image.1.data_type()
                ),
            ));
        }
        let image = image.0;
        check_row_counts(&file).map_err(|reason| DataError::malformed(path, reason))?;
        let label = match label {
            Some(name) => {
                let found = schema.column_with_name(name);
                let (index, _) = found.ok_or_else(|| missing(path, schema, name))?;
                Some((index, name.to_owned()))
            }
            None => label_column(schema),
        };
        if let Some((index, name)) = &label
            && !schema.field(*index).data_type().is_integer()
        {
            return Err(DataError::malformed(
                path,
                format!(
                    "column `{name}` has type {}; expected class indices",
                    schema.field(*index).data_type()
                ),
            ));
        }
        Ok(Self { file, image, label })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn label_column(&self) -> Option<&str> {
        self.label.as_ref().map(|(_, name)| name.as_str())
    }

    /// Every row in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = RowAt> {
        let groups = self.file.metadata().row_groups().iter().enumerate();
        groups.flat_map(|(row_group, group)| {
            let rows = usize::try_from(group.num_rows()).unwrap_or(0);
            (0..rows).map(move |row| RowAt { row_group, row })
        })
    }

    /// Uncompressed bytes of a row group.
    pub(super) fn row_group_bytes(&self, row_group: usize) -> u64 {
        let bytes = self.file.metadata().row_group(row_group).total_byte_size();
        u64::try_from(bytes).unwrap_or(0)
    }

    /// Class names by class index, from the metadata that `datasets` writes; empty where there are
    /// none.
    pub(super) fn class_names(&self) -> Vec<String> {
        let named = self.label_column().and_then(|column| {
            let features = features(self.file.schema())?;
            let names = features.get(column)?.get("names")?.as_array()?.clone();
            names
                .iter()
                .map(|name| name.as_str().map(Into::into))
                .collect()
        });
        named.unwrap_or_default()
    }

    /// Class of every row; none for nulls and negative numbers.
    pub(super) fn read_labels(&self) -> Result<Vec<Option<ClassIndex>>, DataError> {
        let Some((column, _)) = self.label else {
            return Ok(vec![None; self.rows().count()]);
        };
        let malformed = |reason| DataError::malformed(self.path(), reason);
        let mut labels = Vec::new();
        for column in self.read(column, None).map_err(malformed)? {
            labels.extend(class_indices(&column).map_err(malformed)?);
        }
        if labels.len() != self.rows().count() {
            return Err(malformed(
                "the label column has another length than the table".into(),
            ));
        }
        Ok(labels)
    }

    /// The images of one row group. The error is a reason for a person.
    pub(super) fn read_images(&self, row_group: usize) -> Result<EncodedImages, String> {
        let columns = self.read(self.image, Some(row_group))?;
        let columns = columns.iter().map(encoded).collect::<Result<_, _>>()?;
        Ok(EncodedImages(columns))
    }

    /// A column of the whole file or of one row group, in pieces of [`BATCH`] rows. Of images nothing
    /// but the bytes.
    fn read(&self, column: usize, row_group: Option<usize>) -> Result<Vec<ArrayRef>, String> {
        let mask = |schema: &SchemaDescriptor| {
            let leaves = (0..schema.num_columns()).filter(|&leaf| {
                let leaf_column = schema.column(leaf);
                let within = leaf_column.path().parts();
                schema.get_column_root_idx(leaf) == column
                    && (within.len() == 1 || within[1] == "bytes")
            });
            ProjectionMask::leaves(schema, leaves)
        };
        let batches = self.file.read(mask, row_group, BATCH)?;
        let first = |batch: RecordBatch| batch.columns().first().cloned();
        Ok(batches.into_iter().filter_map(first).collect())
    }
}

fn missing(path: &Path, schema: &Schema, column: &str) -> DataError {
    let fields = schema.fields().iter();
    DataError::MissingColumn {
        path: path.into(),
        column: column.into(),
        present: fields.map(|field| field.name().clone()).collect(),
    }
}

/// Refuses row counts that a file of that length cannot hold; an encoded image has many bytes.
fn check_row_counts(file: &ParquetFile) -> Result<(), String> {
    let mut total = 0u64;
    for group in file.metadata().row_groups() {
        let rows = u64::try_from(group.num_rows()).unwrap_or(u64::MAX);
        total = total.saturating_add(rows);
    }
    if total > file.length() {
        return Err(format!(
            "the file claims {total} rows but has only {} bytes",
            file.length()
        ));
    }
    Ok(())
}

/// Encoded images of a row group, in binary columns of [`BATCH`] rows.
pub(super) struct EncodedImages(Vec<ArrayRef>);

impl EncodedImages {
    /// An image's bytes; nothing for a null or a row that is not there.
    pub(super) fn get(&self, row: usize) -> Option<&[u8]> {
        let column = self.0.get(row / BATCH)?;
        let row = row % BATCH;
        if row >= column.len() || column.is_null(row) {
            return None;
        }
        match column.data_type() {
            DataType::Binary => column
                .as_binary_opt::<i32>()
                .map(|column| column.value(row)),
            _ => column
                .as_binary_opt::<i64>()
                .map(|column| column.value(row)),
        }
    }
}

fn is_binary(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary)
}

fn is_image(kind: &DataType) -> bool {
    match kind {
        DataType::Struct(fields) => fields
            .iter()
            .any(|field| field.name() == "bytes" && is_binary(field.data_type())),
        kind => is_binary(kind),
    }
}

fn encoded(column: &ArrayRef) -> Result<ArrayRef, String> {
    match column.as_struct_opt() {
        Some(fields) => fields
            .column_by_name("bytes")
            .cloned()
            .ok_or_else(|| "the image column has no field `bytes`".into()),
        None => Ok(column.clone()),
    }
}

fn class_indices(column: &ArrayRef) -> Result<Vec<Option<ClassIndex>>, String> {
    macro_rules! indices {
        ($kind:ty) => {
            column
                .as_primitive::<$kind>()
                .iter()
                .map(|label| usize::try_from(label?).ok().map(ClassIndex))
                .collect()
        };
    }
    Ok(match column.data_type() {
        DataType::Int8 => indices!(Int8Type),
        DataType::Int16 => indices!(Int16Type),
        DataType::Int32 => indices!(Int32Type),
        DataType::Int64 => indices!(Int64Type),
        DataType::UInt8 => indices!(UInt8Type),
        DataType::UInt16 => indices!(UInt16Type),
        DataType::UInt32 => indices!(UInt32Type),
        DataType::UInt64 => indices!(UInt64Type),
        other => return Err(format!("labels of type {other}; expected class indices")),
    })
}

/// The features that Hugging Face's `datasets` describes in a file's metadata.
fn features(schema: &Schema) -> Option<serde_json::Map<String, serde_json::Value>> {
    let text = schema.metadata().get("huggingface")?;
    let mut description: serde_json::Value = serde_json::from_str(text).ok()?;
    match description.get_mut("info")?.get_mut("features")?.take() {
        serde_json::Value::Object(features) => Some(features),
        _ => None,
    }
}

/// The usual name, else the first column that the metadata call a class label.
fn label_column(schema: &Schema) -> Option<(usize, String)> {
    let usual = LABEL_COLUMNS
        .iter()
        .find_map(|name| schema.column_with_name(name));
    let described = || {
        features(schema)?
            .iter()
            .find(|(_, feature)| {
                feature
                    .get("_type")
                    .is_some_and(|kind| kind == "ClassLabel")
            })
            .and_then(|(name, _)| schema.column_with_name(name))
    };
    let (index, field) = usual.or_else(described)?;
    Some((index, field.name().clone()))
}
