//! Transposed convolutions, further pools and normalisations, in every version from opset 7 on.

use super::attributes::Attributes;
use super::operators::{Refusal, sizes, window};
use crate::op::Op;

/// The operator, if it is one of those here.
pub(super) fn read(operator: &str, attributes: &mut Attributes<'_>) -> Result<Option<Op>, Refusal> {
    Ok(Some(match operator {
        "ConvTranspose" => {
            let mut list = |name: &str| {
                let values = attributes.integers(name);
                values.map(|values| sizes(name, values)).transpose()
            };
            Op::ConvTranspose {
                output_padding: list("output_padding")?.unwrap_or_default(),
                output_shape: list("output_shape")?.filter(|sizes| !sizes.is_empty()),
                group: size(attributes, "group", 1)?,
                window: window(attributes)?,
            }
        }
        "LpPool" => Op::LpPool {
            p: exponent(attributes)?,
            window: window(attributes)?,
        },
        "GlobalLpPool" => Op::GlobalLpPool {
            p: exponent(attributes)?,
        },
        "GlobalMaxPool" => Op::GlobalMaxPool,
        "InstanceNormalization" => Op::InstanceNormalization {
            epsilon: attributes.float("epsilon", 1e-5),
        },
        "GroupNormalization" => Op::GroupNormalization {
            groups: size(attributes, "num_groups", 0)?,
            epsilon: attributes.float("epsilon", 1e-5),
        },
        "LRN" => Op::Lrn {
            size: size(attributes, "size", 0)?,
            alpha: attributes.float("alpha", 1e-4),
            beta: attributes.float("beta", 0.75),
            bias: attributes.float("bias", 1.0),
        },
        _ => return Ok(None),
    }))
}

/// A number that may be neither negative nor so large that geometry overflows.
pub(super) fn size(
    attributes: &mut Attributes<'_>,
    name: &str,
    default: i64,
) -> Result<usize, Refusal> {
    let value = attributes.integer(name, default);
    Ok(sizes(name, &[value])?[0])
}

fn exponent(attributes: &mut Attributes<'_>) -> Result<u32, Refusal> {
    let p = attributes.integer("p", 2);
    match u32::try_from(p) {
        Ok(exponent) if (1..=1 << 16).contains(&exponent) => Ok(exponent),
        _ => Err(Refusal::attribute("p", p)),
    }
}
