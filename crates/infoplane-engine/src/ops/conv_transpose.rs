//! Transposed convolution: both passes of a convolution with their roles exchanged.

use infoplane_graph::{Operation, Window2d};

use super::conv::{ConvOptions, ConvSpec};
use super::operands::{constant, runtime};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};
use crate::simd::SimdLevel;

/// Builds the kernel of a transposed convolution; operands x, constant weights `[C, M/groups, kh, kw]`
/// and, optionally, a constant bias `[M]`. `window` is that of the convolution from the result to x.
pub(crate) fn build(
    operator: &'static str,
    window: &Window2d,
    groups: usize,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let shape = runtime(operator, operands, 0)?;
    let unsupported = |detail: String| EngineError::unsupported(operator, detail);
    let misfit = || unsupported(format!("{window:?} from {shape:?} to {output_shape:?}"));
    let &channels = output_shape.get(1).ok_or_else(misfit)?;
    let bias = match operands.len() {
        2 => Vec::new(),
        _ => constant(operator, operands, 2)?.to_vec(),
    };
    if !bias.is_empty() && bias.len() != channels {
        let detail = format!("a bias of {} elements for {channels} channels", bias.len());
        return Err(unsupported(detail));
    }
    if shape.contains(&0) || output_shape.contains(&0) || shape.first() != output_shape.first() {
        return Err(misfit());
    }
    constant(operator, operands, 1)?;
    let convolved = Operand {
        shape: output_shape.to_vec(),
        constant: None,
    };
    let operation = Operation::Conv {
        window: *window,
        groups,
    };
    let spec = ConvSpec::new(&operation, &[convolved, operands[1].clone()], shape)?;
    Ok(Box::new(ConvTranspose {
        conv: spec.build_plain(ConvOptions {
            level: SimdLevel::current(),
            exact: true,
        }),
        bias,
        input_len: shape.iter().product(),
        positions: output_shape[2..].iter().product(),
    }))
}

struct ConvTranspose {
    /// From the result to the operand.
    conv: Box<dyn Kernel>,
    /// By channel; empty for none.
    bias: Vec<f32>,
    input_len: usize,
    /// Elements of one channel of one sample of the result.
    positions: usize,
}

impl Kernel for ConvTranspose {
    fn name(&self) -> &'static str {
        "conv transpose"
    }

    fn scratch_len(&self) -> usize {
        self.input_len + self.conv.scratch_len()
    }

    fn constant_bytes(&self) -> usize {
        self.conv.constant_bytes() + size_of_val(self.bias.as_slice())
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], scratch: &mut [f32]) {
        let (input, scratch) = scratch.split_at_mut(self.input_len);
        input.copy_from_slice(inputs[0]);
        let context = VjpContext {
            inputs: &[],
            output: &[],
            grad_output: input,
            saved: &[],
            scratch,
        };
        let result = Gradient {
            data: output,
            accumulate: false,
        };
        self.conv.vjp(0, context, result);
        let planes = output.chunks_exact_mut(self.positions);
        for (plane, bias) in planes.zip(self.bias.iter().cycle()) {
            for slot in plane {
                *slot += bias;
            }
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        let (own, scratch) = context.scratch.split_at_mut(self.input_len);
        self.conv
            .forward(&[context.grad_output], own, &mut [], scratch);
        gradient.put(own.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use infoplane_graph::Window2d;
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::{Kernel, Operand};
    use crate::ops::testing::{
        check_against_reference, check_laws, constant_operand, operand, values, window,
    };

    /// Samples, channels, height and width; channels of the result and groups.
    struct Case {
        shape: [usize; 4],
        channels: usize,
        groups: usize,
        window: Window2d,
        /// Output padding; more than a stride leaves elements that no window meets.
        extra: [usize; 2],
    }

    impl Case {
        fn output_shape(&self) -> Vec<usize> {
            let along = |axis: usize| {
                let reach = (self.window.kernel[axis] - 1) * self.window.dilations[axis] + 1;
                self.window.strides[axis] * (self.shape[2 + axis] - 1) + reach + self.extra[axis]
                    - self.window.pads_begin[axis]
                    - self.window.pads_end[axis]
            };
            vec![self.shape[0], self.channels, along(0), along(1)]
        }

        fn operands(&self) -> Vec<Operand> {
            let [kh, kw] = self.window.kernel;
            let weights = [self.shape[1], self.channels / self.groups, kh, kw];
            vec![
                operand(&self.shape),
                constant_operand(&weights, 3),
                constant_operand(&[self.channels], 4),
            ]
        }

        fn kernel(&self) -> Box<dyn Kernel> {
            let operands = self.operands();
            let output_shape = self.output_shape();
            build(
                "ConvTranspose",
                &self.window,
                self.groups,
                &operands,
                &output_shape,
            )
            .unwrap()
        }

        /// Every element of x, times the weights, added where its window lies.
        fn reference(&self, x: &[f64]) -> Vec<f64> {
            let ([n, c, h, w], output) = (self.shape, self.output_shape());
            let operands = self.operands();
            let [weights, bias] =
                [1, 2].map(|position: usize| operands[position].constant.as_ref().unwrap().clone());
            let (in_group, out_group) = (c / self.groups, self.channels / self.groups);
            let [kh, kw] = self.window.kernel;
            let plane = output[2] * output[3];
            let mut result: Vec<f64> = (0..n * self.channels * plane)
                .map(|place| f64::from(bias[place / plane % self.channels]))
                .collect();
            for (place, x) in x.iter().enumerate() {
                let (row, col) = (place / w % h, place % w);
                let (channel, sample) = (place / (h * w) % c, place / (h * w * c));
                for tap in 0..out_group * kh * kw {
                    let (out, y, z) = (tap / (kh * kw), tap / kw % kh, tap % kw);
                    let at = |axis: usize, place: usize, tap: usize| {
                        (place * self.window.strides[axis] + tap * self.window.dilations[axis])
                            .checked_sub(self.window.pads_begin[axis])
                            .filter(|&at| at < output[2 + axis])
                    };
                    if let (Some(y), Some(z)) = (at(0, row, y), at(1, col, z)) {
                        let out = channel / in_group * out_group + out;
                        let target = (sample * self.channels + out) * plane + y * output[3] + z;
                        result[target] +=
                            x * f64::from(weights[channel * out_group * kh * kw + tap]);
                    }
                }
            }
            result
        }
    }

    #[test]
    fn transposed_convolutions_match_the_reference() {
        for (shape, channels, groups, window, extra) in [
            (
                [2, 3, 4, 5],
                2,
                1,
                window([3, 3], [1, 1], [1, 1], [0, 0], [0, 0]),
                [0, 0],
            ),
            (
                [1, 2, 3, 3],
                3,
                1,
                window([3, 3], [2, 2], [1, 1], [1, 1], [1, 1]),
                [1, 1],
            ),
            (
                [2, 4, 3, 4],
                6,
                2,
                window([2, 3], [3, 2], [1, 1], [0, 1], [1, 0]),
                [2, 0],
            ),
            (
                [1, 3, 4, 3],
                3,
                3,
                window([3, 2], [2, 3], [1, 1], [1, 0], [0, 0]),
                [0, 2],
            ),
            (
                [2, 2, 3, 4],
                2,
                1,
                window([2, 2], [1, 2], [2, 3], [1, 2], [0, 1]),
                [0, 0],
            ),
            (
                [1, 17, 2, 3],
                20,
                1,
                window([4, 4], [2, 2], [1, 1], [1, 1], [1, 1]),
                [0, 0],
            ),
            (
                [1, 2, 2, 2],
                2,
                1,
                window([2, 2], [3, 3], [1, 1], [0, 0], [0, 0]),
                [4, 5],
            ),
            (
                [1, 2, 4, 4],
                1,
                1,
                window([2, 2], [1, 1], [1, 1], [2, 2], [0, 0]),
                [0, 0],
            ),
        ] {
            let case = Case {
                shape,
                channels,
                groups,
                window,
                extra,
            };
            let input = values(shape.iter().product(), 6);
            let kernel = case.kernel();
            check_against_reference(&*kernel, &[input], |wide| case.reference(&wide[0]), 1e-5);
        }
    }

    #[test]
    fn one_spatial_axis_and_no_bias() {
        let case = Case {
            shape: [2, 3, 1, 5],
            channels: 4,
            groups: 1,
            window: window([1, 3], [1, 2], [1, 1], [0, 1], [0, 0]),
            extra: [0, 0],
        };
        let operands = [operand(&[2, 3, 5]), constant_operand(&[3, 4, 3], 3)];
        let kernel = build("ConvTranspose", &case.window, 1, &operands, &[2, 4, 10]).unwrap();
        let bias = case.operands()[2].constant.as_ref().unwrap().clone();
        let reference = |wide: &[Vec<f64>]| {
            let with_bias = case.reference(&wide[0]).into_iter().enumerate();
            with_bias
                .map(|(place, value)| value - f64::from(bias[place / 10 % 4]))
                .collect()
        };
        check_against_reference(&*kernel, &[values(30, 6)], reference, 1e-5);
    }

    #[test]
    fn weights_that_do_not_fit_are_refused() {
        let window = window([2, 2], [1, 1], [1, 1], [0, 0], [0, 0]);
        let attempt = |weights: Operand, bias: Operand| {
            let operands = [operand(&[1, 2, 3, 3]), weights, bias];
            build("ConvTranspose", &window, 1, &operands, &[1, 3, 4, 4]).is_err()
        };
        let weights = constant_operand(&[2, 3, 2, 2], 1);
        let bias = constant_operand(&[3], 1);
        assert!(!attempt(weights.clone(), bias.clone()));
        assert!(attempt(operand(&[2, 3, 2, 2]), bias.clone()));
        assert!(attempt(weights.clone(), operand(&[3])));
        assert!(attempt(weights, constant_operand(&[2], 1)));
        assert!(attempt(constant_operand(&[2, 2, 2, 2], 1), bias));
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            (kernel, stride, dilation) in (1usize..4, 1usize..4, 1usize..3),
            (h, w) in (2usize..5, 2usize..5),
            groups in 1usize..3,
            seed: u64,
        ) {
            let case = Case {
                shape: [2, 2 * groups, h, w],
                channels: 3 * groups,
                groups,
                window: window([kernel; 2], [stride; 2], [dilation; 2], [kernel / 2; 2], [0; 2]),
                extra: [stride - 1, 0],
            };
            let output_len = case.output_shape().iter().product();
            let input = values(case.shape.iter().product(), seed);
            check_laws(&*case.kernel(), &[input], output_len, seed);
        }
    }
}
