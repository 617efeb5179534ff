//! Direct convolution: an implicit matrix product, whose sources are read where they lie.
//!
//! The gradient of a strided convolution falls into phases, one for each remainder of the input
//! position: the inputs of a phase see the same taps, so each phase is a convolution of the output's
//! gradient with stride 1 (Dumoulin and Visin 2016, arXiv 1603.07285, §4).

use super::ConvSpec;
use super::frame::{Content, Frame};
use crate::ops::product::{Finish, Grid, PackedWeights, Product};
use crate::simd::{LANES, SimdLevel};

/// One pass of a convolution, forward or backward.
#[derive(Debug)]
pub(super) struct Direct {
    level: SimdLevel,
    samples: usize,
    frame: Frame,
    phases: Vec<Phase>,
    target_row: usize,
    target_block: usize,
    /// Whether the phases leave target positions untouched.
    leaves_gaps: bool,
}

/// Target positions that see the same taps, of one group of channels.
#[derive(Debug)]
struct Phase {
    weights: PackedWeights,
    source_offsets: Vec<usize>,
    grid: Grid,
}

/// Channels of one group, in whole blocks: from the first of the whole tensor on.
#[derive(Debug, Clone, Copy)]
struct Group {
    first_in: usize,
    in_blocks: usize,
    first_out: usize,
    out_blocks: usize,
}

impl Direct {
    /// The convolution itself, from blocks, or from plain channels (without groups and horizontal
    /// dilation).
    pub fn forward(spec: &ConvSpec, content: Content, level: SimdLevel) -> Direct {
        let window = &spec.window;
        let [samples, _, height, width] = spec.input;
        let [_, _, rows, cols] = spec.output;
        let reach = |axis: usize, n: usize| {
            (n - 1) * window.strides[axis] + (window.kernel[axis] - 1) * window.dilations[axis] + 1
        };
        let padded = window.pads_begin != [0, 0]
            || reach(0, rows) > height
            || reach(1, cols) > width
            || matches!(content, Content::Pixels(_));
        let frame = Frame {
            content,
            source: [height, width],
            size: if padded {
                [reach(0, rows), reach(1, cols)]
            } else {
                [height, width]
            },
            origin: window.pads_begin.map(|pad| -(pad as isize)),
        };
        let taps: Vec<[usize; 2]> = taps(window.kernel).collect();
        let target_positions = rows * cols;
        let grid = |group: Group| {
            let unit = unit(content);
            Grid {
                size: [samples, rows, cols],
                source_start: group.first_in * frame.size[0] * frame.size[1] * LANES,
                source_steps: [
                    sample_step(&frame),
                    window.strides[0] * frame.size[1] * unit,
                    window.strides[1] * unit,
                ],
                target_start: group.first_out * target_positions * LANES,
                target_steps: [
                    spec.out_blocks() * target_positions * LANES,
                    cols * LANES,
                    LANES,
                ],
            }
        };
        let phases = groups(spec)
            .map(|group| {
                let (weights, source_offsets) = match content {
                    Content::Blocks(_) => {
                        let offsets = offsets(
                            group.in_blocks,
                            &taps,
                            |tap| {
                                (tap[0] * window.dilations[0] * frame.size[1]
                                    + tap[1] * window.dilations[1])
                                    * LANES
                            },
                            &frame,
                        );
                        let weights = PackedWeights::new(
                            level,
                            offsets.len(),
                            group.out_blocks,
                            |source, target| {
                                let (block, lane) = (source / LANES, source % LANES);
                                let channel = (group.first_in + block / taps.len()) * LANES + lane;
                                let tap = taps[block % taps.len()];
                                spec.weight(group.first_out * LANES + target, channel, tap)
                            },
                        );
                        (weights, offsets)
                    }
                    Content::Pixels(channels) => pixel_weights(spec, channels, &frame, level),
                };
                Phase {
                    weights,
                    source_offsets,
                    grid: grid(group),
                }
                .flattened()
            })
            .collect();
        Direct {
            level,
            samples,
            frame,
            phases,
            target_row: spec.out_blocks() * target_positions * LANES,
            target_block: target_positions * LANES,
            leaves_gaps: false,
        }
    }

    /// The gradient of the input from that of the output, both in blocks.
    pub fn backward(spec: &ConvSpec, level: SimdLevel) -> Direct {
        let window = &spec.window;
        let [samples, _, height, width] = spec.input;
        let [_, _, rows, cols] = spec.output;
        let axes = [0, 1].map(|axis| Axis {
            stride: window.strides[axis],
            dilation: window.dilations[axis],
            pad: window.pads_begin[axis],
            kernel: window.kernel[axis],
            len: [height, width][axis],
        });
        // The frame holds every output position that any tap of any input position looks at.
        let spans = [0, 1].map(|axis| axes[axis].span([rows, cols][axis]));
        let frame = Frame {
            content: Content::Blocks(spec.out_blocks()),
            source: [rows, cols],
            size: spans.map(|(first, end)| (end - first) as usize),
            origin: spans.map(|(first, _)| first),
        };
        let mut phases = Vec::new();
        let mut leaves_gaps = false;
        for row_phase in axes[0].phases() {
            for col_phase in axes[1].phases() {
                let taps: Vec<[usize; 2]> = row_phase
                    .taps
                    .iter()
                    .flat_map(|&y| col_phase.taps.iter().map(move |&x| [y, x]))
                    .collect();
                if row_phase.n == 0 || col_phase.n == 0 {
                    continue;
                }
                if taps.is_empty() {
                    leaves_gaps = true;
                    continue;
                }
                // Output position of the phase's first input, by tap, inside the frame.
                let place = |axis: usize, phase: &AxisPhase, tap: usize| {
                    (axes[axis].output_of(phase.first, tap) - frame.origin[axis]) as usize
                };
                for group in groups(spec) {
                    let source_offsets = offsets(
                        group.out_blocks,
                        &taps,
                        |tap| {
                            (place(0, &row_phase, tap[0]) * frame.size[1]
                                + place(1, &col_phase, tap[1]))
                                * LANES
                        },
                        &frame,
                    );
                    let weights = PackedWeights::new(
                        level,
                        source_offsets.len(),
                        group.in_blocks,
                        |source, target| {
                            let (block, lane) = (source / LANES, source % LANES);
                            let channel = (group.first_out + block / taps.len()) * LANES + lane;
                            let tap = taps[block % taps.len()];
                            spec.weight(channel, group.first_in * LANES + target, tap)
                        },
                    );
                    let positions = height * width;
                    let phase = Phase {
                        weights,
                        source_offsets,
                        grid: Grid {
                            size: [samples, row_phase.n, col_phase.n],
                            source_start: group.first_out * frame.size[0] * frame.size[1] * LANES,
                            source_steps: [sample_step(&frame), frame.size[1] * LANES, LANES],
                            target_start: (group.first_in * positions
                                + row_phase.first * width
                                + col_phase.first)
                                * LANES,
                            target_steps: [
                                spec.in_blocks() * positions * LANES,
                                axes[0].stride * width * LANES,
                                axes[1].stride * LANES,
                            ],
                        },
                    };
                    phases.push(phase.flattened());
                }
            }
        }
        Direct {
            level,
            samples,
            frame,
            phases,
            target_row: spec.in_blocks() * height * width * LANES,
            target_block: height * width * LANES,
            leaves_gaps,
        }
    }

    pub fn constant_bytes(&self) -> usize {
        self.phases.iter().map(|phase| phase.weights.bytes()).sum()
    }

    /// Floats of working memory: the frames.
    pub fn scratch_len(&self) -> usize {
        if self.frame.is_source() {
            0
        } else {
            self.samples * self.frame.len()
        }
    }

    /// Whether it can leave out masked lanes of the source by itself.
    pub fn takes_mask(&self) -> bool {
        !self.frame.is_source()
    }

    /// Runs over all samples. `mask` holds a word for sixteen floats of the source, or nothing.
    pub fn run(
        &self,
        source: &[f32],
        mask: &[u16],
        target: &mut [f32],
        accumulate: bool,
        finish: Finish<'_>,
        scratch: &mut [f32],
    ) {
        let source = if self.frame.is_source() {
            source
        } else {
            let frames = scratch.chunks_exact_mut(self.frame.len());
            let source_len = self.frame.source_len();
            let samples = source.chunks_exact(source_len);
            for (index, (sample, frame)) in samples.zip(frames).enumerate() {
                let words = source_len / LANES;
                let mask = mask.get(index * words..(index + 1) * words);
                self.frame
                    .fill(self.level, sample, mask.unwrap_or_default(), frame);
            }
            &scratch[..self.samples * self.frame.len()]
        };
        let target = &mut target[..self.samples * self.target_row];
        if self.leaves_gaps && !accumulate {
            target.fill(0.0);
        }
        let Finish {
            bias,
            addend,
            clamp,
            mask,
        } = finish;
        for phase in &self.phases {
            let first_block = phase.grid.target_start / self.target_block.max(1);
            Product {
                weights: &phase.weights,
                source_offsets: &phase.source_offsets,
                source,
                grid: phase.grid,
                target,
                target_block: self.target_block,
                accumulate,
                finish: Finish {
                    bias: bias.get(first_block..).unwrap_or_default(),
                    addend,
                    clamp,
                    mask,
                },
            }
            .run();
        }
    }
}

/// Floats from one column of a frame to the next.
fn unit(content: Content) -> usize {
    match content {
        Content::Blocks(_) => LANES,
        Content::Pixels(channels) => channels,
    }
}

/// Floats from one sample to the next.
fn sample_step(frame: &Frame) -> usize {
    if frame.is_source() {
        frame.source_len()
    } else {
        frame.len()
    }
}

fn taps(kernel: [usize; 2]) -> impl Iterator<Item = [usize; 2]> {
    (0..kernel[0]).flat_map(move |y| (0..kernel[1]).map(move |x| [y, x]))
}

/// Where the source blocks of a position lie, block by block and tap by tap.
fn offsets(
    blocks: usize,
    taps: &[[usize; 2]],
    of_tap: impl Fn([usize; 2]) -> usize,
    frame: &Frame,
) -> Vec<usize> {
    let plane = frame.size[0] * frame.size[1] * LANES;
    (0..blocks)
        .flat_map(|block| taps.iter().map(move |&tap| (block, tap)))
        .map(|(block, tap)| block * plane + of_tap(tap))
        .collect()
}

/// Groups of channels merged until they are whole blocks.
fn groups(spec: &ConvSpec) -> impl Iterator<Item = Group> + use<> {
    let (own_in, own_out) = (spec.input[1] / spec.groups, spec.output[1] / spec.groups);
    let merged = (1..=spec.groups)
        .find(|&n| {
            let whole_blocks = |own: usize| (n * own).is_multiple_of(LANES);
            spec.groups.is_multiple_of(n) && whole_blocks(own_in) && whole_blocks(own_out)
        })
        .unwrap_or(spec.groups);
    let (in_blocks, out_blocks) = (
        (merged * own_in).div_ceil(LANES),
        (merged * own_out).div_ceil(LANES),
    );
    (0..spec.groups / merged).map(move |index| Group {
        first_in: index * in_blocks,
        in_blocks,
        first_out: index * out_blocks,
        out_blocks,
    })
}

/// Weights for sources whose channels lie side by side: the taps of a row are one run of floats.
fn pixel_weights(
    spec: &ConvSpec,
    channels: usize,
    frame: &Frame,
    level: SimdLevel,
) -> (PackedWeights, Vec<usize>) {
    let [kernel_h, kernel_w] = spec.window.kernel;
    let run_blocks = (kernel_w * channels).div_ceil(LANES);
    let offsets: Vec<usize> = (0..kernel_h)
        .flat_map(|y| (0..run_blocks).map(move |block| (y, block)))
        .map(|(y, block)| y * spec.window.dilations[0] * frame.size[1] * channels + block * LANES)
        .collect();
    let weights = PackedWeights::new(level, offsets.len(), spec.out_blocks(), |source, target| {
        let (y, place) = (source / (run_blocks * LANES), source % (run_blocks * LANES));
        let (x, channel) = (place / channels, place % channels);
        if x < kernel_w {
            spec.weight(target, channel, [y, x])
        } else {
            0.0
        }
    });
    (weights, offsets)
}

impl Phase {
    /// One long row where rows follow each other without a gap, on both sides.
    fn flattened(mut self) -> Phase {
        let [samples, rows, cols] = self.grid.size;
        let gapless = |steps: [usize; 3]| steps[1] == cols * steps[2];
        if gapless(self.grid.source_steps) && gapless(self.grid.target_steps) {
            self.grid.size = [samples, 1, rows * cols];
        }
        self
    }
}

/// The backward pass along one axis.
struct Axis {
    stride: usize,
    dilation: usize,
    pad: usize,
    kernel: usize,
    /// Input positions.
    len: usize,
}

/// Input positions first, first + stride, … with the taps that see them.
struct AxisPhase {
    first: usize,
    n: usize,
    taps: Vec<usize>,
}

impl Axis {
    fn phases(&self) -> Vec<AxisPhase> {
        (0..self.stride)
            .map(|first| AxisPhase {
                first,
                n: self.len.saturating_sub(first).div_ceil(self.stride),
                taps: (0..self.kernel)
                    .filter(|tap| {
                        let distance = self.distance(first, *tap);
                        distance.rem_euclid(self.stride as isize) == 0
                    })
                    .collect(),
            })
            .collect()
    }

    fn distance(&self, input: usize, tap: usize) -> isize {
        (input + self.pad) as isize - (tap * self.dilation) as isize
    }

    /// The output position whose tap looks at an input position.
    fn output_of(&self, input: usize, tap: usize) -> isize {
        self.distance(input, tap).div_euclid(self.stride as isize)
    }

    /// Output positions, from first to one past last, that the taps of all inputs ask for, and at
    /// least those that exist where strides leave none out.
    fn span(&self, outputs: usize) -> (isize, isize) {
        let mut span: Option<(isize, isize)> = None;
        for phase in self.phases().iter().filter(|phase| phase.n > 0) {
            for &tap in &phase.taps {
                let first = self.output_of(phase.first, tap);
                let last = first + phase.n as isize - 1;
                let (low, high) = span.unwrap_or((first, last + 1));
                span = Some((low.min(first), high.max(last + 1)));
            }
        }
        let (first, end) = span.unwrap_or((0, 1));
        // Where only existing outputs are asked for, the gradient serves as it is.
        if first >= 0 && end <= outputs as isize {
            (0, outputs as isize)
        } else {
            (first, end)
        }
    }
}
