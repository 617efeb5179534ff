//! What is done to the features: (x − mean) / std.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{TableOptions, listed};
use crate::error::DataError;
use crate::open::source_name;
use crate::text_table::{TextTable, delimiter};

/// Where the mean and the standard deviation of each feature come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standardise {
    /// The table itself, all its rows: what scikit-learn's `StandardScaler` fits to them.
    Data,
    /// A `.csv` or `.tsv` with the columns `feature`, `mean` and `std`.
    File(PathBuf),
}

impl FromStr for Standardise {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "data" => Self::Data,
            file => Self::File(file.into()),
        })
    }
}

/// Mean and standard deviation by feature, and where they come from.
pub(super) struct Scale {
    mean: Vec<f64>,
    std: Vec<f64>,
    words: String,
}

impl Scale {
    /// That of the options, for `values`, row-major, of the features `names`.
    pub(super) fn of(
        path: &Path,
        options: &TableOptions,
        names: &[String],
        values: &[f64],
    ) -> Result<Self, DataError> {
        let given = options.mean.is_some() || options.std.is_some();
        let scale = match &options.standardise {
            Some(_) if given => Err(DataError::Preprocess(
                "mean and standard deviation are given and to be found; leave one of the two out"
                    .into(),
            )),
            Some(Standardise::Data) => Ok(Self::of_data(names.len(), values)),
            Some(Standardise::File(file)) => Self::of_file(file, names),
            None => Self::given(path, options, names),
        }?;
        let good = |at: usize| {
            let (mean, std) = (scale.mean[at], scale.std[at]);
            mean.is_finite() && std.is_finite() && std > 0.0
        };
        match (0..names.len()).find(|&at| !good(at)) {
            None => Ok(scale),
            Some(at) => Err(DataError::Preprocess(format!(
                "the feature `{}` has the mean {} and the standard deviation {}; they must be finite, and \
                 the latter above 0",
                names[at], scale.mean[at], scale.std[at]
            ))),
        }
    }

    fn given(path: &Path, options: &TableOptions, names: &[String]) -> Result<Self, DataError> {
        let by_feature = |name: &str, given: &Option<Vec<f32>>, default: f64| match given.as_deref()
        {
            None => Ok(vec![default; names.len()]),
            Some(&[one]) => Ok(vec![one.into(); names.len()]),
            Some(all) if all.len() == names.len() => Ok(all.iter().map(|&x| x.into()).collect()),
            Some(all) => Err(DataError::Preprocess(format!(
                "{name} has {} numbers for the {} features of {}, {}",
                all.len(),
                names.len(),
                source_name(path),
                listed(names)
            ))),
        };
        let words = match (&options.mean, &options.std) {
            (None, None) => "none: the features are the network's input",
            _ => "(x − mean) / std by feature, as given",
        };
        Ok(Self {
            mean: by_feature("mean", &options.mean, 0.0)?,
            std: by_feature("std", &options.std, 1.0)?,
            words: words.into(),
        })
    }

    /// Population statistics; 1 for the standard deviation of a constant.
    fn of_data(width: usize, values: &[f64]) -> Self {
        let n = (values.len() / width.max(1)).max(1) as f64;
        let column = |at: usize| values.iter().skip(at).step_by(width);
        let mean: Vec<f64> = (0..width).map(|at| column(at).sum::<f64>() / n).collect();
        let spread = |at: usize| {
            let squares = column(at).map(|value| (value - mean[at]).powi(2));
            let std = (squares.sum::<f64>() / n).sqrt();
            // Rounding leaves a constant a spread of some units in its last place.
            if std > 10.0 * f64::EPSILON * mean[at].abs() {
                std
            } else {
                1.0
            }
        };
        Self {
            std: (0..width).map(spread).collect(),
            mean,
            words: "(x − mean) / std by feature, of all rows".into(),
        }
    }

    fn of_file(file: &Path, names: &[String]) -> Result<Self, DataError> {
        let malformed = |reason: String| DataError::malformed(file, reason);
        let delimiter = delimiter(file).ok_or_else(|| {
            malformed("expected a .csv or .tsv with the columns feature, mean, std".into())
        })?;
        let table = TextTable::read(file, delimiter)?;
        let columns = [
            table.expect("feature")?,
            table.expect("mean")?,
            table.expect("std")?,
        ];
        let (mut mean, mut std) = (Vec::new(), Vec::new());
        for name in names {
            let row = table.column(columns[0]).position(|feature| feature == name);
            let row = row.ok_or_else(|| malformed(format!("no row for the feature `{name}`")))?;
            for (column, into) in [(columns[1], &mut mean), (columns[2], &mut std)] {
                let cell = table.cell(row, column);
                into.push(cell.parse().map_err(|_| {
                    malformed(format!("line {}: {cell:?} is no number", table.line(row)))
                })?);
            }
        }
        let words = format!("(x − mean) / std by feature, of {}", source_name(file));
        Ok(Self { mean, std, words })
    }

    /// Changes `values`, row-major.
    pub(super) fn apply(&self, values: &mut [f64], width: usize) {
        for row in values.chunks_exact_mut(width) {
            let scale = self.mean.iter().zip(&self.std);
            for (value, (mean, std)) in row.iter_mut().zip(scale) {
                *value = (*value - mean) / std;
            }
        }
    }

    /// What is done, in words.
    pub(super) fn describe(&self) -> String {
        self.words.clone()
    }
}
