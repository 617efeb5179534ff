//! Softmax over the middle of `[outer, size, inner]`.

use super::math::{exp, sum, sum_of_pairs};
use super::operands::{runtime, same_len};
use super::vectorize::{put, vectorized};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// Builds the kernel of a softmax over the axes from `axis` up to, without, `end`, taken together.
pub(crate) fn build(
    operator: &'static str,
    axis: usize,
    end: usize,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let (size, inner) = columns(operator, axis, end, operands, output_shape)?;
    Ok(if inner == 1 {
        Box::new(RowSoftmax { size })
    } else {
        Box::new(ColumnSoftmax { size, inner })
    })
}

/// Elements that are normalised together, and how many such columns lie side by side.
pub(super) fn columns(
    operator: &'static str,
    axis: usize,
    end: usize,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<(usize, usize), EngineError> {
    let shape = runtime(operator, operands, 0)?;
    same_len(operator, shape, output_shape)?;
    let (Some(middle), Some(trailing)) = (shape.get(axis..end), shape.get(end..)) else {
        return Err(EngineError::unsupported(
            operator,
            format!("axes {axis} to {end} of the shape {shape:?}"),
        ));
    };
    let size: usize = middle.iter().product();
    let inner: usize = trailing.iter().product();
    if size * inner == 0 {
        return Err(EngineError::unsupported(
            operator,
            format!("the empty shape {shape:?}"),
        ));
    }
    Ok((size, inner))
}

const READS: Reads = Reads {
    inputs: false,
    output: true,
};

/// Softmax of contiguous rows.
struct RowSoftmax {
    size: usize,
}

impl Kernel for RowSoftmax {
    fn name(&self) -> &'static str {
        "softmax, last axis"
    }

    fn reads(&self) -> Reads {
        READS
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let rows = inputs[0].chunks_exact(self.size);
        for (input, output) in rows.zip(output.chunks_exact_mut(self.size)) {
            vectorized(|| softmax_row(input, output));
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let rows = context.output.chunks_exact(self.size);
        let grad_rows = context.grad_output.chunks_exact(self.size);
        let slots = gradient.data.chunks_exact_mut(self.size);
        for ((y, g), data) in rows.zip(grad_rows).zip(slots) {
            let row = Gradient {
                data,
                accumulate: gradient.accumulate,
            };
            vectorized(|| chain_row(y, g, row));
        }
    }
}

#[inline(always)]
fn softmax_row(input: &[f32], output: &mut [f32]) {
    // `max` passes over a NaN, which then reaches every element through the sum.
    let largest = input.iter().fold(f32::NEG_INFINITY, |m, &x| m.max(x));
    for (slot, &x) in output.iter_mut().zip(input) {
        *slot = exp(x - largest);
    }
    let total = sum(output);
    for slot in output {
        *slot /= total;
    }
}

/// y ⊙ (g − Σ g ⊙ y)
#[inline(always)]
fn chain_row(y: &[f32], g: &[f32], gradient: Gradient<'_>) {
    let mean = sum_of_pairs(g, y, |g, y| g * y);
    put(gradient, y.iter().zip(g).map(|(&y, &g)| y * (g - mean)));
}

/// Softmax of columns: `inner` of them side by side.
struct ColumnSoftmax {
    size: usize,
    inner: usize,
}

impl Kernel for ColumnSoftmax {
    fn name(&self) -> &'static str {
        "softmax, inner axis"
    }

    fn reads(&self) -> Reads {
        READS
    }

    fn scratch_len(&self) -> usize {
        2 * self.inner
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], scratch: &mut [f32]) {
        let block = self.size * self.inner;
        for (input, output) in inputs[0]
            .chunks_exact(block)
            .zip(output.chunks_exact_mut(block))
        {
            let (largest, total) = scratch.split_at_mut(self.inner);
            vectorized(|| softmax_columns(input, output, largest, total));
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let block = self.size * self.inner;
        let blocks = context.output.chunks_exact(block);
        let grad_blocks = context.grad_output.chunks_exact(block);
        let slots = gradient.data.chunks_exact_mut(block);
        let mean = &mut context.scratch[..self.inner];
        for ((y, g), data) in blocks.zip(grad_blocks).zip(slots) {
            let part = Gradient {
                data,
                accumulate: gradient.accumulate,
            };
            vectorized(|| chain_columns(y, g, part, mean));
        }
    }
}

#[inline(always)]
fn softmax_columns(input: &[f32], output: &mut [f32], largest: &mut [f32], total: &mut [f32]) {
    let inner = largest.len();
    let total = &mut total[..inner];
    largest.fill(f32::NEG_INFINITY);
    for row in input.chunks_exact(inner) {
        for (slot, &x) in largest.iter_mut().zip(row) {
            *slot = slot.max(x);
        }
    }
    total.fill(0.0);
    for (row, x) in output
        .chunks_exact_mut(inner)
        .zip(input.chunks_exact(inner))
    {
        for (((slot, &x), &largest), total) in row.iter_mut().zip(x).zip(&*largest).zip(&mut *total)
        {
            *slot = exp(x - largest);
            *total += *slot;
        }
    }
    for row in output.chunks_exact_mut(inner) {
        for (slot, &total) in row.iter_mut().zip(&*total) {
            *slot /= total;
        }
    }
}

#[inline(always)]
fn chain_columns(y: &[f32], g: &[f32], gradient: Gradient<'_>, mean: &mut [f32]) {
    let inner = mean.len();
    mean.fill(0.0);
    for (y, g) in y.chunks_exact(inner).zip(g.chunks_exact(inner)) {
        for ((slot, &y), &g) in mean.iter_mut().zip(y).zip(g) {
            *slot += g * y;
        }
    }
    let rows = y.chunks_exact(inner).zip(g.chunks_exact(inner));
    for ((y, g), data) in rows.zip(gradient.data.chunks_exact_mut(inner)) {
        let row = Gradient {
            data,
            accumulate: gradient.accumulate,
        };
        let elements = y.iter().zip(g).zip(&*mean);
        put(row, elements.map(|((&y, &g), &mean)| y * (g - mean)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::Kernel;
    use crate::ops::testing::{check_against_reference, check_laws, forward, operand, values};

    fn softmax(shape: &[usize], axis: usize, end: usize) -> Box<dyn Kernel> {
        build("Softmax", axis, end, &[operand(shape)], shape).unwrap()
    }

    fn reference_softmax(shape: &[usize], axis: usize, end: usize, input: &[f64]) -> Vec<f64> {
        let inner: usize = shape[end..].iter().product();
        let block = shape[axis..end].iter().product::<usize>() * inner;
        (0..input.len())
            .map(|index| {
                let first = index / block * block + index % inner;
                let last = index / block * block + block;
                let column = (first..last).step_by(inner);
                let total: f64 = column
                    .map(|other| (input[other] - input[index]).exp())
                    .sum();
                1.0 / total
            })
            .collect()
    }

    const SHAPES: [(&[usize], usize, usize); 7] = [
        (&[3, 10], 1, 2),
        (&[2, 3, 4], 1, 3),
        (&[2, 3, 4], 0, 1),
        (&[2, 5, 3, 7], 1, 2),
        (&[1, 1], 1, 2),
        (&[4, 1, 3], 1, 2),
        (&[33], 0, 1),
    ];

    #[test]
    fn softmax_matches_the_reference() {
        for (shape, axis, end) in SHAPES {
            let input: Vec<f32> = values(shape.iter().product(), 3)
                .iter()
                .map(|x| 4.0 * x)
                .collect();
            check_against_reference(
                &*softmax(shape, axis, end),
                &[input],
                |wide| reference_softmax(shape, axis, end, &wide[0]),
                1e-6,
            );
        }
    }

    #[test]
    fn large_logits_do_not_overflow() {
        for (shape, axis) in [(&[1, 3][..], 1), (&[3, 2], 0)] {
            let len: usize = shape.iter().product();
            let input: Vec<f32> = (0..len).map(|index| 500.0 * index as f32).collect();
            let (output, _) = forward(&*softmax(shape, axis, axis + 1), &[&input], len);
            assert!(output.iter().all(|y| (0.0..=1.0).contains(y)), "{output:?}");
        }
    }

    #[test]
    fn axes_that_do_not_exist_are_refused() {
        assert!(build("Softmax", 1, 3, &[operand(&[2, 3])], &[2, 3]).is_err());
        assert!(build("Softmax", 2, 1, &[operand(&[2, 3])], &[2, 3]).is_err());
        assert!(build("Softmax", 1, 2, &[operand(&[2, 0])], &[2, 0]).is_err());
    }

    proptest! {
        #[test]
        fn vjp_is_linear(shape in prop::collection::vec(1usize..6, 3), axis in 0usize..3, seed: u64) {
            let len = shape.iter().product();
            check_laws(&*softmax(&shape, axis, axis + 1), &[values(len, seed)], len, seed);
        }
    }
}
