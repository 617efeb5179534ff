//! The checks every kernel goes through.

use crate::kernel::{Gradient, Kernel, VjpContext};

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
            (a + 1.0 - b).abs() <= 1e-4 * (1.0 + a.abs()),
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
