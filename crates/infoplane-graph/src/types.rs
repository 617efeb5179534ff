//! Element types of what depends on the input.
//!
//! Everything runs in single precision: truth values are 0 and 1, integers are whole numbers, exact up
//! to 2²⁴. So a node's operation must be the one of its type (the quotient of integers has no
//! fraction), and types that an operator does not mix are refused.

use crate::op::{BinaryOp, ElementType, Op, ReduceOp, VariadicOp};
use crate::operation::{Operation, Unary};
use crate::resolve::{Problem, invalid, unsupported};
use crate::tensor::{Tensor, TensorData};

/// Largest magnitude up to which every integer is a number of single precision.
const LARGEST_EXACT: u64 = 1 << 24;

impl ElementType {
    /// The name, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ElementType::Float => "float",
            ElementType::Integer => "integer",
            ElementType::Bool => "bool",
        }
    }
}

/// The element type of a constant that a node reads when it runs; fails for integers that single
/// precision does not have.
pub(crate) fn of_constant(tensor: &Tensor) -> Result<ElementType, Problem> {
    match tensor.data() {
        TensorData::F32(_) => Ok(ElementType::Float),
        TensorData::Bool(_) => Ok(ElementType::Bool),
        TensorData::I64(values) => {
            match values
                .iter()
                .find(|value| value.unsigned_abs() > LARGEST_EXACT)
            {
                None => Ok(ElementType::Integer),
                Some(value) => Err(unsupported(format!(
                    "the integer {value} beside values that depend on the input (up to \
                     {LARGEST_EXACT} they are exact)"
                ))),
            }
        }
    }
}

/// The operation for operands of these types: a quotient of integers is one without a fraction.
pub(crate) fn operation_for(operation: Operation, operands: &[ElementType]) -> Operation {
    match operation {
        Operation::Binary(BinaryOp::Div) if operands.contains(&ElementType::Integer) => {
            Operation::Binary(BinaryOp::TruncatedDiv)
        }
        other => other,
    }
}

/// The element type of a node's result.
pub(crate) fn of_result(
    op: &Op,
    operation: &Operation,
    operands: &[ElementType],
) -> Result<ElementType, Problem> {
    let types = Types(operands);
    match operation {
        Operation::Reshape => match op {
            Op::Cast { to } => Ok(*to),
            _ => types.first(),
        },
        Operation::Transpose { .. } | Operation::Slice { .. } | Operation::Pad { .. } => {
            types.first()
        }
        Operation::Concat { .. } => types.same(),
        Operation::Unary(function) => of_function(*function, types),
        Operation::Binary(operation) => of_binary(*operation, types),
        Operation::Variadic(VariadicOp::Mean) => types.floats(),
        Operation::Variadic(_) => types.numbers(),
        Operation::Where => {
            types.only(&[ElementType::Bool], "a condition", 0)?;
            Types(operands.get(1..).unwrap_or(&[])).same()
        }
        Operation::Reduce { reduction, .. } => match reduction {
            ReduceOp::Max | ReduceOp::Min => types.first(),
            ReduceOp::L2 | ReduceOp::LogSum | ReduceOp::LogSumExp => types.floats(),
            _ => types.numbers(),
        },
        _ => types.floats(),
    }
}

fn of_function(function: Unary, types: Types<'_>) -> Result<ElementType, Problem> {
    match function {
        Unary::Relu | Unary::Clip { .. } | Unary::Abs | Unary::Neg | Unary::Sign => types.numbers(),
        Unary::Not => {
            types.only(&[ElementType::Bool], "an operand", 0)?;
            types.first()
        }
        Unary::Truncate => Ok(ElementType::Integer),
        Unary::NonZero => Ok(ElementType::Bool),
        Unary::Quantize { .. } => types.floats().map(|_| ElementType::Integer),
        Unary::Dequantize { .. } => {
            types.only(&[ElementType::Integer], "an operand", 0)?;
            Ok(ElementType::Float)
        }
        _ => types.floats(),
    }
}

fn of_binary(operation: BinaryOp, types: Types<'_>) -> Result<ElementType, Problem> {
    match operation {
        BinaryOp::Equal => types.same().map(|_| ElementType::Bool),
        _ if operation.is_comparison() => types.numbers().map(|_| ElementType::Bool),
        _ if operation.is_logic() => {
            types.only(&[ElementType::Bool], "an operand", 0)?;
            types.same()
        }
        BinaryOp::Pow => {
            types.only(&[ElementType::Float], "a base", 0)?;
            types.only(
                &[ElementType::Float, ElementType::Integer],
                "an exponent",
                1,
            )?;
            Ok(ElementType::Float)
        }
        BinaryOp::PRelu => types.floats(),
        _ => types.numbers(),
    }
}

#[derive(Clone, Copy)]
struct Types<'a>(&'a [ElementType]);

impl Types<'_> {
    fn first(self) -> Result<ElementType, Problem> {
        self.0
            .first()
            .copied()
            .ok_or_else(|| invalid("operand 0 is missing"))
    }

    /// All of one type.
    fn same(self) -> Result<ElementType, Problem> {
        let first = self.first()?;
        match self.0.iter().find(|&&other| other != first) {
            None => Ok(first),
            Some(other) => Err(invalid(format!(
                "operands of different types, {} and {}",
                first.name(),
                other.name()
            ))),
        }
    }

    /// All floats, or all integers.
    fn numbers(self) -> Result<ElementType, Problem> {
        match self.same()? {
            ElementType::Bool => Err(invalid("truth values where numbers belong")),
            number => Ok(number),
        }
    }

    fn floats(self) -> Result<ElementType, Problem> {
        match self.0.iter().find(|&&other| other != ElementType::Float) {
            None => Ok(ElementType::Float),
            Some(other) => Err(unsupported(format!("an operand of type {}", other.name()))),
        }
    }

    fn only(self, allowed: &[ElementType], what: &str, position: usize) -> Result<(), Problem> {
        match self.0.get(position) {
            Some(actual) if !allowed.contains(actual) => Err(invalid(format!(
                "{what} of type {} where {} belongs",
                actual.name(),
                allowed[0].name()
            ))),
            _ => Ok(()),
        }
    }
}
