//! Elementary functions, and functions with one slope everywhere: those that round have slope 0.
//!
//! Where the derivative is infinite but the value is not (√ at 0), the derivative is 0: a path that
//! starts at 0 keeps finite gradients. Where the value is infinite (ln and 1/x at 0) the derivative is,
//! too.

use super::SmoothFunction;
use crate::kernel::{Gradient, Kernel, VjpContext};
use crate::ops::math::{exp, log, select};
use crate::ops::power::{power, slope_by_base};
use crate::ops::vectorize::{put, vectorized};

pub(super) struct Exp;

impl SmoothFunction for Exp {
    const NAME: &'static str = "exp";
    const DERIVATIVE_FROM_VALUE: bool = true;

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        exp(x)
    }

    #[inline(always)]
    fn derivative(&self, y: f32) -> f32 {
        y
    }
}

pub(super) struct Log;

impl SmoothFunction for Log {
    const NAME: &'static str = "log";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        log(x)
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        1.0 / x
    }
}

pub(super) struct Sqrt;

impl SmoothFunction for Sqrt {
    const NAME: &'static str = "square root";
    const DERIVATIVE_FROM_VALUE: bool = true;

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        x.sqrt()
    }

    #[inline(always)]
    fn derivative(&self, y: f32) -> f32 {
        select(y == 0.0, 0.0, 0.5 / y)
    }
}

pub(super) struct Reciprocal;

impl SmoothFunction for Reciprocal {
    const NAME: &'static str = "reciprocal";
    const DERIVATIVE_FROM_VALUE: bool = true;

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        1.0 / x
    }

    #[inline(always)]
    fn derivative(&self, y: f32) -> f32 {
        -y * y
    }
}

/// sin x, or cos x a quarter of a turn further.
pub(super) struct Sin;

impl SmoothFunction for Sin {
    const NAME: &'static str = "sine";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        libm::sinf(x)
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        libm::cosf(x)
    }
}

pub(super) struct Cos;

impl SmoothFunction for Cos {
    const NAME: &'static str = "cosine";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        libm::cosf(x)
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        -libm::sinf(x)
    }
}

/// |x|, with slope 0 at 0.
pub(super) struct Abs;

impl SmoothFunction for Abs {
    const NAME: &'static str = "absolute value";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        x.abs()
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        sign(x)
    }
}

pub(super) struct Square;

impl SmoothFunction for Square {
    const NAME: &'static str = "square";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        x * x
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        2.0 * x
    }
}

pub(super) struct Power {
    pub exponent: f32,
}

impl SmoothFunction for Power {
    const NAME: &'static str = "power";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        power(x, self.exponent)
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        slope_by_base(x, self.exponent)
    }
}

/// The integer that stands for x. It is a step function; its derivative is taken as that of the line
/// through its steps, 1/scale where x is in range and 0 outside (Bengio et al. 2013, the
/// straight-through estimator, as in PyTorch's fake quantisation).
pub(super) struct Quantize {
    pub scale: f32,
    pub zero_point: f32,
    pub low: f32,
    pub high: f32,
}

impl Quantize {
    #[inline(always)]
    fn nearest(&self, x: f32) -> f32 {
        (x / self.scale).round_ties_even() + self.zero_point
    }
}

impl SmoothFunction for Quantize {
    const NAME: &'static str = "quantize";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        let nearest = self.nearest(x);
        let raised = if nearest < self.low {
            self.low
        } else {
            nearest
        };
        if raised > self.high {
            self.high
        } else {
            raised
        }
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        let nearest = self.nearest(x);
        let inside = (nearest >= self.low) & (nearest <= self.high);
        select(inside, 1.0 / self.scale, 0.0)
    }
}

#[inline(always)]
fn sign(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

/// A function with the same slope everywhere, kinks and steps left out.
struct Sloped<F> {
    name: &'static str,
    function: F,
    slope: f32,
}

pub(super) fn neg() -> Box<dyn Kernel> {
    sloped("negative", -1.0, |x| -x)
}

pub(super) fn dequantize(scale: f32, zero_point: f32) -> Box<dyn Kernel> {
    sloped("dequantize", scale, move |x| (x - zero_point) * scale)
}

pub(super) fn floor() -> Box<dyn Kernel> {
    sloped("floor", 0.0, f32::floor)
}

pub(super) fn ceil() -> Box<dyn Kernel> {
    sloped("ceiling", 0.0, f32::ceil)
}

pub(super) fn round() -> Box<dyn Kernel> {
    sloped("round", 0.0, f32::round_ties_even)
}

pub(super) fn signum() -> Box<dyn Kernel> {
    sloped("sign", 0.0, sign)
}

pub(super) fn not() -> Box<dyn Kernel> {
    sloped("not", 0.0, |x| 1.0 - x)
}

pub(super) fn truncate() -> Box<dyn Kernel> {
    sloped("to integer", 0.0, f32::trunc)
}

pub(super) fn non_zero() -> Box<dyn Kernel> {
    sloped("to truth value", 0.0, |x| if x == 0.0 { 0.0 } else { 1.0 })
}

fn sloped(
    name: &'static str,
    slope: f32,
    function: impl Fn(f32) -> f32 + Copy + Send + Sync + 'static,
) -> Box<dyn Kernel> {
    Box::new(Sloped {
        name,
        function,
        slope,
    })
}

impl<F: Fn(f32) -> f32 + Copy + Send + Sync> Kernel for Sloped<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        vectorized(|| apply(self.function, inputs[0], output));
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let slope = self.slope;
        if slope == 0.0 {
            // Not 0 · g, which is no number where g is infinite.
            put(gradient, context.grad_output.iter().map(|_| 0.0));
        } else {
            put(gradient, context.grad_output.iter().map(|g| slope * g));
        }
    }
}

#[inline(always)]
fn apply(function: impl Fn(f32) -> f32, input: &[f32], output: &mut [f32]) {
    for (slot, &x) in output.iter_mut().zip(input) {
        *slot = function(x);
    }
}
