//! Element-wise arithmetic of two operands, broadcast as NumPy does.
//!
//! Merging the axes leaves a last loop in which each side is either dense or constant: equal shapes
//! are one loop, a scalar or a channel vector a constant side, a vector of the last axis two dense
//! sides.

use infoplane_graph::BinaryOp;

use super::loops::{Loops, broadcast_strides, dense_strides};
use super::math::{sum_of, sum_of_pairs};
use super::operands::{Source, operand};
use super::vectorize::{put, vectorized};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// Builds the kernel of an arithmetic operator.
pub(crate) fn build(
    operator: &'static str,
    operation: BinaryOp,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let shapes = [
        &operand(operator, operands, 0)?.shape,
        &operand(operator, operands, 1)?.shape,
    ];
    let strides = |side: usize| {
        broadcast_strides(shapes[side], output_shape).ok_or_else(|| {
            EngineError::unsupported(
                operator,
                format!(
                    "the shape {:?} does not broadcast to {output_shape:?}",
                    shapes[side]
                ),
            )
        })
    };
    let (a, b) = (strides(0)?, strides(1)?);
    let mut sources = Source::of_all(operator, operands)?.into_iter();
    let (Some(left), Some(right), None) = (sources.next(), sources.next(), sources.next()) else {
        return Err(EngineError::unsupported(
            operator,
            format!("{} operands instead of 2", operands.len()),
        ));
    };
    Ok(Box::new(Binary {
        operation,
        sources: [left, right],
        loops: Loops::new(
            output_shape,
            [&dense_strides(output_shape), &a, &b],
            [0, 0, 0],
        ),
        broadcast: shapes
            .map(|shape| shape.iter().product::<usize>() != output_shape.iter().product::<usize>()),
    }))
}

struct Binary {
    operation: BinaryOp,
    sources: [Source; 2],
    /// Result, left, right.
    loops: Loops<3>,
    /// Whether each side is smaller than the result.
    broadcast: [bool; 2],
}

/// One side along the innermost loop.
#[derive(Clone, Copy)]
enum Side<'a> {
    Dense(&'a [f32]),
    Constant(f32),
    /// Not given to the vector-Jacobian product, because it does not matter there.
    Withheld,
}

impl<'a> Side<'a> {
    fn at(data: &'a [f32], start: usize, len: usize, stride: isize) -> Side<'a> {
        if data.is_empty() {
            Side::Withheld
        } else if stride == 0 {
            Side::Constant(data[start])
        } else {
            Side::Dense(&data[start..start + len])
        }
    }
}

impl Kernel for Binary {
    fn name(&self) -> &'static str {
        match self.operation {
            BinaryOp::Add => "add",
            BinaryOp::Sub => "subtract",
            BinaryOp::Mul => "multiply",
            BinaryOp::Div => "divide",
        }
    }

    fn reads(&self) -> Reads {
        let inputs = match self.operation {
            BinaryOp::Add | BinaryOp::Sub => false,
            BinaryOp::Mul => self.sources.iter().all(Source::is_runtime),
            BinaryOp::Div => self.sources[1].is_runtime(),
        };
        Reads {
            inputs,
            output: false,
        }
    }

    fn constant_bytes(&self) -> usize {
        self.sources.iter().map(Source::constant_bytes).sum()
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        match self.operation {
            BinaryOp::Add => self.apply(inputs, output, |a, b| a + b),
            BinaryOp::Sub => self.apply(inputs, output, |a, b| a - b),
            BinaryOp::Mul => self.apply(inputs, output, |a, b| a * b),
            BinaryOp::Div => self.apply(inputs, output, |a, b| a / b),
        }
    }

    fn vjp(&self, operand: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let is_left = self.sources[0].is_operand(operand);
        match (self.operation, is_left) {
            (BinaryOp::Add, _) | (BinaryOp::Sub, true) => {
                self.chain(is_left, &context, gradient, |g, _, _| g);
            }
            (BinaryOp::Sub, false) => self.chain(is_left, &context, gradient, |g, _, _| -g),
            // The factor is that of the other side.
            (BinaryOp::Mul, _) => self.chain(is_left, &context, gradient, |g, _, other| g * other),
            (BinaryOp::Div, true) => {
                self.chain(is_left, &context, gradient, |g, _, other| g / other);
            }
            (BinaryOp::Div, false) => {
                self.chain(is_left, &context, gradient, |g, own, other| {
                    -g * (other / own) / own
                });
            }
        }
    }
}

impl Binary {
    fn apply(
        &self,
        inputs: &[&[f32]],
        output: &mut [f32],
        function: impl Fn(f32, f32) -> f32 + Copy,
    ) {
        let [a, b] = [0, 1].map(|side| self.sources[side].get(inputs));
        let inner = self.loops.inner();
        self.loops.for_each_run(|[start, a_start, b_start]| {
            let output = &mut output[start..start + inner.extent];
            let a = Side::at(a, a_start, inner.extent, inner.strides[1]);
            let b = Side::at(b, b_start, inner.extent, inner.strides[2]);
            vectorized(|| apply_run(output, a, b, function));
        });
    }

    /// Gradient of one side from `local(g, own, other)`, summed over the axes it is broadcast along.
    fn chain(
        &self,
        is_left: bool,
        context: &VjpContext<'_>,
        mut gradient: Gradient<'_>,
        local: impl Fn(f32, f32, f32) -> f32 + Copy,
    ) {
        let (own, other) = if is_left { (0, 1) } else { (1, 0) };
        let accumulate = if self.broadcast[own] {
            gradient.clear_unless_accumulating();
            true
        } else {
            gradient.accumulate
        };
        let [own_data, other_data] =
            [own, other].map(|side| self.sources[side].get(context.inputs));
        let inner = self.loops.inner();
        let [own_stride, other_stride] = [own, other].map(|side| inner.strides[side + 1]);
        self.loops.for_each_run(|starts| {
            let g = &context.grad_output[starts[0]..starts[0] + inner.extent];
            let (own_start, other_start) = (starts[own + 1], starts[other + 1]);
            let own_run = Side::at(own_data, own_start, inner.extent, own_stride);
            let other_run = Side::at(other_data, other_start, inner.extent, other_stride);
            if own_stride == 0 {
                gradient.data[own_start] += vectorized(|| sum_run(g, own_run, other_run, local));
            } else {
                let run = Gradient {
                    data: &mut gradient.data[own_start..own_start + inner.extent],
                    accumulate,
                };
                vectorized(|| chain_run(run, g, own_run, other_run, local));
            }
        });
    }
}

#[inline(always)]
fn apply_run(output: &mut [f32], a: Side<'_>, b: Side<'_>, function: impl Fn(f32, f32) -> f32) {
    match (a, b) {
        (Side::Dense(a), Side::Dense(b)) => {
            for ((slot, &a), &b) in output.iter_mut().zip(a).zip(b) {
                *slot = function(a, b);
            }
        }
        (Side::Dense(a), Side::Constant(b)) => {
            for (slot, &a) in output.iter_mut().zip(a) {
                *slot = function(a, b);
            }
        }
        (Side::Constant(a), Side::Dense(b)) => {
            for (slot, &b) in output.iter_mut().zip(b) {
                *slot = function(a, b);
            }
        }
        (Side::Constant(a), Side::Constant(b)) => output.fill(function(a, b)),
        // The forward pass is given every operand; an empty one has an empty result.
        (Side::Withheld, _) | (_, Side::Withheld) => {}
    }
}

/// The gradient of a dense side: of `own` only a dense run or nothing can occur.
#[inline(always)]
fn chain_run(
    gradient: Gradient<'_>,
    g: &[f32],
    own: Side<'_>,
    other: Side<'_>,
    local: impl Fn(f32, f32, f32) -> f32,
) {
    match (own, other) {
        (Side::Dense(own), Side::Dense(other)) => put(
            gradient,
            g.iter()
                .zip(own)
                .zip(other)
                .map(|((&g, &own), &other)| local(g, own, other)),
        ),
        (Side::Dense(own), other) => {
            let other = other.single();
            put(
                gradient,
                g.iter().zip(own).map(|(&g, &own)| local(g, own, other)),
            );
        }
        (own, Side::Dense(other)) => {
            let own = own.single();
            put(
                gradient,
                g.iter().zip(other).map(|(&g, &other)| local(g, own, other)),
            );
        }
        (own, other) => {
            let (own, other) = (own.single(), other.single());
            put(gradient, g.iter().map(|&g| local(g, own, other)));
        }
    }
}

/// The gradient of a side that is constant along the run.
#[inline(always)]
fn sum_run(g: &[f32], own: Side<'_>, other: Side<'_>, local: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let own = own.single();
    match other {
        Side::Dense(other) => sum_of_pairs(g, other, |g, other| local(g, own, other)),
        other => {
            let other = other.single();
            sum_of(g, |g| local(g, own, other))
        }
    }
}

impl Side<'_> {
    /// The constant; anything for a side that does not matter.
    #[inline(always)]
    fn single(self) -> f32 {
        match self {
            Side::Constant(value) => value,
            Side::Dense(_) | Side::Withheld => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use infoplane_graph::BinaryOp;
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::{Kernel, Operand};
    use crate::ops::loops::broadcast_strides;
    use crate::ops::testing::{
        check_against_reference, check_laws, constant_operand, operand, values,
    };

    const OPERATIONS: [BinaryOp; 4] = [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div];

    fn reference_binary(
        operation: BinaryOp,
        output_shape: &[usize],
        shapes: [&[usize]; 2],
        operands: [&[f64]; 2],
    ) -> Vec<f64> {
        let strides = shapes.map(|shape| broadcast_strides(shape, output_shape).unwrap());
        (0..output_shape.iter().product())
            .map(|position: usize| {
                let [a, b] = [0, 1].map(|side: usize| {
                    let mut rest = position;
                    let mut index = 0;
                    for axis in (0..output_shape.len()).rev() {
                        index += (rest % output_shape[axis]) * strides[side][axis] as usize;
                        rest /= output_shape[axis];
                    }
                    operands[side][index]
                });
                match operation {
                    BinaryOp::Add => a + b,
                    BinaryOp::Sub => a - b,
                    BinaryOp::Mul => a * b,
                    BinaryOp::Div => a / b,
                }
            })
            .collect()
    }

    /// Values away from zero, so that quotients are tame.
    fn tame(len: usize, seed: u64) -> Vec<f32> {
        values(len, seed)
            .into_iter()
            .map(|x| x + 1.5 * x.signum())
            .collect()
    }

    fn output_shape(a: &[usize], b: &[usize]) -> Vec<usize> {
        let rank = a.len().max(b.len());
        let dim = |shape: &[usize], axis: usize| {
            (axis + shape.len())
                .checked_sub(rank)
                .map_or(1, |axis| shape[axis])
        };
        (0..rank)
            .map(|axis| dim(a, axis).max(dim(b, axis)))
            .collect()
    }

    fn len(shape: &[usize]) -> usize {
        shape.iter().product()
    }

    /// Shapes of every way to broadcast.
    const SHAPES: [(&[usize], &[usize]); 12] = [
        (&[2, 3, 4], &[2, 3, 4]),
        (&[2, 3, 4, 5], &[]),
        (&[1], &[2, 7]),
        (&[2, 3, 4, 5], &[1, 3, 1, 1]),
        (&[3, 1, 1], &[2, 3, 1, 5]),
        (&[4, 19], &[19]),
        (&[4, 1], &[1, 5]),
        (&[2, 1, 4, 1], &[3, 1, 5]),
        (&[1, 1, 1], &[1, 1]),
        (&[1, 5], &[5, 1]),
        (&[2, 3, 1, 4], &[2, 1, 6, 1]),
        (&[1, 3, 17], &[4, 3, 17]),
    ];

    #[test]
    fn arithmetic_matches_the_reference_for_every_broadcast() {
        for operation in OPERATIONS {
            for (a, b) in SHAPES {
                let shape = output_shape(a, b);
                let inputs = [tame(len(a), 1), tame(len(b), 2)];
                let kernel = build("binary", operation, &[operand(a), operand(b)], &shape).unwrap();
                check_against_reference(
                    &*kernel,
                    &inputs,
                    |wide| reference_binary(operation, &shape, [a, b], [&wide[0], &wide[1]]),
                    1e-6,
                );
            }
        }
    }

    #[test]
    fn a_constant_side_is_held_by_the_kernel() {
        for operation in OPERATIONS {
            for (a, b) in SHAPES {
                let shape = output_shape(a, b);
                for constant_left in [false, true] {
                    let data = [tame(len(a), 1), tame(len(b), 2)];
                    let mut operands = [operand(a), operand(b)];
                    let (held, given) = if constant_left { (0, 1) } else { (1, 0) };
                    operands[held].constant = Some(data[held].clone().into());
                    let kernel = build("binary", operation, &operands, &shape).unwrap();
                    assert_eq!(kernel.constant_bytes(), 4 * data[held].len());
                    let wide_held: Vec<f64> =
                        data[held].iter().map(|&value| f64::from(value)).collect();
                    check_against_reference(
                        &*kernel,
                        &[data[given].clone()],
                        |wide| {
                            let sides = if constant_left {
                                [&wide_held[..], &wide[0]]
                            } else {
                                [&wide[0][..], &wide_held]
                            };
                            reference_binary(operation, &shape, [a, b], sides)
                        },
                        1e-6,
                    );
                }
            }
        }
    }

    #[test]
    fn operands_are_kept_only_where_the_gradient_needs_them() {
        let reads = |operation, left: Operand, right: Operand| {
            build("binary", operation, &[left, right], &[3])
                .unwrap()
                .reads()
                .inputs
        };
        let (runtime, constant) = (|| operand(&[3]), || constant_operand(&[3], 1));
        assert!(!reads(BinaryOp::Add, runtime(), runtime()));
        assert!(reads(BinaryOp::Mul, runtime(), runtime()));
        assert!(!reads(BinaryOp::Mul, constant(), runtime()));
        assert!(!reads(BinaryOp::Div, runtime(), constant()));
        assert!(reads(BinaryOp::Div, constant(), runtime()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let short = Operand {
            shape: vec![3],
            constant: Some(vec![1.0].into()),
        };
        let attempt = |operands: &[Operand]| {
            build("Add", BinaryOp::Add, operands, &[3]).map(|kernel| kernel.name())
        };
        assert!(attempt(&[operand(&[3]), short]).is_err());
        assert!(attempt(&[operand(&[3]), operand(&[2])]).is_err());
        assert!(attempt(&[operand(&[3])]).is_err());
        assert!(attempt(&[operand(&[3]), operand(&[3]), operand(&[3])]).is_err());
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            which in 0usize..4,
            extents in prop::collection::vec((1usize..5, any::<bool>(), any::<bool>()), 0..5),
            seed: u64,
        ) {
            let kept = |keep: bool, extent: usize| if keep { extent } else { 1 };
            let a: Vec<usize> = extents.iter().map(|&(n, keep, _)| kept(keep, n)).collect();
            let b: Vec<usize> = extents.iter().map(|&(n, _, keep)| kept(keep, n)).collect();
            let shape = output_shape(&a, &b);
            let kernel: Box<dyn Kernel> =
                build("binary", OPERATIONS[which], &[operand(&a), operand(&b)], &shape).unwrap();
            check_laws(&*kernel, &[tame(len(&a), seed), tame(len(&b), !seed)], len(&shape), seed);
        }
    }
}
