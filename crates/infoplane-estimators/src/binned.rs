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
use crate::{About, Estimator, EstimatorError, Pair, Parameters, Point, SATURATION_SHARE, Samples};

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
    /// How the bias of counts is treated. Default `miller-madow`.
    pub correction: Correction,
}

impl Default for BinnedParams {
    fn default() -> Self {
        Self {
            partition: Partition::Quantile,
            bins: 10,
            correction: Correction::MillerMadow,
        }
    }
}

impl BinnedParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// When `bins` is outside of its range.
    pub fn check(self) -> Result<Binned, EstimatorError> {
        if !(2..=65_536).contains(&self.bins) {
            return Err(EstimatorError::Parameter {
                name: "bins",
                value: self.bins.to_string(),
                allowed: "from 2 to 65536",
            });
        }
        Ok(Binned { params: self })
    }
}

/// The estimator `binned`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Binned {
    params: BinnedParams,
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
                    let share = k as f64 / bins as f64;
                    low * (1.0 - share) + high * share
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
        [
            ("partition", json!(self.params.partition)),
            ("bins", json!(self.params.bins)),
            ("correction", json!(self.params.correction)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn point(&self, pair: &Pair<'_>, seed: u64) -> Result<Point, EstimatorError> {
        let (symbols, n_symbols) = self.symbols(pair.vectors(), seed);
        let correction = self.params.correction;
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
        point.saturated = cells > 0.0 && used >= SATURATION_SHARE * cells;
        point.chosen.insert("cells".to_owned(), json!(n_symbols));
        Ok(point)
    }

    /// H of the symbols.
    fn entropy(&self, vectors: Samples<'_>, seed: u64) -> Result<f64, EstimatorError> {
        let (symbols, n_symbols) = self.symbols(vectors, seed);
        Ok(entropy(
            &counts(&symbols, n_symbols),
            self.params.correction,
        ))
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
                    p.correction = correction;
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
            let estimator = binned(|p| p.correction = correction);
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
