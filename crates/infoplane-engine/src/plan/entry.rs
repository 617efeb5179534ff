//! The first linear layer of a network on a straight path of inputs: what it gives for
//! x' + α (x − x') lies on a straight line too, so it is computed at the two ends alone.

use super::TensorId;
use crate::aligned::AlignedFloats;
use crate::kernel::Kernel;
use crate::ops::product::{Clamp, Finish, lanes, lanes_mut};
use crate::simd::{Job, LANES, Simd, SimdLevel, dispatch};

/// The step that alone reads the input.
pub(super) struct Entry {
    /// Its index.
    pub step: usize,
    /// Its affine part for one row.
    pub kernel: Box<dyn Kernel>,
    /// What follows the affine part.
    pub clamp: Option<Clamp>,
    /// The step's result.
    pub output: TensorId,
    /// Floats of one row of the result.
    pub row_len: usize,
}

/// A session's path.
pub(super) struct EntryPath {
    /// The affine part at the start and at the end.
    start: AlignedFloats,
    end: AlignedFloats,
    saved: Vec<u32>,
    scratch: AlignedFloats,
}

impl EntryPath {
    pub fn new(entry: &Entry) -> EntryPath {
        EntryPath {
            start: AlignedFloats::zeros(entry.row_len),
            end: AlignedFloats::zeros(entry.row_len),
            saved: vec![0; entry.kernel.saved_len()],
            scratch: AlignedFloats::zeros(entry.kernel.scratch_len()),
        }
    }

    pub fn set_start(&mut self, entry: &Entry, input: &[f32]) {
        let saved = &mut self.saved;
        entry
            .kernel
            .forward(&[input], &mut self.start, saved, &mut self.scratch);
    }

    pub fn set_end(&mut self, entry: &Entry, input: &[f32]) {
        let saved = &mut self.saved;
        entry
            .kernel
            .forward(&[input], &mut self.end, saved, &mut self.scratch);
    }

    /// Computes the step's result at every α; rows beyond them repeat the last one.
    pub fn interpolate(
        &self,
        entry: &Entry,
        alphas: &[f64],
        output: &mut [f32],
        saved: &mut [u32],
    ) {
        let words = if entry.clamp.is_some() {
            entry.row_len / LANES
        } else {
            0
        };
        let masks: &mut [u16] = bytemuck::cast_slice_mut(saved);
        for (row, output) in output.chunks_exact_mut(entry.row_len).enumerate() {
            let Some(&alpha) = alphas.get(row).or(alphas.last()) else {
                return;
            };
            dispatch(
                SimdLevel::current(),
                Interpolate {
                    start: &self.start,
                    end: &self.end,
                    alpha: alpha as f32,
                    output,
                    finish: Finish {
                        bias: &[],
                        addend: None,
                        clamp: entry.clamp,
                        mask: &mut masks[row * words..(row + 1) * words],
                    },
                },
            );
        }
    }
}

struct Interpolate<'a> {
    start: &'a [f32],
    end: &'a [f32],
    alpha: f32,
    output: &'a mut [f32],
    finish: Finish<'a>,
}

impl Job for Interpolate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let alpha = simd.splat(self.alpha);
        let at_end = self.alpha == 1.0;
        let len = self.output.len();
        for at in (0..len - len % LANES).step_by(LANES) {
            let (Some(start), Some(end)) = (lanes(self.start, at), lanes(self.end, at)) else {
                return;
            };
            let (start, end) = (simd.load(start), simd.load(end));
            // At the end exactly, not up to rounding.
            let between = if at_end {
                end
            } else {
                simd.mul_add(alpha, simd.sub(end, start), start)
            };
            let value = self.finish.apply(simd, 0, at, between);
            if let Some(slot) = lanes_mut(self.output, at) {
                simd.store(value, slot);
            }
        }
        // Only results without a clamp have a length that is no multiple of a vector's.
        for at in len - len % LANES..len {
            self.output[at] = if at_end {
                self.end[at]
            } else {
                self.start[at] + self.alpha * (self.end[at] - self.start[at])
            };
        }
    }
}
