//! Slices: every axis from a start in steps, backwards too.

use super::loops::{Loops, dense_strides};
use super::operands::runtime;
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};

/// Builds the kernel of a slice that starts at `starts` and goes on in `steps`, by axis; the extents
/// are the result's.
pub(crate) fn build(
    operator: &'static str,
    starts: &[usize],
    steps: &[isize],
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let shape = runtime(operator, operands, 0)?;
    let misfit = || {
        EngineError::unsupported(
            operator,
            format!("starts {starts:?} and steps {steps:?} of {shape:?} to {output_shape:?}"),
        )
    };
    if [starts.len(), steps.len(), output_shape.len()] != [shape.len(); 3] {
        return Err(misfit());
    }
    for axis in 0..shape.len() {
        let Some(n_steps) = output_shape[axis].checked_sub(1) else {
            continue;
        };
        let last = steps[axis]
            .checked_mul(n_steps as isize)
            .and_then(|reach| starts[axis].checked_add_signed(reach));
        if starts[axis] >= shape[axis] || last.is_none_or(|last| last >= shape[axis]) {
            return Err(misfit());
        }
    }
    let strides = dense_strides(shape);
    let walked: Vec<isize> = strides
        .iter()
        .zip(steps)
        .map(|(s, step)| s * step)
        .collect();
    let offset = strides
        .iter()
        .zip(starts)
        .map(|(&stride, &start)| stride as usize * start)
        .sum();
    Ok(Box::new(Slice {
        loops: Loops::new(
            output_shape,
            [&dense_strides(output_shape), &walked],
            [0, offset],
        ),
    }))
}

struct Slice {
    /// Result, operand.
    loops: Loops<2>,
}

impl Slice {
    fn is_contiguous(&self) -> bool {
        self.loops.inner().strides[1] == 1
    }
}

impl Kernel for Slice {
    fn name(&self) -> &'static str {
        if self.is_contiguous() {
            "slice"
        } else {
            "slice, strided"
        }
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let input = inputs[0];
        if self.is_contiguous() {
            let len = self.loops.inner().extent;
            self.loops.for_each_run(|[to, from]| {
                output[to..to + len].copy_from_slice(&input[from..from + len]);
            });
        } else {
            self.loops.for_each(|[to, from]| output[to] = input[from]);
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        gradient.clear_unless_accumulating();
        let g = &*context.grad_output;
        if self.is_contiguous() {
            let len = self.loops.inner().extent;
            self.loops.for_each_run(|[from, to]| {
                let slots = gradient.data[to..to + len].iter_mut();
                for (slot, g) in slots.zip(&g[from..from + len]) {
                    *slot += g;
                }
            });
        } else {
            self.loops
                .for_each(|[from, to]| gradient.data[to] += g[from]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::Kernel;
    use crate::ops::testing::{
        check_against_reference, check_laws, operand, source_indices, values,
    };

    fn slice(
        shape: &[usize],
        starts: &[usize],
        steps: &[isize],
        output_shape: &[usize],
    ) -> Box<dyn Kernel> {
        build("Slice", starts, steps, &[operand(shape)], output_shape).unwrap()
    }

    fn reference_slice(
        shape: &[usize],
        starts: &[usize],
        steps: &[isize],
        output_shape: &[usize],
        input: &[f64],
    ) -> Vec<f64> {
        source_indices(output_shape, shape, |axis, place| {
            Some(
                starts[axis]
                    .checked_add_signed(place as isize * steps[axis])
                    .unwrap(),
            )
        })
        .into_iter()
        .map(|index| input[index.unwrap()])
        .collect()
    }

    #[test]
    fn slices_match_the_reference() {
        for (shape, starts, steps, output_shape) in [
            (
                &[2, 6, 4, 5][..],
                &[0, 2, 0, 0][..],
                &[1, 1, 1, 1][..],
                &[2, 3, 4, 5][..],
            ),
            (&[2, 6, 4, 5], &[0, 1, 0, 4], &[1, 2, 1, -1], &[2, 2, 4, 5]),
            (
                &[2, 6, 4, 5],
                &[1, 5, 3, 4],
                &[-1, -2, -3, -4],
                &[2, 3, 2, 2],
            ),
            (&[7], &[6], &[-3], &[3]),
            (&[7], &[0], &[1], &[7]),
            (&[3, 4], &[1, 2], &[1, 1], &[1, 1]),
        ] {
            check_against_reference(
                &*slice(shape, starts, steps, output_shape),
                &[values(shape.iter().product(), 4)],
                |wide| reference_slice(shape, starts, steps, output_shape, &wide[0]),
                0.0,
            );
        }
    }

    #[test]
    fn slices_beyond_the_operand_are_refused() {
        let attempt = |starts: &[usize], steps: &[isize], output_shape: &[usize]| {
            build("Slice", starts, steps, &[operand(&[4, 5])], output_shape).is_err()
        };
        assert!(attempt(&[4, 0], &[1, 1], &[1, 5]));
        assert!(attempt(&[0, 0], &[1, 2], &[4, 4]));
        assert!(attempt(&[1, 0], &[-1, 1], &[3, 5]));
        assert!(attempt(&[0, 0], &[isize::MAX, 1], &[3, 5]));
        assert!(attempt(&[0], &[1], &[4]));
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            axes in prop::collection::vec((1usize..4, 1usize..4, any::<bool>()), 1..4),
            seed: u64,
        ) {
            let output_shape: Vec<usize> = axes.iter().map(|&(extent, _, _)| extent).collect();
            let shape: Vec<usize> = axes.iter().map(|&(extent, step, _)| extent * step).collect();
            let starts: Vec<usize> = axes
                .iter()
                .map(|&(extent, step, backwards)| if backwards { extent * step - 1 } else { 0 })
                .collect();
            let steps: Vec<isize> = axes
                .iter()
                .map(|&(_, step, backwards)| if backwards { -(step as isize) } else { step as isize })
                .collect();
            let kernel = slice(&shape, &starts, &steps, &output_shape);
            let input = values(shape.iter().product(), seed);
            check_laws(&*kernel, &[input], output_shape.iter().product(), seed);
        }
    }
}
