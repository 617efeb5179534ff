//! Small models as exporters write them, against onnxruntime (`scripts/reader_models.py`).

use std::fs::File;
use std::path::PathBuf;

use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_graph::{Graph, read_onnx};
use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;

/// Folder, largest error relative to the largest logit, and the notes of the reader.
const MODELS: [(&str, f32, &[&str]); 14] = [
    ("functions", 1e-5, &[]),
    ("branches", 1e-5, &[]),
    (
        "quantised",
        1e-5,
        &["its last operator Softmax `prob_node` is left out: the target is its operand `logits`"],
    ),
    // onnxruntime rounds every result to half precision there.
    ("halves", 4e-3, &[]),
    ("half_input", 4e-3, &[]),
    ("outside", 1e-5, &[]),
    (
        "mxnet",
        1e-5,
        &["its last operator Softmax `prob_node` is left out: the target is its operand `fc`"],
    ),
    (
        "labels_first",
        1e-5,
        &[
            "it has 2 outputs (`label`, `probabilities`): `probabilities` is taken",
            "its last operators Softmax `prob_node`, Reshape `wide_node`, Squeeze \
             `probabilities_node` are left out: the target is `logits`, which enters them",
        ],
    ),
    ("masks", 1e-5, &[]),
    ("channels", 1e-5, &[]),
    (
        "sklearn_three",
        1e-5,
        &[
            "it has 2 outputs (`label`, `probabilities`): `probabilities` is taken",
            "its last operators Softmax `Relu1`, Identity `Identity` are left out: the target is \
             `add_result1`, which enters them",
        ],
    ),
    (
        "sklearn_three_map",
        1e-5,
        &[
            "it has 2 outputs (`output_label`, `output_probability`): `output_probability` is taken",
            "its last operators Softmax `Relu1`, ZipMap `ZipMap` are left out: the target is \
             `add_result1`, which enters them",
        ],
    ),
    (
        "sklearn_binary",
        1e-5,
        &[
            "it has 2 outputs (`label`, `probabilities`): `probabilities` is taken",
            "its end, the probabilities made by Sigmoid `Relu1`, Concat `Concat`, is left out: the \
             targets are their log-odds, -z and z of the operand z = `add_result1`",
        ],
    ),
    (
        "sklearn_names_map",
        1e-5,
        &[
            "it has 2 outputs (`output_label`, `output_probability`): `output_probability` is taken",
            "its end, the probabilities made by Sigmoid `Relu1`, Concat `Concat`, ZipMap `ZipMap`, \
             is left out: the targets are their log-odds, -z and z of the operand z = `add_result1`",
        ],
    ),
];

fn folder(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/models")).join(name)
}

fn array(folder: &std::path::Path, name: &str) -> ArrayD<f32> {
    let mut archive = NpzReader::new(File::open(folder.join("data.npz")).unwrap()).unwrap();
    archive.by_name::<OwnedRepr<f32>, IxDyn>(name).unwrap()
}

fn run(graph: &Graph, input: &ArrayD<f32>) -> Vec<f32> {
    let (batch, sample) = input.shape().split_first().unwrap();
    let shaped = graph.specialize(sample, *batch).unwrap();
    assert!(shaped.rows_are_independent());
    let plan = Plan::compile(graph, &shaped, &PlanOptions::default()).unwrap();
    let mut session = plan.session();
    session.input().copy_from_slice(input.as_slice().unwrap());
    session.forward().to_vec()
}

#[test]
fn models_of_exporters_give_the_logits_of_onnxruntime() {
    for (name, tolerance, notes) in MODELS {
        let folder = folder(name);
        let graph =
            read_onnx(&folder.join("model.onnx")).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(graph.notes(), notes, "{name}");
        let actual = run(&graph, &array(&folder, "input"));
        let expected = array(&folder, "logits");
        assert_eq!(actual.len(), expected.len(), "{name}");
        let scale = expected.iter().fold(0f32, |m, x| m.max(x.abs()));
        for (index, (a, e)) in actual.iter().zip(&expected).enumerate() {
            assert!(
                (a - e).abs() <= tolerance * scale,
                "{name}, logit {index}: {a} where onnxruntime has {e}"
            );
        }
    }
}
