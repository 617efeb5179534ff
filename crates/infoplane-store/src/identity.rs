//! Whether two manifests describe the same run, and if not, where they differ.

use serde_json::{Map, Value, json};

use crate::manifest::RunManifest;
use crate::seal::sha256;

/// Most differences listed one by one.
const MAX_DIFFERENCES: usize = 20;

/// What makes a run the run it is: everything its vectors depend on. The machine and the program's
/// version are not part of it, so a run can move to another machine.
fn identity(manifest: &RunManifest) -> Value {
    let mut identity = json!({
        "format": manifest.format,
        "config": manifest.config,
        "model": {
            "sha256": manifest.model.sha256,
            "n_outputs": manifest.model.n_outputs,
            "layers": manifest.model.layers,
        },
        "data": {
            "fingerprint": manifest.data.fingerprint,
            "n_samples": manifest.data.n_samples,
        },
    });
    identity.sort_all_objects();
    identity
}

/// SHA-256, in hexadecimal, of a run's identity and of how its samples are divided into parts: equal
/// for parts that belong together, whatever the order of the settings. Written into each part.
pub(crate) fn run_hash(manifest: &RunManifest, part_size: u64) -> String {
    let text = format!("{}\n{part_size}", identity(manifest));
    sha256(text.as_bytes())
}

/// The differences between the run in a directory and the one asked for, one a line; empty if they
/// are the same run.
pub(crate) fn differences(stored: &RunManifest, now: &RunManifest) -> Vec<String> {
    let (stored, now) = (identity(stored), identity(now));
    if stored == now {
        return Vec::new();
    }
    let mut lines = Vec::new();
    compare(
        "",
        &layers_by_name(stored),
        &layers_by_name(now),
        &mut lines,
    );
    if lines.is_empty() {
        lines.push("model.layers: the same layers, in another order".to_owned());
    }
    if lines.len() > MAX_DIFFERENCES {
        let more = lines.len() - MAX_DIFFERENCES;
        lines.truncate(MAX_DIFFERENCES);
        lines.push(format!("… and {more} more"));
    }
    lines
}

/// Turns the list of layers into an object, so that one added layer is one difference.
fn layers_by_name(mut identity: Value) -> Value {
    if let Some(layers) = identity.pointer_mut("/model/layers") {
        let by_name: Map<String, Value> = layers
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|layer| Some((layer.get("name")?.as_str()?.to_owned(), layer.clone())))
            .collect();
        *layers = Value::Object(by_name);
    }
    identity
}

fn compare(at: &str, stored: &Value, now: &Value, lines: &mut Vec<String>) {
    match (stored, now) {
        (Value::Object(stored), Value::Object(now)) => {
            let keys = stored
                .keys()
                .chain(now.keys().filter(|&key| !stored.contains_key(key)));
            for key in keys {
                let at = if at.is_empty() {
                    key.clone()
                } else {
                    format!("{at}.{key}")
                };
                match (stored.get(key), now.get(key)) {
                    (Some(stored), Some(now)) => compare(&at, stored, now, lines),
                    (Some(stored), None) => {
                        lines.push(format!(
                            "{at}: {} in the directory, absent now",
                            show(stored)
                        ));
                    }
                    (_, Some(now)) => {
                        lines.push(format!("{at}: absent in the directory, {} now", show(now)));
                    }
                    (None, None) => {}
                }
            }
        }
        _ if stored != now => lines.push(format!(
            "{at}: {} in the directory, {} now",
            show(stored),
            show(now)
        )),
        _ => {}
    }
}

/// A value as people compare it: an object only by its presence.
fn show(value: &Value) -> String {
    match value {
        Value::Object(_) => "present".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{DataInfo, HardwareInfo, LayerEdge, LayerInfo, ModelInfo};

    fn layer(name: &str) -> LayerInfo {
        LayerInfo {
            name: name.to_owned(),
            operator: "Relu".to_owned(),
            shape: vec![4, 2, 2],
            n_channels: 4,
            cut: true,
            depth: 1,
        }
    }

    fn manifest() -> RunManifest {
        RunManifest {
            format: 1,
            infoplane: "0.1.0".to_owned(),
            config: json!({"steps": 16, "attribution": {"target": "predicted", "tolerance": 0.1}}),
            model: ModelInfo {
                name: "net".to_owned(),
                sha256: "aa".to_owned(),
                input_shape: vec![3, 8, 8],
                n_outputs: 10,
                n_parameters: 100,
                layers: vec![layer("stem"), layer("head")],
                edges: Vec::new(),
            },
            data: DataInfo {
                name: "digits".to_owned(),
                kind: "npz".to_owned(),
                fingerprint: "bb".to_owned(),
                n_samples: 5,
                class_names: Vec::new(),
                features: Vec::new(),
                preprocessing: String::new(),
            },
            hardware: HardwareInfo {
                cpu: "one".to_owned(),
                n_cpus: 2,
                simd: "avx2".to_owned(),
            },
            source: None,
        }
    }

    #[test]
    fn machine_version_names_edges_and_order_of_settings_do_not_make_another_run() {
        let mut other = manifest();
        other.hardware.cpu = "two".to_owned();
        other.infoplane = "0.2.0".to_owned();
        other.model.name = "renamed".to_owned();
        other.model.edges = vec![LayerEdge {
            from: None,
            to: Some("stem".to_owned()),
            fewest_products: 1,
            most_products: 1,
        }];
        other.config =
            json!({"attribution": {"tolerance": 0.1, "target": "predicted"}, "steps": 16});
        assert_eq!(differences(&manifest(), &other), [""; 0]);
        assert_eq!(run_hash(&manifest(), 64), run_hash(&other, 64));
    }

    #[test]
    fn each_difference_is_a_line_of_its_own() {
        let mut other = manifest();
        other.config = json!({"steps": 32, "attribution": {"target": "label"}, "baseline": "zero"});
        other.model.sha256 = "cc".to_owned();
        other.model.layers.push(layer("tail"));
        other.model.layers[0].cut = false;
        other.data.fingerprint = "dd".to_owned();
        assert_eq!(
            differences(&manifest(), &other),
            [
                "config.attribution.target: predicted in the directory, label now",
                "config.attribution.tolerance: 0.1 in the directory, absent now",
                "config.steps: 16 in the directory, 32 now",
                "config.baseline: absent in the directory, zero now",
                "data.fingerprint: bb in the directory, dd now",
                "model.layers.stem.cut: true in the directory, false now",
                "model.layers.tail: absent in the directory, present now",
                "model.sha256: aa in the directory, cc now",
            ]
        );
        assert_ne!(run_hash(&manifest(), 64), run_hash(&other, 64));
    }

    #[test]
    fn order_of_layers_counts_and_long_lists_are_cut() {
        let mut swapped = manifest();
        swapped.model.layers.swap(0, 1);
        assert_eq!(
            differences(&manifest(), &swapped),
            ["model.layers: the same layers, in another order"]
        );

        let mut many = manifest();
        many.model.layers = (0..30).map(|i| layer(&format!("l{i}"))).collect();
        let lines = differences(&manifest(), &many);
        assert_eq!(lines.len(), MAX_DIFFERENCES + 1);
        assert_eq!(lines.last().unwrap(), "… and 12 more");
    }
}
