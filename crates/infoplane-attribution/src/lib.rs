//! Layer conductance of all layers in one sweep: paths, baselines, targets, quadratures, reductions.
//!
//! A [`Sweep`] says what is attributed and how; a [`Worker`] of it attributes one sample after
//! another. The network runs once forward and once backward at every path node, for all layers
//! together; only a bounded number of nodes' values and gradients is held.
//!
//! An [`Ablation`] replaces channels of layers, by the means that a [`MeanWorker`] takes or by zeros,
//! and measures what becomes of the output.

mod ablation;
mod adaptive;
mod blur;
mod error;
mod means;
mod node_store;
mod pass;
mod quadrature;
mod reduction;
mod sweep;
mod worker;

pub use ablation::{
    AblatedLayer, AblatedSample, Ablation, AblationOutcome, AblationSample, AblationWorker,
};
pub use adaptive::{AdaptiveRule, INITIAL_STEPS};
pub use blur::GaussianBlur;
pub use error::AttributionError;
pub use means::{LayerSums, MeanWorker};
pub use node_store::DEFAULT_NODE_MEMORY;
pub use quadrature::{DEFAULT_KNEE, Quadrature, QuadratureError, QuadratureName, gauss_legendre};
pub use reduction::Reduction;
pub use sweep::{Baseline, Sweep, SweepLayer, SweepOptions, Target};
pub use worker::{Attribution, Sample, Worker, argmax};
