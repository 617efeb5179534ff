//! `ksg-extrapolated`: two estimates by `ksg1`, extrapolated to neighbours at no distance.
//!
//! ```text
//! I(X;Y) = I_k + (I_k − I_K) / ((K/k)^(2/D) − 1),   k < K
//! ```
//!
//! I_k and I_K are `ksg1` with k and K neighbours, D the coordinates of both sides together. `ksg1`'s
//! error comes from a density that is not constant over a ball of k neighbours. The ball's radius
//! grows as (k/N)^(1/D), and for a density with two derivatives the error as its square; two values of
//! k give its size, which is taken off.
//!
//! **Assumes** what `ksg1` does, but for a smooth density in place of a constant one.
//! **Bias**: a fraction of `ksg1`'s in 3 to 10 dimensions of both sides together, where that is
//! largest (`docs/estimators.md`). At edges of a density the error falls with the radius itself, and half of
//! it is left. The expansion needs balls that are small: above [`MOST_DIMENSIONS`] coordinates they
//! are not, and the exponent is held there.
//! **Variance** is that of I_k times up to (1 + 1/((K/k)^(2/D) − 1))²: 1.3 in two dimensions, 4 in
//! six. With few samples or dimensions `ksg1` has the smaller error.
//! **Ceiling, ties, constant columns**: as for `ksg1`, whose ceiling with k neighbours holds for I_k;
//! figures near it are flagged.
//! **Cost**: twice `ksg1`.
//!
//! *References*: Kraskov et al. 2004; extrapolation over k is the simplest of the weighted ensembles
//! of K. R. Moon, K. Sricharan and A. O. Hero, "Ensemble estimation of mutual information", ISIT 2017.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::first::first;
use super::{GROWTH_LIMIT, Sides, entropy_of, no_information, point};
use crate::digamma::Digamma;
use crate::neighbours::ColumnScale;
use crate::{Estimator, EstimatorError, Pair, Parameters, Point, Samples};

/// k and K by default.
pub(crate) const NEIGHBOURS: [usize; 2] = [1, 6];

/// The extrapolation from the estimates with k and with K neighbours in so many coordinates.
pub(crate) fn extrapolated(values: [f64; 2], neighbours: [usize; 2], dimensions: usize) -> f64 {
    let ([small, large], [near, far]) = (values, neighbours);
    let dimensions = dimensions.clamp(1, MOST_DIMENSIONS);
    let growth = (far as f64 / near as f64).powf(2.0 / dimensions as f64);
    small + (small - large) / (growth - 1.0)
}

/// Coordinates of both sides beyond which the exponent falls no further.
const MOST_DIMENSIONS: usize = 12;

/// Unchecked parameters of [`KsgExtrapolated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KsgExtrapolatedParams {
    /// k: the smaller number of neighbours, from 1. Default 1.
    pub near: usize,
    /// K: the larger number of neighbours, from twice `near` to below the number of samples. Default
    /// 6.
    pub far: usize,
    /// How columns are scaled. Default `normal-scores`.
    pub scale: ColumnScale,
}

impl Default for KsgExtrapolatedParams {
    fn default() -> Self {
        let [near, far] = NEIGHBOURS;
        Self {
            near,
            far,
            scale: ColumnScale::NormalScores,
        }
    }
}

impl KsgExtrapolatedParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// When `near` is 0 or `far` is below twice `near`.
    pub fn check(self) -> Result<KsgExtrapolated, EstimatorError> {
        if self.near == 0 {
            return Err(EstimatorError::Parameter {
                name: "near",
                value: "0".to_owned(),
                allowed: "at least 1",
            });
        }
        if self.far < self.near.saturating_mul(2) {
            return Err(EstimatorError::Parameter {
                name: "far",
                value: self.far.to_string(),
                allowed: "at least twice `near`",
            });
        }
        Ok(KsgExtrapolated { params: self })
    }
}

/// The estimator `ksg-extrapolated`, with checked parameters.
#[derive(Debug, Clone)]
pub struct KsgExtrapolated {
    params: KsgExtrapolatedParams,
}

impl Estimator for KsgExtrapolated {
    fn name(&self) -> &'static str {
        "ksg-extrapolated"
    }

    fn parameters(&self) -> Parameters {
        let mut parameters = super::parameters(self.params.near, self.params.scale);
        parameters.remove("k");
        parameters.insert("near".to_owned(), json!(self.params.near));
        parameters.insert("far".to_owned(), json!(self.params.far));
        parameters
    }

    fn point(&self, pair: &Pair<'_>, _seed: u64) -> Result<Point, EstimatorError> {
        let KsgExtrapolatedParams { near, far, scale } = self.params;
        let sides = Sides::new(self.name(), pair, scale, far)?;
        let n = pair.n_samples();
        let digamma = Digamma::up_to(n.max(far + 1));
        let ceiling = digamma.at(n) - digamma.at(near + 1);
        if sides.constant() {
            return Ok(no_information(pair, ceiling, sides.remarks()));
        }
        let (small, tied) = first(&sides, near, &digamma);
        let (large, _) = first(&sides, far, &digamma);
        let dimensions = sides.first.width() + sides.second.width();
        let value = extrapolated([small, large], [near, far], dimensions);
        let mut found = point(pair, value, ceiling, sides.remarks(), tied);
        // Extrapolated from a figure at its ceiling, a value says no more than that figure.
        found.saturated |= point(pair, small, ceiling, Parameters::new(), 0.0).saturated;
        Ok(found)
    }

    fn growth_limit(&self) -> Option<f64> {
        Some(GROWTH_LIMIT)
    }

    /// By Kozachenko and Leonenko with `near` neighbours, without extrapolation.
    fn entropy(&self, vectors: Samples<'_>, _seed: u64) -> Result<f64, EstimatorError> {
        entropy_of(vectors, self.params.scale, self.params.near)
    }
}
