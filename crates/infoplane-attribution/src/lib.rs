//! Layer conductance of all layers in one sweep: paths, baselines, targets, quadratures, reductions.
//!
//! A [`Sweep`] says what is attributed and how; a [`Worker`] of it attributes one sample after
//! another. The network runs once forward and once backward at every path node, for all layers
//! together; only the last two nodes' values and gradients are held.

mod adaptive;
mod error;
mod pass;
mod quadrature;
mod reduction;
mod sweep;
mod worker;

pub use adaptive::{AdaptiveRule, INITIAL_STEPS};
pub use error::AttributionError;
pub use quadrature::{Quadrature, QuadratureError, QuadratureName, gauss_legendre};
pub use reduction::Reduction;
pub use sweep::{Baseline, Sweep, SweepLayer, SweepOptions, Target};
pub use worker::{Attribution, Worker, argmax};
