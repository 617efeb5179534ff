//! Sums, products, extremes, norms and logarithms of sums over axes.
//!
//! Elements that share the largest, or smallest, value share the gradient evenly, as in PyTorch's
//! `amax`. A norm of 0 passes the gradient 0. The gradient of a product with one zero goes to that zero.

use infoplane_graph::ReduceOp;

use super::loops::Loops;
use super::math::{exp, log, sum_of};
use super::reduce::reducing_loops;
use super::vectorize::vectorized;
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// Builds the kernel of a reduction over `axes`; over none it works element by element.
pub(crate) fn build(
    operator: &'static str,
    reduction: ReduceOp,
    axes: &[usize],
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let (loops, n_kept) = reducing_loops(operator, axes, operands, output_shape)?;
    Ok(Box::new(Reduction {
        reduction,
        loops,
        n_kept,
    }))
}

struct Reduction {
    reduction: ReduceOp,
    /// Operand, result.
    loops: Loops<2>,
    n_kept: usize,
}

impl Reduction {
    fn reduces_last(&self) -> bool {
        self.loops.inner().strides[1] == 0
    }

    /// Adds up a function of the elements (and of their place) in the result.
    fn add_up(&self, input: &[f32], sums: &mut [f32], function: impl Fn(f32, usize) -> f32 + Copy) {
        let len = self.loops.inner().extent;
        sums.fill(0.0);
        self.loops.for_each_run(|[start, place]| {
            let run = &input[start..start + len];
            if self.reduces_last() {
                sums[place] += vectorized(|| sum_of(run, |x| function(x, place)));
            } else {
                for (offset, &x) in run.iter().enumerate() {
                    sums[place + offset] += function(x, place + offset);
                }
            }
        });
    }

    /// Joins every element to what is in its place of the result.
    fn join(
        &self,
        input: &[f32],
        results: &mut [f32],
        start: f32,
        join: impl Fn(f32, f32) -> f32 + Copy,
    ) {
        results.fill(start);
        self.for_each(|position, place| {
            results[place] = join(results[place], input[position]);
        });
    }

    /// Calls `visit` with the position of every element and its place in the result.
    fn for_each(&self, mut visit: impl FnMut(usize, usize)) {
        let len = self.loops.inner().extent;
        let step = usize::from(!self.reduces_last());
        self.loops.for_each_run(|[start, place]| {
            for index in 0..len {
                visit(start + index, place + index * step);
            }
        });
    }

    fn chain(&self, gradient: Gradient<'_>, local: impl Fn(usize, usize) -> f32) {
        self.for_each(|position, place| {
            let value = local(position, place);
            let slot = &mut gradient.data[position];
            *slot = match gradient.accumulate {
                true => *slot + value,
                false => value,
            };
        });
    }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if b < a || b.is_nan() { b } else { a }
}

impl Kernel for Reduction {
    fn name(&self) -> &'static str {
        match self.reduction {
            ReduceOp::Sum => "sum over axes",
            ReduceOp::Max => "largest over axes",
            ReduceOp::Min => "smallest over axes",
            ReduceOp::Prod => "product over axes",
            ReduceOp::L1 => "sum of magnitudes",
            ReduceOp::L2 => "norm",
            ReduceOp::SumSquare => "sum of squares",
            ReduceOp::LogSum => "logarithm of sum",
            ReduceOp::LogSumExp => "logarithm of sum of powers",
        }
    }

    fn reads(&self) -> Reads {
        Reads {
            inputs: !matches!(self.reduction, ReduceOp::Sum | ReduceOp::LogSum),
            output: matches!(
                self.reduction,
                ReduceOp::Max
                    | ReduceOp::Min
                    | ReduceOp::L2
                    | ReduceOp::LogSum
                    | ReduceOp::LogSumExp
            ),
        }
    }

    fn scratch_len(&self) -> usize {
        match self.reduction {
            ReduceOp::Max | ReduceOp::Min | ReduceOp::LogSumExp => self.n_kept,
            ReduceOp::Prod => 2 * self.n_kept,
            _ => 0,
        }
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], scratch: &mut [f32]) {
        let input = inputs[0];
        match self.reduction {
            ReduceOp::Sum => self.add_up(input, output, |x, _| x),
            ReduceOp::L1 => self.add_up(input, output, |x, _| x.abs()),
            ReduceOp::SumSquare => self.add_up(input, output, |x, _| x * x),
            ReduceOp::L2 => {
                self.add_up(input, output, |x, _| x * x);
                output.iter_mut().for_each(|y| *y = y.sqrt());
            }
            ReduceOp::Max => self.join(input, output, f32::NEG_INFINITY, larger),
            ReduceOp::Min => self.join(input, output, f32::INFINITY, smaller),
            ReduceOp::Prod => self.join(input, output, 1.0, |a, b| a * b),
            ReduceOp::LogSum => {
                self.add_up(input, output, |x, _| x);
                output.iter_mut().for_each(|y| *y = log(*y));
            }
            ReduceOp::LogSumExp => {
                let shift = &mut scratch[..self.n_kept];
                self.join(input, shift, f32::NEG_INFINITY, larger);
                for shift in shift.iter_mut().filter(|shift| !shift.is_finite()) {
                    *shift = 0.0;
                }
                let shift = &*shift;
                self.add_up(input, output, |x, place| exp(x - shift[place]));
                for (y, shift) in output.iter_mut().zip(shift) {
                    *y = shift + log(*y);
                }
            }
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let (g, y) = (&*context.grad_output, context.output);
        let x = context.inputs[0];
        match self.reduction {
            ReduceOp::Sum => self.chain(gradient, |_, place| g[place]),
            ReduceOp::L1 => self.chain(gradient, |position, place| match x[position] {
                x if x > 0.0 => g[place],
                x if x < 0.0 => -g[place],
                _ => 0.0,
            }),
            ReduceOp::SumSquare => {
                self.chain(gradient, |position, place| 2.0 * x[position] * g[place]);
            }
            ReduceOp::L2 => self.chain(gradient, |position, place| match y[place] {
                0.0 => 0.0,
                norm => g[place] * (x[position] / norm),
            }),
            ReduceOp::LogSum => self.chain(gradient, |_, place| g[place] * exp(-y[place])),
            ReduceOp::LogSumExp => self.chain(gradient, |position, place| match y[place] {
                f32::NEG_INFINITY => 0.0,
                total => g[place] * exp(x[position] - total),
            }),
            ReduceOp::Max | ReduceOp::Min => {
                let ties = &mut context.scratch[..self.n_kept];
                ties.fill(0.0);
                self.for_each(|position, place| {
                    ties[place] += f32::from(u8::from(x[position] == y[place]));
                });
                self.chain(gradient, |position, place| {
                    if x[position] == y[place] {
                        g[place] / ties[place]
                    } else {
                        0.0
                    }
                });
            }
            ReduceOp::Prod => {
                let (zeros, rest) = context.scratch.split_at_mut(self.n_kept);
                self.join(x, zeros, 0.0, |n, x| if x == 0.0 { n + 1.0 } else { n });
                let rest = &mut rest[..self.n_kept];
                self.join(x, rest, 1.0, |p, x| if x == 0.0 { p } else { p * x });
                self.chain(gradient, |position, place| {
                    let others = match (zeros[place], x[position]) {
                        (0.0, x) => rest[place] / x,
                        (1.0, 0.0) => rest[place],
                        _ => 0.0,
                    };
                    g[place] * others
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use infoplane_graph::ReduceOp;
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::Kernel;
    use crate::ops::testing::{check_against_reference, check_laws, forward, operand, values, vjp};

    const REDUCTIONS: [ReduceOp; 9] = [
        ReduceOp::Sum,
        ReduceOp::Max,
        ReduceOp::Min,
        ReduceOp::Prod,
        ReduceOp::L1,
        ReduceOp::L2,
        ReduceOp::SumSquare,
        ReduceOp::LogSum,
        ReduceOp::LogSumExp,
    ];

    fn kept(shape: &[usize], axes: &[usize]) -> Vec<usize> {
        (0..shape.len())
            .map(|axis| if axes.contains(&axis) { 1 } else { shape[axis] })
            .collect()
    }

    fn kernel(reduction: ReduceOp, shape: &[usize], axes: &[usize]) -> Box<dyn Kernel> {
        let output = kept(shape, axes);
        build("reduce", reduction, axes, &[operand(shape)], &output).unwrap()
    }

    fn reference_reduction(
        reduction: ReduceOp,
        shape: &[usize],
        axes: &[usize],
        input: &[f64],
    ) -> Vec<f64> {
        let kept = kept(shape, axes);
        let mut groups = vec![Vec::new(); kept.iter().product()];
        for (position, &value) in input.iter().enumerate() {
            let (mut rest, mut place, mut stride) = (position, 0, 1);
            for axis in (0..shape.len()).rev() {
                place += rest % shape[axis] % kept[axis] * stride;
                stride *= kept[axis];
                rest /= shape[axis];
            }
            groups[place].push(value);
        }
        let reduce = |group: Vec<f64>| {
            let each = group.into_iter();
            match reduction {
                ReduceOp::Sum => each.sum(),
                ReduceOp::Max => each.fold(f64::NEG_INFINITY, f64::max),
                ReduceOp::Min => each.fold(f64::INFINITY, f64::min),
                ReduceOp::Prod => each.product(),
                ReduceOp::L1 => each.map(f64::abs).sum(),
                ReduceOp::L2 => each.map(|x| x * x).sum::<f64>().sqrt(),
                ReduceOp::SumSquare => each.map(|x| x * x).sum(),
                ReduceOp::LogSum => each.sum::<f64>().ln(),
                ReduceOp::LogSumExp => each.map(f64::exp).sum::<f64>().ln(),
            }
        };
        groups.into_iter().map(reduce).collect()
    }

    /// Values away from the kinks at zero, positive where their sum has a logarithm.
    fn tame(reduction: ReduceOp, len: usize, seed: u64) -> Vec<f32> {
        values(len, seed)
            .into_iter()
            .map(|x| match reduction {
                ReduceOp::LogSum => x.abs() + 0.1,
                _ => x + 0.1 * x.signum(),
            })
            .collect()
    }

    #[test]
    fn reductions_match_the_reference_and_finite_differences() {
        for reduction in REDUCTIONS {
            for (shape, axes) in [
                (&[2, 3, 5, 7][..], &[2, 3][..]),
                (&[2, 3, 5, 2], &[0]),
                (&[2, 3, 5, 2], &[1]),
                (&[2, 3, 5, 2], &[0, 2]),
                (&[2, 3, 2, 3], &[0, 1, 2, 3]),
                (&[4, 3, 1, 1], &[2, 3]),
                (&[1, 35], &[1]),
                (&[5], &[]),
                (&[1, 1], &[1]),
            ] {
                let input = tame(reduction, shape.iter().product(), 5);
                check_against_reference(
                    &*kernel(reduction, shape, axes),
                    &[input],
                    |wide| reference_reduction(reduction, shape, axes, &wide[0]),
                    2e-6,
                );
            }
        }
    }

    /// Result and gradient of one row.
    fn at(reduction: ReduceOp, row: &[f32]) -> (f32, Vec<f32>) {
        let kernel = kernel(reduction, &[row.len()], &[0]);
        let (output, saved) = forward(&*kernel, &[row], 1);
        let gradient = vjp(&*kernel, &[row], &output, &saved, &[1.0], 0);
        (output[0], gradient)
    }

    #[test]
    fn equal_extremes_share_the_gradient() {
        assert_eq!(
            at(ReduceOp::Max, &[2.0, 1.0, 2.0]),
            (2.0, vec![0.5, 0.0, 0.5])
        );
        assert_eq!(at(ReduceOp::Min, &[1.0, 1.0]), (1.0, vec![0.5, 0.5]));
        assert!(at(ReduceOp::Max, &[1.0, f32::NAN, 2.0]).0.is_nan());
    }

    #[test]
    fn zeros_of_a_product_and_of_a_norm_have_finite_gradients() {
        assert_eq!(
            at(ReduceOp::Prod, &[2.0, 0.0, 3.0]),
            (0.0, vec![0.0, 6.0, 0.0])
        );
        assert_eq!(at(ReduceOp::Prod, &[0.0, 0.0, 3.0]), (0.0, vec![0.0; 3]));
        assert_eq!(at(ReduceOp::L2, &[0.0, 0.0]), (0.0, vec![0.0; 2]));
        assert_eq!(at(ReduceOp::L1, &[0.0, -2.0]), (2.0, vec![0.0, -1.0]));
    }

    #[test]
    fn logarithms_of_sums_of_powers_do_not_overflow() {
        let (total, gradient) = at(ReduceOp::LogSumExp, &[1000.0, 1000.0]);
        assert!((total - 1000.693).abs() < 1e-3, "{total}");
        assert!(
            gradient.iter().all(|g| (g - 0.5).abs() < 1e-4),
            "{gradient:?}"
        );
        let (total, _) = at(ReduceOp::LogSumExp, &[-1000.0, -1001.0]);
        assert!((total + 999.687).abs() < 1e-3, "{total}");
        let nothing = at(ReduceOp::LogSumExp, &[f32::NEG_INFINITY; 2]);
        assert_eq!(nothing, (f32::NEG_INFINITY, vec![0.0; 2]));
        let kernel = kernel(ReduceOp::LogSumExp, &[2], &[0]);
        let (infinite, _) = forward(&*kernel, &[&[f32::INFINITY, 0.0]], 1);
        assert_eq!(infinite, [f32::INFINITY]);
    }

    #[test]
    fn axes_that_do_not_exist_are_refused() {
        let attempt = |axes: &[usize], shape: &[usize]| {
            build("reduce", ReduceOp::Sum, axes, &[operand(shape)], &[2]).is_err()
        };
        assert!(attempt(&[2], &[2, 3]));
        assert!(attempt(&[1], &[2, 0]));
        assert!(attempt(&[0], &[2, 3]));
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            which in 0usize..9,
            axes in prop::collection::vec((1usize..5, any::<bool>()), 1..5),
            seed: u64,
        ) {
            let shape: Vec<usize> = axes.iter().map(|&(extent, _)| extent).collect();
            let reduced: Vec<usize> =
                (0..axes.len()).filter(|&axis| axes[axis].1).collect();
            let n_kept = kept(&shape, &reduced).iter().product();
            let input = tame(REDUCTIONS[which], shape.iter().product(), seed);
            check_laws(&*kernel(REDUCTIONS[which], &shape, &reduced), &[input], n_kept, seed);
        }
    }
}
