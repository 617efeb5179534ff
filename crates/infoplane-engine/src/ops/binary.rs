//! Element-wise arithmetic, comparison and logic of two operands, broadcast as NumPy does.
//!
//! Truth values are 0 and 1. What is a step of its operands (comparisons, logic, quotients of integers)
//! passes no gradient.
//!
//! Merging the axes leaves a last loop in which each side is either dense or constant: equal shapes
//! are one loop, a scalar or a channel vector a constant side, a vector of the last axis two dense
//! sides.

use infoplane_graph::BinaryOp;

use super::loops::{Loops, broadcast_strides, dense_strides};
use super::math::{sum_of, sum_of_pairs};
use super::operands::{Source, operand};
use super::power::{power, slope_by_base, slope_by_exponent};
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
            BinaryOp::TruncatedDiv => "divide integers",
            BinaryOp::Pow => "power",
            BinaryOp::PRelu => "leaky relu, slopes",
            BinaryOp::Equal => "equal",
            BinaryOp::Greater => "greater",
            BinaryOp::GreaterOrEqual => "greater or equal",
            BinaryOp::Less => "less",
            BinaryOp::LessOrEqual => "less or equal",
            BinaryOp::And => "and",
            BinaryOp::Or => "or",
            BinaryOp::Xor => "exclusive or",
        }
    }

    fn reads(&self) -> Reads {
        let inputs = match self.operation {
            BinaryOp::Pow | BinaryOp::PRelu => true,
            BinaryOp::Mul => self.sources.iter().all(Source::is_runtime),
            BinaryOp::Div => self.sources[1].is_runtime(),
            BinaryOp::Add | BinaryOp::Sub => false,
            // No gradient passes.
            BinaryOp::TruncatedDiv
            | BinaryOp::Equal
            | BinaryOp::Greater
            | BinaryOp::GreaterOrEqual
            | BinaryOp::Less
            | BinaryOp::LessOrEqual
            | BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Xor => false,
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
            BinaryOp::TruncatedDiv => self.apply(inputs, output, |a, b| (a / b).trunc()),
            BinaryOp::Pow => self.apply(inputs, output, power),
            BinaryOp::PRelu => self.apply(inputs, output, |a, b| if a > 0.0 { a } else { a * b }),
            BinaryOp::Equal => self.decide(inputs, output, |a, b| a == b),
            BinaryOp::Greater => self.decide(inputs, output, |a, b| a > b),
            BinaryOp::GreaterOrEqual => self.decide(inputs, output, |a, b| a >= b),
            BinaryOp::Less => self.decide(inputs, output, |a, b| a < b),
            BinaryOp::LessOrEqual => self.decide(inputs, output, |a, b| a <= b),
            BinaryOp::And => self.decide(inputs, output, |a, b| (a != 0.0) & (b != 0.0)),
            BinaryOp::Or => self.decide(inputs, output, |a, b| (a != 0.0) | (b != 0.0)),
            BinaryOp::Xor => self.decide(inputs, output, |a, b| (a != 0.0) ^ (b != 0.0)),
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
            (BinaryOp::Pow, true) => {
                self.chain(is_left, &context, gradient, |g, own, other| {
                    g * slope_by_base(own, other)
                });
            }
            (BinaryOp::Pow, false) => {
                self.chain(is_left, &context, gradient, |g, own, other| {
                    g * slope_by_exponent(other, own)
                });
            }
            // At 0 the slope is the one below, as in PyTorch's `prelu`.
            (BinaryOp::PRelu, true) => {
                self.chain(is_left, &context, gradient, |g, own, other| {
                    if own > 0.0 { g } else { g * other }
                });
            }
            (BinaryOp::PRelu, false) => {
                self.chain(is_left, &context, gradient, |g, _, other| {
                    if other > 0.0 { 0.0 } else { g * other }
                });
            }
            (
                BinaryOp::TruncatedDiv
                | BinaryOp::Equal
                | BinaryOp::Greater
                | BinaryOp::GreaterOrEqual
                | BinaryOp::Less
                | BinaryOp::LessOrEqual
                | BinaryOp::And
                | BinaryOp::Or
                | BinaryOp::Xor,
                _,
            ) => {
                let mut gradient = gradient;
                gradient.clear_unless_accumulating();
            }
        }
    }
}

impl Binary {
    /// A truth value of every pair.
    fn decide(
        &self,
        inputs: &[&[f32]],
        output: &mut [f32],
        holds: impl Fn(f32, f32) -> bool + Copy,
    ) {
        self.apply(inputs, output, |a, b| if holds(a, b) { 1.0 } else { 0.0 });
    }

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
#[path = "binary_tests.rs"]
mod tests;
