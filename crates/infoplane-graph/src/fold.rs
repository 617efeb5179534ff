//! Constant folding: the shape arithmetic that exporters emit, and rearranged weights.

mod arrange;
mod elementwise;
mod quantize;
mod reduce;

use crate::op::{BinaryOp, ElementType, Op};
use crate::resolve::{Axes, Operands, Problem, adaptive, axis_index, broadcast, gather, invalid};
use crate::resolve::{SliceRanges, reshape_target, slice_range, squeezed, unsqueezed};
use crate::shaped::ValueState;
use crate::tensor::{Tensor, TensorData};

/// No folded constant may be larger (elements): sizes come from the file.
const MAX_FOLDED: usize = 1 << 30;

/// The node's result where it does not depend on the input and is an operator of shape arithmetic;
/// `None` where the node has to run.
pub(crate) fn evaluate(
    op: &Op,
    operands: &[Option<&ValueState>],
) -> Result<Option<Tensor>, Problem> {
    if let Op::Shape { start, end } = op {
        let shape = Operands(operands).shape(0)?;
        return Ok(Some(shape_of(shape, *start, *end)));
    }
    if let Op::Size = op {
        let shape = Operands(operands).shape(0)?;
        let size: usize = shape.iter().product();
        return Ok(Some(scalar(size as i64)));
    }
    if let Op::AdaptiveShares { axis, size } = op {
        return adaptive::shares(Operands(operands).shape(0)?, *axis, *size).map(Some);
    }
    let constants: Option<Vec<Option<&Tensor>>> = operands
        .iter()
        .map(|state| match state {
            None => Some(None),
            Some(ValueState::Constant(tensor)) => Some(Some(tensor.as_ref())),
            Some(ValueState::Runtime { .. }) => None,
        })
        .collect();
    let Some(constants) = constants else {
        return Ok(None);
    };
    let first = constants.first().copied().flatten();
    let folded = match (op, first) {
        (Op::Range, _) => range(&constants)?,
        (Op::ConstantOfShape { value }, Some(shape)) => constant_of_shape(shape, value)?,
        (op, Some(tensor)) if op.is_identity() => tensor.clone(),
        (Op::Cast { to }, Some(tensor)) => cast(tensor, *to),
        (Op::Gather { axis }, Some(tensor)) => gather(tensor, required(&constants, 1)?, *axis)?,
        (Op::Expand, Some(tensor)) => {
            let target = sizes(required(&constants, 1)?)?;
            expand(tensor, &broadcast(tensor.shape(), &target)?)?
        }
        (Op::Concat { axis }, Some(_)) => concat(&constants, *axis)?,
        (Op::Slice { starts, ends, axes }, Some(tensor)) => {
            let ranges = SliceRanges::gather(
                starts.as_deref(),
                ends.as_deref(),
                axes.as_deref(),
                Operands(operands),
            )?;
            slice(tensor, &ranges)?
        }
        (Op::Reshape { allow_zero }, Some(tensor)) => {
            let target = integers(required(&constants, 1)?)?;
            reshape(tensor, reshape_target(tensor.shape(), target, *allow_zero)?)?
        }
        (Op::Squeeze { axes }, Some(tensor)) => {
            let axes = listed_axes(axes.as_deref(), &constants)?;
            reshape(tensor, squeezed(tensor.shape(), axes)?)?
        }
        (Op::Unsqueeze { axes }, Some(tensor)) => {
            let axes = listed_axes(axes.as_deref(), &constants)?
                .ok_or_else(|| invalid("axes are missing"))?;
            reshape(tensor, unsqueezed(tensor.shape(), axes)?)?
        }
        (Op::Transpose { perm }, Some(tensor)) => transpose(tensor, perm.as_deref())?,
        (Op::Mod, Some(a)) => remainder(a, required(&constants, 1)?)?,
        (Op::Where, Some(condition)) => choose(
            condition,
            required(&constants, 1)?,
            required(&constants, 2)?,
        )?,
        (
            Op::ArgMax {
                smallest,
                axis,
                keep_dims,
                select_last,
            },
            Some(tensor),
        ) => reduce::arg_max(tensor, *smallest, *axis, *keep_dims, *select_last)?,
        (
            Op::QuantizeLinear {
                axis,
                block_size,
                range,
            },
            Some(tensor),
        ) => quantize::quantize(tensor, grid(&constants, *axis, *block_size)?, *range)?,
        (Op::DequantizeLinear { axis, block_size }, Some(tensor)) => {
            quantize::dequantize(tensor, grid(&constants, *axis, *block_size)?)?
        }
        (op, Some(first)) => match arrange::evaluate(op, first, &constants)? {
            Some(arranged) => arranged,
            None => return arithmetic(op, first, &constants, operands),
        },
        _ => return Ok(None),
    };
    Ok(Some(folded))
}

/// What shape arithmetic computes with, element by element or over axes.
fn arithmetic(
    op: &Op,
    first: &Tensor,
    constants: &[Option<&Tensor>],
    operands: &[Option<&ValueState>],
) -> Result<Option<Tensor>, Problem> {
    let operation = match op {
        Op::Add => BinaryOp::Add,
        Op::Sub => BinaryOp::Sub,
        Op::Mul => BinaryOp::Mul,
        Op::Div => BinaryOp::Div,
        Op::Binary(operation) => *operation,
        Op::Function(function) => return elementwise::function(*function, first),
        Op::Variadic(operation) => return elementwise::variadic(*operation, constants),
        Op::Reduce {
            reduction,
            axes,
            keep_dims,
            noop_with_empty_axes,
        } => {
            let axes = Axes::new(axes, *keep_dims, *noop_with_empty_axes);
            return reduce::reduce(*reduction, axes, first, Operands(operands));
        }
        _ => return Ok(None),
    };
    elementwise::binary(operation, first, required(constants, 1)?)
}

fn grid<'a>(
    constants: &[Option<&'a Tensor>],
    axis: i64,
    block_size: usize,
) -> Result<quantize::Grid<'a>, Problem> {
    Ok(quantize::Grid {
        scale: required(constants, 1)?,
        zero_point: constants.get(2).copied().flatten(),
        axis,
        block_size,
    })
}

fn required<'a>(constants: &[Option<&'a Tensor>], position: usize) -> Result<&'a Tensor, Problem> {
    constants
        .get(position)
        .copied()
        .flatten()
        .ok_or_else(|| invalid(format!("operand {position} is missing")))
}

fn integers(tensor: &Tensor) -> Result<&[i64], Problem> {
    tensor.integers().ok_or_else(|| {
        invalid(format!(
            "{} where integers belong",
            tensor.data().type_name()
        ))
    })
}

fn sizes(tensor: &Tensor) -> Result<Vec<usize>, Problem> {
    integers(tensor)?
        .iter()
        .map(|&size| usize::try_from(size).map_err(|_| invalid(format!("a size of {size}"))))
        .collect()
}

fn listed_axes<'a>(
    attribute: Option<&'a [i64]>,
    constants: &[Option<&'a Tensor>],
) -> Result<Option<&'a [i64]>, Problem> {
    match (attribute, constants.get(1).copied().flatten()) {
        (Some(axes), _) => Ok(Some(axes)),
        (None, Some(tensor)) => integers(tensor).map(Some),
        (None, None) => Ok(None),
    }
}

fn checked_len(shape: &[usize]) -> Result<usize, Problem> {
    shape
        .iter()
        .try_fold(1usize, |product, &dim| product.checked_mul(dim))
        .filter(|&len| len <= MAX_FOLDED)
        .ok_or_else(|| invalid(format!("a constant of shape {shape:?} is too large")))
}

fn tensor(shape: Vec<usize>, data: TensorData) -> Result<Tensor, Problem> {
    Tensor::new(shape, data).ok_or_else(|| invalid("elements and shape disagree"))
}

fn scalar(value: i64) -> Tensor {
    let one = Tensor::from_integers(vec![value]);
    one.reshaped(Vec::new()).unwrap_or(one)
}

fn reshape(source: &Tensor, shape: Vec<usize>) -> Result<Tensor, Problem> {
    source
        .reshaped(shape)
        .ok_or_else(|| invalid("elements and shape disagree"))
}

/// Elements picked by their flat index.
fn pick(source: &Tensor, indices: &[usize], shape: Vec<usize>) -> Result<Tensor, Problem> {
    let data = match source.data() {
        TensorData::F32(values) => TensorData::F32(indices.iter().map(|&i| values[i]).collect()),
        TensorData::I64(values) => TensorData::I64(indices.iter().map(|&i| values[i]).collect()),
        TensorData::Bool(values) => TensorData::Bool(indices.iter().map(|&i| values[i]).collect()),
    };
    tensor(shape, data)
}

/// Flat source indices of a result of `shape` whose axes step through the source by `strides`.
fn strided_indices(shape: &[usize], strides: &[isize], offset: usize) -> Vec<usize> {
    if shape.contains(&0) {
        return Vec::new();
    }
    let mut indices = vec![offset];
    for (&size, &stride) in shape.iter().zip(strides) {
        indices = indices
            .iter()
            .flat_map(|&base| (0..size).map(move |i| base.wrapping_add_signed(i as isize * stride)))
            .collect();
    }
    indices
}

fn row_major_strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1isize; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1] as isize;
    }
    strides
}

fn shape_of(shape: &[usize], start: i64, end: Option<i64>) -> Tensor {
    let rank = shape.len() as i64;
    let bound = |index: i64| {
        let index = if index < 0 {
            index.saturating_add(rank)
        } else {
            index
        };
        index.clamp(0, rank) as usize
    };
    let (start, end) = (bound(start), bound(end.unwrap_or(rank)));
    let dims = shape.get(start..end.max(start)).unwrap_or(&[]);
    Tensor::from_integers(dims.iter().map(|&dim| dim as i64).collect())
}

fn range(constants: &[Option<&Tensor>]) -> Result<Tensor, Problem> {
    if let Some(floats) = constants
        .first()
        .copied()
        .flatten()
        .and_then(Tensor::floats)
    {
        return float_range(floats, constants);
    }
    let scalar = |position: usize| match integers(required(constants, position)?)? {
        [value] => Ok(*value),
        _ => Err(invalid("start, limit and delta must be one number each")),
    };
    let (start, limit, delta) = (scalar(0)?, scalar(1)?, scalar(2)?);
    if delta == 0 {
        return Err(invalid("a delta of 0"));
    }
    let span = i128::from(limit) - i128::from(start);
    let delta = i128::from(delta);
    let len = ((span + delta - delta.signum()) / delta).max(0);
    if len > MAX_FOLDED as i128 {
        return Err(invalid(format!("a range of {len} elements")));
    }
    Ok(Tensor::from_integers(
        (0..len)
            .map(|i| (i128::from(start) + i * delta) as i64)
            .collect(),
    ))
}

fn float_range(start: &[f32], constants: &[Option<&Tensor>]) -> Result<Tensor, Problem> {
    let ends = [required(constants, 1)?, required(constants, 2)?].map(Tensor::floats);
    let (&[start], [Some(&[limit]), Some(&[delta])]) = (start, ends) else {
        return Err(invalid("start, limit and delta must be one number each"));
    };
    let [start, limit, delta] = [start, limit, delta].map(f64::from);
    let len = ((limit - start) / delta).ceil().max(0.0);
    if len.is_nan() || len > MAX_FOLDED as f64 {
        return Err(invalid(format!(
            "a range from {start} to {limit} in steps of {delta}"
        )));
    }
    let steps = 0..len as usize;
    let values: Vec<f32> = steps.map(|i| (start + i as f64 * delta) as f32).collect();
    tensor(vec![values.len()], TensorData::F32(values.into()))
}

fn constant_of_shape(shape: &Tensor, value: &Tensor) -> Result<Tensor, Problem> {
    let shape = sizes(shape)?;
    let len = checked_len(&shape)?;
    if value.data().len() != 1 {
        return Err(invalid("its value must be one element"));
    }
    pick(value, &vec![0; len], shape)
}

fn cast(source: &Tensor, to: ElementType) -> Tensor {
    let data = match (source.data(), to) {
        (TensorData::F32(v), ElementType::Integer) => {
            TensorData::I64(v.iter().map(|&x| x as i64).collect())
        }
        (TensorData::F32(v), ElementType::Bool) => {
            TensorData::Bool(v.iter().map(|&x| x != 0.0).collect())
        }
        (TensorData::I64(v), ElementType::Float) => {
            TensorData::F32(v.iter().map(|&x| x as f32).collect())
        }
        (TensorData::I64(v), ElementType::Bool) => {
            TensorData::Bool(v.iter().map(|&x| x != 0).collect())
        }
        (TensorData::Bool(v), ElementType::Float) => {
            TensorData::F32(v.iter().map(|&x| f32::from(u8::from(x))).collect())
        }
        (TensorData::Bool(v), ElementType::Integer) => {
            TensorData::I64(v.iter().map(|&x| i64::from(x)).collect())
        }
        (same, _) => same.clone(),
    };
    Tensor::new(source.shape().to_vec(), data).unwrap_or_else(|| source.clone())
}

fn gather(source: &Tensor, positions: &Tensor, axis: i64) -> Result<Tensor, Problem> {
    let shape = source.shape();
    let picked = gather::pick(shape, positions, axis)?;
    if checked_len(&picked.shape)? == 0 {
        return pick(source, &[], picked.shape);
    }
    let outer: usize = shape[..picked.axis].iter().product();
    let (size, inner) = (
        shape[picked.axis],
        shape[picked.axis + 1..].iter().product::<usize>(),
    );
    let positions = picked.indices.as_slice();
    let indices: Vec<usize> = (0..outer)
        .flat_map(|o| {
            positions.iter().flat_map(move |&position| {
                let base = (o * size + position) * inner;
                base..base + inner
            })
        })
        .collect();
    pick(source, &indices, picked.shape)
}

fn expand(source: &Tensor, shape: &[usize]) -> Result<Tensor, Problem> {
    checked_len(shape)?;
    pick(
        source,
        &broadcast_indices(source.shape(), shape),
        shape.to_vec(),
    )
}

/// Flat source index of each element of a broadcast result.
fn broadcast_indices(source: &[usize], shape: &[usize]) -> Vec<usize> {
    let missing = shape.len() - source.len();
    let own = row_major_strides(source);
    let strides: Vec<isize> = (0..shape.len())
        .map(|axis| {
            if axis < missing || source[axis - missing] == 1 {
                0
            } else {
                own[axis - missing]
            }
        })
        .collect();
    strided_indices(shape, &strides, 0)
}

fn concat(constants: &[Option<&Tensor>], axis: i64) -> Result<Tensor, Problem> {
    let parts: Vec<&Tensor> = (0..constants.len())
        .map(|position| required(constants, position))
        .collect::<Result<_, _>>()?;
    let first = parts[0].shape();
    let axis = axis_index(axis, first.len())?;
    let mut shape = first.to_vec();
    shape[axis] = 0;
    for part in &parts {
        let fits = part.shape().len() == first.len()
            && (0..first.len()).all(|other| other == axis || part.shape()[other] == first[other]);
        if !fits {
            return Err(invalid("operands of different shapes"));
        }
        shape[axis] += part.shape()[axis];
    }
    let len = checked_len(&shape)?;
    let outer: usize = if len == 0 {
        0
    } else {
        shape[..axis].iter().product()
    };
    macro_rules! join {
        ($variant:ident) => {{
            let mut joined = Vec::with_capacity(len);
            for o in 0..outer {
                for part in &parts {
                    let TensorData::$variant(values) = part.data() else {
                        return Err(invalid("operands of different types"));
                    };
                    let run: usize = part.shape()[axis..].iter().product();
                    joined.extend_from_slice(&values[o * run..(o + 1) * run]);
                }
            }
            TensorData::$variant(joined.into())
        }};
    }
    let data = match parts[0].data() {
        TensorData::F32(_) => join!(F32),
        TensorData::I64(_) => join!(I64),
        TensorData::Bool(_) => join!(Bool),
    };
    tensor(shape, data)
}

fn slice(source: &Tensor, ranges: &SliceRanges<'_>) -> Result<Tensor, Problem> {
    let mut shape = source.shape().to_vec();
    let mut strides = row_major_strides(&shape);
    let mut offset = 0;
    for (axis, start, end, step) in ranges.by_axis(shape.len())? {
        let (first, length) = slice_range(start, end, step, shape[axis])?;
        if length > 0 {
            offset += first * strides[axis] as usize;
        }
        strides[axis] = strides[axis].saturating_mul(step as isize);
        shape[axis] = length;
    }
    let indices = strided_indices(&shape, &strides, offset);
    pick(source, &indices, shape)
}

fn transpose(source: &Tensor, perm: Option<&[usize]>) -> Result<Tensor, Problem> {
    let shape = source.shape();
    let perm: Vec<usize> = match perm {
        Some(perm) => perm.to_vec(),
        None => (0..shape.len()).rev().collect(),
    };
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..shape.len()) {
        return Err(invalid(format!("perm {perm:?} for the shape {shape:?}")));
    }
    let own = row_major_strides(shape);
    let output: Vec<usize> = perm.iter().map(|&axis| shape[axis]).collect();
    let strides: Vec<isize> = perm.iter().map(|&axis| own[axis]).collect();
    pick(source, &strided_indices(&output, &strides, 0), output)
}

fn remainder(a: &Tensor, b: &Tensor) -> Result<Tensor, Problem> {
    let shape = broadcast(a.shape(), b.shape())?;
    let (a, b) = (expand(a, &shape)?, expand(b, &shape)?);
    let remainders = integers(&a)?
        .iter()
        .zip(integers(&b)?)
        .map(|(x, y)| {
            let rest = x.checked_rem(*y)?;
            let other_sign = rest != 0 && (rest < 0) != (*y < 0);
            Some(if other_sign { rest + y } else { rest })
        })
        .collect::<Option<Vec<i64>>>()
        .ok_or_else(|| invalid("an integer overflows or is divided by 0"))?;
    tensor(shape, TensorData::I64(remainders))
}

fn choose(condition: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor, Problem> {
    let shape = broadcast(&broadcast(condition.shape(), a.shape())?, b.shape())?;
    let condition = expand(condition, &shape)?;
    let TensorData::Bool(condition) = condition.data() else {
        return Err(invalid("a condition that is not of truth values"));
    };
    let (a, b) = (expand(a, &shape)?, expand(b, &shape)?);
    macro_rules! select {
        ($variant:ident, $a:expr, $b:expr) => {
            TensorData::$variant(
                condition
                    .iter()
                    .zip($a.iter().zip($b))
                    .map(|(&first, (&x, &y))| if first { x } else { y })
                    .collect(),
            )
        };
    }
    let data = match (a.data(), b.data()) {
        (TensorData::F32(a), TensorData::F32(b)) => select!(F32, a, b),
        (TensorData::I64(a), TensorData::I64(b)) => select!(I64, a, b),
        (TensorData::Bool(a), TensorData::Bool(b)) => select!(Bool, a, b),
        _ => return Err(invalid("operands of different types")),
    };
    tensor(shape, data)
}

#[cfg(test)]
mod tests;
