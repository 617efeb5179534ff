//! One variable of a table or an array: numbers, or classes, one row a sample.

pub(crate) mod columns;
pub(crate) mod table;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::npy::{NpyArray, NpzFile, read_npy};
use columns::Column;

/// How a variable is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariableKind {
    /// Text, booleans, and a single column of whole numbers that repeat ([`REPEATS`]) are classes;
    /// everything else is numbers.
    #[default]
    Auto,
    /// Numbers.
    Numbers,
    /// Classes.
    Classes,
}

/// Whole numbers are taken for classes where each occurs at least this often on average.
pub const REPEATS: usize = 5;

/// A variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// The file with its key or columns, for messages.
    pub name: String,
    /// What it holds.
    pub values: Values,
}

/// The values of a variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Vectors, one a sample.
    Numbers {
        /// Row-major `[n, width]`; NaN where a number is missing.
        data: Vec<f64>,
        /// Length of a vector.
        width: usize,
    },
    /// The class of each sample.
    Classes {
        /// By sample; none where it is missing.
        classes: Vec<Option<u32>>,
        /// Names by class.
        names: Vec<String>,
    },
}

impl Variable {
    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        match &self.values {
            Values::Numbers { data, width } => data.len() / (*width).max(1),
            Values::Classes { classes, .. } => classes.len(),
        }
    }

    /// Reads `FILE`, `FILE:KEY` or `FILE:COLUMN,COLUMN…`.
    ///
    /// - `.npy`: rows are samples; further axes are flattened.
    /// - `.npz`: the array `KEY`; without a key the only one.
    /// - `.csv`, `.tsv`: the named columns, or all of them; the first line names them.
    /// - `.parquet`: the named columns, or all of them; a column of lists is a vector.
    ///
    /// # Errors
    /// [`DataError::MissingColumn`] with the names that are there; [`DataError::Malformed`] for a file
    /// that breaks its format's rules, several columns of classes at once, or columns of no number
    /// where numbers are asked for; [`DataError::NotFound`] and [`DataError::Io`].
    pub fn read(spec: &str, kind: VariableKind) -> Result<Variable, DataError> {
        let (path, selection) = split(spec);
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        let columns = match extension.as_deref() {
            Some("npy") => {
                if selection.is_some() {
                    let reason = "an .npy holds one array, and takes no `:KEY`".to_owned();
                    return Err(DataError::malformed(&path, reason));
                }
                of_array(&read_npy(&path)?)?
            }
            Some("npz") => of_array(&from_archive(&path, selection.as_deref())?)?,
            Some("csv") => table::read_text(&path, b',', selection.as_deref())?,
            Some("tsv") => table::read_text(&path, b'\t', selection.as_deref())?,
            Some("parquet") => table::read_parquet_selected(&path, selection.as_deref())?,
            _ => {
                let reason = "not a variable; allowed are .npy, .npz, .csv, .tsv and .parquet, with \
                              `:KEY` or `:COLUMN,COLUMN` behind it";
                return Err(match path.exists() {
                    true => DataError::malformed(&path, reason.to_owned()),
                    false => DataError::NotFound { path },
                });
            }
        };
        let values = columns::values(columns, kind)
            .map_err(|reason| DataError::malformed(Path::new(spec), reason))?;
        Ok(Variable {
            name: spec.to_owned(),
            values,
        })
    }
}

/// The file, and what follows the last colon if the whole is no file.
fn split(spec: &str) -> (PathBuf, Option<String>) {
    let whole = PathBuf::from(spec);
    match spec.rsplit_once(':') {
        Some((file, selection))
            if !whole.exists() && !file.is_empty() && !selection.contains(['/', '\\']) =>
        {
            (PathBuf::from(file), Some(selection.to_owned()))
        }
        // Keys of a run's vectors hold slashes.
        Some((file, selection)) if !whole.exists() && Path::new(file).is_file() => {
            (PathBuf::from(file), Some(selection.to_owned()))
        }
        _ => (whole, None),
    }
}

fn from_archive(path: &Path, key: Option<&str>) -> Result<NpyArray, DataError> {
    let mut archive = NpzFile::open(path)?;
    let keys = archive.keys();
    match (key, keys.as_slice()) {
        (Some(key), _) if keys.iter().any(|k| k == key) => archive.read(key),
        (None, [only]) => archive.read(only),
        _ => Err(DataError::MissingColumn {
            path: path.to_path_buf(),
            column: key.unwrap_or(":KEY").to_owned(),
            present: keys,
        }),
    }
}

fn of_array(array: &NpyArray) -> Result<Vec<Column>, DataError> {
    let Some((&n, rest)) = array.shape().split_first() else {
        let reason = "one number; expected one a sample".to_owned();
        return Err(DataError::malformed(array.origin(), reason));
    };
    let width: usize = rest.iter().product();
    if n > 0 && width == 0 {
        let reason = format!("shape {:?} holds no numbers", array.shape());
        return Err(DataError::malformed(array.origin(), reason));
    }
    let data: Vec<f64> = array.to_f64().into_iter().collect();
    let name = array.origin().display().to_string();
    Ok(vec![match width {
        1 if array.dtype().is_integer() => Column::whole(name, data),
        _ => Column::numbers(name, data, width),
    }])
}

#[cfg(test)]
mod tests;
