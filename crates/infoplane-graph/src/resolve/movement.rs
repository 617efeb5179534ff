//! Operators that move elements.

use super::{BatchRule, Operands, Problem, Resolved, axis_index, axis_indices, invalid};
use crate::op::PadMode;
use crate::operation::Operation;

pub(super) fn concat(axis: i64, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let first = operands.shape(0)?;
    let axis = axis_index(axis, first.len())?;
    let mut shape = first.to_vec();
    for position in 1..operands.0.len() {
        let next = operands.shape(position)?;
        let fits = next.len() == first.len()
            && (0..first.len()).all(|other| other == axis || next[other] == first[other]);
        if !fits {
            return Err(invalid(format!(
                "the shapes {first:?} and {next:?} can't be joined along axis {axis}"
            )));
        }
        shape[axis] += next[axis];
    }
    Ok(Resolved {
        operation: Operation::Concat { axis },
        operands: (0..operands.0.len()).collect(),
        shape,
    })
}

/// One axis of a slice: its first index and its length.
pub(crate) fn slice_range(
    start: i64,
    end: i64,
    step: i64,
    size: usize,
) -> Result<(usize, usize), Problem> {
    if step == 0 {
        return Err(invalid("a step of 0"));
    }
    let size = i64::try_from(size).map_err(|_| invalid("an axis is too long"))?;
    let from_end = |index: i64| {
        if index < 0 {
            index.saturating_add(size)
        } else {
            index
        }
    };
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let start = from_end(start).clamp(low.max(0), high);
    let end = from_end(end).clamp(low, high.max(low));
    let length = if step > 0 {
        (end - start).max(0) as u64
    } else {
        (start - end).max(0) as u64
    };
    Ok((
        start as usize,
        length.div_ceil(step.unsigned_abs()) as usize,
    ))
}

pub(super) fn slice(
    starts: Option<&[i64]>,
    ends: Option<&[i64]>,
    axes: Option<&[i64]>,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let shape = operands.shape(0)?;
    let ranges = SliceRanges::gather(starts, ends, axes, operands)?;
    let mut first = vec![0usize; shape.len()];
    let mut steps = vec![1isize; shape.len()];
    let mut output = shape.to_vec();
    for (axis, start, end, step) in ranges.by_axis(shape.len())? {
        let (begin, length) = slice_range(start, end, step, shape[axis])?;
        first[axis] = begin;
        steps[axis] = step as isize;
        output[axis] = length;
    }
    Ok(Resolved::of_first(
        Operation::Slice {
            starts: first,
            steps,
        },
        output,
    ))
}

/// The operands or attributes of a slice.
pub(crate) struct SliceRanges<'a> {
    starts: &'a [i64],
    ends: &'a [i64],
    axes: Option<&'a [i64]>,
    steps: Option<&'a [i64]>,
}

impl<'a> SliceRanges<'a> {
    pub fn gather(
        starts: Option<&'a [i64]>,
        ends: Option<&'a [i64]>,
        axes: Option<&'a [i64]>,
        operands: Operands<'a>,
    ) -> Result<SliceRanges<'a>, Problem> {
        if let (Some(starts), Some(ends)) = (starts, ends) {
            return Ok(SliceRanges {
                starts,
                ends,
                axes,
                steps: None,
            });
        }
        let required = |position: usize, what: &str| {
            operands
                .integers(position, what)?
                .ok_or_else(|| invalid(format!("{what} are missing")))
        };
        Ok(SliceRanges {
            starts: required(1, "starts")?,
            ends: required(2, "ends")?,
            axes: operands.integers(3, "axes")?,
            steps: operands.integers(4, "steps")?,
        })
    }

    /// Axis, start, end and step, for each sliced axis.
    pub fn by_axis(&self, rank: usize) -> Result<Vec<(usize, i64, i64, i64)>, Problem> {
        let n = self.starts.len();
        let lengths_agree = self.ends.len() == n
            && self.axes.is_none_or(|axes| axes.len() == n)
            && self.steps.is_none_or(|steps| steps.len() == n);
        if !lengths_agree || n > rank {
            return Err(invalid("starts, ends, axes and steps differ in length"));
        }
        (0..n)
            .map(|index| {
                let axis = match self.axes {
                    Some(axes) => axis_index(axes[index], rank)?,
                    None => index,
                };
                let step = self.steps.map_or(1, |steps| steps[index]);
                Ok((axis, self.starts[index], self.ends[index], step))
            })
            .collect()
    }
}

pub(super) fn pad(
    mode: PadMode,
    pads: Option<&[i64]>,
    value: f32,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let shape = operands.shape(0)?;
    let rank = shape.len();
    let amounts = match pads {
        Some(pads) => pads,
        None => operands
            .integers(1, "pads")?
            .ok_or_else(|| invalid("pads are missing"))?,
    };
    let axes = match operands.integers(3, "axes")? {
        Some(axes) => axes
            .iter()
            .map(|&axis| axis_index(axis, rank))
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    if amounts.len() != 2 * axes.len() {
        return Err(invalid(format!(
            "{} pads for {} axes",
            amounts.len(),
            axes.len()
        )));
    }
    let value = operands.scalar(2, "a padding value")?.unwrap_or(value);
    let (mut before, mut after) = (vec![0isize; rank], vec![0isize; rank]);
    let mut output = shape.to_vec();
    for (index, &axis) in axes.iter().enumerate() {
        let (begin, end) = (amounts[index], amounts[index + axes.len()]);
        let limit = 1i64 << 32;
        let size = shape[axis] as i64;
        if begin.abs() > limit || end.abs() > limit || size + begin + end < 1 {
            return Err(invalid(format!(
                "pads {begin} and {end} for an axis of {size}"
            )));
        }
        if mode == PadMode::Reflect && begin.max(end) >= size {
            return Err(invalid(format!(
                "mirrored padding of {} for an axis of {size}",
                begin.max(end)
            )));
        }
        before[axis] = begin as isize;
        after[axis] = end as isize;
        output[axis] = (size + begin + end) as usize;
    }
    Ok(Resolved::of_first(
        Operation::Pad {
            before,
            after,
            mode,
            value,
        },
        output,
    ))
}

/// The shape that a reshape's target asks for.
pub(crate) fn reshape_target(
    shape: &[usize],
    target: &[i64],
    allow_zero: bool,
) -> Result<Vec<usize>, Problem> {
    let n_elements: usize = shape.iter().product();
    let mismatch = || invalid(format!("the shape {shape:?} can't become {target:?}"));
    let mut output = Vec::with_capacity(target.len());
    let mut free = None;
    let mut known = 1usize;
    for (axis, &size) in target.iter().enumerate() {
        let size = match size {
            -1 if free.is_none() => {
                free = Some(axis);
                1
            }
            0 if !allow_zero => *shape.get(axis).ok_or_else(mismatch)?,
            size => usize::try_from(size).map_err(|_| mismatch())?,
        };
        known = known.checked_mul(size).ok_or_else(mismatch)?;
        output.push(size);
    }
    if let Some(axis) = free {
        if known == 0 || !n_elements.is_multiple_of(known) {
            return Err(mismatch());
        }
        output[axis] = n_elements / known;
    } else if known != n_elements {
        return Err(mismatch());
    }
    Ok(output)
}

pub(super) fn reshape(
    allow_zero: bool,
    operands: Operands<'_>,
    batch: BatchRule,
) -> Result<Resolved, Problem> {
    let shape = operands.shape(0)?;
    let mut target = operands
        .integers(1, "a target shape")?
        .ok_or_else(|| invalid("the target shape is missing"))?
        .to_vec();
    if let (Some(declared), Some(first)) = (batch.declared, target.first_mut())
        && declared != batch.actual
        && shape.first() == Some(&batch.actual)
        && usize::try_from(*first) == Ok(declared)
    {
        *first = batch.actual as i64;
    }
    Ok(Resolved::of_first(
        Operation::Reshape,
        reshape_target(shape, &target, allow_zero)?,
    ))
}

pub(super) fn flatten(axis: i64, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let shape = operands.shape(0)?;
    let axis = if axis == shape.len() as i64 {
        shape.len()
    } else {
        axis_index(axis, shape.len())?
    };
    Ok(Resolved::of_first(
        Operation::Reshape,
        vec![
            shape[..axis].iter().product(),
            shape[axis..].iter().product(),
        ],
    ))
}

pub(super) fn transpose(
    perm: Option<&[usize]>,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let shape = operands.shape(0)?;
    let perm = match perm {
        Some(perm) => perm.to_vec(),
        None => (0..shape.len()).rev().collect(),
    };
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..shape.len()) {
        return Err(invalid(format!("perm {perm:?} for the shape {shape:?}")));
    }
    let output = perm.iter().map(|&axis| shape[axis]).collect();
    Ok(Resolved::of_first(Operation::Transpose { perm }, output))
}

/// The shape without the given axes of size 1; without any such axis where none are given.
pub(crate) fn squeezed(shape: &[usize], axes: Option<&[i64]>) -> Result<Vec<usize>, Problem> {
    let Some(axes) = axes else {
        return Ok(shape.iter().copied().filter(|&size| size != 1).collect());
    };
    let axes = axis_indices(axes, shape.len())?;
    if let Some(&axis) = axes.iter().find(|&&axis| shape[axis] != 1) {
        return Err(invalid(format!("axis {axis} of {shape:?} is not 1")));
    }
    Ok((0..shape.len())
        .filter(|axis| !axes.contains(axis))
        .map(|axis| shape[axis])
        .collect())
}

/// The shape with axes of size 1 inserted at the given positions of the result.
pub(crate) fn unsqueezed(shape: &[usize], axes: &[i64]) -> Result<Vec<usize>, Problem> {
    let rank = shape.len() + axes.len();
    let axes = axis_indices(axes, rank)?;
    let mut rest = shape.iter().copied();
    Ok((0..rank)
        .map(|axis| {
            if axes.contains(&axis) {
                1
            } else {
                rest.next().unwrap_or(1)
            }
        })
        .collect())
}

pub(super) fn squeeze(axes: Option<&[i64]>, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let axes = match axes {
        Some(axes) => Some(axes),
        None => operands.integers(1, "axes")?,
    };
    let shape = squeezed(operands.shape(0)?, axes)?;
    Ok(Resolved::of_first(Operation::Reshape, shape))
}

pub(super) fn unsqueeze(axes: Option<&[i64]>, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let axes = match axes {
        Some(axes) => axes,
        None => operands
            .integers(1, "axes")?
            .ok_or_else(|| invalid("axes are missing"))?,
    };
    let shape = unsqueezed(operands.shape(0)?, axes)?;
    Ok(Resolved::of_first(Operation::Reshape, shape))
}
