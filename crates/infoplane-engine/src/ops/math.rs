//! Elementary functions in single precision that compile to vector code: no branches, no calls.

/// `a` where the condition holds, `b` elsewhere.
///
/// On the bits: the compiler makes a branch of a conditional expression between two costly values,
/// and then no vector code.
#[inline(always)]
pub(crate) fn select(condition: bool, a: f32, b: f32) -> f32 {
    f32::from_bits(select_bits(condition, a.to_bits(), b.to_bits()))
}

/// As [`select`], for integers.
#[inline(always)]
pub(crate) fn select_bits(condition: bool, a: u32, b: u32) -> u32 {
    let mask = u32::from(condition).wrapping_neg();
    (a & mask) | (b & !mask)
}

/// eˣ, within 2 units in the last place; 0 below −104, ∞ above 88.8.
///
/// Cody-Waite reduction x = n·ln 2 + r with |r| ≤ ½ ln 2, then the minimax polynomial of Cephes
/// (`expf`, Moshier 1992) and a scaling by 2ⁿ in two steps, which reaches the subnormal numbers.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// 1.5·2²³: adding it rounds to an integer, found in the low bits.
    const ROUNDING: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;

    let x = if x < -104.0 { -104.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDING;
    let n = shifted - ROUNDING;
    let power = (shifted.to_bits() as i32).wrapping_sub(ROUNDING.to_bits() as i32);
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut polynomial = 1.987_569_1e-4;
    polynomial = polynomial * r + 1.398_199_9e-3;
    polynomial = polynomial * r + 8.333_452e-3;
    polynomial = polynomial * r + 4.166_579_6e-2;
    polynomial = polynomial * r + 1.666_666_5e-1;
    polynomial = polynomial * r + 0.5;
    let value = polynomial * (r * r) + r + 1.0;
    let half = power >> 1;
    value * power_of_two(half) * power_of_two(power.wrapping_sub(half))
}

/// 2ⁿ for −126 ≤ n ≤ 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// 1 / (1 + e⁻ˣ), within 4 units in the last place.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    let small = exp(-x.abs());
    let numerator = if x < 0.0 { small } else { 1.0 };
    numerator / (1.0 + small)
}

/// tanh x, within 3 units in the last place.
///
/// The polynomial of Cephes (`tanhf`, Moshier 1992) below 0.625, 1 − 2/(e²ˣ + 1) above.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let magnitude = x.abs();
    let square = x * x;
    let mut polynomial = -5.704_988_7e-3;
    polynomial = polynomial * square + 2.063_909e-2;
    polynomial = polynomial * square - 5.373_972e-2;
    polynomial = polynomial * square + 1.333_144_2e-1;
    polynomial = polynomial * square - 3.333_328e-1;
    let near = polynomial * square * x + x;
    let far = (1.0 - 2.0 / (exp(2.0 * magnitude) + 1.0)).copysign(x);
    select(magnitude < 0.625, near, far)
}

/// eˣ − 1 of x ≤ 0, within 6 units in the last place: 2t / (1 − t) with t = tanh x/2, which loses no
/// digits near 0.
#[inline(always)]
pub(crate) fn expm1_below_zero(x: f32) -> f32 {
    let t = tanh(0.5 * x);
    2.0 * t / (1.0 - t)
}

/// ln x, within 3 units in the last place; −∞ at 0, NaN below.
///
/// x = m 2ⁿ with √½ ≤ m < √2, and ln m = 2 artanh s with s = (m − 1)/(m + 1).
#[inline(always)]
pub(crate) fn log(x: f32) -> f32 {
    const ROOT_OF_HALF: u32 = 0x3F35_04F3;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const TWO_TO_23: f32 = 8_388_608.0;

    let subnormal = x < f32::MIN_POSITIVE;
    let bits = select(subnormal, x * TWO_TO_23, x).to_bits();
    let power = (bits.wrapping_sub(ROOT_OF_HALF) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((power << 23) as u32));
    let n = power as f32 - select(subnormal, 23.0, 0.0);
    let twice = twice_artanh((m - 1.0) / (m + 1.0));
    let value = n * LN_2_HIGH + (n * LN_2_LOW + twice);
    let outside = select(x == 0.0, f32::NEG_INFINITY, select(x > 0.0, x, f32::NAN));
    select((x > 0.0) & (x < f32::INFINITY), value, outside)
}

/// ln(1 + u) of 0 ≤ u ≤ 1, within 3 units in the last place: 2 artanh u/(2 + u).
#[inline(always)]
pub(crate) fn log1p_to_one(u: f32) -> f32 {
    twice_artanh(u / (2.0 + u))
}

/// 2 artanh s of |s| ≤ ⅓: its Taylor series up to s¹³.
#[inline(always)]
fn twice_artanh(s: f32) -> f32 {
    let square = s * s;
    let mut series = 1.0 / 13.0;
    series = series * square + 1.0 / 11.0;
    series = series * square + 1.0 / 9.0;
    series = series * square + 1.0 / 7.0;
    series = series * square + 1.0 / 5.0;
    series = series * square + 1.0 / 3.0;
    2.0 * (s + s * square * series)
}

/// erf x, within 3 units in the last place.
///
/// Polynomials of N. Juffa: in x² below 0.92, and 1 − e^{p(|x|)} above.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let magnitude = x.abs();
    let square = x * x;
    let mut near = -5.967_617e-4;
    near = near * square + 4.991_194_2e-3;
    near = near * square - 2.676_813_5e-2;
    near = near * square + 1.128_199_2e-1;
    near = near * square - 3.761_253_4e-1;
    near = near * square + 1.283_791_7e-1;
    let near = near * x + x;

    // Beyond 4 the result is 1 and the polynomial is no longer meant.
    let t = if magnitude > 4.0 { 4.0 } else { magnitude };
    let mut far = -1.728_534_7e-5;
    far = far * t + 3.831_971_3e-4;
    far = far * t - 3.883_964_4e-3;
    far = far * t + 2.425_462_2e-2;
    far = far * t - 1.067_778_8e-1;
    far = far * t - 6.348_467e-1;
    far = far * t - 1.287_175_1e-1;
    let far = (1.0 - exp(far * t - t)).copysign(x);
    select(magnitude > 0.927_734_4, far, near)
}

/// Elements that are summed in single precision before a sum goes on in double precision.
const SUM_BLOCK: usize = 2048;

/// Sum in sixteen partial sums of blocks: as fast as memory, and exact to a few units in the last
/// place whatever the length.
#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f32 {
    sum_of(values, |value| value)
}

/// Sum of a function's values, as [`sum`].
#[inline(always)]
pub(crate) fn sum_of(values: &[f32], function: impl Fn(f32) -> f32) -> f32 {
    let mut total = 0.0;
    for block in values.chunks(SUM_BLOCK) {
        let mut partial = [0.0f32; 16];
        let (chunks, rest) = block.as_chunks::<16>();
        for chunk in chunks {
            for (slot, &value) in partial.iter_mut().zip(chunk) {
                *slot += function(value);
            }
        }
        for (slot, &value) in partial.iter_mut().zip(rest) {
            *slot += function(value);
        }
        total += f64::from(pairwise(partial));
    }
    total as f32
}

/// Sum of a function of two slices of the same length, as [`sum`].
#[inline(always)]
pub(crate) fn sum_of_pairs(a: &[f32], b: &[f32], function: impl Fn(f32, f32) -> f32) -> f32 {
    let mut total = 0.0;
    for (a, b) in a.chunks(SUM_BLOCK).zip(b.chunks(SUM_BLOCK)) {
        let mut partial = [0.0f32; 16];
        let (a_chunks, a_rest) = a.as_chunks::<16>();
        let (b_chunks, b_rest) = b.as_chunks::<16>();
        for (a, b) in a_chunks.iter().zip(b_chunks) {
            for ((slot, &a), &b) in partial.iter_mut().zip(a).zip(b) {
                *slot += function(a, b);
            }
        }
        for ((slot, &a), &b) in partial.iter_mut().zip(a_rest).zip(b_rest) {
            *slot += function(a, b);
        }
        total += f64::from(pairwise(partial));
    }
    total as f32
}

#[inline(always)]
fn pairwise(mut partial: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for index in 0..half {
            partial[index] += partial[index + half];
        }
    }
    partial[0]
}

#[cfg(test)]
mod tests {
    use super::{erf, exp, expm1_below_zero, log, log1p_to_one, sigmoid, sum, sum_of_pairs, tanh};

    /// Largest error in units in the last place over a dense grid and around zero.
    fn worst_ulps(function: impl Fn(f32) -> f32, truth: impl Fn(f64) -> f64, limit: f32) -> f64 {
        let grid = (-200_000..=200_000).map(|step| step as f32 / 200_000.0 * limit);
        let tiny = (0..60).flat_map(|power| [1.0f32, -1.3].map(|x| x * 0.5f32.powi(power)));
        grid.chain(tiny)
            .map(|x| {
                let exact = truth(f64::from(x));
                let nearest = (exact as f32).abs().max(f32::MIN_POSITIVE);
                let ulp = f64::from(f32::from_bits(nearest.to_bits() + 1) - nearest);
                (f64::from(function(x)) - exact).abs() / ulp
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn exp_is_within_two_ulps() {
        let worst = worst_ulps(exp, f64::exp, 88.0);
        assert!(worst <= 2.0, "{worst} ulps");
    }

    #[test]
    fn exp_at_the_limits() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-200.0), 0.0);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(90.0), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
        let subnormal = f64::from(exp(-95.0));
        assert!(
            (subnormal / (-95.0f64).exp() - 1.0).abs() < 1e-3,
            "{subnormal}"
        );
    }

    #[test]
    fn sigmoid_is_within_four_ulps() {
        let worst = worst_ulps(sigmoid, |x| 1.0 / (1.0 + (-x).exp()), 80.0);
        assert!(worst <= 4.0, "{worst} ulps");
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert_eq!(sigmoid(f32::NEG_INFINITY), 0.0);
        assert!(sigmoid(f32::NAN).is_nan());
    }

    #[test]
    fn tanh_is_within_three_ulps() {
        let worst = worst_ulps(tanh, f64::tanh, 12.0);
        assert!(worst <= 3.0, "{worst} ulps");
        assert_eq!(tanh(f32::INFINITY), 1.0);
        assert_eq!(tanh(f32::NEG_INFINITY), -1.0);
        assert!(tanh(f32::NAN).is_nan());
    }

    #[test]
    fn erf_is_within_three_ulps() {
        let worst = worst_ulps(erf, libm::erf, 6.0);
        assert!(worst <= 3.0, "{worst} ulps");
        assert_eq!(erf(f32::INFINITY), 1.0);
        assert_eq!(erf(f32::NEG_INFINITY), -1.0);
        assert!(erf(f32::NAN).is_nan());
    }

    #[test]
    fn log_is_within_three_ulps() {
        let worst = worst_ulps(|x| log(x.abs()), |x| x.abs().ln(), 3.0);
        assert!(worst <= 3.0, "{worst} ulps");
        let worst = worst_ulps(|x| log(x.abs() * 1e30), |x| (x.abs() * 1e30).ln(), 3.0);
        assert!(worst <= 3.0, "{worst} ulps");
        for x in [1e-45f32, 3e-40, 1.2e-38] {
            let (actual, expected) = (f64::from(log(x)), f64::from(x).ln());
            assert!((actual - expected).abs() < 1e-5, "{x}: {actual}");
        }
        assert_eq!(log(0.0), f32::NEG_INFINITY);
        assert_eq!(log(f32::INFINITY), f32::INFINITY);
        assert_eq!(log(1.0), 0.0);
        assert!(log(-1.0).is_nan());
        assert!(log(f32::NAN).is_nan());
    }

    #[test]
    fn expm1_and_log1p_keep_their_digits_near_zero() {
        let worst = worst_ulps(
            |x| expm1_below_zero(-x.abs()),
            |x| (-x.abs()).exp_m1(),
            20.0,
        );
        assert!(worst <= 6.0, "{worst} ulps");
        let worst = worst_ulps(|x| log1p_to_one(x.abs()), |x| x.abs().ln_1p(), 1.0);
        assert!(worst <= 3.0, "{worst} ulps");
        assert_eq!(expm1_below_zero(f32::NEG_INFINITY), -1.0);
    }

    #[test]
    fn sums_take_every_element_once() {
        for len in [0, 1, 15, 16, 17, 100, 2048, 2049, 5000] {
            let values: Vec<f32> = (1..=len).map(|value| (value % 7) as f32).collect();
            let expected = (1..=len).map(|value| value % 7).sum::<u32>() as f32;
            assert_eq!(sum(&values), expected);
            assert_eq!(
                sum_of_pairs(&values, &values, |a, b| a - b + 1.0),
                len as f32
            );
        }
    }
}
