//! Operators that repeat, split and rearrange elements.

use super::{BatchRule, Operands, Problem, Resolved, axis_index, broadcast, invalid};
use crate::op::Op;
use crate::operation::Operation;

fn sizes(numbers: &[i64], what: &str) -> Result<Vec<usize>, Problem> {
    numbers
        .iter()
        .map(|&number| {
            usize::try_from(number).map_err(|_| invalid(format!("{what} of {numbers:?}")))
        })
        .collect()
}

/// Broadcasts the operand to a shape, which itself broadcasts to the operand's.
pub(super) fn expand(operands: Operands<'_>, batch: BatchRule) -> Result<Resolved, Problem> {
    let shape = operands.shape(0)?;
    let target = operands
        .integers(1, "a target shape")?
        .ok_or_else(|| invalid("the target shape is missing"))?;
    let target = sizes(&batch.adapted(target, shape), "a target shape")?;
    let output = broadcast(shape, &target)?;
    let missing = output.len() - shape.len();
    let repeats = (0..output.len())
        .map(|axis| match axis.checked_sub(missing) {
            Some(own) if shape[own] == output[axis] => 1,
            _ => output[axis],
        })
        .collect();
    Ok(Resolved::of_first(Operation::Tile { repeats }, output))
}

/// How often each axis of `shape` is repeated, and the result's shape.
pub(crate) fn tiled(shape: &[usize], repeats: &[i64]) -> Result<(Vec<usize>, Vec<usize>), Problem> {
    let repeats = sizes(repeats, "repeats")?;
    if repeats.len() != shape.len() {
        return Err(invalid(format!(
            "{} repeats for the shape {shape:?}",
            repeats.len()
        )));
    }
    let output = shape
        .iter()
        .zip(&repeats)
        .map(|(size, times)| size.checked_mul(*times))
        .collect::<Option<_>>()
        .ok_or_else(|| invalid(format!("repeats {repeats:?} of the shape {shape:?}")))?;
    Ok((repeats, output))
}

pub(super) fn tile(operands: Operands<'_>) -> Result<Resolved, Problem> {
    let repeats = operands
        .integers(1, "repeats")?
        .ok_or_else(|| invalid("repeats are missing"))?;
    let (repeats, output) = tiled(operands.shape(0)?, repeats)?;
    Ok(Resolved::of_first(Operation::Tile { repeats }, output))
}

/// The slices that the results of a split are, in order.
pub(crate) fn split(
    axis: i64,
    sizes: Option<&[i64]>,
    parts: Option<i64>,
    n_results: usize,
    operands: Operands<'_>,
) -> Result<Vec<Op>, Problem> {
    let shape = operands.shape(0)?;
    let length = shape[axis_index(axis, shape.len())?] as i64;
    let listed = match sizes {
        Some(sizes) => Some(sizes),
        None => operands.integers(1, "sizes of the parts")?,
    };
    let sizes = match listed {
        Some(sizes) => sizes.to_vec(),
        None => equal_parts(length, parts, n_results)?,
    };
    let total = sizes.iter().try_fold(0i64, |total, &size| {
        (size >= 0).then(|| total.checked_add(size)).flatten()
    });
    if total != Some(length) || sizes.len() < n_results {
        return Err(invalid(format!(
            "parts of {sizes:?} for an axis of {length} and {n_results} results"
        )));
    }
    let mut end = 0;
    let slice = |size: &i64| {
        let start = end;
        end += size;
        Op::Slice {
            starts: Some(vec![start]),
            ends: Some(vec![end]),
            axes: Some(vec![axis]),
        }
    };
    Ok(sizes.iter().map(slice).collect())
}

/// Where a number of parts is asked for, the last may be smaller; else they must be equal.
fn equal_parts(length: i64, parts: Option<i64>, n_results: usize) -> Result<Vec<i64>, Problem> {
    let asked = n_results as i64;
    let differs = parts.is_some_and(|parts| parts != asked);
    if differs || asked == 0 || (parts.is_none() && length % asked != 0) {
        return Err(invalid(format!(
            "an axis of {length} can't be split into {} equal parts with {n_results} results",
            parts.unwrap_or(asked)
        )));
    }
    let size = length / asked + i64::from(length % asked != 0);
    let part = |index: i64| size.min((length - index * size).max(0));
    Ok((0..asked).map(part).collect())
}

/// Blocks of a pixel's channels become `block` × `block` pixels.
pub(super) fn depth_to_space(
    block: usize,
    channel_first: bool,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let (&[n, c, h, w], square) = image_and_square(block, operands)?;
    if c % square != 0 {
        return Err(invalid(format!("blocks of {block} for {c} channels")));
    }
    let kept = c / square;
    let (shape, perm) = if channel_first {
        (vec![n, kept, block, block, h, w], vec![0, 1, 4, 2, 5, 3])
    } else {
        (vec![n, block, block, kept, h, w], vec![0, 3, 4, 1, 5, 2])
    };
    Ok(Resolved::of_first(
        Operation::Rearrange { shape, perm },
        vec![n, kept, h * block, w * block],
    ))
}

/// Squares of `block` × `block` pixels become one pixel's channels: row, column, channel.
pub(super) fn space_to_depth(block: usize, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let (&[n, c, h, w], square) = image_and_square(block, operands)?;
    if h % block != 0 || w % block != 0 {
        return Err(invalid(format!("blocks of {block} in images of {h} × {w}")));
    }
    let (rows, cols) = (h / block, w / block);
    Ok(Resolved::of_first(
        Operation::Rearrange {
            shape: vec![n, c, rows, block, cols, block],
            perm: vec![0, 3, 5, 1, 2, 4],
        },
        vec![n, c * square, rows, cols],
    ))
}

fn image_and_square<'a>(
    block: usize,
    operands: Operands<'a>,
) -> Result<(&'a [usize; 4], usize), Problem> {
    let shape = operands.shape(0)?;
    let image = <&[usize; 4]>::try_from(shape)
        .map_err(|_| invalid(format!("needs [N, C, H, W], not the shape {shape:?}")))?;
    let square = block.checked_mul(block).filter(|&square| square > 0);
    let square = square.ok_or_else(|| invalid(format!("blocks of {block}")))?;
    let sides = image[2].checked_mul(block).zip(image[3].checked_mul(block));
    sides.ok_or_else(|| invalid(format!("blocks of {block} in {shape:?}")))?;
    image[1]
        .checked_mul(square)
        .map(|_| (image, square))
        .ok_or_else(|| invalid(format!("blocks of {block} in {shape:?}")))
}
