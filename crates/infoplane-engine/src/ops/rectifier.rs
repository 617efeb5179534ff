//! Piecewise linear element-wise functions: ReLU, leaky ReLU and clipping.
//!
//! They save one bit an element, so that neither operand nor result must live until the
//! vector-Jacobian product. At a kink the derivative is the outer one, as in PyTorch's `relu`,
//! `leaky_relu` and `relu6`: relu'(0) = 0, and clipping passes a gradient strictly inside its limits
//! only. A NaN stays NaN.

use super::vectorize::{put, vectorized};
use crate::kernel::{Gradient, Kernel, VjpContext};

/// max(x, 0) of `len` elements.
pub(crate) fn relu(len: usize) -> Box<dyn Kernel> {
    Box::new(Rectifier {
        function: Relu,
        len,
    })
}

/// x where x > 0, αx elsewhere, of `len` elements.
pub(crate) fn leaky_relu(len: usize, alpha: f32) -> Box<dyn Kernel> {
    Box::new(Rectifier {
        function: LeakyRelu { alpha },
        len,
    })
}

/// min(max(x, min), max) of `len` elements; `max` where the limits are crossed.
pub(crate) fn clip(len: usize, min: f32, max: f32) -> Box<dyn Kernel> {
    Box::new(Rectifier {
        function: Clip { min, max },
        len,
    })
}

/// A function with slope 1 on an open interval and one other slope outside.
trait PiecewiseLinear: Send + Sync {
    const NAME: &'static str;

    /// The function's value, and whether its slope there is 1.
    fn value(&self, x: f32) -> (f32, bool);

    /// The slope elsewhere.
    fn outer_slope(&self) -> f32 {
        0.0
    }
}

struct Relu;

impl PiecewiseLinear for Relu {
    const NAME: &'static str = "relu";

    #[inline(always)]
    fn value(&self, x: f32) -> (f32, bool) {
        if x <= 0.0 { (0.0, false) } else { (x, true) }
    }
}

struct LeakyRelu {
    alpha: f32,
}

impl PiecewiseLinear for LeakyRelu {
    const NAME: &'static str = "leaky relu";

    #[inline(always)]
    fn value(&self, x: f32) -> (f32, bool) {
        if x > 0.0 {
            (x, true)
        } else {
            (self.alpha * x, false)
        }
    }

    #[inline(always)]
    fn outer_slope(&self) -> f32 {
        self.alpha
    }
}

struct Clip {
    min: f32,
    max: f32,
}

impl PiecewiseLinear for Clip {
    const NAME: &'static str = "clip";

    #[inline(always)]
    fn value(&self, x: f32) -> (f32, bool) {
        let raised = if x < self.min { self.min } else { x };
        let limited = if raised > self.max { self.max } else { raised };
        // Bitwise, not short-circuiting: both comparisons become vector code.
        (limited, !((x <= self.min) | (x >= self.max)))
    }
}

struct Rectifier<F> {
    function: F,
    len: usize,
}

impl<F: PiecewiseLinear> Kernel for Rectifier<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn saved_len(&self) -> usize {
        self.len.div_ceil(32)
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], saved: &mut [u32], _: &mut [f32]) {
        vectorized(|| apply(&self.function, inputs[0], output, saved));
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let slope = self.function.outer_slope();
        vectorized(|| mask(slope, context.saved, context.grad_output, gradient));
    }
}

/// One bit for every element of a word's share.
const BITS: [u32; 32] = {
    let mut bits = [0; 32];
    let mut index = 0;
    while index < 32 {
        bits[index] = 1 << index;
        index += 1;
    }
    bits
};

#[inline(always)]
fn apply<F: PiecewiseLinear>(function: &F, input: &[f32], output: &mut [f32], saved: &mut [u32]) {
    let (input_chunks, input_rest) = input.as_chunks::<32>();
    let (output_chunks, output_rest) = output.as_chunks_mut::<32>();
    let mut words = saved.iter_mut();
    for ((input, output), word) in input_chunks.iter().zip(output_chunks).zip(&mut words) {
        *word = apply_word(function, input, output);
    }
    if let Some(word) = words.next() {
        *word = apply_word(function, input_rest, output_rest);
    }
}

#[inline(always)]
fn apply_word<F: PiecewiseLinear>(function: &F, input: &[f32], output: &mut [f32]) -> u32 {
    let mut word = 0;
    for ((slot, &x), bit) in output.iter_mut().zip(input).zip(BITS) {
        let (value, inside) = function.value(x);
        *slot = value;
        word |= if inside { bit } else { 0 };
    }
    word
}

#[inline(always)]
fn mask(outer_slope: f32, saved: &[u32], grad_output: &[f32], gradient: Gradient<'_>) {
    let accumulate = gradient.accumulate;
    let (grad_chunks, grad_rest) = grad_output.as_chunks::<32>();
    let (data_chunks, data_rest) = gradient.data.as_chunks_mut::<32>();
    let mut words = saved.iter();
    for ((g, data), &word) in grad_chunks.iter().zip(data_chunks).zip(&mut words) {
        mask_word(outer_slope, word, g, Gradient { data, accumulate });
    }
    if let Some(&word) = words.next() {
        let rest = Gradient {
            data: data_rest,
            accumulate,
        };
        mask_word(outer_slope, word, grad_rest, rest);
    }
}

#[inline(always)]
fn mask_word(outer_slope: f32, word: u32, grad_output: &[f32], gradient: Gradient<'_>) {
    let elements = grad_output.iter().zip(&BITS);
    if outer_slope == 0.0 {
        // On the bits, so that outside even an infinite gradient gives 0.
        let kept = elements.map(|(g, bit)| {
            let keep = if word & bit != 0 { u32::MAX } else { 0 };
            f32::from_bits(g.to_bits() & keep)
        });
        put(gradient, kept);
    } else {
        let scaled = elements.map(|(g, bit)| {
            let slope = if word & bit != 0 { 1.0 } else { outer_slope };
            slope * g
        });
        put(gradient, scaled);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{clip, leaky_relu, relu};
    use crate::kernel::Kernel;
    use crate::ops::testing::{check_against_reference, check_laws, forward, values, vjp};

    #[test]
    fn rectifiers_match_the_reference_and_finite_differences() {
        for len in [1, 31, 32, 33, 64, 100] {
            let input = vec![values(len, 11)];
            let reference_each = |function: fn(f64) -> f64| {
                move |inputs: &[Vec<f64>]| inputs[0].iter().map(|&x| function(x)).collect()
            };
            check_against_reference(&*relu(len), &input, reference_each(|x| x.max(0.0)), 0.0);
            check_against_reference(
                &*leaky_relu(len, 0.125),
                &input,
                reference_each(|x| if x > 0.0 { x } else { 0.125 * x }),
                1e-7,
            );
            check_against_reference(
                &*clip(len, -0.25, 0.5),
                &input,
                reference_each(|x| x.clamp(-0.25, 0.5)),
                0.0,
            );
            check_against_reference(
                &*clip(len, 0.0, f32::INFINITY),
                &input,
                reference_each(|x| x.max(0.0)),
                0.0,
            );
        }
    }

    /// Value and gradient of single elements.
    fn at(kernel: &dyn Kernel, input: &[f32]) -> Vec<(f32, f32)> {
        let (output, saved) = forward(kernel, &[input], input.len());
        let grad_output = vec![1.0; input.len()];
        let gradient = vjp(kernel, &[input], &output, &saved, &grad_output, 0);
        output.into_iter().zip(gradient).collect()
    }

    #[test]
    fn at_a_kink_the_outer_slope_holds() {
        assert_eq!(
            at(&*relu(3), &[0.0, -0.0, 1e-30]),
            [(0.0, 0.0), (0.0, 0.0), (1e-30, 1.0)]
        );
        assert_eq!(
            at(&*clip(4, 0.0, 6.0), &[0.0, 6.0, 3.0, 7.0]),
            [(0.0, 0.0), (6.0, 0.0), (3.0, 1.0), (6.0, 0.0)]
        );
        assert_eq!(at(&*leaky_relu(1, 0.5), &[0.0]), [(0.0, 0.5)]);
    }

    #[test]
    fn crossed_limits_give_the_upper_one() {
        assert_eq!(at(&*clip(1, 2.0, 1.0), &[5.0]), [(1.0, 0.0)]);
        assert_eq!(at(&*clip(1, 2.0, 1.0), &[-5.0]), [(1.0, 0.0)]);
    }

    #[test]
    fn nan_stays_nan() {
        for kernel in [relu(1), leaky_relu(1, 0.1), clip(1, 0.0, 6.0)] {
            assert!(at(&*kernel, &[f32::NAN])[0].0.is_nan(), "{}", kernel.name());
        }
    }

    proptest! {
        #[test]
        fn vjp_is_linear(which in 0usize..3, len in 1usize..140, seed: u64) {
            let kernel = match which {
                0 => relu(len),
                1 => leaky_relu(len, 0.3),
                _ => clip(len, -0.2, 0.6),
            };
            check_laws(&*kernel, &[values(len, seed)], len, seed);
        }
    }
}
