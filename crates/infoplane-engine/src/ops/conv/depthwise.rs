//! Depthwise convolution: each channel with its own small window, tap by tap over whole rows.

use super::{Clamp, ConvSpec};
use crate::kernel::{Gradient, Kernel, VjpContext};
use crate::mask::{apply_mask, mask_words, set_bits};

pub(super) struct Depthwise {
    spec: ConvSpec,
}

/// Where one tap of one output row reads: a line of the input, and the outputs inside it.
struct TapLine {
    y: usize,
    /// First and one-past-last output column whose tap lies inside the line.
    cols: std::ops::Range<usize>,
    /// Input column of the first of them.
    x: usize,
}

impl Depthwise {
    pub fn new(spec: ConvSpec) -> Depthwise {
        Depthwise { spec }
    }

    fn tap_line(&self, row: usize, tap_y: usize, tap_x: usize) -> Option<TapLine> {
        let window = &self.spec.window;
        let [_, _, height, width] = self.spec.input;
        let y = (row * window.strides[0] + tap_y * window.dilations[0])
            .checked_sub(window.pads_begin[0])
            .filter(|&y| y < height)?;
        let shift = (tap_x * window.dilations[1]) as isize - window.pads_begin[1] as isize;
        let stride = window.strides[1];
        let first = usize::try_from(-shift).unwrap_or(0).div_ceil(stride);
        let end = usize::try_from(width as isize - shift)
            .unwrap_or(0)
            .div_ceil(stride)
            .min(self.spec.output[3]);
        let x = usize::try_from((first * stride) as isize + shift).ok()?;
        (first < end).then_some(TapLine {
            y,
            cols: first..end,
            x,
        })
    }

    fn taps(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let [rows, cols] = self.spec.window.kernel;
        (0..rows).flat_map(move |y| (0..cols).map(move |x| (y * cols + x, y, x)))
    }

    fn clamp_row(&self, row: &mut [f32], start: usize, mask: &mut [u32]) {
        let Some(Clamp { low, high }) = self.spec.clamp else {
            return;
        };
        for (index, chunk) in row.chunks_mut(64).enumerate() {
            let mut bits = 0;
            for (lane, value) in chunk.iter_mut().enumerate() {
                let z = *value;
                bits |= u64::from(z > low && z < high) << lane;
                *value = if z < low {
                    low
                } else if z > high {
                    high
                } else {
                    z
                };
            }
            set_bits(mask, start + 64 * index, bits);
        }
    }
}

impl Kernel for Depthwise {
    fn name(&self) -> &'static str {
        "conv depthwise"
    }

    fn saved_len(&self) -> usize {
        match self.spec.clamp {
            Some(_) => mask_words(self.spec.output.iter().product()),
            None => 0,
        }
    }

    fn constant_bytes(&self) -> usize {
        self.spec.weights.len() * size_of::<f32>()
    }

    fn forward(
        &self,
        inputs: &[&[f32]],
        output: &mut [f32],
        saved: &mut [u32],
        _scratch: &mut [f32],
    ) {
        saved.fill(0);
        let [_, channels, height, width] = self.spec.input;
        let [_, _, rows, cols] = self.spec.output;
        let stride = self.spec.window.strides[1];
        let taps = self.spec.weights.len() / channels;
        let planes = inputs[0].chunks_exact(height * width);
        for (plane, (source, target)) in
            planes.zip(output.chunks_exact_mut(rows * cols)).enumerate()
        {
            let channel = plane % channels;
            let weights = &self.spec.weights[channel * taps..][..taps];
            let bias = self.spec.bias.get(channel).copied().unwrap_or(0.0);
            for (row, line) in target.chunks_exact_mut(cols).enumerate() {
                line.fill(bias);
                for (tap, tap_y, tap_x) in self.taps() {
                    let Some(tap_line) = self.tap_line(row, tap_y, tap_x) else {
                        continue;
                    };
                    let read = &source[tap_line.y * width + tap_line.x..(tap_line.y + 1) * width];
                    let written = &mut line[tap_line.cols];
                    let weight = weights[tap];
                    if stride == 1 {
                        for (target, source) in written.iter_mut().zip(read) {
                            *target += weight * source;
                        }
                    } else {
                        for (target, source) in written.iter_mut().zip(read.iter().step_by(stride))
                        {
                            *target += weight * source;
                        }
                    }
                }
                self.clamp_row(line, (plane * rows + row) * cols, saved);
            }
        }
    }

    fn vjp(&self, _operand: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        if self.spec.clamp.is_some() {
            apply_mask(context.grad_output, context.saved);
        }
        gradient.clear_unless_accumulating();
        let [_, channels, height, width] = self.spec.input;
        let [_, _, rows, cols] = self.spec.output;
        let stride = self.spec.window.strides[1];
        let taps = self.spec.weights.len() / channels;
        let planes = gradient.data.chunks_exact_mut(height * width);
        for (plane, (target, source)) in planes
            .zip(context.grad_output.chunks_exact(rows * cols))
            .enumerate()
        {
            let weights = &self.spec.weights[plane % channels * taps..][..taps];
            for (row, line) in source.chunks_exact(cols).enumerate() {
                for (tap, tap_y, tap_x) in self.taps() {
                    let Some(tap_line) = self.tap_line(row, tap_y, tap_x) else {
                        continue;
                    };
                    let written =
                        &mut target[tap_line.y * width + tap_line.x..(tap_line.y + 1) * width];
                    let read = &line[tap_line.cols];
                    let weight = weights[tap];
                    if stride == 1 {
                        for (target, source) in written.iter_mut().zip(read) {
                            *target += weight * source;
                        }
                    } else {
                        for (target, source) in written.iter_mut().step_by(stride).zip(read) {
                            *target += weight * source;
                        }
                    }
                }
            }
        }
    }
}
