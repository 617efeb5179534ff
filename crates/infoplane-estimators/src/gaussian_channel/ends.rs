//! The two ends of a bracket.

use std::ops::{Add, AddAssign, Mul, Sub};

/// The same quantity with each sample's own center in the mixture, and left out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Ends {
    pub(super) own: f64,
    pub(super) left_out: f64,
}

impl Ends {
    /// −log of the density ratio p(S)/φ(S − Z) for a mixture of `count` centers, in nats, where
    /// `log_others` = ln Σ_{j≠i} φ(S − Z_j)/φ(S − Z_i). The own center's ratio is 1.
    pub(super) fn pointwise(log_others: f64, count: usize) -> Self {
        let count = count as f64;
        let with_own = if log_others > 36.0 {
            log_others
        } else {
            log_others.exp().ln_1p()
        };
        Self {
            own: count.ln() - with_own,
            left_out: (count - 1.0).ln() - log_others,
        }
    }

    /// The sum of [`Self::pointwise`] over several draws, given the sums themselves, none of them below
    /// 1e−20: few logarithms serve all.
    pub(super) fn of_sums(sums: &[f64], count: usize) -> Self {
        /// Sums whose product neither underflows nor overflows.
        const FACTORS: usize = 8;
        let (count, draws) = (count as f64, sums.len() as f64);
        let mut ends = Self {
            own: draws * count.ln(),
            left_out: draws * (count - 1.0).ln(),
        };
        for sums in sums.chunks(FACTORS) {
            ends.own -= sums.iter().map(|sum| 1.0 + sum).product::<f64>().ln();
            ends.left_out -= sums.iter().product::<f64>().ln();
        }
        ends
    }

    /// Adds `amount` to both ends.
    pub(super) fn shifted(self, amount: f64) -> Self {
        Self {
            own: self.own + amount,
            left_out: self.left_out + amount,
        }
    }

    /// The value: the middle.
    pub(super) fn middle(self) -> f64 {
        0.5 * (self.own + self.left_out)
    }

    /// [lower, upper].
    pub(super) fn bracket(self) -> [f64; 2] {
        [self.own.min(self.left_out), self.own.max(self.left_out)]
    }
}

impl Add for Ends {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            own: self.own + other.own,
            left_out: self.left_out + other.left_out,
        }
    }
}

impl AddAssign for Ends {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Ends {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + other * -1.0
    }
}

impl Mul<f64> for Ends {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self {
            own: self.own * factor,
            left_out: self.left_out * factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_give_what_their_logarithms_do() {
        let sums: Vec<f64> = (0..21).map(|i| 10f64.powi(i - 20) * 1.7).collect();
        for draws in [1, 4, 8, 9, 21] {
            let mut expected = Ends::default();
            for sum in &sums[..draws] {
                expected += Ends::pointwise(sum.ln(), 12);
            }
            let found = Ends::of_sums(&sums[..draws], 12);
            assert!((found.own - expected.own).abs() < 1e-12 * expected.own.abs());
            assert!((found.left_out / expected.left_out - 1.0).abs() < 1e-12);
        }
    }
}
