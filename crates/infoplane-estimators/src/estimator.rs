//! The trait that every family of estimators is behind, and how intervals and nulls are made from
//! it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pair::OwnedPair;
use crate::parallel;
use crate::resample::{on_halves, random_permutations, subsampling_interval, summarise_null};
use crate::{About, Estimate, EstimatorError, Pair, Samples};

/// Parameters by name, as they are shown and stored.
pub type Parameters = BTreeMap<String, Value>;

/// A family of estimators of mutual information, with its parameters.
///
/// An implementation gives [`Estimator::point`]; intervals and nulls follow from it. Every number is
/// in bits.
pub trait Estimator: Send + Sync + std::fmt::Debug {
    /// The name in files and on the command line (`ksg1`).
    fn name(&self) -> &'static str;

    /// The parameters in use.
    fn parameters(&self) -> Parameters;

    /// The estimate of a pair, without an interval. The same pair and seed give the same bits,
    /// whatever the number of threads.
    ///
    /// # Errors
    /// When the family has no answer for this kind of pair, or too few samples for its parameters.
    fn point(&self, pair: &Pair<'_>, seed: u64) -> Result<Point, EstimatorError>;

    /// As many subsamples and permutations as suit the family's cost.
    fn resampling(&self) -> Resampling {
        Resampling::default()
    }

    /// Bits by which an estimate may exceed the mean of its halves before it counts as saturated;
    /// `None` for families whose value does not follow the number of samples so. An estimate that
    /// grows with every doubling of the samples has not found its truth, which may be infinite.
    fn growth_limit(&self) -> Option<f64> {
        None
    }

    /// Another estimate of the same figure with less bias and more scatter, for a family whose bias need not
    /// be small beside its scatter. The family's interval is that from the lower end of both to the higher, and
    /// so holds bias too. (To widen it only on the side where this estimate lies is not enough: its
    /// scatter puts it on the wrong side too often, see `docs/estimators.md`.)
    fn less_biased(&self) -> Option<Box<dyn Estimator>> {
        None
    }

    /// The entropy of vectors in bits, where the family has one: differential for families of
    /// densities, of the partition for `binned`, of the kernel matrix for `renyi`.
    ///
    /// # Errors
    /// As for [`Estimator::point`]; [`EstimatorError::Unsupported`] where there is none.
    fn entropy(&self, _vectors: Samples<'_>, _seed: u64) -> Result<f64, EstimatorError> {
        Err(EstimatorError::Unsupported {
            estimator: self.name(),
            what: "an entropy",
            instead: "ksg1, gaussian, kde, renyi and binned have one",
        })
    }

    /// The estimate with interval, null, ceiling and flag.
    ///
    /// # Errors
    /// As for [`Estimator::point`].
    fn estimate(
        &self,
        pair: &Pair<'_>,
        resampling: &Resampling,
    ) -> Result<Estimate, EstimatorError> {
        resampled(self, pair, resampling)
    }
}

/// An estimate before it has an interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The estimate in bits; not clamped.
    pub value: f64,
    /// Lower and upper bound, where the family gives two numbers.
    pub bracket: Option<[f64; 2]>,
    /// Standard error of the value from random draws, where the family makes any.
    pub monte_carlo_error: Option<f64>,
    /// Largest value possible in bits.
    pub ceiling: f64,
    /// Whether the value says nothing because of its ceiling.
    pub saturated: bool,
    /// Parameters that were chosen from the data (a kernel's width).
    pub chosen: Parameters,
}

impl Point {
    /// A value without bracket or draws, whose ceiling is that of the pair: H(Y) for classes, log₂ N
    /// otherwise. A value near log₂ N is saturated; one near H(Y) has resolved the class.
    pub fn of(pair: &Pair<'_>, value: f64) -> Self {
        let (ceiling, resolves) = match pair.about() {
            About::Classes(labels) => (labels.entropy(), true),
            _ => ((pair.n_samples() as f64).log2(), false),
        };
        Self {
            value,
            bracket: None,
            monte_carlo_error: None,
            ceiling,
            saturated: Estimate::is_saturated([value; 2], ceiling, resolves),
            chosen: Parameters::new(),
        }
    }
}

/// How intervals and nulls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resampling {
    /// Random halves of the samples behind the interval; 0 for no interval. Default 50.
    pub subsamples: usize,
    /// Permutations behind the null; 0 for none. Default 40.
    pub permutations: usize,
    /// Seed of halves, permutations and whatever an estimator draws. Default 0.
    pub seed: u64,
}

impl Default for Resampling {
    fn default() -> Self {
        Self {
            subsamples: 50,
            permutations: 40,
            seed: 0,
        }
    }
}

impl Resampling {
    /// The seed of one of the halves and permutations.
    pub(crate) fn seed_of(&self, replicate: usize) -> u64 {
        self.seed.wrapping_add(1 + replicate as u64)
    }
}

/// The point, its value on every half, and its value under every permutation of the other side.
pub(crate) fn resampled<E: Estimator + ?Sized>(
    estimator: &E,
    pair: &Pair<'_>,
    resampling: &Resampling,
) -> Result<Estimate, EstimatorError> {
    let point = estimator.point(pair, resampling.seed)?;
    let mut estimate = assembled(
        point,
        values_on_halves(estimator, pair, resampling),
        permuted(estimator, pair, resampling),
        estimator.growth_limit(),
    );
    if let Some([low, high]) = less_biased_interval(estimator, pair, resampling) {
        estimate.ci = [estimate.ci[0].min(low), estimate.ci[1].max(high)];
    }
    Ok(estimate)
}

/// The interval of the less biased estimate, where there is one and it has a value.
fn less_biased_interval<E: Estimator + ?Sized>(
    estimator: &E,
    pair: &Pair<'_>,
    resampling: &Resampling,
) -> Option<[f64; 2]> {
    if resampling.subsamples == 0 {
        return None;
    }
    let other = estimator.less_biased()?;
    // What the samples are too few for has no interval.
    let value = other.point(pair, resampling.seed).ok()?.value;
    let halves = values_on_halves(other.as_ref(), pair, resampling);
    let interval = subsampling_interval(value, &halves);
    interval
        .iter()
        .all(|end| end.is_finite())
        .then_some(interval)
}

/// The value on every half.
pub(crate) fn values_on_halves<E: Estimator + ?Sized>(
    estimator: &E,
    pair: &Pair<'_>,
    resampling: &Resampling,
) -> Vec<f64> {
    on_halves(pair.n_samples(), resampling, |rows, seed| {
        value_on(estimator, pair, (rows, rows), seed)
    })
}

/// The value under every permutation of the other side. The samples' identity has no null: any order
/// of it is the same pair.
pub(crate) fn permuted<E: Estimator + ?Sized>(
    estimator: &E,
    pair: &Pair<'_>,
    resampling: &Resampling,
) -> Vec<f64> {
    let count = match pair.about() {
        About::Identity => 0,
        _ => resampling.permutations,
    };
    let all: Vec<usize> = (0..pair.n_samples()).collect();
    let orders = random_permutations(all.len(), count, resampling.seed);
    let values = parallel::map(orders.len(), |index| {
        let seed = resampling.seed_of(resampling.subsamples + index);
        value_on(estimator, pair, (&all, &orders[index]), seed)
    });
    values
        .into_iter()
        .filter(|value| value.is_finite())
        .collect()
}

/// The value with the vectors of some samples and the other side of as many. A replicate may lack what
/// the whole has (two samples a class); it then has no value, NaN.
fn value_on<E: Estimator + ?Sized>(
    estimator: &E,
    pair: &Pair<'_>,
    (vectors, about): (&[usize], &[usize]),
    seed: u64,
) -> f64 {
    let gathered = OwnedPair::gather(pair, vectors, about);
    estimator
        .point(&gathered.as_pair(), seed)
        .map_or(f64::NAN, |point| point.value)
}

/// The estimate of a point, its values on halves and its values under permutations.
pub(crate) fn assembled(
    point: Point,
    subsamples: Vec<f64>,
    permuted: Vec<f64>,
    growth_limit: Option<f64>,
) -> Estimate {
    let finite: Vec<f64> = subsamples
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .collect();
    let growth = point.value - finite.iter().sum::<f64>() / finite.len() as f64;
    // Without halves the growth is NaN, and exceeds nothing.
    let grows = growth_limit.is_some_and(|limit| growth > limit);
    let ci = subsampling_interval(point.value, &subsamples);
    // Neighbours of few samples can read more than there is; NaN, without halves, exceeds nothing.
    let impossible = ci[0] > point.ceiling + 1e-9;
    Estimate {
        value: point.value,
        ci,
        bracket: point.bracket.unwrap_or([point.value; 2]),
        monte_carlo_error: point.monte_carlo_error.unwrap_or(0.0),
        ceiling: point.ceiling,
        null: summarise_null(point.value, permuted),
        saturated: point.saturated || grows || impossible,
        subsamples,
        chosen: point.chosen,
    }
}
