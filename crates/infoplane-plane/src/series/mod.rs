//! Layers on the plane during training: a path a layer, and the phases that theory speaks of.
//!
//! [`paths`] takes the planes of checkpoints in training order and follows each layer, kind, estimator and
//! label through them. *Fitting* is a rise of I(·;Y) from the first checkpoint, *compression* a fall of
//! I(X;·) to the last (Shwartz-Ziv and Tishby 2017, arXiv 1703.00810); `phase.rs` says how both are tested.

mod files;
mod path;
mod phase;
mod range;

pub use files::{SERIES_FORMAT, write_series};
pub use path::{Checkpoint, PathFigure, PathPoint, SeriesPath, paths};
pub use phase::{Phase, PhaseVerdict};
pub use range::range_of;

use serde::{Deserialize, Serialize};

use crate::{Accuracy, LabelSummary, VectorRange};

/// The content of `series.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesResult {
    /// Version of this layout.
    pub format: u32,
    /// Analysed samples, the same of every checkpoint.
    pub n: usize,
    /// The label, the same of every checkpoint but where it is the predicted class.
    pub label: LabelSummary,
    /// Which attribution target the conductances belong to.
    pub target: String,
    /// By what the checkpoints are ordered.
    pub order: SeriesOrder,
    /// The channel noise τ of every checkpoint.
    pub tau: f64,
    /// True where even the coarsest τ left a bracket wider than the limit at some checkpoint.
    pub flagged: bool,
    /// Why this τ, in one sentence.
    pub reason: String,
    /// The checkpoints, in training order.
    pub checkpoints: Vec<CheckpointInfo>,
    /// Ends of bins of equal width, over all checkpoints; empty where no estimator has such bins.
    pub ranges: Vec<VectorRange>,
    /// One a layer, kind, estimator and label, in the order of a plane's rows.
    pub paths: Vec<SeriesPath>,
}

/// What checkpoints are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeriesOrder {
    /// Their files' names, numbers in them by value.
    Natural,
    /// As they were given.
    Given,
}

/// A checkpoint of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointInfo {
    /// Its file's name without folder and ending.
    pub name: String,
    /// Its run directory below that of the series.
    pub run: String,
    /// SHA-256 of its model.
    pub sha256: String,
    /// Share of samples whose predicted class is their label; absent without labels.
    pub accuracy: Option<Accuracy>,
}
