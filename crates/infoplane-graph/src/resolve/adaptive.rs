//! The adaptive average pool, along one axis.

use std::ops::Range;

use super::{Operands, Problem, Resolved, invalid};
use crate::operation::{Operation, Window2d};
use crate::tensor::{Tensor, TensorData};

/// No axis that is pooled may be longer.
const MAX_LENGTH: usize = 1 << 20;

/// The elements that each mean is taken of.
fn ranges(length: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..size).map(move |i| i * length / size..((i + 1) * length).div_ceil(size))
}

/// Kernel and stride of a plain pool that does the same, where there is one.
fn plain(length: usize, size: usize) -> Option<(usize, usize)> {
    let all: Vec<Range<usize>> = ranges(length, size).collect();
    let kernel = all.first()?.len();
    let stride = all.get(1).map_or(kernel, |second| second.start);
    let same = all
        .iter()
        .enumerate()
        .all(|(i, range)| range.len() == kernel && range.start == i * stride && stride > 0);
    same.then_some((kernel, stride))
}

fn axis_length(shape: &[usize], axis: usize) -> Result<usize, Problem> {
    match shape {
        [_, _, _, _] if axis == 2 || axis == 3 => Ok(shape[axis]),
        _ => Err(invalid(format!("along axis {axis} of the shape {shape:?}"))),
    }
    .and_then(|length| match length {
        1..=MAX_LENGTH => Ok(length),
        _ => Err(invalid(format!("of {length} elements"))),
    })
}

/// Nothing where the axis has the size already, a plain pool where the means are of equal and equally
/// spaced runs, else a product with the matrix of shares.
pub(super) fn average_pool(
    axis: usize,
    size: usize,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let mut shape = operands.shape(0)?.to_vec();
    let length = axis_length(&shape, axis)?;
    shape[axis] = size;
    if length == size {
        return Ok(Resolved::of_first(Operation::Reshape, shape));
    }
    if let Some((kernel, stride)) = plain(length, size) {
        let along = |value: usize| match axis {
            2 => [value, 1],
            _ => [1, value],
        };
        let operation = Operation::AveragePool {
            window: Window2d {
                kernel: along(kernel),
                strides: along(stride),
                dilations: [1; 2],
                pads_begin: [0; 2],
                pads_end: [0; 2],
            },
            count_include_pad: false,
            counted_pads_end: [0; 2],
        };
        return Ok(Resolved::of_first(operation, shape));
    }
    Ok(Resolved {
        operation: Operation::MatMul,
        operands: match axis {
            2 => vec![1, 0],
            _ => vec![0, 1],
        },
        shape,
    })
}

/// The matrix that pools rows (axis 2) from the left, or columns (axis 3) from the right.
pub(crate) fn shares(shape: &[usize], axis: usize, size: usize) -> Result<Tensor, Problem> {
    let length = axis_length(shape, axis)?;
    let mut values = vec![0.0; length * size];
    for (i, range) in ranges(length, size).enumerate() {
        let share = 1.0 / range.len() as f32;
        for j in range {
            let at = match axis {
                2 => i * length + j,
                _ => j * size + i,
            };
            values[at] = share;
        }
    }
    let matrix = match axis {
        2 => vec![1, 1, size, length],
        _ => vec![length, size],
    };
    Tensor::new(matrix, TensorData::F32(values.into()))
        .ok_or_else(|| invalid("elements and shape disagree"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_runs_are_a_plain_pool() {
        assert_eq!(plain(14, 7), Some((2, 2)));
        assert_eq!(plain(8, 7), Some((2, 1)));
        assert_eq!(plain(9, 7), None);
        assert_eq!(plain(2, 7), None);
        assert_eq!(plain(1, 7), None);
        assert_eq!(plain(5, 1), Some((5, 5)));
    }

    #[test]
    fn shares_are_means_of_pytorchs_ranges() {
        let ranges: Vec<_> = ranges(10, 7).map(|r| (r.start, r.end)).collect();
        let expected = [(0, 2), (1, 3), (2, 5), (4, 6), (5, 8), (7, 9), (8, 10)];
        assert_eq!(ranges, expected);
        let columns = shares(&[1, 1, 1, 3], 3, 2).unwrap();
        assert_eq!(columns.shape(), [3, 2]);
        assert_eq!(columns.floats().unwrap(), [0.5, 0.0, 0.5, 0.5, 0.0, 0.5]);
        let rows = shares(&[1, 1, 3, 1], 2, 2).unwrap();
        assert_eq!(rows.shape(), [1, 1, 2, 3]);
        assert_eq!(rows.floats().unwrap(), [0.5, 0.5, 0.0, 0.0, 0.5, 0.5]);
    }
}
