//! What a build can check of itself: gradients against differences, estimators against known truth.

use std::sync::atomic::{AtomicUsize, Ordering};

use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_estimators::Resampling;
use infoplane_estimators::registry::{self, FAMILIES};
use infoplane_estimators::tasks::{self, Task};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Map;

use crate::error::Error;
use crate::model::{LayerChoice, Model};

/// Which estimators are tried on which tasks.
#[derive(Debug, Clone, Default)]
pub struct InformationTrial {
    /// 10 000 samples and ten draws instead of 1 000 and one.
    pub full: bool,
    /// Only this estimator.
    pub estimator: Option<String>,
    /// Only tasks whose name holds this.
    pub task: Option<String>,
}

/// How an estimator did on a task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrialResult {
    /// The task.
    pub task: String,
    /// The true information in nats; none where it is infinite.
    pub truth: Option<f64>,
    /// How the truth is known.
    pub source: &'static str,
    /// The estimator.
    pub estimator: &'static str,
    /// Samples a draw.
    pub n: usize,
    /// Mean of the estimates in nats.
    pub value: f64,
    /// Mean absolute error in nats; none where the truth is infinite.
    pub error: Option<f64>,
    /// Draws whose estimate was flagged as saturated.
    pub n_saturated: usize,
    /// Draws.
    pub draws: usize,
}

/// Estimates every task by every family that has an answer to it, in parallel. `progress` is told how
/// many of how many are done.
///
/// # Errors
/// For an estimator that does not exist.
pub fn try_estimators(
    trial: &InformationTrial,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<TrialResult>, Error> {
    let (n, draws) = if trial.full { (10_000, 10) } else { (1_000, 1) };
    let families = match &trial.estimator {
        Some(name) => vec![registry::family(name)?],
        None => FAMILIES.iter().collect(),
    };
    let tasks: Vec<Task> = tasks::all()
        .into_iter()
        .filter(|task| {
            trial
                .task
                .as_ref()
                .is_none_or(|text| task.name.contains(text.as_str()))
        })
        .collect();
    let pairs: Vec<(&Task, &registry::Family)> = tasks
        .iter()
        .flat_map(|task| families.iter().map(move |&family| (task, family)))
        .collect();
    let done = AtomicUsize::new(0);
    let results: Vec<Option<TrialResult>> = pairs
        .par_iter()
        .map(|(task, family)| {
            let result = try_one(task, family, n, draws);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, pairs.len());
            result
        })
        .collect();
    Ok(results.into_iter().flatten().collect())
}

/// None where the family has no answer for the task.
fn try_one(task: &Task, family: &registry::Family, n: usize, draws: usize) -> Option<TrialResult> {
    let estimator = family.build(Map::new()).ok()?;
    let mut values = Vec::with_capacity(draws);
    let mut n_saturated = 0;
    for seed in 0..draws as u64 {
        let data = task.sample(n, seed);
        let pair = data.pair().ok()?;
        // Growth with the number of samples, which two halves show, is a flag as well.
        let (value, saturated) = if estimator.growth_limit().is_some() && task.truth.is_infinite() {
            let halves = Resampling {
                subsamples: 2,
                permutations: 0,
                seed,
            };
            let found = estimator.estimate(&pair, &halves).ok()?;
            (found.value, found.saturated)
        } else {
            let found = estimator.point(&pair, seed).ok()?;
            (found.value, found.saturated)
        };
        values.push(value * std::f64::consts::LN_2);
        n_saturated += usize::from(saturated);
    }
    let truth = task.truth * std::f64::consts::LN_2;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / draws as f64;
    let errors: Vec<f64> = values.iter().map(|value| (value - truth).abs()).collect();
    Some(TrialResult {
        task: task.name.clone(),
        truth: truth.is_finite().then_some(truth),
        source: task.source,
        estimator: family.name,
        n,
        value: mean(&values),
        error: truth.is_finite().then(|| mean(&errors)),
        n_saturated,
        draws,
    })
}

/// How well the gradient at a layer predicts what a small step does to the output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GradientCheck {
    /// The layer.
    pub layer: String,
    /// The change that the gradient predicts for a step along itself, per unit of the step.
    pub gradient: f64,
    /// The central difference of the output, per unit of the step.
    pub difference: f64,
    /// Their relative distance.
    pub error: f64,
    /// Whether that is within [`GRADIENT_TOLERANCE`].
    pub passed: bool,
}

/// Largest relative distance of gradient and difference. In f32 a difference over a step that is large
/// enough to be seen crosses kinks of some units.
pub const GRADIENT_TOLERANCE: f64 = 0.05;

/// Compares, at every default layer, the gradient of the largest output with central differences along
/// that gradient.
///
/// # Errors
/// Where the network can't be planned or has a free input shape.
pub fn check_gradients(model: &Model) -> Result<Vec<GradientCheck>, Error> {
    let graph = model.graph();
    let shape = graph.sample_shape().ok_or_else(|| {
        Error::Setting(
            "the network leaves its input shape free; export it with a fixed one".to_owned(),
        )
    })?;
    let single = model.shaped(&shape)?;
    let layers = model.layers(&single, &LayerChoice::Default)?;
    let options = PlanOptions {
        layers: layers.iter().map(|layer| layer.value).collect(),
        keep_values: true,
        exact: false,
    };
    let plan = Plan::compile(graph, &single, &options)?;
    let mut session = plan.session();
    for (index, value) in session.input().iter_mut().enumerate() {
        *value = ((index * 7919) % 2003) as f32 / 1001.5 - 1.0;
    }
    let logits = session.forward().to_vec();
    let target = crate::argmax(&logits);
    let mut seeds = vec![0.0; logits.len()];
    seeds[target] = 1.0;
    let mut states = vec![(Vec::new(), Vec::new()); layers.len()];
    session.vjp(&seeds, &mut |layer, h, g| {
        states[layer] = (h.to_vec(), g.to_vec())
    })?;
    let mut checks = Vec::with_capacity(layers.len());
    for (position, (layer, (h, g))) in layers.iter().zip(&states).enumerate() {
        let norm = |values: &[f32]| {
            values
                .iter()
                .map(|&v| f64::from(v).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        let (length, size) = (norm(g), norm(h));
        // A thousandth of the layer's own size, along the gradient.
        let step = 1e-3 * size.max(1e-3) / length.max(1e-30);
        let mut at = |sign: f64| -> Result<f64, Error> {
            let moved: Vec<f32> = h
                .iter()
                .zip(g)
                .map(|(&h, &g)| (f64::from(h) + sign * step * f64::from(g)) as f32)
                .collect();
            Ok(f64::from(session.forward_from(position, &moved)?[target]))
        };
        let difference = (at(1.0)? - at(-1.0)?) / (2.0 * step * length.max(1e-30));
        let error = (difference - length).abs() / length.max(1e-30);
        checks.push(GradientCheck {
            layer: layer.name.clone(),
            gradient: length,
            difference,
            error,
            passed: error <= GRADIENT_TOLERANCE,
        });
    }
    Ok(checks)
}
