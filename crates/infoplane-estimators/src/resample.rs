//! Subsamples without replacement, label permutations, and what is read from them.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::{Null, Resampling, parallel};

/// Streams of the seed that no sample's noise uses.
const SUBSAMPLE_STREAM: u64 = 1 << 62;
const PERMUTATION_STREAM: u64 = 1 << 63;

/// The 95 % interval of `value` from its values on random halves of the samples, each followed by its
/// value on the other half.
///
/// Two halves without a common sample are independent, so half the mean square of their difference
/// is the variance of the estimate on N/2 samples, and a quarter of it that on N, where variance
/// falls as 1/N. Nothing is assumed of the estimate's form, and no scale has to be chosen. (The
/// spread of single halves about their mean gives the same for a mean, but up to √2 too wide an
/// interval for neighbour estimators, whose neighbours change from half to half: that part of
/// the spread is alike in both halves' sum and absent from the difference.) Means over many splits
/// come near the delete-half jackknife (Shao and Wu 1989); subsamples rather than bootstrap copies,
/// because copies would be each other's neighbours (Politis and Romano 1994).
///
/// Near independence some estimates (`gaussian`, `binned`) are a square of what was observed, and the
/// difference of halves, its slope times theirs, vanishes with it. There the spread of the mean of
/// both halves over splits, of second order elsewhere, is the larger, and stands in: such intervals
/// are wider than they need be.
///
/// The interval is `value ± t·sd` with Student's t of the number of splits; being centred on the
/// value, it covers sampling error and not the estimator's bias. (Families with
/// [`crate::Estimator::less_biased`] join the interval of that to it.)
///
/// A pair with a half that has no value (NaN, infinite) is left out; fewer than two pairs give the
/// whole line.
pub fn subsampling_interval(value: f64, halves: &[f64]) -> [f64; 2] {
    let (pairs, _) = halves.as_chunks::<2>();
    let pairs: Vec<[f64; 2]> = pairs
        .iter()
        .map(|[half, other]| [half - other, 0.5 * (half + other)])
        .filter(|[difference, mean]| difference.is_finite() && mean.is_finite())
        .collect();
    let count = pairs.len() as f64;
    if count < 2.0 {
        return [f64::NEG_INFINITY, f64::INFINITY];
    }
    let of_differences = 0.25 * pairs.iter().map(|[d, _]| d * d).sum::<f64>() / count;
    let centre = pairs.iter().map(|[_, mean]| mean).sum::<f64>() / count;
    let squares = pairs.iter().map(|[_, mean]| (mean - centre).powi(2));
    let variance = of_differences.max(squares.sum::<f64>() / (count - 1.0));
    // Student's 0.975 quantile: 1.96 + 2.4/ν is within 0.02 of it from ν = 12.
    let half_width = (1.96 + 2.4 / count) * variance.sqrt();
    [value - half_width, value + half_width]
}

/// `count` random halves of `0..n`, each followed by the other half of the same split: membership by
/// sample, the same for the same `n` and seed. Of an odd number one sample is in neither.
pub(crate) fn random_halves(n: usize, count: usize, seed: u64) -> Vec<Vec<bool>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(SUBSAMPLE_STREAM);
    let mut order: Vec<usize> = (0..n).collect();
    (0..count)
        .map(|index| {
            let start = if index % 2 == 0 {
                order.shuffle(&mut rng);
                0
            } else {
                n / 2
            };
            let mut member = vec![false; n];
            order[start..start + n / 2]
                .iter()
                .for_each(|&i| member[i] = true);
            member
        })
        .collect()
}

/// `figure` of the samples of each random half of `0..n`, which has a seed of its own.
pub(crate) fn on_halves(
    n: usize,
    resampling: &Resampling,
    figure: impl Fn(&[usize], u64) -> f64 + Sync,
) -> Vec<f64> {
    let halves = random_halves(n, resampling.subsamples, resampling.seed);
    parallel::map(halves.len(), |replicate| {
        let rows: Vec<usize> = (0..n).filter(|&i| halves[replicate][i]).collect();
        figure(&rows, resampling.seed_of(replicate))
    })
}

/// `count` random orders of `0..n`.
pub(crate) fn random_permutations(n: usize, count: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(PERMUTATION_STREAM);
    (0..count)
        .map(|_| {
            let mut order: Vec<usize> = (0..n).collect();
            order.shuffle(&mut rng);
            order
        })
        .collect()
}

/// Summary of a permutation null, with Phipson and Smyth's (2010) p-value, which is never 0.
pub(crate) fn summarise_null(value: f64, mut permuted: Vec<f64>) -> Option<Null> {
    if permuted.is_empty() {
        return None;
    }
    let count = permuted.len();
    permuted.sort_unstable_by(f64::total_cmp);
    let reached = permuted.iter().filter(|&&p| p >= value).count();
    let rank = (0.95 * count as f64).ceil() as usize;
    Some(Null {
        mean: permuted.iter().sum::<f64>() / count as f64,
        p95: permuted[rank.clamp(1, count) - 1],
        p_value: (reached + 1) as f64 / (count + 1) as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_hold_half_the_samples_and_depend_on_the_seed_only() {
        let halves = random_halves(11, 4, 3);
        assert!(halves.iter().all(|h| h.iter().filter(|m| **m).count() == 5));
        for pair in halves.chunks_exact(2) {
            let both = pair[0].iter().zip(&pair[1]).filter(|(a, b)| **a && **b);
            assert_eq!(both.count(), 0);
        }
        assert_eq!(halves, random_halves(11, 4, 3));
        assert_ne!(halves, random_halves(11, 4, 4));
    }

    #[test]
    fn spread_of_halves_is_the_standard_error_of_a_mean() {
        let n = 2_000;
        let data: Vec<f64> = (0..n).map(|i| ((i * 7919) % n) as f64 / n as f64).collect();
        let means: Vec<f64> = random_halves(n, 400, 1)
            .iter()
            .map(|half| {
                let sum: f64 = data
                    .iter()
                    .zip(half)
                    .filter(|(_, m)| **m)
                    .map(|(d, _)| d)
                    .sum();
                sum / (n / 2) as f64
            })
            .collect();
        let [low, high] = subsampling_interval(0.5, &means);
        // Uniform on [0, 1): sd 1/√12.
        let expected = 2.0 * 1.966 / (12.0 * n as f64).sqrt();
        assert!(((high - low) / expected - 1.0).abs() < 0.1);
    }

    #[test]
    fn p_value_counts_the_observed_labels() {
        let null = summarise_null(2.5, vec![1.0, 2.0, 3.0, 0.0]).unwrap();
        assert_eq!(null.p_value, 0.4);
        assert_eq!(null.mean, 1.5);
        assert_eq!(null.p95, 3.0);
        assert!(summarise_null(0.0, vec![]).is_none());
    }
}
