//! Rows as columns, for the files `.csv` and `.parquet`.

use std::path::Path;

use infoplane_store::{Column, ColumnData, write_atomically, write_table};
use serde::Serialize;

use crate::{Interval, PlaneError};

/// Makes columns of rows. An entry that is absent is empty (csv) or null (parquet).
pub(crate) struct Table<'a, R> {
    rows: &'a [R],
    columns: Vec<Column>,
}

impl<'a, R> Table<'a, R> {
    pub(crate) fn new(rows: &'a [R]) -> Self {
        Self {
            rows,
            columns: Vec::new(),
        }
    }

    fn push(&mut self, name: &str, data: ColumnData) {
        self.columns.push(Column {
            name: name.to_owned(),
            data,
        });
    }

    pub(crate) fn text(&mut self, name: &str, get: impl Fn(&R) -> Option<String>) {
        self.push(name, ColumnData::Text(self.rows.iter().map(get).collect()));
    }

    pub(crate) fn integer(&mut self, name: &str, get: impl Fn(&R) -> Option<usize>) {
        let numbers = self.rows.iter().map(|row| i64::try_from(get(row)?).ok());
        self.push(name, ColumnData::Integer(numbers.collect()));
    }

    pub(crate) fn bool(&mut self, name: &str, get: impl Fn(&R) -> Option<bool>) {
        self.push(name, ColumnData::Bool(self.rows.iter().map(get).collect()));
    }

    pub(crate) fn float(&mut self, name: &str, get: impl Fn(&R) -> Option<f64>) {
        self.push(name, ColumnData::Float(self.rows.iter().map(get).collect()));
    }

    /// `NAME_value`, `NAME_ci_low` and `NAME_ci_high`.
    pub(crate) fn interval(&mut self, name: &str, get: impl Fn(&R) -> Option<Interval>) {
        self.float(&format!("{name}_value"), |row| Some(get(row)?.value));
        self.float(&format!("{name}_ci_low"), |row| Some(get(row)?.ci[0]));
        self.float(&format!("{name}_ci_high"), |row| Some(get(row)?.ci[1]));
    }

    /// Writes `folder/file`, whole or not at all.
    pub(crate) fn write_csv(&self, folder: &Path, file: &'static str) -> Result<(), PlaneError> {
        let bytes = csv(&self.columns, self.rows.len());
        let bytes = bytes.map_err(|reason| PlaneError::Encode { file, reason })?;
        Ok(write_atomically(&folder.join(file), &bytes)?)
    }

    /// Writes `folder/file`, whole or not at all.
    pub(crate) fn write_parquet(&self, folder: &Path, file: &str) -> Result<(), PlaneError> {
        Ok(write_table(&folder.join(file), &self.columns)?)
    }
}

/// Writes `value` as `folder/file`, whole or not at all.
pub(crate) fn write_json(
    folder: &Path,
    file: &'static str,
    value: &impl Serialize,
) -> Result<(), PlaneError> {
    let mut json = serde_json::to_vec_pretty(value).map_err(|error| PlaneError::Encode {
        file,
        reason: error.to_string(),
    })?;
    json.push(b'\n');
    Ok(write_atomically(&folder.join(file), &json)?)
}

fn csv(columns: &[Column], n_rows: usize) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = columns.iter().map(|column| &column.name);
    writer
        .write_record(names)
        .map_err(|error| error.to_string())?;
    for row in 0..n_rows {
        let cells = columns.iter().map(|column| cell(&column.data, row));
        writer
            .write_record(cells)
            .map_err(|error| error.to_string())?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

/// Numbers in the fewest digits that read back the same.
fn cell(data: &ColumnData, row: usize) -> String {
    fn shown<T: ToString>(entries: &[Option<T>], row: usize) -> String {
        let entry = entries.get(row).and_then(Option::as_ref);
        entry.map(T::to_string).unwrap_or_default()
    }
    match data {
        ColumnData::Float(entries) => shown(entries, row),
        ColumnData::Integer(entries) => shown(entries, row),
        ColumnData::Bool(entries) => shown(entries, row),
        ColumnData::Text(entries) => shown(entries, row),
    }
}
