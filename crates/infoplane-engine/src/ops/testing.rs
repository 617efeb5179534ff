//! The checks every kernel goes through.

use infoplane_graph::Window2d;

use crate::kernel::{Gradient, Kernel, Operand, VjpContext};

/// Deterministic values in (−1, 1), different for each seed.
pub(crate) fn values(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 40) as f32 / (1u64 << 23) as f32) - 1.0
        })
        .collect()
}

/// Runs the forward pass; returns the result and what was saved.
pub(crate) fn forward(
    kernel: &dyn Kernel,
    inputs: &[&[f32]],
    output_len: usize,
) -> (Vec<f32>, Vec<u32>) {
    let mut output = vec![f32::NAN; output_len];
    let mut saved = vec![0xDEAD_BEEF; kernel.saved_len()];
    let mut scratch = vec![f32::NAN; kernel.scratch_len()];
    kernel.forward(inputs, &mut output, &mut saved, &mut scratch);
    (output, saved)
}

/// The gradient of one operand for a given gradient of the result, as the engine would ask for it:
/// operands and result are withheld where the kernel says it does not read them.
pub(crate) fn vjp(
    kernel: &dyn Kernel,
    inputs: &[&[f32]],
    output: &[f32],
    saved: &[u32],
    grad_output: &[f32],
    operand: usize,
) -> Vec<f32> {
    let reads = kernel.reads();
    let visible: Vec<&[f32]> = inputs
        .iter()
        .map(|input| if reads.inputs { *input } else { &[][..] })
        .collect();
    let run = |accumulate: bool, start: f32| {
        let mut data = vec![start; inputs[operand].len()];
        let mut grad_output = grad_output.to_vec();
        let mut scratch = vec![f32::NAN; kernel.scratch_len()];
        kernel.vjp(
            operand,
            VjpContext {
                inputs: &visible,
                output: if reads.output { output } else { &[] },
                grad_output: &mut grad_output,
                saved,
                scratch: &mut scratch,
            },
            Gradient {
                data: &mut data,
                accumulate,
            },
        );
        data
    };
    let overwritten = run(false, f32::NAN);
    let accumulated = run(true, 1.0);
    for (index, (a, b)) in overwritten.iter().zip(&accumulated).enumerate() {
        assert!(
            (a + 1.0 - b).abs() <= 1e-4 * (1.0 + a.abs()) || a + 1.0 == *b,
            "element {index}: accumulating gives {b} where overwriting gives {a}"
        );
    }
    overwritten
}

/// Checks a kernel against a plain reference in double precision: its result within `tolerance`, and
/// its vector-Jacobian product of every operand against central differences of the reference.
///
/// The step is small against the distance of the test values to any kink, which the caller ensures.
pub(crate) fn check_against_reference(
    kernel: &dyn Kernel,
    inputs: &[Vec<f32>],
    reference: impl Fn(&[Vec<f64>]) -> Vec<f64>,
    tolerance: f64,
) {
    let wide: Vec<Vec<f64>> = inputs
        .iter()
        .map(|input| input.iter().map(|&value| f64::from(value)).collect())
        .collect();
    let expected = reference(&wide);
    let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let (output, saved) = forward(kernel, &slices, expected.len());
    assert_close(&output, &expected, tolerance, "forward");

    let grad_output = values(expected.len(), 99);
    for operand in 0..inputs.len() {
        let actual = vjp(kernel, &slices, &output, &saved, &grad_output, operand);
        let step = 1e-6;
        let numeric: Vec<f64> = (0..inputs[operand].len())
            .map(|element| {
                let mut shifted = wide.clone();
                shifted[operand][element] += step;
                let above = reference(&shifted);
                shifted[operand][element] -= 2.0 * step;
                let below = reference(&shifted);
                above
                    .iter()
                    .zip(&below)
                    .zip(&grad_output)
                    .map(|((a, b), &g)| (a - b) / (2.0 * step) * f64::from(g))
                    .sum()
            })
            .collect();
        assert_close(
            &actual,
            &numeric,
            tolerance.max(1e-5),
            &format!("gradient of operand {operand}"),
        );
    }
}

/// Asserts closeness relative to the largest expected magnitude.
pub(crate) fn assert_close(actual: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}: length");
    let scale = expected.iter().fold(1e-3, |m: f64, v| m.max(v.abs()));
    for (index, (&a, &e)) in actual.iter().zip(expected).enumerate() {
        let error = (f64::from(a) - e).abs() / scale;
        assert!(
            error <= tolerance,
            "{what}, element {index}: {a} where the reference gives {e} (relative error {error:.2e})"
        );
    }
}

/// A runtime operand.
pub(crate) fn operand(shape: &[usize]) -> Operand {
    Operand {
        shape: shape.to_vec(),
        constant: None,
    }
}

/// A constant operand of [`values`].
pub(crate) fn constant_operand(shape: &[usize], seed: u64) -> Operand {
    Operand {
        shape: shape.to_vec(),
        constant: Some(values(shape.iter().product(), seed).into()),
    }
}

/// Checks what holds for every kernel: a second run gives the same bits, and the vector-Jacobian
/// product is linear in the gradient of the result.
pub(crate) fn check_laws(kernel: &dyn Kernel, inputs: &[Vec<f32>], output_len: usize, seed: u64) {
    let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let bits = |values: &[f32]| -> Vec<u32> { values.iter().map(|v| v.to_bits()).collect() };
    let (output, saved) = forward(kernel, &slices, output_len);
    let (again, saved_again) = forward(kernel, &slices, output_len);
    assert_eq!(bits(&output), bits(&again), "forward is not deterministic");
    assert_eq!(saved, saved_again, "what is saved is not deterministic");

    let first = values(output_len, seed.wrapping_add(1));
    let second = values(output_len, seed.wrapping_add(2));
    let combined: Vec<f32> = first
        .iter()
        .zip(&second)
        .map(|(a, b)| 2.0 * a - b)
        .collect();
    for operand in 0..inputs.len() {
        let product = |g: &[f32]| vjp(kernel, &slices, &output, &saved, g, operand);
        let (of_first, of_second) = (product(&first), product(&second));
        let expected: Vec<f64> = of_first
            .iter()
            .zip(&of_second)
            .map(|(&a, &b)| 2.0 * f64::from(a) - f64::from(b))
            .collect();
        assert_eq!(
            bits(&of_first),
            bits(&product(&first)),
            "the gradient of operand {operand} is not deterministic"
        );
        assert_close(&product(&combined), &expected, 1e-4, "linearity");
    }
}

/// A window from kernel, strides, dilations and the two paddings.
pub(crate) fn window(
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    pads_begin: [usize; 2],
    pads_end: [usize; 2],
) -> Window2d {
    Window2d {
        kernel,
        strides,
        dilations,
        pads_begin,
        pads_end,
    }
}

/// Shape of a pool over `[N, C, H, W]`.
pub(crate) fn pool_output(window: &Window2d, shape: &[usize]) -> Vec<usize> {
    let mut output = shape.to_vec();
    for axis in 0..2 {
        let padded = shape[2 + axis] + window.pads_begin[axis] + window.pads_end[axis];
        let reach = window.dilations[axis] * (window.kernel[axis] - 1) + 1;
        output[2 + axis] = (padded - reach) / window.strides[axis] + 1;
    }
    output
}

/// For every element of a result: the index of the element it comes from, if any, where `place`
/// maps each axis and index of the result to the operand's index along that axis.
pub(crate) fn source_indices(
    output_shape: &[usize],
    shape: &[usize],
    place: impl Fn(usize, usize) -> Option<usize>,
) -> Vec<Option<usize>> {
    (0..output_shape.iter().product())
        .map(|position: usize| {
            let (mut rest, mut index, mut stride) = (position, 0, 1);
            for axis in (0..shape.len()).rev() {
                index += stride * place(axis, rest % output_shape[axis])?;
                stride *= shape[axis];
                rest /= output_shape[axis];
            }
            Some(index)
        })
        .collect()
}
