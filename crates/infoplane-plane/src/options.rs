//! How to analyse.

use infoplane_estimators::{BRACKET_LIMIT, GaussianChannelParams};
use serde::{Deserialize, Serialize};

use crate::{PlaneError, VectorKind, families};

/// The noise levels τ that are tried, finest first.
pub const TAUS: [f64; 7] = [0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0];

/// Between which ends `binned` is to lay bins of equal width, for one layer's vectors of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VectorRange {
    /// Layer name.
    pub layer: String,
    /// Which vectors.
    pub kind: VectorKind,
    /// Where the lowest bin of every coordinate begins.
    pub low: f64,
    /// Where the highest ends.
    pub high: f64,
}

/// Settings of an analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlaneOptions {
    /// A fixed τ; the default, none, chooses the finest of `taus` at which every bracket is narrow.
    pub tau: Option<f64>,
    /// Noise levels of the sweep, in any order. Default [`TAUS`].
    pub taus: Vec<f64>,
    /// Widest bracket allowed, in bits. Default 1.
    pub bracket_limit: f64,
    /// Families beside `gaussian-channel`, whose rows are always there, perhaps with parameters
    /// (`binned:partition=equal-width:bins=30`). Default none.
    pub estimators: Vec<String>,
    /// Ends for estimators with bins of equal width that are given none. By default each coordinate's
    /// own, which is of no use to compare one run with another.
    pub ranges: Vec<VectorRange>,
    /// The estimator's settings; its own `tau` is not used.
    pub channel: GaussianChannelParams,
}

impl Default for PlaneOptions {
    fn default() -> Self {
        Self {
            tau: None,
            taus: TAUS.to_vec(),
            bracket_limit: BRACKET_LIMIT,
            estimators: Vec::new(),
            ranges: Vec::new(),
            channel: GaussianChannelParams::default(),
        }
    }
}

impl PlaneOptions {
    /// Checks the names in `estimators`.
    ///
    /// # Errors
    /// For the first that is no family, with the nearest that is.
    pub fn check_estimators(&self) -> Result<(), PlaneError> {
        families::build(&self.estimators)?;
        Ok(())
    }

    /// Whether one of `estimators` has bins of equal width without given ends.
    ///
    /// # Errors
    /// As for [`PlaneOptions::check_estimators`].
    pub fn wants_ranges(&self) -> Result<bool, PlaneError> {
        let others = families::build(&self.estimators)?;
        Ok(others.iter().any(families::Other::wants_range))
    }

    /// The τ to sweep: `taus` and the fixed one, finest first.
    pub(crate) fn sweep(&self) -> Vec<f64> {
        let mut taus = self.taus.clone();
        taus.extend(self.tau);
        taus.sort_unstable_by(f64::total_cmp);
        taus.dedup();
        taus
    }
}
