//! Resizing: for every element of the result along an axis, which elements of the operand it is a
//! weighted sum of.
//!
//! All ONNX interpolations are products over the axes, so an axis at a time is enough. The formulas are
//! those of the ONNX operator reference; arithmetic is in double precision.

use super::{BatchRule, Operands, Problem, Resolved, axis_index, invalid};
use crate::op::{AspectPolicy, Coordinates, Interpolation, NearestRule, ResizeOptions, ScalesFrom};
use crate::operation::{Operation, ResizedAxis};

/// No resized axis may be longer, before or after.
const MAX_LENGTH: usize = 1 << 20;

/// No axis may have more weights.
const MAX_WEIGHTS: usize = 1 << 26;

/// One axis before its weights are known.
struct Geometry {
    axis: usize,
    input: usize,
    output: usize,
    scale: f64,
    /// Begin and end of the region, as shares of the axis.
    region: [f64; 2],
}

pub(super) fn resize(
    options: &ResizeOptions,
    operands: Operands<'_>,
    batch: BatchRule,
) -> Result<Resolved, Problem> {
    let shape = operands.shape(0)?;
    let mut output = shape.to_vec();
    let mut resized = Vec::new();
    for geometry in geometries(options, shape, operands, batch)? {
        output[geometry.axis] = geometry.output;
        let unchanged = geometry.input == geometry.output
            && geometry.scale == 1.0
            && options.coordinates != Coordinates::Crop;
        if !unchanged {
            resized.push(weights(options, &geometry)?);
        }
    }
    resized.sort_by_key(|axis: &ResizedAxis| axis.axis);
    if resized.is_empty() {
        return Ok(Resolved::of_first(Operation::Reshape, output));
    }
    Ok(Resolved::of_first(
        Operation::Resize {
            axes: resized,
            outside_value: options.outside_value,
        },
        output,
    ))
}

fn geometries(
    options: &ResizeOptions,
    shape: &[usize],
    operands: Operands<'_>,
    batch: BatchRule,
) -> Result<Vec<Geometry>, Problem> {
    let axes: Vec<usize> = match &options.axes {
        Some(axes) => axes
            .iter()
            .map(|&axis| axis_index(axis, shape.len()))
            .collect::<Result<_, _>>()?,
        None => (0..shape.len()).collect(),
    };
    let counted = |len: usize, what: &str| {
        (len == axes.len())
            .then_some(())
            .ok_or_else(|| invalid(format!("{len} {what} for {} axes", axes.len())))
    };
    let sizes = match options.sizes_operand {
        Some(position) => operands.integers(position, "sizes")?,
        None => None,
    };
    let scales = match &options.scales {
        ScalesFrom::Attribute(scales) => Some(scales.as_slice()),
        ScalesFrom::Operand(position) => operands.floats(*position, "scales")?,
    };
    let region = match options.coordinates {
        Coordinates::Crop => operands.floats(1, "a region of interest")?,
        _ => None,
    };
    if let Some(region) = region {
        counted(region.len() / 2, "ends of a region")?;
    }
    let scaled = match (scales, sizes.filter(|sizes| !sizes.is_empty())) {
        (Some([]) | None, Some(sizes)) => {
            let sizes = match options.axes {
                None => batch.adapted(sizes, shape),
                Some(_) => sizes.to_vec(),
            };
            counted(sizes.len(), "sizes")?;
            by_sizes(options.aspect, shape, &axes, &sizes)?
        }
        (Some(scales), None) if !scales.is_empty() => {
            counted(scales.len(), "scales")?;
            by_scales(shape, &axes, scales)?
        }
        _ => return Err(invalid("needs either scales or sizes")),
    };
    let along = |(index, (output, scale)): (usize, (usize, f64))| {
        let end = |side: usize| {
            let ends = region.map(|ends| f64::from(ends[side * axes.len() + index]));
            ends.unwrap_or(side as f64)
        };
        let geometry = Geometry {
            axis: axes[index],
            input: shape[axes[index]],
            output,
            scale,
            region: [end(0), end(1)],
        };
        let lengths = 1..=MAX_LENGTH;
        if lengths.contains(&geometry.input) && lengths.contains(&output) {
            Ok(geometry)
        } else {
            Err(invalid(format!(
                "from {} to {output} elements along axis {} (1 to {MAX_LENGTH} are supported)",
                geometry.input, geometry.axis
            )))
        }
    };
    scaled.into_iter().enumerate().map(along).collect()
}

/// Sizes and scales of the result where scales are given.
fn by_scales(
    shape: &[usize],
    axes: &[usize],
    scales: &[f32],
) -> Result<Vec<(usize, f64)>, Problem> {
    axes.iter()
        .zip(scales)
        .map(|(&axis, &scale)| {
            if !(scale.is_finite() && scale > 0.0) {
                return Err(invalid(format!("a scale of {scale}")));
            }
            let scale = f64::from(scale);
            Ok(((shape[axis] as f64 * scale).floor() as usize, scale))
        })
        .collect()
}

/// Sizes and scales of the result where sizes are given.
fn by_sizes(
    aspect: AspectPolicy,
    shape: &[usize],
    axes: &[usize],
    sizes: &[i64],
) -> Result<Vec<(usize, f64)>, Problem> {
    let scale = |(&axis, &size): (&usize, &i64)| size as f64 / shape[axis] as f64;
    if sizes.iter().any(|&size| size < 1) {
        return Err(invalid(format!("sizes {sizes:?}")));
    }
    let scales = axes.iter().zip(sizes).map(scale);
    let common = match aspect {
        AspectPolicy::Stretch => {
            let outputs = sizes.iter().map(|&size| size as usize);
            return Ok(outputs.zip(scales).collect());
        }
        AspectPolicy::NotLarger => scales.fold(f64::INFINITY, f64::min),
        AspectPolicy::NotSmaller => scales.fold(0.0, f64::max),
    };
    let rounded = |&axis: &usize| ((shape[axis] as f64 * common + 0.5).floor() as usize, common);
    Ok(axes.iter().map(rounded).collect())
}

/// The operand's coordinate of an element of the result; none beyond the region.
fn coordinate(coordinates: Coordinates, geometry: &Geometry, place: usize) -> Option<f64> {
    let (x, scale) = (place as f64, geometry.scale);
    let last = geometry.input as f64 - 1.0;
    let scaled = scale * geometry.input as f64;
    Some(match coordinates {
        Coordinates::AlignCorners if geometry.output == 1 => 0.0,
        Coordinates::AlignCorners => x * last / (scaled - 1.0),
        Coordinates::Asymmetric => x / scale,
        Coordinates::PyTorchHalfPixel if geometry.output == 1 => -0.5,
        Coordinates::PyTorchHalfPixel | Coordinates::HalfPixel => (x + 0.5) / scale - 0.5,
        Coordinates::HalfPixelSymmetric => {
            let adjustment = geometry.output as f64 / scaled;
            let offset = geometry.input as f64 / 2.0 * (1.0 - adjustment);
            offset + (x + 0.5) / scale - 0.5
        }
        Coordinates::Crop => {
            let [begin, end] = geometry.region;
            let x = match geometry.output {
                1 => (end - begin) * last / 2.0,
                _ => x * (end - begin) * last / (scaled - 1.0),
            };
            let x = begin * last + x;
            return (0.0..=last).contains(&x).then_some(x);
        }
    })
}

/// The first of the elements that are summed, relative to the one at or below `x`, and their weights;
/// `ratio` in (0, 1] is the distance of `x` from the element below it.
fn local_weights(options: &ResizeOptions, ratio: f64, scale: f64) -> (i64, Vec<f64>) {
    let shrink = if options.antialias {
        scale.min(1.0)
    } else {
        1.0
    };
    match options.interpolation {
        Interpolation::Nearest(rule) => {
            let above = ratio == 1.0
                || match rule {
                    NearestRule::RoundPreferFloor => ratio > 0.5,
                    NearestRule::RoundPreferCeil => ratio >= 0.5,
                    NearestRule::Floor => false,
                    NearestRule::Ceil => true,
                };
            (i64::from(above), vec![1.0])
        }
        Interpolation::Linear => {
            let start = (-1.0 / shrink).floor() as i64 + 1;
            let triangle = |x: f64| (1.0 - x.abs()).max(0.0);
            (start, spread(start, ratio, shrink, triangle))
        }
        Interpolation::Cubic { a } => {
            let a = f64::from(a);
            let start = (-2.0 / shrink).floor() as i64 + 1;
            let keys = |x: f64| match x.abs() {
                x if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
                x if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
                _ => 0.0,
            };
            (start, spread(start, ratio, shrink, keys))
        }
    }
}

/// The values of a widened kernel at the elements from `start` to as many after the next one, which sum
/// to 1.
fn spread(start: i64, ratio: f64, shrink: f64, kernel: impl Fn(f64) -> f64) -> Vec<f64> {
    let values: Vec<f64> = (start..2 - start)
        .map(|element| kernel((element as f64 - ratio) * shrink))
        .collect();
    normalised(values)
}

fn normalised(values: Vec<f64>) -> Vec<f64> {
    let total: f64 = values.iter().sum();
    values.into_iter().map(|value| value / total).collect()
}

fn weights(options: &ResizeOptions, geometry: &Geometry) -> Result<ResizedAxis, Problem> {
    let reach = 4.0 / geometry.scale.min(1.0) + 4.0;
    if reach * geometry.output as f64 > MAX_WEIGHTS as f64 {
        return Err(invalid(format!(
            "from {} to {} elements along axis {} by a scale of {}",
            geometry.input, geometry.output, geometry.axis, geometry.scale
        )));
    }
    let last = geometry.input as i64 - 1;
    let mut resized = ResizedAxis {
        axis: geometry.axis,
        taps: 0,
        sources: Vec::new(),
        weights: Vec::new(),
        outside: Vec::new(),
    };
    for place in 0..geometry.output {
        let inside = coordinate(options.coordinates, geometry, place);
        if inside.is_none() {
            resized.outside.push(place);
        }
        let x = inside.unwrap_or(0.0);
        // The element at or below; where `x` is an element itself, the one before it.
        let below = x.ceil() as i64 - 1;
        let (start, mut weights) = local_weights(options, x - below as f64, geometry.scale);
        let sources: Vec<i64> = (0..weights.len() as i64)
            .map(|tap| below.saturating_add(start + tap))
            .collect();
        let is_inside = |source: &i64| (0..=last).contains(source);
        if options.exclude_outside && sources.iter().any(is_inside) && weights.len() > 1 {
            for (weight, source) in weights.iter_mut().zip(&sources) {
                if !is_inside(source) {
                    *weight = 0.0;
                }
            }
            weights = normalised(weights);
        }
        resized.taps = weights.len();
        let indices = sources
            .iter()
            .map(|source| (*source).clamp(0, last) as usize);
        resized.sources.extend(indices);
        resized.weights.extend(weights.iter().map(|&w| w as f32));
    }
    Ok(resized)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(interpolation: Interpolation, coordinates: Coordinates) -> ResizeOptions {
        ResizeOptions {
            interpolation,
            coordinates,
            axes: None,
            antialias: false,
            exclude_outside: false,
            outside_value: 0.0,
            aspect: AspectPolicy::Stretch,
            scales: ScalesFrom::Operand(2),
            sizes_operand: Some(3),
        }
    }

    fn along(options: &ResizeOptions, input: usize, output: usize) -> ResizedAxis {
        let geometry = Geometry {
            axis: 0,
            input,
            output,
            scale: output as f64 / input as f64,
            region: [0.0, 1.0],
        };
        weights(options, &geometry).unwrap()
    }

    #[test]
    fn doubling_by_half_pixels_takes_quarters() {
        let options = options(Interpolation::Linear, Coordinates::HalfPixel);
        let axis = along(&options, 2, 4);
        assert_eq!(axis.taps, 2);
        assert_eq!(axis.sources, [0, 0, 0, 1, 0, 1, 1, 1]);
        assert_eq!(
            axis.weights,
            [0.25, 0.75, 0.75, 0.25, 0.25, 0.75, 0.75, 0.25]
        );
    }

    #[test]
    fn corners_stay_where_they_are_when_aligned() {
        for interpolation in [Interpolation::Linear, Interpolation::Cubic { a: -0.75 }] {
            let axis = along(&options(interpolation, Coordinates::AlignCorners), 5, 9);
            let value = |place: usize| {
                let taps = place * axis.taps..(place + 1) * axis.taps;
                let terms = axis.sources[taps.clone()].iter().zip(&axis.weights[taps]);
                terms
                    .map(|(&source, weight)| source as f32 * weight)
                    .sum::<f32>()
            };
            assert_eq!((value(0), value(4), value(8)), (0.0, 2.0, 4.0));
            assert!((value(3) - 1.5).abs() < 1e-6);
        }
    }

    #[test]
    fn ties_go_where_the_rule_says() {
        let nearest = |rule| {
            let options = options(Interpolation::Nearest(rule), Coordinates::Asymmetric);
            along(&options, 2, 4).sources
        };
        assert_eq!(nearest(NearestRule::RoundPreferFloor), [0, 0, 1, 1]);
        assert_eq!(nearest(NearestRule::RoundPreferCeil), [0, 1, 1, 1]);
        assert_eq!(nearest(NearestRule::Floor), [0, 0, 1, 1]);
        assert_eq!(nearest(NearestRule::Ceil), [0, 1, 1, 1]);
    }

    #[test]
    fn weights_sum_to_one_also_without_what_lies_outside() {
        for antialias in [false, true] {
            for exclude_outside in [false, true] {
                let options = ResizeOptions {
                    antialias,
                    exclude_outside,
                    ..options(Interpolation::Cubic { a: -0.5 }, Coordinates::HalfPixel)
                };
                let axis = along(&options, 11, 4);
                assert_eq!(axis.taps, if antialias { 12 } else { 4 });
                for weights in axis.weights.chunks(axis.taps) {
                    assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
                }
            }
        }
    }
}
