//! A run whose every number is a function of the sample's position.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use infoplane_store::{
    DataInfo, FORMAT, HardwareInfo, LayerInfo, ModelInfo, RunManifest, SampleOutcome, SampleRecord,
    SkippedSample,
};

/// A run with a cut layer of 3 channels, a branch layer of 5 and a cut layer of 2, named as ONNX
/// exporters and torchvision name values.
pub fn manifest(n_samples: usize) -> RunManifest {
    manifest_with_layers(
        n_samples,
        &[
            ("/features/stem/Relu_output_0", 3, true),
            ("layer1.0", 5, false),
            ("linear", 2, true),
        ],
    )
}

pub fn manifest_with_layers(n_samples: usize, layers: &[(&str, usize, bool)]) -> RunManifest {
    RunManifest {
        format: FORMAT,
        infoplane: "0.1.0".to_owned(),
        // 0.485 as an f32, widened: a number with as many digits as JSON ever needs.
        config: serde_json::json!({
            "quadrature": "graded", "steps": 16, "seed": 7, "mean": [f64::from(0.485_f32), 0.1],
        }),
        model: ModelInfo {
            name: "net".to_owned(),
            sha256: "00ff".to_owned(),
            input_shape: vec![3, 8, 8],
            n_outputs: 4,
            n_parameters: 1234,
            layers: layers
                .iter()
                .enumerate()
                .map(|(depth, &(name, n_channels, cut))| LayerInfo {
                    name: name.to_owned(),
                    operator: "Relu".to_owned(),
                    shape: vec![n_channels, 2, 2],
                    n_channels,
                    cut,
                    depth,
                })
                .collect(),
            edges: Vec::new(),
        },
        data: DataInfo {
            name: "digits".to_owned(),
            kind: "npz".to_owned(),
            fingerprint: "abcd".to_owned(),
            n_samples,
            class_names: vec!["a".to_owned(), "b".to_owned()],
            features: Vec::new(),
            preprocessing: "none".to_owned(),
        },
        hardware: HardwareInfo {
            cpu: "a processor".to_owned(),
            n_cpus: 2,
            simd: "avx2".to_owned(),
        },
        source: None,
    }
}

fn value(index: u64, what: usize, i: usize) -> f32 {
    (index as f32 + 1.0) * (what as f32 - 2.5) / (i as f32 + 3.0)
}

pub fn record(manifest: &RunManifest, index: u64) -> SampleRecord {
    let layers = &manifest.model.layers;
    let vectors = |what: usize| -> Vec<Vec<f32>> {
        let vector = |(l, layer): (usize, &LayerInfo)| {
            let units = 0..layer.n_channels;
            units.map(|i| value(index, what + 10 * l, i)).collect()
        };
        layers.iter().enumerate().map(vector).collect()
    };
    SampleRecord {
        index,
        id: format!("n0144/ü {index}.jpg"),
        label: (!index.is_multiple_of(3)).then_some(index as u32 % 2),
        predicted: index as u32 % 4,
        target: index as u32 % 3,
        logits: (0..manifest.model.n_outputs)
            .map(|i| value(index, 1, i))
            .collect(),
        f_input: value(index, 4, 0),
        f_baseline: value(index, 5, 0),
        steps: 16 + index as u32,
        error: value(index, 6, 0).abs(),
        delta: layers
            .iter()
            .filter(|layer| layer.cut)
            .enumerate()
            .map(|(i, _)| value(index, 7, i))
            .collect(),
        conductance: vectors(20),
        activation: vectors(60),
    }
}

/// Every seventh sample, from sample 4 on, is skipped.
pub fn outcome(manifest: &RunManifest, index: u64) -> SampleOutcome {
    if index % 7 == 4 {
        SkippedSample {
            index,
            id: format!("n0144/ü {index}.jpg"),
            reason: "not an image: \"truncated\"".to_owned(),
        }
        .into()
    } else {
        record(manifest, index).into()
    }
}

/// Every file under `folder` but the lock, by its path in there.
#[allow(dead_code, reason = "not every test file compares files")]
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            for (inner, bytes) in self::files(&entry.path()) {
                files.insert(format!("{name}/{inner}"), bytes);
            }
        } else if name != ".lock" {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}
