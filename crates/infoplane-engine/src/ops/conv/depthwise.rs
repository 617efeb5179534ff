//! Depthwise convolution: each channel with its own small window, sixteen channels at a time.

use infoplane_graph::Window2d;

use super::ConvSpec;
use crate::ops::product::Finish;
use crate::simd::{Job, LANES, Lanes, Simd, SimdLevel, dispatch};

/// Outputs that are computed side by side, so that they share the loads of the weights.
const RUN: usize = 7;

/// Both passes of a depthwise convolution.
#[derive(Debug)]
pub(super) struct Depthwise {
    level: SimdLevel,
    window: Window2d,
    /// Height and width.
    input: [usize; 2],
    output: [usize; 2],
    blocks: usize,
    /// For each block and tap.
    weights: Vec<Lanes>,
}

impl Depthwise {
    pub fn new(spec: &ConvSpec, level: SimdLevel) -> Depthwise {
        let [kernel_h, kernel_w] = spec.window.kernel;
        let weights = (0..spec.out_blocks())
            .flat_map(|block| {
                (0..kernel_h * kernel_w).map(move |tap| {
                    std::array::from_fn(|lane| {
                        let channel = block * LANES + lane;
                        spec.weight(channel, channel, [tap / kernel_w, tap % kernel_w])
                    })
                })
            })
            .collect();
        Depthwise {
            level,
            window: spec.window,
            input: [spec.input[2], spec.input[3]],
            output: [spec.output[2], spec.output[3]],
            blocks: spec.out_blocks(),
            weights,
        }
    }

    pub fn constant_bytes(&self) -> usize {
        size_of_val(self.weights.as_slice())
    }

    /// All planes of all samples.
    pub fn forward(&self, source: &[f32], target: &mut [f32], finish: Finish<'_>) {
        dispatch(
            self.level,
            Forward {
                depthwise: self,
                source: source.as_chunks().0,
                target: target.as_chunks_mut().0,
                finish,
            },
        );
    }

    /// The gradient of the input, from that of the output where `mask` lets it pass.
    pub fn backward(&self, source: &[f32], mask: &[u16], target: &mut [f32], accumulate: bool) {
        dispatch(
            self.level,
            Backward {
                depthwise: self,
                source: source.as_chunks().0,
                mask,
                target: target.as_chunks_mut().0,
                accumulate,
            },
        );
    }

    /// The input's index along an axis that a tap of an output looks at.
    #[inline(always)]
    fn input_of(&self, axis: usize, output: usize, tap: usize) -> Option<usize> {
        (output * self.window.strides[axis] + tap * self.window.dilations[axis])
            .checked_sub(self.window.pads_begin[axis])
            .filter(|&place| place < self.input[axis])
    }

    /// The output's index along an axis whose tap looks at an input.
    #[inline(always)]
    fn output_of(&self, axis: usize, input: usize, tap: usize) -> Option<usize> {
        let distance = (input + self.window.pads_begin[axis])
            .checked_sub(tap * self.window.dilations[axis])?;
        let stride = self.window.strides[axis];
        // A stride of 1 or 2 needs no division.
        let (place, rest) = match stride {
            1 => (distance, 0),
            2 => (distance / 2, distance % 2),
            _ => (distance / stride, distance % stride),
        };
        (rest == 0 && place < self.output[axis]).then_some(place)
    }

    /// Outputs of a row whose taps all lie inside the input's columns.
    fn inner_cols(&self) -> std::ops::Range<usize> {
        let stride = self.window.strides[1];
        let reach = (self.window.kernel[1] - 1) * self.window.dilations[1];
        let start = self.window.pads_begin[1].div_ceil(stride);
        let end = (self.input[1] + self.window.pads_begin[1])
            .checked_sub(reach)
            .map_or(0, |room| room.div_ceil(stride))
            .min(self.output[1]);
        start.min(end)..end
    }
}

struct Forward<'a> {
    depthwise: &'a Depthwise,
    source: &'a [Lanes],
    target: &'a mut [Lanes],
    finish: Finish<'a>,
}

impl Job for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let own = self.depthwise;
        let [rows, cols] = own.output;
        let inner = own.inner_cols();
        let planes = self.target.len() / (rows * cols).max(1);
        for plane in 0..planes {
            for row in 0..rows {
                for col in (0..inner.start).chain(inner.end..cols) {
                    self.edge(simd, plane, row, col);
                }
                let mut col = inner.start;
                while col + RUN <= inner.end {
                    self.inner::<S, RUN>(simd, plane, row, col);
                    col += RUN;
                }
                while col < inner.end {
                    self.inner::<S, 1>(simd, plane, row, col);
                    col += 1;
                }
            }
        }
    }
}

impl Forward<'_> {
    /// `R` outputs side by side whose taps lie inside the columns.
    #[inline(always)]
    fn inner<S: Simd, const R: usize>(&mut self, simd: S, plane: usize, row: usize, col: usize) {
        let own = self.depthwise;
        let [height, width] = own.input;
        let [kernel_h, kernel_w] = own.window.kernel;
        let (stride, dilation) = (own.window.strides[1], own.window.dilations[1]);
        let block = plane % own.blocks;
        let mut sums = [simd.splat(0.0); R];
        for tap_y in 0..kernel_h {
            let Some(y) = own.input_of(0, row, tap_y) else {
                continue;
            };
            let first = (plane * height + y) * width + col * stride - own.window.pads_begin[1];
            let weights = &own.weights[(block * kernel_h + tap_y) * kernel_w..][..kernel_w];
            for (tap_x, weight) in weights.iter().enumerate() {
                let weight = simd.load(weight);
                let line = &self.source[first + tap_x * dilation..][..(R - 1) * stride + 1];
                for (slot, sum) in sums.iter_mut().enumerate() {
                    *sum = simd.mul_add(weight, simd.load(&line[slot * stride]), *sum);
                }
            }
        }
        let [rows, cols] = own.output;
        let at = (plane * rows + row) * cols + col;
        for (slot, &sum) in sums.iter().enumerate() {
            let value = self.finish.apply(simd, block, (at + slot) * LANES, sum);
            simd.store(value, &mut self.target[at + slot]);
        }
    }

    /// One output at the edge of a row.
    #[inline(always)]
    fn edge<S: Simd>(&mut self, simd: S, plane: usize, row: usize, col: usize) {
        let own = self.depthwise;
        let [height, width] = own.input;
        let [kernel_h, kernel_w] = own.window.kernel;
        let block = plane % own.blocks;
        let mut sum = simd.splat(0.0);
        for tap_y in 0..kernel_h {
            let Some(y) = own.input_of(0, row, tap_y) else {
                continue;
            };
            for tap_x in 0..kernel_w {
                if let Some(x) = own.input_of(1, col, tap_x) {
                    let weight = &own.weights[(block * kernel_h + tap_y) * kernel_w + tap_x];
                    let value = simd.load(&self.source[(plane * height + y) * width + x]);
                    sum = simd.mul_add(simd.load(weight), value, sum);
                }
            }
        }
        let [rows, cols] = own.output;
        let at = (plane * rows + row) * cols + col;
        let value = self.finish.apply(simd, block, at * LANES, sum);
        simd.store(value, &mut self.target[at]);
    }
}

struct Backward<'a> {
    depthwise: &'a Depthwise,
    source: &'a [Lanes],
    mask: &'a [u16],
    target: &'a mut [Lanes],
    accumulate: bool,
}

impl Job for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let own = self.depthwise;
        let [height, width] = own.input;
        let [rows, cols] = own.output;
        let [kernel_h, kernel_w] = own.window.kernel;
        let planes = self.target.chunks_exact_mut((height * width).max(1));
        for (plane, target) in planes.enumerate() {
            let weights =
                &own.weights[plane % own.blocks * kernel_h * kernel_w..][..kernel_h * kernel_w];
            for (y, line) in target.chunks_exact_mut(width).enumerate() {
                for (x, slot) in line.iter_mut().enumerate() {
                    let mut sum = simd.splat(0.0);
                    for tap_y in 0..kernel_h {
                        let Some(row) = own.output_of(0, y, tap_y) else {
                            continue;
                        };
                        for tap_x in 0..kernel_w {
                            let Some(col) = own.output_of(1, x, tap_x) else {
                                continue;
                            };
                            let at = (plane * rows + row) * cols + col;
                            let mut value = simd.load(&self.source[at]);
                            if let Some(&mask) = self.mask.get(at) {
                                value = simd.keep(mask, value);
                            }
                            let weight = simd.load(&weights[tap_y * kernel_w + tap_x]);
                            sum = simd.mul_add(weight, value, sum);
                        }
                    }
                    if self.accumulate {
                        sum = simd.add(sum, simd.load(slot));
                    }
                    simd.store(sum, slot);
                }
            }
        }
    }
}
