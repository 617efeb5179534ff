//! Tables of text: `.csv` and `.tsv`, the first line naming the columns.

use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::inputs::lower_extension;

/// A table as it was read, cells trimmed of spaces.
#[derive(Debug)]
pub(crate) struct TextTable {
    path: PathBuf,
    /// Names of the columns.
    pub(crate) headers: Vec<String>,
    records: Vec<csv::StringRecord>,
}

/// The character between the cells of a table of this name; none where it is no table of text.
pub(crate) fn delimiter(path: &Path) -> Option<u8> {
    match lower_extension(path).as_str() {
        "csv" => Some(b','),
        "tsv" => Some(b'\t'),
        _ => None,
    }
}

impl TextTable {
    /// Reads a file whole.
    ///
    /// # Errors
    /// [`DataError`] where it can't be read, is no UTF-8, or a line has another number of cells.
    pub(crate) fn read(path: &Path, delimiter: u8) -> Result<Self, DataError> {
        let bytes = std::fs::read(path).map_err(|error| DataError::io(path, error))?;
        let malformed = |error: csv::Error| DataError::malformed(path, error.to_string());
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .delimiter(delimiter)
            .from_reader(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
        let headers = reader.headers().map_err(malformed)?;
        let headers = headers.iter().map(str::to_owned).collect();
        let records = reader.records().collect::<Result<_, _>>();
        Ok(Self {
            path: path.into(),
            headers,
            records: records.map_err(malformed)?,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.records.len()
    }

    /// A cell; empty where there is none.
    pub(crate) fn cell(&self, row: usize, column: usize) -> &str {
        let record = self.records.get(row);
        record.and_then(|record| record.get(column)).unwrap_or("")
    }

    /// The cells of a column, from the first row on.
    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = &str> {
        (0..self.n_rows()).map(move |row| self.cell(row, column))
    }

    /// The line of the file in which a row begins, from 1.
    pub(crate) fn line(&self, row: usize) -> u64 {
        let record = self.records.get(row);
        record
            .and_then(csv::StringRecord::position)
            .map_or(0, csv::Position::line)
    }

    /// The column of a name.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.headers.iter().position(|header| header == name)
    }

    /// The same, or an error that lists the columns that are there.
    pub(crate) fn expect(&self, name: &str) -> Result<usize, DataError> {
        self.find(name).ok_or_else(|| DataError::MissingColumn {
            path: self.path.clone(),
            column: name.into(),
            present: self.headers.clone(),
        })
    }

    /// The first of the columns that has one of these names, in any case, likeliest name first.
    pub(crate) fn find_any(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| {
            let mut headers = self.headers.iter();
            headers.position(|header| header.eq_ignore_ascii_case(name))
        })
    }

    /// Takes the first line for a row, and numbers the columns.
    pub(crate) fn without_header(mut self) -> Self {
        let first = csv::StringRecord::from(self.headers);
        self.headers = (1..=first.len()).map(|n| n.to_string()).collect();
        self.records.insert(0, first);
        self
    }
}
