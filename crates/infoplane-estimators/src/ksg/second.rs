//! `ksg2`: the second estimator of Kraskov, Stögbauer and Grassberger.
//!
//! ```text
//! I(X;Y) = ψ(k) − 1/k + ψ(N) − ⟨ψ(n_x) + ψ(n_y)⟩
//! ```
//!
//! The k nearest neighbours are those of the joint space in the maximum norm, as for `ksg1`; ε_x is
//! the largest distance in x among those k, ε_y in y, and n_x counts the other samples *within or
//! on* ε_x, n_y likewise: a rectangle in place of a square, which fits densities that are narrow
//! across and smooth along the dependence.
//!
//! **Assumes** what `ksg1` does. **Bias**: that of `ksg1`, a little smaller for strong dependence (on
//! correlated normals in 6 to 20 dimensions). **Ceiling**, **ties**, **constant columns**, **interval** and
//! **cost** are those of `ksg1`; k = 1 is allowed but of high variance. Of several samples at the k-th distance the
//! lowest indexes are taken, so with ties the value can depend on the order of samples.
//!
//! *Reference*: A. Kraskov, H. Stögbauer and P. Grassberger, "Estimating mutual information",
//! Phys. Rev. E 69, 066138 (2004), eq. 9.

use serde::{Deserialize, Serialize};

use super::first::parameters;
use super::{GROWTH_LIMIT, Sides, Sums, check_k, entropy_of, less_biased, no_information, point};
use crate::digamma::Digamma;
use crate::neighbours::{ColumnScale, Counts, Radii, count_around};
use crate::{Estimator, EstimatorError, Pair, Parameters, Point, Samples};

/// Unchecked parameters of [`Ksg2`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ksg2Params {
    /// Neighbours, from 1 to below the number of samples. Default 3.
    pub k: usize,
    /// How columns are scaled. Default `normal-scores`.
    pub scale: ColumnScale,
}

impl Default for Ksg2Params {
    fn default() -> Self {
        Self {
            k: 3,
            scale: ColumnScale::NormalScores,
        }
    }
}

impl Ksg2Params {
    /// Checks the parameters.
    ///
    /// # Errors
    /// When `k` is 0.
    pub fn check(self) -> Result<Ksg2, EstimatorError> {
        check_k(self.k)?;
        Ok(Ksg2 { params: self })
    }
}

/// The estimator `ksg2`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Ksg2 {
    params: Ksg2Params,
}

impl Estimator for Ksg2 {
    fn name(&self) -> &'static str {
        "ksg2"
    }

    fn parameters(&self) -> Parameters {
        parameters(self.params.k, self.params.scale)
    }

    fn point(&self, pair: &Pair<'_>, _seed: u64) -> Result<Point, EstimatorError> {
        let (n, k) = (pair.n_samples(), self.params.k);
        let sides = Sides::new(self.name(), pair, self.params.scale, k)?;
        let digamma = Digamma::up_to(n.max(k + 1));
        let ceiling = digamma.at(n) - digamma.at(k + 1);
        if sides.constant() {
            return Ok(no_information(pair, ceiling, sides.remarks()));
        }
        let (first, second) = (&sides.first, &sides.second);
        let mut counts = count_around(first, second, k, |sample, neighbours| {
            let farthest = |side: &crate::neighbours::Points| {
                neighbours.iter().fold(0.0, |largest: f64, neighbour| {
                    largest.max(side.distance(sample, neighbour.sample as usize))
                })
            };
            let tied = neighbours.last().is_none_or(|n| n.distance == 0.0);
            Radii {
                first: farthest(first),
                second: farthest(second),
                joint: tied.then_some(0.0),
            }
        });
        // The sample itself counts in `gao`'s rule only.
        for Counts {
            first,
            second,
            joint,
        } in &mut counts
        {
            if *joint == 0 {
                *first -= 1;
                *second -= 1;
            }
        }
        let sums = Sums::of(&counts, &digamma);
        let untied = (n - sums.tied) as f64 * (digamma.at(k) - 1.0 / k as f64);
        let value = digamma.at(n) + (untied + sums.copies - sums.sides) / n as f64;
        let tied = sums.tied as f64 / n as f64;
        Ok(point(pair, value, ceiling, sides.remarks(), tied))
    }

    fn growth_limit(&self) -> Option<f64> {
        Some(GROWTH_LIMIT)
    }

    fn less_biased(&self) -> Option<Box<dyn Estimator>> {
        less_biased(self.params.scale)
    }

    /// By Kozachenko and Leonenko, with the same k and scale.
    fn entropy(&self, vectors: Samples<'_>, _seed: u64) -> Result<f64, EstimatorError> {
        entropy_of(vectors, self.params.scale, self.params.k)
    }
}
