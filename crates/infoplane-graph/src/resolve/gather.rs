//! Elements picked by index: along an axis, and rows of a constant table.

use super::{Operands, Problem, Resolved, axis_index, invalid, unsupported};
use crate::operation::Operation;
use crate::shaped::{Change, ValueState};
use crate::tensor::Tensor;

/// Rows of a table that numbers in single precision can count.
const MAX_ROWS: usize = 1 << 24;

/// What indices pick along an axis of a tensor of some shape.
pub(crate) struct Picked {
    pub axis: usize,
    /// Indices below the axis's extent.
    pub indices: Vec<usize>,
    /// The result's shape.
    pub shape: Vec<usize>,
}

/// Checks constant indices and counts negative ones from the end.
pub(crate) fn pick(shape: &[usize], indices: &Tensor, axis: i64) -> Result<Picked, Problem> {
    let axis = axis_index(axis, shape.len())?;
    let extent = i64::try_from(shape[axis]).map_err(|_| invalid("an axis is too long"))?;
    let numbers = indices.integers().ok_or_else(|| {
        let found = indices.data().type_name();
        invalid(format!("{found} where integer indices belong"))
    })?;
    let from_start = |&index: &i64| {
        let counted = if index < 0 {
            index.saturating_add(extent)
        } else {
            index
        };
        (0..extent)
            .contains(&counted)
            .then_some(counted as usize)
            .ok_or_else(|| invalid(format!("index {index} of an axis of {extent}")))
    };
    Ok(Picked {
        axis,
        indices: numbers.iter().map(from_start).collect::<Result<_, _>>()?,
        shape: picked_shape(shape, axis, indices.shape()),
    })
}

fn picked_shape(shape: &[usize], axis: usize, indices: &[usize]) -> Vec<usize> {
    [&shape[..axis], indices, &shape[axis + 1..]].concat()
}

/// Constant indices of a value that runs, or a constant table looked up by a value that runs.
pub(super) fn gather(axis: i64, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let shape = operands.shape(0)?;
    let indices = operands.shape(1)?;
    let (table_runs, indices_run) = (runs(operands, 0), runs(operands, 1));
    if let Some(ValueState::Constant(indices)) = operands.get(1) {
        let picked = pick(shape, indices, axis)?;
        let operation = Operation::Take {
            axis: picked.axis,
            indices: picked.indices,
        };
        return Ok(Resolved::of_first(operation, picked.shape));
    }
    if table_runs || !indices_run {
        return Err(unsupported(
            "indices that depend on the input, into data that does, too (one of the two must be constant)",
        ));
    }
    let axis = axis_index(axis, shape.len())?;
    if axis != 0 {
        return Err(unsupported(format!(
            "indices that depend on the input along axis {axis} of a constant (the first axis is supported)"
        )));
    }
    if shape[0] > MAX_ROWS {
        return Err(unsupported(format!(
            "a table of {} rows (up to {MAX_ROWS} are supported)",
            shape[0]
        )));
    }
    Ok(Resolved {
        operation: Operation::Lookup,
        operands: vec![0, 1],
        shape: picked_shape(shape, axis, indices),
    })
}

fn runs(operands: Operands<'_>, position: usize) -> bool {
    let changes = operands.get(position).map(ValueState::changes);
    changes.is_some_and(|changes| changes != Change::Never)
}
