//! Subsamples without replacement, label permutations, and what is read from them.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::Null;

/// Streams of the seed that no sample's noise uses.
const SUBSAMPLE_STREAM: u64 = 1 << 62;
const PERMUTATION_STREAM: u64 = 1 << 63;

/// The 95 % interval of `value` from its values on random halves of the samples.
///
/// A subsample of b of N samples varies about the mean of all such subsamples with variance
/// (s²/b)(1 − b/N), where the estimate itself has s²/N (Politis and Romano 1994, with the
/// finite-population correction); for b = N/2 the two are equal, so the spread of the halves needs
/// no scaling. Halves are the smallest change of sample size, and so of an estimator's bias, at
/// which this holds, and the delete-half jackknife is consistent for smooth statistics (Shao and Wu
/// 1989). The interval is `value ± t·sd` with Student's t of the number of halves; being centred on
/// the value, it covers sampling error and not the estimator's bias, which the bracket bounds.
///
/// Halves without a value (NaN, infinite) are left out; fewer than two give the whole line.
pub fn subsampling_interval(value: f64, halves: &[f64]) -> [f64; 2] {
    let halves: Vec<f64> = halves.iter().copied().filter(|h| h.is_finite()).collect();
    let count = halves.len() as f64;
    if count < 2.0 {
        return [f64::NEG_INFINITY, f64::INFINITY];
    }
    let mean = halves.iter().sum::<f64>() / count;
    let variance = halves.iter().map(|h| (h - mean).powi(2)).sum::<f64>() / (count - 1.0);
    // Student's 0.975 quantile: 1.96 + 2.4/ν is within 0.01 of it from ν = 15.
    let half_width = (1.96 + 2.4 / (count - 1.0)) * variance.sqrt();
    [value - half_width, value + half_width]
}

/// `count` random halves of `0..n`: membership by sample, the same for the same `n` and seed.
pub(crate) fn random_halves(n: usize, count: usize, seed: u64) -> Vec<Vec<bool>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(SUBSAMPLE_STREAM);
    let mut order: Vec<usize> = (0..n).collect();
    (0..count)
        .map(|_| {
            order.shuffle(&mut rng);
            let mut member = vec![false; n];
            order[..n / 2].iter().for_each(|&i| member[i] = true);
            member
        })
        .collect()
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
