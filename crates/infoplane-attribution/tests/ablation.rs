//! Ablation of the embedded demo's network, which has convolutions, residual additions, a pool and a
//! linear layer.

use std::path::Path;

use infoplane_attribution::{
    AblatedLayer, AblatedSample, Ablation, AblationSample, LayerSums, MeanWorker,
};
use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_graph::{Graph, Layer, default_layers, read_onnx};

const PIXELS: usize = 64;

fn network() -> (Graph, Vec<Layer>) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../infoplane/assets/demo/network.onnx"
    );
    let graph = read_onnx(Path::new(path)).unwrap();
    let shaped = graph.specialize(&[1, 8, 8], 1).unwrap();
    let layers = default_layers(&graph, &shaped);
    assert!(layers.len() >= 8);
    (graph, layers)
}

fn plan(graph: &Graph, layers: &[Layer], batch: usize, keep_values: bool) -> Plan {
    let shaped = graph.specialize(&[1, 8, 8], batch).unwrap();
    let options = PlanOptions {
        layers: layers.iter().map(|layer| layer.value).collect(),
        keep_values,
        exact: false,
    };
    Plan::compile(graph, &shaped, &options).unwrap()
}

fn sample(index: usize) -> Vec<f32> {
    (0..PIXELS)
        .map(|i| ((i * 7919 + index * 104_729) % 2003) as f32 / 2003.0)
        .collect()
}

/// Each layer with the same sets, replaced by `replacement` of its position.
fn ablate(
    plan: &Plan,
    layers: &[Layer],
    sets: &[Vec<usize>],
    replacement: &[Vec<f32>],
    input: &[f32],
) -> AblatedSample {
    let ablated = (0..layers.len())
        .map(|request| AblatedLayer {
            name: layers[request].name.clone(),
            request,
            sets: sets.to_vec(),
            replacement: replacement[request].clone(),
        })
        .collect();
    let ablation = Ablation::new(plan, ablated).unwrap();
    let sample = AblationSample {
        input,
        target: 3,
        class: Some(5),
    };
    ablation.worker().ablate(sample).unwrap()
}

fn zeros(plan: &Plan) -> Vec<Vec<f32>> {
    let layouts = plan.layouts().iter();
    layouts.map(|layout| vec![0.0; layout.row_len()]).collect()
}

/// The means of every layer over samples.
fn means(plan: &Plan, samples: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut sums = LayerSums::new(plan);
    let rows: Vec<f32> = samples.concat();
    MeanWorker::new(plan).add(&rows, &mut sums).unwrap();
    assert_eq!(sums.n_samples(), samples.len() as u64);
    sums.means()
}

#[test]
fn replacing_nothing_changes_nothing_at_any_layer() {
    let (graph, layers) = network();
    let plan = plan(&graph, &layers, 3, true);
    let sets = vec![vec![]; 4];
    let found = ablate(&plan, &layers, &sets, &zeros(&plan), &sample(1));
    for (layer, outcomes) in layers.iter().zip(&found.layers) {
        assert_eq!(outcomes, &vec![found.intact; 4], "{}", layer.name);
    }
}

#[test]
fn channels_that_are_constant_over_the_data_are_replaced_by_themselves() {
    let (graph, layers) = network();
    let plan = plan(&graph, &layers, 4, true);
    let constant = means(&plan, &vec![sample(2); 6]);
    let sets = [vec![0], vec![0, 1, 2, 3]];
    let found = ablate(&plan, &layers, &sets, &constant, &sample(2));
    for outcomes in &found.layers {
        assert_eq!(outcomes, &[found.intact; 2]);
    }
    // Another sample is another matter.
    let other = ablate(&plan, &layers, &sets, &constant, &sample(3));
    assert!(other.layers[0].iter().all(|found| *found != other.intact));
}

#[test]
fn means_are_those_of_single_passes_in_any_micro_batch_and_grouping() {
    let (graph, layers) = network();
    let samples: Vec<Vec<f32>> = (0..7).map(sample).collect();
    // The truth: values that the products' visitors see, from a plan that keeps none.
    let single = plan(&graph, &layers, 1, false);
    let mut session = single.session();
    let mut expected: Vec<Vec<f64>> = Vec::new();
    expected.resize(layers.len(), Vec::new());
    for row in &samples {
        session.input().copy_from_slice(row);
        session.forward();
        let mut seeds = vec![0.0; single.n_outputs()];
        seeds[0] = 1.0;
        session
            .vjp(&seeds, &mut |layer, h, _| {
                let sums = &mut expected[layer];
                sums.resize(h.len(), 0.0);
                for (sum, value) in sums.iter_mut().zip(h) {
                    *sum += f64::from(*value) / 7.0;
                }
            })
            .unwrap();
    }
    let kept = plan(&graph, &layers, 3, true);
    let found = means(&kept, &samples);
    let mut merged = LayerSums::new(&kept);
    for samples in [&samples[..2], &samples[2..]] {
        let mut own = LayerSums::new(&kept);
        MeanWorker::new(&kept)
            .add(&samples.concat(), &mut own)
            .unwrap();
        merged.merge(&own);
    }
    for ((found, merged), (expected, layout)) in found
        .iter()
        .zip(merged.means())
        .zip(expected.iter().zip(kept.layouts()))
    {
        for channel in 0..layout.channels {
            for position in 0..layout.positions {
                let unit = layout.index(channel, position);
                assert!((f64::from(found[unit]) - expected[unit]).abs() < 1e-5);
                assert!((found[unit] - merged[unit]).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn before_a_linear_layer_damages_of_channels_add_up() {
    let (graph, layers) = network();
    let pool: Vec<Layer> = layers.into_iter().filter(|l| l.name == "pool").collect();
    let plan = plan(&graph, &pool, 2, true);
    let input = sample(4);
    let single: Vec<Vec<usize>> = (0..5).map(|channel| vec![channel]).collect();
    let together = [vec![0, 1, 2, 3, 4]];
    let change = |sets: &[Vec<usize>]| -> f32 {
        let found = ablate(&plan, &pool, sets, &zeros(&plan), &input);
        let outcomes = found.layers[0].iter();
        outcomes
            .map(|outcome| outcome.target_logit - found.intact.target_logit)
            .sum()
    };
    let (one_by_one, at_once) = (change(&single), change(&together));
    assert!(at_once.abs() > 1e-3, "{at_once}");
    assert!(
        (one_by_one - at_once).abs() < 1e-4,
        "{one_by_one}, {at_once}"
    );
}

#[test]
fn micro_batches_and_the_sample_before_do_not_show() {
    let (graph, layers) = network();
    let sets: Vec<Vec<usize>> = (1..6).map(|n| (0..n).collect()).collect();
    let run = |batch: usize, first: Option<usize>| -> AblatedSample {
        let plan = plan(&graph, &layers, batch, true);
        let ablated = (0..layers.len())
            .map(|request| AblatedLayer {
                name: layers[request].name.clone(),
                request,
                sets: sets.clone(),
                replacement: vec![0.25; plan.layouts()[request].row_len()],
            })
            .collect();
        let ablation = Ablation::new(&plan, ablated).unwrap();
        let mut worker = ablation.worker();
        for index in first.into_iter().chain([8]) {
            let input = sample(index);
            let found = worker.ablate(AblationSample {
                input: &input,
                target: 0,
                class: None,
            });
            if index == 8 {
                return found.unwrap();
            }
        }
        unreachable!("the last sample is 8")
    };
    assert_eq!(run(2, None), run(2, Some(5)));
    let (one, four) = (run(1, None), run(4, None));
    for (one, four) in one
        .layers
        .iter()
        .flatten()
        .zip(four.layers.iter().flatten())
    {
        assert_eq!(one.predicted, four.predicted);
        assert!((one.target_logit - four.target_logit).abs() < 1e-3);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (graph, layers) = network();
    let kept = plan(&graph, &layers, 1, true);
    let layer = |channel: usize, length: usize| AblatedLayer {
        name: "first".to_owned(),
        request: 0,
        sets: vec![vec![channel]],
        replacement: vec![0.0; length],
    };
    let length = kept.layouts()[0].row_len();
    assert!(Ablation::new(&kept, vec![layer(0, length + 1)]).is_err());
    let Err(error) = Ablation::new(&kept, vec![layer(10_000, length)]) else {
        panic!("a layer of 10,000 channels");
    };
    assert!(error.to_string().contains("`first` has no channel 10000"));
    let ablation = Ablation::new(&kept, vec![layer(0, length)]).unwrap();
    let input = sample(0);
    let with = |input, target| AblationSample {
        input,
        target,
        class: None,
    };
    assert!(ablation.worker().ablate(with(&input[1..], 0)).is_err());
    assert!(ablation.worker().ablate(with(&input, 10)).is_err());
    let forgetful = plan(&graph, &layers, 1, false);
    let ablation = Ablation::new(&forgetful, vec![layer(0, length)]).unwrap();
    assert!(ablation.worker().ablate(with(&input, 0)).is_err());
}
