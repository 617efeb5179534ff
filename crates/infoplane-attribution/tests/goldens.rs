//! Conductances that PyTorch and Captum computed, for real and small networks.

mod common;

use std::path::Path;

use common::shared;
use infoplane_attribution::{
    Attribution, Baseline, Quadrature, Reduction, Sample, Sweep, SweepLayer, SweepOptions, Target,
};
use infoplane_data::npy::NpzFile;
use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_graph::{Graph, Layer, layers_by_name, read_onnx};

/// Where a layer's values may differ from the reference's, relative to its largest.
const TOLERANCE: f64 = 1e-3;

struct Golden {
    archive: NpzFile,
    graph: Graph,
    layers: Vec<Layer>,
    sample_shape: Vec<usize>,
    input: Vec<f32>,
    target: Vec<usize>,
    n_steps: usize,
    per_neuron: bool,
    toy: bool,
}

impl Golden {
    fn open(name: &str, model: &Path) -> Golden {
        let path = shared(&format!("goldens/{name}.npz")).unwrap();
        let mut archive = NpzFile::open(&path).unwrap();
        let input = archive.read("input").unwrap();
        let graph = read_onnx(model).unwrap();
        let toy = name == "captum_toy";
        let sample_shape = input.shape()[1..].to_vec();
        let shaped = graph.specialize(&sample_shape, 1).unwrap();
        let names: Vec<String> = archive
            .keys()
            .iter()
            .filter_map(|key| key.strip_prefix("captum/").map(str::to_string))
            .map(|value| {
                if toy && value == "linear_1" {
                    "relu".to_string()
                } else {
                    value
                }
            })
            .collect();
        assert!(!names.is_empty());
        let layers = layers_by_name(&graph, &shaped, &names).unwrap();
        let integer = |array: &infoplane_data::npy::NpyArray| array.to_f64().sum() as i64;
        Golden {
            n_steps: integer(&archive.read("n_steps").unwrap()) as usize,
            per_neuron: !integer_is_zero(&mut archive),
            toy,
            target: archive
                .read("target")
                .unwrap()
                .to_indices()
                .unwrap()
                .iter()
                .map(|&target| target as usize)
                .collect(),
            input: input.to_f32().into_iter().collect(),
            archive,
            graph,
            layers,
            sample_shape,
        }
    }

    /// The archive's name of a value.
    ///
    /// The toy's ReLU works in place, so that Captum saw the ReLU's values under the name of the linear
    /// layer before it.
    fn key<'a>(&self, value: &'a str) -> &'a str {
        if self.toy && value == "relu" {
            "linear_1"
        } else {
            value
        }
    }

    fn values(&mut self, key: &str) -> Vec<f64> {
        self.archive
            .read(key)
            .unwrap()
            .to_f64()
            .into_iter()
            .collect()
    }

    fn attribute(&self, quadrature: Quadrature, batch: usize) -> Vec<Attribution> {
        let shaped = self.graph.specialize(&self.sample_shape, batch).unwrap();
        let options = PlanOptions {
            layers: self.layers.iter().map(|layer| layer.value).collect(),
            ..PlanOptions::default()
        };
        let plan = Plan::compile(&self.graph, &shaped, &options).unwrap();
        let sweep = Sweep::new(
            &plan,
            self.layers.iter().map(SweepLayer::from).collect(),
            SweepOptions {
                quadrature,
                baseline: Baseline::Zero,
                target: Target::Given,
                reduction: if self.per_neuron {
                    Reduction::None
                } else {
                    Reduction::Channels
                },
            },
        )
        .unwrap()
        .with_first_layer_at_every_node();
        let mut worker = sweep.worker();
        self.input
            .chunks_exact(plan.input_len())
            .zip(&self.target)
            .map(|(row, &target)| {
                let sample = Sample {
                    input: row,
                    target: Some(target),
                    ..Sample::default()
                };
                worker.attribute(sample).unwrap()
            })
            .collect()
    }

    fn check(&mut self, method: &str, results: &[Attribution]) {
        for (position, layer) in self.layers.clone().iter().enumerate() {
            let expected = self.values(&format!("{method}/{}", self.key(&layer.name)));
            let actual = results.iter().flat_map(|r| &r.conductance[position]);
            assert_near(
                actual,
                &expected,
                TOLERANCE,
                &format!("{method}/{}", layer.name),
            );
        }
    }
}

fn integer_is_zero(archive: &mut NpzFile) -> bool {
    archive.read("per_neuron").unwrap().to_f64().sum() == 0.0
}

fn assert_near<'a>(
    actual: impl Iterator<Item = &'a f32>,
    expected: &[f64],
    tolerance: f64,
    what: &str,
) {
    let actual: Vec<f64> = actual.map(|&value| f64::from(value)).collect();
    assert_eq!(actual.len(), expected.len(), "{what}");
    let scale = expected
        .iter()
        .fold(0.0f64, |m, v| m.max(v.abs()))
        .max(1e-12);
    let worst = actual
        .iter()
        .zip(expected)
        .map(|(a, e)| (a - e).abs() / scale)
        .fold(0.0, f64::max);
    println!("{what}: {worst:.2e}");
    assert!(worst <= tolerance, "{what} is off by {worst:.2e}");
}

fn check(name: &str, model: &str) {
    let Some(model) = shared(model) else { return };
    let mut golden = Golden::open(name, &model);
    let steps = golden.n_steps;

    let captum = golden.attribute(Quadrature::Captum { steps }, 7);
    let logits = golden.values("logits");
    assert_near(
        captum.iter().flat_map(|r| &r.logits),
        &logits,
        1e-4,
        "logits",
    );
    golden.check("captum", &captum);
    let cut: Vec<(usize, String)> = golden
        .layers
        .iter()
        .enumerate()
        .filter(|(_, layer)| layer.cut)
        .map(|(position, layer)| (position, layer.name.clone()))
        .collect();
    for (position, layer) in cut {
        let expected = golden.values(&format!("captum_delta/{}", golden.key(&layer)));
        let deltas: Vec<f32> = captum.iter().map(|r| r.delta[position].unwrap()).collect();
        let scale = captum
            .iter()
            .map(|r| (r.f_input - r.f_baseline).abs())
            .fold(0.0, f32::max);
        for (a, e) in deltas.iter().zip(&expected) {
            let error = (f64::from(*a) - e).abs() / f64::from(scale);
            assert!(
                error <= TOLERANCE,
                "captum_delta/{layer}: {a} where Captum has {e}"
            );
        }
    }

    let trapezoid = golden.attribute(Quadrature::Trapezoid { steps }, steps + 1);
    golden.check("trapezoid", &trapezoid);
    let ends = ["f_input", "f_baseline"].map(|key| golden.values(key));
    assert_near(
        trapezoid.iter().map(|r| &r.f_input),
        &ends[0],
        1e-4,
        "f_input",
    );
    assert_near(
        trapezoid.iter().map(|r| &r.f_baseline),
        &ends[1],
        1e-3,
        "f_baseline",
    );

    completeness_error_shrinks(&golden);
}

/// At a cut layer Σ C − (F(x) − F(x')) is the quadrature's own error.
fn completeness_error_shrinks(golden: &Golden) {
    let worst = |steps: usize| {
        golden
            .attribute(Quadrature::Graded { steps, power: 2.0 }, 5)
            .iter()
            .map(|result| {
                let difference = (result.f_input - result.f_baseline).abs();
                assert!(
                    (result.error * difference
                        - result
                            .delta
                            .iter()
                            .flatten()
                            .fold(0.0f32, |m, d| m.max(d.abs())))
                    .abs()
                        <= 1e-5 * difference.max(1.0)
                );
                result.error
            })
            .fold(0.0, f32::max)
    };
    let (few, many) = (worst(4), worst(64));
    println!("completeness: {few:.3} with 4 steps, {many:.4} with 64");
    assert!(
        many < 0.35 * few + 1e-4,
        "{many} with 64 steps, {few} with 4"
    );

    let rule = infoplane_attribution::AdaptiveRule {
        tolerance: 0.02,
        max_steps: 256,
    };
    for result in golden.attribute(Quadrature::Adaptive(rule), 6) {
        println!(
            "adaptive: {} steps, error {:.4}",
            result.steps, result.error
        );
        assert!(result.error <= 0.02 * 1.01, "{}", result.error);
    }
}

#[test]
fn captum_toy_matches() {
    check("captum_toy", "goldens/captum_toy.onnx");
}

#[test]
fn mlp_tanh_gelu_matches() {
    check("mlp_tanh_gelu", "goldens/mlp_tanh_gelu.onnx");
}

#[test]
fn tiny_residual_matches() {
    check("tiny_residual", "goldens/tiny_residual.onnx");
}

#[test]
fn cifar10_resnet20_matches() {
    check("cifar10_resnet20", "models/cifar10_resnet20.onnx");
}

#[test]
fn squeezenet_matches() {
    check("squeezenet1_1", "models/squeezenet1_1.onnx");
}

#[test]
fn efficientnet_matches() {
    check("efficientnet_lite0", "models/efficientnet_lite0.onnx");
}
