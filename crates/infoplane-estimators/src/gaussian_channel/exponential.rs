//! e^x in double precision, written so that the compiler turns it into vectors.

/// Exponents below this give e^LOWEST, about 3e−308.
const LOWEST: f64 = -708.0;

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
}
