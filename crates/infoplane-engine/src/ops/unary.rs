//! Smooth element-wise functions: sigmoid, tanh, erf and the two forms of GELU.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use infoplane_graph::Unary;

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
        Unary::Sigmoid => Box::new(Smooth::<Sigmoid>::NEW),
        Unary::Tanh => Box::new(Smooth::<Tanh>::NEW),
        Unary::Erf => Box::new(Smooth::<Erf>::NEW),
        Unary::Gelu => Box::new(Smooth::<Gelu>::NEW),
        Unary::GeluTanh => Box::new(Smooth::<GeluTanh>::NEW),
    })
}

/// A differentiable function of one number.
trait SmoothFunction: Send + Sync {
    const NAME: &'static str;
    /// Whether [`SmoothFunction::derivative`] takes the function's value instead of its argument.
    const DERIVATIVE_FROM_VALUE: bool;

    fn value(x: f32) -> f32;

    /// The derivative, from the argument or the value.
    fn derivative(known: f32) -> f32;
}

struct Sigmoid;

impl SmoothFunction for Sigmoid {
    const NAME: &'static str = "sigmoid";
    const DERIVATIVE_FROM_VALUE: bool = true;

    #[inline(always)]
    fn value(x: f32) -> f32 {
        sigmoid(x)
    }

    #[inline(always)]
    fn derivative(y: f32) -> f32 {
        y * (1.0 - y)
    }
}

struct Tanh;

impl SmoothFunction for Tanh {
    const NAME: &'static str = "tanh";
    const DERIVATIVE_FROM_VALUE: bool = true;

    #[inline(always)]
    fn value(x: f32) -> f32 {
        tanh(x)
    }

    #[inline(always)]
    fn derivative(y: f32) -> f32 {
        1.0 - y * y
    }
}

struct Erf;

impl SmoothFunction for Erf {
    const NAME: &'static str = "erf";
    const DERIVATIVE_FROM_VALUE: bool = false;

    #[inline(always)]
    fn value(x: f32) -> f32 {
        erf(x)
    }

    #[inline(always)]
    fn derivative(x: f32) -> f32 {
        FRAC_2_SQRT_PI * exp(-x * x)
    }
}

/// x · Φ(x) with Φ(x) = ½ (1 + erf(x/√2)).
struct Gelu;

impl SmoothFunction for Gelu {
    const NAME: &'static str = "gelu";
    const DERIVATIVE_FROM_VALUE: bool = false;

    #[inline(always)]
    fn value(x: f32) -> f32 {
        0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2))
    }

    /// Φ(x) + x φ(x)
    #[inline(always)]
    fn derivative(x: f32) -> f32 {
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
    const DERIVATIVE_FROM_VALUE: bool = false;

    #[inline(always)]
    fn value(x: f32) -> f32 {
        0.5 * x * (1.0 + tanh(Self::SCALE * (x + Self::CUBIC * x * x * x)))
    }

    #[inline(always)]
    fn derivative(x: f32) -> f32 {
        let t = tanh(Self::SCALE * (x + Self::CUBIC * x * x * x));
        let slope = Self::SCALE * (1.0 + 3.0 * Self::CUBIC * x * x);
        0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * slope
    }
}

struct Smooth<F>(std::marker::PhantomData<F>);

impl<F: SmoothFunction> Smooth<F> {
    const NEW: Smooth<F> = Smooth(std::marker::PhantomData);
}

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
        vectorized(|| apply::<F>(inputs[0], output));
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let known = if F::DERIVATIVE_FROM_VALUE {
            context.output
        } else {
            context.inputs[0]
        };
        vectorized(|| chain::<F>(known, context.grad_output, gradient));
    }
}

#[inline(always)]
fn apply<F: SmoothFunction>(input: &[f32], output: &mut [f32]) {
    for (slot, &x) in output.iter_mut().zip(input) {
        *slot = F::value(x);
    }
}

#[inline(always)]
fn chain<F: SmoothFunction>(known: &[f32], grad_output: &[f32], gradient: Gradient<'_>) {
    put(
        gradient,
        known
            .iter()
            .zip(grad_output)
            .map(|(&known, &g)| g * F::derivative(known)),
    );
}

#[cfg(test)]
mod tests {
    use infoplane_graph::Unary;
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::{Kernel, Operand};
    use crate::ops::testing::{check_against_reference, check_laws, operand, values};

    fn kernel(function: Unary, len: usize) -> Box<dyn Kernel> {
        build("unary", function, &[operand(&[len])], &[len]).unwrap()
    }

    fn reference_unary(function: Unary, x: f64) -> f64 {
        let normal_cdf = |x: f64| 0.5 * (1.0 + libm::erf(x / 2f64.sqrt()));
        match function {
            Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Unary::Tanh => x.tanh(),
            Unary::Erf => libm::erf(x),
            Unary::Gelu => x * normal_cdf(x),
            Unary::GeluTanh => {
                let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                0.5 * x * (1.0 + u.tanh())
            }
            _ => unreachable!("a rectifier"),
        }
    }

    const SMOOTH: [Unary; 5] = [
        Unary::Sigmoid,
        Unary::Tanh,
        Unary::Erf,
        Unary::Gelu,
        Unary::GeluTanh,
    ];

    #[test]
    fn smooth_functions_match_the_reference_and_finite_differences() {
        for function in SMOOTH {
            for (len, spread) in [(1, 1.0), (37, 1.0), (103, 6.0)] {
                let input: Vec<f32> = values(len, 7).iter().map(|x| x * spread).collect();
                check_against_reference(
                    &*kernel(function, len),
                    &[input],
                    |inputs| {
                        inputs[0]
                            .iter()
                            .map(|&x| reference_unary(function, x))
                            .collect()
                    },
                    1e-6,
                );
            }
        }
    }

    #[test]
    fn an_element_does_not_depend_on_its_place() {
        let input = values(45, 3);
        for function in SMOOTH {
            let mut whole = vec![0.0; 45];
            kernel(function, 45).forward(&[&input], &mut whole, &mut [], &mut []);
            for (x, expected) in input.iter().zip(&whole) {
                let mut single = [0.0];
                kernel(function, 1).forward(&[&[*x]], &mut single, &mut [], &mut []);
                assert_eq!(single[0].to_bits(), expected.to_bits());
            }
        }
    }

    #[test]
    fn a_constant_operand_is_refused() {
        let constant = Operand {
            shape: vec![2],
            constant: Some(vec![1.0, 2.0].into()),
        };
        assert!(build("Tanh", Unary::Tanh, &[constant], &[2]).is_err());
        assert!(build("Tanh", Unary::Tanh, &[], &[2]).is_err());
        assert!(build("Tanh", Unary::Tanh, &[operand(&[2])], &[3]).is_err());
    }

    proptest! {
        #[test]
        fn vjp_is_linear(which in 0usize..5, len in 1usize..70, seed: u64) {
            check_laws(&*kernel(SMOOTH[which], len), &[values(len, seed)], len, seed);
        }
    }
}
