//! `binned`: the information of a partition of the vectors.
//!
//! Each vector becomes a symbol, and what is estimated is exact for the symbols:
//!
//! ```text
//! identity   H(A)                      classes   H(A) + H(Y) − H(A, Y)
//! vectors    H(A) + H(B) − H(A, B)
//! ```
//!
//! By data processing it is at most that of the vectors, and nothing is assumed of their
//! distribution. The partition is named by [`Partition`], the treatment of small counts by
//! [`Correction`](crate::Correction).
//!
//! **High dimension.** `equal-width` and `quantile` cut each coordinate and join a vector's bins into
//! one symbol, so d coordinates make bins^d cells: beyond two or three coordinates nearly every
//! sample has a cell of its own, and the figure is log₂ N (or H(Y)) whatever the data (Goldfeld et
//! al. 2019). It is flagged as saturated there: when the symbols' entropy, joint for two vectors,
//! reaches 95 % of log₂ N. `k-means` has as many cells as asked in any dimension.
//!
//! **Bias.** Plug-in information reads too high by about (cells of A − 1)(cells of B − 1)/2N nats;
//! the corrections take most of it where cells hold a few samples each. The partition itself loses
//! information, the more the coarser it is: then the figure reads too low.
//!
//! **One scale for several data sets.** Bins between a coordinate's own ends move with the data. Where
//! vectors are compared with others of the same units (a layer during training), `low` and `high` fix
//! the ends for every coordinate.
//!
//! **Enumerated inputs.** Where the samples are all inputs there are, once each, nothing was sampled:
//! the counts are the distribution, a correction would be wrong, log₂ N is a value like any other, and
//! intervals have no width. `enumerated` says so.
//!
//! **Bad cases.** A constant column has one bin. Equal numbers always share a bin, so quantile bins
//! of data with many duplicates are unequal or fewer. Classes of one sample count like others.
//!
//! Cost: N log N a coordinate; k-means N · k · d an iteration. Memory: a symbol a sample.
//!
//! References: Shwartz-Ziv and Tishby 2017, arXiv 1703.00810 (use on layers); Miller 1955; Hausser
//! and Strimmer 2009, JMLR 10:1469; Chao and Shen 2003; Arthur and Vassilvitskii 2007 (k-means++).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::counts::{Correction, Table, counts, entropy, renumbered};
use crate::estimator::resampled;
use crate::{
    About, Estimate, Estimator, EstimatorError, Pair, Parameters, Point, Resampling,
    SATURATION_SHARE, Samples,
};

/// How vectors become symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partition {
    /// Each coordinate cut into bins of equal width between its smallest and largest number.
    EqualWidth,
    /// Each coordinate cut into bins of equal counts.
    Quantile,
    /// The nearest of as many centres, by Lloyd's iterations from k-means++; coordinates as they are.
    KMeans,
}

/// Unchecked parameters of [`Binned`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BinnedParams {
    /// How vectors become symbols. Default `quantile`.
    pub partition: Partition,
    /// Bins a coordinate, or centres of k-means, from 2 to 65,536. Default 10.
    pub bins: usize,
    /// How the bias of counts is treated. Default `miller-madow`, and `none` where `enumerated`, with
    /// which no other goes.
    pub correction: Option<Correction>,
    /// Where the lowest bin of every coordinate begins, for `equal-width`; given together with `high`.
    /// Smaller numbers are in that bin too. By default each coordinate's smallest number.
    pub low: Option<f64>,
    /// Where the highest bin ends, likewise.
    pub high: Option<f64>,
    /// Whether the samples are all inputs there are, each once, so that shares are probabilities.
    /// Default false.
    pub enumerated: bool,
}

impl Default for BinnedParams {
    fn default() -> Self {
        Self {
            partition: Partition::Quantile,
            bins: 10,
            correction: None,
            low: None,
            high: None,
            enumerated: false,
        }
    }
}

impl BinnedParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// When `bins` is outside of its range, or parameters do not go together.
    pub fn check(self) -> Result<Binned, EstimatorError> {
        let refuse = |name, value: String, allowed| {
            Err(EstimatorError::Parameter {
                name,
                value,
                allowed,
            })
        };
        if !(2..=65_536).contains(&self.bins) {
            return refuse("bins", self.bins.to_string(), "from 2 to 65536");
        }
        let correction = match (self.correction, self.enumerated) {
            (None, false) => Correction::MillerMadow,
            (None, true) => Correction::None,
            (Some(given), true) if given != Correction::None => {
                return refuse("correction", given.name(), "none where enumerated");
            }
            (Some(given), _) => given,
        };
        let range = match (self.low, self.high) {
            (None, None) => None,
            (Some(low), Some(high)) if low.is_finite() && high.is_finite() && low < high => {
                Some([low, high])
            }
            (low, high) => {
                let shown = |end: Option<f64>| end.map_or("none".to_owned(), |end| end.to_string());
                let given = format!("{} to {}", shown(low), shown(high));
                return refuse(
                    "low and high",
                    given,
                    "both or neither, finite, low below high",
                );
            }
        };
        if range.is_some() && self.partition != Partition::EqualWidth {
            let given = format!("{:?} with low and high", self.partition);
            return refuse(
                "partition",
                given,
                "equal-width where low and high are given",
            );
        }
        Ok(Binned {
            params: self,
            correction,
            range,
        })
    }
}

/// The estimator `binned`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Binned {
    params: BinnedParams,
    correction: Correction,
    range: Option<[f64; 2]>,
}

impl Binned {
    /// The checked parameters.
    pub fn params(&self) -> &BinnedParams {
        &self.params
    }

    /// The symbol of each vector, and how many occur.
    fn symbols(&self, samples: Samples<'_>, seed: u64) -> (Vec<usize>, usize) {
        let data = samples.to_vec();
        let width = samples.width();
        match self.params.partition {
            Partition::KMeans => renumbered(k_means(&data, width, self.params.bins, seed)),
            Partition::EqualWidth | Partition::Quantile => {
                let mut bins = vec![0_u16; data.len()];
                for column in 0..width {
                    let numbers: Vec<f64> =
                        data.iter().skip(column).step_by(width).copied().collect();
                    let edges = self.edges(&numbers);
                    for (row, number) in numbers.iter().enumerate() {
                        // At most 65,535 edges, so the bin fits.
                        bins[row * width + column] = edges.partition_point(|e| e <= number) as u16;
                    }
                }
                renumbered(bins.chunks_exact(width))
            }
        }
    }

    /// Inner edges of a coordinate's bins, ascending; a number on an edge is in the upper bin.
    fn edges(&self, numbers: &[f64]) -> Vec<f64> {
        let bins = self.params.bins;
        let equal = |k: usize, [low, high]: [f64; 2]| {
            let share = k as f64 / bins as f64;
            low * (1.0 - share) + high * share
        };
        if let Some(range) = self.range {
            return (1..bins).map(|k| equal(k, range)).collect();
        }
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else {
            return Vec::new();
        };
        let mut edges: Vec<f64> = (1..bins)
            .map(|k| {
                if self.params.partition == Partition::Quantile {
                    sorted[k * sorted.len() / bins]
                } else {
                    equal(k, [low, high])
                }
            })
            .filter(|&edge| edge > low)
            .collect();
        edges.dedup();
        edges
    }
}

impl Estimator for Binned {
    fn name(&self) -> &'static str {
        "binned"
    }

    fn parameters(&self) -> Parameters {
        let mut parameters: Parameters = [
            ("partition", json!(self.params.partition)),
            ("bins", json!(self.params.bins)),
            ("correction", json!(self.correction)),
            ("enumerated", json!(self.params.enumerated)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some([low, high]) = self.range {
            parameters.insert("low".to_owned(), json!(low));
            parameters.insert("high".to_owned(), json!(high));
        }
        parameters
    }

    fn point(&self, pair: &Pair<'_>, seed: u64) -> Result<Point, EstimatorError> {
        let (symbols, n_symbols) = self.symbols(pair.vectors(), seed);
        let correction = self.correction;
        let symbol_counts = counts(&symbols, n_symbols);
        let (value, used) = match pair.about() {
            About::Identity => (
                entropy(&symbol_counts, correction),
                entropy(&symbol_counts, Correction::None),
            ),
            About::Classes(labels) => {
                let table = Table::new((&symbols, n_symbols), (labels.dense(), labels.n_classes()));
                let used = entropy(&symbol_counts, Correction::None);
                (table.information(correction), used)
            }
            About::Vectors(other) => {
                let (others, n_others) = self.symbols(other, seed.wrapping_add(1));
                let table = Table::new((&symbols, n_symbols), (&others, n_others));
                (table.information(correction), table.joint_entropy())
            }
        };
        let mut point = Point::of(pair, value);
        let cells = (pair.n_samples() as f64).log2();
        point.saturated =
            !self.params.enumerated && cells > 0.0 && used >= SATURATION_SHARE * cells;
        point.chosen.insert("cells".to_owned(), json!(n_symbols));
        Ok(point)
    }

    /// H of the symbols.
    fn entropy(&self, vectors: Samples<'_>, seed: u64) -> Result<f64, EstimatorError> {
        let (symbols, n_symbols) = self.symbols(vectors, seed);
        Ok(entropy(&counts(&symbols, n_symbols), self.correction))
    }

    /// As for every family; of enumerated inputs all subsamples are the value itself, as no sample was
    /// drawn.
    fn estimate(
        &self,
        pair: &Pair<'_>,
        resampling: &Resampling,
    ) -> Result<Estimate, EstimatorError> {
        if !self.params.enumerated {
            return resampled(self, pair, resampling);
        }
        let permutations = Resampling {
            subsamples: 0,
            ..*resampling
        };
        let mut estimate = resampled(self, pair, &permutations)?;
        estimate.ci = [estimate.value; 2];
        estimate.subsamples = vec![estimate.value; resampling.subsamples];
        Ok(estimate)
    }
}

/// The nearest centre of each row after Lloyd's iterations, at most 50.
fn k_means(data: &[f64], width: usize, k: usize, seed: u64) -> Vec<usize> {
    let rows: Vec<&[f64]> = data.chunks_exact(width).collect();
    let mut centres = spread_centres(&rows, k, seed);
    let mut nearest = vec![usize::MAX; rows.len()];
    for _ in 0..50 {
        let mut moved = false;
        for (nearest, row) in nearest.iter_mut().zip(&rows) {
            let mut best = (f64::INFINITY, 0);
            for (index, centre) in centres.chunks_exact(width).enumerate() {
                let distance = square_distance(row, centre);
                if distance < best.0 {
                    best = (distance, index);
                }
            }
            moved |= *nearest != best.1;
            *nearest = best.1;
        }
        if !moved {
            break;
        }
        let mut sums = vec![0.0; centres.len()];
        let mut sizes = vec![0_usize; centres.len() / width];
        for (&centre, row) in nearest.iter().zip(&rows) {
            sizes[centre] += 1;
            let sum = &mut sums[centre * width..(centre + 1) * width];
            sum.iter_mut().zip(*row).for_each(|(s, v)| *s += v);
        }
        for (index, &size) in sizes.iter().enumerate().filter(|(_, size)| **size > 0) {
            for k in index * width..(index + 1) * width {
                centres[k] = sums[k] / size as f64;
            }
        }
    }
    nearest
}

/// At most `k` different rows, each drawn with a chance proportional to its squared distance from
/// those already taken.
fn spread_centres(rows: &[&[f64]], k: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut distances = vec![f64::INFINITY; rows.len()];
    let mut chosen = rng.random_range(0..rows.len());
    let mut centres = Vec::new();
    for _ in 0..k {
        centres.extend_from_slice(rows[chosen]);
        for (distance, row) in distances.iter_mut().zip(rows) {
            *distance = distance.min(square_distance(row, rows[chosen]));
        }
        let mut left = rng.random::<f64>() * distances.iter().sum::<f64>();
        let Some(next) = distances.iter().position(|distance| {
            left -= distance;
            left < 0.0
        }) else {
            // No row is away from all centres.
            break;
        };
        chosen = next;
    }
    centres
}

fn square_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Labels, tasks};

    fn binned(change: impl FnOnce(&mut BinnedParams)) -> Binned {
        let mut params = BinnedParams::default();
        change(&mut params);
        params.check().unwrap()
    }

    fn task(name: &str) -> tasks::Task {
        tasks::all().into_iter().find(|t| t.name == name).unwrap()
    }

    #[test]
    fn every_partition_and_correction_is_near_the_truth_of_a_gaussian_pair() {
        let task = task("normal-1");
        let data = task.sample(5_000, 1);
        for partition in [
            Partition::EqualWidth,
            Partition::Quantile,
            Partition::KMeans,
        ] {
            for correction in [
                Correction::None,
                Correction::MillerMadow,
                Correction::Shrinkage,
                Correction::ChaoShen,
            ] {
                let estimator = binned(|p| {
                    p.partition = partition;
                    p.correction = Some(correction);
                });
                let found = estimator.point(&data.pair().unwrap(), 0).unwrap();
                let error = found.value - task.truth;
                assert!(
                    (-0.1..0.04).contains(&error),
                    "{partition:?} {correction:?} {error}"
                );
                assert!(!found.saturated);
            }
        }
    }

    #[test]
    fn corrections_take_most_of_the_bias_of_independent_symbols() {
        let data = task("independent-1").sample(400, 2);
        let value = |correction| {
            let estimator = binned(|p| p.correction = Some(correction));
            estimator.point(&data.pair().unwrap(), 0).unwrap().value
        };
        assert!(value(Correction::None) > 0.1);
        for correction in [Correction::MillerMadow, Correction::Shrinkage] {
            assert!(value(correction).abs() < 0.06, "{}", value(correction));
        }
    }

    #[test]
    fn classes_of_a_mixture_are_told() {
        for (name, partition, bins) in [
            ("mixture-1", Partition::Quantile, 20),
            ("mixture-2", Partition::KMeans, 40),
        ] {
            let task = task(name);
            let data = task.sample(4_000, 3);
            let estimator = binned(|p| {
                p.partition = partition;
                p.bins = bins;
            });
            let found = estimator.point(&data.pair().unwrap(), 0).unwrap();
            assert!(
                (found.value - task.truth).abs() < 0.1,
                "{name} {}",
                found.value
            );
        }
    }

    #[test]
    fn whole_vectors_of_high_dimension_are_saturated_and_flagged() {
        let data = task("independent-20").sample(500, 3);
        let pair = data.pair().unwrap();
        assert!(binned(|_| {}).point(&pair, 0).unwrap().saturated);
        let samples = pair.vectors();
        let identity = Pair::new(samples, About::Identity).unwrap();
        let found = binned(|_| {}).point(&identity, 0).unwrap();
        assert!(found.saturated);
        let clusters = binned(|p| p.partition = Partition::KMeans);
        assert!(!clusters.point(&identity, 0).unwrap().saturated);
    }

    #[test]
    fn constant_and_duplicate_columns_have_as_many_bins_as_values() {
        let constant = vec![2.5; 20];
        let two: Vec<f64> = (0..20).map(|i| f64::from(i % 2)).collect();
        for partition in [
            Partition::EqualWidth,
            Partition::Quantile,
            Partition::KMeans,
        ] {
            let estimator = binned(|p| p.partition = partition);
            let entropy = |data: &[f64]| {
                let samples = Samples::from_f64(data, 20, 1).unwrap();
                let pair = Pair::new(samples, About::Identity).unwrap();
                estimator.point(&pair, 0).unwrap().chosen["cells"].clone()
            };
            assert_eq!(entropy(&constant), json!(1));
            assert_eq!(entropy(&two), json!(2));
        }
    }

    #[test]
    fn fixed_ends_hold_for_every_coordinate_and_take_in_what_lies_beyond() {
        let estimator = binned(|p| {
            p.partition = Partition::EqualWidth;
            p.bins = 4;
            p.low = Some(-1.0);
            p.high = Some(1.0);
        });
        // Inner bins end at -0.5, 0 and 0.5. Each number twice, as eight samples are the least.
        let cells = |data: &[f64]| {
            let data = data.repeat(2);
            let samples = Samples::from_f64(&data, data.len(), 1).unwrap();
            let pair = Pair::new(samples, About::Identity).unwrap();
            estimator.point(&pair, 0).unwrap().chosen["cells"].clone()
        };
        assert_eq!(cells(&[0.1, 0.2, 0.3, 0.4]), json!(1));
        assert_eq!(cells(&[-7.0, -0.6, 0.9, 7.0]), json!(2));
        assert_eq!(cells(&[-0.6, -0.4, 0.4, 0.6]), json!(4));
    }

    #[test]
    fn enumerated_inputs_are_counted_as_they_are() {
        let data: Vec<f64> = (0..16).map(f64::from).collect();
        let samples = Samples::from_f64(&data, 16, 1).unwrap();
        let pair = Pair::new(samples, About::Identity).unwrap();
        let estimator = binned(|p| {
            p.partition = Partition::EqualWidth;
            p.bins = 16;
            p.enumerated = true;
        });
        let found = estimator.estimate(&pair, &Resampling::default()).unwrap();
        assert_eq!((found.value, found.ci), (4.0, [4.0, 4.0]));
        assert!(!found.saturated);
        assert_eq!(found.subsamples, vec![4.0; 50]);
    }

    #[test]
    fn parameters_that_do_not_go_together_are_refused() {
        let said = |change: &dyn Fn(&mut BinnedParams)| {
            let mut params = BinnedParams::default();
            change(&mut params);
            params.check().unwrap_err().to_string()
        };
        let equal_width = |p: &mut BinnedParams| p.partition = Partition::EqualWidth;
        assert!(said(&|p| p.low = Some(0.0)).contains("both or neither"));
        let backwards = said(&|p| {
            equal_width(p);
            (p.low, p.high) = (Some(1.0), Some(0.0));
        });
        assert!(backwards.contains("1 to 0"), "{backwards}");
        assert!(said(&|p| (p.low, p.high) = (Some(0.0), Some(1.0))).contains("equal-width"));
        let corrected = said(&|p| {
            p.enumerated = true;
            p.correction = Some(Correction::ChaoShen);
        });
        assert!(corrected.contains("chao-shen"), "{corrected}");
    }

    #[test]
    fn increasing_maps_do_not_move_quantile_bins() {
        let data = task("normal-1").sample(300, 4);
        let classes: Vec<u32> = data.vectors.iter().map(|v| u32::from(*v > 0.3)).collect();
        let labels = Labels::new(&classes).unwrap();
        let value = |numbers: &[f64]| {
            let samples = Samples::from_f64(numbers, 300, 1).unwrap();
            let pair = Pair::new(samples, About::Classes(&labels)).unwrap();
            binned(|_| {}).point(&pair, 0).unwrap().value
        };
        let mapped: Vec<f64> = data.vectors.iter().map(|v| v.exp()).collect();
        assert!((value(&data.vectors) - value(&mapped)).abs() < 1e-12);
        assert!(matches!(
            BinnedParams {
                bins: 1,
                ..Default::default()
            }
            .check(),
            Err(EstimatorError::Parameter { name: "bins", .. })
        ));
    }
}
