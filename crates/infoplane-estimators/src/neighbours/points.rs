//! Samples as neighbours are found among them: scaled, without constant columns.

use std::cmp::Ordering;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use statrs::function::erf::erf_inv;

use crate::Samples;

/// Variance below this share of the mean square is rounding, not signal.
const CONSTANT_SHARE: f64 = 1e-24;

/// How columns are scaled before distances are taken. Mutual information does not change with the
/// scale of a column, its estimate from finite samples does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnScale {
    /// Each column by its own standard deviation.
    Deviation,
    /// Nothing: distances are in the units of the data.
    None,
    /// Each column's numbers become the quantiles of a standard normal at their ranks, equal numbers
    /// staying equal. Mutual information does not change with an increasing map of a column; its
    /// estimate gains where tails are heavy, as there neighbours would be far away.
    #[default]
    NormalScores,
}

/// Φ⁻¹((rank − ½)/n), by twice the mean rank of equal numbers less 1, which is whole.
fn normal_score(twice: usize, n: usize) -> f64 {
    let share = 0.5 * twice as f64 / n as f64;
    std::f64::consts::SQRT_2 * erf_inv(2.0 * share - 1.0)
}

/// Replaces each column of row-major data by its normal scores, equal numbers having the score of their mean
/// rank. Returns whether a column has no equal numbers.
fn normal_scores(data: &mut [f64], width: usize) -> bool {
    let n = data.len() / width.max(1);
    let untied: Vec<f64> = (0..n).map(|rank| normal_score(2 * rank + 1, n)).collect();
    let mut distinct = false;
    let mut order = Vec::with_capacity(n);
    for column in 0..width {
        order.clear();
        let numbers = data.iter().skip(column).step_by(width);
        order.extend(
            (0_u32..)
                .zip(numbers)
                .map(|(row, &value)| by_value(value, row)),
        );
        order.sort_unstable();
        let (mut before, mut tied) = (0, false);
        for equal in order.chunk_by(|a, b| a >> 32 == b >> 32) {
            let score = match equal {
                [_] => untied[before],
                _ => {
                    tied = true;
                    normal_score(2 * before + equal.len(), n)
                }
            };
            for key in equal {
                data[(key & u128::from(u32::MAX)) as usize * width + column] = score;
            }
            before += equal.len();
        }
        distinct |= !tied;
    }
    distinct
}

/// Orders by the value, −0 and 0 being equal, then by the row, which is in the lowest 32 bits.
fn by_value(value: f64, row: u32) -> u128 {
    let bits = (value + 0.0).to_bits();
    let sign = 1 << 63;
    let ordered = if bits & sign == 0 { bits | sign } else { !bits };
    u128::from(ordered) << 32 | u128::from(row)
}

/// Points `[n, width]`, row-major; the width may be 0.
#[derive(Debug, Clone)]
pub(crate) struct Points {
    data: Vec<f64>,
    n: usize,
    width: usize,
    /// Σ ln of what the columns were divided by.
    log_scale: f64,
    /// Columns left out because they are constant.
    constant: usize,
    /// Whether it is known that no point repeats another.
    distinct: bool,
}

impl Points {
    /// Scales columns and leaves out the constant ones, which carry no information and change no
    /// distance.
    pub(crate) fn new(samples: Samples<'_>, scale: ColumnScale) -> Self {
        let (n, columns) = (samples.n_samples(), samples.width());
        let all = samples.to_vec();
        let mut divisors = vec![0.0; columns];
        let mut deviations = vec![0.0; columns];
        for row in all.chunks_exact(columns) {
            for (largest, value) in divisors.iter_mut().zip(row) {
                *largest = f64::max(*largest, value.abs());
            }
        }
        // Divided by the largest magnitude first, so that squares neither overflow nor vanish.
        let (mut means, mut squares) = (vec![0.0; columns], vec![0.0; columns]);
        let unit = |value: f64, largest: f64| if largest > 0.0 { value / largest } else { 0.0 };
        for row in all.chunks_exact(columns) {
            for column in 0..columns {
                means[column] += unit(row[column], divisors[column]) / n as f64;
            }
        }
        for row in all.chunks_exact(columns) {
            for column in 0..columns {
                let value = unit(row[column], divisors[column]);
                deviations[column] += (value - means[column]).powi(2) / n as f64;
                squares[column] += value * value / n as f64;
            }
        }
        let kept: Vec<usize> = (0..columns)
            .filter(|&column| deviations[column] > CONSTANT_SHARE * squares[column])
            .collect();
        let mut data = Vec::with_capacity(n * kept.len());
        for row in all.chunks_exact(columns) {
            data.extend(kept.iter().map(|&column| match scale {
                ColumnScale::Deviation => {
                    row[column] / divisors[column] / deviations[column].sqrt()
                }
                ColumnScale::None | ColumnScale::NormalScores => row[column],
            }));
        }
        let distinct = scale == ColumnScale::NormalScores && normal_scores(&mut data, kept.len());
        let log_scale = match scale {
            ColumnScale::Deviation => kept
                .iter()
                .map(|&column| divisors[column].ln() + 0.5 * deviations[column].ln())
                .sum(),
            ColumnScale::None | ColumnScale::NormalScores => 0.0,
        };
        Self {
            data,
            n,
            width: kept.len(),
            log_scale,
            constant: columns - kept.len(),
            distinct,
        }
    }

    /// Points that need no preparation.
    pub(crate) fn of(data: Vec<f64>, n: usize, width: usize) -> Self {
        debug_assert_eq!(data.len(), n * width);
        Self {
            data,
            n,
            width,
            log_scale: 0.0,
            constant: 0,
            distinct: false,
        }
    }

    pub(crate) fn n(&self) -> usize {
        self.n
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn data(&self) -> &[f64] {
        &self.data
    }

    pub(crate) fn log_scale(&self) -> f64 {
        self.log_scale
    }

    pub(crate) fn constant(&self) -> usize {
        self.constant
    }

    pub(crate) fn row(&self, point: usize) -> &[f64] {
        &self.data[point * self.width..][..self.width]
    }

    /// The distance of two points.
    pub(crate) fn distance(&self, a: usize, b: usize) -> f64 {
        self.row(a)
            .iter()
            .zip(self.row(b))
            .fold(0.0, |largest: f64, (a, b)| largest.max((a - b).abs()))
    }

    /// Points whose coordinates are those of both.
    pub(super) fn beside(&self, other: &Self) -> Self {
        let width = self.width + other.width;
        let mut data = Vec::with_capacity(self.n * width);
        for point in 0..self.n {
            data.extend_from_slice(self.row(point));
            data.extend_from_slice(other.row(point));
        }
        Self::of(data, self.n, width)
    }

    pub(super) fn subset(&self, points: Range<usize>) -> Self {
        let n = points.len();
        let data = self.data[points.start * self.width..points.end * self.width].to_vec();
        Self::of(data, n, self.width)
    }

    /// Some of the points in some order.
    pub(crate) fn gather(&self, points: &[usize]) -> Self {
        let data = points.iter().flat_map(|&i| self.row(i)).copied().collect();
        Self {
            data,
            n: points.len(),
            ..*self
        }
    }

    /// The share of points that repeat an earlier one, in [0, 1).
    pub(crate) fn repeated(&self) -> f64 {
        if self.distinct {
            return 0.0;
        }
        // Points that differ in their first coordinate, as continuous ones do, need no further look.
        let mut first: Vec<f64> = (0..self.n)
            .filter_map(|point| self.row(point).first().copied())
            .collect();
        first.sort_unstable_by(f64::total_cmp);
        if first.windows(2).all(|w| w[0] < w[1]) {
            return 0.0;
        }
        // Coordinates are finite, so rows are ordered.
        let compare = |a: &[f64], b: &[f64]| a.partial_cmp(b).unwrap_or(Ordering::Equal);
        let mut order: Vec<usize> = (0..self.n).collect();
        order.sort_unstable_by(|&a, &b| compare(self.row(a), self.row(b)));
        let repeats = order
            .windows(2)
            .filter(|w| self.row(w[0]) == self.row(w[1]));
        repeats.count() as f64 / self.n as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_quantiles_at_mean_ranks() {
        // Two columns; the first has a pair of equal numbers, 0 and −0.
        let mut data = [0.0, 5.0, -3.0, 1e300, -0.0, -7.0, 2.0, -1e-300];
        assert!(normal_scores(&mut data, 2));
        let quantile = |share: f64| std::f64::consts::SQRT_2 * erf_inv(2.0 * share - 1.0);
        let [lowest, low, high, highest] = [0.125, 0.375, 0.625, 0.875].map(quantile);
        let middle = quantile(0.5);
        let expected = [middle, high, lowest, highest, middle, lowest, highest, low];
        assert_eq!(data, expected);

        let mut tied = [1.0, 1.0, 2.0];
        assert!(!normal_scores(&mut tied, 1));
    }

    #[test]
    fn order_is_that_of_numbers() {
        let numbers = [
            -f64::MAX,
            -1.0,
            -f64::MIN_POSITIVE,
            0.0,
            1e-300,
            1.0,
            f64::MAX,
        ];
        assert!(numbers.is_sorted_by_key(|&value| by_value(value, 0)));
        assert_eq!(by_value(-0.0, 3), by_value(0.0, 3));
        assert!(by_value(1.0, 2) < by_value(1.0, 3));
    }
}
