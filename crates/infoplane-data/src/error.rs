//! What can be wrong with a data source, and with one sample of it.

use std::path::PathBuf;

/// One sample cannot be read; the others can. The caller skips it and says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sample {id}: {reason}")]
pub struct SampleError {
    /// The sample's id.
    pub id: String,
    /// Why it cannot be read.
    pub reason: String,
}

/// A data source that cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The path does not exist.
    #[error("{}: no such file or folder", path.display())]
    NotFound {
        /// The path that was given.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The path that was being read.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The path is none of the known forms of data.
    #[error(
        "{}: not a known form of data ({reason}); allowed are a folder with one subfolder of \
         images a class, a folder of images, a .tar of such a folder, a Hugging Face image .parquet \
         file or a folder of them, a .csv, .tsv or .parquet that lists images or holds features, IDX \
         files, CIFAR's batches, and an array as .npy or .npz with the key `input`",
        path.display()
    )]
    UnknownForm {
        /// The path that was given.
        path: PathBuf,
        /// What was found there.
        reason: String,
    },
    /// The file claims a format but breaks its rules.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file, with the archive member where there is one.
        path: PathBuf,
        /// Which rule is broken.
        reason: String,
    },
    /// The source holds no sample.
    #[error("{}: holds no samples ({reason})", path.display())]
    Empty {
        /// The path that was given.
        path: PathBuf,
        /// What was looked for.
        reason: String,
    },
    /// Names of classes that are not among the known ones.
    #[error("{}: {}", path.display(), unknown_classes(bearer, *n_unknown, unknown, *n_known, known))]
    UnknownClasses {
        /// The source.
        path: PathBuf,
        /// What bears the names: `class folder` or `label`.
        bearer: &'static str,
        /// Number of offending names.
        n_unknown: usize,
        /// The first of them, each with the nearest known names.
        unknown: Vec<(String, Vec<String>)>,
        /// Number of known names; 0 where they are no list.
        n_known: usize,
        /// What the known classes are, with examples.
        known: String,
    },
    /// A label that the network has no output for.
    #[error(
        "{}: class index {index} (sample {id}) but the model has only {n_outputs} outputs",
        path.display()
    )]
    ClassOutOfRange {
        /// The source.
        path: PathBuf,
        /// A sample that has the label.
        id: String,
        /// The class index.
        index: usize,
        /// Number of output units.
        n_outputs: usize,
    },
    /// Samples have another shape than the network's input.
    #[error(
        "{}: samples have shape {found:?} but the model's input is {expected:?} \
         (channels, height, width; preprocessing: {preprocessing})", path.display()
    )]
    ShapeMismatch {
        /// The source.
        path: PathBuf,
        /// Shape of a preprocessed sample.
        found: Vec<usize>,
        /// Shape of the model's input, without the batch.
        expected: Vec<usize>,
        /// What is done to a sample, in words.
        preprocessing: String,
    },
    /// A table has another number of features than the network has inputs.
    #[error(
        "{}: {} feature{} ({}){}, and the network has {n_inputs} inputs; name the columns of its input, \
         in its order, as features", path.display(), features.len(),
        if features.len() == 1 { "" } else { "s" }, crate::feature_table::listed(features),
        label.as_ref().map_or(String::new(), |label| format!(" beside the label `{label}`"))
    )]
    FeatureCount {
        /// The table.
        path: PathBuf,
        /// Names of the features.
        features: Vec<String>,
        /// The column of labels.
        label: Option<String>,
        /// Inputs of the network.
        n_inputs: usize,
    },
    /// An archive lacks an array.
    #[error(
        "{}: no array `{key}`; the archive holds {}", path.display(), list_or_nothing(present)
    )]
    MissingKey {
        /// The archive.
        path: PathBuf,
        /// The missing array.
        key: String,
        /// The arrays that are there.
        present: Vec<String>,
    },
    /// A table lacks a column.
    #[error(
        "{}: no column `{column}`; the columns are {}", path.display(), list_or_nothing(present)
    )]
    MissingColumn {
        /// The table.
        path: PathBuf,
        /// The missing column.
        column: String,
        /// The columns that are there.
        present: Vec<String>,
    },
    /// A selection of samples that makes no sense, or that the source can't give.
    #[error("selection of samples: {0}")]
    Selection(String),
    /// A preprocessing setting that makes no sense.
    #[error("preprocessing: {0}")]
    Preprocess(String),
    /// A `FILE:COLUMN` argument without its column.
    #[error("`{0}`: expected FILE:COLUMN, a CSV file and the column that holds the group")]
    GroupSpec(String),
}

impl DataError {
    pub(crate) fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        let path = path.into();
        if source.kind() == std::io::ErrorKind::NotFound {
            Self::NotFound { path }
        } else {
            Self::Io { path, source }
        }
    }

    pub(crate) fn malformed(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.into(),
            reason: reason.into(),
        }
    }
}

fn list_or_nothing(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".into()
    } else {
        names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn unknown_classes(
    bearer: &str,
    n_unknown: usize,
    unknown: &[(String, Vec<String>)],
    n_known: usize,
    known: &str,
) -> String {
    let mut offending: Vec<String> = unknown
        .iter()
        .map(|(word, nearest)| match nearest.as_slice() {
            [] => format!("`{word}`"),
            _ => format!("`{word}` (nearest: {})", nearest.join(", ")),
        })
        .collect();
    if n_unknown > unknown.len() {
        offending.push(format!("and {} more", n_unknown - unknown.len()));
    }
    let among = match n_known {
        0 => "known classes".to_string(),
        n => format!("among the {n} known classes"),
    };
    format!(
        "{n_unknown} {bearer}{} not {among}: {}; allowed are {known}",
        if n_unknown == 1 { " is" } else { "s are" },
        offending.join(", "),
    )
}
