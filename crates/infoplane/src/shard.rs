//! The work of one of several machines on a run.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use infoplane_store::{Shard, SkippedSample};

use crate::error::Error;
use crate::progress::Progress;
use crate::run::Run;

/// A shard whose parts are all in the run directory.
#[derive(Debug, Clone)]
pub struct ShardDone {
    /// The shard.
    pub shard: Shard,
    /// Its parts, by number from 0.
    pub parts: Vec<u64>,
    /// Samples in them.
    pub n_samples: u64,
    /// Those of the samples that could not be analysed.
    pub skipped: Vec<SkippedSample>,
    /// Parts of the run that the directory does not hold whole, all of them of other shards.
    pub missing: Vec<u64>,
}

impl Run {
    /// As [`Run::attribute`], but for the samples of a shard alone. Its parts are the bytes that a whole
    /// run would have written.
    pub fn attribute_shard(
        &self,
        out: &Path,
        shard: Shard,
        progress: &mut dyn FnMut(&Progress),
        stop: &AtomicBool,
    ) -> Result<ShardDone, Error> {
        let writer = self.fill(out, shard, progress, stop)?;
        Ok(ShardDone {
            shard,
            parts: writer.parts_of(shard).collect(),
            n_samples: writer.samples_of(shard).count() as u64,
            skipped: writer.skipped_of(shard).into_iter().cloned().collect(),
            missing: writer.missing_parts(),
        })
    }
}
