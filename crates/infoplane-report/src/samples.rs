//! The kept samples as the page's script takes them: pictures, and maps in eight bits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};
use infoplane_store::{ImageValues, KeptMaps, KeptSample, RunManifest};
use serde::Serialize;

use crate::text::visible;

/// Share of a map's positions that lie within its layer's scale, in the median sample.
const WITHIN_SCALE: f64 = 0.99;

/// Levels of a map's values to either side of 0.
const LEVELS: f32 = 127.0;

/// The kept samples.
#[derive(Debug, Serialize)]
pub(crate) struct SamplesView {
    /// Samples that were asked for.
    pub(crate) requested: usize,
    /// Seed of the random ones.
    pub(crate) seed: u64,
    /// Whether the pictures are arrays stretched to eight bits, not image files.
    pub(crate) stretched: bool,
    /// Height and width of the pictures.
    size: [usize; 2],
    /// The samples, in the order of their groups.
    pub(crate) samples: Vec<SampleView>,
}

/// A kept sample.
#[derive(Debug, Serialize)]
pub(crate) struct SampleView {
    id: String,
    /// Why it was chosen: `best`, `worst` or `random`.
    pub(crate) group: &'static str,
    label: Option<u32>,
    predicted: u32,
    target: u32,
    probability: f32,
    f_input: f32,
    f_baseline: f32,
    /// A PNG file in base64.
    picture: String,
    /// One for each layer with positions, in network order.
    maps: Vec<MapView>,
}

/// A layer's conductance by position.
#[derive(Debug, Serialize)]
struct MapView {
    /// The layer's name, as in the manifest.
    layer: String,
    height: usize,
    width: usize,
    /// The sum of the conductances.
    sum: f64,
    /// Largest |density|.
    peak: f32,
    /// End of the scale that the layer's maps of all samples share, a density.
    limit: f32,
    /// Densities in 127ths of `peak`, row by row, signed bytes in base64.
    values: String,
}

impl SamplesView {
    /// The kept samples of a run; `None` where its samples can't be shown.
    ///
    /// # Errors
    /// Where a picture can't be encoded.
    pub(crate) fn new(manifest: &RunManifest, kept: &KeptMaps) -> Result<Option<Self>, ImageError> {
        let Some([channels, height, width]) = manifest.model.image_shape() else {
            return Ok(None);
        };
        let limits = limits(kept);
        let samples: Result<Vec<SampleView>, ImageError> = kept
            .samples
            .iter()
            .map(|sample| {
                let picture = png(&sample.image, [channels, height, width])?;
                Ok(SampleView {
                    id: visible(&sample.id).into_owned(),
                    group: sample.group.name(),
                    label: sample.label,
                    predicted: sample.predicted,
                    target: sample.target,
                    probability: sample.probability,
                    f_input: sample.f_input,
                    f_baseline: sample.f_baseline,
                    picture: BASE64.encode(picture),
                    maps: maps(manifest, sample, &limits).collect(),
                })
            })
            .collect();
        Ok(Some(Self {
            requested: kept.choice.requested,
            seed: kept.choice.seed,
            stretched: kept.choice.values == ImageValues::Stretched,
            size: [height, width],
            samples: samples?,
        }))
    }
}

fn maps<'a>(
    manifest: &'a RunManifest,
    sample: &'a KeptSample,
    limits: &'a [f32],
) -> impl Iterator<Item = MapView> + 'a {
    let layers = manifest.model.layers.iter();
    let shapes = layers.filter_map(|layer| Some((layer, layer.map_shape()?)));
    shapes
        .zip(sample.maps.iter().zip(limits))
        .map(|((layer, [height, width]), (map, &limit))| {
            let densities = densities(map);
            let peak = densities.iter().fold(0.0, |peak: f32, d| peak.max(d.abs()));
            let level = LEVELS / peak.max(f32::MIN_POSITIVE);
            // A float that is cast saturates at the ends of the byte.
            let bytes: Vec<u8> = densities
                .iter()
                .map(|density| (density * level).round() as i8 as u8)
                .collect();
            MapView {
                layer: layer.name.clone(),
                height,
                width,
                sum: map.iter().map(|&value| f64::from(value)).sum(),
                peak,
                limit,
                values: BASE64.encode(bytes),
            }
        })
}

/// The conductance of each position times the number of positions: logits an image area. Its mean over the
/// image is the sum of the map, whatever the layer's resolution.
pub(crate) fn densities(map: &[f32]) -> Vec<f32> {
    map.iter().map(|value| value * map.len() as f32).collect()
}

/// For each layer with maps, the end of the scale of all samples: the density that 99 % of the positions do
/// not exceed, in the median sample. It is rounded up to two digits, and 1 where all maps are 0.
///
/// Layers have no scale in common: in early ones, far larger contributions of both signs cancel.
pub(crate) fn limits(kept: &KeptMaps) -> Vec<f32> {
    let n_layers = kept.samples.first().map_or(0, |sample| sample.maps.len());
    let of_layer = |position: usize| {
        let maps = kept.samples.iter().map(|sample| &sample.maps[position]);
        let ends = maps.map(|map| quantile(densities(map), WITHIN_SCALE));
        rounded_up(quantile(ends.collect(), 0.5))
    };
    (0..n_layers).map(of_layer).collect()
}

fn rounded_up(end: f32) -> f32 {
    if end > 0.0 && end.is_finite() {
        let digit = 10f32.powf(end.log10().floor() - 1.0);
        (end / digit).ceil() * digit
    } else {
        1.0
    }
}

/// The |value| that this share of all do not exceed; 0 of none.
fn quantile(mut values: Vec<f32>, share: f64) -> f32 {
    values.iter_mut().for_each(|value| *value = value.abs());
    values.sort_by(f32::total_cmp);
    let place = (share * values.len() as f64).ceil() as usize;
    values.get(place.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Channel planes as a PNG file.
pub(crate) fn png(
    planes: &[u8],
    [channels, height, width]: [usize; 3],
) -> Result<Vec<u8>, ImageError> {
    let plane = height * width;
    let pixels: Vec<u8> = (0..plane)
        .flat_map(|position| planes.iter().skip(position).step_by(plane).copied())
        .collect();
    let colour = match channels {
        1 => ExtendedColorType::L8,
        _ => ExtendedColorType::Rgb8,
    };
    let mut file = Vec::new();
    PngEncoder::new_with_quality(&mut file, CompressionType::Best, FilterType::Adaptive)
        .write_image(&pixels, width as u32, height as u32, colour)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use infoplane_store::{MapChoice, SampleGroup};

    use super::*;

    /// Samples with one map each.
    fn kept(maps: Vec<Vec<f32>>) -> KeptMaps {
        let sample = |map| KeptSample {
            index: 0,
            id: String::new(),
            group: SampleGroup::Best,
            label: None,
            predicted: 0,
            target: 0,
            probability: 1.0,
            f_input: 1.0,
            f_baseline: 0.0,
            steps: 1,
            image: Vec::new(),
            maps: vec![map],
        };
        KeptMaps {
            choice: MapChoice {
                requested: 1,
                seed: 0,
                values: ImageValues::Pixels,
            },
            samples: maps.into_iter().map(sample).collect(),
        }
    }

    #[test]
    fn layers_of_any_resolution_have_densities_of_the_same_mean() {
        let (fine, coarse) = (vec![0.25; 16], vec![1.0; 4]);
        for map in [fine, coarse] {
            assert!(densities(&map).iter().all(|&density| density == 4.0));
        }
    }

    #[test]
    fn a_layers_scale_ends_at_the_median_samples_almost_largest_density() {
        // 200 positions: two of them beyond what 99 % keep to.
        let map = |largest: f32| {
            let mut map: Vec<f32> = (0..198).map(|i| -largest * i as f32 / 197.0).collect();
            map.extend([10.0 * largest; 2]);
            map
        };
        let limits_of = |maps| limits(&kept(maps));
        let found = limits_of(vec![map(0.001), map(0.00617), map(5.0)]);
        assert!((found[0] - 1.3).abs() < 1e-6, "{found:?}");
        assert_eq!(limits_of(vec![vec![0.0; 4]]), [1.0]);
        assert_eq!(limits_of(Vec::new()), [0.0; 0]);
    }

    #[test]
    fn a_picture_comes_back_from_its_file() {
        for channels in [1, 3] {
            let planes: Vec<u8> = (0..channels * 6).map(|i| (i * 37 % 256) as u8).collect();
            let file = png(&planes, [channels, 2, 3]).unwrap();
            let picture = image::load_from_memory(&file).unwrap().to_rgb8();
            assert_eq!(picture.dimensions(), (3, 2));
            for (x, y, pixel) in picture.enumerate_pixels() {
                for (channel, value) in pixel.0.into_iter().enumerate() {
                    let at = (channel % channels) * 6 + (y * 3 + x) as usize;
                    assert_eq!(value, planes[at]);
                }
            }
        }
    }
}
