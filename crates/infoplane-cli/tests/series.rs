//! Series of checkpoints: the demo's training, its paths and files; networks whose phases are known; and
//! what makes no series.

mod common;

use std::path::{Path, PathBuf};

use common::onnx::{Graph, Node};
use common::{assert_says, contents, demo_asset, refuse, succeed, words, write_inputs_with};
use ndarray::{Array, Array1, Array4};
use serde_json::Value;
use tempfile::TempDir;

/// Settings that keep runs of the demo's network short.
const SHORT: &str = "--limit 160 --layers stem,block3.0,logits --steps 6 --tau 0.5";

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// The path of a layer in `series.json`.
fn path<'a>(series: &'a Value, layer: &str, kind: &str, estimator: &str) -> &'a Value {
    let paths = series["paths"].as_array().unwrap();
    let own = paths.iter().find(|path| {
        path["layer"] == layer && path["kind"] == kind && path["estimator"] == estimator
    });
    own.unwrap_or_else(|| panic!("no path of the {kind} of {layer} by {estimator}"))
}

/// I(X;·) of a path at every checkpoint.
fn input_bits(path: &Value) -> Vec<f64> {
    let points = path["points"].as_array().unwrap().iter();
    points
        .map(|point| point["mi_x"]["value"].as_f64().unwrap())
        .collect()
}

#[test]
fn the_demo_s_training_is_followed_and_fits() {
    let folder = TempDir::new().unwrap();
    let demo = format!("series --demo --out demo {SHORT}");
    let said = succeed(folder.path(), words(&demo));
    assert_says(&said, &["8 checkpoints, as given", "epoch-060", "logits"]);
    let series = json(&folder.path().join("demo/series.json"));
    let checkpoints = series["checkpoints"].as_array().unwrap();
    assert_eq!(checkpoints.len(), 8);
    assert_eq!(series["paths"].as_array().unwrap().len(), 6);
    for checkpoint in checkpoints {
        let run = folder
            .path()
            .join("demo")
            .join(checkpoint["run"].as_str().unwrap());
        assert_eq!(json(&run.join("plane.json"))["resolution"]["tau"], 0.5);
        assert!(run.join("report.html").is_file());
    }
    for kind in ["conductance", "activation"] {
        let logits = path(&series, "logits", kind, "gaussian-channel");
        assert_eq!(logits["fitting"]["verdict"], "holds", "{logits}");
        for ending in ["svg", "png"] {
            let figure = format!("demo/figures/series_{kind}.{ending}");
            assert!(folder.path().join(figure).is_file());
        }
    }
    let csv = std::fs::read_to_string(folder.path().join("demo/series.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 6 * 8);

    // The same from files in any order, and again without work.
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    let mut names = Vec::new();
    for epoch in [60, 16, 8, 4, 32, 2, 1, 0] {
        let asset = match epoch {
            60 => demo_asset("network.onnx"),
            _ => demo_asset(&format!("checkpoints/epoch-{epoch:03}.onnx")),
        };
        // Without leading zeros, which a shell would sort as 0, 1, 16, 2, ….
        let file = files.join(format!("epoch-{epoch}.onnx"));
        std::fs::copy(asset, &file).unwrap();
        names.push(file.to_str().unwrap().to_owned());
    }
    let digits = demo_asset("digits.npz");
    let args = format!(
        "series --models {} --data {} --out out {SHORT}",
        names.join(" "),
        digits.display()
    );
    let said = succeed(folder.path(), words(&args));
    assert_says(
        &said,
        &["by the numbers in their names: epoch-0, epoch-1, epoch-2, epoch-4"],
    );
    let from_files = json(&folder.path().join("out/series.json"));
    assert_eq!(from_files["paths"], series["paths"]);
    assert_eq!(from_files["order"], "natural");

    let before = contents(&folder.path().join("out"));
    succeed(folder.path(), words(&args));
    assert!(contents(&folder.path().join("out")) == before);

    let settings = format!(
        "data = '{}'\nout = 'out'\nlimit = 160\nlayers = ['stem', 'block3.0', 'logits']\nsteps = 6\ntau = 0.5\n",
        digits.display()
    );
    let config = folder.path().join("series.toml");
    std::fs::write(&config, &settings).unwrap();
    let by_config = format!("series --config series.toml --models {}", names.join(" "));
    succeed(folder.path(), words(&by_config));
    assert!(contents(&folder.path().join("out")) == before);
    std::fs::write(&config, settings + "weights = 'w.pth'\n").unwrap();
    let said = refuse(folder.path(), words(&by_config));
    assert_says(&said, &["series.toml", "`weights`", "--models"]);

    let given = args.replace("--out out", "--out given --as-given --json");
    let said: Value = serde_json::from_str(&succeed(folder.path(), words(&given))).unwrap();
    assert_eq!(said["checkpoints"][0]["name"], "epoch-60");
    assert_eq!(said["order"], "given");
}

/// Six bits of either sign, all 64 of them, with the sign of the first as class.
fn write_bits(folder: &Path) {
    let bit = |(row, column): (usize, usize)| if row >> column & 1 == 1 { 1.0 } else { -1.0 };
    let input = Array::from_shape_fn((64, 6, 1, 1), |(row, column, _, _)| bit((row, column)));
    let label: Array1<i64> = (0..64).map(|row| row & 1).collect();
    write_inputs_with(&folder.join("bits.npz"), &input, "label", &label);
}

/// Six inputs, four units behind `activation`, two logits; the units' weights are `scale` times fixed ones.
fn write_network(folder: &Path, name: &str, activation: &str, scale: f32) -> PathBuf {
    let weight = |index: usize| scale * (((index * 37 + 11) % 29) as f32 / 14.0 - 1.0);
    let mixing: Vec<f32> = (0..24).map(weight).collect();
    let path = folder.join(name);
    Graph::new(&[1, 6, 1, 1], "logits")
        .weights("mixing", &[6, 4], &mixing)
        .weights("zeros", &[4], &[0.0; 4])
        .weights("out", &[4, 2], &[1.0, -1.0, 0.5, -0.5, 0.3, -0.2, 0.1, 0.2])
        .weights("none", &[2], &[0.0; 2])
        .node(Node::new("flat", "Flatten", &["input"], "bits"))
        .node(Node::new(
            "mix",
            "Gemm",
            &["bits", "mixing", "zeros"],
            "sums",
        ))
        .node(Node::new("act", activation, &["sums"], "units"))
        .node(Node::new("fc", "Gemm", &["units", "out", "none"], "logits"))
        .write(&path);
    path
}

/// Growing weights drive tanh units into saturation, where bins of fixed width can't tell inputs apart, and
/// spread ReLU units over more of them (Saxe et al. 2018).
#[test]
fn growing_weights_compress_binned_tanh_units_and_not_relu_units() {
    const BINNED: &str = "binned:partition=equal-width:bins=30:enumerated=true";
    let folder = TempDir::new().unwrap();
    write_bits(folder.path());
    let of = |activation: &str| {
        let names: Vec<String> = [0.3, 0.6, 1.5, 5.0, 20.0]
            .iter()
            .enumerate()
            .map(|(step, &scale)| {
                let name = format!("{activation}-{step}.onnx");
                write_network(folder.path(), &name, activation, scale);
                name
            })
            .collect();
        let args = format!(
            "series --models {} --data bits.npz --out {activation} --layers units --estimator {BINNED} --steps 4",
            names.join(" ")
        );
        succeed(folder.path(), words(&args));
        json(&folder.path().join(activation).join("series.json"))
    };
    let (tanh, relu) = (of("Tanh"), of("Relu"));
    let units = path(&tanh, "units", "activation", BINNED);
    assert_eq!(units["compression"]["verdict"], "holds", "{units}");
    assert!(units["compression"]["change"]["value"].as_f64().unwrap() < -1.0);
    let units = path(&relu, "units", "activation", BINNED);
    assert_eq!(units["compression"]["verdict"], "none", "{units}");
    let bits = input_bits(units);
    assert!(bits[4] > bits[0] + 0.5, "{bits:?}");
    // Nothing was sampled.
    let ci = &units["points"][0]["mi_x"]["ci"];
    assert_eq!(ci[0], ci[1]);
    let range = relu["ranges"].as_array().unwrap().iter();
    let range = range.filter(|range| range["kind"] == "activation");
    for range in range {
        assert!(range["low"] == 0.0 && range["high"].as_f64().unwrap() > 20.0);
    }
    let figure =
        "Tanh/figures/series_activation_binned-partition-equal-width-bins-30-enumerated-true.svg";
    assert!(folder.path().join(figure).is_file());
}

/// The known result on the task of Shwartz-Ziv and Tishby, with the checkpoints of
/// `scripts/train_tishby.py` in the folder `INFOPLANE_TISHBY`. docs/series.md has its figures.
#[test]
fn binned_activations_compress_with_tanh_and_not_with_relu_on_the_twelve_bit_task() {
    const BINNED: &str = "binned:partition=equal-width:bins=30:enumerated=true";
    let Some(trained) = std::env::var_os("INFOPLANE_TISHBY").map(PathBuf::from) else {
        eprintln!("skipped: set INFOPLANE_TISHBY to the folder of scripts/train_tishby.py");
        return;
    };
    let folder = TempDir::new().unwrap();
    let of = |activation: &str| {
        let mut models: Vec<String> = std::fs::read_dir(trained.join(activation))
            .unwrap()
            .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
            .collect();
        // Every fourth is enough here, and the last; the files' names sort as the epochs do.
        models.sort();
        models.reverse();
        let models: Vec<String> = models.into_iter().step_by(4).collect();
        let args = format!(
            "series --models {} --data {} --out {activation} --layers hidden3,hidden4,hidden5 --steps 2 --tau 0.3 --estimator {BINNED}",
            models.join(" "),
            trained.join("inputs.npz").display()
        );
        succeed(folder.path(), words(&args));
        json(&folder.path().join(activation).join("series.json"))
    };
    let (tanh, relu) = (of("tanh"), of("relu"));
    for layer in ["hidden3", "hidden4", "hidden5"] {
        let compression = |series| path(series, layer, "activation", BINNED)["compression"].clone();
        assert_eq!(compression(&tanh)["verdict"], "holds", "{layer}");
        assert_eq!(compression(&relu)["verdict"], "none", "{layer}");
    }
}

// What makes no series.

fn digits(folder: &Path) {
    let input = Array4::from_shape_fn((8, 1, 8, 8), |(n, _, y, x)| (n + y * x) as f32 / 64.0);
    common::write_input(&folder.join("digits.npz"), &input);
    std::fs::copy(demo_asset("network.onnx"), folder.join("a1.onnx")).unwrap();
    std::fs::copy(demo_asset("network.onnx"), folder.join("a2.onnx")).unwrap();
}

#[test]
fn fewer_than_two_checkpoints_are_no_series() {
    let folder = TempDir::new().unwrap();
    digits(folder.path());
    let say = |models: &str| {
        let args = format!("series --models {models} --data digits.npz --out out");
        refuse(folder.path(), words(&args))
    };
    assert_says(&say("a1.onnx"), &["a1.onnx", "at least 2", "infoplane run"]);
    assert_says(&say("a1.onnx a1.onnx"), &["a1.onnx is given twice"]);
    assert_says(&say("a1.onnx a3.onnx"), &["a3.onnx", "No such file"]);
}

#[test]
fn checkpoints_of_other_layers_are_named() {
    let folder = TempDir::new().unwrap();
    digits(folder.path());
    Graph::new(&[1, 1, 8, 8], "logits")
        .weights("fc", &[64, 10], &[0.1; 640])
        .weights("bias", &[10], &[0.0; 10])
        .node(Node::new("flat", "Flatten", &["input"], "pixels"))
        .node(Node::new("fc", "Gemm", &["pixels", "fc", "bias"], "logits"))
        .write(&folder.path().join("b.onnx"));
    let args = "series --models a1.onnx a2.onnx b.onnx --data digits.npz --out out";
    let said = refuse(folder.path(), words(args));
    assert_says(&said, &["b.onnx", "a1.onnx", "`stem`", "--layers"]);
}

#[test]
fn settings_are_checked_before_the_first_sweep() {
    let folder = TempDir::new().unwrap();
    digits(folder.path());
    let say = |options: &str| {
        let args = format!("series --models a1.onnx a2.onnx --data digits.npz --out out {options}");
        refuse(folder.path(), words(&args))
    };
    assert_says(&say("--estimator binned:bins=1"), &["bins", "from 2"]);
    assert_says(&say("--estimator binned:30"), &["`30`", "PARAMETER=VALUE"]);
    assert_says(&say("--tau 0"), &["tau"]);
    assert_says(&say("--against groups"), &["groups"]);
    assert_says(&say("--weights-series a.pth"), &["--weights-series"]);
    let args = "series --demo --models a1.onnx a2.onnx";
    assert_says(&refuse(folder.path(), words(args)), &["--demo"]);
}
