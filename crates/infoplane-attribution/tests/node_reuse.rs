//! No node is evaluated twice without need, and what a worker holds never shows in a result.

use std::collections::HashMap;
use std::sync::Mutex;

use infoplane_attribution::{
    AdaptiveRule, Attribution, Baseline, GaussianBlur, Quadrature, Reduction, Sample, Sweep,
    SweepLayer, SweepOptions, Target,
};
use infoplane_engine::{Backend, EngineError, Layout, Session, Visitor};

const INPUTS: usize = 12;
const UNITS: usize = 24;
const OUTPUTS: usize = 3;

/// Two layers of ReLU units and linear outputs, which counts the inputs that it is run on.
struct Counting {
    batch: usize,
    runs: Mutex<HashMap<Vec<u32>, usize>>,
}

struct Row {
    input: Vec<f32>,
    h: [Vec<f32>; 2],
}

struct CountingSession<'a> {
    backend: &'a Counting,
    input: Vec<f32>,
    rows: Vec<Row>,
    outputs: Vec<f32>,
}

/// A fixed pseudo-random number in [−1, 1].
fn noise(seed: usize) -> f32 {
    let z = (seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Weight from unit `from` to unit `to` of layer `layer`.
fn weight(layer: usize, to: usize, from: usize) -> f32 {
    0.5 * noise(10_000 * layer + 100 * to + from)
}

fn bias(layer: usize, to: usize) -> f32 {
    0.3 * noise(90_000 + 100 * layer + to)
}

fn units(layer: usize, n: usize, below: &[f32]) -> Vec<f32> {
    let sum = |to: usize| -> f32 {
        let weighted = below.iter().enumerate();
        weighted
            .map(|(from, value)| weight(layer, to, from) * value)
            .sum()
    };
    (0..n).map(|to| sum(to) + bias(layer, to)).collect()
}

fn relu(values: Vec<f32>) -> Vec<f32> {
    values.into_iter().map(|value| value.max(0.0)).collect()
}

impl Counting {
    fn new(batch: usize) -> Counting {
        Counting {
            batch,
            runs: Mutex::new(HashMap::new()),
        }
    }

    /// Distinct inputs, and runs altogether.
    fn counts(&self) -> (usize, usize) {
        let runs = self.runs.lock().unwrap();
        (runs.len(), runs.values().sum())
    }
}

impl Backend for Counting {
    fn batch(&self) -> usize {
        self.batch
    }

    fn input_len(&self) -> usize {
        INPUTS
    }

    fn n_outputs(&self) -> usize {
        OUTPUTS
    }

    fn layouts(&self) -> &[Layout] {
        const UNITS_ONLY: Layout = Layout {
            channels: UNITS,
            positions: 1,
            block: 1,
        };
        &[UNITS_ONLY, UNITS_ONLY]
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(CountingSession {
            backend: self,
            input: vec![0.0; self.batch * INPUTS],
            rows: Vec::new(),
            outputs: Vec::new(),
        })
    }
}

impl Session for CountingSession<'_> {
    fn input(&mut self) -> &mut [f32] {
        &mut self.input
    }

    fn forward(&mut self) -> &[f32] {
        self.rows.clear();
        self.outputs.clear();
        for input in self.input.chunks_exact(INPUTS) {
            let key = input.iter().map(|value| value.to_bits()).collect();
            *self.backend.runs.lock().unwrap().entry(key).or_default() += 1;
            let first = relu(units(0, UNITS, input));
            let second = relu(units(1, UNITS, &first));
            self.outputs.extend(units(2, OUTPUTS, &second));
            self.rows.push(Row {
                input: input.to_vec(),
                h: [first, second],
            });
        }
        &self.outputs
    }

    fn vjp(&mut self, seeds: &[f32], visit: &mut Visitor<'_>) -> Result<(), EngineError> {
        let (mut h, mut g) = ([vec![], vec![]], [vec![], vec![]]);
        for (row, seeds) in self.rows.iter().zip(seeds.chunks_exact(OUTPUTS)) {
            let through = |layer: usize, above: &[f32]| -> Vec<f32> {
                let sum = |from: usize| -> f32 {
                    let weighted = above.iter().enumerate();
                    weighted
                        .map(|(to, value)| weight(layer, to, from) * value)
                        .sum()
                };
                (0..UNITS).map(sum).collect()
            };
            let second = through(2, seeds);
            let passed = second.iter().zip(&row.h[1]);
            let masked: Vec<f32> = passed
                .map(|(g, h)| if *h > 0.0 { *g } else { 0.0 })
                .collect();
            let first = through(1, &masked);
            assert_eq!(row.input.len(), INPUTS);
            for (layer, gradients) in [first, second].into_iter().enumerate() {
                h[layer].extend_from_slice(&row.h[layer]);
                g[layer].extend(gradients);
            }
        }
        for layer in [1, 0] {
            visit(layer, &h[layer], &g[layer]);
        }
        Ok(())
    }

    fn values(&self, _: usize) -> Result<&[f32], EngineError> {
        unreachable!("conductance takes values from the products")
    }

    fn forward_from(&mut self, _: usize, _: &[f32]) -> Result<&[f32], EngineError> {
        unreachable!("conductance never replaces values")
    }
}

fn sweep(backend: &Counting, quadrature: Quadrature, baseline: Baseline) -> Sweep<'_> {
    let layers = ["first", "second"].map(|name| SweepLayer {
        name: name.to_string(),
        n_channels: UNITS,
        positions: 1,
        channels_last: false,
        cut: true,
    });
    let options = SweepOptions {
        quadrature,
        baseline,
        target: Target::Given,
        reduction: Reduction::Channels,
    };
    Sweep::new(backend, layers.to_vec(), options).unwrap()
}

fn sample(index: usize) -> Vec<f32> {
    (0..INPUTS)
        .map(|i| 3.0 * noise(500_000 + 1000 * index + i))
        .collect()
}

fn black() -> Baseline {
    Baseline::Fixed {
        name: "black".to_string(),
        row: vec![-0.4; INPUTS],
    }
}

fn adaptive(tolerance: f64, max_steps: usize) -> Quadrature {
    Quadrature::Adaptive(AdaptiveRule {
        tolerance,
        max_steps,
    })
}

/// Attributes with a target by itself, and forgets how much of it was held.
fn attribute(
    worker: &mut infoplane_attribution::Worker<'_>,
    input: &[f32],
    target: usize,
) -> (Attribution, usize) {
    let mut result = worker
        .attribute(Sample {
            input,
            target: Some(target),
            ..Sample::default()
        })
        .unwrap();
    let evaluated = std::mem::take(&mut result.evaluated);
    (result, evaluated)
}

#[test]
fn with_memory_enough_the_adaptive_rule_evaluates_each_node_once() {
    for index in 0..6 {
        let backend = Counting::new(1);
        let sweep = sweep(&backend, adaptive(1e-3, 200), black());
        let (result, evaluated) = attribute(&mut sweep.worker(), &sample(index), 0);
        assert!(result.error <= 1e-3, "{}", result.error);
        assert!(result.steps > 12, "no interval was split");
        assert_eq!(evaluated, result.steps + 1);
        assert_eq!(backend.counts(), (evaluated, evaluated));
    }
}

#[test]
fn memory_changes_the_work_and_not_a_bit_of_the_result() {
    for batch in [1, 2, 3, 20] {
        let mut work = Vec::new();
        let mut results = Vec::new();
        // Room for two nodes, for five, for all.
        for bytes in [0, 5 * 8 * 2 * UNITS, 1 << 20] {
            let backend = Counting::new(batch);
            let sweep = sweep(&backend, adaptive(1e-3, 100), black()).with_node_memory(bytes);
            let (result, evaluated) = attribute(&mut sweep.worker(), &sample(1), 0);
            assert_eq!(backend.counts().0, result.steps + 1);
            work.push(evaluated);
            results.push(result);
        }
        assert!(
            work[0] > work[1] && work[1] > work[2],
            "{batch} rows: {work:?}"
        );
        assert_eq!(work[2], results[2].steps + 1);
        assert_eq!(results[0], results[2], "{batch} rows");
        assert_eq!(results[1], results[2], "{batch} rows");
    }
}

#[test]
fn the_start_of_the_path_is_evaluated_once_for_samples_of_one_target() {
    let rules = [
        Quadrature::Trapezoid { steps: 7 },
        Quadrature::Hyperbolic {
            steps: 7,
            knee: 0.2,
        },
        Quadrature::Captum { steps: 7 },
        adaptive(0.01, 64),
    ];
    for rule in rules {
        for (batch, memory) in [(1, 0), (1, 1 << 20), (2, 0), (4, 1 << 20)] {
            let backend = Counting::new(batch);
            let kept = sweep(&backend, rule, black()).with_node_memory(memory);
            let mut worker = kept.worker();
            let mut saved = 0;
            for (index, target) in [0, 0, 2, 2, 2, 1].into_iter().enumerate() {
                let (result, evaluated) = attribute(&mut worker, &sample(index), target);
                let fresh = sweep(&backend, rule, black()).with_node_memory(memory);
                let (expected, alone) = attribute(&mut fresh.worker(), &sample(index), target);
                assert_eq!(result, expected, "{rule}, {batch} rows");
                saved += alone - evaluated;
            }
            // With next to no memory an interval may take the start's place.
            match rule {
                _ if memory == 0 => assert!(saved <= 3, "{rule}, {batch} rows"),
                _ => assert_eq!(saved, 3, "{rule}, {batch} rows, {memory} bytes"),
            }
        }
    }
}

#[test]
fn a_baseline_of_the_samples_own_is_no_other_than_a_fixed_one() {
    let backend = Counting::new(2);
    let rule = adaptive(0.01, 64);
    let input = sample(3);
    let fixed = sweep(&backend, rule, black());
    let (expected, _) = attribute(&mut fixed.worker(), &input, 1);
    let given = sweep(&backend, rule, Baseline::Given);
    let mut worker = given.worker();
    let own = |baseline| Sample {
        input: &input,
        target: Some(1),
        label: None,
        baseline,
    };
    let start = vec![-0.4; INPUTS];
    let other = vec![0.7; INPUTS];
    worker.attribute(own(Some(&other))).unwrap();
    let mut result = worker.attribute(own(Some(&start))).unwrap();
    assert_eq!(
        result.evaluated,
        result.steps + 1,
        "another start was taken for this one"
    );
    result.evaluated = 0;
    assert_eq!(result, expected);
    assert!(worker.attribute(own(None)).is_err());

    // A constant sample blurred is itself: a path of no length.
    let blur = GaussianBlur::new([1, 3, 4], 1.0);
    let blurred = sweep(&backend, rule, Baseline::Blur(blur));
    let (still, _) = attribute(&mut blurred.worker(), &[1.0; INPUTS], 1);
    assert!((still.f_input - still.f_baseline).abs() < 1e-5);
}

#[test]
fn a_sample_that_does_not_reach_the_tolerance_says_so() {
    let backend = Counting::new(1);
    let sweep = sweep(&backend, adaptive(1e-9, 20), Baseline::Zero);
    let (result, _) = attribute(&mut sweep.worker(), &sample(0), 0);
    assert_eq!(result.steps, 20);
    assert!(result.error > 1e-9);
    let rise = result.f_input - result.f_baseline;
    let worst = result
        .delta
        .iter()
        .flatten()
        .fold(0.0f32, |m, d| m.max(d.abs()));
    assert!((result.error - worst / rise.abs()).abs() < 1e-6);
}

#[test]
fn rounding_is_not_split_away() {
    let backend = Counting::new(1);
    let sweep = sweep(&backend, adaptive(0.02, 100), Baseline::Given);
    let input = sample(2);
    // Outputs that differ by a few steps of f32, so that completeness can't be met to 2 %.
    let start: Vec<f32> = input.iter().map(|value| value * (1.0 + 4e-7)).collect();
    let sample = Sample {
        input: &input,
        target: Some(0),
        label: None,
        baseline: Some(&start),
    };
    let result = sweep.worker().attribute(sample).unwrap();
    assert_eq!(result.steps, 12, "error {}", result.error);
}
