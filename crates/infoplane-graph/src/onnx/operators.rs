//! ONNX operators and their attributes, in every version from opset 7 on.

use super::attributes::Attributes;
use crate::op::{ElementType, Op, PadMode, Padding, Window};
use crate::tensor::Tensor;

/// Why a node can't be read.
pub(super) struct Refusal {
    /// The attribute and its value; empty for the operator as a whole.
    pub detail: String,
}

impl Refusal {
    pub fn unknown() -> Refusal {
        Refusal {
            detail: String::new(),
        }
    }

    pub fn attribute(name: &str, value: impl std::fmt::Display) -> Refusal {
        Refusal {
            detail: format!("attribute {name} = {value}"),
        }
    }
}

pub(super) fn read(
    operator: &str,
    attributes: &mut Attributes<'_>,
    opset: i64,
) -> Result<Op, Refusal> {
    Ok(match operator {
        "Add" => Op::Add,
        "Sub" => Op::Sub,
        "Mul" => Op::Mul,
        "Div" => Op::Div,
        "Relu" => Op::Relu,
        "Sigmoid" => Op::Sigmoid,
        "Tanh" => Op::Tanh,
        "Erf" => Op::Erf,
        "Identity" => Op::Identity,
        "Where" => Op::Where,
        "Range" => Op::Range,
        "Expand" => Op::Expand,
        "MatMul" => Op::MatMul,
        "GlobalAveragePool" => Op::GlobalAveragePool,
        "If" => {
            return Err(Refusal {
                detail: "with a condition that is no constant".to_string(),
            });
        }
        "Dropout" => Op::Dropout,
        "LeakyRelu" => Op::LeakyRelu {
            alpha: attributes.float("alpha", 0.01),
        },
        "Gelu" => Op::Gelu {
            tanh: match attributes.text("approximate") {
                None | Some("none") => false,
                Some("tanh") => true,
                Some(other) => return Err(Refusal::attribute("approximate", other)),
            },
        },
        "Clip" if opset < 11 => Op::Clip {
            min: Some(
                attributes
                    .optional_float("min")
                    .unwrap_or(f32::NEG_INFINITY),
            ),
            max: Some(attributes.optional_float("max").unwrap_or(f32::INFINITY)),
        },
        "Clip" => Op::Clip {
            min: None,
            max: None,
        },
        "Gemm" => Op::Gemm {
            alpha: attributes.float("alpha", 1.0),
            beta: attributes.float("beta", 1.0),
            trans_a: attributes.integer("transA", 0) != 0,
            trans_b: attributes.integer("transB", 0) != 0,
        },
        "BatchNormalization" => batch_normalization(attributes)?,
        "LayerNormalization" if attributes.n_outputs() > 1 => {
            return Err(Refusal {
                detail: "its second and third results".to_string(),
            });
        }
        "LayerNormalization" => Op::LayerNormalization {
            axis: attributes.integer("axis", -1),
            epsilon: attributes.float("epsilon", 1e-5),
        },
        "Softmax" if opset < 13 => Op::Softmax {
            axis: attributes.integer("axis", 1),
            flatten: true,
        },
        "Softmax" => Op::Softmax {
            axis: attributes.integer("axis", -1),
            flatten: false,
        },
        "Conv" => {
            let group = attributes.integer("group", 1);
            Op::Conv {
                window: window(attributes)?,
                group: usize::try_from(group).map_err(|_| Refusal::attribute("group", group))?,
            }
        }
        "MaxPool" if attributes.n_outputs() > 1 => {
            return Err(Refusal {
                detail: "its second result (indices)".to_string(),
            });
        }
        "MaxPool" => Op::MaxPool {
            window: window(attributes)?,
        },
        "AveragePool" => Op::AveragePool {
            count_include_pad: attributes.integer("count_include_pad", 0) != 0,
            window: window(attributes)?,
        },
        "ReduceMean" => Op::ReduceMean {
            axes: attributes.integers("axes").map(<[i64]>::to_vec),
            keep_dims: attributes.integer("keepdims", 1) != 0,
            noop_with_empty_axes: attributes.integer("noop_with_empty_axes", 0) != 0,
        },
        "Concat" => Op::Concat {
            axis: attributes.integer("axis", 1),
        },
        "Slice" => Op::Slice {
            starts: attributes.integers("starts").map(<[i64]>::to_vec),
            ends: attributes.integers("ends").map(<[i64]>::to_vec),
            axes: attributes.integers("axes").map(<[i64]>::to_vec),
        },
        "Pad" => Op::Pad {
            mode: match attributes.text("mode") {
                None | Some("constant") => PadMode::Constant,
                Some("reflect") => PadMode::Reflect,
                Some("edge") => PadMode::Edge,
                Some(other) => return Err(Refusal::attribute("mode", other)),
            },
            pads: attributes.integers("pads").map(<[i64]>::to_vec),
            value: attributes.float("value", 0.0),
        },
        "Reshape" => Op::Reshape {
            allow_zero: attributes.integer("allowzero", 0) != 0,
        },
        "Flatten" => Op::Flatten {
            axis: attributes.integer("axis", 1),
        },
        "Transpose" => Op::Transpose {
            perm: attributes
                .integers("perm")
                .map(|perm| sizes("perm", perm))
                .transpose()?,
        },
        "Squeeze" => Op::Squeeze {
            axes: attributes.integers("axes").map(<[i64]>::to_vec),
        },
        "Unsqueeze" => Op::Unsqueeze {
            axes: attributes.integers("axes").map(<[i64]>::to_vec),
        },
        "Shape" => Op::Shape {
            start: attributes.integer("start", 0),
            end: attributes.optional_integer("end"),
        },
        "Gather" => Op::Gather {
            axis: attributes.integer("axis", 0),
        },
        "Cast" => Op::Cast {
            to: match attributes.integer("to", 0) {
                1 | 10 | 11 | 16 => ElementType::Float,
                2..=7 | 12 | 13 => ElementType::Integer,
                9 => ElementType::Bool,
                other => return Err(Refusal::attribute("to", other)),
            },
        },
        "ConstantOfShape" => Op::ConstantOfShape {
            value: constant_of_shape_value(attributes)?,
        },
        _ => return super::arithmetic::read(operator, attributes, opset),
    })
}

fn constant_of_shape_value(attributes: &mut Attributes<'_>) -> Result<Tensor, Refusal> {
    let zero = Tensor::new(vec![1], crate::TensorData::F32(vec![0.0].into()));
    let given = match attributes.tensor("value") {
        Some(proto) => super::tensors::read(proto, "value", std::path::Path::new(".")).ok(),
        None => zero,
    };
    given.ok_or_else(|| Refusal {
        detail: "attribute value of a type other than numbers".to_string(),
    })
}

fn batch_normalization(attributes: &mut Attributes<'_>) -> Result<Op, Refusal> {
    if attributes.integer("training_mode", 0) != 0 {
        return Err(Refusal::attribute("training_mode", 1));
    }
    if attributes.n_inputs() < 5 {
        return Err(Refusal {
            detail: "without running statistics".to_string(),
        });
    }
    // Until opset 8: statistics of every unit instead of every channel.
    if attributes.integer("spatial", 1) == 0 {
        return Err(Refusal::attribute("spatial", 0));
    }
    Ok(Op::BatchNormalization {
        epsilon: attributes.float("epsilon", 1e-5),
    })
}

fn window(attributes: &mut Attributes<'_>) -> Result<Window, Refusal> {
    let mut list = |name: &str| -> Result<Option<Vec<usize>>, Refusal> {
        attributes
            .integers(name)
            .map(|values| sizes(name, values))
            .transpose()
    };
    let kernel = list("kernel_shape")?;
    let strides = list("strides")?.unwrap_or_default();
    let dilations = list("dilations")?.unwrap_or_default();
    let pads = list("pads")?.unwrap_or_default();
    if let Some(axes) = kernel.as_ref().map(Vec::len)
        && axes > 2
    {
        return Err(Refusal {
            detail: format!("{axes} spatial axes (one or two are supported)"),
        });
    }
    let padding = match attributes.text("auto_pad") {
        None | Some("NOTSET") => Padding::Explicit(pads),
        Some("SAME_UPPER") => Padding::SameUpper,
        Some("SAME_LOWER") => Padding::SameLower,
        Some("VALID") => Padding::Valid,
        Some(other) => return Err(Refusal::attribute("auto_pad", other)),
    };
    Ok(Window {
        kernel,
        strides,
        dilations,
        padding,
        ceil_mode: attributes.integer("ceil_mode", 0) != 0,
    })
}

/// Sizes that may not be negative, nor so large that geometry overflows.
fn sizes(name: &str, values: &[i64]) -> Result<Vec<usize>, Refusal> {
    values
        .iter()
        .map(|&value| match usize::try_from(value) {
            Ok(size) if size <= 1 << 24 => Ok(size),
            _ => Err(Refusal::attribute(name, format!("{values:?}"))),
        })
        .collect()
}
