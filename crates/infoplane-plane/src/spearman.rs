//! Spearman's rank correlation with an interval for few pairs.

use serde::{Deserialize, Serialize};

use crate::spread::t_quantile;

/// Fewest pairs for an interval.
const FEWEST: usize = 5;

/// A rank correlation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankCorrelation {
    /// Spearman's ρ.
    pub rho: f64,
    /// Its 95 % interval; absent with fewer than 5 pairs.
    pub ci: Option<[f64; 2]>,
    /// Pairs.
    pub n: usize,
}

/// Spearman's ρ: Pearson's correlation of the ranks, equal values sharing their mean rank. `None` for
/// fewer than three pairs and where one side is constant.
///
/// The interval is Fisher's z = artanh ρ ± t · √((1 + ρ²/2) / (n − 3)) (Bonett and Wright 2000), with
/// Student's t of n − 2 degrees of freedom in place of the normal quantile, as pairs are few. A perfect
/// correlation has no finite z; there the largest ρ below it takes its place, that of one exchanged
/// pair of neighbours, 1 − 12 / (n (n² − 1)), for the interval's inner end.
pub fn spearman(pairs: &[(f64, f64)]) -> Option<RankCorrelation> {
    let n = pairs.len();
    if n < 3 {
        return None;
    }
    let first = ranks(&pairs.iter().map(|pair| pair.0).collect::<Vec<_>>());
    let second = ranks(&pairs.iter().map(|pair| pair.1).collect::<Vec<_>>());
    let middle = (n as f64 + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| (a - middle) * (b - middle))
            .sum()
    };
    let scale = (product(&first, &first) * product(&second, &second)).sqrt();
    if scale == 0.0 {
        return None;
    }
    let rho = (product(&first, &second) / scale).clamp(-1.0, 1.0);
    let ci = (n >= FEWEST).then(|| {
        let size = n as f64;
        let largest = 1.0 - 12.0 / (size * (size * size - 1.0));
        let inner = rho.clamp(-largest, largest);
        let half = t_quantile(size - 2.0) * ((1.0 + inner * inner / 2.0) / (size - 3.0)).sqrt();
        let ends = [inner.atanh() - half, inner.atanh() + half].map(f64::tanh);
        [ends[0].min(rho), ends[1].max(rho)]
    });
    Some(RankCorrelation { rho, ci, n })
}

/// Ranks from 1, equal values sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let below = order
            .iter()
            .filter(|&&i| values[i] < values[equal[0]])
            .count();
        let rank = below as f64 + (equal.len() as f64 + 1.0) / 2.0;
        for &index in equal {
            ranks[index] = rank;
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    #[test]
    fn the_coefficient_is_pearsons_of_the_ranks() {
        // Ranks 1, 2, 3, 4, 5.5, 5.5 and 2, 1, 4, 3, 6, 5: 15 / √(17 · 17.5).
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 5.0];
        let y = [2.0, 1.0, 4.0, 3.0, 7.0, 5.0];
        let pairs: Vec<_> = x.into_iter().zip(y).collect();
        let found = spearman(&pairs).unwrap();
        assert!(
            (found.rho - 0.869_656_553_478_673).abs() < 1e-9,
            "{}",
            found.rho
        );
        let [low, high] = found.ci.unwrap();
        assert!(low < 0.0 && high > 0.95, "[{low}, {high}]");
    }

    #[test]
    fn perfect_orders_keep_an_open_inner_end() {
        let up: Vec<_> = (0..8).map(|i| (f64::from(i), f64::from(i * i))).collect();
        let found = spearman(&up).unwrap();
        assert_eq!(found.rho, 1.0);
        let [low, high] = found.ci.unwrap();
        assert!((0.5..1.0).contains(&low) && high == 1.0, "[{low}, {high}]");
        let down: Vec<_> = (0..8).map(|i| (f64::from(i), -f64::from(i))).collect();
        assert_eq!(spearman(&down).unwrap().rho, -1.0);
    }

    #[test]
    fn too_few_or_constant_pairs_have_none() {
        assert_eq!(spearman(&[(1.0, 2.0), (2.0, 3.0)]), None);
        assert_eq!(spearman(&[(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)]), None);
        let few = [(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 4.0)];
        assert_eq!(spearman(&few).unwrap().ci, None);
    }
}
