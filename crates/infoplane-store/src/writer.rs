//! Writing a run: samples come in any order, parts go out whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::atomic::{create_folder, remove_leftovers, write_atomically};
use crate::directory::RunDir;
use crate::error::StoreError;
use crate::identity::differences;
use crate::layout::{FORMAT, Layout, is_occupied};
use crate::lock::RunLock;
use crate::manifest::RunManifest;
use crate::part::{encode, inspect};
use crate::record::{SampleOutcome, SkippedSample};
use crate::shard::Shard;

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

/// A part that was found damaged. It stays until its samples have been computed again and replace it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedPart {
    /// Its number, from 0.
    pub part: u64,
    /// The part.
    pub path: PathBuf,
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
    /// Whether a part is in the directory, and whole.
    finished: Vec<bool>,
    /// Samples of unfinished parts.
    pending: BTreeMap<u64, PendingPart>,
    counts: Counts,
    skipped: Vec<SkippedSample>,
    damaged: Vec<DamagedPart>,
    lock: RunLock,
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
        create_folder(path)?;
        // Looked at before the lock file is made, so that a folder that is no run stays untouched.
        if Layout::read(path)?.is_none() && is_occupied(path)? {
            return Err(StoreError::Occupied {
                path: path.to_owned(),
            });
        }
        let lock = RunLock::take(path)?;
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
        create_folder(&layout.samples_folder())?;

        let n_parts = usize::try_from(layout.n_parts()).unwrap_or(usize::MAX);
        let mut writer = Self {
            finished: vec![false; n_parts],
            pending: BTreeMap::new(),
            counts: Counts {
                total: layout.n_samples(),
                analysed: 0,
                skipped: 0,
            },
            skipped: Vec::new(),
            damaged: Vec::new(),
            lock,
            layout,
        };
        writer.take_up_parts()?;
        Ok(writer)
    }

    /// Counts the parts that are there and whole, and takes note of those that are damaged.
    fn take_up_parts(&mut self) -> Result<(), StoreError> {
        for part in self.layout.present_parts()? {
            match inspect(&self.layout, part) {
                Ok(header) => {
                    self.counts.analysed += header.n_rows;
                    self.counts.skipped += header.skipped.len() as u64;
                    self.skipped.extend(header.skipped);
                    self.finished[part as usize] = true;
                }
                Err(StoreError::DamagedPart { path, reason }) => {
                    self.damaged.push(DamagedPart { part, path, reason });
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

    /// Whole parts in the directory.
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

    /// Whether a sample is in a finished part.
    pub fn is_stored(&self, index: u64) -> bool {
        index < self.layout.n_samples() && self.is_finished(self.layout.part_of(index))
    }

    /// Whether every sample of the run is in a finished part.
    pub fn is_complete(&self) -> bool {
        self.finished.iter().all(|&finished| finished)
    }

    /// Samples of a shard, in order of position.
    pub fn samples_of(&self, shard: Shard) -> impl Iterator<Item = u64> {
        self.parts_of(shard)
            .flat_map(|part| self.layout.range(part))
    }

    /// Parts of a shard, in order of position.
    pub fn parts_of(&self, shard: Shard) -> impl Iterator<Item = u64> {
        (0..self.layout.n_parts()).filter(move |&part| shard.holds(part))
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

        match &sample {
            SampleOutcome::Analysed(_) => self.counts.analysed += 1,
            SampleOutcome::Skipped(skipped) => {
                self.counts.skipped += 1;
                self.skipped.push(skipped.clone());
            }
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

    /// The skipped samples of a shard, in order of position.
    pub fn skipped_of(&self, shard: Shard) -> Vec<&SkippedSample> {
        let is_in = |index| shard.holds(self.layout.part_of(index));
        let mut skipped: Vec<_> = self
            .skipped
            .iter()
            .filter(|sample| is_in(sample.index))
            .collect();
        skipped.sort_by_key(|sample| sample.index);
        skipped
    }

    /// The parts that are not in the directory, or not whole, in order of position.
    pub fn missing_parts(&self) -> Vec<u64> {
        self.parts_of(Shard::WHOLE)
            .filter(|&part| !self.is_finished(part))
            .collect()
    }

    /// Ends the writing and opens the run for reading. The directory stays locked until that is
    /// dropped, so that what is made of the run can be written too.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`] where parts are missing; what was finished remains, and the run can
    /// be resumed.
    pub fn finish(self) -> Result<RunDir, StoreError> {
        let missing = self.missing_parts();
        if !missing.is_empty() {
            return Err(self.layout.incomplete(missing));
        }
        RunDir::with_lock(&self.layout.path, Some(self.lock))
    }
}
