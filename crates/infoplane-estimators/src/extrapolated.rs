//! What `gao` and `ross` read with few and with more neighbours, extrapolated to neighbours at no distance
//! as `ksg-extrapolated` does. It is noisier than either, and serves for the interval alone.

use crate::ksg::{NEIGHBOURS, extrapolated};
use crate::{About, Estimator, EstimatorError, Pair, Parameters, Point};

/// One family with both numbers of neighbours, those of `ksg-extrapolated`.
#[derive(Debug)]
pub(crate) struct Extrapolated<E> {
    near: E,
    far: E,
}

impl<E> Extrapolated<E> {
    /// Of the family that `with` gives with so many neighbours.
    pub(crate) fn new(with: impl Fn(usize) -> E) -> Self {
        let [near, far] = NEIGHBOURS.map(with);
        Self { near, far }
    }
}

impl<E: Estimator> Estimator for Extrapolated<E> {
    fn name(&self) -> &'static str {
        self.near.name()
    }

    fn parameters(&self) -> Parameters {
        self.near.parameters()
    }

    fn point(&self, pair: &Pair<'_>, seed: u64) -> Result<Point, EstimatorError> {
        let (near, far) = (self.near.point(pair, seed)?, self.far.point(pair, seed)?);
        let other = match pair.about() {
            About::Vectors(other) => other.width(),
            About::Classes(_) | About::Identity => 0,
        };
        let constant: u64 = ["first", "second"]
            .iter()
            .filter_map(|side| {
                near.chosen
                    .get(&format!("constant_columns_{side}"))?
                    .as_u64()
            })
            .sum();
        let dimensions = (pair.vectors().width() + other).saturating_sub(constant as usize);
        Ok(Point {
            value: extrapolated([near.value, far.value], NEIGHBOURS, dimensions),
            ..near
        })
    }
}
