//! Columns of text tables and Parquet files.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Schema};
use parquet::arrow::ProjectionMask;
use parquet::schema::types::SchemaDescriptor;

use super::columns::Column;
use crate::DataError;
use crate::parquet_file::ParquetFile;
use crate::text_table::TextTable;

/// Text that stands for a missing value, besides nothing at all.
const MISSING: [&str; 4] = ["na", "nan", "null", "none"];

/// Rows of a Parquet file read at a time.
const BATCH: usize = 1024;

/// The columns named by `selection`, or all; commas separate names.
fn select(
    path: &Path,
    present: &[String],
    selection: Option<&str>,
) -> Result<Vec<usize>, DataError> {
    let Some(selection) = selection else {
        return Ok((0..present.len()).collect());
    };
    // A name may hold commas itself.
    if let Some(at) = present.iter().position(|name| name == selection) {
        return Ok(vec![at]);
    }
    let find = |name: &str| {
        let at = present.iter().position(|present| present == name.trim());
        at.ok_or_else(|| DataError::MissingColumn {
            path: path.to_path_buf(),
            column: name.trim().to_owned(),
            present: present.to_vec(),
        })
    };
    selection.split(',').map(find).collect()
}

/// A text table whose first line names the columns.
pub(super) fn read_text(
    path: &Path,
    delimiter: u8,
    selection: Option<&str>,
) -> Result<Vec<Column>, DataError> {
    let table = TextTable::read(path, delimiter)?;
    let chosen = select(path, &table.headers, selection)?;
    Ok(columns_of(&table, &chosen))
}

/// Columns of a text table.
pub(crate) fn columns_of(table: &TextTable, chosen: &[usize]) -> Vec<Column> {
    let column = |&at: &usize| {
        let cells = table.column(at).map(str::to_owned).collect();
        of_text(table.headers[at].clone(), cells)
    };
    chosen.iter().map(column).collect()
}

/// Numbers where every cell that is not missing is one.
fn of_text(name: String, cells: Vec<String>) -> Column {
    let missing = |cell: &str| {
        cell.is_empty()
            || MISSING
                .iter()
                .any(|missing| cell.eq_ignore_ascii_case(missing))
    };
    let number = |cell: &String| match missing(cell) {
        true => Some(f64::NAN),
        false => cell.parse::<f64>().ok(),
    };
    let has_values = cells.iter().any(|cell| !missing(cell));
    let numbers: Option<Vec<f64>> = cells.iter().map(number).collect();
    match numbers.filter(|_| has_values) {
        Some(data) if cells.iter().all(|c| missing(c) || c.parse::<i64>().is_ok()) => {
            Column::whole(name, data)
        }
        Some(data) => Column::numbers(name, data, 1),
        None => {
            let cells = cells
                .into_iter()
                .map(|cell| (!missing(&cell)).then_some(cell));
            Column::text(name, cells.collect())
        }
    }
}

/// The named columns of a Parquet file, or those of numbers.
pub(super) fn read_parquet_selected(
    path: &Path,
    selection: Option<&str>,
) -> Result<Vec<Column>, DataError> {
    read_parquet(path, |schema, present| match selection {
        Some(_) => select(path, present, selection),
        None => Ok(numeric(schema)),
    })
}

/// Columns of a Parquet file, which `choose` takes from its schema and their names.
pub(crate) fn read_parquet(
    path: &Path,
    choose: impl FnOnce(&Schema, &[String]) -> Result<Vec<usize>, DataError>,
) -> Result<Vec<Column>, DataError> {
    let malformed = |reason: String| DataError::malformed(path, reason);
    let file = ParquetFile::open(path)?;
    let schema = file.schema();
    let present: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let chosen = choose(schema, &present)?;
    if chosen.is_empty() {
        return Err(DataError::MissingColumn {
            path: path.to_path_buf(),
            column: ":COLUMN".to_owned(),
            present,
        });
    }
    for &at in &chosen {
        let kind = schema.field(at).data_type();
        if !is_readable(kind) {
            return Err(malformed(format!(
                "column `{}`: type {kind}; allowed are numbers, lists of numbers, text and booleans",
                present[at]
            )));
        }
    }
    let mask = |schema: &SchemaDescriptor| ProjectionMask::roots(schema, chosen.iter().copied());
    let batches = file.read(mask, None, BATCH).map_err(malformed)?;
    let column = |&at: &usize| {
        let name = &present[at];
        let pieces: Option<Vec<ArrayRef>> = batches
            .iter()
            .map(|batch| batch.column_by_name(name).cloned())
            .collect();
        let kind = schema.field(at).data_type();
        of_arrow(name, kind, &pieces.unwrap_or_default())
            .map_err(|reason| malformed(format!("column `{name}`: {reason}")))
    };
    chosen.iter().map(column).collect()
}

/// Numbers, lists of numbers, text and booleans.
fn is_readable(kind: &DataType) -> bool {
    match kind {
        DataType::FixedSizeList(item, _) | DataType::List(item) | DataType::LargeList(item) => {
            is_number(item.data_type())
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean => true,
        kind => is_number(kind),
    }
}

/// Integers and floats; decimals are none.
fn is_number(kind: &DataType) -> bool {
    kind.is_integer() || kind.is_floating()
}

/// The columns of numbers.
fn numeric(schema: &Schema) -> Vec<usize> {
    let fields = schema.fields().iter().enumerate();
    fields
        .filter(|(_, field)| match field.data_type() {
            DataType::FixedSizeList(item, _) | DataType::List(item) => is_number(item.data_type()),
            kind => is_number(kind),
        })
        .map(|(at, _)| at)
        .collect()
}

/// A column of a type that [`is_readable`].
fn of_arrow(name: &str, kind: &DataType, pieces: &[ArrayRef]) -> Result<Column, String> {
    match kind {
        DataType::FixedSizeList(_, _) | DataType::List(_) | DataType::LargeList(_) => {
            of_lists(name, pieces)
        }
        kind if is_number(kind) => {
            let data = all_floats(pieces)?;
            Ok(match kind.is_integer() {
                true => Column::whole(name.to_owned(), data),
                false => Column::numbers(name.to_owned(), data, 1),
            })
        }
        _ => {
            let mut cells = Vec::new();
            for piece in pieces {
                match kind {
                    DataType::Utf8 => cells.extend(owned(piece.as_string::<i32>().iter())),
                    DataType::LargeUtf8 => cells.extend(owned(piece.as_string::<i64>().iter())),
                    DataType::Utf8View => cells.extend(owned(piece.as_string_view().iter())),
                    _ => {
                        let flags = piece.as_boolean().iter();
                        cells.extend(flags.map(|flag| flag.map(|flag| flag.to_string())));
                    }
                }
            }
            Ok(Column::text(name.to_owned(), cells))
        }
    }
}

fn of_lists(name: &str, pieces: &[ArrayRef]) -> Result<Column, String> {
    let (mut data, mut width) = (Vec::new(), None);
    for piece in pieces {
        for row in 0..piece.len() {
            let list = match piece.data_type() {
                _ if piece.is_null(row) => return Err(format!("row {row} of a piece is null")),
                DataType::FixedSizeList(_, _) => piece.as_fixed_size_list().value(row),
                DataType::List(_) => piece.as_list::<i32>().value(row),
                _ => piece.as_list::<i64>().value(row),
            };
            match *width.get_or_insert(list.len()) {
                0 => return Err("empty lists".to_owned()),
                width if width != list.len() => {
                    return Err(format!("lists of {width} and of {} numbers", list.len()));
                }
                _ => data.extend(floats(&list)?),
            }
        }
    }
    Ok(Column::numbers(name.to_owned(), data, width.unwrap_or(1)))
}

fn all_floats(pieces: &[ArrayRef]) -> Result<Vec<f64>, String> {
    let mut data = Vec::new();
    for piece in pieces {
        data.extend(floats(piece)?);
    }
    Ok(data)
}

/// Numbers; NaN for nulls.
fn floats(array: &ArrayRef) -> Result<Vec<f64>, String> {
    macro_rules! numbers {
        ($kind:ty, $convert:expr) => {
            array
                .as_primitive::<$kind>()
                .iter()
                .map(|value| value.map_or(f64::NAN, $convert))
                .collect()
        };
    }
    Ok(match array.data_type() {
        DataType::Float64 => numbers!(Float64Type, |v| v),
        DataType::Float32 => numbers!(Float32Type, f64::from),
        DataType::Float16 => numbers!(Float16Type, f64::from),
        DataType::Int8 => numbers!(Int8Type, f64::from),
        DataType::Int16 => numbers!(Int16Type, f64::from),
        DataType::Int32 => numbers!(Int32Type, f64::from),
        DataType::Int64 => numbers!(Int64Type, |v| v as f64),
        DataType::UInt8 => numbers!(UInt8Type, f64::from),
        DataType::UInt16 => numbers!(UInt16Type, f64::from),
        DataType::UInt32 => numbers!(UInt32Type, f64::from),
        DataType::UInt64 => numbers!(UInt64Type, |v| v as f64),
        other => return Err(format!("type {other}; expected numbers")),
    })
}

fn owned<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> impl Iterator<Item = Option<String>> {
    cells.map(|cell| cell.map(str::to_owned))
}
