//! Writing a run: samples come in any order, parts go out whole.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::atomic::{remove_leftovers, write_atomically};
use crate::directory::RunDir;
use crate::error::StoreError;
use crate::identity::differences;
use crate::layout::{FORMAT, Layout, is_occupied, lock_path};
use crate::manifest::RunManifest;
use crate::part::{encode, inspect};
use crate::record::SampleOutcome;

/// How far a run is, in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Samples of the run.
    pub total: u64,
    /// Samples with vectors.
    pub analysed: u64,
    /// Samples that were skipped with a reason.
    pub skipped: u64,
}

impl Counts {
    /// Samples neither analysed nor skipped.
    pub fn missing(self) -> u64 {
        self.total.saturating_sub(self.analysed + self.skipped)
    }
}

/// A part that was found damaged and set aside; its samples are to be computed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedPart {
    /// The part.
    pub path: PathBuf,
    /// What it is called now, so that nothing is lost if only the reading failed.
    pub set_aside: PathBuf,
    /// What was wrong with it.
    pub reason: String,
}

/// Writes a run's samples, part by part. Made by [`RunDir::open_for_writing`].
///
/// It holds the samples of unfinished parts in memory: at most those that came out of order. Dropped
/// before the end, it loses them and leaves the finished parts.
#[derive(Debug)]
pub struct RunWriter {
    layout: Layout,
    /// Whether a part is in the directory.
    finished: Vec<bool>,
    /// Samples of unfinished parts.
    pending: BTreeMap<u64, PendingPart>,
    counts: Counts,
    damaged: Vec<DamagedPart>,
    /// Locked while this writer lives.
    _lock: File,
}

#[derive(Debug)]
struct PendingPart {
    /// By position in the part.
    samples: Vec<Option<SampleOutcome>>,
    n_present: usize,
}

impl RunWriter {
    /// See [`RunDir::open_for_writing`].
    pub(crate) fn open(
        path: &Path,
        manifest: &RunManifest,
        part_size: usize,
    ) -> Result<Self, StoreError> {
        let now = Layout::new(path, manifest.clone(), part_size as u64)?;
        if manifest.format != FORMAT {
            return Err(StoreError::InvalidManifest {
                reason: format!("its format is {}, not {FORMAT}", manifest.format),
            });
        }
        if path.is_file() {
            return Err(StoreError::NotAFolder {
                path: path.to_owned(),
            });
        }
        fs::create_dir_all(path).map_err(StoreError::io("create the folder", path))?;
        // Looked at before the lock file is made, so that a folder that is no run stays untouched.
        if Layout::read(path)?.is_none() && is_occupied(path)? {
            return Err(StoreError::Occupied {
                path: path.to_owned(),
            });
        }
        let lock = lock(path)?;
        remove_leftovers(path)?;
        let layout = match Layout::read(path)? {
            None => {
                now.write()?;
                now
            }
            Some(stored) => {
                let differences = differences(&stored.manifest, manifest);
                if !differences.is_empty() {
                    return Err(StoreError::DifferentRun {
                        path: path.to_owned(),
                        differences,
                    });
                }
                stored
            }
        };
        let samples_folder = layout.samples_folder();
        fs::create_dir_all(&samples_folder)
            .map_err(StoreError::io("create the folder", &samples_folder))?;
        remove_leftovers(&samples_folder)?;

        let n_parts = usize::try_from(layout.n_parts()).unwrap_or(usize::MAX);
        let mut writer = Self {
            finished: vec![false; n_parts],
            pending: BTreeMap::new(),
            counts: Counts {
                total: layout.n_samples(),
                analysed: 0,
                skipped: 0,
            },
            damaged: Vec::new(),
            _lock: lock,
            layout,
        };
        writer.take_up_parts()?;
        Ok(writer)
    }

    /// Counts the parts that are there, and sets the damaged ones aside.
    fn take_up_parts(&mut self) -> Result<(), StoreError> {
        for part in self.layout.present_parts()? {
            match inspect(&self.layout, part) {
                Ok(header) => {
                    self.counts.analysed += header.n_rows;
                    self.counts.skipped += header.skipped.len() as u64;
                    self.finished[part as usize] = true;
                }
                Err(StoreError::DamagedPart { path, reason }) => {
                    let set_aside = path.with_extension("parquet.damaged");
                    fs::rename(&path, &set_aside).map_err(StoreError::io("rename", &path))?;
                    self.damaged.push(DamagedPart {
                        path,
                        set_aside,
                        reason,
                    });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The manifest in the directory: where a run is resumed, the one it was started with.
    pub fn manifest(&self) -> &RunManifest {
        &self.layout.manifest
    }

    /// Parts that were found damaged when the run was resumed.
    pub fn damaged_parts(&self) -> &[DamagedPart] {
        &self.damaged
    }

    /// How far the run is, with the samples that still wait for their part to fill.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Parts in the directory.
    pub fn finished_parts(&self) -> usize {
        self.finished.iter().filter(|&&finished| finished).count()
    }

    /// Samples held in memory because their part is not full.
    pub fn held(&self) -> usize {
        self.pending.values().map(|part| part.n_present).sum()
    }

    /// Whether nothing is left to do for a sample, so that a sweep can pass over it.
    pub fn is_done(&self, index: u64) -> bool {
        let part = self.layout.part_of(index);
        if self.is_finished(part) {
            return index < self.layout.n_samples();
        }
        let slot = (index - self.layout.range(part).start) as usize;
        let pending = self.pending.get(&part);
        pending.is_some_and(|pending| matches!(pending.samples.get(slot), Some(Some(_))))
    }

    /// Whether every sample of the run is in a finished part.
    pub fn is_complete(&self) -> bool {
        self.finished.iter().all(|&finished| finished)
    }

    /// Takes one sample, in any order; writes its part if it was the last one missing.
    ///
    /// # Errors
    /// [`StoreError::InvalidSample`] where the sample does not fit the manifest or was there before;
    /// [`StoreError::Io`] where its part can't be written, and then the finished parts remain.
    pub fn push(&mut self, sample: impl Into<SampleOutcome>) -> Result<(), StoreError> {
        let sample = sample.into();
        let index = sample.index();
        let invalid = |reason| Err(StoreError::InvalidSample { index, reason });
        if index >= self.counts.total {
            return invalid(format!("the run has {} samples", self.counts.total));
        }
        if self.is_done(index) {
            return invalid("it is already there".to_owned());
        }
        if let SampleOutcome::Analysed(record) = &sample {
            record.check(&self.layout.manifest)?;
        }

        match sample {
            SampleOutcome::Analysed(_) => self.counts.analysed += 1,
            SampleOutcome::Skipped(_) => self.counts.skipped += 1,
        }
        let part = self.layout.part_of(index);
        let range = self.layout.range(part);
        let n_samples = (range.end - range.start) as usize;
        let pending = self.pending.entry(part).or_insert_with(|| PendingPart {
            samples: (0..n_samples).map(|_| None).collect(),
            n_present: 0,
        });
        pending.samples[(index - range.start) as usize] = Some(sample);
        pending.n_present += 1;
        if pending.n_present == n_samples {
            self.write_part(part)?;
        }
        Ok(())
    }

    fn write_part(&mut self, part: u64) -> Result<(), StoreError> {
        let Some(pending) = self.pending.remove(&part) else {
            return Ok(());
        };
        let samples: Vec<SampleOutcome> = pending.samples.into_iter().flatten().collect();
        let bytes = encode(&self.layout, part, &samples)?;
        write_atomically(&self.layout.part_path(part), &bytes)?;
        self.finished[part as usize] = true;
        Ok(())
    }

    fn is_finished(&self, part: u64) -> bool {
        let part = usize::try_from(part).ok();
        part.and_then(|part| self.finished.get(part).copied())
            .unwrap_or(false)
    }

    /// Ends the writing and opens the run for reading.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`] where samples are missing; what was finished remains, and the run
    /// can be resumed.
    pub fn finish(self) -> Result<RunDir, StoreError> {
        if let Some(part) = self.finished.iter().position(|&finished| !finished) {
            let range = self.layout.range(part as u64);
            return Err(StoreError::Incomplete {
                path: self.layout.path.clone(),
                missing: self.counts.missing(),
                total: self.counts.total,
                first: range
                    .clone()
                    .find(|&i| !self.is_done(i))
                    .unwrap_or(range.start),
            });
        }
        RunDir::open(&self.layout.path)
    }
}

/// Locks the directory until the file is closed.
fn lock(path: &Path) -> Result<File, StoreError> {
    let file_path = lock_path(path);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&file_path)
        .map_err(StoreError::io("create", &file_path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", &file_path)(error)),
    }
}
