//! Element-wise operators on constants.

use super::{expand, required, tensor};
use crate::op::{BinaryOp, VariadicOp};
use crate::operation::Unary;
use crate::resolve::{Problem, broadcast, invalid};
use crate::tensor::{Tensor, TensorData};

fn overflow() -> Problem {
    invalid("an integer overflows or is divided by 0")
}

/// A function that shape arithmetic uses; `None` for those of weights, which run once ahead.
pub(super) fn function(function: Unary, source: &Tensor) -> Result<Option<Tensor>, Problem> {
    let data = match source.data() {
        TensorData::F32(values) => {
            let each: fn(f32) -> f32 = match function {
                Unary::Abs => f32::abs,
                Unary::Neg => |x| -x,
                Unary::Sqrt => f32::sqrt,
                Unary::Reciprocal => f32::recip,
                Unary::Floor => f32::floor,
                Unary::Ceil => f32::ceil,
                Unary::Round => f32::round_ties_even,
                _ => return Ok(None),
            };
            TensorData::F32(values.iter().map(|&x| each(x)).collect())
        }
        TensorData::I64(values) => {
            let each: fn(i64) -> Option<i64> = match function {
                Unary::Abs => i64::checked_abs,
                Unary::Neg => i64::checked_neg,
                Unary::Sign => |x| Some(x.signum()),
                _ => return Ok(None),
            };
            let values: Option<Vec<i64>> = values.iter().map(|&x| each(x)).collect();
            TensorData::I64(values.ok_or_else(overflow)?)
        }
        TensorData::Bool(values) if function == Unary::Not => {
            TensorData::Bool(values.iter().map(|x| !x).collect())
        }
        TensorData::Bool(_) => return Ok(None),
    };
    tensor(source.shape().to_vec(), data).map(Some)
}

/// Two constants, broadcast; `None` for what only networks use.
pub(super) fn binary(
    operation: BinaryOp,
    a: &Tensor,
    b: &Tensor,
) -> Result<Option<Tensor>, Problem> {
    if operation == BinaryOp::PRelu {
        return Ok(None);
    }
    let shape = broadcast(a.shape(), b.shape())?;
    let (a, b) = (expand(a, &shape)?, expand(b, &shape)?);
    let data = match (a.data(), b.data()) {
        (TensorData::F32(a), TensorData::I64(b)) if operation == BinaryOp::Pow => {
            let powers = a.iter().zip(b).map(|(a, &b)| a.powf(b as f32));
            Some(TensorData::F32(powers.collect()))
        }
        (a, b) if operation.is_comparison() => compared(operation, a, b),
        (TensorData::F32(a), TensorData::F32(b)) => of_floats(operation, a, b),
        (TensorData::I64(a), TensorData::I64(b)) => of_integers(operation, a, b)?,
        (TensorData::Bool(a), TensorData::Bool(b)) => of_truths(operation, a, b),
        _ => None,
    };
    let data = data.ok_or_else(|| {
        invalid(format!(
            "{} of the types {} and {}",
            operation.name(),
            a.data().type_name(),
            b.data().type_name()
        ))
    })?;
    tensor(shape, data).map(Some)
}

fn compared(operation: BinaryOp, a: &TensorData, b: &TensorData) -> Option<TensorData> {
    fn each<T: PartialOrd>(operation: BinaryOp, a: &[T], b: &[T]) -> TensorData {
        let holds = |(a, b): (&T, &T)| match operation {
            BinaryOp::Greater => a > b,
            BinaryOp::GreaterOrEqual => a >= b,
            BinaryOp::Less => a < b,
            BinaryOp::LessOrEqual => a <= b,
            _ => a == b,
        };
        TensorData::Bool(a.iter().zip(b).map(holds).collect())
    }
    match (a, b) {
        (TensorData::F32(a), TensorData::F32(b)) => Some(each(operation, a, b)),
        (TensorData::I64(a), TensorData::I64(b)) => Some(each(operation, a, b)),
        (TensorData::Bool(a), TensorData::Bool(b)) if operation == BinaryOp::Equal => {
            Some(each(operation, a, b))
        }
        _ => None,
    }
}

fn of_floats(operation: BinaryOp, a: &[f32], b: &[f32]) -> Option<TensorData> {
    let each: fn(f32, f32) -> f32 = match operation {
        BinaryOp::Add => |a, b| a + b,
        BinaryOp::Sub => |a, b| a - b,
        BinaryOp::Mul => |a, b| a * b,
        BinaryOp::Div => |a, b| a / b,
        BinaryOp::Pow => f32::powf,
        _ => return None,
    };
    let values = a.iter().zip(b).map(|(&a, &b)| each(a, b));
    Some(TensorData::F32(values.collect()))
}

fn of_integers(operation: BinaryOp, a: &[i64], b: &[i64]) -> Result<Option<TensorData>, Problem> {
    let each: fn(i64, i64) -> Option<i64> = match operation {
        BinaryOp::Add => i64::checked_add,
        BinaryOp::Sub => i64::checked_sub,
        BinaryOp::Mul => i64::checked_mul,
        BinaryOp::Div | BinaryOp::TruncatedDiv => i64::checked_div,
        BinaryOp::Pow => |a, b| a.checked_pow(u32::try_from(b).ok()?),
        _ => return Ok(None),
    };
    let values: Option<Vec<i64>> = a.iter().zip(b).map(|(&a, &b)| each(a, b)).collect();
    Ok(Some(TensorData::I64(values.ok_or_else(overflow)?)))
}

fn of_truths(operation: BinaryOp, a: &[bool], b: &[bool]) -> Option<TensorData> {
    let each: fn(bool, bool) -> bool = match operation {
        BinaryOp::And => |a, b| a && b,
        BinaryOp::Or => |a, b| a || b,
        BinaryOp::Xor => |a, b| a != b,
        _ => return None,
    };
    let values = a.iter().zip(b).map(|(&a, &b)| each(a, b));
    Some(TensorData::Bool(values.collect()))
}

/// Any number of constants, broadcast.
pub(super) fn variadic(
    operation: VariadicOp,
    constants: &[Option<&Tensor>],
) -> Result<Option<Tensor>, Problem> {
    if operation == VariadicOp::Mean {
        return Ok(None);
    }
    let mut result = required(constants, 0)?.clone();
    for position in 1..constants.len() {
        let next = required(constants, position)?;
        let shape = broadcast(result.shape(), next.shape())?;
        let (a, b) = (expand(&result, &shape)?, expand(next, &shape)?);
        let data = match (a.data(), b.data()) {
            (TensorData::F32(a), TensorData::F32(b)) => {
                let each: fn(f32, f32) -> f32 = match operation {
                    VariadicOp::Sum | VariadicOp::Mean => |a, b| a + b,
                    VariadicOp::Max => |a, b| if b > a || b.is_nan() { b } else { a },
                    VariadicOp::Min => |a, b| if b < a || b.is_nan() { b } else { a },
                };
                TensorData::F32(a.iter().zip(b).map(|(&a, &b)| each(a, b)).collect())
            }
            (TensorData::I64(a), TensorData::I64(b)) => {
                let each: fn(i64, i64) -> Option<i64> = match operation {
                    VariadicOp::Sum | VariadicOp::Mean => i64::checked_add,
                    VariadicOp::Max => |a, b| Some(a.max(b)),
                    VariadicOp::Min => |a, b| Some(a.min(b)),
                };
                let values: Option<Vec<i64>> = a.iter().zip(b).map(|(&a, &b)| each(a, b)).collect();
                TensorData::I64(values.ok_or_else(overflow)?)
            }
            _ => return Err(invalid("operands of different types, or truth values")),
        };
        result = tensor(shape, data)?;
    }
    Ok(Some(result))
}

#[cfg(test)]
mod tests {
    use super::{binary, function, variadic};
    use crate::op::{BinaryOp, VariadicOp};
    use crate::operation::Unary;
    use crate::tensor::{Tensor, TensorData};

    fn floats(values: &[f32]) -> Tensor {
        Tensor::new(vec![values.len()], TensorData::F32(values.to_vec().into())).unwrap()
    }

    fn truths(values: &[bool]) -> Tensor {
        Tensor::new(vec![values.len()], TensorData::Bool(values.to_vec())).unwrap()
    }

    #[test]
    fn integers_stay_integers() {
        let numbers = Tensor::from_integers(vec![-7, 7, 3]);
        let two = Tensor::from_integers(vec![2]);
        let divided = binary(BinaryOp::Div, &numbers, &two).unwrap().unwrap();
        assert_eq!(divided.integers().unwrap(), [-3, 3, 1]);
        let powers = binary(BinaryOp::Pow, &numbers, &two).unwrap().unwrap();
        assert_eq!(powers.integers().unwrap(), [49, 49, 9]);
        let negative = function(Unary::Neg, &numbers).unwrap().unwrap();
        assert_eq!(negative.integers().unwrap(), [7, -7, -3]);
        let largest = variadic(VariadicOp::Max, &[Some(&numbers), Some(&two)]).unwrap();
        assert_eq!(largest.unwrap().integers().unwrap(), [2, 7, 3]);
        assert!(function(Unary::Neg, &Tensor::from_integers(vec![i64::MIN])).is_err());
    }

    #[test]
    fn comparisons_and_logic_give_truth_values() {
        let greater = binary(BinaryOp::Greater, &floats(&[1.0, 3.0]), &floats(&[2.0]));
        let greater = greater.unwrap().unwrap();
        assert_eq!(greater.data(), truths(&[false, true]).data());
        let either = binary(BinaryOp::Xor, &greater, &truths(&[true]))
            .unwrap()
            .unwrap();
        assert_eq!(either.data(), truths(&[true, false]).data());
        let not = function(Unary::Not, &either).unwrap().unwrap();
        assert_eq!(not.data(), truths(&[false, true]).data());
        assert!(binary(BinaryOp::Less, &greater, &greater).is_err());
        assert!(binary(BinaryOp::Add, &greater, &greater).is_err());
        assert!(binary(BinaryOp::Add, &floats(&[1.0]), &greater).is_err());
    }

    #[test]
    fn functions_of_weights_are_left_to_run() {
        assert_eq!(function(Unary::Exp, &floats(&[1.0])).unwrap(), None);
        let root = function(Unary::Sqrt, &floats(&[9.0])).unwrap().unwrap();
        assert_eq!(root.floats().unwrap(), [3.0]);
    }
}
