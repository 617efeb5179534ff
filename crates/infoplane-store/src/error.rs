//! What can go wrong with a run directory.

use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

use crate::layout::part_name;

/// Most runs of parts listed one by one.
const MAX_LISTED: usize = 12;

/// An error of the run directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused: no permission, no space, no such folder, ….
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb (`create`, `write`, …).
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// The folder to write into holds files, but no run.
    #[error(
        "{} is not empty and holds no run.json, so it is no run directory; choose another --out, or an empty folder",
        path.display()
    )]
    Occupied {
        /// The folder.
        path: PathBuf,
    },

    /// A file is where the run directory should be.
    #[error("{} is a file, so it can't be a run directory; choose another --out", path.display())]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },

    /// The folder to read from holds no run.
    #[error("{} is no run directory: it holds no run.json", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
    },

    /// `run.json` is not what this program writes.
    #[error("{} is no description of a run: {source}", path.display())]
    UnreadableManifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with its JSON.
        source: serde_json::Error,
    },

    /// The directory was written in another layout.
    #[error("{} has layout version {found}; this infoplane reads version {supported}", path.display())]
    UnsupportedFormat {
        /// The `run.json`.
        path: PathBuf,
        /// Its `format`.
        found: u32,
        /// The only one read and written here.
        supported: u32,
    },

    /// A manifest that no part could be written for.
    #[error("the run can't be stored: {reason}")]
    InvalidManifest {
        /// What is wrong with it.
        reason: String,
    },

    /// The directory holds a run with other settings, another model or other data.
    #[error(
        "{} holds a different run; choose another --out, or repeat the settings it was started with:\n  {}",
        path.display(),
        differences.join("\n  ")
    )]
    DifferentRun {
        /// The directory.
        path: PathBuf,
        /// One difference each, such as `config.steps: 16 in the directory, 32 now`.
        differences: Vec<String>,
    },

    /// Another process writes to the directory.
    #[error(
        "another process is writing to {}; wait until it has ended, or give a new run another --out",
        path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },

    /// A part that belongs to another run was put into the directory.
    #[error(
        "{} belongs to another run, or to the same run with other part sizes; move it out of the directory",
        path.display()
    )]
    ForeignPart {
        /// The part.
        path: PathBuf,
    },

    /// A part that can't be read.
    #[error(
        "{} is damaged: {reason}; repeat the run's command, which computes it again",
        path.display()
    )]
    DamagedPart {
        /// The part.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The kept samples can't be read.
    #[error(
        "{} is damaged: {reason}; remove it, or repeat the run's command with --keep-maps, which writes it again",
        path.display()
    )]
    DamagedMaps {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A sample that does not fit the run.
    #[error("sample {index} can't be stored: {reason}")]
    InvalidSample {
        /// Its position in the data set.
        index: u64,
        /// What does not fit.
        reason: String,
    },

    /// Parts are missing.
    #[error(
        "the run in {} is not complete: {missing} of {total} samples are missing, those of {}; repeat the run's command, without --shard, to compute them, or copy these files into {} from where they were computed",
        path.display(),
        list_parts(parts),
        path.join("samples").display()
    )]
    Incomplete {
        /// The directory.
        path: PathBuf,
        /// Samples of the missing parts.
        missing: u64,
        /// Samples of the run.
        total: u64,
        /// The missing parts, from 0, in order of position.
        parts: Vec<u64>,
    },

    /// A layer that the run did not analyse.
    #[error("the run holds no layer `{layer}`; its layers are {}", layers.join(", "))]
    UnknownLayer {
        /// The name asked for.
        layer: String,
        /// The names there are.
        layers: Vec<String>,
    },

    /// A completeness error was asked for at a layer that has none.
    #[error("layer `{layer}` is no cut layer, so it has no completeness error; cut layers are {}", cut_layers.join(", "))]
    NotACutLayer {
        /// The name asked for.
        layer: String,
        /// The cut layers of the run.
        cut_layers: Vec<String>,
    },

    /// A table whose columns don't fit together.
    #[error("the table {} can't be written: {reason}", path.display())]
    InvalidTable {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },

    /// The Parquet encoder failed.
    #[error("cannot encode {}: {source}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// The encoder's reason.
        source: ParquetError,
    },
}

impl StoreError {
    /// For `map_err`: attaches the operation and the path to a system error.
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            operation,
            path,
            source,
        }
    }
}

/// Names parts, given in order: neighbours as a range, and of very many only the first.
fn list_parts(parts: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &part in parts {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == part => *last = part,
            _ => ranges.push((part, part)),
        }
    }
    let mut names: Vec<String> = ranges
        .iter()
        .take(MAX_LISTED)
        .map(|&(first, last)| match last - first {
            0 => part_name(first),
            1 => format!("{}, {}", part_name(first), part_name(last)),
            _ => format!("{} to {}", part_name(first), part_name(last)),
        })
        .collect();
    if let Some(rest) = ranges.get(MAX_LISTED..).filter(|rest| !rest.is_empty()) {
        let n_parts: u64 = rest.iter().map(|(first, last)| last - first + 1).sum();
        names.push(format!("and {n_parts} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_parts_are_a_range_and_long_lists_are_cut() {
        assert_eq!(
            list_parts(&[1, 2, 4, 7, 8, 9]),
            "part-00001, part-00002, part-00004, part-00007 to part-00009"
        );
        let odd: Vec<u64> = (0..20).map(|i| 2 * i + 1).collect();
        assert!(list_parts(&odd).ends_with("part-00023, and 8 more"));
    }
}
