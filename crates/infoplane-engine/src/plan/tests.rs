//! A whole network: the embedded demo's, which has convolutions, residual additions, a pool and a
//! linear layer.

use std::path::Path;

use infoplane_graph::{Graph, Layer, default_layers, layers, read_onnx};

use super::*;
use crate::ops::testing::values;

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
    plan_for(graph, layers, batch, keep_values, SimdLevel::current())
}

fn plan_for(
    graph: &Graph,
    layers: &[Layer],
    batch: usize,
    keep_values: bool,
    level: SimdLevel,
) -> Plan {
    let shaped = graph.specialize(&[1, 8, 8], batch).unwrap();
    let options = PlanOptions {
        layers: layers.iter().map(|layer| layer.value).collect(),
        keep_values,
        exact: false,
    };
    Plan::compile_for(graph, &shaped, &options, level).unwrap()
}

/// Logits, and values and gradients of every layer.
type Pass = (Vec<f32>, Vec<(Vec<f32>, Vec<f32>)>);

fn run(plan: &Plan, input: &[f32], seeds: &[f32]) -> Pass {
    let mut session = plan.session();
    session.input().copy_from_slice(input);
    let logits = session.forward().to_vec();
    let mut seen = vec![None; plan.layouts().len()];
    session
        .vjp(seeds, &mut |layer, h, g| {
            let layout = &plan.layouts()[layer];
            let plain = [h, g].map(|rows| plain_rows(layout, rows));
            assert!(seen[layer].replace(plain.into()).is_none());
        })
        .unwrap();
    let seen = seen.into_iter().map(|layer| layer.unwrap()).collect();
    (logits, seen)
}

/// Rows of a layer in plain order.
fn plain_rows(layout: &Layout, rows: &[f32]) -> Vec<f32> {
    rows.chunks_exact(layout.row_len())
        .flat_map(|row| {
            let mut plain = vec![0.0; layout.channels * layout.positions];
            layout.to_plain(row, &mut plain);
            plain
        })
        .collect()
}

/// Rows of a layer in the layer's order.
fn ordered_rows(layout: &Layout, plain: &[f32]) -> Vec<f32> {
    plain
        .chunks_exact(layout.channels * layout.positions)
        .flat_map(|plain| {
            let mut row = vec![0.0; layout.row_len()];
            layout.from_plain(plain, &mut row);
            row
        })
        .collect()
}

fn one_hot(rows: usize, unit: usize) -> Vec<f32> {
    let mut seeds = vec![0.0; rows * 10];
    for row in seeds.chunks_exact_mut(10) {
        row[unit] = 1.0;
    }
    seeds
}

#[test]
fn rows_do_not_depend_on_the_batch_they_are_in() {
    let (graph, layers) = network();
    let input = values(5 * 64, 3);
    let (logits, seen) = run(&plan(&graph, &layers, 5, false), &input, &one_hot(5, 4));
    let single = plan(&graph, &layers, 1, false);
    for row in 0..5 {
        let (own, own_seen) = run(&single, &input[row * 64..][..64], &one_hot(1, 4));
        assert_eq!(own, logits[row * 10..][..10]);
        for ((h, g), (own_h, own_g)) in seen.iter().zip(&own_seen) {
            let len = own_h.len();
            assert_eq!(own_h[..], h[row * len..][..len]);
            assert_eq!(own_g[..], g[row * len..][..len]);
        }
    }
}

#[test]
fn running_along_a_path_is_running_at_its_points() {
    let (graph, layers) = network();
    let (start, end) = (values(64, 3), values(64, 4));
    let alphas = [1.0, 0.6, 0.0];
    let plan = plan(&graph, &layers, 4, false);
    let rows: Vec<f32> = [1.0f32, 0.6, 0.0, 0.0]
        .iter()
        .flat_map(|alpha| {
            let point = start
                .iter()
                .zip(&end)
                .map(move |(a, b)| a + alpha * (b - a));
            point.collect::<Vec<f32>>()
        })
        .collect();
    let (expected, expected_seen) = run(&plan, &rows, &one_hot(4, 3));
    let mut session = plan.session();
    assert!(session.set_start(Some(&start)));
    session.set_end(&end);
    let logits = session.forward_at(&alphas).to_vec();
    let mut seen = vec![Vec::new(); layers.len()];
    session
        .vjp(&one_hot(4, 3), &mut |layer, _, g| {
            seen[layer] = plain_rows(&plan.layouts()[layer], g);
        })
        .unwrap();
    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(near(&logits, &expected));
    // At the end exactly, so that the logits are those of the sample.
    assert_eq!(logits[..10], expected[..10]);
    for (own, (_, expected)) in seen.iter().zip(&expected_seen) {
        assert!(near(own, expected));
    }
    assert!(session.set_start(None));
    let from_zero = session.forward_at(&[0.0]).to_vec();
    let (zero, _) = run(&plan, &[0.0; 4 * 64], &one_hot(4, 3));
    assert!(near(&from_zero, &zero));
}

#[test]
fn a_layer_before_the_first_linear_one_keeps_the_path_from_being_shortened() {
    let (graph, _) = network();
    let shaped = graph.specialize(&[1, 8, 8], 1).unwrap();
    let options = PlanOptions {
        layers: vec![graph.input()],
        ..PlanOptions::default()
    };
    let plan = Plan::compile(&graph, &shaped, &options).unwrap();
    assert!(!plan.session().set_start(None));
}

#[test]
fn gradients_are_those_of_running_on_from_a_changed_layer() {
    let (graph, layers) = network();
    let plan = plan(&graph, &layers, 1, true);
    let input = values(64, 9).iter().map(|v| v.abs()).collect::<Vec<_>>();
    let (_, seen) = run(&plan, &input, &one_hot(1, 7));
    let mut session = plan.session();
    session.input().copy_from_slice(&input);
    session.forward();
    for (layer, (h, g)) in seen.iter().enumerate() {
        let direction = values(h.len(), 100 + layer as u64);
        let mut along = |step: f32| {
            let moved: Vec<f32> = h
                .iter()
                .zip(&direction)
                .map(|(h, d)| h + step * d)
                .collect();
            let moved = ordered_rows(&plan.layouts()[layer], &moved);
            f64::from(session.forward_from(layer, &moved).unwrap()[7])
        };
        // Small enough to stay on one linear piece for nearly every unit, large enough for f32.
        let step = 2e-3;
        let numeric = (along(step) - along(-step)) / f64::from(2.0 * step);
        let analytic: f64 = g
            .iter()
            .zip(&direction)
            .map(|(g, d)| f64::from(g * d))
            .sum();
        let scale: f64 = g.iter().map(|g| f64::from(g.abs())).sum();
        assert!(
            (numeric - analytic).abs() < 0.02 * scale,
            "{}: {numeric} against {analytic}",
            layers[layer].name
        );
    }
}

#[test]
fn running_on_from_unchanged_values_changes_nothing_in_any_order() {
    let (graph, _) = network();
    let shaped = graph.specialize(&[1, 8, 8], 1).unwrap();
    let all = layers(&graph, &shaped);
    let plan = plan(&graph, &all, 2, true);
    let input = values(2 * 64, 5);
    let (logits, seen) = run(&plan, &input, &one_hot(2, 0));
    let mut session = plan.session();
    session.input().copy_from_slice(&input);
    session.forward();
    for layer in (0..all.len()).chain((0..all.len()).rev()) {
        let own = ordered_rows(&plan.layouts()[layer], &seen[layer].0);
        let zeros = vec![0.0; own.len()];
        let changed = session.forward_from(layer, &zeros).unwrap().to_vec();
        let again = session.forward_from(layer, &own).unwrap();
        assert_eq!(again, logits, "after {}", all[layer].name);
        assert!(all[layer].name == "logits" || changed != logits || !all[layer].cut);
    }
}

#[test]
fn requesting_inner_layers_changes_no_result() {
    let (graph, chosen) = network();
    let shaped = graph.specialize(&[1, 8, 8], 1).unwrap();
    let all = layers(&graph, &shaped);
    let input = values(64, 6);
    let (logits, seen) = run(&plan(&graph, &all, 1, false), &input, &one_hot(1, 2));
    let (fused, fused_seen) = run(&plan(&graph, &chosen, 1, false), &input, &one_hot(1, 2));
    assert_eq!(logits, fused);
    for (layer, (h, g)) in chosen.iter().zip(&fused_seen) {
        let position = all
            .iter()
            .position(|other| other.value == layer.value)
            .unwrap();
        assert_eq!(
            (h, g),
            (&seen[position].0, &seen[position].1),
            "{}",
            layer.name
        );
    }
}

#[test]
fn instruction_sets_agree() {
    let (graph, layers) = network();
    let input = values(3 * 64, 8);
    let run_with = |level| {
        run(
            &plan_for(&graph, &layers, 3, false, level),
            &input,
            &one_hot(3, 1),
        )
    };
    let (expected, expected_seen) = run_with(SimdLevel::Portable);
    for level in SimdLevel::detect() {
        let (logits, seen) = run_with(level);
        let near = |a: &[f32], b: &[f32]| {
            let scale = b.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
            a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4 * scale)
        };
        assert!(near(&logits, &expected), "{level:?}");
        for ((h, g), (expected_h, expected_g)) in seen.iter().zip(&expected_seen) {
            assert!(near(h, expected_h) && near(g, expected_g), "{level:?}");
        }
    }
}

#[test]
fn products_without_a_forward_pass_are_refused() {
    let (graph, layers) = network();
    let plan = plan(&graph, &layers, 1, false);
    let mut session = plan.session();
    let seeds = one_hot(1, 0);
    assert!(session.vjp(&seeds, &mut |_, _, _| {}).is_err());
    session.input().fill(0.0);
    session.forward();
    assert!(session.vjp(&seeds[1..], &mut |_, _, _| {}).is_err());
    assert!(session.vjp(&seeds, &mut |_, _, _| {}).is_ok());
    assert!(session.vjp(&seeds, &mut |_, _, _| {}).is_err());
    assert!(session.forward_from(0, &[]).is_err());
}

#[test]
fn a_layer_off_the_way_to_the_output_is_refused_by_name() {
    let (graph, _) = network();
    let shaped = graph.specialize(&[1, 8, 8], 1).unwrap();
    let constant = graph
        .values()
        .iter()
        .position(|value| value.constant.is_some())
        .unwrap();
    let name = &graph.values()[constant].name;
    let value = graph
        .nodes()
        .iter()
        .flat_map(|node| node.inputs.iter().flatten())
        .copied()
        .find(|id| &graph.value(*id).name == name)
        .unwrap();
    let options = PlanOptions {
        layers: vec![value],
        keep_values: false,
        exact: false,
    };
    let error = Plan::compile(&graph, &shaped, &options).err().unwrap();
    assert!(error.to_string().contains(name.as_str()), "{error}");
}

/// A value inside a residual branch of the network, with the shortcut beside it.
fn inner_value(graph: &Graph) -> Layer {
    let shaped = graph.specialize(&[1, 8, 8], 1).unwrap();
    let all = layers(graph, &shaped);
    let branch = all
        .iter()
        .rev()
        .find(|layer| layer.operator == "Conv" && !layer.cut);
    branch.unwrap().clone()
}

#[test]
fn a_path_at_an_inner_value_is_running_on_from_it() {
    let (graph, _) = network();
    let inner = inner_value(&graph);
    let whole = plan(&graph, std::slice::from_ref(&inner), 1, true);
    let at = graph.with_path_at(&inner.name).unwrap();
    for batch in [1, 3] {
        let shaped = at.specialize(&[1, 8, 8], batch).unwrap();
        let after: Vec<Layer> = layers(&at, &shaped);
        let inside = plan_at(&at, &after, batch);
        let len = inner.shape.iter().product::<usize>();
        assert_eq!((inside.sample_len(), inside.input_len()), (64, len));
        assert!(inside.has_values_beside());
        let (mut session, mut expected) = (inside.session(), whole.session());
        for seed in [3, 4] {
            let sample = values(64, seed);
            expected.input().copy_from_slice(&sample);
            expected.forward();
            let layout = &whole.layouts()[0];
            let content = plain_rows(layout, expected.values(0).unwrap());
            let mut entered = vec![0.0; len];
            session.enter(&sample, &mut entered);
            assert_eq!(entered, content);
            let factors = [1.0, 0.5, -0.25];
            for (row, factor) in session.input().chunks_exact_mut(len).zip(factors) {
                let scaled = content.iter().map(|value| factor * value);
                row.copy_from_slice(&scaled.collect::<Vec<f32>>());
            }
            let logits = session.forward().to_vec();
            let mut seen = 0;
            session
                .vjp(&one_hot(batch, 2), &mut |layer, h, _| {
                    seen += 1;
                    if after[layer].name == inner.name {
                        assert_eq!(h[..len], content[..]);
                    }
                })
                .unwrap();
            assert_eq!(seen, after.len());
            for (logits, factor) in logits.chunks_exact(10).zip(factors) {
                let scaled: Vec<f32> = content.iter().map(|value| factor * value).collect();
                let scaled = ordered_rows(layout, &scaled);
                let expected = expected.forward_from(0, &scaled).unwrap();
                for (a, b) in logits.iter().zip(expected) {
                    assert!((a - b).abs() < 1e-4, "{a} and {b}");
                }
            }
            // What a product leaves in the buffers does not touch what stands beside the path.
            session.input()[..len].copy_from_slice(&content);
            assert_eq!(session.forward()[..10], logits[..10]);
        }
    }
}

#[test]
fn whole_samples_in_the_rows_of_an_inner_path_give_their_own_logits() {
    let (graph, layers) = network();
    let inner = inner_value(&graph);
    let at = graph.with_path_at(&inner.name).unwrap();
    let inside = plan_at(&at, &[inner], 3);
    let samples = values(3 * 64, 8);
    let (expected, _) = run(&plan(&graph, &layers, 3, false), &samples, &one_hot(3, 0));
    let mut session = inside.session();
    session.load(&samples);
    for (a, b) in session.forward().iter().zip(&expected) {
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
    }
}

fn plan_at(graph: &Graph, layers: &[Layer], batch: usize) -> Plan {
    let shaped = graph.specialize(&[1, 8, 8], batch).unwrap();
    let options = PlanOptions {
        layers: layers.iter().map(|layer| layer.value).collect(),
        ..PlanOptions::default()
    };
    Plan::compile(graph, &shaped, &options).unwrap()
}
