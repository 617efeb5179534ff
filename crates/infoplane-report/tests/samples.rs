//! The kept samples in the report.

mod fixture;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fixture::page::{embedded, without_figures};
use infoplane_report::ReportInput;
use infoplane_store::{ImageValues, KeptMaps, KeptSample, MapChoice, RunManifest, SampleGroup};

const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\u{202e}.png";

/// The manifest of CIFAR-10 ResNet20, its last layer without positions, and three kept samples.
fn kept() -> (RunManifest, KeptMaps) {
    let (mut manifest, _) = fixture::resnet20();
    let layers = &mut manifest.model.layers;
    let n_layers = layers.len();
    for (index, layer) in layers.iter_mut().enumerate() {
        layer.shape = vec![layer.n_channels, 16 >> (index / 4), 12 >> (index / 4)];
    }
    layers[n_layers - 1].shape = vec![10];
    let shapes: Vec<usize> = layers
        .iter()
        .filter_map(|layer| layer.map_shape())
        .map(|[height, width]| height * width)
        .collect();
    let sample = |(index, group): (usize, SampleGroup)| KeptSample {
        index: index as u64,
        id: format!("{index}{HOSTILE}"),
        group,
        label: (index != 2).then_some(1),
        predicted: 1 - index as u32 % 2,
        target: 1,
        probability: 0.75,
        f_input: 3.0,
        f_baseline: -1.0,
        steps: 20,
        image: (0..3 * 32 * 32).map(|i| (i * 7 % 256) as u8).collect(),
        maps: shapes
            .iter()
            .map(|&n| {
                (0..n)
                    .map(|i| ((i * 13 + index) % 17) as f32 / n as f32 - 0.01)
                    .collect()
            })
            .collect(),
    };
    let choice = MapChoice {
        requested: 3,
        seed: 5,
        values: ImageValues::Pixels,
    };
    let samples = SampleGroup::ALL.into_iter().enumerate().map(sample);
    (
        manifest,
        KeptMaps {
            choice,
            samples: samples.collect(),
        },
    )
}

fn page(samples: Option<KeptMaps>) -> String {
    let (manifest, _) = kept();
    let (_, plane) = fixture::resnet20();
    without_figures(&ReportInput::new(&manifest, &plane).with_samples(samples.as_ref()))
}

#[test]
fn samples_are_shown_where_they_are_kept_and_nowhere_else() {
    let shown = page(Some(kept().1));
    for part in [
        "href=\"#samples\"",
        "id=\"samples-view\"",
        "3 samples of 3000 analysed samples",
        "Best (1)",
        "with seed 5",
        "so without a map: <bdi class=\"layer\">linear</bdi>",
    ] {
        assert!(shown.contains(part), "{part}");
    }
    let without = page(None);
    assert!(!without.contains("id=\"samples\"") && embedded(&without)["samples"].is_null());
}

#[test]
fn maps_in_the_page_are_those_that_were_kept() {
    let (manifest, kept) = kept();
    let data = embedded(&page(Some(kept.clone())));
    let layers: Vec<_> = manifest
        .model
        .layers
        .iter()
        .filter(|layer| layer.map_shape().is_some())
        .collect();
    assert_eq!(layers.len(), 11);
    for (index, sample) in kept.samples.iter().enumerate() {
        let shown = &data["samples"]["samples"][index];
        assert_eq!(shown["group"], sample.group.name());
        assert_eq!(shown["maps"].as_array().unwrap().len(), layers.len());
        for (position, (layer, map)) in layers.iter().zip(&sample.maps).enumerate() {
            let shown = &shown["maps"][position];
            assert_eq!(shown["layer"], layer.name.as_str());
            let [height, width] = layer.map_shape().unwrap();
            assert_eq!(
                (&shown["height"], &shown["width"]),
                (&height.into(), &width.into())
            );
            let sum: f64 = map.iter().map(|&value| f64::from(value)).sum();
            assert!((shown["sum"].as_f64().unwrap() - sum).abs() < 1e-9);
            let peak = shown["peak"].as_f64().unwrap();
            let levels = BASE64.decode(shown["values"].as_str().unwrap()).unwrap();
            assert_eq!(levels.len(), map.len());
            for (level, value) in levels.into_iter().zip(map) {
                let density = f64::from(level as i8) * peak / 127.0;
                let expected = f64::from(*value) * map.len() as f64;
                assert!(
                    (density - expected).abs() <= peak / 253.0,
                    "{density} {expected}"
                );
            }
        }
    }
}

#[test]
fn names_of_samples_stay_text() {
    let shown = page(Some(kept().1));
    assert!(!shown.contains("<img"));
    let id = embedded(&shown)["samples"]["samples"][1]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        id.starts_with("1</script>") && id.contains("‹U+202E›"),
        "{id}"
    );
}
