//! Max pooling of blocks.
//!
//! The gradient of a window goes to one element: the first maximum in scan order, also on ties and
//! where windows overlap. The forward pass saves which tap that is, in one byte. A window that holds a
//! NaN gives NaN.

use infoplane_graph::Window2d;

use super::watchers;
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};
use crate::ops::window::PlaneWindow;
use crate::simd::{Job, LANES, Lanes, Simd, SimdLevel, dispatch};

/// Builds the kernel; none where a tap's number does not fit into a byte.
pub(super) fn build(
    operator: &'static str,
    window: &Window2d,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Option<Box<dyn Kernel>>, EngineError> {
    let planes = PlaneWindow::new(operator, window, operands, output_shape)?;
    let [kernel_h, kernel_w] = window.kernel;
    if kernel_h.saturating_mul(kernel_w) > 256 {
        return Ok(None);
    }
    let watchers = [&planes.rows, &planes.cols].map(watchers);
    let channels = output_shape.get(1).copied().unwrap_or(1);
    let samples = output_shape.first().copied().unwrap_or(1);
    Ok(Some(Box::new(MaxPool {
        planes: samples * channels.div_ceil(LANES),
        window: planes,
        watchers,
    })))
}

struct MaxPool {
    window: PlaneWindow,
    /// By row and by column of the operand: results and taps that look there.
    watchers: [Vec<Vec<(usize, usize)>>; 2],
    /// Samples times blocks.
    planes: usize,
}

impl MaxPool {
    fn target_len(&self) -> usize {
        self.planes * self.window.rows.target * self.window.cols.target
    }
}

impl Kernel for MaxPool {
    fn name(&self) -> &'static str {
        "max pool"
    }

    fn saved_len(&self) -> usize {
        self.target_len() * LANES / size_of::<u32>()
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], saved: &mut [u32], _: &mut [f32]) {
        let taps: &mut [u8] = bytemuck::cast_slice_mut(saved);
        dispatch(
            SimdLevel::current(),
            Forward {
                pool: self,
                source: inputs[0].as_chunks().0,
                target: output.as_chunks_mut().0,
                taps: taps.as_chunks_mut().0,
            },
        );
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let taps: &[u8] = bytemuck::cast_slice(context.saved);
        dispatch(
            SimdLevel::current(),
            Backward {
                pool: self,
                source: context.grad_output.as_chunks().0,
                target: gradient.data.as_chunks_mut().0,
                taps: taps.as_chunks().0,
                accumulate: gradient.accumulate,
            },
        );
    }
}

struct Forward<'a> {
    pool: &'a MaxPool,
    source: &'a [Lanes],
    target: &'a mut [Lanes],
    taps: &'a mut [[u8; LANES]],
}

impl Job for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let PlaneWindow { rows, cols, .. } = &self.pool.window;
        let kernel_w = cols.targets.len();
        let sources = self.source.chunks_exact(rows.source * cols.source);
        let targets = self
            .target
            .chunks_exact_mut(cols.target)
            .zip(self.taps.chunks_exact_mut(cols.target));
        let mut lines = targets;
        for source in sources {
            for row in 0..rows.target {
                let Some((target, taps)) = lines.next() else {
                    return;
                };
                for (col, (slot, number)) in target.iter_mut().zip(taps).enumerate() {
                    let (tap_rows, tap_cols) = (rows.taps[row].clone(), cols.taps[col].clone());
                    let first = tap_rows.start * kernel_w + tap_cols.start;
                    let mut best = simd.splat(f32::NEG_INFINITY);
                    // Numbers of taps are small enough to be floats.
                    let mut best_tap = simd.splat(first as f32);
                    for tap_row in tap_rows {
                        let line = rows.index(row, tap_row) * cols.source;
                        for tap_col in tap_cols.clone() {
                            let value = simd.load(&source[line + cols.index(col, tap_col)]);
                            let wins = simd.greater(value, best) | simd.nan(value);
                            let tap = simd.splat((tap_row * kernel_w + tap_col) as f32);
                            best = simd.select(wins, value, best);
                            best_tap = simd.select(wins, tap, best_tap);
                        }
                    }
                    simd.store(best, slot);
                    let mut numbers = [0.0; LANES];
                    simd.store(best_tap, &mut numbers);
                    for (byte, number) in number.iter_mut().zip(numbers) {
                        // SAFETY: taps are numbered from 0 to 255, and so are floats of them.
                        *byte = unsafe { number.to_int_unchecked::<i32>() } as u8;
                    }
                }
            }
        }
    }
}

struct Backward<'a> {
    pool: &'a MaxPool,
    source: &'a [Lanes],
    target: &'a mut [Lanes],
    taps: &'a [[u8; LANES]],
    accumulate: bool,
}

impl Job for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let PlaneWindow { rows, cols, .. } = &self.pool.window;
        let kernel_w = cols.targets.len();
        let [row_watchers, col_watchers] = &self.pool.watchers;
        let plane_len = rows.target * cols.target;
        let planes = self.target.chunks_exact_mut(rows.source * cols.source);
        let sources = self
            .source
            .chunks_exact(plane_len)
            .zip(self.taps.chunks_exact(plane_len));
        for (target, (source, taps)) in planes.zip(sources) {
            let lines = target.chunks_exact_mut(cols.source);
            for (line, row_watchers) in lines.zip(row_watchers) {
                for (slot, col_watchers) in line.iter_mut().zip(col_watchers) {
                    let mut sum = if self.accumulate {
                        simd.load(slot)
                    } else {
                        simd.splat(0.0)
                    };
                    for &(row, tap_row) in row_watchers {
                        for &(col, tap_col) in col_watchers {
                            let at = row * cols.target + col;
                            let tap = (tap_row * kernel_w + tap_col) as u8;
                            let here = simd.equal_bytes(&taps[at], tap);
                            sum = simd.add(sum, simd.keep(here, simd.load(&source[at])));
                        }
                    }
                    simd.store(sum, slot);
                }
            }
        }
    }
}
