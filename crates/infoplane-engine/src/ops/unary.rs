//! Smooth element-wise functions: sigmoid, tanh, erf and the two forms of GELU here, others in the
//! folder.

mod activations;
mod arithmetic;

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use infoplane_graph::Unary;

use self::activations::Exponential;
use super::math::{erf, exp, sigmoid, tanh};
use super::operands::{runtime, same_len};
use super::rectifier;
use super::vectorize::{put, vectorized};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// Builds the kernel of an element-wise function.
pub(crate) fn build(
    operator: &'static str,
    function: Unary,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let len = same_len(operator, runtime(operator, operands, 0)?, output_shape)?;
    Ok(match function {
        Unary::Relu => rectifier::relu(len),
        Unary::LeakyRelu { alpha } => rectifier::leaky_relu(len, alpha),
        Unary::Clip { min, max } => rectifier::clip(len, min, max),
        Unary::Sigmoid => smooth(Sigmoid),
        Unary::Tanh => smooth(Tanh),
        Unary::Erf => smooth(Erf),
        Unary::Gelu => smooth(Gelu),
        Unary::GeluTanh => smooth(GeluTanh),
        Unary::Elu { alpha } => smooth(Exponential {
            alpha,
            gamma: 1.0,
            tau: 1.0,
        }),
        Unary::Selu { alpha, gamma } => smooth(Exponential {
            alpha,
            gamma,
            tau: 1.0,
        }),
        Unary::Celu { alpha } => smooth(Exponential {
            alpha,
            gamma: 1.0,
            tau: alpha,
        }),
        Unary::Mish => smooth(activations::Mish),
        Unary::HardSigmoid { alpha, beta } => smooth(activations::HardSigmoid { alpha, beta }),
        Unary::HardSwish => smooth(activations::HardSwish),
        Unary::Softplus => smooth(activations::Softplus),
        Unary::Softsign => smooth(activations::Softsign),
        Unary::ThresholdedRelu { alpha } => smooth(activations::ThresholdedRelu { alpha }),
        Unary::Abs => smooth(arithmetic::Abs),
        Unary::Neg => arithmetic::neg(),
        Unary::Exp => smooth(arithmetic::Exp),
        Unary::Log => smooth(arithmetic::Log),
        Unary::Sqrt => smooth(arithmetic::Sqrt),
        Unary::Reciprocal => smooth(arithmetic::Reciprocal),
        Unary::Sin => smooth(arithmetic::Sin),
        Unary::Cos => smooth(arithmetic::Cos),
        Unary::Floor => arithmetic::floor(),
        Unary::Ceil => arithmetic::ceil(),
        Unary::Round => arithmetic::round(),
        Unary::Sign => arithmetic::signum(),
        Unary::Power { exponent } => power(exponent),
        Unary::Not => arithmetic::not(),
        Unary::Truncate => arithmetic::truncate(),
        Unary::NonZero => arithmetic::non_zero(),
        Unary::Quantize {
            scale,
            zero_point,
            low,
            high,
        } => smooth(arithmetic::Quantize {
            scale,
            zero_point,
            low,
            high,
        }),
        Unary::Dequantize { scale, zero_point } => arithmetic::dequantize(scale, zero_point),
    })
}

/// The exponents that networks have most are products and roots.
fn power(exponent: f32) -> Box<dyn Kernel> {
    if exponent == 2.0 {
        smooth(arithmetic::Square)
    } else if exponent == 0.5 {
        smooth(arithmetic::Sqrt)
    } else {
        smooth(arithmetic::Power { exponent })
    }
}

fn smooth<F: SmoothFunction + 'static>(function: F) -> Box<dyn Kernel> {
    Box::new(Smooth(function))
}

/// A function of one number that is differentiable but at kinks.
trait SmoothFunction: Send + Sync {
    const NAME: &'static str;
    /// Whether [`SmoothFunction::derivative`] takes the function's value instead of its argument.
    const DERIVATIVE_FROM_VALUE: bool = false;

    fn value(&self, x: f32) -> f32;

    /// The derivative, from the argument or the value.
    fn derivative(&self, known: f32) -> f32;
}

struct Sigmoid;

impl SmoothFunction for Sigmoid {
    const NAME: &'static str = "sigmoid";
    const DERIVATIVE_FROM_VALUE: bool = true;

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        sigmoid(x)
    }

    #[inline(always)]
    fn derivative(&self, y: f32) -> f32 {
        y * (1.0 - y)
    }
}

struct Tanh;

impl SmoothFunction for Tanh {
    const NAME: &'static str = "tanh";
    const DERIVATIVE_FROM_VALUE: bool = true;

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        tanh(x)
    }

    #[inline(always)]
    fn derivative(&self, y: f32) -> f32 {
        1.0 - y * y
    }
}

struct Erf;

impl SmoothFunction for Erf {
    const NAME: &'static str = "erf";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        erf(x)
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        FRAC_2_SQRT_PI * exp(-x * x)
    }
}

/// x · Φ(x) with Φ(x) = ½ (1 + erf(x/√2)).
struct Gelu;

impl SmoothFunction for Gelu {
    const NAME: &'static str = "gelu";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2))
    }

    /// Φ(x) + x φ(x)
    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        const FRAC_1_SQRT_2_PI: f32 = 0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
        0.5 * (1.0 + erf(x * FRAC_1_SQRT_2)) + x * FRAC_1_SQRT_2_PI * exp(-0.5 * x * x)
    }
}

/// ½x (1 + tanh u) with u = √(2/π) (x + 0.044715 x³).
struct GeluTanh;

impl GeluTanh {
    const SCALE: f32 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
    const CUBIC: f32 = 0.044_715;
}

impl SmoothFunction for GeluTanh {
    const NAME: &'static str = "gelu tanh";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        0.5 * x * (1.0 + tanh(Self::SCALE * (x + Self::CUBIC * x * x * x)))
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        let t = tanh(Self::SCALE * (x + Self::CUBIC * x * x * x));
        let slope = Self::SCALE * (1.0 + 3.0 * Self::CUBIC * x * x);
        0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * slope
    }
}

struct Smooth<F>(F);

impl<F: SmoothFunction> Kernel for Smooth<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn reads(&self) -> Reads {
        Reads {
            inputs: !F::DERIVATIVE_FROM_VALUE,
            output: F::DERIVATIVE_FROM_VALUE,
        }
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        vectorized(|| apply(&self.0, inputs[0], output));
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let known = if F::DERIVATIVE_FROM_VALUE {
            context.output
        } else {
            context.inputs[0]
        };
        vectorized(|| chain(&self.0, known, context.grad_output, gradient));
    }
}

#[inline(always)]
fn apply<F: SmoothFunction>(function: &F, input: &[f32], output: &mut [f32]) {
    for (slot, &x) in output.iter_mut().zip(input) {
        *slot = function.value(x);
    }
}

#[inline(always)]
fn chain<F: SmoothFunction>(
    function: &F,
    known: &[f32],
    grad_output: &[f32],
    gradient: Gradient<'_>,
) {
    put(
        gradient,
        known
            .iter()
            .zip(grad_output)
            .map(|(&known, &g)| g * function.derivative(known)),
    );
}

#[cfg(test)]
mod tests;
