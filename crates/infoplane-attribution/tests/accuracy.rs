//! Winograd's transforms against direct kernels, layer by layer, on trained networks.

mod common;

use common::shared;
use infoplane_attribution::{
    Attribution, Baseline, Quadrature, Reduction, Sample, Sweep, SweepLayer, SweepOptions, Target,
};
use infoplane_data::npy::NpzFile;
use infoplane_engine::{Plan, PlanOptions};
use infoplane_graph::{Graph, default_layers, read_onnx};

fn attribute(graph: &Graph, input: &[f32], exact: bool) -> (Vec<String>, Attribution) {
    let shape = graph.sample_shape().unwrap();
    let shaped = graph.specialize(&shape, 4).unwrap();
    let layers = default_layers(graph, &shaped);
    let options = PlanOptions {
        layers: layers.iter().map(|layer| layer.value).collect(),
        exact,
        ..PlanOptions::default()
    };
    let plan = Plan::compile(graph, &shaped, &options).unwrap();
    let sweep = Sweep::new(
        &plan,
        layers.iter().map(SweepLayer::from).collect(),
        SweepOptions {
            quadrature: Quadrature::Graded {
                steps: 16,
                power: 2.0,
            },
            baseline: Baseline::Zero,
            target: Target::Predicted,
            reduction: Reduction::Channels,
        },
    )
    .unwrap()
    .with_first_layer_at_every_node();
    let sample = Sample {
        input,
        ..Sample::default()
    };
    let result = sweep.worker().attribute(sample).unwrap();
    (layers.into_iter().map(|layer| layer.name).collect(), result)
}

/// Largest difference relative to the largest value.
fn difference(own: &[f32], direct: &[f32]) -> f32 {
    let scale = direct.iter().fold(1e-12f32, |most, v| most.max(v.abs()));
    let differences = own.iter().zip(direct).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f32::max) / scale
}

fn check(model: &str, golden: &str) {
    let (Some(model), Some(golden)) = (shared(model), shared(golden)) else {
        return;
    };
    let graph = read_onnx(&model).unwrap();
    let inputs = NpzFile::open(&golden)
        .unwrap()
        .read("input")
        .unwrap()
        .to_f64();
    let len: usize = graph.sample_shape().unwrap().iter().product();
    let input: Vec<f32> = inputs.iter().take(len).map(|&value| value as f32).collect();
    let (names, own) = attribute(&graph, &input, false);
    let (_, direct) = attribute(&graph, &input, true);
    let logits = difference(&own.logits, &direct.logits);
    println!("logits: {logits:.1e}");
    assert!(logits <= 1e-4, "logits are off by {logits:.1e}");
    let layers = own.conductance.iter().zip(&direct.conductance);
    for (name, (own, direct)) in names.iter().zip(layers) {
        let worst = difference(own, direct);
        println!("{name}: {worst:.1e}");
        assert!(worst <= 1e-3, "{name} is off by {worst:.1e}");
    }
}

#[test]
fn squeezenet_agrees_with_direct_kernels() {
    check("models/squeezenet1_1.onnx", "goldens/squeezenet1_1.npz");
}

#[test]
fn efficientnet_agrees_with_direct_kernels() {
    check(
        "models/efficientnet_lite0.onnx",
        "goldens/efficientnet_lite0.npz",
    );
}

#[test]
fn cifar_resnets_agree_with_direct_kernels() {
    check(
        "models/cifar10_resnet20.onnx",
        "goldens/cifar10_resnet20.npz",
    );
    check(
        "models/cifar10_resnet56.onnx",
        "goldens/cifar10_resnet20.npz",
    );
}
