//! How to analyse.

use infoplane_estimators::{BRACKET_LIMIT, GaussianChannelParams};
use serde::{Deserialize, Serialize};

use crate::{PlaneError, families};

/// The noise levels τ that are tried, finest first.
pub const TAUS: [f64; 7] = [0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0];

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
    /// Families beside `gaussian-channel`, whose rows are always there. Default none.
    pub estimators: Vec<String>,
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

    /// The τ to sweep: `taus` and the fixed one, finest first.
    pub(crate) fn sweep(&self) -> Vec<f64> {
        let mut taus = self.taus.clone();
        taus.extend(self.tau);
        taus.sort_unstable_by(f64::total_cmp);
        taus.dedup();
        taus
    }
}
