//! Average pooling of blocks.

use infoplane_graph::Window2d;

use super::watchers;
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};
use crate::ops::average_pool::{Counts, counts};
use crate::ops::window::PlaneWindow;
use crate::simd::{Job, Lanes, Simd, SimdLevel, dispatch};

/// Builds the kernel.
pub(super) fn build(
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
        watchers: [&window.rows, &window.cols].map(watchers),
        window,
    }))
}

struct AveragePool {
    window: PlaneWindow,
    counts: Counts,
    /// By row and by column of the operand: results and taps that look there.
    watchers: [Vec<Vec<(usize, usize)>>; 2],
}

impl Kernel for AveragePool {
    fn name(&self) -> &'static str {
        "average pool"
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        dispatch(
            SimdLevel::current(),
            Forward {
                pool: self,
                source: inputs[0].as_chunks().0,
                target: output.as_chunks_mut().0,
            },
        );
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        dispatch(
            SimdLevel::current(),
            Backward {
                pool: self,
                source: context.grad_output.as_chunks().0,
                target: gradient.data.as_chunks_mut().0,
                accumulate: gradient.accumulate,
            },
        );
    }
}

struct Forward<'a> {
    pool: &'a AveragePool,
    source: &'a [Lanes],
    target: &'a mut [Lanes],
}

impl Job for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let PlaneWindow { rows, cols, .. } = &self.pool.window;
        let sources = self.source.chunks_exact(rows.source * cols.source);
        let targets = self.target.chunks_exact_mut(rows.target * cols.target);
        for (source, target) in sources.zip(targets) {
            for (row, line) in target.chunks_exact_mut(cols.target).enumerate() {
                for (col, slot) in line.iter_mut().enumerate() {
                    let mut sum = simd.splat(0.0);
                    for tap_row in rows.taps[row].clone() {
                        let first = rows.index(row, tap_row) * cols.source;
                        for tap_col in cols.taps[col].clone() {
                            let value = &source[first + cols.index(col, tap_col)];
                            sum = simd.add(sum, simd.load(value));
                        }
                    }
                    let share = simd.splat(1.0 / self.pool.counts.of(row, col));
                    simd.store(simd.mul(sum, share), slot);
                }
            }
        }
    }
}

struct Backward<'a> {
    pool: &'a AveragePool,
    source: &'a [Lanes],
    target: &'a mut [Lanes],
    accumulate: bool,
}

impl Job for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let PlaneWindow { rows, cols, .. } = &self.pool.window;
        let [row_watchers, col_watchers] = &self.pool.watchers;
        let planes = self.target.chunks_exact_mut(rows.source * cols.source);
        let sources = self.source.chunks_exact(rows.target * cols.target);
        for (target, source) in planes.zip(sources) {
            let lines = target.chunks_exact_mut(cols.source);
            for (line, row_watchers) in lines.zip(row_watchers) {
                for (slot, col_watchers) in line.iter_mut().zip(col_watchers) {
                    let mut sum = if self.accumulate {
                        simd.load(slot)
                    } else {
                        simd.splat(0.0)
                    };
                    for &(row, _) in row_watchers {
                        for &(col, _) in col_watchers {
                            let share = simd.splat(1.0 / self.pool.counts.of(row, col));
                            let g = simd.load(&source[row * cols.target + col]);
                            sum = simd.mul_add(g, share, sum);
                        }
                    }
                    simd.store(sum, slot);
                }
            }
        }
    }
}
