//! Max pooling.
//!
//! The gradient of a window goes to one element: the first maximum in scan order, also on ties and
//! where windows overlap. The forward pass saves which tap that is, in one byte where a window has at
//! most 256 taps. A window that holds a NaN gives NaN.

use infoplane_graph::Window2d;

use super::math::{select, select_bits};
use super::vectorize::vectorized;
use super::window::{PlaneWindow, strided};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};

/// Builds the kernel of a max pool over `[N, C, H, W]` or `[N, C, W]`.
pub(crate) fn build(
    operator: &'static str,
    window: &Window2d,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let planes = PlaneWindow::new(operator, window, operands, output_shape)?;
    let [kernel_h, kernel_w] = window.kernel;
    Ok(match kernel_h.checked_mul(kernel_w) {
        Some(..=256) => Box::new(MaxPool::<u8>::new(planes)),
        _ => Box::new(MaxPool::<u32>::new(planes)),
    })
}

/// Number of a tap in a window, row by row.
trait TapNumber: bytemuck::Pod + Send + Sync {
    const NAME: &'static str;

    fn of(tap: u32) -> Self;

    fn tap(self) -> usize;
}

impl TapNumber for u8 {
    const NAME: &'static str = "max pool";

    #[inline(always)]
    fn of(tap: u32) -> u8 {
        tap as u8
    }

    #[inline(always)]
    fn tap(self) -> usize {
        usize::from(self)
    }
}

impl TapNumber for u32 {
    const NAME: &'static str = "max pool, large window";

    #[inline(always)]
    fn of(tap: u32) -> u32 {
        tap
    }

    #[inline(always)]
    fn tap(self) -> usize {
        self as usize
    }
}

struct MaxPool<T> {
    window: PlaneWindow,
    /// For every column of the result: its first tap that meets the operand.
    first_taps: Vec<u32>,
    width: std::marker::PhantomData<T>,
}

impl<T: TapNumber> MaxPool<T> {
    fn new(window: PlaneWindow) -> MaxPool<T> {
        MaxPool {
            first_taps: window.cols.taps.iter().map(|t| t.start as u32).collect(),
            width: std::marker::PhantomData,
            window,
        }
    }

    /// One row of the result and its tap numbers; `plane` is the operand's plane.
    #[inline(always)]
    fn row<const STRIDE: usize>(
        &self,
        plane: &[f32],
        row: usize,
        output: &mut [f32],
        taps: &mut [u32],
    ) {
        let PlaneWindow { rows, cols, .. } = &self.window;
        let kernel_w = cols.targets.len();
        let tap_rows = rows.taps[row].clone();
        output.fill(f32::NEG_INFINITY);
        for (slot, first) in taps.iter_mut().zip(&self.first_taps) {
            *slot = (tap_rows.start * kernel_w) as u32 + first;
        }
        for tap_row in tap_rows {
            let source = &plane[rows.index(row, tap_row) * cols.source..][..cols.source];
            for (tap_col, targets) in cols.targets.iter().enumerate() {
                if targets.is_empty() {
                    continue;
                }
                let number = (tap_row * kernel_w + tap_col) as u32;
                let first = cols.index(targets.start, tap_col);
                let best = (&mut output[targets.clone()], &mut taps[targets.clone()]);
                if STRIDE == 0 {
                    let values = source[first..].iter().step_by(cols.stride()).copied();
                    keep_larger(best, values, number);
                } else {
                    let (steps, last) = strided::<STRIDE>(source, first, targets.len());
                    let (slots, last_slot) = best.0.split_at_mut(steps.len());
                    let (numbers, last_number) = best.1.split_at_mut(steps.len());
                    let values = steps.iter().map(|step| step[0]);
                    keep_larger((slots, numbers), values, number);
                    keep_larger((last_slot, last_number), last.into_iter(), number);
                }
            }
        }
    }

    /// All rows of one plane; `STRIDE` is the horizontal step, or 0 for any. `row_taps` holds a row's
    /// tap numbers, as wide as the values they are selected with.
    #[inline(always)]
    fn plane<const STRIDE: usize>(
        &self,
        plane: &[f32],
        output: &mut [f32],
        taps: &mut [T],
        row_taps: &mut [u32],
    ) {
        let width = self.window.cols.target;
        let rows = output
            .chunks_exact_mut(width)
            .zip(taps.chunks_exact_mut(width));
        for (row, (output, taps)) in rows.enumerate() {
            self.row::<STRIDE>(plane, row, output, row_taps);
            for (slot, &tap) in taps.iter_mut().zip(&*row_taps) {
                *slot = T::of(tap);
            }
        }
    }
}

#[inline(always)]
fn keep_larger(
    (best, taps): (&mut [f32], &mut [u32]),
    values: impl Iterator<Item = f32>,
    number: u32,
) {
    for ((slot, tap), value) in best.iter_mut().zip(taps).zip(values) {
        let wins = (value > *slot) | value.is_nan();
        *slot = select(wins, value, *slot);
        *tap = select_bits(wins, number, *tap);
    }
}

impl<T: TapNumber> Kernel for MaxPool<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn saved_len(&self) -> usize {
        (self.window.target_len() * size_of::<T>()).div_ceil(size_of::<u32>())
    }

    fn scratch_len(&self) -> usize {
        self.window.cols.target
    }

    fn constant_bytes(&self) -> usize {
        size_of_val(self.first_taps.as_slice())
    }

    fn forward(
        &self,
        inputs: &[&[f32]],
        output: &mut [f32],
        saved: &mut [u32],
        scratch: &mut [f32],
    ) {
        let PlaneWindow { rows, cols, .. } = &self.window;
        let taps: &mut [T] = bytemuck::cast_slice_mut(saved);
        let row_taps: &mut [u32] = bytemuck::cast_slice_mut(&mut scratch[..cols.target]);
        let source_len = rows.source * cols.source;
        let target_len = rows.target * cols.target;
        let planes = inputs[0].chunks_exact(source_len);
        let targets = output
            .chunks_exact_mut(target_len)
            .zip(taps.chunks_exact_mut(target_len));
        for (plane, (output, taps)) in planes.zip(targets) {
            vectorized(|| match cols.stride() {
                1 => self.plane::<1>(plane, output, taps, row_taps),
                2 => self.plane::<2>(plane, output, taps, row_taps),
                _ => self.plane::<0>(plane, output, taps, row_taps),
            });
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        let PlaneWindow { rows, cols, .. } = &self.window;
        gradient.clear_unless_accumulating();
        let taps: &[T] = bytemuck::cast_slice(context.saved);
        let kernel_w = cols.targets.len();
        let source_len = rows.source * cols.source;
        let target_len = rows.target * cols.target;
        let planes = gradient.data.chunks_exact_mut(source_len);
        let sources = context
            .grad_output
            .chunks_exact(target_len)
            .zip(taps.chunks_exact(target_len));
        for (plane, (grad_output, taps)) in planes.zip(sources) {
            let grad_rows = grad_output
                .chunks_exact(cols.target)
                .zip(taps.chunks_exact(cols.target));
            for (row, (grad_output, taps)) in grad_rows.enumerate() {
                for (col, (&g, tap)) in grad_output.iter().zip(taps).enumerate() {
                    let tap = tap.tap();
                    let source_row = rows.index(row, tap / kernel_w);
                    let source_col = cols.index(col, tap % kernel_w);
                    plane[source_row * cols.source + source_col] += g;
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
        check_against_reference, check_laws, forward, operand, pool_output, values, vjp, window,
    };

    fn max_pool(window: &Window2d, shape: &[usize]) -> Box<dyn Kernel> {
        let output_shape = pool_output(window, shape);
        build("MaxPool", window, &[operand(shape)], &output_shape).unwrap()
    }

    fn reference_max_pool(window: &Window2d, shape: &[usize; 4], input: &[f64]) -> Vec<f64> {
        let [n, c, h, w] = *shape;
        let output_shape = pool_output(window, shape);
        let mut result = Vec::new();
        for plane in 0..n * c {
            for row in 0..output_shape[2] {
                for col in 0..output_shape[3] {
                    let mut largest = f64::NEG_INFINITY;
                    for tap_row in 0..window.kernel[0] {
                        for tap_col in 0..window.kernel[1] {
                            let y = (row * window.strides[0] + tap_row * window.dilations[0])
                                .checked_sub(window.pads_begin[0]);
                            let x = (col * window.strides[1] + tap_col * window.dilations[1])
                                .checked_sub(window.pads_begin[1]);
                            if let (Some(y), Some(x)) = (y, x)
                                && y < h
                                && x < w
                            {
                                largest = largest.max(input[(plane * h + y) * w + x]);
                            }
                        }
                    }
                    result.push(largest);
                }
            }
        }
        result
    }

    #[test]
    fn max_pool_matches_the_reference() {
        for (window, shape) in [
            (
                window([3, 3], [2, 2], [1, 1], [0, 0], [0, 0]),
                [2, 3, 11, 11],
            ),
            (window([2, 2], [2, 2], [1, 1], [0, 0], [0, 0]), [1, 2, 8, 9]),
            (window([3, 3], [2, 2], [1, 1], [1, 1], [1, 1]), [1, 2, 7, 8]),
            (window([3, 3], [2, 2], [1, 1], [0, 0], [1, 1]), [1, 2, 8, 8]),
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
            (window([1, 1], [1, 1], [1, 1], [0, 0], [0, 0]), [1, 1, 1, 1]),
            (
                window([17, 16], [1, 1], [1, 1], [0, 0], [0, 0]),
                [1, 1, 18, 17],
            ),
        ] {
            let input = values(shape.iter().product(), 6);
            check_against_reference(
                &*max_pool(&window, &shape),
                &[input],
                |wide| reference_max_pool(&window, &shape, &wide[0]),
                1e-6,
            );
        }
    }

    #[test]
    fn one_spatial_axis_is_a_plane_of_one_row() {
        let window = window([1, 3], [1, 2], [1, 1], [0, 1], [0, 1]);
        let kernel = build("MaxPool", &window, &[operand(&[2, 3, 9])], &[2, 3, 5]).unwrap();
        check_against_reference(
            &*kernel,
            &[values(54, 2)],
            |wide| reference_max_pool(&window, &[2, 3, 1, 9], &wide[0]),
            1e-6,
        );
    }

    #[test]
    fn on_ties_the_first_in_scan_order_takes_the_gradient() {
        let window = window([2, 2], [1, 1], [1, 1], [0, 0], [0, 0]);
        let kernel = max_pool(&window, &[1, 1, 3, 3]);
        let input = [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0];
        let (output, saved) = forward(&*kernel, &[&input], 4);
        assert_eq!(output, [1.0; 4]);
        let gradient = vjp(
            &*kernel,
            &[&input],
            &output,
            &saved,
            &[1.0, 2.0, 4.0, 8.0],
            0,
        );
        assert_eq!(gradient, [0.0, 3.0, 0.0, 4.0, 8.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn windows_of_minus_infinity_keep_their_gradient_inside() {
        let window = window([3, 3], [2, 2], [1, 1], [1, 1], [1, 1]);
        let kernel = max_pool(&window, &[1, 1, 4, 4]);
        let input = [f32::NEG_INFINITY; 16];
        let (output, saved) = forward(&*kernel, &[&input], 4);
        let gradient = vjp(
            &*kernel,
            &[&input],
            &output,
            &saved,
            &[1.0, 2.0, 4.0, 8.0],
            0,
        );
        assert_eq!(
            (gradient[0], gradient[1], gradient[4], gradient[5]),
            (1.0, 2.0, 4.0, 8.0)
        );
    }

    #[test]
    fn nan_wins() {
        let window = window([2, 2], [2, 2], [1, 1], [0, 0], [0, 0]);
        for place in 0..4 {
            let mut input = [1.0; 4];
            input[place] = f32::NAN;
            let (output, _) = forward(&*max_pool(&window, &[1, 1, 2, 2]), &[&input], 1);
            assert!(output[0].is_nan());
        }
    }

    #[test]
    fn windows_outside_the_operand_are_refused() {
        let outside = window([1, 1], [1, 1], [1, 1], [1, 0], [0, 0]);
        assert!(
            build(
                "MaxPool",
                &outside,
                &[operand(&[1, 1, 2, 2])],
                &[1, 1, 3, 2]
            )
            .is_err()
        );
        let still = window([2, 2], [0, 1], [1, 1], [0, 0], [0, 0]);
        assert!(build("MaxPool", &still, &[operand(&[1, 1, 2, 2])], &[1, 1, 1, 1]).is_err());
        let plain = window([2, 2], [1, 1], [1, 1], [0, 0], [0, 0]);
        assert!(build("MaxPool", &plain, &[operand(&[2, 2])], &[1, 1]).is_err());
        assert!(build("MaxPool", &plain, &[operand(&[1, 1, 2, 2])], &[1, 1, 3, 1]).is_err());
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            kernel in 1usize..4,
            stride in 1usize..4,
            dilation in 1usize..3,
            (h, w) in (6usize..12, 6usize..12),
            seed: u64,
        ) {
            let window =
                window([kernel; 2], [stride; 2], [dilation; 2], [kernel / 2; 2], [kernel / 2; 2]);
            let shape = [1, 2, h, w];
            let output_len = pool_output(&window, &shape).iter().product();
            let input = values(shape.iter().product(), seed);
            check_laws(&*max_pool(&window, &shape), &[input], output_len, seed);
        }
    }
}
