//! Kept samples by row, their image and a few layers' maps by column.

use infoplane_store::{KeptMaps, KeptSample, RunManifest, SampleGroup};

use super::canvas::{Anchor, Area, Canvas, Look};
use super::font::fitted;
use super::style::{DOUBLE_COLUMN, MUTED, SMALL};
use crate::samples::{densities, limits, png};
use crate::text::{number, visible};
use crate::view::RunView;

/// Most layers shown, spread evenly over those with maps.
const LAYERS: usize = 5;
/// Most samples shown, as many of each group.
const SAMPLES: usize = 12;
/// Width of the words beside a row.
const WORDS: f64 = 84.0;
const TOP: f64 = 22.0;
const GAP: f64 = 3.0;
/// Height of all rows together, at most.
const TALLEST: f64 = 650.0;
/// Longest side of an embedded picture, in pixels.
const PIXELS: usize = 96;

/// Ends of the diverging colours, as on the page.
const BELOW: [f32; 3] = [0.0, 114.0, 214.0];
const ABOVE: [f32; 3] = [230.0, 97.0, 1.0];
/// How much a colour at the end of the scale covers.
const OPACITY: f32 = 0.85;
/// What lies under the scale's colours in the legend.
const GREY: f32 = 154.0;

/// The figure, where the run kept samples with maps.
pub(super) fn figure(view: &RunView<'_>) -> Option<String> {
    let kept = view.kept?;
    let shape = view.manifest.model.image_shape()?;
    let columns = columns(view.manifest);
    let samples = rows(kept);
    if columns.is_empty() || samples.is_empty() {
        return None;
    }
    let n_rows = samples.len() as f64;
    let side = ((DOUBLE_COLUMN - WORDS) / (LAYERS + 1) as f64 - GAP).min(TALLEST / n_rows - GAP);
    let [_, height, width] = shape;
    let longest = height.max(width) as f64;
    let cell = [
        side * width as f64 / longest,
        side * height as f64 / longest,
    ];
    let limits = limits(kept);
    let below = TOP + n_rows * (cell[1] + GAP);
    let mut canvas = Canvas::new(
        DOUBLE_COLUMN,
        below + 32.0,
        "Samples, and where the layers' conductance lies",
        "One row a sample: its image, then the conductance of layers from input to output over it.",
    );
    let at = |row: usize, column: usize| {
        let left = WORDS + column as f64 * (side + GAP);
        let top = TOP + row as f64 * (cell[1] + GAP);
        Area {
            left,
            top,
            right: left + cell[0],
            bottom: top + cell[1],
        }
    };
    for (column, (map, name, _)) in columns.iter().enumerate() {
        let name = fitted(&visible(name), SMALL, side);
        let left = at(0, column + 1).left;
        canvas.text((left, TOP - 10.0), &name, Anchor::Start, Look::label());
        let end = format!("±{}", number(f64::from(limits[*map])));
        canvas.text((left, TOP - 3.0), &end, Anchor::Start, Look::tick());
    }
    for (row, sample) in samples.into_iter().enumerate() {
        words(&mut canvas, view.manifest, sample, at(row, 0).top);
        canvas.picture(at(row, 0), &png(&sample.image, shape).ok()?);
        for (column, (map, _, size)) in columns.iter().enumerate() {
            let (pixels, shape) =
                composite(sample, shape, (&sample.maps[*map], *size), limits[*map]);
            canvas.picture(at(row, column + 1), &png(&pixels, shape).ok()?);
        }
    }
    legend(&mut canvas, below + 8.0);
    Some(canvas.finish())
}

/// Layers with maps: position among the maps, name, height and width.
fn columns(manifest: &RunManifest) -> Vec<(usize, &str, [usize; 2])> {
    let layers = manifest.model.layers.iter();
    let all: Vec<(usize, &str, [usize; 2])> = layers
        .filter_map(|layer| Some((layer.name.as_str(), layer.map_shape()?)))
        .enumerate()
        .map(|(position, (name, size))| (position, name, size))
        .collect();
    let n = all.len().min(LAYERS);
    let place = |index: usize| match n {
        1 => 0,
        _ => index * (all.len() - 1) / (n - 1),
    };
    (0..n).map(|index| all[place(index)]).collect()
}

fn rows(kept: &KeptMaps) -> Vec<&KeptSample> {
    let of_group = |group: SampleGroup| {
        let samples = kept.samples.iter();
        samples
            .filter(move |sample| sample.group == group)
            .take(SAMPLES / SampleGroup::ALL.len())
    };
    SampleGroup::ALL.into_iter().flat_map(of_group).collect()
}

fn words(canvas: &mut Canvas, manifest: &RunManifest, sample: &KeptSample, top: f64) {
    let name = |unit: u32| match manifest.data.class_names.get(unit as usize) {
        Some(name) => visible(name).into_owned(),
        None => format!("class {unit}"),
    };
    let label = match sample.label {
        None => "no label".to_owned(),
        Some(label) if label == sample.predicted => "right".to_owned(),
        Some(label) => format!("is {}", name(label)),
    };
    let lines = [
        (sample.group.name().to_owned(), Look::text()),
        (name(sample.predicted), Look::label()),
        (label, Look::tick()),
    ];
    for (line, (text, look)) in lines.into_iter().enumerate() {
        let text = fitted(&text, SMALL, WORDS - 6.0);
        let baseline = top + 8.0 + 8.5 * line as f64;
        canvas.text((0.0, baseline), &text, Anchor::Start, look);
    }
}

/// A sample in grey under a map, as channel planes with their shape.
fn composite(
    sample: &KeptSample,
    [channels, height, width]: [usize; 3],
    (map, [rows, columns]): (&[f32], [usize; 2]),
    limit: f32,
) -> (Vec<u8>, [usize; 3]) {
    let densities = densities(map);
    let longest = height.max(width);
    let size = [height, width].map(|side| (side * PIXELS / longest).max(1));
    let plane = size[0] * size[1];
    let mut pixels = vec![0; 3 * plane];
    for y in 0..size[0] {
        let down = between(y, size[0], rows);
        for x in 0..size[1] {
            let source = (y * height / size[0]) * width + x * width / size[1];
            let values =
                (0..channels).map(|channel| sample.image[channel * height * width + source]);
            let grey = luminance(values);
            let density = interpolated(&densities, columns, down, between(x, size[1], columns));
            for (channel, value) in blended(grey, density / limit).into_iter().enumerate() {
                pixels[channel * plane + y * size[1] + x] = value;
            }
        }
    }
    (pixels, [3, size[0], size[1]])
}

/// Rec. 709 luminance of red, green and blue; a single channel as it is.
fn luminance(values: impl ExactSizeIterator<Item = u8>) -> f32 {
    let weights: &[f32] = match values.len() {
        1 => &[1.0],
        _ => &[0.2126, 0.7152, 0.0722],
    };
    values.zip(weights).map(|(v, w)| f32::from(v) * w).sum()
}

/// The positions beside a pixel's centre, and how far it is from the first to the second.
fn between(pixel: usize, n_pixels: usize, n: usize) -> (usize, usize, f32) {
    let at = (pixel as f32 + 0.5) / n_pixels as f32 * n as f32 - 0.5;
    let at = at.clamp(0.0, (n - 1) as f32);
    let first = at as usize;
    (first, (first + 1).min(n - 1), at - first as f32)
}

fn interpolated(
    values: &[f32],
    columns: usize,
    (top, bottom, down): (usize, usize, f32),
    (left, right, over): (usize, usize, f32),
) -> f32 {
    let row = |row: usize| {
        let (from, to) = (values[row * columns + left], values[row * columns + right]);
        from + over * (to - from)
    };
    let (from, to) = (row(top), row(bottom));
    from + down * (to - from)
}

/// A grey under the colour of a value on the scale from −1 to 1.
fn blended(grey: f32, value: f32) -> [u8; 3] {
    let colour = if value < 0.0 { BELOW } else { ABOVE };
    let cover = OPACITY * value.abs().min(1.0);
    colour.map(|colour| (grey + cover * (colour - grey)).round() as u8)
}

fn legend(canvas: &mut Canvas, top: f64) {
    const STEPS: usize = 60;
    const WIDTH: f64 = 150.0;
    for step in 0..STEPS {
        let value = 2.0 * (step as f32 + 0.5) / STEPS as f32 - 1.0;
        let [red, green, blue] = blended(GREY, value);
        let left = WORDS + WIDTH * step as f64 / STEPS as f64;
        let area = Area {
            left,
            top,
            right: left + WIDTH / STEPS as f64 + 0.05,
            bottom: top + 6.0,
        };
        canvas.rectangle(area, &format!("#{red:02x}{green:02x}{blue:02x}"));
    }
    for (share, text, anchor) in [
        (0.0, "−", Anchor::Start),
        (0.5, "0", Anchor::Middle),
        (1.0, "+", Anchor::End),
    ] {
        let at = (WORDS + share * WIDTH, top + 14.0);
        canvas.text(at, text, anchor, Look::tick());
    }
    let middle = top + 5.2;
    let at = (WORDS + WIDTH + 8.0, middle);
    let text =
        "density in logits an image area, to the end above each column; blue lowers the output";
    canvas.text(at, text, Anchor::Start, Look::label());
    canvas.line((0.0, top - 4.0), (DOUBLE_COLUMN, top - 4.0), MUTED, 0.3);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_between_positions_are_interpolated_and_constant_at_the_border() {
        let values = [0.0, 1.0, 2.0, 3.0];
        let at = |y: usize, x: usize| interpolated(&values, 2, between(y, 8, 2), between(x, 8, 2));
        assert_eq!((at(0, 0), at(0, 7), at(7, 7)), (0.0, 1.0, 3.0));
        assert_eq!(at(0, 3) + at(0, 4), 1.0);
        assert!((at(3, 3) + at(4, 4) - 3.0).abs() < 1e-6);
    }

    #[test]
    fn the_sign_chooses_the_colour_and_zero_shows_the_image() {
        assert_eq!(blended(100.0, 0.0), [100; 3]);
        let [red, _, blue] = blended(100.0, 5.0);
        assert!(red > 200 && blue < 30);
        let [red, _, blue] = blended(100.0, -1.0);
        assert!(red < 30 && blue > 190);
    }
}
