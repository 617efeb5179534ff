//! Binary kernels against a plain reference and finite differences.

use infoplane_graph::BinaryOp;
use proptest::prelude::*;

use super::build;
use crate::kernel::{Kernel, Operand};
use crate::ops::loops::broadcast_strides;
use crate::ops::testing::{
    assert_close, check_against_reference, check_laws, constant_operand, forward, operand, values,
    vjp,
};

/// Those that pass a gradient.
const OPERATIONS: [BinaryOp; 6] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
    BinaryOp::Pow,
    BinaryOp::PRelu,
];

/// Those that step.
const STEPS: [BinaryOp; 9] = [
    BinaryOp::TruncatedDiv,
    BinaryOp::Equal,
    BinaryOp::Greater,
    BinaryOp::GreaterOrEqual,
    BinaryOp::Less,
    BinaryOp::LessOrEqual,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
];

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn reference_binary(
    operation: BinaryOp,
    output_shape: &[usize],
    shapes: [&[usize]; 2],
    operands: [&[f64]; 2],
) -> Vec<f64> {
    let strides = shapes.map(|shape| broadcast_strides(shape, output_shape).unwrap());
    (0..output_shape.iter().product())
        .map(|position: usize| {
            let [a, b] = [0, 1].map(|side: usize| {
                let mut rest = position;
                let mut index = 0;
                for axis in (0..output_shape.len()).rev() {
                    index += (rest % output_shape[axis]) * strides[side][axis] as usize;
                    rest /= output_shape[axis];
                }
                operands[side][index]
            });
            match operation {
                BinaryOp::Add => a + b,
                BinaryOp::Sub => a - b,
                BinaryOp::Mul => a * b,
                BinaryOp::Div => a / b,
                BinaryOp::TruncatedDiv => (a / b).trunc(),
                BinaryOp::Pow => a.powf(b),
                BinaryOp::PRelu => a.max(0.0) + b * a.min(0.0),
                BinaryOp::Equal => truth(a == b),
                BinaryOp::Greater => truth(a > b),
                BinaryOp::GreaterOrEqual => truth(a >= b),
                BinaryOp::Less => truth(a < b),
                BinaryOp::LessOrEqual => truth(a <= b),
                BinaryOp::And => truth(a * b != 0.0),
                BinaryOp::Or => truth(a.abs() + b.abs() != 0.0),
                BinaryOp::Xor => truth((a != 0.0) != (b != 0.0)),
            }
        })
        .collect()
}

/// Values away from zero, so that quotients are tame; positive where they are bases.
fn tame(operation: BinaryOp, len: usize, seed: u64) -> Vec<f32> {
    values(len, seed)
        .into_iter()
        .map(|x| match operation {
            BinaryOp::Pow => x.abs() + 0.5,
            _ => x + 1.5 * x.signum(),
        })
        .collect()
}

fn output_shape(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], axis: usize| {
        (axis + shape.len())
            .checked_sub(rank)
            .map_or(1, |axis| shape[axis])
    };
    (0..rank)
        .map(|axis| dim(a, axis).max(dim(b, axis)))
        .collect()
}

fn len(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Shapes of every way to broadcast.
const SHAPES: [(&[usize], &[usize]); 12] = [
    (&[2, 3, 4], &[2, 3, 4]),
    (&[2, 3, 4, 5], &[]),
    (&[1], &[2, 7]),
    (&[2, 3, 4, 5], &[1, 3, 1, 1]),
    (&[3, 1, 1], &[2, 3, 1, 5]),
    (&[4, 19], &[19]),
    (&[4, 1], &[1, 5]),
    (&[2, 1, 4, 1], &[3, 1, 5]),
    (&[1, 1, 1], &[1, 1]),
    (&[1, 5], &[5, 1]),
    (&[2, 3, 1, 4], &[2, 1, 6, 1]),
    (&[1, 3, 17], &[4, 3, 17]),
];

#[test]
fn arithmetic_matches_the_reference_for_every_broadcast() {
    for operation in OPERATIONS {
        for (a, b) in SHAPES {
            let shape = output_shape(a, b);
            let inputs = [tame(operation, len(a), 1), tame(operation, len(b), 2)];
            let kernel = build("binary", operation, &[operand(a), operand(b)], &shape).unwrap();
            check_against_reference(
                &*kernel,
                &inputs,
                |wide| reference_binary(operation, &shape, [a, b], [&wide[0], &wide[1]]),
                1e-6,
            );
        }
    }
}

#[test]
fn a_constant_side_is_held_by_the_kernel() {
    for operation in OPERATIONS {
        for (a, b) in SHAPES {
            let shape = output_shape(a, b);
            for constant_left in [false, true] {
                let data = [tame(operation, len(a), 1), tame(operation, len(b), 2)];
                let mut operands = [operand(a), operand(b)];
                let (held, given) = if constant_left { (0, 1) } else { (1, 0) };
                operands[held].constant = Some(data[held].clone().into());
                let kernel = build("binary", operation, &operands, &shape).unwrap();
                assert_eq!(kernel.constant_bytes(), 4 * data[held].len());
                let wide_held: Vec<f64> =
                    data[held].iter().map(|&value| f64::from(value)).collect();
                check_against_reference(
                    &*kernel,
                    &[data[given].clone()],
                    |wide| {
                        let sides = if constant_left {
                            [&wide_held[..], &wide[0]]
                        } else {
                            [&wide[0][..], &wide_held]
                        };
                        reference_binary(operation, &shape, [a, b], sides)
                    },
                    1e-6,
                );
            }
        }
    }
}

#[test]
fn steps_match_the_reference_and_pass_no_gradient() {
    // Small integers, so that many are equal and some are 0.
    let whole = |len: usize, seed: u64| -> Vec<f32> {
        values(len, seed)
            .iter()
            .map(|x| (3.0 * x).round())
            .collect()
    };
    for operation in STEPS {
        for (a, b) in SHAPES {
            let shape = output_shape(a, b);
            let divides = operation == BinaryOp::TruncatedDiv;
            let divisors = whole(len(b), 2).into_iter().map(|x| match x {
                0.0 if divides => 2.0,
                x => x,
            });
            let inputs = [whole(len(a), 1), divisors.collect()];
            let kernel = build("binary", operation, &[operand(a), operand(b)], &shape).unwrap();
            let wide = inputs
                .each_ref()
                .map(|input| -> Vec<f64> { input.iter().map(|&x| f64::from(x)).collect() });
            let expected = reference_binary(operation, &shape, [a, b], [&wide[0], &wide[1]]);
            let given = [&inputs[0][..], &inputs[1][..]];
            let (output, saved) = forward(&*kernel, &given, len(&shape));
            assert_close(&output, &expected, 0.0, "forward");
            for side in 0..2 {
                let infinite = vec![f32::INFINITY; len(&shape)];
                let gradient = vjp(&*kernel, &given, &output, &saved, &infinite, side);
                assert!(
                    gradient.iter().all(|&g| g == 0.0),
                    "{operation:?}: {gradient:?}"
                );
            }
        }
    }
}

#[test]
fn a_slope_at_zero_is_the_one_below() {
    let kernel = build(
        "PRelu",
        BinaryOp::PRelu,
        &[operand(&[3]), operand(&[1])],
        &[3],
    )
    .unwrap();
    let inputs: [&[f32]; 2] = [&[-2.0, 0.0, 2.0], &[0.25]];
    let (output, saved) = forward(&*kernel, &inputs, 3);
    assert_eq!(output, [-0.5, 0.0, 2.0]);
    let of = |side| vjp(&*kernel, &inputs, &output, &saved, &[1.0; 3], side);
    assert_eq!(of(0), [0.25, 0.25, 1.0]);
    assert_eq!(of(1), [-2.0]);
}

#[test]
fn operands_are_kept_only_where_the_gradient_needs_them() {
    let reads = |operation, left: Operand, right: Operand| {
        build("binary", operation, &[left, right], &[3])
            .unwrap()
            .reads()
            .inputs
    };
    let (runtime, constant) = (|| operand(&[3]), || constant_operand(&[3], 1));
    assert!(!reads(BinaryOp::Add, runtime(), runtime()));
    assert!(reads(BinaryOp::Mul, runtime(), runtime()));
    assert!(!reads(BinaryOp::Mul, constant(), runtime()));
    assert!(!reads(BinaryOp::Div, runtime(), constant()));
    assert!(reads(BinaryOp::Div, constant(), runtime()));
}

#[test]
fn what_does_not_fit_is_refused() {
    let short = Operand {
        shape: vec![3],
        constant: Some(vec![1.0].into()),
    };
    let attempt = |operands: &[Operand]| {
        build("Add", BinaryOp::Add, operands, &[3]).map(|kernel| kernel.name())
    };
    assert!(attempt(&[operand(&[3]), short]).is_err());
    assert!(attempt(&[operand(&[3]), operand(&[2])]).is_err());
    assert!(attempt(&[operand(&[3])]).is_err());
    assert!(attempt(&[operand(&[3]), operand(&[3]), operand(&[3])]).is_err());
}

proptest! {
    #[test]
    fn vjp_is_linear(
        which in 0usize..6,
        extents in prop::collection::vec((1usize..5, any::<bool>(), any::<bool>()), 0..5),
        seed: u64,
    ) {
        let kept = |keep: bool, extent: usize| if keep { extent } else { 1 };
        let a: Vec<usize> = extents.iter().map(|&(n, keep, _)| kept(keep, n)).collect();
        let b: Vec<usize> = extents.iter().map(|&(n, _, keep)| kept(keep, n)).collect();
        let shape = output_shape(&a, &b);
        let operation = OPERATIONS[which];
        let kernel: Box<dyn Kernel> =
            build("binary", operation, &[operand(&a), operand(&b)], &shape).unwrap();
        let inputs = [tame(operation, len(&a), seed), tame(operation, len(&b), !seed)];
        check_laws(&*kernel, &inputs, len(&shape), seed);
    }
}
