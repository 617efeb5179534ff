//! What can stop an analysis.

use infoplane_estimators::EstimatorError;
use infoplane_store::StoreError;
use thiserror::Error;

use crate::VectorKind;

/// Why the plane can't be made or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlaneError {
    /// A layer's vectors can't be estimated from.
    #[error("{kind} of layer `{layer}`: {source}")]
    Layer {
        /// Layer name.
        layer: String,
        /// Which vectors.
        kind: VectorKind,
        /// What is wrong with them.
        source: EstimatorError,
    },
    /// A parameter or the labels are not usable.
    #[error(transparent)]
    Estimator(#[from] EstimatorError),
    /// The input holds no layer.
    #[error("there is no layer to analyse")]
    NoLayers,
    /// Entries of the input that should go with the samples are more or fewer.
    #[error("{what}: {found} entries for {expected} samples")]
    Length {
        /// The entries.
        what: String,
        /// Entries given.
        found: usize,
        /// Samples.
        expected: usize,
    },
    /// A number of the input is NaN or infinite.
    #[error("{what}: the entry of sample {sample} is not finite")]
    NotFinite {
        /// The entries.
        what: String,
        /// Position of the sample among those analysed.
        sample: usize,
    },
    /// An ablation can't be made, or its file not be used.
    #[error("{0}")]
    Ablation(String),
    /// A control can't be compared with its run.
    #[error("control `{name}`: {reason}")]
    Control {
        /// The control.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// Checkpoints that make no series.
    #[error("{0}")]
    Series(String),
    /// No τ was given to try.
    #[error("no resolution to try; give at least one τ")]
    NoResolutions,
    /// Rows against groups were asked for, but there is no map from classes to groups.
    #[error(
        "there are no groups to compare with; give a map from classes to groups (--groups FILE.csv:COLUMN)"
    )]
    NoGroups,
    /// The run directory can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The result can't be put into a file's format.
    #[error("cannot write {file}: {reason}")]
    Encode {
        /// The file's name.
        file: &'static str,
        /// What is wrong.
        reason: String,
    },
}
