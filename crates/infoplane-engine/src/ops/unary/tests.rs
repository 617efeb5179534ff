//! Unary kernels against plain references and finite differences.

use infoplane_graph::Unary;
use proptest::prelude::*;

use super::build;
use crate::kernel::{Kernel, Operand};
use crate::ops::testing::{check_against_reference, check_laws, forward, operand, values, vjp};

fn kernel(function: Unary, len: usize) -> Box<dyn Kernel> {
    build("unary", function, &[operand(&[len])], &[len]).unwrap()
}

fn reference_unary(function: Unary, x: f64) -> f64 {
    let normal_cdf = |x: f64| 0.5 * (1.0 + libm::erf(x / 2f64.sqrt()));
    let wide = f64::from;
    match function {
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Unary::Tanh => x.tanh(),
        Unary::Erf => libm::erf(x),
        Unary::Gelu => x * normal_cdf(x),
        Unary::GeluTanh => {
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + u.tanh())
        }
        Unary::Elu { alpha } => x.max(0.0) + wide(alpha) * x.min(0.0).exp_m1(),
        Unary::Selu { alpha, gamma } => {
            wide(gamma) * (x.max(0.0) + wide(alpha) * x.min(0.0).exp_m1())
        }
        Unary::Celu { alpha } => x.max(0.0) + wide(alpha) * (x.min(0.0) / wide(alpha)).exp_m1(),
        Unary::Mish => x * x.exp().ln_1p().tanh(),
        Unary::HardSigmoid { alpha, beta } => (wide(alpha) * x + wide(beta)).clamp(0.0, 1.0),
        Unary::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Unary::Softplus => x.exp().ln_1p(),
        Unary::Softsign => x / (1.0 + x.abs()),
        Unary::ThresholdedRelu { alpha } => {
            if x > wide(alpha) {
                x
            } else {
                0.0
            }
        }
        Unary::Abs => x.abs(),
        Unary::Neg => -x,
        Unary::Exp => x.exp(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Power { exponent } => x.powf(wide(exponent)),
        Unary::Dequantize { scale, zero_point } => (x - wide(zero_point)) * wide(scale),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => 1.0 / x,
        _ => unreachable!("a rectifier or a step"),
    }
}

const SMOOTH: [Unary; 24] = [
    Unary::Sigmoid,
    Unary::Tanh,
    Unary::Erf,
    Unary::Gelu,
    Unary::GeluTanh,
    Unary::Elu { alpha: 0.75 },
    Unary::Selu {
        alpha: 1.673_263_2,
        gamma: 1.050_701,
    },
    Unary::Celu { alpha: 0.4 },
    Unary::Mish,
    Unary::HardSigmoid {
        alpha: 0.2,
        beta: 0.45,
    },
    Unary::HardSwish,
    Unary::Softplus,
    Unary::Softsign,
    Unary::ThresholdedRelu { alpha: 0.3 },
    Unary::Abs,
    Unary::Neg,
    Unary::Exp,
    Unary::Sin,
    Unary::Cos,
    Unary::Power { exponent: 2.0 },
    Unary::Power { exponent: 3.0 },
    Unary::Dequantize {
        scale: 0.25,
        zero_point: 3.0,
    },
    Unary::Power { exponent: -2.0 },
    Unary::Power { exponent: 0.0 },
];

/// Those of positive numbers only.
const OF_POSITIVE: [Unary; 5] = [
    Unary::Log,
    Unary::Sqrt,
    Unary::Reciprocal,
    Unary::Power { exponent: 0.5 },
    Unary::Power { exponent: 1.7 },
];

#[test]
fn smooth_functions_match_the_reference_and_finite_differences() {
    for function in SMOOTH.into_iter().chain(OF_POSITIVE) {
        for (len, spread) in [(1, 1.0), (37, 1.0), (103, 6.0)] {
            let away = |x: &f32| match function {
                function if OF_POSITIVE.contains(&function) => x.abs() * spread + 0.1,
                Unary::Power { .. } => x * spread + 0.25 * x.signum(),
                _ => x * spread,
            };
            let input: Vec<f32> = values(len, 7).iter().map(away).collect();
            check_against_reference(
                &*kernel(function, len),
                &[input],
                |inputs| {
                    inputs[0]
                        .iter()
                        .map(|&x| reference_unary(function, x))
                        .collect()
                },
                1e-6,
            );
        }
    }
}

#[test]
fn an_element_does_not_depend_on_its_place() {
    let input = values(45, 3);
    for function in SMOOTH {
        let mut whole = vec![0.0; 45];
        kernel(function, 45).forward(&[&input], &mut whole, &mut [], &mut []);
        for (x, expected) in input.iter().zip(&whole) {
            let mut single = [0.0];
            kernel(function, 1).forward(&[&[*x]], &mut single, &mut [], &mut []);
            assert_eq!(single[0].to_bits(), expected.to_bits());
        }
    }
}

/// Values and slopes at single points.
fn at(function: Unary, input: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let kernel = kernel(function, input.len());
    let (output, saved) = forward(&*kernel, &[input], input.len());
    let ones = vec![1.0; input.len()];
    let slopes = vjp(&*kernel, &[input], &output, &saved, &ones, 0);
    (output, slopes)
}

#[test]
fn steps_have_the_slope_zero_everywhere() {
    let input = [-2.5, -1.0, -0.5, 0.0, 0.5, 1.5, 2.5];
    for (function, expected) in [
        (Unary::Floor, [-3.0, -1.0, -1.0, 0.0, 0.0, 1.0, 2.0]),
        (Unary::Ceil, [-2.0, -1.0, 0.0, 0.0, 1.0, 2.0, 3.0]),
        (Unary::Round, [-2.0, -1.0, 0.0, 0.0, 0.0, 2.0, 2.0]),
        (Unary::Sign, [-1.0, -1.0, -1.0, 0.0, 1.0, 1.0, 1.0]),
        (Unary::Truncate, [-2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0]),
        (Unary::NonZero, [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]),
    ] {
        assert_eq!(
            at(function, &input),
            (expected.to_vec(), vec![0.0; 7]),
            "{function:?}"
        );
    }
    assert_eq!(at(Unary::Not, &[0.0, 1.0]), (vec![1.0, 0.0], vec![0.0; 2]));
    assert!(at(Unary::Sign, &[f32::NAN]).0[0].is_nan());
}

#[test]
fn extremes_neither_overflow_nor_lose_the_gradient() {
    let (values, slopes) = at(Unary::Softplus, &[-200.0, 200.0, 3e38]);
    assert_eq!(values, [0.0, 200.0, 3e38]);
    assert_eq!(slopes, [0.0, 1.0, 1.0]);
    let (values, slopes) = at(Unary::Mish, &[-200.0, 200.0, 3e38]);
    assert_eq!(values, [-0.0, 200.0, 3e38]);
    assert_eq!(slopes, [0.0, 1.0, 1.0]);
    let (values, slopes) = at(Unary::Elu { alpha: 1.0 }, &[-200.0, 200.0]);
    assert_eq!(values, [-1.0, 200.0]);
    assert_eq!(slopes, [0.0, 1.0]);
    assert_eq!(at(Unary::Exp, &[200.0]).0, [f32::INFINITY]);
}

#[test]
fn a_slope_at_zero_is_finite_where_the_value_is() {
    for function in [Unary::Sqrt, Unary::Power { exponent: 0.5 }] {
        assert_eq!(at(function, &[0.0]), (vec![0.0], vec![0.0]));
    }
    assert_eq!(
        at(Unary::Power { exponent: 0.3 }, &[0.0]),
        (vec![0.0], vec![0.0])
    );
    assert_eq!(at(Unary::Abs, &[0.0]).1, [0.0]);
    assert_eq!(
        at(Unary::Log, &[0.0]),
        (vec![f32::NEG_INFINITY], vec![f32::INFINITY])
    );
    assert_eq!(at(Unary::Reciprocal, &[0.0]).1, [f32::NEG_INFINITY]);
    assert_eq!(
        at(Unary::Power { exponent: 3.0 }, &[-2.0]),
        (vec![-8.0], vec![12.0])
    );
}

#[test]
fn kinks_take_the_outer_slope() {
    assert_eq!(at(Unary::HardSwish, &[-3.0, 3.0]).1, [0.0, 1.0]);
    let hard_sigmoid = Unary::HardSigmoid {
        alpha: 0.25,
        beta: 0.5,
    };
    assert_eq!(
        at(hard_sigmoid, &[-2.0, 0.0, 2.0]),
        (vec![0.0, 0.5, 1.0], vec![0.0, 0.25, 0.0])
    );
    let threshold = Unary::ThresholdedRelu { alpha: 1.0 };
    assert_eq!(at(threshold, &[1.0, 1.5]), (vec![0.0, 1.5], vec![0.0, 1.0]));
}

#[test]
fn quantisation_rounds_clamps_and_passes_the_gradient_in_range() {
    let function = Unary::Quantize {
        scale: 0.5,
        zero_point: 10.0,
        low: 0.0,
        high: 20.0,
    };
    let (values, slopes) = at(function, &[-6.0, -5.0, 0.25, 0.75, 1.1, 5.0, 9.0]);
    assert_eq!(values, [0.0, 0.0, 10.0, 12.0, 12.0, 20.0, 20.0]);
    assert_eq!(slopes, [0.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.0]);
}

#[test]
fn a_constant_operand_is_refused() {
    let constant = Operand {
        shape: vec![2],
        constant: Some(vec![1.0, 2.0].into()),
    };
    assert!(build("Tanh", Unary::Tanh, &[constant], &[2]).is_err());
    assert!(build("Tanh", Unary::Tanh, &[], &[2]).is_err());
    assert!(build("Tanh", Unary::Tanh, &[operand(&[2])], &[3]).is_err());
}

proptest! {
    #[test]
    fn vjp_is_linear(which in 0usize..24, len in 1usize..70, seed: u64) {
        check_laws(&*kernel(SMOOTH[which], len), &[values(len, seed)], len, seed);
    }
}
