//! Element-wise operators.

use super::{Operands, Problem, Resolved, broadcast, invalid, unsupported};
use crate::op::{BinaryOp, ElementType, VariadicOp};
use crate::operation::{Operation, Unary};
use crate::shaped::ValueState;

pub(super) fn unary(function: Unary, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let shape = operands.shape(0)?.to_vec();
    Ok(Resolved::of_first(Operation::Unary(function), shape))
}

pub(super) fn binary(operation: BinaryOp, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let shape = broadcast(operands.shape(0)?, operands.shape(1)?)?;
    if operation == BinaryOp::Pow
        && let Some(exponent) = single_number(operands.get(1))
    {
        return Ok(Resolved::of_first(
            Operation::Unary(Unary::Power { exponent }),
            shape,
        ));
    }
    if operation == BinaryOp::PRelu && shape != operands.shape(0)? {
        return Err(invalid(format!(
            "slopes of shape {:?} for {:?}",
            operands.shape(1)?,
            operands.shape(0)?
        )));
    }
    Ok(Resolved {
        operation: Operation::Binary(operation),
        operands: vec![0, 1],
        shape,
    })
}

/// The only element of a constant number.
fn single_number(state: Option<&ValueState>) -> Option<f32> {
    let Some(ValueState::Constant(tensor)) = state else {
        return None;
    };
    match (tensor.floats(), tensor.integers()) {
        (Some([value]), _) => Some(*value),
        (_, Some([value])) => Some(*value as f32),
        _ => None,
    }
}

/// One operand is passed on, and two are summed as `Add` does it.
pub(super) fn variadic(operation: VariadicOp, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let first = operands.shape(0)?;
    let n = operands.0.len();
    let shape = (1..n).try_fold(first.to_vec(), |shape, position| {
        broadcast(&shape, operands.shape(position)?)
    })?;
    Ok(match (operation, n) {
        (_, 1) => Resolved::of_first(Operation::Reshape, shape),
        (VariadicOp::Sum, 2) => Resolved {
            operation: Operation::Binary(BinaryOp::Add),
            operands: vec![0, 1],
            shape,
        },
        _ => Resolved {
            operation: Operation::Variadic(operation),
            operands: (0..n).collect(),
            shape,
        },
    })
}

pub(super) fn choose(operands: Operands<'_>) -> Result<Resolved, Problem> {
    let both = broadcast(operands.shape(1)?, operands.shape(2)?)?;
    Ok(Resolved {
        operation: Operation::Where,
        operands: vec![0, 1, 2],
        shape: broadcast(operands.shape(0)?, &both)?,
    })
}

/// A cast is exact but for what the type can't hold: fractions of integers, and all but zero or not
/// zero of truth values. Floats of every width are computed in single precision.
pub(super) fn cast(to: ElementType, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let operation = match to {
        ElementType::Float => Operation::Reshape,
        ElementType::Integer => Operation::Unary(Unary::Truncate),
        ElementType::Bool => Operation::Unary(Unary::NonZero),
    };
    let shape = operands.shape(0)?.to_vec();
    Ok(Resolved::of_first(operation, shape))
}

pub(super) fn quantize(range: [i64; 2], operands: Operands<'_>) -> Result<Resolved, Problem> {
    let (scale, zero_point) = scale_and_zero_point(operands)?;
    let [low, high] = range.map(|limit| limit as f32);
    unary(
        Unary::Quantize {
            scale,
            zero_point,
            low,
            high,
        },
        operands,
    )
}

pub(super) fn dequantize(operands: Operands<'_>) -> Result<Resolved, Problem> {
    let (scale, zero_point) = scale_and_zero_point(operands)?;
    unary(Unary::Dequantize { scale, zero_point }, operands)
}

fn scale_and_zero_point(operands: Operands<'_>) -> Result<(f32, f32), Problem> {
    let one = |position: usize, what: &str| {
        single_number(operands.get(position)).ok_or_else(|| {
            unsupported(format!(
                "{what} other than one constant number, of a value that depends on the input"
            ))
        })
    };
    let scale = one(1, "a scale")?;
    let zero_point = match operands.get(2) {
        Some(_) => one(2, "a zero point")?,
        None => 0.0,
    };
    if scale > 0.0 && scale.is_finite() {
        Ok((scale, zero_point))
    } else {
        Err(invalid(format!("a scale of {scale}")))
    }
}
