//! `controls/index.json`: which controls a run has.

use std::path::Path;

use infoplane_plane::ControlKind;
use infoplane_store::{RunDir, write_atomically};
use serde::{Deserialize, Serialize};

use crate::error::Error;

const FILE: &str = "index.json";

/// Version of the layout.
const FORMAT: u32 = 1;

/// The controls of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Index {
    format: u32,
    /// The run, as [`RunDir::identity`] gives it.
    run: String,
    /// Samples of each control, at most.
    pub n_samples: usize,
    /// Seed of what is shuffled.
    pub seed: u64,
    /// In the order in which they are shown.
    pub cases: Vec<IndexCase>,
    /// Controls that can't be made.
    pub omitted: Vec<IndexOmitted>,
}

/// One control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct IndexCase {
    /// Its name.
    pub name: String,
    /// What it changes.
    pub kind: ControlKind,
    /// The change in words.
    pub change: String,
    /// Whether the whole change is made.
    pub whole: bool,
    /// Whether it has a run, in the folder of its name; else it is the run's own vectors with labels
    /// shuffled.
    pub own_run: bool,
}

/// A control that can't be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct IndexOmitted {
    pub kind: ControlKind,
    pub reason: String,
}

impl Index {
    pub(super) fn new(stored: &RunDir, n_samples: usize, seed: u64) -> Index {
        Index {
            format: FORMAT,
            run: stored.identity().to_string(),
            n_samples,
            seed,
            cases: Vec::new(),
            omitted: Vec::new(),
        }
    }

    /// The index of the controls of `stored`; `None` where it has none.
    ///
    /// # Errors
    /// Where the file can't be read or belongs to another run.
    pub(super) fn read(folder: &Path, stored: &RunDir) -> Result<Option<Index>, Error> {
        let path = folder.join(FILE);
        let refuse = |reason: String| {
            Error::Setting(format!(
                "{} {reason}; remove the folder {}, and make the controls again with --controls",
                path.display(),
                folder.display()
            ))
        };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refuse(format!("can't be read: {error}"))),
        };
        let index: Index = serde_json::from_slice(&bytes)
            .map_err(|error| refuse(format!("is no index of controls: {error}")))?;
        if index.format != FORMAT || index.run != stored.identity() {
            return Err(refuse("belongs to another run or version".to_string()));
        }
        Ok(Some(index))
    }

    /// Takes over those of an earlier index that are of no kind of `made`, where they were made alike.
    pub(super) fn keep_others(&mut self, before: Option<Index>, made: &[ControlKind]) {
        let Some(before) =
            before.filter(|before| before.n_samples == self.n_samples && before.seed == self.seed)
        else {
            return;
        };
        let cases = before.cases.into_iter();
        self.cases
            .extend(cases.filter(|case| !made.contains(&case.kind)));
        let omitted = before.omitted.into_iter();
        self.omitted
            .extend(omitted.filter(|omitted| !made.contains(&omitted.kind)));
        // Stable, so that stages stay in order.
        self.cases.sort_by_key(|case| case.kind);
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE);
        let unwritable = |reason: String| Error::Write {
            path: path.clone(),
            reason,
        };
        std::fs::create_dir_all(folder).map_err(|error| unwritable(error.to_string()))?;
        let mut json =
            serde_json::to_vec_pretty(self).map_err(|error| unwritable(error.to_string()))?;
        json.push(b'\n');
        Ok(write_atomically(&path, &json)?)
    }
}
