//! Operators that move, repeat, pick and interpolate elements, in every version from opset 7 on.

use super::attributes::Attributes;
use super::operators::Refusal;
use super::windows::size;
use crate::op::{
    AspectPolicy, Coordinates, Interpolation, NearestRule, Op, ResizeOptions, ScalesFrom,
    ScatterMode,
};

/// The operator, if it is one of those here.
pub(super) fn read(
    operator: &str,
    attributes: &mut Attributes<'_>,
    opset: i64,
) -> Result<Option<Op>, Refusal> {
    Ok(Some(match operator {
        "CumSum" => Op::CumSum {
            exclusive: attributes.integer("exclusive", 0) != 0,
            reverse: attributes.integer("reverse", 0) != 0,
        },
        "DepthToSpace" => Op::DepthToSpace {
            block: size(attributes, "blocksize", 0)?,
            channel_first: match attributes.text("mode") {
                None | Some("DCR") => false,
                Some("CRD") => true,
                Some(other) => return Err(Refusal::attribute("mode", other)),
            },
        },
        "SpaceToDepth" => Op::SpaceToDepth {
            block: size(attributes, "blocksize", 0)?,
        },
        "Einsum" => Op::Einsum {
            equation: attributes.text("equation").unwrap_or_default().to_string(),
        },
        "NonZero" => Op::NonZero,
        "OneHot" => Op::OneHot {
            axis: attributes.integer("axis", -1),
        },
        "ScatterND" => Op::ScatterNd {
            mode: match attributes.text("reduction") {
                None | Some("none") => ScatterMode::Replace,
                Some("add") => ScatterMode::Add,
                Some("mul") => ScatterMode::Mul,
                Some("min") => ScatterMode::Min,
                Some("max") => ScatterMode::Max,
                Some(other) => return Err(Refusal::attribute("reduction", other)),
            },
        },
        "Size" => Op::Size,
        "Split" => Op::Split {
            axis: attributes.integer("axis", 0),
            sizes: attributes.integers("split").map(<[i64]>::to_vec),
            parts: attributes.optional_integer("num_outputs"),
        },
        "Tile" => Op::Tile,
        "Trilu" => Op::Trilu {
            upper: attributes.integer("upper", 1) != 0,
        },
        "Resize" if opset < 11 => Op::Resize(upsample(attributes)?),
        "Resize" => Op::Resize(resize(attributes)?),
        "Upsample" => Op::Upsample(upsample(attributes)?),
        _ => return Ok(None),
    }))
}

fn resize(attributes: &mut Attributes<'_>) -> Result<ResizeOptions, Refusal> {
    let nearest = match attributes.text("nearest_mode") {
        None | Some("round_prefer_floor") => NearestRule::RoundPreferFloor,
        Some("round_prefer_ceil") => NearestRule::RoundPreferCeil,
        Some("floor") => NearestRule::Floor,
        Some("ceil") => NearestRule::Ceil,
        Some(other) => return Err(Refusal::attribute("nearest_mode", other)),
    };
    let a = attributes.float("cubic_coeff_a", -0.75);
    Ok(ResizeOptions {
        interpolation: match attributes.text("mode") {
            None | Some("nearest") => Interpolation::Nearest(nearest),
            Some("linear") => Interpolation::Linear,
            Some("cubic") => Interpolation::Cubic { a },
            Some(other) => return Err(Refusal::attribute("mode", other)),
        },
        coordinates: match attributes.text("coordinate_transformation_mode") {
            None | Some("half_pixel") => Coordinates::HalfPixel,
            Some("half_pixel_symmetric") => Coordinates::HalfPixelSymmetric,
            Some("pytorch_half_pixel") => Coordinates::PyTorchHalfPixel,
            Some("align_corners") => Coordinates::AlignCorners,
            Some("asymmetric") => Coordinates::Asymmetric,
            Some("tf_crop_and_resize") => Coordinates::Crop,
            Some(other) => {
                let name = "coordinate_transformation_mode";
                return Err(Refusal::attribute(name, other));
            }
        },
        axes: attributes.integers("axes").map(<[i64]>::to_vec),
        antialias: attributes.integer("antialias", 0) != 0,
        exclude_outside: attributes.integer("exclude_outside", 0) != 0,
        outside_value: attributes.float("extrapolation_value", 0.0),
        aspect: match attributes.text("keep_aspect_ratio_policy") {
            None | Some("stretch") => AspectPolicy::Stretch,
            Some("not_larger") => AspectPolicy::NotLarger,
            Some("not_smaller") => AspectPolicy::NotSmaller,
            Some(other) => return Err(Refusal::attribute("keep_aspect_ratio_policy", other)),
        },
        scales: ScalesFrom::Operand(2),
        sizes_operand: Some(3),
    })
}

/// `Upsample`, and `Resize` before it got its modes: x / scale, and the element below.
fn upsample(attributes: &mut Attributes<'_>) -> Result<ResizeOptions, Refusal> {
    Ok(ResizeOptions {
        interpolation: match attributes.text("mode") {
            None | Some("nearest") => Interpolation::Nearest(NearestRule::Floor),
            Some("linear") => Interpolation::Linear,
            Some(other) => return Err(Refusal::attribute("mode", other)),
        },
        coordinates: Coordinates::Asymmetric,
        axes: None,
        antialias: false,
        exclude_outside: false,
        outside_value: 0.0,
        aspect: AspectPolicy::Stretch,
        scales: match attributes.floats("scales") {
            Some(scales) => ScalesFrom::Attribute(scales.to_vec()),
            None => ScalesFrom::Operand(1),
        },
        sizes_operand: None,
    })
}
