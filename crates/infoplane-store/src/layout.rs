//! Where things are in a run directory, and how samples are divided into parts.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow_schema::SchemaRef;
use serde::{Deserialize, Serialize};

use crate::atomic::{is_temporary, write_atomically};
use crate::error::StoreError;
use crate::identity::run_hash;
use crate::manifest::RunManifest;
use crate::schema::part_schema;

/// Version of the directory's layout that is written and read.
pub const FORMAT: u32 = 1;

/// Samples in a part where nothing else is asked for. A stopped run loses less than one part of
/// finished samples.
pub const DEFAULT_PART_SIZE: usize = 64;

const RUN_FILE: &str = "run.json";
const LOCK_FILE: &str = ".lock";
const SAMPLES_FOLDER: &str = "samples";

/// The content of `run.json`.
#[derive(Serialize, Deserialize)]
struct RunFile {
    #[serde(flatten)]
    manifest: RunManifest,
    /// Samples in each part but the last.
    part_size: u64,
}

/// A run directory's paths, manifest and division into parts.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub path: PathBuf,
    pub manifest: RunManifest,
    /// Never 0.
    pub part_size: u64,
    /// Names the run, and its division, in each part.
    pub hash: String,
    pub schema: SchemaRef,
}

impl Layout {
    pub fn new(path: &Path, manifest: RunManifest, part_size: u64) -> Result<Self, StoreError> {
        if part_size == 0 {
            return Err(StoreError::InvalidManifest {
                reason: "a part must hold at least one sample, not 0".to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            hash: run_hash(&manifest, part_size),
            schema: part_schema(&manifest)?,
            manifest,
            part_size,
        })
    }

    /// Reads `run.json`; `None` where there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let file = path.join(RUN_FILE);
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &file)(error)),
        };
        let unreadable = |source| StoreError::UnreadableManifest {
            path: file.clone(),
            source,
        };
        // Another layout may have other fields, so its version is read first.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(&text).map_err(unreadable)?;
        if format != FORMAT {
            return Err(StoreError::UnsupportedFormat {
                path: file,
                found: format,
                supported: FORMAT,
            });
        }
        let run: RunFile = serde_json::from_slice(&text).map_err(unreadable)?;
        Self::new(path, run.manifest, run.part_size).map(Some)
    }

    /// Writes `run.json`.
    pub fn write(&self) -> Result<(), StoreError> {
        let file = self.path.join(RUN_FILE);
        let run = RunFile {
            manifest: self.manifest.clone(),
            part_size: self.part_size,
        };
        let mut text =
            serde_json::to_vec_pretty(&run).map_err(|source| StoreError::UnreadableManifest {
                path: file.clone(),
                source,
            })?;
        text.push(b'\n');
        write_atomically(&file, &text)
    }

    pub fn n_samples(&self) -> u64 {
        self.manifest.data.n_samples as u64
    }

    pub fn n_parts(&self) -> u64 {
        self.n_samples().div_ceil(self.part_size)
    }

    /// The part that holds a sample.
    pub fn part_of(&self, index: u64) -> u64 {
        index / self.part_size
    }

    /// The sample positions of a part.
    pub fn range(&self, part: u64) -> Range<u64> {
        let first = part * self.part_size;
        first..first.saturating_add(self.part_size).min(self.n_samples())
    }

    pub fn samples_folder(&self) -> PathBuf {
        self.path.join(SAMPLES_FOLDER)
    }

    pub fn part_path(&self, part: u64) -> PathBuf {
        self.samples_folder()
            .join(format!("{}.parquet", part_name(part)))
    }

    /// That these parts, at least one and in order of position, are missing.
    pub fn incomplete(&self, missing: Vec<u64>) -> StoreError {
        StoreError::Incomplete {
            path: self.path.clone(),
            missing: missing
                .iter()
                .map(|&part| self.range(part))
                .map(|range| range.end - range.start)
                .sum(),
            total: self.n_samples(),
            parts: missing,
        }
    }

    /// The parts that are in the folder, in order of position, whole or damaged.
    pub fn present_parts(&self) -> Result<Vec<u64>, StoreError> {
        let folder = self.samples_folder();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::io("list", &folder)(error)),
        };
        let mut parts = Vec::new();
        for entry in entries {
            let entry = entry.map_err(StoreError::io("list", &folder))?;
            let Some(part) = entry.file_name().to_str().and_then(part_number) else {
                continue;
            };
            if part >= self.n_parts() {
                return Err(StoreError::ForeignPart { path: entry.path() });
            }
            parts.push(part);
        }
        parts.sort_unstable();
        Ok(parts)
    }
}

/// A part's file name without its ending.
pub(crate) fn part_name(part: u64) -> String {
    format!("part-{part:05}")
}

/// Whether there is no such file, or a file where its folder should be.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The lock of a run directory.
pub(crate) fn lock_path(path: &Path) -> PathBuf {
    path.join(LOCK_FILE)
}

/// Whether a folder holds anything but what a run that is just being started leaves there.
pub(crate) fn is_occupied(path: &Path) -> Result<bool, StoreError> {
    for entry in fs::read_dir(path).map_err(StoreError::io("list", path))? {
        let name = entry.map_err(StoreError::io("list", path))?.file_name();
        if name != LOCK_FILE && !is_temporary(&name) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The number in `part-00012.parquet`, written as [`Layout::part_path`] writes it.
fn part_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("part-")?.strip_suffix(".parquet")?;
    let part: u64 = digits.parse().ok()?;
    (digits == format!("{part:05}")).then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_numbers_are_read_as_they_are_written() {
        assert_eq!(part_number("part-00000.parquet"), Some(0));
        assert_eq!(part_number("part-123456.parquet"), Some(123_456));
        for name in [
            "part-0.parquet",
            "part-+0001.parquet",
            "part-00001.csv",
            ".part-00001.parquet.1-0.infoplane-tmp",
        ] {
            assert_eq!(part_number(name), None, "{name}");
        }
    }
}
