//! What `ksg1`, `ksg2` and `gao` share: both sides as points, and what is said about them.

mod entropy;
mod extrapolated;
mod first;
mod second;

use std::f64::consts::LOG2_E;

pub use extrapolated::{KsgExtrapolated, KsgExtrapolatedParams};
pub(crate) use extrapolated::{NEIGHBOURS, extrapolated};
pub(crate) use first::parameters;
pub use first::{Ksg1, Ksg1Params};
pub use second::{Ksg2, Ksg2Params};

use crate::digamma::Digamma;
use crate::neighbours::{ColumnScale, Counts, Points};
use crate::{About, Estimator, EstimatorError, Pair, Parameters, Point, Samples};

/// Bits by which twice the samples may raise an estimate before it is flagged: 1 is the growth of
/// an estimate whose truth is infinite.
pub(crate) const GROWTH_LIMIT: f64 = 0.3;

/// The two sides of a pair.
pub(crate) struct Sides {
    pub(crate) first: Points,
    pub(crate) second: Points,
}

impl Sides {
    /// Both sides of vectors with vectors.
    pub(crate) fn new(
        estimator: &'static str,
        pair: &Pair<'_>,
        scale: ColumnScale,
        k: usize,
    ) -> Result<Self, EstimatorError> {
        let other = match pair.about() {
            About::Vectors(other) => other,
            About::Classes(_) => {
                return Err(EstimatorError::Unsupported {
                    estimator,
                    what: "information about classes",
                    instead: "use ross or gao",
                });
            }
            About::Identity => return Err(identity(estimator)),
        };
        check_samples(pair.n_samples(), k)?;
        let (first, second) = rayon::join(
            || Points::new(pair.vectors(), scale),
            || Points::new(other, scale),
        );
        Ok(Self { first, second })
    }

    /// Whether a side is constant, which makes the information 0.
    pub(crate) fn constant(&self) -> bool {
        self.first.width() == 0 || self.second.width() == 0
    }

    /// Shares of repeated vectors and numbers of constant columns, each where there are any.
    pub(crate) fn remarks(&self) -> Parameters {
        let mut remarks = Parameters::new();
        for (name, side) in [("first", &self.first), ("second", &self.second)] {
            remark(&mut remarks, name, side);
        }
        remarks
    }
}

/// See [`Sides::remarks`].
pub(crate) fn remark(remarks: &mut Parameters, name: &str, side: &Points) {
    if side.constant() > 0 {
        remarks.insert(format!("constant_columns_{name}"), side.constant().into());
    }
    let repeated = side.repeated();
    if repeated > 0.0 && side.width() > 0 {
        remarks.insert(format!("repeated_{name}"), repeated.into());
    }
}

/// The error of a family whose value is infinite for the samples' identity.
pub(crate) fn identity(estimator: &'static str) -> EstimatorError {
    EstimatorError::Unsupported {
        estimator,
        what: "information about the sample's identity, which is infinite for continuous vectors",
        instead: "use gaussian-channel, kde, renyi or binned, which put a channel, a kernel or a \
                  partition between",
    }
}

/// Each sample needs `k` neighbours.
pub(crate) fn check_samples(n: usize, k: usize) -> Result<(), EstimatorError> {
    if n > k {
        Ok(())
    } else {
        Err(EstimatorError::TooFewSamples {
            found: n,
            minimum: k + 1,
        })
    }
}

/// Refuses a `k` of 0.
pub(crate) fn check_k(k: usize) -> Result<(), EstimatorError> {
    if k == 0 {
        return Err(EstimatorError::Parameter {
            name: "k",
            value: "0".to_owned(),
            allowed: "at least 1",
        });
    }
    Ok(())
}

/// Means over samples of ψ of both counts and, for those whose radius is 0, of their copies.
struct Sums {
    /// Σ ψ(first) + ψ(second).
    sides: f64,
    /// Σ ψ(joint) over tied samples.
    copies: f64,
    /// Samples whose `k`-th neighbour is a copy of them.
    tied: usize,
}

impl Sums {
    fn of(counts: &[Counts], digamma: &Digamma) -> Self {
        let tied = || counts.iter().filter(|c| c.joint > 0);
        Self {
            sides: digamma.sum(counts.iter().flat_map(|c| [c.first, c.second])),
            copies: digamma.sum(tied().map(|c| c.joint)),
            tied: tied().count(),
        }
    }
}

/// A value of a KSG estimator in nats as a point in bits, flagged near `ceiling`.
fn point(pair: &Pair<'_>, value: f64, ceiling: f64, mut remarks: Parameters, tied: f64) -> Point {
    if tied > 0.0 {
        remarks.insert("tied".to_owned(), tied.into());
    }
    let (value, ceiling) = (value * LOG2_E, ceiling * LOG2_E);
    Point {
        ceiling,
        saturated: crate::Estimate::is_saturated([value; 2], ceiling, false),
        chosen: remarks,
        ..Point::of(pair, value)
    }
}

/// `ksg-extrapolated` with the same scale: what has less bias than `ksg1` and `ksg2`.
fn less_biased(scale: ColumnScale) -> Option<Box<dyn Estimator>> {
    let params = KsgExtrapolatedParams {
        scale,
        ..Default::default()
    };
    let estimator = params.check().ok()?;
    Some(Box::new(estimator))
}

/// The point of a pair with a constant side.
fn no_information(pair: &Pair<'_>, ceiling: f64, remarks: Parameters) -> Point {
    point(pair, 0.0, ceiling, remarks, 0.0)
}

/// The Kozachenko-Leonenko entropy of vectors in bits, by all families that have neighbours.
pub(crate) fn entropy_of(
    vectors: Samples<'_>,
    scale: ColumnScale,
    k: usize,
) -> Result<f64, EstimatorError> {
    entropy::kozachenko_leonenko(vectors, scale, k)
}
