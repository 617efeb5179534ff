//! Means over axes.

use super::loops::{Loops, dense_strides};
use super::math::sum;
use super::operands::runtime;
use super::vectorize::vectorized;
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};

/// Builds the kernel of a mean over `axes`.
pub(crate) fn build_mean(
    operator: &'static str,
    axes: &[usize],
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let (loops, n_kept) = reducing_loops(operator, axes, operands, output_shape)?;
    let count = operands[0].n_elements() / n_kept;
    Ok(Box::new(Mean {
        loops,
        count: count as f32,
    }))
}

/// The loops of a reduction over `axes`, operand and result, and the number of elements of the result.
/// Fails for axes that do not exist, a result of another size, and an operand without elements.
pub(super) fn reducing_loops(
    operator: &'static str,
    axes: &[usize],
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<(Loops<2>, usize), EngineError> {
    let shape = runtime(operator, operands, 0)?;
    if let Some(axis) = axes.iter().find(|&&axis| axis >= shape.len()) {
        return Err(EngineError::unsupported(
            operator,
            format!("axis {axis} of the shape {shape:?}"),
        ));
    }
    let kept: Vec<usize> = shape
        .iter()
        .enumerate()
        .map(|(axis, &extent)| if axes.contains(&axis) { 1 } else { extent })
        .collect();
    let n_kept: usize = kept.iter().product();
    if n_kept != output_shape.iter().product::<usize>() || shape.contains(&0) {
        return Err(EngineError::unsupported(
            operator,
            format!("axes {axes:?} of the shape {shape:?} to {output_shape:?}"),
        ));
    }
    let mut strides = dense_strides(&kept);
    for &axis in axes {
        strides[axis] = 0;
    }
    let loops = Loops::new(shape, [&dense_strides(shape), &strides], [0, 0]);
    Ok((loops, n_kept))
}

/// Mean of the elements that share a place in the result.
struct Mean {
    /// Operand, result.
    loops: Loops<2>,
    count: f32,
}

impl Mean {
    fn reduces_last(&self) -> bool {
        self.loops.inner().strides[1] == 0
    }
}

impl Kernel for Mean {
    fn name(&self) -> &'static str {
        if self.reduces_last() {
            "mean, trailing axes"
        } else {
            "mean, leading axes"
        }
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let len = self.loops.inner().extent;
        let input = inputs[0];
        output.fill(0.0);
        if self.reduces_last() {
            self.loops.for_each_run(|[start, place]| {
                output[place] += vectorized(|| sum(&input[start..start + len]));
            });
        } else {
            self.loops.for_each_run(|[start, place]| {
                let slots = output[place..place + len].iter_mut();
                for (slot, &x) in slots.zip(&input[start..start + len]) {
                    *slot += x;
                }
            });
        }
        for slot in output {
            *slot /= self.count;
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let len = self.loops.inner().extent;
        let g = &*context.grad_output;
        self.loops.for_each_run(|[start, place]| {
            let mut run = Gradient {
                data: &mut gradient.data[start..start + len],
                accumulate: gradient.accumulate,
            };
            if self.reduces_last() {
                let share = g[place] / self.count;
                run.put(std::iter::repeat_n(share, len));
            } else {
                run.put(g[place..place + len].iter().map(|g| g / self.count));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::build_mean;
    use crate::kernel::Kernel;
    use crate::ops::testing::{check_against_reference, check_laws, operand, values};

    fn kept(shape: &[usize], axes: &[usize]) -> Vec<usize> {
        (0..shape.len())
            .map(|axis| if axes.contains(&axis) { 1 } else { shape[axis] })
            .collect()
    }

    fn mean(shape: &[usize], axes: &[usize]) -> Box<dyn Kernel> {
        build_mean("ReduceMean", axes, &[operand(shape)], &kept(shape, axes)).unwrap()
    }

    fn reference_mean(shape: &[usize], axes: &[usize], input: &[f64]) -> Vec<f64> {
        let kept = kept(shape, axes);
        let n_kept: usize = kept.iter().product();
        let mut result = vec![0.0; n_kept];
        for (position, value) in input.iter().enumerate() {
            let (mut rest, mut place, mut stride) = (position, 0, 1);
            for axis in (0..shape.len()).rev() {
                if kept[axis] > 1 {
                    place += rest % shape[axis] * stride;
                    stride *= kept[axis];
                }
                rest /= shape[axis];
            }
            result[place] += value / (input.len() / n_kept) as f64;
        }
        result
    }

    #[test]
    fn means_match_the_reference() {
        for (shape, axes) in [
            (&[2, 3, 5, 7][..], &[2, 3][..]),
            (&[2, 3, 5, 7], &[0]),
            (&[2, 3, 5, 7], &[1]),
            (&[2, 3, 5, 7], &[0, 2]),
            (&[2, 3, 5, 7], &[1, 3]),
            (&[2, 3, 5, 7], &[0, 1, 2, 3]),
            (&[4, 3, 1, 1], &[2, 3]),
            (&[1, 130], &[1]),
            (&[5], &[]),
        ] {
            let input = values(shape.iter().product(), 5);
            check_against_reference(
                &*mean(shape, axes),
                &[input],
                |wide| reference_mean(shape, axes, &wide[0]),
                1e-6,
            );
        }
    }

    #[test]
    fn a_long_mean_keeps_its_precision() {
        let kernel = mean(&[1, 1_000_003], &[1]);
        let mut output = [f32::NAN];
        kernel.forward(&[&vec![0.1; 1_000_003]], &mut output, &mut [], &mut []);
        assert!((output[0] - 0.1).abs() < 1e-5, "{}", output[0]);
    }

    #[test]
    fn axes_that_do_not_exist_are_refused() {
        assert!(build_mean("ReduceMean", &[2], &[operand(&[2, 3])], &[2]).is_err());
        assert!(build_mean("ReduceMean", &[1], &[operand(&[2, 0])], &[2]).is_err());
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            axes in prop::collection::vec((1usize..6, any::<bool>()), 1..5),
            seed: u64,
        ) {
            let shape: Vec<usize> = axes.iter().map(|&(extent, _)| extent).collect();
            let reduced: Vec<usize> =
                (0..axes.len()).filter(|&axis| axes[axis].1).collect();
            let n_kept = kept(&shape, &reduced).iter().product();
            let input = values(shape.iter().product(), seed);
            check_laws(&*mean(&shape, &reduced), &[input], n_kept, seed);
        }
    }
}
