//! Reductions over axes.

use super::{Operands, Problem, Resolved, axis_indices};
use crate::op::ReduceOp;
use crate::operation::Operation;

/// Axes as the attribute or the operand lists them, all where none are listed.
#[derive(Clone, Copy)]
pub(crate) struct Axes<'a> {
    pub listed: Option<&'a [i64]>,
    pub keep_dims: bool,
    pub noop_with_empty_axes: bool,
}

impl<'a> Axes<'a> {
    /// Those that the attributes of a reduction state.
    pub fn new(
        listed: &'a Option<Vec<i64>>,
        keep_dims: bool,
        noop_with_empty_axes: bool,
    ) -> Axes<'a> {
        Axes {
            listed: listed.as_deref(),
            keep_dims,
            noop_with_empty_axes,
        }
    }

    /// The reduced axes, ascending, and the result's shape.
    pub fn of(self, operands: Operands<'_>) -> Result<(Vec<usize>, Vec<usize>), Problem> {
        let shape = operands.shape(0)?;
        let listed = match self.listed {
            Some(axes) => Some(axes),
            None => operands.integers(1, "axes")?,
        };
        let axes = match listed {
            Some(axes) if !axes.is_empty() => axis_indices(axes, shape.len())?,
            _ if self.noop_with_empty_axes => Vec::new(),
            _ => (0..shape.len()).collect(),
        };
        let output = reduced(shape, &axes, self.keep_dims);
        Ok((axes, output))
    }
}

/// The shape with the axes of size 1, or without them.
pub(crate) fn reduced(shape: &[usize], axes: &[usize], keep_dims: bool) -> Vec<usize> {
    shape
        .iter()
        .enumerate()
        .filter_map(|(axis, &size)| match (axes.contains(&axis), keep_dims) {
            (false, _) => Some(size),
            (true, true) => Some(1),
            (true, false) => None,
        })
        .collect()
}

pub(super) fn mean(axes: Axes<'_>, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let (axes, shape) = axes.of(operands)?;
    let operation = match axes.is_empty() {
        true => Operation::Reshape,
        false => Operation::ReduceMean { axes },
    };
    Ok(Resolved::of_first(operation, shape))
}

pub(super) fn reduce(
    reduction: ReduceOp,
    axes: Axes<'_>,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let (axes, shape) = axes.of(operands)?;
    let operation = match axes.is_empty() && reduction.keeps_single_elements() {
        true => Operation::Reshape,
        false => Operation::Reduce { reduction, axes },
    };
    Ok(Resolved::of_first(operation, shape))
}
