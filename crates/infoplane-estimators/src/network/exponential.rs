//! Exponentials of many numbers at once.

use pulp::{Arch, Simd, WithSimd};

/// Numbers worked on together; sums are kept in as many lanes whatever the processor's vectors.
const LANES: usize = 16;

/// Replaces each number v by e^(v − shift) and gives their sum.
pub(crate) fn exponentials(values: &mut [f32], shift: f32) -> f32 {
    Arch::new().dispatch(Exponentials {
        values,
        shifts: &[],
        shift,
    })
}

/// Replaces each number by e^(number − its own shift).
pub(crate) fn exponentials_of_differences(values: &mut [f32], shifts: &[f32]) {
    debug_assert_eq!(values.len(), shifts.len());
    Arch::new().dispatch(Exponentials {
        values,
        shifts,
        shift: 0.0,
    });
}

struct Exponentials<'a> {
    values: &'a mut [f32],
    /// Beside `shift`, one a number; or none.
    shifts: &'a [f32],
    shift: f32,
}

impl WithSimd for Exponentials<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        if !self.shifts.is_empty() {
            for (value, shift) in self.values.iter_mut().zip(self.shifts) {
                *value = exponential(*value - shift);
            }
            return 0.0;
        }
        let mut sums = [0.0_f32; LANES];
        let (blocks, tail) = self.values.as_chunks_mut::<LANES>();
        for block in blocks {
            for lane in 0..LANES {
                block[lane] = exponential(block[lane] - self.shift);
                sums[lane] += block[lane];
            }
        }
        let mut rest = 0.0;
        for value in tail {
            *value = exponential(*value - self.shift);
            rest += *value;
        }
        for sum in sums {
            rest += sum;
        }
        rest
    }
}

/// e^x within 2e−7 relative for −87 ≤ x ≤ 88, and the value at the nearer end beyond.
///
/// As its namesake in double precision: x = n ln 2 + r, e^r by its Taylor polynomial, n added to the
/// exponent's bits.
#[inline(always)]
fn exponential(x: f32) -> f32 {
    /// Adding this rounds to an integer and leaves it in the low bits.
    const ROUND: f32 = 1.5 * (1_u32 << 23) as f32;
    const LN_2_HIGH: f32 = 0.693_145_75;
    const LN_2_LOW: f32 = 1.428_606_8e-6;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut sum = 1.0 / 5_040.0;
    for inverse_factorial in [
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
    f32::from_bits(sum.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_agrees_with_the_standard_library() {
        for i in 0..175_000 {
            let x = -87.0 + i as f32 * 1e-3;
            let expected = f64::from(x).exp();
            let error = f64::from(exponential(x)) / expected - 1.0;
            assert!(error.abs() < 2e-7, "e^{x}: {error}");
        }
        assert!(exponential(-1e9) < 2e-38 && exponential(1e9) > 1e38);
    }

    #[test]
    fn sums_and_shifts_are_those_of_plain_loops() {
        let plain: Vec<f32> = (0..37).map(|i| (i as f32 * 0.7).sin()).collect();
        let mut values = plain.clone();
        let sum = exponentials(&mut values, 0.25);
        let expected: f32 = plain.iter().map(|v| (v - 0.25).exp()).sum();
        assert!((sum / expected - 1.0).abs() < 1e-6);
        let shifts: Vec<f32> = (0..37).map(|i| i as f32 * 0.1).collect();
        let mut values = plain.clone();
        exponentials_of_differences(&mut values, &shifts);
        for ((value, plain), shift) in values.iter().zip(plain).zip(shifts) {
            assert!((value / (plain - shift).exp() - 1.0).abs() < 1e-6);
        }
    }
}
