//! Element-wise operators, reductions and quantisation, in every version from opset 7 on.

use super::attributes::Attributes;
use super::operators::Refusal;
use super::proto::DataType;
use crate::op::{BinaryOp, Op, ReduceOp, VariadicOp};
use crate::operation::Unary;

/// The operator, where it is one of these.
pub(super) fn read(
    operator: &str,
    attributes: &mut Attributes<'_>,
    opset: i64,
) -> Result<Op, Refusal> {
    if let Some(function) = function(operator, attributes) {
        return Ok(Op::Function(function));
    }
    if let Some(reduction) = reduction(operator) {
        return Ok(Op::Reduce {
            reduction,
            axes: attributes.integers("axes").map(<[i64]>::to_vec),
            keep_dims: attributes.integer("keepdims", 1) != 0,
            noop_with_empty_axes: attributes.integer("noop_with_empty_axes", 0) != 0,
        });
    }
    let binary = |operation| Ok(Op::Binary(operation));
    let variadic = |operation| Ok(Op::Variadic(operation));
    match operator {
        "Pow" => binary(BinaryOp::Pow),
        "PRelu" => binary(BinaryOp::PRelu),
        "Equal" => binary(BinaryOp::Equal),
        "Greater" => binary(BinaryOp::Greater),
        "GreaterOrEqual" => binary(BinaryOp::GreaterOrEqual),
        "Less" => binary(BinaryOp::Less),
        "LessOrEqual" => binary(BinaryOp::LessOrEqual),
        "And" => binary(BinaryOp::And),
        "Or" => binary(BinaryOp::Or),
        "Xor" => binary(BinaryOp::Xor),
        "Sum" => variadic(VariadicOp::Sum),
        "Mean" => variadic(VariadicOp::Mean),
        "Max" => variadic(VariadicOp::Max),
        "Min" => variadic(VariadicOp::Min),
        "ArgMax" | "ArgMin" => Ok(Op::ArgMax {
            smallest: operator == "ArgMin",
            axis: attributes.integer("axis", 0),
            keep_dims: attributes.integer("keepdims", 1) != 0,
            select_last: attributes.integer("select_last_index", 0) != 0,
        }),
        "LogSoftmax" => Ok(Op::LogSoftmax {
            axis: attributes.integer("axis", if opset < 13 { 1 } else { -1 }),
            flatten: opset < 13,
        }),
        "QuantizeLinear" => quantize(attributes),
        "DequantizeLinear" => Ok(Op::DequantizeLinear {
            axis: attributes.integer("axis", 1),
            block_size: attributes.size("block_size")?,
        }),
        _ => Err(Refusal::unknown()),
    }
}

fn function(operator: &str, attributes: &mut Attributes<'_>) -> Option<Unary> {
    Some(match operator {
        "Elu" => Unary::Elu {
            alpha: attributes.float("alpha", 1.0),
        },
        "Selu" => Unary::Selu {
            alpha: attributes.float("alpha", 1.673_263_2),
            gamma: attributes.float("gamma", 1.050_701),
        },
        "Celu" => Unary::Celu {
            alpha: attributes.float("alpha", 1.0),
        },
        "ThresholdedRelu" => Unary::ThresholdedRelu {
            alpha: attributes.float("alpha", 1.0),
        },
        "HardSigmoid" => Unary::HardSigmoid {
            alpha: attributes.float("alpha", 0.2),
            beta: attributes.float("beta", 0.5),
        },
        "HardSwish" => Unary::HardSwish,
        "Mish" => Unary::Mish,
        "Softplus" => Unary::Softplus,
        "Softsign" => Unary::Softsign,
        "Abs" => Unary::Abs,
        "Neg" => Unary::Neg,
        "Exp" => Unary::Exp,
        "Log" => Unary::Log,
        "Sqrt" => Unary::Sqrt,
        "Reciprocal" => Unary::Reciprocal,
        "Sin" => Unary::Sin,
        "Cos" => Unary::Cos,
        "Floor" => Unary::Floor,
        "Ceil" => Unary::Ceil,
        "Round" => Unary::Round,
        "Sign" => Unary::Sign,
        "Not" => Unary::Not,
        _ => return None,
    })
}

fn reduction(operator: &str) -> Option<ReduceOp> {
    Some(match operator {
        "ReduceSum" => ReduceOp::Sum,
        "ReduceMax" => ReduceOp::Max,
        "ReduceMin" => ReduceOp::Min,
        "ReduceProd" => ReduceOp::Prod,
        "ReduceL1" => ReduceOp::L1,
        "ReduceL2" => ReduceOp::L2,
        "ReduceSumSquare" => ReduceOp::SumSquare,
        "ReduceLogSum" => ReduceOp::LogSum,
        "ReduceLogSumExp" => ReduceOp::LogSumExp,
        _ => return None,
    })
}

fn quantize(attributes: &mut Attributes<'_>) -> Result<Op, Refusal> {
    let zero_point = attributes.type_of_input(2);
    let declared = match attributes.integer("output_dtype", 0) {
        0 => None,
        number => Some(DataType(i32::try_from(number).unwrap_or(0))),
    };
    let target = declared.or(zero_point).unwrap_or(DataType::UINT8);
    let range = match target {
        DataType::UINT8 => [0, 255],
        DataType::INT8 => [-128, 127],
        DataType::UINT16 => [0, 65_535],
        DataType::INT16 => [-32_768, 32_767],
        DataType::UINT4 => [0, 15],
        DataType::INT4 => [-8, 7],
        other => {
            return Err(Refusal {
                detail: format!("to the type {other}"),
            });
        }
    };
    Ok(Op::QuantizeLinear {
        axis: attributes.integer("axis", 1),
        block_size: attributes.size("block_size")?,
        range,
    })
}
