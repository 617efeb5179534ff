//! `sliced`: k-sliced mutual information, the mean information of random projections.
//!
//! ```text
//! SI_k(X;Y) = E[ I(AᵀX; BᵀY) ],   A, B uniform on the matrices of k orthonormal columns
//! ```
//!
//! by the mean over random pairs of projections, each estimated by `ksg1` (classes: vectors are
//! projected, and `ross` estimates). The standard error over projections is reported. A side of at
//! most k coordinates is not projected.
//!
//! **Not** I(X;Y) but a dependence of its own, no larger than it by data processing, 0 for
//! independent sides only, and smaller the more coordinates carry nothing: compare sliced values with
//! sliced values of equal width. In return its error does not grow with the dimension.
//! **Assumes** what `ksg1` does, of the slices. **Bias**: that of `ksg1` in 2k dimensions, and of
//! projections drawn: none. **Ceiling**: that of `ksg1`; H(Y) for classes.
//! **Ties, lone samples, constant columns**: as for `ksg1` and `ross`; columns are divided by their
//! standard deviation before they are projected, as slices depend on scale.
//! **Cost**: projections · (N log N + N d); memory O(N d).
//!
//! *Reference*: Z. Goldfeld, K. Greenewald, T. Nuradha and G. Reeves, "k-Sliced mutual information: a
//! quantitative study of scalability with dimension", NeurIPS 2022 (arXiv 2206.08526); for k = 1:
//! Z. Goldfeld and K. Greenewald, "Sliced mutual information", NeurIPS 2021 (arXiv 2110.05279).

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::ksg::{Ksg1, Ksg1Params, check_samples, identity};
use crate::neighbours::{ColumnScale, Points};
use crate::probe::{check_range, few_replicates};
use crate::ross::{Ross, RossParams};
use crate::{About, Estimator, EstimatorError, Pair, Parameters, Point, Resampling, Samples};

/// Unchecked parameters of [`Sliced`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlicedParams {
    /// Dimensions of a projection, from 1 to 8. Default 1.
    pub dimensions: usize,
    /// Projections, from 2. Default 128.
    pub projections: usize,
    /// Neighbours in the slices, from 1 to below the number of samples. Default 3.
    pub k: usize,
}

impl Default for SlicedParams {
    fn default() -> Self {
        Self {
            dimensions: 1,
            projections: 128,
            k: 3,
        }
    }
}

impl SlicedParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// For the first parameter outside of its range.
    pub fn check(self) -> Result<Sliced, EstimatorError> {
        check_range("dimensions", self.dimensions, 1..=8, "from 1 to 8")?;
        check_range(
            "projections",
            self.projections,
            2..=usize::MAX,
            "at least 2",
        )?;
        let (k, scale) = (self.k, ColumnScale::Deviation);
        Ok(Sliced {
            ksg: Ksg1Params { k, scale }.check()?,
            ross: RossParams { k, scale }.check()?,
            params: self,
        })
    }
}

/// The estimator `sliced`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Sliced {
    params: SlicedParams,
    ksg: Ksg1,
    ross: Ross,
}

/// Points times a random matrix of orthonormal columns.
fn project(points: &Points, dimensions: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let (n, width) = (points.n(), points.width());
    if width <= dimensions {
        return points.data().to_vec();
    }
    // Gram and Schmidt on normal columns, which have no direction of their own.
    let mut columns: Vec<Vec<f64>> = Vec::with_capacity(dimensions);
    while columns.len() < dimensions {
        let mut column: Vec<f64> = (0..width).map(|_| StandardNormal.sample(rng)).collect();
        for earlier in &columns {
            let along: f64 = column.iter().zip(earlier).map(|(c, e)| c * e).sum();
            column
                .iter_mut()
                .zip(earlier)
                .for_each(|(c, e)| *c -= along * e);
        }
        let length = column.iter().map(|c| c * c).sum::<f64>().sqrt();
        column.iter_mut().for_each(|c| *c /= length);
        columns.push(column);
    }
    let columns = columns.concat();
    let mut projected = vec![0.0; n * dimensions];
    matmul(
        MatMut::from_row_major_slice_mut(&mut projected, n, dimensions),
        Accum::Replace,
        MatRef::from_row_major_slice(points.data(), n, width),
        MatRef::from_row_major_slice(&columns, dimensions, width).transpose(),
        1.0,
        Par::Seq,
    );
    projected
}

impl Sliced {
    /// The estimate on projection number `index`.
    fn slice(
        &self,
        pair: &Pair<'_>,
        sides: &[Points],
        index: usize,
        seed: u64,
    ) -> Result<Point, EstimatorError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index as u64);
        let dimensions = self.params.dimensions;
        let n = pair.n_samples();
        let projected: Vec<Vec<f64>> = sides
            .iter()
            .map(|side| project(side, dimensions, &mut rng))
            .collect();
        let samples: Vec<Samples<'_>> = projected
            .iter()
            .map(|data| Samples::checked(data, n, data.len() / n))
            .collect();
        match (pair.about(), samples.as_slice()) {
            (About::Classes(labels), [x, ..]) => self
                .ross
                .point(&Pair::new(*x, About::Classes(labels))?, seed),
            (_, [x, y]) => self.ksg.point(&Pair::new(*x, About::Vectors(*y))?, seed),
            _ => Err(identity(self.name())),
        }
    }
}

impl Estimator for Sliced {
    fn name(&self) -> &'static str {
        "sliced"
    }

    fn parameters(&self) -> Parameters {
        [
            ("dimensions".to_owned(), self.params.dimensions.into()),
            ("projections".to_owned(), self.params.projections.into()),
            ("k".to_owned(), self.params.k.into()),
        ]
        .into()
    }

    fn point(&self, pair: &Pair<'_>, seed: u64) -> Result<Point, EstimatorError> {
        let scaled = |samples| Points::new(samples, ColumnScale::Deviation);
        let sides = match pair.about() {
            About::Vectors(other) => vec![scaled(pair.vectors()), scaled(other)],
            About::Classes(_) => vec![scaled(pair.vectors())],
            About::Identity => return Err(identity(self.name())),
        };
        check_samples(pair.n_samples(), self.params.k)?;
        if sides.iter().any(|side| side.width() == 0) {
            return Ok(Point::of(pair, 0.0));
        }
        // One after the other, as each is parallel over samples.
        let mut values = Vec::with_capacity(self.params.projections);
        let mut ceiling = f64::INFINITY;
        let mut saturated = 0;
        let projects = sides
            .iter()
            .any(|side| side.width() > self.params.dimensions);
        for index in 0..if projects { self.params.projections } else { 1 } {
            let point = self.slice(pair, &sides, index, seed)?;
            values.push(point.value);
            ceiling = ceiling.min(point.ceiling);
            saturated += usize::from(point.saturated);
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (squares / (count - 1.0).max(1.0) / count).sqrt();
        Ok(Point {
            value: mean,
            bracket: None,
            monte_carlo_error: Some(error),
            ceiling,
            saturated: 2 * saturated > values.len(),
            chosen: Parameters::new(),
        })
    }

    fn resampling(&self) -> Resampling {
        few_replicates()
    }
}
