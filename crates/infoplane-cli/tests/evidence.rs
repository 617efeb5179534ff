//! What stands beside a run's plane: controls and ablation.

mod common;

use std::path::Path;

use common::{assert_says, contents, demo_asset, refuse, succeed};
use serde_json::Value;
use tempfile::TempDir;

/// Arguments of a small run of the demo's network, and more.
fn run_args<'a>(more: &'a [&'a str]) -> Vec<String> {
    let asset = |name: &str| demo_asset(name).to_str().unwrap().to_string();
    let (model, data) = (asset("network.onnx"), asset("digits.npz"));
    let common = [
        "run",
        "--model",
        &model,
        "--data",
        &data,
        "--out",
        "out",
        "--limit",
        "120",
        "--layers",
        "stem,block2.0,pool",
        "--tau",
        "0.3",
        "--steps",
        "4",
    ];
    let all = common.into_iter().chain(more.iter().copied());
    all.map(str::to_owned).collect()
}

fn plane(folder: &Path) -> Value {
    let bytes = std::fs::read(folder.join("out/plane.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn control<'a>(plane: &'a Value, name: &str) -> &'a Value {
    let controls = plane["controls"]["controls"].as_array().unwrap();
    controls
        .iter()
        .find(|control| control["name"] == name)
        .unwrap()
}

#[test]
fn controls_stand_beside_the_plane_and_are_kept() {
    let folder = TempDir::new().unwrap();
    let said = succeed(
        folder.path(),
        run_args(&["--controls", "--control-samples", "60"]),
    );
    assert_says(
        &said,
        &[
            "controls, at τ = 0.3",
            "weights of the last 16 of 16",
            "target label in place of predicted",
            "baseline mean in place of zero",
            "8 steps in place of 4",
        ],
    );
    let found = plane(folder.path());
    let names: Vec<&str> = found["controls"]["controls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|control| control["name"].as_str().unwrap())
        .collect();
    let stages = ["weights-1", "weights-2", "weights-3", "weights-4"];
    assert_eq!(names[..4], stages);
    assert_eq!(names[4..], ["labels", "target", "baseline", "steps"]);
    assert_eq!(control(&found, "weights-1")["verdict"], Value::Null);
    assert_eq!(control(&found, "weights-4")["verdict"], "as_expected");
    assert_eq!(control(&found, "labels")["verdict"], "as_expected");
    for control in found["controls"]["controls"].as_array().unwrap() {
        assert_eq!(control["n"], 60);
    }
    // The network is right on all but few, so little changes where the label is attributed.
    let of_target = &control(&found, "target")["layers"][0];
    assert!(of_target["relative_difference"]["value"].as_f64().unwrap() < 0.2);
    let of_weights = &control(&found, "weights-4")["layers"][0];
    assert!(of_weights["relative_difference"]["value"].as_f64().unwrap() > 0.5);
    let report = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(report.contains("id=\"controls\""));
    let table = std::fs::read_to_string(folder.path().join("out/controls.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + 8 * 3);

    // Again, and without the network: the same bytes.
    let before = contents(folder.path());
    succeed(folder.path(), ["plane", "out", "--tau", "0.3"]);
    assert_eq!(before, contents(folder.path()));
    // One kind again, and none: all are still there.
    succeed(
        folder.path(),
        run_args(&["--control", "labels", "--control-samples", "60"]),
    );
    assert_eq!(before, contents(folder.path()));
    succeed(folder.path(), run_args(&[]));
    assert_eq!(before, contents(folder.path()));
}

#[test]
fn attributed_labels_are_shuffled_before_the_sweep() {
    let folder = TempDir::new().unwrap();
    let args = [
        "--target",
        "label",
        "--control",
        "labels,target",
        "--control-samples",
        "60",
    ];
    let said = succeed(folder.path(), run_args(&args));
    assert_says(
        &said,
        &[
            "labels shuffled over the samples, and attributed",
            "target predicted in place of label",
        ],
    );
    // The label leaks into what is attributed, and this shows it.
    assert_eq!(
        control(&plane(folder.path()), "labels")["verdict"],
        "not_as_expected"
    );
}

#[test]
fn bad_controls_are_refused_with_what_is_allowed() {
    let folder = TempDir::new().unwrap();
    let message = refuse(folder.path(), run_args(&["--control", "weight"]));
    assert_says(
        &message,
        &["`weight`", "weights, labels, target, baseline, steps"],
    );
    let message = refuse(
        folder.path(),
        run_args(&["--controls", "--control-samples", "5"]),
    );
    assert_says(&message, &["--control-samples 5", "at least 20"]);
    let message = refuse(folder.path(), run_args(&["--controls", "--shard", "1/2"]));
    assert_says(&message, &["--shard"]);
}

#[test]
fn an_ablation_after_the_run_is_that_of_the_run() {
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    succeed(one.path(), run_args(&["--ablate"]));
    succeed(two.path(), run_args(&[]));
    let said = succeed(two.path(), ["ablate", "out"]);
    assert_says(&said, &["effect", "rank correlation"]);
    assert_eq!(contents(one.path()), contents(two.path()));
    let found = plane(two.path());
    assert_eq!(found["ablation"]["layers"].as_array().unwrap().len(), 3);
    // The plane again keeps the ablation's side.
    succeed(two.path(), ["plane", "out", "--tau", "0.3"]);
    assert_eq!(found, plane(two.path()));
    let message = refuse(two.path(), ["ablate", "out", "--fractions", "0,2"]);
    assert_says(&message, &["fraction"]);
}
