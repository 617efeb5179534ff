//! Operators that look at positions, on blocked tensors ([`crate::Layout`]): sixteen channels at a
//! time.

mod average_pool;
pub(crate) mod by_channel;
mod max_pool;
mod mean;
#[cfg(test)]
mod tests;

use infoplane_graph::Operation;

use super::window::WindowAxis;
use crate::error::EngineError;
use crate::kernel::{Kernel, Operand};

/// The kernel of an operator whose operand is blocked, where there is one. Its result is blocked too.
pub(crate) fn build(
    operation: &Operation,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Option<Box<dyn Kernel>>, EngineError> {
    let name = operation.name();
    match operation {
        Operation::MaxPool { window } => max_pool::build(name, window, operands, output_shape),
        Operation::AveragePool {
            window,
            count_include_pad,
            counted_pads_end,
        } => average_pool::build(
            name,
            window,
            *count_include_pad,
            *counted_pads_end,
            operands,
            output_shape,
        )
        .map(Some),
        Operation::ReduceMean { axes } => Ok(mean::build(axes, operands)),
        _ => Ok(None),
    }
}

/// For every place of the operand along an axis: the results whose windows hold it, and the taps that
/// look at it.
fn watchers(axis: &WindowAxis) -> Vec<Vec<(usize, usize)>> {
    let mut watchers = vec![Vec::new(); axis.source];
    for (result, taps) in axis.taps.iter().enumerate() {
        for tap in taps.clone() {
            watchers[axis.index(result, tap)].push((result, tap));
        }
    }
    watchers
}
