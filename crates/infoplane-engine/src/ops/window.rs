//! Sliding windows over planes, as the pooling operators need them.

use std::ops::Range;

use infoplane_graph::Window2d;

use super::operands::runtime;
use crate::error::EngineError;
use crate::kernel::Operand;

/// A window along one axis: which taps of which result meet the operand.
#[derive(Debug, Clone)]
pub(crate) struct WindowAxis {
    /// Extent of the operand.
    pub source: usize,
    /// Extent of the result.
    pub target: usize,
    stride: usize,
    dilation: usize,
    pad: usize,
    /// For every result: the taps that meet the operand.
    pub taps: Vec<Range<usize>>,
    /// For every tap: the results where it meets the operand.
    pub targets: Vec<Range<usize>>,
}

impl WindowAxis {
    fn new(source: usize, target: usize, kernel: usize, step: [usize; 2], pad: usize) -> Self {
        let [stride, dilation] = step;
        let taps = (0..target)
            .map(|result| {
                let begin = result * stride;
                let first = pad.saturating_sub(begin).div_ceil(dilation).min(kernel);
                let end = (source + pad).saturating_sub(begin).div_ceil(dilation);
                first..end.min(kernel).max(first)
            })
            .collect();
        let targets = (0..kernel)
            .map(|tap| {
                let reach = tap * dilation;
                let first = pad.saturating_sub(reach).div_ceil(stride).min(target);
                let end = (source + pad).saturating_sub(reach).div_ceil(stride);
                first..end.min(target).max(first)
            })
            .collect();
        WindowAxis {
            source,
            target,
            stride,
            dilation,
            pad,
            taps,
            targets,
        }
    }

    /// Distance between neighbouring windows.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The operand's index under a tap; only for a tap that meets the operand.
    pub fn index(&self, result: usize, tap: usize) -> usize {
        result * self.stride + tap * self.dilation - self.pad
    }

    /// Number of taps of a window that lie inside the operand with `end` elements of padding after
    /// it, and all the padding before it.
    pub fn padded_count(&self, result: usize, end: usize) -> usize {
        let limit = self.source + self.pad + end;
        limit
            .saturating_sub(result * self.stride)
            .div_ceil(self.dilation)
            .min(self.targets.len())
    }
}

/// A window over planes of `[N, C, H, W]`, `[N, C, W]` or `[N, C, D, H · W]`.
#[derive(Debug, Clone)]
pub(crate) struct PlaneWindow {
    pub rows: WindowAxis,
    pub cols: WindowAxis,
    /// Number of planes, samples times channels.
    pub planes: usize,
}

impl PlaneWindow {
    /// Checks a pooling window against the shapes; every window must meet the operand.
    pub fn new(
        operator: &'static str,
        window: &Window2d,
        operands: &[Operand],
        output_shape: &[usize],
    ) -> Result<PlaneWindow, EngineError> {
        let shape = runtime(operator, operands, 0)?;
        let misfit = |what: &str| {
            EngineError::unsupported(
                operator,
                format!("{what}: {window:?} over {shape:?} to {output_shape:?}"),
            )
        };
        let (&[n, c, h, w], &[out_n, out_c, out_h, out_w]) = (
            &as_planes(shape).ok_or_else(|| misfit("not planes"))?,
            &as_planes(output_shape).ok_or_else(|| misfit("not planes"))?,
        );
        let steps = window.strides.iter().chain(&window.dilations);
        if window.kernel.contains(&0) || steps.into_iter().any(|&step| step == 0) {
            return Err(misfit("a window of zero extent or step"));
        }
        if [h, w, out_h, out_w].contains(&0) {
            return Err(misfit("planes without elements"));
        }
        let axis = |axis: usize, source: usize, target: usize| {
            WindowAxis::new(
                source,
                target,
                window.kernel[axis],
                [window.strides[axis], window.dilations[axis]],
                window.pads_begin[axis],
            )
        };
        let (rows, cols) = (axis(0, h, out_h), axis(1, w, out_w));
        if [n, c] != [out_n, out_c] {
            return Err(misfit("samples or channels change"));
        }
        if rows.taps.iter().chain(&cols.taps).any(Range::is_empty) {
            return Err(misfit("a window lies wholly in the padding"));
        }
        Ok(PlaneWindow {
            rows,
            cols,
            planes: n * c,
        })
    }

    /// Elements of the result.
    pub fn target_len(&self) -> usize {
        self.planes * self.rows.target * self.cols.target
    }
}

/// `[N, C, H, W]` of a shape, with H = 1 where it has one spatial axis, and the last two as one where it
/// has three.
fn as_planes(shape: &[usize]) -> Option<[usize; 4]> {
    match *shape {
        [n, c, w] => Some([n, c, 1, w]),
        [n, c, h, w] => Some([n, c, h, w]),
        [n, c, d, h, w] => Some([n, c, d, h * w]),
        _ => None,
    }
}

/// Steps of `STRIDE` elements of `row` from `first` on, `count` in all; the last one stands alone
/// where the row ends before its step does.
#[inline(always)]
pub(crate) fn strided<const STRIDE: usize>(
    row: &[f32],
    first: usize,
    count: usize,
) -> (&[[f32; STRIDE]], Option<f32>) {
    let row = &row[first..];
    let (steps, _) = row.as_chunks::<STRIDE>();
    let whole = count.min(steps.len());
    let last = (whole < count).then(|| row[whole * STRIDE]);
    (&steps[..whole], last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{WindowAxis, strided};

    proptest! {
        #[test]
        fn taps_and_targets_are_those_inside_the_operand(
            source in 1usize..12,
            target in 1usize..8,
            kernel in 1usize..5,
            stride in 1usize..4,
            dilation in 1usize..4,
            pad in 0usize..5,
        ) {
            let axis = WindowAxis::new(source, target, kernel, [stride, dilation], pad);
            for result in 0..target {
                for tap in 0..kernel {
                    let place = (result * stride + tap * dilation) as isize - pad as isize;
                    let inside = (0..source as isize).contains(&place);
                    prop_assert_eq!(axis.taps[result].contains(&tap), inside);
                    prop_assert_eq!(axis.targets[tap].contains(&result), inside);
                    if inside {
                        prop_assert_eq!(axis.index(result, tap), place as usize);
                    }
                }
                let counted = (0..kernel)
                    .filter(|tap| result * stride + tap * dilation < source + pad + 1)
                    .count();
                prop_assert_eq!(axis.padded_count(result, 1), counted);
            }
        }
    }

    #[test]
    fn strided_elements_end_where_the_row_ends() {
        let row = [0.0, 1.0, 2.0, 3.0, 4.0];
        assert_eq!(
            strided::<2>(&row, 0, 3),
            (&[[0.0, 1.0], [2.0, 3.0]][..], Some(4.0))
        );
        assert_eq!(
            strided::<2>(&row, 1, 2),
            (&[[1.0, 2.0], [3.0, 4.0]][..], None)
        );
        assert_eq!(
            strided::<3>(&row, 1, 2),
            (&[[1.0, 2.0, 3.0]][..], Some(4.0))
        );
        assert_eq!(strided::<1>(&row, 2, 2), (&[[2.0], [3.0]][..], None));
    }
}
