use infoplane_graph::Window2d;
use proptest::prelude::*;

use super::*;
use crate::ops::reorder::{to_blocked, to_plain};
use crate::ops::testing::{check_against_reference, forward, values, vjp};

fn options(level: SimdLevel, exact: bool) -> ConvOptions {
    ConvOptions { level, exact }
}

/// Every kernel that may be chosen for a convolution, for plain tensors, with its relative error.
fn kernels(spec: &ConvSpec) -> Vec<(Box<dyn Kernel>, f64)> {
    let mut kernels: Vec<(Box<dyn Kernel>, f64)> = Vec::new();
    for level in SimdLevel::detect() {
        for exact in [true, false] {
            let kernel = spec.clone().build_plain(options(level, exact));
            kernels.push((kernel, if exact { 2e-6 } else { 2e-5 }));
        }
        if spec.takes_plain_input() {
            let kernel = ConvSpec {
                plain_input: true,
                ..spec.clone()
            }
            .build(options(level, true));
            kernels.push((Box::new(PlainResult::new(kernel, spec)), 2e-6));
        }
    }
    kernels
}

/// A kernel with a plain operand and a blocked result, for a plain result.
struct PlainResult {
    kernel: Box<dyn Kernel>,
    output: Layout,
    samples: usize,
}

impl PlainResult {
    fn new(kernel: Box<dyn Kernel>, spec: &ConvSpec) -> PlainResult {
        PlainResult {
            kernel,
            output: Layout::blocked(spec.output[1], spec.output[2] * spec.output[3]),
            samples: spec.output[0],
        }
    }

    fn len(&self) -> usize {
        self.samples * self.output.row_len()
    }
}

impl Kernel for PlainResult {
    fn name(&self) -> &'static str {
        self.kernel.name()
    }

    fn saved_len(&self) -> usize {
        self.kernel.saved_len()
    }

    fn scratch_len(&self) -> usize {
        self.len() + self.kernel.scratch_len()
    }

    fn forward(
        &self,
        inputs: &[&[f32]],
        output: &mut [f32],
        saved: &mut [u32],
        scratch: &mut [f32],
    ) {
        let (blocked, scratch) = scratch.split_at_mut(self.len());
        self.kernel.forward(inputs, blocked, saved, scratch);
        to_plain(self.output).forward(&[blocked], output, &mut [], &mut []);
    }

    fn vjp(&self, operand: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let (blocked, scratch) = context.scratch.split_at_mut(self.len());
        to_blocked(self.output).forward(&[context.grad_output], blocked, &mut [], &mut []);
        let context = VjpContext {
            grad_output: blocked,
            scratch,
            ..context
        };
        self.kernel.vjp(operand, context, gradient);
    }
}

/// Plain convolution in double precision.
fn reference_conv(spec: &ConvSpec, input: &[f64]) -> Vec<f64> {
    let [samples, channels, height, width] = spec.input;
    let [_, out_channels, rows, cols] = spec.output;
    let window = &spec.window;
    let (group_in, group_out) = (channels / spec.groups, out_channels / spec.groups);
    let mut output = Vec::new();
    for sample in 0..samples {
        for out in 0..out_channels {
            for row in 0..rows {
                for col in 0..cols {
                    let mut sum = spec.bias.get(out).map_or(0.0, |&bias| f64::from(bias));
                    for channel in 0..group_in {
                        for ky in 0..window.kernel[0] {
                            for kx in 0..window.kernel[1] {
                                let y = (row * window.strides[0] + ky * window.dilations[0])
                                    as isize
                                    - window.pads_begin[0] as isize;
                                let x = (col * window.strides[1] + kx * window.dilations[1])
                                    as isize
                                    - window.pads_begin[1] as isize;
                                if y < 0 || x < 0 || y >= height as isize || x >= width as isize {
                                    continue;
                                }
                                let source =
                                    ((sample * channels + out / group_out * group_in + channel)
                                        * height
                                        + y as usize)
                                        * width
                                        + x as usize;
                                let weight = ((out * group_in + channel) * window.kernel[0] + ky)
                                    * window.kernel[1]
                                    + kx;
                                sum += input[source] * f64::from(spec.weights[weight]);
                            }
                        }
                    }
                    output.push(match spec.clamp {
                        Some(clamp) => sum.max(clamp.low.into()).min(clamp.high.into()),
                        None => sum,
                    });
                }
            }
        }
    }
    output
}

#[derive(Debug, Clone, Copy)]
struct Case {
    input: [usize; 4],
    out_channels: usize,
    groups: usize,
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    begin: [usize; 2],
    end: [usize; 2],
    bias: bool,
}

fn spec(case: Case) -> Option<ConvSpec> {
    let window = Window2d {
        kernel: case.kernel,
        strides: case.strides,
        dilations: case.dilations,
        pads_begin: case.begin,
        pads_end: case.end,
    };
    let size = |axis: usize| {
        let reach = (case.kernel[axis] - 1) * case.dilations[axis] + 1;
        let padded = case.input[axis + 2] + case.begin[axis] + case.end[axis];
        Some(padded.checked_sub(reach)? / case.strides[axis] + 1)
    };
    let taps = case.kernel[0] * case.kernel[1];
    let n_weights = case.out_channels * case.input[1] / case.groups * taps;
    Some(ConvSpec {
        input: case.input,
        output: [case.input[0], case.out_channels, size(0)?, size(1)?],
        window,
        groups: case.groups,
        weights: values(n_weights, 7),
        bias: if case.bias {
            values(case.out_channels, 8)
        } else {
            vec![]
        },
        clamp: None,
        addend: false,
        plain_input: false,
    })
}

const PLAIN: Case = Case {
    input: [2, 3, 7, 9],
    out_channels: 5,
    groups: 1,
    kernel: [3, 3],
    strides: [1, 1],
    dilations: [1, 1],
    begin: [1, 1],
    end: [1, 1],
    bias: true,
};

fn check(case: Case) {
    let spec = spec(case).unwrap();
    let input = values(spec.input.iter().product(), 3);
    for (kernel, tolerance) in kernels(&spec) {
        check_against_reference(
            kernel.as_ref(),
            std::slice::from_ref(&input),
            |inputs| reference_conv(&spec, &inputs[0]),
            tolerance,
        );
    }
}

#[test]
fn plain_windows_match_the_reference() {
    check(PLAIN);
    check(Case {
        kernel: [1, 1],
        begin: [0, 0],
        end: [0, 0],
        ..PLAIN
    });
    check(Case {
        input: [1, 2, 1, 11],
        kernel: [1, 5],
        begin: [0, 2],
        end: [0, 2],
        ..PLAIN
    });
    check(Case {
        input: [1, 1, 5, 5],
        out_channels: 1,
        bias: false,
        ..PLAIN
    });
}

#[test]
fn uneven_padding_strides_and_dilations_match_the_reference() {
    check(Case {
        begin: [0, 0],
        end: [1, 1],
        strides: [2, 2],
        ..PLAIN
    });
    check(Case {
        begin: [2, 0],
        end: [1, 3],
        kernel: [5, 2],
        ..PLAIN
    });
    check(Case {
        dilations: [2, 3],
        begin: [2, 3],
        end: [2, 3],
        ..PLAIN
    });
    check(Case {
        strides: [3, 2],
        dilations: [2, 1],
        kernel: [2, 3],
        ..PLAIN
    });
    check(Case {
        kernel: [1, 1],
        strides: [2, 2],
        begin: [0, 0],
        end: [0, 0],
        ..PLAIN
    });
    check(Case {
        kernel: [1, 1],
        begin: [2, 1],
        end: [1, 2],
        ..PLAIN
    });
}

#[test]
fn groups_and_depthwise_match_the_reference() {
    let grouped = Case {
        input: [2, 4, 6, 5],
        out_channels: 6,
        groups: 2,
        ..PLAIN
    };
    check(grouped);
    check(Case {
        strides: [2, 1],
        ..grouped
    });
    let depthwise = Case {
        input: [2, 4, 7, 6],
        out_channels: 4,
        groups: 4,
        ..PLAIN
    };
    check(depthwise);
    check(Case {
        strides: [2, 2],
        begin: [0, 0],
        ..depthwise
    });
    check(Case {
        kernel: [5, 5],
        begin: [1, 1],
        end: [2, 2],
        strides: [2, 2],
        ..depthwise
    });
    check(Case {
        dilations: [2, 2],
        ..depthwise
    });
    // More outputs than inputs in a group: not depthwise.
    check(Case {
        input: [1, 3, 5, 5],
        out_channels: 6,
        groups: 3,
        ..PLAIN
    });
}

#[test]
fn many_columns_and_channels_cross_every_block_edge() {
    check(Case {
        input: [3, 9, 3, 9],
        out_channels: 17,
        ..PLAIN
    });
}

/// Sizes at which every tile of Winograd's is chosen, with patches across every edge.
#[test]
fn winograd_tiles_match_the_reference() {
    for (height, width) in [(4, 5), (10, 10), (11, 13), (14, 10)] {
        check(Case {
            input: [2, 3, height, width],
            out_channels: 2,
            ..PLAIN
        });
    }
    check(Case {
        input: [1, 2, 12, 11],
        begin: [0, 2],
        end: [2, 0],
        ..PLAIN
    });
}

/// Too large for finite differences: Winograd's kernels, forward and backward, against direct ones.
#[test]
fn winograd_agrees_with_direct_products_over_many_channels_and_patches() {
    for (samples, channels, out_channels, side) in
        [(3, 40, 70, 30), (2, 130, 20, 7), (1, 64, 64, 57)]
    {
        let mut spec = spec(Case {
            input: [samples, channels, side, side],
            out_channels,
            ..PLAIN
        })
        .unwrap();
        spec.clamp = Some(Clamp {
            low: 0.0,
            high: f32::INFINITY,
        });
        let input = values(spec.input.iter().product(), 3);
        let len: usize = spec.output.iter().product();
        let grad_output = values(len, 4);
        for level in SimdLevel::detect() {
            let run = |exact: bool| {
                let kernel = spec.clone().build_plain(options(level, exact));
                let (y, saved) = forward(kernel.as_ref(), &[&input], len);
                // One mask for both: an element at a kink may fall on either side.
                let plain = spec.clone().build_plain(options(level, true));
                let (_, mask) = forward(plain.as_ref(), &[&input], len);
                assert_eq!(saved.len(), mask.len());
                let g = vjp(kernel.as_ref(), &[&input], &y, &mask, &grad_output, 0);
                (kernel.name(), y, g)
            };
            let ((name, y, g), (direct_name, direct_y, direct_g)) = (run(false), run(true));
            assert_eq!((name, direct_name), ("conv winograd", "conv implicit gemm"));
            for (own, direct) in [(y, direct_y), (g, direct_g)] {
                let scale = direct.iter().fold(0.0f32, |most, v| most.max(v.abs()));
                let worst = own.iter().zip(&direct).map(|(a, b)| (a - b).abs());
                let worst = worst.fold(0.0, f32::max) / scale;
                assert!(worst < 1e-5, "{level:?}, {channels} channels: {worst:.1e}");
            }
        }
    }
}

#[test]
fn an_addend_is_added_before_the_clamp_and_gets_its_gradient() {
    for kernel_size in [[1, 1], [3, 3]] {
        let mut spec = spec(Case {
            input: [2, 16, 4, 4],
            out_channels: 16,
            kernel: kernel_size,
            begin: kernel_size.map(|size| size / 2),
            end: kernel_size.map(|size| size / 2),
            ..PLAIN
        })
        .unwrap();
        spec.clamp = Some(Clamp {
            low: 0.0,
            high: f32::INFINITY,
        });
        spec.addend = true;
        let (input, addend) = (values(512, 1), values(512, 2));
        let layout = Layout::blocked(16, 16);
        let reference = |inputs: &[Vec<f64>]| -> Vec<f64> {
            // Blocked operands, because both orders hold the same numbers here.
            let plain = |blocked: &[f64], channels: usize| -> Vec<f64> {
                let layout = Layout::blocked(channels, 16);
                let row = layout.row_len();
                (0..2 * channels * 16)
                    .map(|i| {
                        let (sample, rest) = (i / (channels * 16), i % (channels * 16));
                        blocked[sample * row + layout.index(rest / 16, rest % 16)]
                    })
                    .collect()
            };
            let without = ConvSpec {
                clamp: None,
                ..spec.clone()
            };
            let sums = reference_conv(&without, &plain(&inputs[0], 16));
            let addend = plain(&inputs[1], 16);
            let mut result = vec![0.0; 2 * layout.row_len()];
            for (i, (sum, addend)) in sums.iter().zip(&addend).enumerate() {
                let (sample, rest) = (i / (16 * 16), i % (16 * 16));
                let at = sample * layout.row_len() + layout.index(rest / 16, rest % 16);
                result[at] = (sum + addend).max(0.0);
            }
            result
        };
        for level in SimdLevel::detect() {
            for exact in [true, false] {
                let kernel = spec.clone().build(options(level, exact));
                check_against_reference(
                    kernel.as_ref(),
                    &[input.clone(), addend.clone()],
                    reference,
                    2e-5,
                );
                assert_eq!(kernel.passes_gradient_to(), Some(1));
            }
        }
    }
}

#[test]
fn batch_norm_and_clamp_fold_into_the_kernel() {
    for groups in [1, 4] {
        let mut spec = spec(Case {
            input: [2, 4, 5, 7],
            out_channels: 4,
            groups,
            ..PLAIN
        })
        .unwrap();
        let before = spec.clone();
        let (scale, shift) = (vec![0.5, -1.5, 2.0, 0.7], vec![0.1, 0.2, -0.3, 0.0]);
        spec.fold_scale_and_shift(&scale, &shift);
        spec.clamp = Some(Clamp {
            low: 0.0,
            high: 0.8,
        });
        let input = values(spec.input.iter().product(), 5);
        let positions = spec.output[2] * spec.output[3];
        for (kernel, tolerance) in kernels(&spec) {
            check_against_reference(
                kernel.as_ref(),
                std::slice::from_ref(&input),
                |inputs| {
                    let mut result = reference_conv(&before, &inputs[0]);
                    for (index, value) in result.iter_mut().enumerate() {
                        let channel = index / positions % 4;
                        *value = *value * f64::from(scale[channel]) + f64::from(shift[channel]);
                        *value = value.clamp(0.0, f64::from(0.8f32));
                    }
                    result
                },
                tolerance,
            );
        }
    }
}

#[test]
fn a_sample_does_not_depend_on_its_neighbours_in_the_batch() {
    let batched = spec(PLAIN).unwrap();
    let single = spec(Case {
        input: [1, 3, 7, 9],
        ..PLAIN
    })
    .unwrap();
    let input = values(batched.input.iter().product(), 4);
    let half = input.len() / 2;
    let len = batched.output.iter().product();
    let (both, _) = forward(
        batched
            .build_plain(options(SimdLevel::current(), false))
            .as_ref(),
        &[&input],
        len,
    );
    let (second, _) = forward(
        single
            .build_plain(options(SimdLevel::current(), false))
            .as_ref(),
        &[&input[half..]],
        len / 2,
    );
    assert_eq!(both[len / 2..], second[..]);
}

#[test]
fn not_a_number_passes_the_activation() {
    let mut spec = spec(Case {
        kernel: [1, 1],
        begin: [0, 0],
        end: [0, 0],
        ..PLAIN
    })
    .unwrap();
    spec.clamp = Some(Clamp {
        low: 0.0,
        high: f32::INFINITY,
    });
    let len = spec.output.iter().product();
    let input = vec![f32::NAN; spec.input.iter().product()];
    let (output, _) = forward(
        spec.build_plain(options(SimdLevel::current(), false))
            .as_ref(),
        &[&input],
        len,
    );
    assert!(output.iter().all(|value| value.is_nan()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_geometry_matches_the_reference_and_its_product_is_linear(
        samples in 1usize..3, group_in in 1usize..4, group_out in 1usize..5, groups in 1usize..4,
        height in 1usize..9, width in 1usize..12,
        kernel in [1usize..4, 1usize..5], strides in [1usize..4, 1usize..3],
        dilations in [1usize..3, 1usize..3], begin in [0usize..4, 0usize..4],
        end in [0usize..4, 0usize..4], bias: bool,
    ) {
        let case = Case {
            input: [samples, group_in * groups, height, width],
            out_channels: group_out * groups, groups, kernel, strides, dilations, begin, end, bias,
        };
        let Some(spec) = spec(case) else { return Ok(()) };
        let input = values(spec.input.iter().product(), 11);
        let wide: Vec<f64> = input.iter().map(|&v| v.into()).collect();
        let expected = reference_conv(&spec, &wide);
        for (kernel, _) in kernels(&spec) {
            let (output, saved) = forward(kernel.as_ref(), &[&input], expected.len());
            for (a, e) in output.iter().zip(&expected) {
                prop_assert!((f64::from(*a) - e).abs() < 1e-4, "{}: {a} and {e}", kernel.name());
            }
            let (g1, g2) = (values(expected.len(), 1), values(expected.len(), 2));
            let sum: Vec<f32> = g1.iter().zip(&g2).map(|(a, b)| 2.0 * a - b).collect();
            let run = |g: &[f32]| vjp(kernel.as_ref(), &[&input], &output, &saved, g, 0);
            let (v1, v2, v) = (run(&g1), run(&g2), run(&sum));
            // <g, J x> = <Jᵀ g, x> for a linear map without bias.
            for ((a, b), c) in v1.iter().zip(&v2).zip(&v) {
                prop_assert!((2.0 * a - b - c).abs() < 1e-3);
            }
            let bias_free: f64 = output.iter().zip(&g1).enumerate().map(|(i, (y, g))| {
                let positions = spec.output[2] * spec.output[3];
                let bias = spec.bias.get(i / positions % spec.output[1]).copied().unwrap_or(0.0);
                f64::from(y - bias) * f64::from(*g)
            }).sum();
            let adjoint: f64 = v1.iter().zip(&input).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!((bias_free - adjoint).abs() < 1e-3 * (1.0 + bias_free.abs()));
        }
    }
}
