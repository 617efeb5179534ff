//! `gao`: mutual information of variables that are discrete, continuous, or a mixture of both.
//!
//! ```text
//! I(X;Y) = log N + ⟨ψ(k̃_i) − ψ(n_x + 1) − ψ(n_y + 1)⟩
//! ```
//!
//! ε_i is the distance of sample i from its k-th nearest neighbour in the joint space, in the maximum
//! norm. Where ε_i > 0, k̃_i = k and n_x counts the other samples nearer than ε_i in x, as for `ksg1`.
//! Where ε_i = 0, sample i sits on an atom: k̃_i counts its copies, itself among them, and n_x, n_y
//! the others that equal it on one side, which is the plug-in estimate of the atom's share.
//!
//! With classes as the other side, two samples of different classes are infinitely far apart: the
//! neighbours are those of the class, k̃_i = min(k, N_i − 1), and n_y + 1 is the class's size; lone
//! samples are treated as by `ross`.
//!
//! **Assumes** a law that is locally either discrete or smooth; components need not have one
//! dimension. **Bias**: that of `ksg1` on continuous data, and that of a plug-in estimate on
//! atoms: too much, by about the number of joint atoms over 2N, where many atoms have few copies.
//! **Ceiling**: log₂ N, H(Y) for classes. A value that grows by more than 0.3 bits from half the
//! samples to all is flagged as saturated.
//! **Scale**: dividing a column moves no sample onto or off an atom; the relative scale of a
//! discrete side decides when neighbours are sought within an atom only. **Constant columns** are
//! left out; a constant side has 0 bits, exactly.
//! **Interval**: joined to that of the extrapolation from 6 neighbours and 1 to none, as for `ksg1`.
//! **Cost**: that of `ksg1`; samples with N/2 copies each take N² / 4 comparisons in all.
//!
//! *Reference*: W. Gao, S. Kannan, S. Oh and P. Viswanath, "Estimating mutual information for
//! discrete-continuous mixtures", NeurIPS 2017 (arXiv 1709.06212), Algorithm 1, with ψ in place of
//! log and open balls where ε > 0, as in the authors' program: on continuous data that is `ksg1` but
//! for log N in place of ψ(N), and has less bias than the form printed.

use std::f64::consts::LOG2_E;

use serde::{Deserialize, Serialize};

use crate::classes::ByClass;
use crate::digamma::Digamma;
use crate::extrapolated::Extrapolated;
use crate::ksg::{GROWTH_LIMIT, Sides, check_k, parameters, remark};
use crate::neighbours::{
    ColumnScale, Points, Radii, count_around, count_around_in_classes, open_unless_zero,
};
use crate::ross::resolved;
use crate::{About, Estimator, EstimatorError, Labels, Pair, Parameters, Point};

/// Unchecked parameters of [`Gao`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaoParams {
    /// Neighbours, from 1 to below the number of samples. Default 5.
    pub k: usize,
    /// How columns are scaled. Default `normal-scores`.
    pub scale: ColumnScale,
}

impl Default for GaoParams {
    fn default() -> Self {
        Self {
            k: 5,
            scale: ColumnScale::NormalScores,
        }
    }
}

impl GaoParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// When `k` is 0.
    pub fn check(self) -> Result<Gao, EstimatorError> {
        check_k(self.k)?;
        Ok(Gao { params: self })
    }
}

/// The estimator `gao`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Gao {
    params: GaoParams,
}

impl Estimator for Gao {
    fn name(&self) -> &'static str {
        "gao"
    }

    fn parameters(&self) -> Parameters {
        parameters(self.params.k, self.params.scale)
    }

    fn point(&self, pair: &Pair<'_>, _seed: u64) -> Result<Point, EstimatorError> {
        match pair.about() {
            About::Classes(labels) => self.about_classes(pair, labels),
            _ => self.about_vectors(pair),
        }
    }

    fn growth_limit(&self) -> Option<f64> {
        Some(GROWTH_LIMIT)
    }

    fn less_biased(&self) -> Option<Box<dyn Estimator>> {
        let scale = self.params.scale;
        Some(Box::new(Extrapolated::new(|k| Gao {
            params: GaoParams { k, scale },
        })))
    }
}

impl Gao {
    fn about_vectors(&self, pair: &Pair<'_>) -> Result<Point, EstimatorError> {
        let (n, k) = (pair.n_samples(), self.params.k);
        let sides = Sides::new(self.name(), pair, self.params.scale, k)?;
        let mut remarks = sides.remarks();
        if sides.constant() {
            return Ok(Point {
                chosen: remarks,
                ..Point::of(pair, 0.0)
            });
        }
        let counts = count_around(&sides.first, &sides.second, k, |_, neighbours| {
            let radius = neighbours.last().map_or(0.0, |n| n.distance);
            Radii {
                first: open_unless_zero(radius),
                second: open_unless_zero(radius),
                joint: (radius == 0.0).then_some(0.0),
            }
        });
        let digamma = Digamma::up_to(n);
        let own = counts.iter().map(|c| if c.joint > 0 { c.joint } else { k });
        let sum = digamma.sum(own) - digamma.sum(counts.iter().flat_map(|c| [c.first, c.second]));
        let tied = counts.iter().filter(|c| c.joint > 0).count();
        if tied > 0 {
            remarks.insert("tied".to_owned(), (tied as f64 / n as f64).into());
        }
        let value = (n as f64).ln() + sum / n as f64;
        Ok(Point {
            chosen: remarks,
            ..Point::of(pair, value * LOG2_E)
        })
    }

    fn about_classes(&self, pair: &Pair<'_>, labels: &Labels) -> Result<Point, EstimatorError> {
        let by_class = ByClass::new(labels)?;
        let points = Points::new(pair.vectors(), self.params.scale);
        let mut remarks = by_class.remarks();
        remark(&mut remarks, "first", &points);
        if points.width() == 0 || by_class.classes().len() == 1 {
            return Ok(resolved(pair, 0.0, remarks));
        }
        let points = points.gather(by_class.samples());
        let counts = count_around_in_classes(&points, by_class.classes(), self.params.k);
        let n = counts.len();
        let digamma = Digamma::up_to(n);
        let sizes = by_class.classes().iter().map(|class| {
            let size = class.len();
            size as f64 * digamma.at(size)
        });
        let sum = digamma.sum(counts.iter().map(|c| c.own))
            - digamma.sum(counts.iter().map(|c| c.all))
            - sizes.sum::<f64>();
        let tied = counts.iter().filter(|c| c.tied).count();
        if tied > 0 {
            remarks.insert("tied".to_owned(), (tied as f64 / n as f64).into());
        }
        let value = (n as f64).ln() + sum / n as f64;
        Ok(resolved(pair, value, remarks))
    }
}
