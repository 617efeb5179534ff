//! Convolution and pooling.

use super::{Operands, Problem, Resolved, invalid, unsupported};
use crate::op::{Padding, Window};
use crate::operation::{Operation, Window2d};
use crate::shaped::ValueState;

/// The window over the spatial axes of `shape` and the output's spatial sizes.
struct Placed {
    window: Window2d,
    /// Padding at the end before rounding up added to it.
    counted_pads_end: [usize; 2],
    output: Vec<usize>,
}

/// Kernel, strides and dilations by axis.
fn steps(window: &Window, kernel: &[usize], n_axes: usize) -> Result<[Vec<usize>; 3], Problem> {
    let by_axis = |values: &[usize], what: &str| match values {
        [] => Ok(vec![1; n_axes]),
        _ if values.len() == n_axes => Ok(values.to_vec()),
        _ => Err(invalid(format!(
            "{what} {values:?} for {n_axes} spatial axes"
        ))),
    };
    let steps = [
        by_axis(kernel, "kernel_shape")?,
        by_axis(&window.strides, "strides")?,
        by_axis(&window.dilations, "dilations")?,
    ];
    if steps.iter().any(|values| values.contains(&0)) {
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
    Ok(steps)
}

/// Elements from the first tap of a window to the last.
fn reach(kernel: usize, dilation: usize) -> Result<usize, Problem> {
    (kernel - 1)
        .checked_mul(dilation)
        .and_then(|taps| taps.checked_add(1))
        .ok_or_else(|| invalid("the window is too large"))
}

/// The spatial axes of `[N, C, …]`, of which one or two are supported.
fn spatial(shape: &[usize]) -> Result<&[usize], Problem> {
    match shape.len() {
        0..3 => Err(invalid(format!(
            "needs a batch, channels and positions, not the shape {shape:?}"
        ))),
        3 | 4 => Ok(&shape[2..]),
        rank => Err(unsupported(format!(
            "{} spatial axes (one or two are supported)",
            rank - 2
        ))),
    }
}

/// A window without extent, whose axes are set one by one.
const POINT: Window2d = Window2d {
    kernel: [1; 2],
    strides: [1; 2],
    dilations: [1; 2],
    pads_begin: [0; 2],
    pads_end: [0; 2],
};

fn place(window: &Window, kernel: &[usize], shape: &[usize]) -> Result<Placed, Problem> {
    let spatial = spatial(shape)?;
    let n_axes = spatial.len();
    let [kernel, strides, dilations] = steps(window, kernel, n_axes)?;

    let mut placed = Placed {
        window: POINT,
        counted_pads_end: [0; 2],
        output: Vec::with_capacity(n_axes),
    };
    for axis in 0..n_axes {
        let size = spatial[axis];
        let reach = reach(kernel[axis], dilations[axis])?;
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
    check_stated_kernel(window, weights)?;
    if group == 0 || weights[0] % group != 0 || weights[1].checked_mul(group) != Some(shape[1]) {
        return Err(invalid(format!(
            "weights {weights:?} in {group} groups for {} channels",
            shape[1]
        )));
    }
    let placed = place(window, kernel, shape)?;
    let mut positions = vec![0, 1];
    positions.extend(bias(weights[0], operands)?);
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

/// The convolution's product: stride · (input − 1) + output padding + reach − padding elements an axis.
///
/// As the ONNX reference has it, an `output_shape` replaces the padding, and `SAME_UPPER` and
/// `SAME_LOWER` pad until the result has stride · input elements. Where that would be a negative padding
/// there is none, and elements of the result that no window meets hold the bias.
pub(super) fn conv_transpose(
    window: &Window,
    group: usize,
    output_padding: &[usize],
    output_shape: Option<&[usize]>,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let (shape, weights) = (operands.shape(0)?, operands.shape(1)?);
    let spatial = spatial(shape)?;
    let n_axes = spatial.len();
    if weights.len() != shape.len() {
        return Err(invalid(format!(
            "weights of shape {weights:?} for an input of shape {shape:?}"
        )));
    }
    let kernel = &weights[2..];
    check_stated_kernel(window, weights)?;
    let channels = weights[1].checked_mul(group);
    let fits = group > 0 && weights[0] == shape[1] && weights[0] % group == 0;
    let Some(channels) = channels.filter(|_| fits) else {
        return Err(invalid(format!(
            "weights {weights:?} in {group} groups for {} channels",
            shape[1]
        )));
    };
    let [kernel, strides, dilations] = steps(window, kernel, n_axes)?;
    for (values, what) in [
        (output_padding, "output_padding"),
        (output_shape.unwrap_or(&[]), "output_shape"),
    ] {
        if !values.is_empty() && values.len() != n_axes {
            return Err(invalid(format!(
                "{what} {values:?} for {n_axes} spatial axes"
            )));
        }
    }
    let mut placed = POINT;
    let mut output = vec![shape[0], channels];
    for axis in 0..n_axes {
        let (size, stride) = (spatial[axis], strides[axis]);
        let reach = reach(kernel[axis], dilations[axis])?;
        let extra = output_padding.get(axis).copied().unwrap_or(0);
        let walked = size.saturating_sub(1).checked_mul(stride);
        let walked = walked.and_then(|walked| walked.checked_add(reach));
        let full = walked.and_then(|walked| walked.checked_add(extra));
        let (Some(walked), Some(full)) = (walked, full) else {
            return Err(invalid("the result is too large"));
        };
        let asked = output_shape.and_then(|sizes| sizes.get(axis)).copied();
        let shared = |wanted: usize| {
            let total = full.saturating_sub(wanted);
            match window.padding {
                Padding::SameUpper => (total / 2, total - total / 2),
                _ => (total - total / 2, total / 2),
            }
        };
        let (begin, end) = match (&window.padding, asked) {
            (_, Some(asked)) => shared(asked),
            (Padding::SameUpper | Padding::SameLower, None) => shared(size.saturating_mul(stride)),
            (Padding::Explicit(pads), None) if !pads.is_empty() => {
                (pads[axis], pads[axis + n_axes])
            }
            _ => (0, 0),
        };
        let padding = begin.checked_add(end);
        let left = padding.and_then(|padding| full.checked_sub(padding));
        let length = asked
            .or(left)
            .filter(|&length| length > 0)
            .ok_or_else(|| invalid(format!("padding of {begin} and {end} for {full} elements")))?;
        let slot = axis + 2 - n_axes;
        placed.kernel[slot] = kernel[axis];
        placed.strides[slot] = stride;
        placed.dilations[slot] = dilations[axis];
        placed.pads_begin[slot] = begin;
        placed.pads_end[slot] = walked.saturating_sub(length.saturating_add(begin));
        output.push(length);
    }
    let mut positions = vec![0, 1];
    positions.extend(bias(channels, operands)?);
    Ok(Resolved {
        operation: Operation::ConvTranspose {
            window: placed,
            groups: group,
        },
        operands: positions,
        shape: output,
    })
}

fn check_stated_kernel(window: &Window, weights: &[usize]) -> Result<(), Problem> {
    let stated = window.kernel.as_deref();
    if stated.is_some_and(|stated| stated != &weights[2..]) {
        return Err(invalid(format!(
            "kernel_shape {:?} is not that of its weights {weights:?}",
            window.kernel
        )));
    }
    Ok(())
}

/// The position of a bias, where there is one.
fn bias(channels: usize, operands: Operands<'_>) -> Result<Option<usize>, Problem> {
    match operands.get(2) {
        None => Ok(None),
        Some(state) if state.shape() == [channels] => Ok(Some(2)),
        Some(state) => Err(invalid(format!(
            "a bias of shape {:?} for {channels} output channels",
            state.shape()
        ))),
    }
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

pub(super) fn lp_pool(
    window: &Window,
    p: u32,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let (placed, shape) = pool(window, operands)?;
    let window = placed.window;
    Ok(Resolved::of_first(Operation::LpPool { window, p }, shape))
}

pub(super) fn global_max_pool(operands: Operands<'_>) -> Result<Resolved, Problem> {
    let (window, shape) = whole_map(operands)?;
    Ok(Resolved::of_first(Operation::MaxPool { window }, shape))
}

pub(super) fn global_lp_pool(p: u32, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let (window, shape) = whole_map(operands)?;
    Ok(Resolved::of_first(Operation::LpPool { window, p }, shape))
}

/// The window that is the whole map, and the shape of one element a channel.
fn whole_map(operands: Operands<'_>) -> Result<(Window2d, Vec<usize>), Problem> {
    let shape = operands.shape(0)?;
    let mut window = POINT;
    let spatial = spatial(shape)?;
    window.kernel[2 - spatial.len()..].copy_from_slice(spatial);
    let mut output = shape[..2].to_vec();
    output.extend(spatial.iter().map(|_| 1));
    Ok((window, output))
}

/// The window and shape of `[N, C, D, H, W]` seen as `[N, C, D, H · W]`, where it passes through H and W.
/// PyTorch exports local response normalisation as such a mean over channels.
fn over_first_of_three(
    window: &Window,
    kernel: &[usize],
    shape: &[usize],
) -> Option<(Window, Vec<usize>)> {
    let (&[n, c, d, h, w], &[size, 1, 1]) = (shape, kernel) else {
        return None;
    };
    let first = |values: &[usize], other: usize| match *values {
        [] => Some(Vec::new()),
        [value, a, b] if a == other && b == other => Some(vec![value, other]),
        _ => None,
    };
    let padding = match &window.padding {
        Padding::Explicit(pads) => match pads.as_slice() {
            [] => Padding::Explicit(Vec::new()),
            &[begin, 0, 0, end, 0, 0] => Padding::Explicit(vec![begin, 0, end, 0]),
            _ => return None,
        },
        same => same.clone(),
    };
    let dilations = window.dilations.first().map(|&step| vec![step, 1]);
    let window = Window {
        kernel: Some(vec![size, 1]),
        strides: first(&window.strides, 1)?,
        dilations: dilations.unwrap_or_default(),
        padding,
        ceil_mode: window.ceil_mode,
    };
    Some((window, vec![n, c, d, h.checked_mul(w)?]))
}

fn pool(window: &Window, operands: Operands<'_>) -> Result<(Placed, Vec<usize>), Problem> {
    let shape = operands.shape(0)?;
    let kernel = window
        .kernel
        .as_deref()
        .ok_or_else(|| invalid("kernel_shape is missing"))?;
    if let Some((window, shape_of_two)) = over_first_of_three(window, kernel, shape) {
        let (placed, mut output) = pool(
            &window,
            Operands(&[Some(&ValueState::Runtime {
                shape: shape_of_two,
                changes: crate::Change::AlongPath,
            })]),
        )?;
        output.truncate(3);
        output.extend(&shape[3..]);
        return Ok((placed, output));
    }
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
