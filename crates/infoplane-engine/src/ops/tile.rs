//! The operand several times over along its axes.

use super::loops::{Loops, dense_strides};
use super::math::sum;
use super::operands::runtime;
use super::vectorize::vectorized;
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};

/// Builds the kernel of an operand that is repeated `repeats` times along the axes of the result; it may
/// lack leading axes.
pub(crate) fn build(
    operator: &'static str,
    repeats: &[usize],
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let shape = runtime(operator, operands, 0)?;
    let misfit = || {
        EngineError::unsupported(
            operator,
            format!("{shape:?} repeated {repeats:?} times to {output_shape:?}"),
        )
    };
    let missing = repeats.len().checked_sub(shape.len()).ok_or_else(misfit)?;
    let padded = [&vec![1; missing], shape].concat();
    let tiled = padded.iter().zip(repeats).map(|(e, n)| e.checked_mul(*n));
    let fits = tiled.eq(output_shape.iter().map(|&extent| Some(extent)));
    if !fits || output_shape.contains(&0) {
        return Err(misfit());
    }
    // Two loops an axis of the result: the copy, and the element in it.
    let (own, dense) = (dense_strides(&padded), dense_strides(output_shape));
    let (mut extents, mut to, mut from) = (Vec::new(), Vec::new(), Vec::new());
    for axis in 0..repeats.len() {
        extents.extend([repeats[axis], padded[axis]]);
        to.extend([dense[axis] * padded[axis] as isize, dense[axis]]);
        from.extend([0, own[axis]]);
    }
    Ok(Box::new(Tile {
        loops: Loops::new(&extents, [&to, &from], [0, 0]),
    }))
}

struct Tile {
    /// Result, operand.
    loops: Loops<2>,
}

impl Tile {
    /// Whether the innermost loop repeats one element instead of walking along the operand.
    fn repeats_elements(&self) -> bool {
        self.loops.inner().strides[1] == 0
    }
}

impl Kernel for Tile {
    fn name(&self) -> &'static str {
        if self.repeats_elements() {
            "tile, elements"
        } else {
            "tile, runs"
        }
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let (input, len) = (inputs[0], self.loops.inner().extent);
        let repeats = self.repeats_elements();
        self.loops.for_each_run(|[to, from]| {
            let run = &mut output[to..to + len];
            if repeats {
                run.fill(input[from]);
            } else {
                run.copy_from_slice(&input[from..from + len]);
            }
        });
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        gradient.clear_unless_accumulating();
        let (g, len) = (&*context.grad_output, self.loops.inner().extent);
        let repeats = self.repeats_elements();
        self.loops.for_each_run(|[from, to]| {
            let run = &g[from..from + len];
            if repeats {
                gradient.data[to] += vectorized(|| sum(run));
            } else {
                for (slot, g) in gradient.data[to..to + len].iter_mut().zip(run) {
                    *slot += g;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::Kernel;
    use crate::ops::testing::{check_against_reference, check_laws, operand, values};

    fn padded(shape: &[usize], rank: usize) -> Vec<usize> {
        [&vec![1; rank - shape.len()], shape].concat()
    }

    fn tiled(shape: &[usize], repeats: &[usize]) -> Vec<usize> {
        let padded = padded(shape, repeats.len());
        padded.iter().zip(repeats).map(|(e, n)| e * n).collect()
    }

    fn tile(shape: &[usize], repeats: &[usize]) -> Box<dyn Kernel> {
        build("Tile", repeats, &[operand(shape)], &tiled(shape, repeats)).unwrap()
    }

    fn reference_tile(shape: &[usize], repeats: &[usize], input: &[f64]) -> Vec<f64> {
        let (padded, output) = (padded(shape, repeats.len()), tiled(shape, repeats));
        (0..output.iter().product())
            .map(|position: usize| {
                let (mut rest, mut index, mut stride) = (position, 0, 1);
                for axis in (0..output.len()).rev() {
                    index += stride * (rest % output[axis] % padded[axis]);
                    stride *= padded[axis];
                    rest /= output[axis];
                }
                input[index]
            })
            .collect()
    }

    #[test]
    fn tiles_match_the_reference() {
        for (shape, repeats) in [
            (&[2, 3][..], &[1, 1][..]),
            (&[2, 3], &[3, 1]),
            (&[2, 3], &[1, 4]),
            (&[2, 3], &[2, 2]),
            (&[3, 1, 5], &[1, 7, 1]),
            (&[3, 4, 1], &[1, 1, 9]),
            (&[1, 4, 1], &[2, 1, 3]),
            (&[3], &[2, 4, 1]),
            (&[1], &[5]),
            (&[], &[2, 2]),
        ] {
            check_against_reference(
                &*tile(shape, repeats),
                &[values(shape.iter().product(), 5)],
                |wide| reference_tile(shape, repeats, &wide[0]),
                1e-6,
            );
        }
    }

    #[test]
    fn repeats_that_do_not_fit_are_refused() {
        let attempt = |repeats: &[usize], output_shape: &[usize]| {
            build("Tile", repeats, &[operand(&[2, 3])], output_shape).is_err()
        };
        assert!(attempt(&[1], &[3]));
        assert!(attempt(&[1, 2], &[2, 5]));
        assert!(attempt(&[usize::MAX, 1], &[2, 3]));
        assert!(attempt(&[0, 1], &[0, 3]));
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            axes in prop::collection::vec((1usize..4, 1usize..4), 1..4),
            missing in 0usize..2,
            seed: u64,
        ) {
            let shape: Vec<usize> = axes.iter().skip(missing).map(|axis| axis.0).collect();
            let repeats: Vec<usize> = axes.iter().map(|axis| axis.1).collect();
            let output_len = tiled(&shape, &repeats).iter().product();
            let input = values(shape.iter().product(), seed);
            check_laws(&*tile(&shape, &repeats), &[input], output_len, seed);
        }
    }
}
