//! Convolution and pooling.

use super::{Operands, Problem, Resolved, invalid, unsupported};
use crate::op::{Padding, Window};
use crate::operation::{Operation, Window2d};

/// The window over the spatial axes of `shape` and the output's spatial sizes.
struct Placed {
    window: Window2d,
    /// Padding at the end before rounding up added to it.
    counted_pads_end: [usize; 2],
    output: Vec<usize>,
}

fn place(window: &Window, kernel: &[usize], shape: &[usize]) -> Result<Placed, Problem> {
    if shape.len() < 3 {
        return Err(invalid(format!(
            "needs a batch, channels and positions, not the shape {shape:?}"
        )));
    }
    let spatial = &shape[2..];
    let n_axes = spatial.len();
    if n_axes > 2 {
        return Err(unsupported(format!(
            "{n_axes} spatial axes (one or two are supported)"
        )));
    }
    let by_axis = |values: &[usize], default: usize, what: &str| match values {
        [] => Ok(vec![default; n_axes]),
        _ if values.len() == n_axes => Ok(values.to_vec()),
        _ => Err(invalid(format!(
            "{what} {values:?} for {n_axes} spatial axes"
        ))),
    };
    let kernel = by_axis(kernel, 1, "kernel_shape")?;
    let strides = by_axis(&window.strides, 1, "strides")?;
    let dilations = by_axis(&window.dilations, 1, "dilations")?;
    if [&kernel, &strides, &dilations]
        .iter()
        .any(|v| v.contains(&0))
    {
        return Err(invalid(
            "kernel_shape, strides and dilations must be positive",
        ));
    }
    if let Padding::Explicit(pads) = &window.padding
        && !pads.is_empty()
        && pads.len() != 2 * n_axes
    {
        return Err(invalid(format!("pads {pads:?} for {n_axes} spatial axes")));
    }

    let mut placed = Placed {
        window: Window2d {
            kernel: [1; 2],
            strides: [1; 2],
            dilations: [1; 2],
            pads_begin: [0; 2],
            pads_end: [0; 2],
        },
        counted_pads_end: [0; 2],
        output: Vec::with_capacity(n_axes),
    };
    for axis in 0..n_axes {
        let size = spatial[axis];
        let reach = (kernel[axis] - 1)
            .checked_mul(dilations[axis])
            .and_then(|taps| taps.checked_add(1))
            .ok_or_else(|| invalid("the window is too large"))?;
        let stride = strides[axis];
        let same = |upper: bool| {
            let output = size.div_ceil(stride);
            let total = ((output - 1) * stride + reach).saturating_sub(size);
            let small = total / 2;
            if upper {
                (small, total - small)
            } else {
                (total - small, small)
            }
        };
        let (begin, end) = match &window.padding {
            Padding::Explicit(pads) if pads.is_empty() => (0, 0),
            Padding::Explicit(pads) => (pads[axis], pads[axis + n_axes]),
            Padding::Valid => (0, 0),
            Padding::SameUpper => same(true),
            Padding::SameLower => same(false),
        };
        let padded = size
            .checked_add(begin)
            .and_then(|padded| padded.checked_add(end))
            .filter(|&padded| padded >= reach)
            .ok_or_else(|| {
                invalid(format!(
                    "a window of {reach} elements is larger than the padded input ({size} + {begin} + {end})"
                ))
            })?;
        let mut output = (padded - reach) / stride + 1;
        // A window that rounding up adds must still start inside the input or its left padding.
        if window.ceil_mode && (padded - reach) % stride != 0 && output * stride < size + begin {
            output += 1;
        }
        let needed = ((output - 1) * stride + reach).saturating_sub(size + begin);
        let slot = axis + 2 - n_axes;
        placed.window.kernel[slot] = kernel[axis];
        placed.window.strides[slot] = stride;
        placed.window.dilations[slot] = dilations[axis];
        placed.window.pads_begin[slot] = begin;
        placed.window.pads_end[slot] = end.max(needed);
        placed.counted_pads_end[slot] = end;
        placed.output.push(output);
    }
    Ok(placed)
}

pub(super) fn conv(
    window: &Window,
    group: usize,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let (shape, weights) = (operands.shape(0)?, operands.shape(1)?);
    if weights.len() != shape.len() || weights.len() < 3 {
        return Err(invalid(format!(
            "weights of shape {weights:?} for an input of shape {shape:?}"
        )));
    }
    let kernel = &weights[2..];
    if window
        .kernel
        .as_deref()
        .is_some_and(|stated| stated != kernel)
    {
        return Err(invalid(format!(
            "kernel_shape {:?} is not that of its weights {weights:?}",
            window.kernel
        )));
    }
    if group == 0 || weights[0] % group != 0 || weights[1].checked_mul(group) != Some(shape[1]) {
        return Err(invalid(format!(
            "weights {weights:?} in {group} groups for {} channels",
            shape[1]
        )));
    }
    let placed = place(window, kernel, shape)?;
    let mut positions = vec![0, 1];
    if operands.get(2).is_some() {
        if operands.shape(2)? != [weights[0]] {
            return Err(invalid(format!(
                "a bias of shape {:?} for {} output channels",
                operands.shape(2)?,
                weights[0]
            )));
        }
        positions.push(2);
    }
    let mut output = vec![shape[0], weights[0]];
    output.extend(placed.output);
    Ok(Resolved {
        operation: Operation::Conv {
            window: placed.window,
            groups: group,
        },
        operands: positions,
        shape: output,
    })
}

pub(super) fn max_pool(window: &Window, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let (placed, shape) = pool(window, operands)?;
    Ok(Resolved::of_first(
        Operation::MaxPool {
            window: placed.window,
        },
        shape,
    ))
}

pub(super) fn average_pool(
    window: &Window,
    count_include_pad: bool,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let (placed, shape) = pool(window, operands)?;
    Ok(Resolved::of_first(
        Operation::AveragePool {
            window: placed.window,
            count_include_pad,
            counted_pads_end: placed.counted_pads_end,
        },
        shape,
    ))
}

fn pool(window: &Window, operands: Operands<'_>) -> Result<(Placed, Vec<usize>), Problem> {
    let shape = operands.shape(0)?;
    let kernel = window
        .kernel
        .as_deref()
        .ok_or_else(|| invalid("kernel_shape is missing"))?;
    let placed = place(window, kernel, shape)?;
    for axis in 0..2 {
        // A window wholly inside the padding has no element to pool.
        let reach = (placed.window.kernel[axis] - 1) * placed.window.dilations[axis] + 1;
        let pads = placed.window.pads_begin[axis].max(placed.counted_pads_end[axis]);
        if pads > 0 && pads >= reach {
            return Err(invalid(format!(
                "padding of {pads} with a window of {reach} elements"
            )));
        }
    }
    let mut output = shape[..2].to_vec();
    output.extend(&placed.output);
    Ok((placed, output))
}
