//! Folding of the operators that arrange, count and scatter elements.

use super::{checked_len, integers, pick, required, row_major_strides, tensor};
use crate::op::{Op, ScatterMode};
use crate::resolve::repeat::tiled;
use crate::resolve::{Problem, axis_index, invalid};
use crate::tensor::{Tensor, TensorData};

/// The result of an operator on constants; `None` where it is none of those here.
pub(super) fn evaluate(
    op: &Op,
    first: &Tensor,
    constants: &[Option<&Tensor>],
) -> Result<Option<Tensor>, Problem> {
    Ok(Some(match op {
        Op::Tile => tile(first, integers(required(constants, 1)?)?)?,
        Op::CumSum { exclusive, reverse } => {
            let axis = one_integer(required(constants, 1)?, "the axis")?;
            cumulative_sum(first, axis, *exclusive, *reverse)?
        }
        Op::Trilu { upper } => {
            let shift = match constants.get(1).copied().flatten() {
                Some(shift) => one_integer(shift, "the diagonal")?,
                None => 0,
            };
            triangle(first, *upper, shift)?
        }
        Op::OneHot { axis } => one_hot(
            first,
            required(constants, 1)?,
            required(constants, 2)?,
            *axis,
        )?,
        Op::NonZero => non_zero(first)?,
        Op::ScatterNd { mode } => scatter(
            first,
            integers_of(required(constants, 1)?)?,
            required(constants, 2)?,
            *mode,
        )?,
        _ => return Ok(None),
    }))
}

fn one_integer(tensor: &Tensor, what: &str) -> Result<i64, Problem> {
    match tensor.data() {
        TensorData::I64(values) if values.len() == 1 => Ok(values[0]),
        TensorData::F32(values) if values.len() == 1 && values[0].fract() == 0.0 => {
            Ok(values[0] as i64)
        }
        _ => Err(invalid(format!("{what} must be one integer"))),
    }
}

fn tile(source: &Tensor, repeats: &[i64]) -> Result<Tensor, Problem> {
    let (_, output) = tiled(source.shape(), repeats)?;
    let len = checked_len(&output)?;
    let strides = row_major_strides(source.shape());
    let indices: Vec<usize> = (0..len)
        .map(|mut place| {
            let mut index = 0;
            for axis in (0..output.len()).rev() {
                index += place % output[axis] % source.shape()[axis] * strides[axis] as usize;
                place /= output[axis];
            }
            index
        })
        .collect();
    pick(source, &indices, output)
}

fn cumulative_sum(
    source: &Tensor,
    axis: i64,
    exclusive: bool,
    reverse: bool,
) -> Result<Tensor, Problem> {
    let shape = source.shape();
    let axis = axis_index(axis, shape.len())?;
    let (length, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    macro_rules! run {
        ($values:expr, $zero:expr, $add:expr) => {{
            let mut sums = vec![$zero; $values.len()];
            for start in 0..$values.len() {
                if start / inner % length != 0 {
                    continue;
                }
                let mut total = $zero;
                for step in 0..length {
                    let step = if reverse { length - 1 - step } else { step };
                    let at = start + step * inner;
                    if exclusive {
                        sums[at] = total;
                    }
                    total = $add(total, $values[at])?;
                    if !exclusive {
                        sums[at] = total;
                    }
                }
            }
            sums
        }};
    }
    let overflow = || invalid("an integer overflows");
    let data = match source.data() {
        TensorData::F32(values) => {
            let add = |a: f64, b: f32| Ok::<f64, Problem>(a + f64::from(b));
            TensorData::F32(
                run!(values, 0f64, add)
                    .into_iter()
                    .map(|v| v as f32)
                    .collect(),
            )
        }
        TensorData::I64(values) => {
            let add = |a: i64, b: i64| a.checked_add(b).ok_or_else(overflow);
            TensorData::I64(run!(values, 0i64, add))
        }
        TensorData::Bool(_) => return Err(invalid("truth values where numbers belong")),
    };
    tensor(shape.to_vec(), data)
}

/// Keeps what lies on or above (or below) the diagonal shifted by `shift` columns.
fn triangle(source: &Tensor, upper: bool, shift: i64) -> Result<Tensor, Problem> {
    let shape = source.shape();
    let &[.., rows, cols] = shape else {
        return Err(invalid(format!("needs matrices, not the shape {shape:?}")));
    };
    let kept = |place: usize| {
        let (row, col) = (place / cols % rows, place % cols);
        let beyond = (col as i64).saturating_sub((row as i64).saturating_add(shift));
        if upper { beyond >= 0 } else { beyond <= 0 }
    };
    macro_rules! keep {
        ($values:expr, $zero:expr) => {
            $values
                .iter()
                .enumerate()
                .map(|(place, &value)| if kept(place) { value } else { $zero })
                .collect()
        };
    }
    let data = match source.data() {
        TensorData::F32(values) => TensorData::F32(keep!(values, 0.0)),
        TensorData::I64(values) => TensorData::I64(keep!(values, 0)),
        TensorData::Bool(values) => TensorData::Bool(keep!(values, false)),
    };
    tensor(shape.to_vec(), data)
}

/// An axis of `depth` elements, off but for the one that the index names; an index outside is all off.
fn one_hot(
    indices: &Tensor,
    depth: &Tensor,
    values: &Tensor,
    axis: i64,
) -> Result<Tensor, Problem> {
    let depth = one_integer(depth, "the depth")?;
    let shape = indices.shape();
    let axis = axis_index(axis, shape.len() + 1)?;
    if values.data().len() != 2 {
        return Err(invalid("needs two values, for off and on"));
    }
    let size = usize::try_from(depth).map_err(|_| invalid(format!("a depth of {depth}")))?;
    let output = [&shape[..axis], &[size], &shape[axis..]].concat();
    if checked_len(&output)? == 0 {
        return pick(values, &[], output);
    }
    let inner: usize = shape[axis..].iter().product();
    let numbers: Vec<i64> = match indices.data() {
        TensorData::I64(values) => values.clone(),
        TensorData::F32(values) => values.iter().map(|&value| value as i64).collect(),
        TensorData::Bool(_) => return Err(invalid("truth values where indices belong")),
    };
    let outer: usize = shape[..axis].iter().product();
    let mut picked = Vec::with_capacity(outer * size * inner);
    for row in 0..outer {
        for hot in 0..depth {
            let own = &numbers[row * inner..(row + 1) * inner];
            picked.extend(own.iter().map(|&index| {
                let index = if index < 0 {
                    index.saturating_add(depth)
                } else {
                    index
                };
                usize::from(index == hot)
            }));
        }
    }
    pick(values, &picked, output)
}

/// The coordinates of elements that are not zero, one row an axis.
fn non_zero(source: &Tensor) -> Result<Tensor, Problem> {
    let shape = source.shape();
    let places: Vec<usize> = match source.data() {
        TensorData::F32(values) => places(values.iter().map(|&value| value != 0.0)),
        TensorData::I64(values) => places(values.iter().map(|&value| value != 0)),
        TensorData::Bool(values) => places(values.iter().copied()),
    };
    checked_len(&[shape.len(), places.len()])?;
    let strides = row_major_strides(shape);
    let coordinates = (0..shape.len())
        .flat_map(|axis| {
            let (stride, extent) = (strides[axis] as usize, shape[axis]);
            places
                .iter()
                .map(move |place| (place / stride % extent) as i64)
        })
        .collect();
    tensor(
        vec![shape.len(), places.len()],
        TensorData::I64(coordinates),
    )
}

fn places(kept: impl Iterator<Item = bool>) -> Vec<usize> {
    let numbered = kept.enumerate();
    numbered
        .filter_map(|(place, kept)| kept.then_some(place))
        .collect()
}

/// Integer indices with their shape.
fn integers_of(indices: &Tensor) -> Result<(&[usize], &[i64]), Problem> {
    Ok((indices.shape(), integers(indices)?))
}

/// Slices of the data, by the leading coordinates that each row of indices holds, replaced by or
/// combined with the updates.
fn scatter(
    data: &Tensor,
    (index_shape, indices): (&[usize], &[i64]),
    updates: &Tensor,
    mode: ScatterMode,
) -> Result<Tensor, Problem> {
    let shape = data.shape();
    let misfit = || {
        invalid(format!(
            "indices {index_shape:?} and updates {:?} for the shape {shape:?}",
            updates.shape()
        ))
    };
    let (&depth, lead) = index_shape.split_last().ok_or_else(misfit)?;
    if depth > shape.len() || updates.shape() != [lead, &shape[depth..]].concat() {
        return Err(misfit());
    }
    if updates.data().is_empty() {
        return Ok(data.clone());
    }
    let strides = row_major_strides(shape);
    let starts: Vec<usize> = (0..lead.iter().product())
        .map(|row: usize| {
            let coordinates = indices[row * depth..(row + 1) * depth].iter().enumerate();
            let offset = |(axis, &index): (usize, &i64)| {
                let extent = shape[axis] as i64;
                let counted = if index < 0 {
                    index.saturating_add(extent)
                } else {
                    index
                };
                let inside = (0..extent).contains(&counted);
                inside
                    .then_some(counted as usize * strides[axis] as usize)
                    .ok_or_else(|| invalid(format!("index {index} of an axis of {extent}")))
            };
            coordinates.map(offset).sum()
        })
        .collect::<Result<_, _>>()?;
    let run: usize = shape[depth..].iter().product();
    macro_rules! put {
        ($data:expr, $updates:expr, $combine:expr) => {{
            let mut result = $data.to_vec();
            for (row, &start) in starts.iter().enumerate() {
                for step in 0..run {
                    let slot = &mut result[start + step];
                    *slot = $combine(*slot, $updates[row * run + step])?;
                }
            }
            result
        }};
    }
    let overflow = || invalid("an integer overflows");
    let result = match (data.data(), updates.data()) {
        (TensorData::F32(data), TensorData::F32(updates)) => {
            let combine = |old: f32, new: f32| {
                Ok::<f32, Problem>(match mode {
                    ScatterMode::Replace => new,
                    ScatterMode::Add => old + new,
                    ScatterMode::Mul => old * new,
                    ScatterMode::Min => old.min(new),
                    ScatterMode::Max => old.max(new),
                })
            };
            TensorData::F32(put!(data, updates, combine).into())
        }
        (TensorData::I64(data), TensorData::I64(updates)) => {
            let combine = |old: i64, new: i64| match mode {
                ScatterMode::Replace => Ok(new),
                ScatterMode::Add => old.checked_add(new).ok_or_else(overflow),
                ScatterMode::Mul => old.checked_mul(new).ok_or_else(overflow),
                ScatterMode::Min => Ok(old.min(new)),
                ScatterMode::Max => Ok(old.max(new)),
            };
            TensorData::I64(put!(data, updates, combine))
        }
        (TensorData::Bool(data), TensorData::Bool(updates)) if mode == ScatterMode::Replace => {
            let combine = |_: bool, new: bool| Ok::<bool, Problem>(new);
            TensorData::Bool(put!(data, updates, combine))
        }
        _ => return Err(invalid("data and updates of types that don't go together")),
    };
    tensor(shape.to_vec(), result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer_tensor(shape: &[usize], values: &[i64]) -> Tensor {
        Tensor::new(shape.to_vec(), TensorData::I64(values.to_vec())).unwrap()
    }

    fn folded(op: Op, operands: &[&Tensor]) -> Result<Tensor, Problem> {
        let operands: Vec<Option<&Tensor>> = operands.iter().copied().map(Some).collect();
        Ok(evaluate(&op, operands[0].unwrap(), &operands)?.unwrap())
    }

    #[test]
    fn tiles_repeat_along_every_axis() {
        let source = integer_tensor(&[1, 2], &[1, 2]);
        let tiled = folded(Op::Tile, &[&source, &integer_tensor(&[2], &[2, 2])]).unwrap();
        assert_eq!(tiled.shape(), [2, 4]);
        assert_eq!(tiled.integers().unwrap(), [1, 2, 1, 2, 1, 2, 1, 2]);
        assert!(folded(Op::Tile, &[&source, &integer_tensor(&[1], &[2])]).is_err());
        let huge = integer_tensor(&[2], &[1 << 40, 1 << 40]);
        assert!(folded(Op::Tile, &[&source, &huge]).is_err());
    }

    #[test]
    fn cumulative_sums_run_both_ways_along_any_axis() {
        let source = integer_tensor(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let sum = |axis: i64, exclusive, reverse| {
            let axis = Tensor::from_integers(vec![axis]);
            folded(Op::CumSum { exclusive, reverse }, &[&source, &axis]).unwrap()
        };
        assert_eq!(
            sum(1, false, false).integers().unwrap(),
            [1, 3, 6, 4, 9, 15]
        );
        assert_eq!(sum(0, false, false).integers().unwrap(), [1, 2, 3, 5, 7, 9]);
        assert_eq!(sum(-1, true, false).integers().unwrap(), [0, 1, 3, 0, 4, 9]);
        assert_eq!(sum(1, true, true).integers().unwrap(), [5, 3, 0, 11, 6, 0]);
    }

    #[test]
    fn triangles_keep_their_side_of_the_diagonal() {
        let source = integer_tensor(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let kept = |upper, shift: i64| {
            let shift = Tensor::from_integers(vec![shift]);
            folded(Op::Trilu { upper }, &[&source, &shift]).unwrap()
        };
        assert_eq!(kept(true, 0).integers().unwrap(), [1, 2, 3, 0, 5, 6]);
        assert_eq!(kept(true, 1).integers().unwrap(), [0, 2, 3, 0, 0, 6]);
        assert_eq!(kept(false, 0).integers().unwrap(), [1, 0, 0, 4, 5, 0]);
        assert_eq!(kept(false, -1).integers().unwrap(), [0, 0, 0, 4, 0, 0]);
        assert_eq!(kept(true, i64::MIN).integers().unwrap(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn one_hot_counts_from_the_end_and_leaves_others_off() {
        let indices = integer_tensor(&[3], &[0, -1, 7]);
        let values = integer_tensor(&[2], &[5, 9]);
        let depth = Tensor::from_integers(vec![3]);
        let hot = folded(Op::OneHot { axis: 0 }, &[&indices, &depth, &values]).unwrap();
        assert_eq!(hot.shape(), [3, 3]);
        assert_eq!(hot.integers().unwrap(), [9, 5, 5, 5, 5, 5, 5, 9, 5]);
    }

    #[test]
    fn non_zero_lists_coordinates() {
        let source = integer_tensor(&[2, 2], &[0, 1, 2, 0]);
        let found = folded(Op::NonZero, &[&source]).unwrap();
        assert_eq!(found.shape(), [2, 2]);
        assert_eq!(found.integers().unwrap(), [0, 1, 1, 0]);
    }

    #[test]
    fn scatter_writes_slices_and_refuses_indices_outside() {
        let data = integer_tensor(&[3, 2], &[0, 1, 2, 3, 4, 5]);
        let updates = integer_tensor(&[2, 2], &[10, 20, 30, 40]);
        let scattered = |indices: &[i64], mode| {
            let indices = integer_tensor(&[2, 1], indices);
            folded(Op::ScatterNd { mode }, &[&data, &indices, &updates])
        };
        let replaced = scattered(&[2, -3], ScatterMode::Replace).unwrap();
        assert_eq!(replaced.integers().unwrap(), [30, 40, 2, 3, 10, 20]);
        let added = scattered(&[1, 1], ScatterMode::Add).unwrap();
        assert_eq!(added.integers().unwrap(), [0, 1, 42, 63, 4, 5]);
        assert!(scattered(&[3, 0], ScatterMode::Replace).is_err());
    }
}
