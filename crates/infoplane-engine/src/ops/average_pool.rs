//! Average pooling.

use infoplane_graph::Window2d;

use super::vectorize::vectorized;
use super::window::{PlaneWindow, strided};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};

/// Builds the kernel of an average pool over `[N, C, H, W]` or `[N, C, W]`.
///
/// Where padding counts, `counted_pads_end` of it counts after the operand: not what `ceil_mode`
/// added.
pub(crate) fn build(
    operator: &'static str,
    window: &Window2d,
    count_include_pad: bool,
    counted_pads_end: [usize; 2],
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let window = PlaneWindow::new(operator, window, operands, output_shape)?;
    Ok(Box::new(AveragePool {
        counts: counts(&window, count_include_pad, counted_pads_end),
        window,
    }))
}

/// How many taps of each window count.
pub(crate) struct Counts {
    /// By row of the result; the number of a window is the product.
    rows: Vec<f32>,
    /// By column of the result.
    cols: Vec<f32>,
}

impl Counts {
    /// Taps that count in the window of a result.
    #[inline(always)]
    pub fn of(&self, row: usize, col: usize) -> f32 {
        self.rows[row] * self.cols[col]
    }
}

/// Counts the taps; where padding counts, `counted_pads_end` of it does after the operand.
pub(crate) fn counts(
    window: &PlaneWindow,
    count_include_pad: bool,
    counted_pads_end: [usize; 2],
) -> Counts {
    let [rows, cols] = [(&window.rows, 0), (&window.cols, 1)].map(|(axis, side)| -> Vec<f32> {
        (0..axis.target)
            .map(|result| {
                if count_include_pad {
                    axis.padded_count(result, counted_pads_end[side]) as f32
                } else {
                    axis.taps[result].len() as f32
                }
            })
            .collect()
    });
    Counts { rows, cols }
}

struct AveragePool {
    window: PlaneWindow,
    counts: Counts,
}

impl Kernel for AveragePool {
    fn name(&self) -> &'static str {
        "average pool"
    }

    fn scratch_len(&self) -> usize {
        self.window.cols.target
    }

    fn constant_bytes(&self) -> usize {
        4 * (self.counts.rows.len() + self.counts.cols.len())
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let PlaneWindow { rows, cols, .. } = &self.window;
        let planes = inputs[0].chunks_exact(rows.source * cols.source);
        let targets = output.chunks_exact_mut(rows.target * cols.target);
        for (plane, output) in planes.zip(targets) {
            vectorized(|| match cols.stride() {
                1 => self.average_plane::<1>(plane, output),
                2 => self.average_plane::<2>(plane, output),
                _ => self.average_plane::<0>(plane, output),
            });
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        let PlaneWindow { rows, cols, .. } = &self.window;
        gradient.clear_unless_accumulating();
        let planes = gradient.data.chunks_exact_mut(rows.source * cols.source);
        let grad_planes = context.grad_output.chunks_exact(rows.target * cols.target);
        let shares = &mut context.scratch[..cols.target];
        for (plane, g) in planes.zip(grad_planes) {
            vectorized(|| self.spread_plane(g, plane, shares));
        }
    }
}

impl AveragePool {
    /// One plane of the result; `STRIDE` is the horizontal step, or 0 for any.
    #[inline(always)]
    fn average_plane<const STRIDE: usize>(&self, plane: &[f32], output: &mut [f32]) {
        let PlaneWindow { rows, cols, .. } = &self.window;
        for (row, output) in output.chunks_exact_mut(cols.target).enumerate() {
            output.fill(0.0);
            for tap_row in rows.taps[row].clone() {
                let source = &plane[rows.index(row, tap_row) * cols.source..][..cols.source];
                for (tap_col, targets) in cols.targets.iter().enumerate() {
                    if targets.is_empty() {
                        continue;
                    }
                    let first = cols.index(targets.start, tap_col);
                    let slots = &mut output[targets.clone()];
                    if STRIDE == 0 {
                        let values = source[first..].iter().step_by(cols.stride());
                        slots
                            .iter_mut()
                            .zip(values)
                            .for_each(|(slot, &x)| *slot += x);
                    } else {
                        let (steps, last) = strided::<STRIDE>(source, first, targets.len());
                        let (slots, last_slot) = slots.split_at_mut(steps.len());
                        for (slot, step) in slots.iter_mut().zip(steps) {
                            *slot += step[0];
                        }
                        for (slot, x) in last_slot.iter_mut().zip(last) {
                            *slot += x;
                        }
                    }
                }
            }
            for (slot, count) in output.iter_mut().zip(&self.counts.cols) {
                *slot /= count * self.counts.rows[row];
            }
        }
    }

    /// Adds every window's gradient, divided by its count, to the elements under it.
    #[inline(always)]
    fn spread_plane(&self, grad_output: &[f32], plane: &mut [f32], shares: &mut [f32]) {
        let PlaneWindow { rows, cols, .. } = &self.window;
        for (row, g) in grad_output.chunks_exact(cols.target).enumerate() {
            for ((share, g), count) in shares.iter_mut().zip(g).zip(&self.counts.cols) {
                *share = g / (count * self.counts.rows[row]);
            }
            for tap_row in rows.taps[row].clone() {
                let target = &mut plane[rows.index(row, tap_row) * cols.source..][..cols.source];
                for (tap_col, targets) in cols.targets.iter().enumerate() {
                    if targets.is_empty() {
                        continue;
                    }
                    let first = cols.index(targets.start, tap_col);
                    let slots = target[first..].iter_mut().step_by(cols.stride());
                    for (slot, share) in slots.zip(&shares[targets.clone()]) {
                        *slot += share;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use infoplane_graph::Window2d;
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::Kernel;
    use crate::ops::testing::{
        check_against_reference, check_laws, forward, operand, pool_output, values, window,
    };

    fn average_pool(
        window: &Window2d,
        include_pad: bool,
        counted_end: [usize; 2],
        shape: &[usize],
    ) -> Box<dyn Kernel> {
        let output_shape = pool_output(window, shape);
        build(
            "AveragePool",
            window,
            include_pad,
            counted_end,
            &[operand(shape)],
            &output_shape,
        )
        .unwrap()
    }

    fn reference_average_pool(
        window: &Window2d,
        include_pad: bool,
        counted_end: [usize; 2],
        shape: &[usize; 4],
        input: &[f64],
    ) -> Vec<f64> {
        let [n, c, h, w] = *shape;
        let output_shape = pool_output(window, shape);
        let mut result = Vec::new();
        for plane in 0..n * c {
            for row in 0..output_shape[2] {
                for col in 0..output_shape[3] {
                    let (mut total, mut count) = (0.0, 0);
                    for tap_row in 0..window.kernel[0] {
                        for tap_col in 0..window.kernel[1] {
                            // Places in the padded operand.
                            let y = row * window.strides[0] + tap_row * window.dilations[0];
                            let x = col * window.strides[1] + tap_col * window.dilations[1];
                            let [top, left] = window.pads_begin;
                            let inside = y >= top && y < top + h && x >= left && x < left + w;
                            if inside {
                                total += input[(plane * h + y - top) * w + x - left];
                            }
                            let counted =
                                y < top + h + counted_end[0] && x < left + w + counted_end[1];
                            if inside || (include_pad && counted) {
                                count += 1;
                            }
                        }
                    }
                    result.push(total / f64::from(count));
                }
            }
        }
        result
    }

    #[test]
    fn average_pool_matches_the_reference() {
        for (window, shape) in [
            (
                window([3, 3], [2, 2], [1, 1], [0, 0], [0, 0]),
                [2, 3, 11, 11],
            ),
            (window([2, 2], [2, 2], [1, 1], [0, 0], [0, 0]), [1, 2, 8, 9]),
            (window([3, 3], [2, 2], [1, 1], [1, 1], [1, 2]), [1, 2, 8, 7]),
            (
                window([3, 3], [1, 1], [1, 1], [1, 1], [1, 1]),
                [1, 3, 5, 37],
            ),
            (
                window([2, 3], [3, 4], [2, 1], [1, 0], [0, 2]),
                [2, 1, 9, 13],
            ),
            (
                window([1, 3], [1, 2], [1, 2], [0, 2], [0, 1]),
                [2, 2, 1, 15],
            ),
            (window([5, 7], [1, 1], [1, 1], [0, 0], [0, 0]), [2, 3, 5, 7]),
        ] {
            for include_pad in [false, true] {
                for counted_end in [[0, 0], window.pads_end] {
                    check_against_reference(
                        &*average_pool(&window, include_pad, counted_end, &shape),
                        &[values(shape.iter().product(), 6)],
                        |wide| {
                            reference_average_pool(
                                &window,
                                include_pad,
                                counted_end,
                                &shape,
                                &wide[0],
                            )
                        },
                        1e-6,
                    );
                }
            }
        }
    }

    #[test]
    fn the_last_two_of_three_axes_are_one() {
        let window = window([3, 1], [2, 1], [1, 1], [1, 0], [1, 0]);
        let operands = [operand(&[2, 3, 5, 2, 4])];
        let output_shape = [2, 3, 3, 2, 4];
        let kernel = build(
            "AveragePool",
            &window,
            false,
            [0, 0],
            &operands,
            &output_shape,
        )
        .unwrap();
        check_against_reference(
            &*kernel,
            &[values(240, 6)],
            |wide| reference_average_pool(&window, false, [0, 0], &[2, 3, 5, 8], &wide[0]),
            1e-6,
        );
    }

    #[test]
    fn padding_added_by_ceil_mode_does_not_count() {
        let window = window([2, 2], [2, 2], [1, 1], [0, 0], [1, 1]);
        let kernel = average_pool(&window, true, [0, 0], &[1, 1, 3, 3]);
        let (output, _) = forward(&*kernel, &[&[1.0; 9]], 4);
        assert_eq!(output, [1.0; 4]);
        let kernel = average_pool(&window, true, [1, 1], &[1, 1, 3, 3]);
        let (output, _) = forward(&*kernel, &[&[1.0; 9]], 4);
        assert_eq!(output, [1.0, 0.5, 0.5, 0.25]);
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            kernel in 1usize..4,
            stride in 1usize..4,
            (h, w) in (3usize..12, 3usize..12),
            include_pad: bool,
            seed: u64,
        ) {
            let pads = [kernel / 2; 2];
            let window = window([kernel; 2], [stride; 2], [1; 2], pads, pads);
            let shape = [1, 2, h, w];
            let output_len = pool_output(&window, &shape).iter().product();
            let input = values(shape.iter().product(), seed);
            let kernel = average_pool(&window, include_pad, pads, &shape);
            check_laws(&*kernel, &[input], output_len, seed);
        }
    }
}
