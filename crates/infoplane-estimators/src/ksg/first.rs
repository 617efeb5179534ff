//! `ksg1`: the first estimator of Kraskov, Stögbauer and Grassberger.
//!
//! ```text
//! I(X;Y) = ψ(k) + ψ(N) − ⟨ψ(n_x + 1) + ψ(n_y + 1)⟩
//! ```
//!
//! ε_i is the distance of sample i from its k-th nearest neighbour in the joint space, in the maximum
//! norm over all coordinates of both sides; n_x counts the other samples whose x is *nearer* than
//! ε_i, n_y likewise. The three entropies of I = h(X) + h(Y) − h(X,Y) are taken in balls of one
//! radius, so that most of their biases cancel.
//!
//! **Assumes** densities that are about constant over a ball of k neighbours.
//! **Bias**: next to none for independent sides. Strong dependence is underestimated, the more so
//! the higher the dimension: about e^I samples are needed in two dimensions (Gao, Ver Steeg and
//! Galstyan 2015), and from about ten dimensions on even weak dependence reads low. A larger k lowers
//! variance and raises the bias.
//! **Ceiling**: both balls hold at least the k − 1 samples of the joint ball, and one of them
//! another, so the value is at most ψ(N) − ψ(k) − 1/k, which is below log N. Values near it are flagged,
//! and so are values that grow by more than 0.3 bits from half the samples to all, as those of a
//! deterministic map do (by 1 bit) well below the ceiling.
//! **Ties**: where the k-th neighbour is a copy of the sample (ε = 0), the sample is counted by
//! `gao`'s rule instead: ψ of its copies in place of ψ(k), and of the copies on each side; `tied`
//! reports their share, `repeated_first` and `repeated_second` that of repeats on a side. With many
//! of those use `gao`. No noise is added.
//! **Constant columns** are left out; a constant side has 0 bits, exactly.
//! **Interval**: joined to that of `ksg-extrapolated`, so that it holds the bias too, at sharp edges and
//! under heavy tails; twice to four times as wide as by scatter alone.
//! **Cost**: about N log N in up to some 16 dimensions, N² d above; memory O(N d). An interval takes three
//! times the time of its halves.
//!
//! *Reference*: A. Kraskov, H. Stögbauer and P. Grassberger, "Estimating mutual information",
//! Phys. Rev. E 69, 066138 (2004), eq. 8. With the same scale of columns the value equals that of
//! scikit-learn's `mutual_info_regression` and of NPEET's `mi`, but for the noise that these add.

use serde::{Deserialize, Serialize};

use super::{GROWTH_LIMIT, Sides, Sums, check_k, entropy_of, less_biased, no_information, point};
use crate::digamma::Digamma;
use crate::neighbours::{ColumnScale, Radii, count_around, open_unless_zero};
use crate::{Estimator, EstimatorError, Pair, Parameters, Point, Samples};

/// Unchecked parameters of [`Ksg1`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ksg1Params {
    /// Neighbours, from 1 to below the number of samples. Default 3.
    pub k: usize,
    /// How columns are scaled. Default `normal-scores`.
    pub scale: ColumnScale,
}

impl Default for Ksg1Params {
    fn default() -> Self {
        Self {
            k: 3,
            scale: ColumnScale::NormalScores,
        }
    }
}

impl Ksg1Params {
    /// Checks the parameters.
    ///
    /// # Errors
    /// When `k` is 0.
    pub fn check(self) -> Result<Ksg1, EstimatorError> {
        check_k(self.k)?;
        Ok(Ksg1 { params: self })
    }
}

/// The estimator `ksg1`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Ksg1 {
    params: Ksg1Params,
}

impl Estimator for Ksg1 {
    fn name(&self) -> &'static str {
        "ksg1"
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
        let (value, tied) = first(&sides, k, &digamma);
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

/// The value in nats of sides that are not constant, and the share of tied samples.
pub(super) fn first(sides: &Sides, k: usize, digamma: &Digamma) -> (f64, f64) {
    let counts = count_around(&sides.first, &sides.second, k, |_, neighbours| {
        let radius = neighbours.last().map_or(0.0, |n| n.distance);
        Radii {
            first: open_unless_zero(radius),
            second: open_unless_zero(radius),
            joint: (radius == 0.0).then_some(0.0),
        }
    });
    let n = counts.len();
    let sums = Sums::of(&counts, digamma);
    let untied = (n - sums.tied) as f64 * digamma.at(k);
    let value = digamma.at(n) + (untied + sums.copies - sums.sides) / n as f64;
    (value, sums.tied as f64 / n as f64)
}

pub(crate) fn parameters(k: usize, scale: ColumnScale) -> Parameters {
    let scale = match scale {
        ColumnScale::Deviation => "deviation",
        ColumnScale::None => "none",
        ColumnScale::NormalScores => "normal-scores",
    };
    [
        ("k".to_owned(), k.into()),
        ("scale".to_owned(), scale.into()),
    ]
    .into()
}
