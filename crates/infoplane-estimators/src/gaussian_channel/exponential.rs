//! Sums of exponentials, the inner loop of the channel.
//!
//! Each function takes one row of half squared distances and of projections and works on both noise
//! draws of an antithetic pair at once.

use pulp::{Arch, Simd, WithSimd};

/// Numbers worked on together. Sums are kept in as many lanes whatever the processor's vectors, so
/// that the order of additions is the same everywhere.
const LANES: usize = 8;

/// Exponents below this give e^LOWEST, about 3e−308: nothing beside a sum that is trusted.
const LOWEST: f64 = -708.0;

/// A sum of exponentials below this has lost terms to [`LOWEST`], and is taken again exactly.
pub(super) const TRUSTED: f64 = 1e-280;

/// One row of the mixture seen from sample i: for the noise draw ε, center j has the exponent
/// `−half_distance[j]/τ² + (projection[j] − own_projection)/τ` with half_distance = |Z_i − Z_j|²/2
/// and projection = ε·Z_j; for −ε the second term changes its sign.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) half_distance: &'a [f64],
    pub(super) projection: &'a [f64],
    pub(super) own_projection: f64,
    pub(super) tau: f64,
}

impl Row<'_> {
    /// The exponents of center `j` for ε and −ε.
    pub(super) fn exponents(&self, j: usize) -> [f64; 2] {
        let even = -self.half_distance[j] / (self.tau * self.tau);
        let odd = (self.projection[j] - self.own_projection) / self.tau;
        [even + odd, even - odd]
    }

    /// Σ_j exp(exponent j) over `range`, for ε and −ε.
    pub(super) fn sums(&self, range: std::ops::Range<usize>) -> [f64; 2] {
        Arch::new().dispatch(Sums {
            row: Row {
                half_distance: &self.half_distance[range.clone()],
                projection: &self.projection[range],
                ..*self
            },
        })
    }

    /// Writes exp(exponent j) for ε to `plus` and for −ε to `minus`.
    pub(super) fn fill(&self, plus: &mut [f64], minus: &mut [f64]) {
        Arch::new().dispatch(Fill {
            row: *self,
            plus,
            minus,
        });
    }
}

/// ln Σ exp of `exponents` without underflow; −∞ where there are none.
pub(super) fn log_sum_exp(exponents: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = exponents.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + exponents.map(|e| (e - largest).exp()).sum::<f64>().ln()
}

struct Sums<'a> {
    row: Row<'a>,
}

impl WithSimd for Sums<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 2] {
        let factors = Factors::new(&self.row);
        let (mut plus, mut minus) = ([0.0; LANES], [0.0; LANES]);
        let (distances, distance_tail) = self.row.half_distance.as_chunks::<LANES>();
        let (projections, projection_tail) = self.row.projection.as_chunks::<LANES>();
        for (distance, projection) in distances.iter().zip(projections) {
            for lane in 0..LANES {
                let [p, m] = factors.pair(distance[lane], projection[lane]);
                plus[lane] += p;
                minus[lane] += m;
            }
        }
        let mut sums = [plus.iter().sum::<f64>(), minus.iter().sum::<f64>()];
        for (&distance, &projection) in distance_tail.iter().zip(projection_tail) {
            let [p, m] = factors.pair(distance, projection);
            sums[0] += p;
            sums[1] += m;
        }
        sums
    }
}

struct Fill<'a, 'o> {
    row: Row<'a>,
    plus: &'o mut [f64],
    minus: &'o mut [f64],
}

impl WithSimd for Fill<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let factors = Factors::new(&self.row);
        let centers = self.row.half_distance.iter().zip(self.row.projection);
        let outputs = self.plus.iter_mut().zip(self.minus);
        for ((&distance, &projection), (plus, minus)) in centers.zip(outputs) {
            [*plus, *minus] = factors.pair(distance, projection);
        }
    }
}

struct Factors {
    even: f64,
    odd: f64,
    own_projection: f64,
}

impl Factors {
    #[inline(always)]
    fn new(row: &Row<'_>) -> Self {
        Self {
            even: -1.0 / (row.tau * row.tau),
            odd: 1.0 / row.tau,
            own_projection: row.own_projection,
        }
    }

    #[inline(always)]
    fn pair(&self, half_distance: f64, projection: f64) -> [f64; 2] {
        let even = half_distance * self.even;
        let odd = (projection - self.own_projection) * self.odd;
        [exponential(even + odd), exponential(even - odd)]
    }
}

/// e^x for x ≤ 709, within 3e−16 relative for x ≥ [`LOWEST`] and e^LOWEST below.
///
/// x = n ln 2 + r with |r| ≤ ln 2 / 2 (Cody and Waite 1980, ln 2 in two parts), e^r by its Taylor
/// polynomial of degree 13, and n added to the exponent's bits. No branch and no table, so that it
/// is vectorised.
#[inline(always)]
pub(crate) fn exponential(x: f64) -> f64 {
    /// Adding this rounds to an integer and leaves it in the low bits.
    const ROUND: f64 = 1.5 * (1_u64 << 52) as f64;
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let x = if x < LOWEST { LOWEST } else { x };
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut sum = 1.0 / 6_227_020_800.0;
    for inverse_factorial in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = sum * r + inverse_factorial;
    }
    f64::from_bits(sum.to_bits().wrapping_add(shifted.to_bits() << 52))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_agrees_with_the_standard_library() {
        for i in 0..200_000 {
            let x = LOWEST + f64::from(i) * (709.0 - LOWEST) / 200_000.0;
            let expected = x.exp();
            assert!((exponential(x) / expected - 1.0).abs() < 3e-16, "e^{x}");
        }
        assert_eq!(exponential(0.0), 1.0);
        assert!(exponential(f64::NEG_INFINITY) < 1e-307);
        assert!(exponential(-1e9) < 1e-307);
    }

    #[test]
    fn sums_and_fill_agree_with_plain_sums() {
        let n = 37;
        let half_distance: Vec<f64> = (0..n).map(|j| f64::from(j) * 0.31).collect();
        let projection: Vec<f64> = (0..n).map(|j| (f64::from(j) * 1.7).sin()).collect();
        let row = Row {
            half_distance: &half_distance,
            projection: &projection,
            own_projection: 0.4,
            tau: 0.7,
        };
        let mut expected = [0.0; 2];
        for j in 3..33 {
            let [plus, minus] = row.exponents(j);
            expected[0] += plus.exp();
            expected[1] += minus.exp();
        }
        let sums = row.sums(3..33);
        let (mut plus, mut minus) = (vec![0.0; n as usize], vec![0.0; n as usize]);
        row.fill(&mut plus, &mut minus);
        let filled = [plus[3..33].iter().sum(), minus[3..33].iter().sum::<f64>()];
        for side in 0..2 {
            assert!((sums[side] / expected[side] - 1.0).abs() < 1e-13);
            assert!((filled[side] / expected[side] - 1.0_f64).abs() < 1e-13);
        }
    }

    #[test]
    fn log_sum_exp_survives_underflow() {
        let far = [-2000.0, -2000.0];
        let sum = log_sum_exp(far.into_iter());
        assert!((sum - (-2000.0 + 2.0_f64.ln())).abs() < 1e-12);
        assert_eq!(log_sum_exp(std::iter::empty()), f64::NEG_INFINITY);
    }
}
