//! How alike two sets of vectors of the same samples are.

use crate::spearman::spearman;
use crate::spread::mean_interval;
use crate::{Interval, Matrix};

/// Mean over the samples of Spearman's ρ between their two vectors. Samples with a constant vector have
/// none; `None` where fewer than two samples have one.
pub(super) fn rank_correlation(one: &Matrix, other: &Matrix) -> Option<Interval> {
    over_samples(one, other, |one, other| {
        let pairs = one.iter().zip(other);
        let pairs: Vec<(f64, f64)> = pairs.map(|(&a, &b)| (a.into(), b.into())).collect();
        spearman(&pairs).map(|found| found.rho)
    })
}

/// Mean over the samples of ‖other − one‖ / ‖one‖. Samples whose first vector is 0 have none.
pub(super) fn relative_difference(one: &Matrix, other: &Matrix) -> Option<Interval> {
    let square = |value: f64| value * value;
    over_samples(one, other, |one, other| {
        let norm: f64 = one.iter().map(|&a| square(a.into())).sum();
        let pairs = one.iter().zip(other);
        let difference: f64 = pairs
            .map(|(&a, &b)| square(f64::from(b) - f64::from(a)))
            .sum();
        (norm > 0.0).then(|| (difference / norm).sqrt())
    })
}

fn over_samples(
    one: &Matrix,
    other: &Matrix,
    number: impl Fn(&[f32], &[f32]) -> Option<f64>,
) -> Option<Interval> {
    if one.width != other.width || one.width == 0 {
        return None;
    }
    let rows = one.data.chunks_exact(one.width);
    let rows = rows.zip(other.data.chunks_exact(other.width));
    let numbers: Vec<f64> = rows.filter_map(|(one, other)| number(one, other)).collect();
    (numbers.len() >= 2).then(|| mean_interval(&numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(data: &[f32], width: usize) -> Matrix {
        Matrix {
            data: data.to_vec(),
            n_samples: data.len() / width,
            width,
        }
    }

    #[test]
    fn equal_vectors_agree_and_reversed_ones_do_not() {
        let one = matrix(&[1.0, 2.0, 4.0, 3.0, 1.0, -5.0], 3);
        assert_eq!(rank_correlation(&one, &one).unwrap().value, 1.0);
        assert_eq!(relative_difference(&one, &one).unwrap().value, 0.0);
        let reversed = matrix(&[-1.0, -2.0, -4.0, -3.0, -1.0, 5.0], 3);
        assert_eq!(rank_correlation(&one, &reversed).unwrap().value, -1.0);
        let difference = relative_difference(&one, &reversed).unwrap().value;
        assert!((difference - 2.0).abs() < 1e-12);
    }

    #[test]
    fn samples_without_a_figure_are_left_out() {
        let one = matrix(&[0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0], 3);
        let other = matrix(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0], 3);
        assert_eq!(rank_correlation(&one, &other).unwrap().value, 1.0);
        assert_eq!(relative_difference(&one, &other).unwrap().value, 0.0);
        let single = matrix(&[1.0, 2.0], 1);
        assert_eq!(rank_correlation(&single, &single), None);
    }
}
