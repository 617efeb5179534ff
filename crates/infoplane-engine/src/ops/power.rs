//! Powers with a base and an exponent that may both depend on the input.

/// xʸ, as C's `pow`: a negative base has a power where the exponent is an integer.
#[inline(always)]
pub(crate) fn power(x: f32, y: f32) -> f32 {
    libm::powf(x, y)
}

/// The derivative by the base, y xʸ⁻¹.
///
/// At x = 0 it is infinite for 0 < y < 1, although the power is 0 there: 0 is given instead, so that a
/// path that starts at 0 keeps finite gradients.
#[inline(always)]
pub(crate) fn slope_by_base(x: f32, y: f32) -> f32 {
    if y == 0.0 || (x == 0.0 && y > 0.0 && y < 1.0) {
        0.0
    } else {
        y * power(x, y - 1.0)
    }
}

/// The derivative by the exponent, xʸ ln x.
///
/// It is 0 at x = 0 for y ≥ 0, and 0 for a negative base, whose powers are single points.
#[inline(always)]
pub(crate) fn slope_by_exponent(x: f32, y: f32) -> f32 {
    if x < 0.0 || (x == 0.0 && y >= 0.0) {
        0.0
    } else {
        power(x, y) * super::math::log(x)
    }
}

#[cfg(test)]
mod tests {
    use super::{power, slope_by_base, slope_by_exponent};

    #[test]
    fn a_negative_base_has_integer_powers() {
        assert_eq!(power(-2.0, 3.0), -8.0);
        assert_eq!(slope_by_base(-2.0, 3.0), 12.0);
        assert_eq!(slope_by_exponent(-2.0, 3.0), 0.0);
        assert!(power(-2.0, 0.5).is_nan());
    }

    #[test]
    fn zero_has_finite_slopes_where_its_power_is_finite() {
        for y in [0.0, 0.25, 0.5, 1.0, 1.5, 2.0] {
            assert!(slope_by_base(0.0, y).is_finite(), "{y}");
            assert_eq!(slope_by_exponent(0.0, y), 0.0, "{y}");
        }
        assert_eq!(slope_by_base(0.0, 1.0), 1.0);
        assert_eq!(slope_by_base(0.0, -1.0), f32::NEG_INFINITY);
    }
}
