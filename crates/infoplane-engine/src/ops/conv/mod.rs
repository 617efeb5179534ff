//! Convolution of blocked tensors ([`crate::Layout`]): by Winograd's minimal filtering, as an implicit
//! matrix product, or depthwise.
//!
//! Batch normalisation, the addition of another tensor and a clamping activation that follow are part of
//! the kernel.

mod depthwise;
mod direct;
mod frame;
#[cfg(test)]
mod tests;
mod winograd;

use infoplane_graph::{Operation, Window2d};

use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};
use crate::layout::Layout;
use crate::mask::{apply_mask, lane_words, mask_words, pass_masked};
use crate::ops::product::{Clamp, Finish};
use crate::ops::reorder::InPlainOrder;
use crate::simd::{LANES, Lanes, SimdLevel};
use depthwise::Depthwise;
use direct::Direct;
use frame::Content;
use winograd::{TileSize, Winograd};

/// Channels below which the forward pass keeps to small Winograd tiles.
const FEW_CHANNELS: usize = 64;

/// How the caller wants convolutions done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConvOptions {
    pub level: SimdLevel,
    /// No Winograd.
    pub exact: bool,
}

/// A convolution before a kernel is chosen for it.
#[derive(Debug, Clone)]
pub(crate) struct ConvSpec {
    /// Samples, channels, height, width.
    pub input: [usize; 4],
    /// Samples, channels, height, width.
    pub output: [usize; 4],
    pub window: Window2d,
    pub groups: usize,
    /// `[output channels, input channels / groups, kernel height, kernel width]`
    pub weights: Vec<f32>,
    /// One an output channel; empty for none.
    pub bias: Vec<f32>,
    pub clamp: Option<Clamp>,
    /// Whether a second operand is added before the clamp.
    pub addend: bool,
    /// Whether the first operand is plain instead of blocked.
    pub plain_input: bool,
}

/// Height 1 for a one-dimensional map.
fn as_image(shape: &[usize]) -> Option<[usize; 4]> {
    match *shape {
        [samples, channels, width] => Some([samples, channels, 1, width]),
        [samples, channels, height, width] => Some([samples, channels, height, width]),
        _ => None,
    }
}

impl ConvSpec {
    /// From a resolved convolution with constant weights.
    pub fn new(
        operation: &Operation,
        operands: &[Operand],
        output_shape: &[usize],
    ) -> Result<ConvSpec, EngineError> {
        let unsupported = |detail: &str| EngineError::unsupported("Conv", detail);
        let Operation::Conv { window, groups } = operation else {
            return Err(unsupported("not a convolution"));
        };
        let (input, output) = operands
            .first()
            .and_then(|operand| as_image(&operand.shape))
            .zip(as_image(output_shape))
            .ok_or_else(|| unsupported("one or two spatial axes are supported"))?;
        let constant = |position: usize| {
            operands
                .get(position)
                .map(|operand| {
                    operand
                        .constant
                        .as_deref()
                        .ok_or_else(|| unsupported("weights that depend on the input"))
                })
                .transpose()
        };
        let weights = constant(1)?.unwrap_or_default().to_vec();
        let bias = constant(2)?.unwrap_or_default().to_vec();
        let taps = window.kernel[0] * window.kernel[1];
        let fits = *groups > 0
            && weights.len() * groups == output[1] * input[1] * taps
            && (bias.is_empty() || bias.len() == output[1]);
        if !fits {
            return Err(unsupported(
                "weights or bias of another shape than declared",
            ));
        }
        Ok(ConvSpec {
            input,
            output,
            window: *window,
            groups: *groups,
            weights,
            bias,
            clamp: None,
            addend: false,
            plain_input: false,
        })
    }

    /// Whether there is a kernel that reads the input in plain order.
    pub fn takes_plain_input(&self) -> bool {
        self.input[1] < LANES / 2 && self.groups == 1 && self.window.dilations[1] == 1
    }

    fn in_blocks(&self) -> usize {
        self.input[1].div_ceil(LANES)
    }

    fn out_blocks(&self) -> usize {
        self.output[1].div_ceil(LANES)
    }

    /// The weight of an output channel, an input channel and a tap; 0 where there is none, as between
    /// groups and in the padding of blocks.
    fn weight(&self, out: usize, channel: usize, [y, x]: [usize; 2]) -> f32 {
        let (group_in, group_out) = (self.input[1] / self.groups, self.output[1] / self.groups);
        if out >= self.output[1]
            || channel >= self.input[1]
            || out / group_out != channel / group_in
        {
            return 0.0;
        }
        let [kernel_h, kernel_w] = self.window.kernel;
        self.weights[((out * group_in + channel % group_in) * kernel_h + y) * kernel_w + x]
    }

    /// One vector for every block of output channels; empty without a bias.
    fn bias_blocks(&self) -> Vec<Lanes> {
        self.bias
            .chunks(LANES)
            .map(|values| {
                let mut block = [0.0; LANES];
                block[..values.len()].copy_from_slice(values);
                block
            })
            .collect()
    }

    /// The side of Winograd's tiles for a result of this height and width, where it pays.
    fn winograd_tile(&self, result: [usize; 4]) -> Option<TileSize> {
        let window = &self.window;
        let fits = window.kernel == [3, 3]
            && window.strides == [1, 1]
            && window.dilations == [1, 1]
            && self.groups == 1
            && window.pads_begin.iter().all(|&pad| pad <= 2);
        let smallest = result[2].min(result[3]);
        match smallest {
            _ if !fits => None,
            0..4 => None,
            4..10 => Some(TileSize::Two),
            _ => Some(TileSize::Four),
        }
    }

    /// As [`ConvSpec::winograd_tile`] for the forward pass. Its rounding errors move units across their
    /// kinks, and gradients jump there; those of the backward pass stay as small as they are. So large
    /// tiles are taken only where there are enough channels for them to gain much.
    fn winograd_tile_forward(&self) -> Option<TileSize> {
        let few = self.input[1].min(self.output[1]) < FEW_CHANNELS;
        match self.winograd_tile(self.output) {
            Some(TileSize::Four) if few => Some(TileSize::Two),
            tile => tile,
        }
    }

    /// Folds what follows, y·scale + shift by channel, into weights and bias.
    pub fn fold_scale_and_shift(&mut self, scale: &[f32], shift: &[f32]) {
        let taps = self.weights.len() / self.output[1];
        for (weights, scale) in self.weights.chunks_exact_mut(taps).zip(scale) {
            for weight in weights {
                *weight *= scale;
            }
        }
        self.bias.resize(self.output[1], 0.0);
        for ((bias, scale), shift) in self.bias.iter_mut().zip(scale).zip(shift) {
            *bias = *bias * scale + shift;
        }
    }

    /// The affine part for one row.
    pub fn affine_for_one_row(&self) -> ConvSpec {
        let one = |[_, channels, height, width]: [usize; 4]| [1, channels, height, width];
        ConvSpec {
            input: one(self.input),
            output: one(self.output),
            clamp: None,
            ..self.clone()
        }
    }

    /// Builds the kernel that suits it. Its result is blocked, and so are its operands but for a
    /// `plain_input`.
    pub fn build(self, options: ConvOptions) -> Box<dyn Kernel> {
        let ConvOptions { level, exact } = options;
        if self.groups > 1 && self.groups == self.input[1] && self.groups == self.output[1] {
            let depthwise = Depthwise::new(&self, level);
            return Box::new(Conv::new(self, Method::Depthwise(depthwise), None));
        }
        if self.plain_input {
            let forward = Direct::forward(&self, Content::Pixels(self.input[1]), level);
            let backward = Direct::backward(&self, level);
            return Box::new(Conv::new(
                self,
                Method::Direct(forward),
                Some(Method::Direct(backward)),
            ));
        }
        let forward = match self.winograd_tile_forward().filter(|_| !exact) {
            Some(tile) => Method::Winograd(Winograd::forward(&self, tile, level)),
            None => {
                let content = Content::Blocks(self.in_blocks());
                Method::Direct(Direct::forward(&self, content, level))
            }
        };
        let backward = match self.winograd_tile(self.input).filter(|_| !exact) {
            Some(tile) => Method::Winograd(Winograd::backward(&self, tile, level)),
            None => Method::Direct(Direct::backward(&self, level)),
        };
        Box::new(Conv::new(self, forward, Some(backward)))
    }
}

impl ConvSpec {
    /// As [`ConvSpec::build`], for plain tensors.
    pub fn build_plain(self, options: ConvOptions) -> Box<dyn Kernel> {
        let layout = |shape: [usize; 4]| Layout::blocked(shape[1], shape[2] * shape[3]);
        Box::new(InPlainOrder {
            input: layout(self.input),
            output: layout(self.output),
            samples: self.input[0],
            kernel: ConvSpec {
                plain_input: false,
                ..self
            }
            .build(options),
        })
    }
}

/// One pass, forward or backward.
enum Method {
    Direct(Direct),
    Winograd(Winograd),
    /// Both passes.
    Depthwise(Depthwise),
}

impl Method {
    fn constant_bytes(&self) -> usize {
        match self {
            Method::Direct(direct) => direct.constant_bytes(),
            Method::Winograd(winograd) => winograd.constant_bytes(),
            Method::Depthwise(depthwise) => depthwise.constant_bytes(),
        }
    }

    fn scratch_len(&self) -> usize {
        match self {
            Method::Direct(direct) => direct.scratch_len(),
            Method::Winograd(winograd) => winograd.scratch_len(),
            Method::Depthwise(_) => 0,
        }
    }

    /// Whether it leaves out masked lanes of its source by itself.
    fn takes_mask(&self) -> bool {
        match self {
            Method::Direct(direct) => direct.takes_mask(),
            Method::Winograd(_) | Method::Depthwise(_) => true,
        }
    }
}

struct Conv {
    name: &'static str,
    forward: Method,
    /// None where the forward method does both.
    backward: Option<Method>,
    /// Order of one row of the input, where it is plain.
    plain_input: Option<Layout>,
    samples: usize,
    /// Floats of all rows of the result.
    output_len: usize,
    bias: Vec<Lanes>,
    clamp: Option<Clamp>,
    addend: bool,
}

impl Conv {
    fn new(spec: ConvSpec, forward: Method, backward: Option<Method>) -> Conv {
        let pointwise = spec.window.kernel == [1, 1] && spec.groups == 1;
        let name = match (&forward, spec.addend) {
            (Method::Depthwise(_), false) => "conv depthwise",
            (Method::Depthwise(_), true) => "conv depthwise + add",
            (Method::Winograd(_), false) => "conv winograd",
            (Method::Winograd(_), true) => "conv winograd + add",
            (Method::Direct(_), _) if spec.plain_input => "conv of pixels",
            (Method::Direct(_), false) if pointwise => "conv 1x1",
            (Method::Direct(_), true) if pointwise => "conv 1x1 + add",
            (Method::Direct(_), false) => "conv implicit gemm",
            (Method::Direct(_), true) => "conv implicit gemm + add",
        };
        let positions = |shape: [usize; 4]| shape[2] * shape[3];
        Conv {
            name,
            samples: spec.output[0],
            plain_input: spec
                .plain_input
                .then(|| Layout::blocked(spec.input[1], positions(spec.input))),
            output_len: spec.output[0] * spec.out_blocks() * positions(spec.output) * LANES,
            bias: spec.bias_blocks(),
            clamp: spec.clamp,
            addend: spec.addend,
            forward,
            backward,
        }
    }

    /// Floats of all rows of the blocked input, where it has to be made.
    fn blocked_input_len(&self) -> usize {
        self.plain_input
            .map_or(0, |layout| self.samples * layout.row_len())
    }
}

impl Kernel for Conv {
    fn name(&self) -> &'static str {
        self.name
    }

    fn saved_len(&self) -> usize {
        match self.clamp {
            Some(_) => mask_words(self.output_len),
            None => 0,
        }
    }

    fn scratch_len(&self) -> usize {
        let backward = self.backward.as_ref().map_or(0, Method::scratch_len);
        self.forward
            .scratch_len()
            .max(backward + self.blocked_input_len())
    }

    fn constant_bytes(&self) -> usize {
        let backward = self.backward.as_ref().map_or(0, Method::constant_bytes);
        self.forward.constant_bytes() + backward
    }

    fn passes_gradient_to(&self) -> Option<usize> {
        self.addend.then_some(1)
    }

    fn forward(
        &self,
        inputs: &[&[f32]],
        output: &mut [f32],
        saved: &mut [u32],
        scratch: &mut [f32],
    ) {
        let finish = Finish {
            bias: &self.bias,
            addend: inputs.get(1).copied(),
            clamp: self.clamp,
            mask: bytemuck::cast_slice_mut(saved),
        };
        match &self.forward {
            Method::Direct(direct) => direct.run(inputs[0], &[], output, false, finish, scratch),
            Method::Winograd(winograd) => {
                winograd.run(inputs[0], &[], output, false, finish, scratch);
            }
            Method::Depthwise(depthwise) => depthwise.forward(inputs[0], output, finish),
        }
    }

    fn vjp(&self, operand: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let mask = lane_words(context.saved);
        if operand == 1 {
            // That of the result where the clamp let it pass.
            return pass_masked(
                context.grad_output,
                mask,
                gradient.data,
                gradient.accumulate,
            );
        }
        let method = self.backward.as_ref().unwrap_or(&self.forward);
        // With an addend the masked gradient is wanted once more.
        let mask = if self.clamp.is_none() || (method.takes_mask() && !self.addend) {
            mask
        } else {
            apply_mask(context.grad_output, context.saved);
            &[]
        };
        let Gradient { data, accumulate } = gradient;
        let (blocked, scratch) = context.scratch.split_at_mut(self.blocked_input_len());
        let (target, to_blocked) = match self.plain_input {
            Some(_) => (&mut *blocked, true),
            None => (&mut *data, false),
        };
        let accumulate_there = accumulate && !to_blocked;
        let source = &*context.grad_output;
        let finish = Finish::nothing();
        match method {
            Method::Direct(direct) => {
                direct.run(source, mask, target, accumulate_there, finish, scratch);
            }
            Method::Winograd(winograd) => {
                winograd.run(source, mask, target, accumulate_there, finish, scratch);
            }
            Method::Depthwise(depthwise) => {
                depthwise.backward(source, mask, target, accumulate_there);
            }
        }
        if let Some(layout) = self.plain_input {
            let rows = blocked.chunks_exact(layout.row_len());
            let plain_len = layout.channels * layout.positions;
            for (plain, row) in data.chunks_exact_mut(plain_len).zip(rows) {
                layout.put_plain(row, plain, accumulate);
            }
        }
    }
}
