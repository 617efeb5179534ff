//! Runs over the forms of data that are no folder of images and no array.

mod common;

use std::fs;
use std::path::Path;

use common::onnx::{Graph, Node};
use common::{
    Archive, assert_says, colour_network, demo_asset, infoplane, refuse, write_colour_network,
    write_images,
};
use tempfile::TempDir;

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn run(at: &Path, args: &str) -> serde_json::Value {
    let said = infoplane(at, words(args));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

fn manifest(at: &Path, out: &str) -> serde_json::Value {
    serde_json::from_slice(&fs::read(at.join(out).join("run.json")).unwrap()).unwrap()
}

/// An IDX file of bytes.
fn idx(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    file.extend(shape.iter().flat_map(|dim| dim.to_be_bytes()));
    file.extend(bytes);
    file
}

#[test]
fn digits_as_idx_give_what_they_give_as_an_array() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let mut digits = Archive::open(&demo_asset("digits.npz"));
    // Values are k/16.
    let pixels: Vec<u8> = digits
        .array("input")
        .iter()
        .map(|v| (v * 16.0) as u8)
        .collect();
    let labels: Vec<u8> = digits
        .integers("label")
        .iter()
        .map(|&label| label as u8)
        .collect();
    let n = labels.len() as u32;
    fs::write(at.join("t-images-idx3-ubyte"), idx(&[n, 8, 8], &pixels)).unwrap();
    fs::write(at.join("t-labels-idx1-ubyte"), idx(&[n], &labels)).unwrap();
    let model = demo_asset("network.onnx");
    let model = model.display();
    let rest = "--limit 60 --steps 2 --layers block2.1,pool --json";
    let array = demo_asset("digits.npz");
    let expected = run(
        at,
        &format!(
            "run --model {model} --data {} --out a {rest}",
            array.display()
        ),
    );
    let args = format!("run --model {model} --data t-images-idx3-ubyte --scale 16 --out b {rest}");
    let found = run(at, &args);
    assert_eq!(found["accuracy"], expected["accuracy"]);
    assert_eq!(found["rows"], expected["rows"]);
    let stored = manifest(at, "b");
    assert_eq!(stored["data"]["preprocessing"], "x/16, grey");
    assert_eq!(stored["data"]["kind"], "idx");
    // Three of each class, by lot.
    let args = format!(
        "run --model {model} --data t-images-idx3-ubyte --scale 16 --per-class 3 --shuffle --seed 5 --out c --steps 2 --layers pool --json"
    );
    assert_eq!(run(at, &args)["accuracy"]["labelled"], 30);
    let stored = manifest(at, "c");
    assert_eq!(stored["config"]["per_class"], 3);
    assert_eq!(stored["config"]["shuffle"], true);
    let other = args.replace("--seed 5", "--seed 6");
    assert_says(
        &refuse(at, words(&other)),
        &["data.fingerprint", "another --out"],
    );
}

#[test]
fn a_table_runs_with_named_features_and_is_ablated() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    Graph::new(&[1, 2], "logits")
        .weights("w1", &[2, 4], &[1.0, -1.0, 0.5, 0.0, 0.0, 0.5, -1.0, 1.0])
        .weights("w2", &[4, 2], &[1.0, 0.0, 0.0, 1.0, 0.5, 0.0, 0.0, 1.0])
        .node(Node::new("first", "MatMul", &["input", "w1"], "sums"))
        .node(Node::new("relu", "Relu", &["sums"], "hidden"))
        .node(Node::new("second", "MatMul", &["hidden", "w2"], "logits"))
        .write(&at.join("mlp.onnx"));
    let mut table = "width,length,kind\n".to_string();
    for row in 0..40 {
        let (wide, kind) = (row % 2 == 0, if row % 2 == 0 { "broad" } else { "narrow" });
        let (width, length) = if wide { (9 + row, 3) } else { (2, 12 + row) };
        table += &format!("{width},{length},{kind}\n");
    }
    fs::write(at.join("t.csv"), &table).unwrap();
    let args =
        "run --model mlp.onnx --data t.csv --standardise data --out out --layers hidden --json";
    let plane = run(at, args);
    assert_eq!(
        plane["label"]["names"],
        serde_json::json!(["broad", "narrow"])
    );
    assert_eq!(plane["accuracy"]["correct"], 40);
    let stored = manifest(at, "out");
    assert_eq!(
        stored["data"]["features"],
        serde_json::json!(["width", "length"])
    );
    assert_eq!(stored["data"]["kind"], "table");
    assert_eq!(stored["config"]["standardise"], "data");
    let page = fs::read_to_string(at.join("out/report.html")).unwrap();
    assert_says(
        &page,
        &["<bdi>width</bdi>, <bdi>length</bdi>", "--standardise data"],
    );
    let said = infoplane(at, words("ablate out"));
    assert_eq!(said.code, Some(0), "{}", said.stderr);

    for (args, parts) in [
        ("--preset none", &["--preset is for images", "table"][..]),
        (
            "--mean 1,2,3",
            &["mean has 3 numbers for the 2 features", "`width`"],
        ),
        ("--features width", &["1 feature (`width`)", "2 inputs"]),
        ("--label-column colour", &["no column `colour`", "`kind`"]),
    ] {
        let args = format!("run --model mlp.onnx --data t.csv --out new {args}");
        assert_says(&refuse(at, words(&args)), parts);
    }
    fs::write(at.join("t.csv"), table.replace("9,3,broad", "9,,broad")).unwrap();
    let said = refuse(at, words("run --model mlp.onnx --data t.csv --out new"));
    assert_says(&said, &["row 1, column `length`: no number"]);
}

#[test]
fn images_lie_as_the_network_wants_them() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    write_colour_network(at);
    write_images(at, 6);
    // The same network with channels last.
    let turned = Graph::new(&[1, 8, 8, 3], "logits")
        .node(Node::new("turn", "Transpose", &["input"], "planes").integers("perm", &[0, 3, 1, 2]));
    colour_network(turned, "planes").write(&at.join("last.onnx"));
    for baseline in ["zero", "black", "blur", "mean"] {
        let args = |model: &str| {
            format!(
                "run --model {model}.onnx --data images --preset tf --resize 0 --crop 0 --baseline {baseline} \
                 --steps 4 --layers colours,pooled --keep-maps 3 --out {model}-{baseline} --json"
            )
        };
        let (first, last) = (run(at, &args("colours")), run(at, &args("last")));
        let figures = |plane: &serde_json::Value| -> Vec<f64> {
            let rows = plane["rows"].as_array().unwrap().iter();
            rows.map(|row| row["mi_y"]["value"].as_f64().unwrap())
                .collect()
        };
        let pairs = figures(&first).into_iter().zip(figures(&last));
        assert!(pairs.clone().count() == 4 && first["accuracy"] == last["accuracy"]);
        assert!(
            pairs.clone().all(|(a, b)| (a - b).abs() < 1e-3),
            "{baseline}: {:?}",
            pairs.collect::<Vec<_>>()
        );
        let maps = |model: &str| {
            fs::read(at.join(format!("{model}-{baseline}/report.html")))
                .unwrap()
                .len()
        };
        assert!(maps("last") > 0 && maps("colours") > 0);
    }
    let stored = manifest(at, "last-zero");
    let words = stored["data"]["preprocessing"].as_str().unwrap();
    assert_eq!(
        words,
        "x/127.5, mean (1, 1, 1), std (1, 1, 1), laid out height × width × channels"
    );
}
