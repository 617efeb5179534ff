//! Logarithm of the softmax over the middle of `[outer, size, inner]`: x − max − ln Σ e^{x − max}.

use super::math::{exp, log};
use super::softmax;
use super::vectorize::vectorized;
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// Builds the kernel over the axes from `axis` up to, without, `end`, taken together.
pub(crate) fn build(
    operator: &'static str,
    axis: usize,
    end: usize,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let (size, inner) = softmax::columns(operator, axis, end, operands, output_shape)?;
    Ok(Box::new(LogSoftmax { size, inner }))
}

/// `inner` columns of `size` elements side by side.
struct LogSoftmax {
    size: usize,
    inner: usize,
}

impl Kernel for LogSoftmax {
    fn name(&self) -> &'static str {
        "log softmax"
    }

    fn reads(&self) -> Reads {
        Reads {
            inputs: false,
            output: true,
        }
    }

    fn scratch_len(&self) -> usize {
        2 * self.inner
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], scratch: &mut [f32]) {
        let block = self.size * self.inner;
        let (largest, total) = scratch[..2 * self.inner].split_at_mut(self.inner);
        for (x, y) in inputs[0]
            .chunks_exact(block)
            .zip(output.chunks_exact_mut(block))
        {
            vectorized(|| columns(x, y, largest, total));
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let block = self.size * self.inner;
        let total = &mut context.scratch[..self.inner];
        let blocks = context.output.chunks_exact(block);
        let grad_blocks = context.grad_output.chunks_exact(block);
        let slots = gradient.data.chunks_exact_mut(block);
        for ((y, g), data) in blocks.zip(grad_blocks).zip(slots) {
            let part = Gradient {
                data,
                accumulate: gradient.accumulate,
            };
            vectorized(|| chain(y, g, part, total));
        }
    }
}

#[inline(always)]
fn columns(x: &[f32], y: &mut [f32], largest: &mut [f32], total: &mut [f32]) {
    let inner = largest.len();
    largest.fill(f32::NEG_INFINITY);
    for row in x.chunks_exact(inner) {
        for (slot, &x) in largest.iter_mut().zip(row) {
            *slot = slot.max(x);
        }
    }
    total.fill(0.0);
    for row in x.chunks_exact(inner) {
        for ((total, &largest), &x) in total.iter_mut().zip(&*largest).zip(row) {
            *total += exp(x - largest);
        }
    }
    for total in total.iter_mut() {
        *total = log(*total);
    }
    for (row, x) in y.chunks_exact_mut(inner).zip(x.chunks_exact(inner)) {
        for (((slot, &x), &largest), &total) in row.iter_mut().zip(x).zip(&*largest).zip(&*total) {
            *slot = (x - largest) - total;
        }
    }
}

/// g − softmax · Σ g
#[inline(always)]
fn chain(y: &[f32], g: &[f32], mut gradient: Gradient<'_>, total: &mut [f32]) {
    let inner = total.len();
    total.fill(0.0);
    for row in g.chunks_exact(inner) {
        for (total, &g) in total.iter_mut().zip(row) {
            *total += g;
        }
    }
    let rows = y.chunks_exact(inner).zip(g.chunks_exact(inner));
    let elements = rows.flat_map(|(y, g)| {
        let pairs = y.iter().zip(g).zip(&*total);
        pairs.map(|((&y, &g), &total)| g - exp(y) * total)
    });
    gradient.put(elements);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::Kernel;
    use crate::ops::testing::{check_against_reference, check_laws, forward, operand, values};

    fn log_softmax(shape: &[usize], axis: usize, end: usize) -> Box<dyn Kernel> {
        build("LogSoftmax", axis, end, &[operand(shape)], shape).unwrap()
    }

    fn reference(shape: &[usize], axis: usize, end: usize, input: &[f64]) -> Vec<f64> {
        let inner: usize = shape[end..].iter().product();
        let block = shape[axis..end].iter().product::<usize>() * inner;
        (0..input.len())
            .map(|index| {
                let first = index / block * block + index % inner;
                let last = index / block * block + block;
                let column = (first..last).step_by(inner);
                let total: f64 = column.map(|other| input[other].exp()).sum();
                input[index] - total.ln()
            })
            .collect()
    }

    #[test]
    fn log_softmax_matches_the_reference() {
        for (shape, axis, end) in [
            (&[3, 10][..], 1, 2),
            (&[2, 3, 4], 1, 3),
            (&[2, 3, 4], 0, 1),
            (&[2, 5, 3, 7], 1, 2),
            (&[1, 1], 1, 2),
            (&[33], 0, 1),
        ] {
            let input: Vec<f32> = values(shape.iter().product(), 3)
                .iter()
                .map(|x| 4.0 * x)
                .collect();
            check_against_reference(
                &*log_softmax(shape, axis, end),
                &[input],
                |wide| reference(shape, axis, end, &wide[0]),
                1e-6,
            );
        }
    }

    #[test]
    fn large_logits_keep_finite_logarithms() {
        let (output, _) = forward(&*log_softmax(&[1, 3], 1, 2), &[&[0.0, 500.0, 1000.0]], 3);
        assert_eq!(output, [-1000.0, -500.0, 0.0]);
    }

    #[test]
    fn axes_that_do_not_exist_are_refused() {
        assert!(build("LogSoftmax", 1, 3, &[operand(&[2, 3])], &[2, 3]).is_err());
        assert!(build("LogSoftmax", 1, 2, &[operand(&[2, 0])], &[2, 0]).is_err());
    }

    proptest! {
        #[test]
        fn vjp_is_linear(shape in prop::collection::vec(1usize..6, 3), axis in 0usize..3, seed: u64) {
            let len = shape.iter().product();
            check_laws(&*log_softmax(&shape, axis, axis + 1), &[values(len, seed)], len, seed);
        }
    }
}
