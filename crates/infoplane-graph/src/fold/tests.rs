//! Shape arithmetic on constants.

use std::sync::Arc;

use super::*;
use crate::op::ReduceOp;

fn integer_state(values: &[i64]) -> ValueState {
    ValueState::Constant(Arc::new(Tensor::from_integers(values.to_vec())))
}

fn fold(op: Op, operands: &[ValueState]) -> Tensor {
    let operands: Vec<Option<&ValueState>> = operands.iter().map(Some).collect();
    evaluate(&op, &operands).unwrap().unwrap()
}

#[test]
fn shape_of_a_runtime_value_folds() {
    let runtime = ValueState::Runtime {
        shape: vec![4, 3, 8, 9],
        changes: crate::Change::AlongPath,
    };
    let all = fold(
        Op::Shape {
            start: 0,
            end: None,
        },
        std::slice::from_ref(&runtime),
    );
    assert_eq!(all.integers().unwrap(), [4, 3, 8, 9]);
    let tail = fold(
        Op::Shape {
            start: -2,
            end: Some(-1),
        },
        &[runtime],
    );
    assert_eq!(tail.integers().unwrap(), [8]);
}

#[test]
fn gather_takes_negative_indices_and_refuses_others_outside() {
    let source = integer_state(&[10, 20, 30]);
    let picked = fold(
        Op::Gather { axis: 0 },
        &[source.clone(), integer_state(&[-1, 0])],
    );
    assert_eq!(picked.integers().unwrap(), [30, 10]);
    let outside = integer_state(&[3]);
    let refused = evaluate(&Op::Gather { axis: 0 }, &[Some(&source), Some(&outside)]);
    assert!(matches!(refused, Err(Problem::Invalid(_))));
}

#[test]
fn ranges_count_down_too() {
    let scalar = |value: i64| integer_state(&[value]);
    let down = fold(Op::Range, &[scalar(10), scalar(3), scalar(-3)]);
    assert_eq!(down.integers().unwrap(), [10, 7, 4]);
    let empty = fold(Op::Range, &[scalar(3), scalar(3), scalar(1)]);
    assert!(empty.data().is_empty());
}

#[test]
fn slice_steps_backwards() {
    let source = integer_state(&[0, 1, 2, 3, 4]);
    let op = Op::Slice {
        starts: None,
        ends: None,
        axes: None,
    };
    let reversed = fold(
        op,
        &[
            source,
            integer_state(&[-1]),
            integer_state(&[i64::MIN]),
            integer_state(&[0]),
            integer_state(&[-2]),
        ],
    );
    assert_eq!(reversed.integers().unwrap(), [4, 2, 0]);
}

#[test]
fn transposed_weights_fold() {
    let weights = Tensor::new(
        vec![2, 3],
        TensorData::F32(vec![1., 2., 3., 4., 5., 6.].into()),
    );
    let state = ValueState::Constant(Arc::new(weights.unwrap()));
    let transposed = fold(Op::Transpose { perm: None }, &[state]);
    assert_eq!(transposed.shape(), [3, 2]);
    assert_eq!(transposed.floats().unwrap(), [1., 4., 2., 5., 3., 6.]);
}

#[test]
fn constants_without_elements_fold_whatever_their_shape() {
    let empty = Tensor::new(vec![1 << 40, 3, 0], TensorData::I64(vec![])).unwrap();
    let empty = ValueState::Constant(Arc::new(empty));
    let indices = integer_state(&[2, 0]);
    let gathered = fold(Op::Gather { axis: 1 }, &[empty.clone(), indices.clone()]);
    assert_eq!(gathered.shape(), [1 << 40, 2, 0]);
    let transposed = fold(Op::Transpose { perm: None }, std::slice::from_ref(&empty));
    assert_eq!(transposed.shape(), [0, 3, 1 << 40]);
    let joined = fold(Op::Concat { axis: 1 }, &[empty.clone(), empty.clone()]);
    assert_eq!(joined.shape(), [1 << 40, 6, 0]);
    let hot = fold(
        Op::OneHot { axis: 3 },
        &[empty.clone(), integer_state(&[4]), indices],
    );
    assert_eq!(hot.shape(), [1 << 40, 3, 0, 4]);
    let no_coordinates = Tensor::new(vec![1 << 40, 0], TensorData::I64(vec![])).unwrap();
    let no_coordinates = ValueState::Constant(Arc::new(no_coordinates));
    let nothing = Tensor::new(vec![1 << 40, 0], TensorData::I64(vec![])).unwrap();
    let nothing = ValueState::Constant(Arc::new(nothing));
    let data = integer_state(&[]);
    let mode = crate::op::ScatterMode::Replace;
    let scattered = fold(Op::ScatterNd { mode }, &[data, no_coordinates, nothing]);
    assert_eq!(scattered.shape(), [0]);
}

#[test]
fn reductions_of_nothing_are_their_neutral_elements() {
    let nothing = |shape: Vec<usize>| {
        let tensor = Tensor::new(shape, TensorData::F32(vec![].into())).unwrap();
        ValueState::Constant(Arc::new(tensor))
    };
    let over = |reduction: ReduceOp| Op::Reduce {
        reduction,
        axes: Some(vec![1]),
        keep_dims: false,
        noop_with_empty_axes: false,
    };
    for (reduction, expected) in [
        (ReduceOp::Sum, 0.0),
        (ReduceOp::Prod, 1.0),
        (ReduceOp::Min, f32::INFINITY),
        (ReduceOp::LogSumExp, f32::NEG_INFINITY),
    ] {
        let folded = fold(over(reduction), &[nothing(vec![2, 0, 3])]);
        assert_eq!(folded.shape(), [2, 3]);
        assert_eq!(folded.floats().unwrap(), [expected; 6]);
    }
    let huge = nothing(vec![1 << 40, 0]);
    assert!(evaluate(&over(ReduceOp::Sum), &[Some(&huge)]).is_err());
}

#[test]
fn huge_constants_are_refused() {
    let shape = integer_state(&[1 << 40, 1 << 40]);
    let value = Tensor::from_integers(vec![0]);
    let refused = evaluate(&Op::ConstantOfShape { value }, &[Some(&shape)]);
    assert!(matches!(refused, Err(Problem::Invalid(_))));
}

#[test]
fn remainders_have_the_sign_of_the_divisor() {
    let a = integer_state(&[7, -7, 7, -7, 6]);
    let rest = fold(Op::Mod, &[a.clone(), integer_state(&[3, 3, -3, -3, 3])]);
    assert_eq!(rest.integers().unwrap(), [1, 2, -2, -1, 0]);
    assert!(evaluate(&Op::Mod, &[Some(&a), Some(&integer_state(&[0]))]).is_err());
}

#[test]
fn arithmetic_broadcasts_and_checks_overflow() {
    let sum = fold(Op::Add, &[integer_state(&[1, 2, 3]), integer_state(&[10])]);
    assert_eq!(sum.integers().unwrap(), [11, 12, 13]);
    let max = integer_state(&[i64::MAX]);
    assert!(evaluate(&Op::Mul, &[Some(&max), Some(&max)]).is_err());
}
