//! A small transformer over token ids, with the path in its embedding's space, against what PyTorch computed
//! (`scripts/text_classifier.py`).

use std::path::{Path, PathBuf};

use infoplane_attribution::{
    AdaptiveRule, Attribution, Baseline, Quadrature, Reduction, Sample, Sweep, SweepLayer,
    SweepOptions, Target,
};
use infoplane_data::npy::{NpyArray, NpzFile};
use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_graph::{Graph, Layer, layers, layers_by_name, read_onnx};

const TOKENS: usize = 24;

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(file)
}

/// The network with its path at the embedding, and the reference.
fn network() -> (Graph, NpzFile) {
    let graph = read_onnx(&data("text_classifier.onnx")).unwrap();
    let reference = NpzFile::open(&data("text_classifier.npz")).unwrap();
    let embedding = reference
        .keys()
        .iter()
        .filter_map(|key| key.strip_prefix("zero/conductance/"))
        .find(|name| name.contains("Gather"))
        .unwrap()
        .to_string();
    (graph.with_path_at(&embedding).unwrap(), reference)
}

fn plan(graph: &Graph, chosen: &[Layer], batch: usize) -> Plan {
    let shaped = graph.specialize(&[TOKENS], batch).unwrap();
    assert!(shaped.rows_are_independent());
    let options = PlanOptions {
        layers: chosen.iter().map(|layer| layer.value).collect(),
        exact: true,
        ..PlanOptions::default()
    };
    Plan::compile(graph, &shaped, &options).unwrap()
}

fn options(quadrature: Quadrature, baseline: Baseline, reduction: Reduction) -> SweepOptions {
    SweepOptions {
        quadrature,
        baseline,
        target: Target::Given,
        reduction,
    }
}

fn attribute(
    plan: &Plan,
    chosen: &[Layer],
    options: SweepOptions,
    reference: &mut NpzFile,
) -> Vec<Attribution> {
    let sweep = Sweep::new(plan, chosen.iter().map(SweepLayer::from).collect(), options).unwrap();
    let floats = |array: NpyArray| array.to_f32().into_iter().collect::<Vec<f32>>();
    let input = floats(reference.read("input").unwrap());
    let starts = floats(reference.read("baseline").unwrap());
    let targets = floats(reference.read("target").unwrap());
    let mut worker = sweep.worker();
    let rows = input.chunks_exact(TOKENS).zip(starts.chunks_exact(TOKENS));
    rows.zip(targets)
        .map(|((input, start), target)| {
            let sample = Sample {
                input,
                target: Some(target as usize),
                baseline: Some(start),
                label: None,
            };
            worker.attribute(sample).unwrap()
        })
        .collect()
}

fn assert_near(actual: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-6f32, |most, v| most.max(v.abs()));
    let worst = actual
        .iter()
        .zip(expected)
        .map(|(a, e)| (a - e).abs() / scale)
        .fold(0.0, f32::max);
    println!("{what}: {worst:.1e}");
    assert!(worst <= tolerance, "{what} is off by {worst:.1e}");
}

#[test]
fn conductances_of_tokens_and_features_are_pytorchs() {
    let (graph, mut reference) = network();
    let names: Vec<String> = reference
        .keys()
        .iter()
        .filter_map(|key| key.strip_prefix("zero/conductance/").map(str::to_string))
        .collect();
    assert_eq!(names.len(), 4);
    let shaped = graph.specialize(&[TOKENS], 1).unwrap();
    let chosen = layers_by_name(&graph, &shaped, &names).unwrap();
    let plan = plan(&graph, &chosen, 3);
    assert_eq!(plan.sample_len(), TOKENS);
    for (start, baseline) in [("zero", Baseline::Zero), ("pad", Baseline::Given)] {
        let trapezoid = Quadrature::Trapezoid { steps: 32 };
        let mut by = |reduction| {
            let options = options(trapezoid, baseline.clone(), reduction);
            attribute(&plan, &chosen, options, &mut reference)
        };
        let (units, features, tokens) = (
            by(Reduction::None),
            by(Reduction::Channels),
            by(Reduction::Positions),
        );
        for (position, layer) in chosen.iter().enumerate() {
            assert!(layer.channels_last && layer.cut, "{}", layer.name);
            let width = layer.n_channels();
            let key = format!("{start}/conductance/{}", layer.name);
            let expected = reference.read(&key).unwrap().to_f32();
            let expected: Vec<f32> = expected.into_iter().collect();
            for (sample, expected) in expected.chunks_exact(TOKENS * width).enumerate() {
                assert_near(&units[sample].conductance[position], expected, 1e-4, &key);
                let per_token: Vec<f32> = expected
                    .chunks_exact(width)
                    .map(|token| token.iter().sum())
                    .collect();
                let per_feature: Vec<f32> = (0..width)
                    .map(|feature| expected.iter().skip(feature).step_by(width).sum())
                    .collect();
                assert_near(
                    &tokens[sample].conductance[position],
                    &per_token,
                    1e-4,
                    &key,
                );
                assert_near(
                    &features[sample].conductance[position],
                    &per_feature,
                    1e-4,
                    &key,
                );
            }
        }
        for (key, of) in [
            ("f_input", (|a| a.f_input) as fn(&Attribution) -> f32),
            ("f_baseline", |a| a.f_baseline),
        ] {
            let key = format!("{start}/{key}");
            let expected = reference.read(&key).unwrap().to_f32();
            let expected: Vec<f32> = expected.into_iter().collect();
            let found: Vec<f32> = units.iter().map(of).collect();
            assert_near(&found, &expected, 1e-5, &key);
        }
    }
}

#[test]
fn the_adaptive_rule_is_complete_at_every_cut_layer() {
    let (graph, mut reference) = network();
    let shaped = graph.specialize(&[TOKENS], 1).unwrap();
    let all = layers(&graph, &shaped);
    assert!(all.iter().filter(|layer| layer.cut).count() > 5);
    let plan = plan(&graph, &all, 1);
    let rule = AdaptiveRule {
        tolerance: 0.01,
        max_steps: 256,
    };
    let padding = Baseline::Fixed {
        name: "token 0".to_string(),
        row: vec![0.0; TOKENS],
    };
    for baseline in [Baseline::Zero, padding, Baseline::Given] {
        let options = options(Quadrature::Adaptive(rule), baseline, Reduction::Channels);
        let results = attribute(&plan, &all, options, &mut reference);
        for result in &results {
            assert!(result.error <= 0.01, "{}", result.error);
            assert!((result.f_input - result.f_baseline).abs() > 0.1);
        }
    }
}

#[test]
fn samples_of_another_length_than_the_ids_are_refused() {
    let (graph, _) = network();
    let shaped = graph.specialize(&[TOKENS], 1).unwrap();
    let all = layers(&graph, &shaped);
    let plan = plan(&graph, &all, 1);
    let quadrature = Quadrature::Trapezoid { steps: 2 };
    let layers: Vec<SweepLayer> = all.iter().map(SweepLayer::from).collect();
    let sweep = |baseline| {
        let options = options(quadrature, baseline, Reduction::Channels);
        Sweep::new(&plan, layers.clone(), options)
    };
    let wide = Baseline::Fixed {
        name: "wide".to_string(),
        row: vec![0.0; plan.input_len()],
    };
    assert!(sweep(wide).is_err());
    let sweep = sweep(Baseline::Zero).unwrap();
    let mut worker = sweep.worker();
    let target = Some(0);
    let long = vec![0.0; plan.input_len()];
    let refused = worker.attribute(Sample {
        input: &long,
        target,
        ..Sample::default()
    });
    assert!(refused.is_err());
    // And the worker goes on.
    let ids = vec![1.0; TOKENS];
    assert!(
        worker
            .attribute(Sample {
                input: &ids,
                target,
                ..Sample::default()
            })
            .is_ok()
    );
}
