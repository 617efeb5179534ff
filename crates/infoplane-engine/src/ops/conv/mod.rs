//! Convolution: a matrix product of packed weights with columns that are cut from the image on the
//! fly, and a direct form for depthwise convolution.
//!
//! Batch normalisation and a clamping activation that follow are part of the kernel.

mod depthwise;
mod panels;
mod product;
#[cfg(test)]
mod tests;

use infoplane_graph::{Operation, Window2d};

pub(crate) use product::Clamp;

use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};
use crate::mask::{apply_mask, mask_words};
use crate::simd::SimdLevel;
use panels::{Geometry, Panels};
use product::{PackedRows, Product, Scatter, Store};

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
        })
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

    /// Builds the kernel that suits it.
    pub fn build(self, level: SimdLevel) -> Box<dyn Kernel> {
        if self.groups > 1 && self.groups == self.input[1] && self.groups == self.output[1] {
            return Box::new(depthwise::Depthwise::new(self));
        }
        Box::new(ConvProduct::new(self, level))
    }
}

/// Convolution as one product a group and direction.
struct ConvProduct {
    name: &'static str,
    forward: Vec<Product>,
    backward: Vec<Product>,
    /// Set where the backward product is scattered: the forward image side.
    scatter: Option<Geometry>,
    input: [usize; 4],
    output: [usize; 4],
    /// Runs of whole samples: of the output, and of the input.
    store_output: Panels,
    store_input: Panels,
    /// Rows of the output, for scattering.
    output_rows: Panels,
    bias: Vec<f32>,
    clamp: Option<Clamp>,
}

impl ConvProduct {
    fn new(spec: ConvSpec, level: SimdLevel) -> ConvProduct {
        let ConvSpec {
            input,
            output,
            window,
            groups,
            weights,
            bias,
            clamp,
        } = spec;
        let (_, width) = level.tile_shape();
        let taps = window.kernel[0] * window.kernel[1];
        let (group_in, group_out) = (input[1] / groups, output[1] / groups);
        let weight = |group: usize, row: usize, channel: usize, tap: usize| {
            weights[((group * group_out + row) * group_in + channel) * taps + tap]
        };

        let image = Geometry::forward(input, [output[2], output[3]], &window);
        let forward = (0..groups)
            .map(|group| {
                let rows = PackedRows::new(level, group_out, group_in * taps, |row, col| {
                    weight(group, row, col / taps, col % taps)
                });
                Product::new(rows, image, group * group_in)
            })
            .collect();

        let strided = window.strides != [1, 1];
        let backward = (0..groups)
            .map(|group| {
                let rows = if strided {
                    PackedRows::new(level, group_in * taps, group_out, |row, col| {
                        weight(group, col, row / taps, row % taps)
                    })
                } else {
                    PackedRows::new(level, group_in, group_out * taps, |row, col| {
                        weight(group, col / taps, row, taps - 1 - col % taps)
                    })
                };
                let gradient = if strided {
                    Geometry::pointwise(output)
                } else {
                    Geometry::transposed(output, [input[2], input[3]], &window)
                };
                Product::new(rows, gradient, group * group_out)
            })
            .collect();

        let pointwise = taps == 1 && !strided;
        ConvProduct {
            name: match (pointwise, groups) {
                (true, 1) => "conv 1x1",
                (false, 1) => "conv implicit gemm",
                _ => "conv grouped gemm",
            },
            forward,
            backward,
            scatter: strided.then_some(image),
            input,
            output,
            store_output: Panels::new(output[0], 1, output[2] * output[3], width),
            store_input: Panels::new(input[0], 1, input[2] * input[3], width),
            output_rows: Panels::new(output[0], output[2], output[3], width),
            bias,
            clamp,
        }
    }
}

impl Kernel for ConvProduct {
    fn name(&self) -> &'static str {
        self.name
    }

    fn saved_len(&self) -> usize {
        match self.clamp {
            Some(_) => mask_words(self.output.iter().product()),
            None => 0,
        }
    }

    fn scratch_len(&self) -> usize {
        let products = self.forward.iter().chain(&self.backward);
        products.map(Product::scratch_len).max().unwrap_or(0)
    }

    fn constant_bytes(&self) -> usize {
        let products = self.forward.iter().chain(&self.backward);
        products.map(|product| product.rows.bytes()).sum()
    }

    fn forward(
        &self,
        inputs: &[&[f32]],
        output: &mut [f32],
        saved: &mut [u32],
        scratch: &mut [f32],
    ) {
        saved.fill(0);
        let group_out = self.output[1] / self.forward.len();
        for (group, product) in self.forward.iter().enumerate() {
            let first_channel = group * group_out;
            let bias = self.bias.get(first_channel..).unwrap_or_default();
            let mut store = Store {
                target: output,
                panels: &self.store_output,
                channels: self.output[1],
                first_channel,
                positions: self.output[2] * self.output[3],
                bias,
                clamp: self.clamp,
                mask: saved,
                accumulate: false,
            };
            product.run(inputs[0], scratch, &mut store);
        }
    }

    fn vjp(&self, _operand: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        if self.clamp.is_some() {
            apply_mask(context.grad_output, context.saved);
        }
        let group_in = self.input[1] / self.backward.len();
        if self.scatter.is_some() {
            gradient.clear_unless_accumulating();
        }
        for (group, product) in self.backward.iter().enumerate() {
            let first_channel = group * group_in;
            match &self.scatter {
                Some(geometry) => product.run(
                    context.grad_output,
                    context.scratch,
                    &mut Scatter {
                        target: gradient.data,
                        geometry,
                        panels: &self.output_rows,
                        first_channel,
                    },
                ),
                None => product.run(
                    context.grad_output,
                    context.scratch,
                    &mut Store {
                        target: gradient.data,
                        panels: &self.store_input,
                        channels: self.input[1],
                        first_channel,
                        positions: self.input[2] * self.input[3],
                        bias: &[],
                        clamp: None,
                        mask: &mut [],
                        accumulate: gradient.accumulate,
                    },
                ),
            }
        }
    }
}
