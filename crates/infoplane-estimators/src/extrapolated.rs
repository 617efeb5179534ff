//! What `gao` and `ross` read with few and with more neighbours, extrapolated to neighbours at no distance
//! as `ksg-extrapolated` does. It is noisier than either, and serves for the interval alone.

use crate::ksg::extrapolated;
use crate::{About, Estimator, EstimatorError, Pair, Parameters, Point};

/// The smaller and the larger number of neighbours, those of `ksg-extrapolated`.
pub(crate) const NEIGHBOURS: [usize; 2] = [1, 6];

/// One family with both numbers of neighbours.
#[derive(Debug)]
pub(crate) struct Extrapolated<E> {
    pub(crate) near: E,
    pub(crate) far: E,
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
