//! Reductions of constants, as shape arithmetic uses them.

use super::{checked_len, row_major_strides, strided_indices, tensor};
use crate::op::ReduceOp;
use crate::resolve::{Axes, Operands, Problem, axis_index, invalid, reduced};
use crate::tensor::{Tensor, TensorData};

/// Joins two integers; `None` where they overflow.
type CheckedJoin = fn(i64, i64) -> Option<i64>;

/// For every element, its place in the result.
fn places(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    let mut strides = row_major_strides(&reduced(shape, axes, true));
    for &axis in axes {
        strides[axis] = 0;
    }
    strided_indices(shape, &strides, 0)
}

/// A reduction; `None` for those that only networks use, unless there is nothing to reduce.
pub(super) fn reduce(
    reduction: ReduceOp,
    axes: Axes<'_>,
    source: &Tensor,
    operands: Operands<'_>,
) -> Result<Option<Tensor>, Problem> {
    let (axes, output) = axes.of(operands)?;
    let places = places(source.shape(), &axes);
    let n = checked_len(&output)?;
    let data = match source.data() {
        TensorData::F32(values) if values.is_empty() => {
            TensorData::F32(vec![of_nothing(reduction); n].into())
        }
        TensorData::F32(values) => {
            let (start, join): (f32, fn(f32, f32) -> f32) = match reduction {
                ReduceOp::Sum => (0.0, |a, b| a + b),
                ReduceOp::Prod => (1.0, |a, b| a * b),
                ReduceOp::Max => (f32::NEG_INFINITY, f32::max),
                ReduceOp::Min => (f32::INFINITY, f32::min),
                _ => return Ok(None),
            };
            let mut result = vec![start; n];
            for (&value, &place) in values.iter().zip(&places) {
                result[place] = join(result[place], value);
            }
            TensorData::F32(result.into())
        }
        TensorData::I64(values) => {
            let (start, join): (i64, CheckedJoin) = match reduction {
                ReduceOp::Sum => (0, i64::checked_add),
                ReduceOp::Prod => (1, i64::checked_mul),
                ReduceOp::Max => (i64::MIN, |a, b| Some(a.max(b))),
                ReduceOp::Min => (i64::MAX, |a, b| Some(a.min(b))),
                _ => return Ok(None),
            };
            let mut result = vec![start; n];
            for (&value, &place) in values.iter().zip(&places) {
                result[place] =
                    join(result[place], value).ok_or_else(|| invalid("an integer overflows"))?;
            }
            TensorData::I64(result)
        }
        TensorData::Bool(_) => return Err(invalid("truth values where numbers belong")),
    };
    tensor(output, data).map(Some)
}

/// What a reduction makes of no elements at all.
fn of_nothing(reduction: ReduceOp) -> f32 {
    match reduction {
        ReduceOp::Sum | ReduceOp::L1 | ReduceOp::L2 | ReduceOp::SumSquare => 0.0,
        ReduceOp::Prod => 1.0,
        ReduceOp::Max | ReduceOp::LogSum | ReduceOp::LogSumExp => f32::NEG_INFINITY,
        ReduceOp::Min => f32::INFINITY,
    }
}

/// Index of the largest, or of the smallest, element along an axis: the first of equal ones, or the
/// last.
pub(super) fn arg_max(
    source: &Tensor,
    smallest: bool,
    axis: i64,
    keep_dims: bool,
    select_last: bool,
) -> Result<Tensor, Problem> {
    fn each<T: PartialOrd + Copy>(
        values: &[T],
        [size, inner]: [usize; 2],
        better: impl Fn(T, T) -> bool,
    ) -> Vec<i64> {
        let mut result = Vec::new();
        for block in values.chunks_exact(size * inner) {
            for column in 0..inner {
                let mut best = 0;
                for index in 1..size {
                    if better(block[index * inner + column], block[best * inner + column]) {
                        best = index;
                    }
                }
                result.push(best as i64);
            }
        }
        result
    }
    let shape = source.shape();
    let axis = axis_index(axis, shape.len())?;
    if source.data().is_empty() {
        return Err(invalid(format!("the empty shape {shape:?}")));
    }
    let extents = [shape[axis], shape[axis + 1..].iter().product()];
    macro_rules! indices {
        ($values:expr) => {
            match (smallest, select_last) {
                (false, false) => each($values, extents, |a, b| a > b),
                (false, true) => each($values, extents, |a, b| a >= b),
                (true, false) => each($values, extents, |a, b| a < b),
                (true, true) => each($values, extents, |a, b| a <= b),
            }
        };
    }
    let indices = match source.data() {
        TensorData::F32(values) => indices!(values),
        TensorData::I64(values) => indices!(values),
        TensorData::Bool(_) => return Err(invalid("truth values where numbers belong")),
    };
    tensor(reduced(shape, &[axis], keep_dims), TensorData::I64(indices))
}

#[cfg(test)]
mod tests {
    use super::{arg_max, reduce};
    use crate::op::ReduceOp;
    use crate::resolve::{Axes, Operands};
    use crate::shaped::ValueState;
    use crate::tensor::{Tensor, TensorData};

    fn matrix() -> Tensor {
        let values = vec![3, 1, 3, 2, 5, 4];
        Tensor::new(vec![2, 3], TensorData::I64(values)).unwrap()
    }

    #[test]
    fn integers_are_reduced_over_the_listed_axes() {
        let source = matrix();
        let state = ValueState::Constant(std::sync::Arc::new(source.clone()));
        let fold = |reduction, listed: Option<&[i64]>, keep_dims| {
            let axes = Axes {
                listed,
                keep_dims,
                noop_with_empty_axes: false,
            };
            reduce(reduction, axes, &source, Operands(&[Some(&state)]))
                .unwrap()
                .unwrap()
        };
        let product = fold(ReduceOp::Prod, None, false);
        assert_eq!(
            (product.shape(), product.integers().unwrap()),
            (&[][..], &[360][..])
        );
        let sums = fold(ReduceOp::Sum, Some(&[-1]), true);
        assert_eq!(
            (sums.shape(), sums.integers().unwrap()),
            (&[2, 1][..], &[7, 11][..])
        );
        let smallest = fold(ReduceOp::Min, Some(&[0]), false);
        assert_eq!(smallest.integers().unwrap(), [2, 1, 3]);
    }

    #[test]
    fn of_equal_elements_the_first_or_the_last_is_found() {
        let find = |smallest, axis, last| {
            let found = arg_max(&matrix(), smallest, axis, false, last).unwrap();
            found.integers().unwrap().to_vec()
        };
        assert_eq!(find(false, 1, false), [0, 1]);
        assert_eq!(find(false, 1, true), [2, 1]);
        assert_eq!(find(true, 0, false), [1, 0, 0]);
        assert!(arg_max(&matrix(), false, 2, false, false).is_err());
    }
}
