//! Axes in another order, also of the elements under another shape.

use super::loops::{Axis, Loops, dense_strides};
use super::operands::{runtime, same_len};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};

/// Builds the kernel of a transposition: axis `i` of the result is axis `perm[i]` of the operand.
pub(crate) fn build(
    operator: &'static str,
    perm: &[usize],
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let shape = runtime(operator, operands, 0)?;
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..shape.len())
        || !perm
            .iter()
            .map(|&axis| shape[axis])
            .eq(output_shape.iter().copied())
    {
        return Err(EngineError::unsupported(
            operator,
            format!("the order {perm:?} of {shape:?} to {output_shape:?}"),
        ));
    }
    let strides = dense_strides(shape);
    let walked: Vec<isize> = perm.iter().map(|&axis| strides[axis]).collect();
    Ok(Box::new(Transpose::new(output_shape, &walked)))
}

/// Builds the kernel that sees the operand's elements under `shape`, transposes them, and sees those
/// under the result's shape.
pub(crate) fn build_rearrangement(
    operator: &'static str,
    shape: &[usize],
    perm: &[usize],
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let own = runtime(operator, operands, 0)?;
    same_len(operator, own, shape)?;
    same_len(operator, own, output_shape)?;
    let seen = Operand {
        shape: shape.to_vec(),
        constant: None,
    };
    let permuted: Vec<usize> = perm
        .iter()
        .map(|&axis| shape.get(axis).copied().unwrap_or(0))
        .collect();
    build(operator, perm, &[seen], &permuted)
}

/// Tiles of a result whose last axis is not the operand's.
struct Transpose {
    /// Loops around the tiles: result, operand.
    outer: Loops<2>,
    /// The result's last axis.
    across: Axis<2>,
    /// The operand's last axis; of extent 1 where that is the result's last axis, too.
    down: Axis<2>,
}

impl Transpose {
    fn new(output_shape: &[usize], strides: &[isize]) -> Transpose {
        let merged = Loops::new(
            output_shape,
            [&dense_strides(output_shape), strides],
            [0, 0],
        );
        let across = merged.inner();
        let mut outer = merged.axes().to_vec();
        outer.pop();
        let down = match outer.iter().position(|axis| axis.strides[1] == 1) {
            Some(position) if across.strides[1] != 1 => outer.remove(position),
            _ => Axis {
                extent: 1,
                strides: [0, 0],
            },
        };
        Transpose {
            outer: Loops::over(outer, [0, 0]),
            across,
            down,
        }
    }

    fn copies_runs(&self) -> bool {
        self.across.strides[1] == 1
    }

    /// Calls `visit(result, operand)` for every pair of elements, tile by tile, so that both sides
    /// stay in the cache.
    #[inline(always)]
    fn for_each_pair(&self, mut visit: impl FnMut(usize, usize)) {
        const TILE: usize = 16;
        let [down_to, down_from] = self.down.strides.map(|stride| stride as usize);
        let [across_to, across_from] = self.across.strides.map(|stride| stride as usize);
        self.outer.for_each(|[to, from]| {
            for down in (0..self.down.extent).step_by(TILE) {
                let down_end = self.down.extent.min(down + TILE);
                for across in (0..self.across.extent).step_by(TILE) {
                    let across_end = self.across.extent.min(across + TILE);
                    for i in down..down_end {
                        for j in across..across_end {
                            visit(
                                to + i * down_to + j * across_to,
                                from + i * down_from + j * across_from,
                            );
                        }
                    }
                }
            }
        });
    }
}

impl Kernel for Transpose {
    fn name(&self) -> &'static str {
        if self.copies_runs() {
            "transpose, outer axes"
        } else {
            "transpose"
        }
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let input = inputs[0];
        if self.copies_runs() {
            let len = self.across.extent;
            self.outer.for_each(|[to, from]| {
                output[to..to + len].copy_from_slice(&input[from..from + len]);
            });
        } else {
            self.for_each_pair(|to, from| output[to] = input[from]);
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let g = &*context.grad_output;
        let accumulate = gradient.accumulate;
        if self.copies_runs() {
            let len = self.across.extent;
            self.outer.for_each(|[from, to]| {
                let mut run = Gradient {
                    data: &mut gradient.data[to..to + len],
                    accumulate,
                };
                run.put(g[from..from + len].iter().copied());
            });
        } else if accumulate {
            self.for_each_pair(|from, to| gradient.data[to] += g[from]);
        } else {
            self.for_each_pair(|from, to| gradient.data[to] = g[from]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{build, build_rearrangement};
    use crate::kernel::Kernel;
    use crate::ops::testing::{check_against_reference, check_laws, operand, values};

    fn permuted(shape: &[usize], perm: &[usize]) -> Vec<usize> {
        perm.iter().map(|&axis| shape[axis]).collect()
    }

    fn transpose(shape: &[usize], perm: &[usize]) -> Box<dyn Kernel> {
        build("Transpose", perm, &[operand(shape)], &permuted(shape, perm)).unwrap()
    }

    fn reference_transpose(shape: &[usize], perm: &[usize], input: &[f64]) -> Vec<f64> {
        let output_shape = permuted(shape, perm);
        let mut result = vec![f64::NAN; input.len()];
        for (position, &value) in input.iter().enumerate() {
            let mut index = vec![0; shape.len()];
            let mut rest = position;
            for axis in (0..shape.len()).rev() {
                index[axis] = rest % shape[axis];
                rest /= shape[axis];
            }
            let place = perm
                .iter()
                .zip(&output_shape)
                .fold(0, |place, (&axis, extent)| place * extent + index[axis]);
            result[place] = value;
        }
        result
    }

    #[test]
    fn transpositions_match_the_reference() {
        for (shape, perm) in [
            (&[3, 5][..], &[1, 0][..]),
            (&[37, 19], &[1, 0]),
            (&[2, 17, 33], &[0, 2, 1]),
            (&[2, 3, 4], &[2, 1, 0]),
            (&[2, 3, 4], &[1, 0, 2]),
            (&[2, 3, 4, 5], &[0, 2, 3, 1]),
            (&[2, 3, 4, 5], &[0, 3, 1, 2]),
            (&[2, 3, 4, 5], &[0, 2, 1, 3]),
            (&[2, 3, 4, 5], &[3, 2, 1, 0]),
            (&[2, 3, 4, 5], &[3, 1, 0, 2]),
            (&[2, 3, 4, 5], &[0, 1, 2, 3]),
            (&[1, 3, 1, 5], &[3, 0, 2, 1]),
            (&[1, 1], &[1, 0]),
            (&[4], &[0]),
            (&[], &[]),
        ] {
            check_against_reference(
                &*transpose(shape, perm),
                &[values(shape.iter().product(), 4)],
                |wide| reference_transpose(shape, perm, &wide[0]),
                0.0,
            );
        }
    }

    #[test]
    fn a_rearrangement_is_a_transposition_under_another_shape() {
        let (shape, perm) = ([2, 2, 3, 4, 5], [0, 3, 1, 4, 2]);
        let operand = [operand(&[2, 6, 4, 5])];
        let kernel =
            build_rearrangement("Rearrange", &shape, &perm, &operand, &[2, 8, 15]).unwrap();
        check_against_reference(
            &*kernel,
            &[values(240, 4)],
            |wide| reference_transpose(&shape, &perm, &wide[0]),
            0.0,
        );
        for (shape, perm) in [(&shape[..4], &perm[..4]), (&shape, &[0, 3, 1, 4, 7])] {
            let attempt =
                |output: &[usize]| build_rearrangement("Rearrange", shape, perm, &operand, output);
            assert!(attempt(&[2, 8, 15]).is_err());
        }
    }

    #[test]
    fn orders_that_are_no_permutation_are_refused() {
        let attempt = |perm: &[usize], output_shape: &[usize]| {
            build("Transpose", perm, &[operand(&[2, 3])], output_shape).is_err()
        };
        assert!(attempt(&[0, 0], &[2, 2]));
        assert!(attempt(&[0, 2], &[2, 3]));
        assert!(attempt(&[1], &[3]));
        assert!(attempt(&[1, 0], &[2, 3]));
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            (shape, perm) in prop::collection::vec(1usize..6, 1..5).prop_flat_map(|shape| {
                let order: Vec<usize> = (0..shape.len()).collect();
                (Just(shape), Just(order).prop_shuffle())
            }),
            seed: u64,
        ) {
            let len = shape.iter().product();
            check_laws(&*transpose(&shape, &perm), &[values(len, seed)], len, seed);
        }
    }
}
