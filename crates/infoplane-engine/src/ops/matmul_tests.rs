use proptest::prelude::*;

use super::{GemmAttributes, build_gemm, build_matmul};
use crate::kernel::{Kernel, Operand};
use crate::ops::loops::broadcast_strides;
use crate::ops::testing::{check_against_reference, check_laws, constant_operand, operand, values};

fn len(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// All operands in double precision: the constants from the kernel's operands, the rest in turn.
fn all_operands(operands: &[Operand], runtime: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut runtime = runtime.iter();
    operands
        .iter()
        .map(|operand| match &operand.constant {
            Some(values) => values.iter().map(|&value| f64::from(value)).collect(),
            None => runtime.next().unwrap().clone(),
        })
        .collect()
}

fn runtime_values(operands: &[Operand]) -> Vec<Vec<f32>> {
    operands
        .iter()
        .enumerate()
        .filter(|(_, operand)| operand.constant.is_none())
        .map(|(position, operand)| values(operand.n_elements(), position as u64 + 10))
        .collect()
}

fn reference_gemm(
    attributes: GemmAttributes,
    [rows, inner, cols]: [usize; 3],
    addend_shape: &[usize],
    operands: &[Vec<f64>],
) -> Vec<f64> {
    let mut result = Vec::new();
    for row in 0..rows {
        for col in 0..cols {
            let product: f64 = (0..inner)
                .map(|k| {
                    let a = if attributes.trans_a {
                        k * rows + row
                    } else {
                        row * inner + k
                    };
                    let b = if attributes.trans_b {
                        col * inner + k
                    } else {
                        k * cols + col
                    };
                    operands[0][a] * operands[1][b]
                })
                .sum();
            let addend = operands.get(2).map_or(0.0, |addend| {
                let strides = broadcast_strides(addend_shape, &[rows, cols]).unwrap();
                addend[row * strides[0] as usize + col * strides[1] as usize]
            });
            result
                .push(f64::from(attributes.alpha) * product + f64::from(attributes.beta) * addend);
        }
    }
    result
}

/// An operand that is constant where bit `position` of `constants` says so.
fn operand_of(shape: &[usize], position: usize, constants: usize) -> Operand {
    if constants >> position & 1 == 1 {
        constant_operand(shape, position as u64 + 20)
    } else {
        operand(shape)
    }
}

#[test]
fn gemm_matches_the_reference() {
    let addends: [Option<&[usize]>; 7] = [
        None,
        Some(&[]),
        Some(&[1]),
        Some(&[5]),
        Some(&[1, 5]),
        Some(&[3, 1]),
        Some(&[3, 5]),
    ];
    let size @ [rows, inner, cols] = [3, 4, 5];
    for bits in 0..4 {
        for addend in addends {
            for constants in 0..7 {
                let attributes = GemmAttributes {
                    alpha: 0.5,
                    beta: -2.0,
                    trans_a: bits & 1 == 1,
                    trans_b: bits & 2 == 2,
                };
                let a = if attributes.trans_a {
                    [inner, rows]
                } else {
                    [rows, inner]
                };
                let b = if attributes.trans_b {
                    [cols, inner]
                } else {
                    [inner, cols]
                };
                let mut operands = vec![operand_of(&a, 0, constants), operand_of(&b, 1, constants)];
                operands.extend(addend.map(|shape| operand_of(shape, 2, constants)));
                let kernel = build_gemm("Gemm", attributes, &operands, &[rows, cols]).unwrap();
                check_against_reference(
                    &*kernel,
                    &runtime_values(&operands),
                    |wide| {
                        let all = all_operands(&operands, wide);
                        reference_gemm(attributes, size, addend.unwrap_or(&[]), &all)
                    },
                    1e-6,
                );
            }
        }
    }
}

fn reference_matmul(
    [a_shape, b_shape]: [&[usize]; 2],
    output_shape: &[usize],
    operands: &[Vec<f64>],
) -> Vec<f64> {
    let (rows, a_lead) = match a_shape {
        [_] => (1, &a_shape[..0]),
        _ => (a_shape[a_shape.len() - 2], &a_shape[..a_shape.len() - 2]),
    };
    let (cols, b_lead) = match b_shape {
        [_] => (1, &b_shape[..0]),
        _ => (b_shape[b_shape.len() - 1], &b_shape[..b_shape.len() - 2]),
    };
    let inner = a_shape[a_shape.len() - 1];
    let n_matrix_axes = a_shape.len().min(2) + b_shape.len().min(2) - 2;
    let lead = &output_shape[..output_shape.len() - n_matrix_axes];
    let [a_strides, b_strides] = [a_lead, b_lead].map(|own| broadcast_strides(own, lead).unwrap());
    let mut result = Vec::new();
    for batch in 0..len(lead) {
        let (mut rest, mut a_batch, mut b_batch) = (batch, 0, 0);
        for axis in (0..lead.len()).rev() {
            a_batch += rest % lead[axis] * a_strides[axis] as usize;
            b_batch += rest % lead[axis] * b_strides[axis] as usize;
            rest /= lead[axis];
        }
        for row in 0..rows {
            for col in 0..cols {
                let terms = (0..inner).map(|k| {
                    operands[0][(a_batch * rows + row) * inner + k]
                        * operands[1][(b_batch * inner + k) * cols + col]
                });
                result.push(terms.sum());
            }
        }
    }
    result
}

#[test]
fn matmul_matches_the_reference_for_every_rank() {
    let cases: [(&[usize], &[usize], &[usize]); 12] = [
        (&[3, 4], &[4, 5], &[3, 5]),
        (&[4], &[4], &[]),
        (&[4], &[4, 5], &[5]),
        (&[3, 4], &[4], &[3]),
        (&[2, 3, 4], &[4], &[2, 3]),
        (&[4], &[2, 4, 5], &[2, 5]),
        (&[2, 3, 4], &[4, 5], &[2, 3, 5]),
        (&[2, 3, 4], &[2, 4, 5], &[2, 3, 5]),
        (&[2, 1, 3, 4], &[6, 4, 5], &[2, 6, 3, 5]),
        (&[3, 4], &[2, 4, 5], &[2, 3, 5]),
        (&[1, 3, 4], &[2, 4, 1], &[2, 3, 1]),
        (&[2, 3, 4], &[1, 4, 5], &[2, 3, 5]),
    ];
    for (a, b, output_shape) in cases {
        for constants in 0..3 {
            let operands = [operand_of(a, 0, constants), operand_of(b, 1, constants)];
            let kernel = build_matmul("MatMul", &operands, output_shape).unwrap();
            assert_eq!(kernel.reads().inputs, constants == 0);
            check_against_reference(
                &*kernel,
                &runtime_values(&operands),
                |wide| {
                    let all = all_operands(&operands, wide);
                    reference_matmul([a, b], output_shape, &all)
                },
                1e-6,
            );
        }
    }
}

#[test]
fn matrices_that_do_not_fit_are_refused() {
    let attempt = |a: &[usize], b: &[usize], output_shape: &[usize]| {
        build_matmul("MatMul", &[operand(a), operand(b)], output_shape).is_err()
    };
    assert!(attempt(&[3, 4], &[3, 5], &[3, 5]));
    assert!(attempt(&[3, 4], &[4, 5], &[3, 6]));
    assert!(attempt(&[], &[4, 5], &[5]));
    assert!(attempt(&[2, 3, 4], &[3, 4, 5], &[3, 3, 5]));
    let attributes = GemmAttributes {
        alpha: 1.0,
        beta: 1.0,
        trans_a: false,
        trans_b: false,
    };
    let attempt = |shapes: &[&[usize]]| {
        let operands: Vec<Operand> = shapes.iter().map(|shape| operand(shape)).collect();
        build_gemm("Gemm", attributes, &operands, &[3, 5]).is_err()
    };
    assert!(attempt(&[&[3, 4], &[5, 4]]));
    assert!(attempt(&[&[3, 4], &[4, 5], &[3]]));
    assert!(attempt(&[&[2, 3, 4], &[4, 5]]));
    assert!(attempt(&[&[3, 4]]));
}

proptest! {
    #[test]
    fn vjp_is_linear(
        (batch, rows, inner, cols) in (1usize..4, 1usize..20, 1usize..20, 1usize..20),
        shared: bool,
        seed: u64,
    ) {
        let a = [batch, rows, inner];
        let b = [if shared { 1 } else { batch }, inner, cols];
        let output_shape = [batch, rows, cols];
        let kernel: Box<dyn Kernel> =
            build_matmul("MatMul", &[operand(&a), operand(&b)], &output_shape).unwrap();
        let inputs = [values(len(&a), seed), values(len(&b), !seed)];
        check_laws(&*kernel, &inputs, len(&output_shape), seed);
    }
}

#[test]
fn a_gemm_takes_all_but_the_last_axis_as_rows() {
    let attributes = GemmAttributes {
        alpha: 1.0,
        beta: 1.0,
        trans_a: false,
        trans_b: true,
    };
    let operands = [
        operand(&[2, 3, 5]),
        constant_operand(&[4, 5], 1),
        constant_operand(&[4], 2),
    ];
    let kernel = build_gemm("Gemm", attributes, &operands, &[2, 3, 4]).unwrap();
    let inputs = runtime_values(&operands);
    check_against_reference(
        kernel.as_ref(),
        &inputs,
        |wide| reference_gemm(attributes, [6, 5, 4], &[4], &all_operands(&operands, wide)),
        1e-6,
    );
    check_laws(kernel.as_ref(), &inputs, 24, 6);
    assert!(build_gemm("Gemm", attributes, &operands, &[3, 2, 5]).is_err());
}
