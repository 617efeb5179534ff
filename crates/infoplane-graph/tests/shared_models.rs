//! The real networks beside the checkout: default layers and cut layers.

use std::path::PathBuf;

use infoplane_graph::{Layer, default_layers, read_onnx};

fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("INFOPLANE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let file = folder.join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("skipped: {path} is not there (set INFOPLANE_SHARED)");
    None
}

fn defaults(path: &str) -> Option<Vec<Layer>> {
    let graph = read_onnx(&shared(path)?).unwrap();
    let shape = graph.sample_shape().unwrap();
    let shaped = graph.specialize(&shape, 3).unwrap();
    assert!(shaped.rows_are_independent());
    Some(default_layers(&graph, &shaped))
}

fn names(layers: &[Layer]) -> Vec<&str> {
    layers.iter().map(|layer| layer.name.as_str()).collect()
}

#[test]
fn default_layers_of_squeezenet_are_its_pools_and_concatenations() {
    let Some(layers) = defaults("models/squeezenet1_1.onnx") else {
        return;
    };
    assert_eq!(
        names(&layers),
        [
            "relu",
            "max_pool2d",
            "cat",
            "cat_1",
            "max_pool2d_1",
            "cat_2",
            "cat_3",
            "max_pool2d_2",
            "cat_4",
            "cat_5",
            "cat_6",
            "cat_7",
            "relu_25",
            "mean"
        ]
    );
    assert!(layers.iter().all(|layer| layer.cut));
    assert_eq!(layers[0].shape, [64, 111, 111]);
}

#[test]
fn default_layers_of_resnet20_are_its_blocks() {
    let Some(layers) = defaults("models/cifar10_resnet20.onnx") else {
        return;
    };
    assert_eq!(
        names(&layers),
        [
            "relu",
            "relu_2",
            "relu_4",
            "relu_6",
            "relu_8",
            "relu_10",
            "relu_12",
            "relu_14",
            "relu_16",
            "relu_18",
            "avg_pool2d",
            "logits"
        ]
    );
    assert!(layers.iter().all(|layer| layer.cut));
}

#[test]
fn default_layers_of_efficientnet_hold_all_blocks() {
    let Some(layers) = defaults("models/efficientnet_lite0.onnx") else {
        return;
    };
    let names = names(&layers);
    for block in [
        "getitem_6",
        "getitem_15",
        "getitem_33",
        "getitem_51",
        "getitem_78",
        "getitem_105",
        "getitem_141",
        "logits",
    ] {
        assert!(names.contains(&block), "{block} is missing from {names:?}");
    }
    assert!(names.len() <= 24, "{names:?}");
}

#[test]
fn branches_beside_a_skip_are_no_cut_layers() {
    let Some(path) = shared("goldens/tiny_residual.onnx") else {
        return;
    };
    let graph = read_onnx(&path).unwrap();
    let shaped = graph.specialize(&[3, 33, 33], 2).unwrap();
    let branches: Vec<String> = infoplane_graph::layers(&graph, &shaped)
        .into_iter()
        .filter(|layer| !layer.cut)
        .map(|layer| layer.name)
        .collect();
    assert_eq!(branches, ["getitem", "relu_1", "getitem_3"]);
}

#[test]
fn every_shared_model_reads() {
    for model in [
        "models/squeezenet1_1_legacy_export.onnx",
        "models/cifar10_resnet56.onnx",
        "goldens/captum_toy.onnx",
        "goldens/mlp_tanh_gelu.onnx",
    ] {
        let Some(layers) = defaults(model) else {
            return;
        };
        assert!(layers.len() >= 3, "{model}: {:?}", names(&layers));
    }
}
