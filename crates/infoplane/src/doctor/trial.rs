//! The network on a sample: shapes, layers, one attribution, and what a run would take.

use std::time::Instant;

use infoplane_attribution::{
    Attribution, Baseline, QuadratureName, Reduction, Sample, Sweep, SweepLayer, SweepOptions,
    Target, argmax,
};
use infoplane_data::{ClassIndex, kept_indices};
use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_graph::{Layer, ShapedGraph};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::data::Examined;
use super::{Findings, Part, amount, bytes, count, model::refuse, times};
use crate::config::{DEFAULT_MAX_STEPS, DEFAULT_TOLERANCE, RunConfig};
use crate::error::Error;
use crate::model::Model;
use crate::pool::node_memory;

/// Samples that the network classifies.
const CLASSIFIED: usize = 32;

/// Seconds of the information side a layer and pair of samples on one core: 60 s for 14 layers with two
/// kinds of vector and 10,000 samples on two cores.
const SECONDS_A_PAIR: f64 = 4.3e-8;

/// Most bytes a sample and layer of the information side.
const PLANE_BYTES: u64 = 512;

/// Runs the network, as far as that can be done, and says what comes out and what it takes.
pub(super) fn examine(
    model: &Model,
    sample_shape: &[usize],
    data: Option<&Examined>,
    config: &RunConfig,
    findings: &mut Findings,
) {
    let shaped = match model.shaped(sample_shape) {
        Ok(shaped) => shaped,
        Err(error) => return refuse(&error, "shape", findings),
    };
    let layers = match model.layers(&shaped, &config.layer_choice()) {
        Ok(layers) => layers,
        Err(error) => return findings.fails(Part::Model, "layers", error.to_string()),
    };
    describe(model, &shaped, &layers, findings);
    match attribute(model, sample_shape, &layers, data, config) {
        Ok(trial) => {
            say(&trial, config, findings);
            let n_samples = data
                .and_then(|data| data.dataset.as_ref())
                .map(|data| data.len());
            cost(&trial, layers.len(), n_samples, config, findings);
        }
        Err(error) => return refuse(&error, "one sample", findings),
    }
    if let Some(data) = data.filter(|data| data.fits) {
        classify(model, &shaped, data, findings);
    }
}

fn describe(model: &Model, shaped: &ShapedGraph, layers: &[Layer], findings: &mut Findings) {
    let graph = model.graph();
    let output = graph.output();
    let name = &graph.value(output).name;
    let shape = shaped.shape(output).get(1..).unwrap_or_default();
    match shape {
        [n] => findings.fits(
            Part::Model,
            "output",
            format!("`{name}`, {}", count(*n, "unit")),
        ),
        shape => findings.note_with(
            Part::Model,
            "output",
            format!("`{name}`, {} a sample", times(shape)),
            "each of its numbers counts as an output unit; a classifier has one unit a class"
                .to_string(),
        ),
    }
    let all = infoplane_graph::layers(graph, shaped);
    let flops: u64 = all.iter().map(|layer| layer.flops).sum();
    let said = format!(
        "{} parameters, {} floating-point operations a sample",
        amount(graph.n_parameters()),
        amount(flops)
    );
    findings.fits(Part::Model, "size", said);
    let n_cut = layers.iter().filter(|layer| layer.cut).count();
    let said = format!(
        "{} analysed, {n_cut} of them cut layers; {} in all",
        count(layers.len(), "layer"),
        all.len()
    );
    match n_cut {
        0 => findings.note_with(
            Part::Model,
            "layers",
            said,
            "completeness is checked at cut layers alone; `infoplane layers MODEL --all` lists them".to_string(),
        ),
        _ => findings.fits(Part::Model, "layers", said),
    }
    match shaped.rows_are_independent() {
        true => findings.fits(Part::Model, "batches", "the samples of a batch do not mix".to_string()),
        false => findings.note(
            Part::Model,
            "batches",
            "an operator may mix the samples of a batch, so path nodes run one by one, which is slower".to_string(),
        ),
    }
}

/// One sample, attributed.
struct Trial {
    /// What it is.
    sample: String,
    attribution: Attribution,
    seconds: f64,
    constant_bytes: u64,
    worker_bytes: u64,
}

/// Attributes the first readable sample, or a random one where there are none that fit.
fn attribute(
    model: &Model,
    sample_shape: &[usize],
    layers: &[Layer],
    data: Option<&Examined>,
    config: &RunConfig,
) -> Result<Trial, Error> {
    let quadrature = config.quadrature(QuadratureName::Adaptive)?;
    let preprocess = data.and_then(|data| data.preprocess.as_ref());
    let baseline = match config.baseline.as_deref() {
        Some("mean") => Baseline::Zero,
        _ => config.baseline(sample_shape, preprocess)?,
    };
    let plan = model.plan(
        sample_shape,
        layers,
        quadrature.nodes_at_once(),
        config.exact,
    )?;
    let options = SweepOptions {
        quadrature,
        baseline,
        target: Target::Predicted,
        reduction: Reduction::Channels,
    };
    let n_threads = config.n_threads()?;
    let node_memory = node_memory(n_threads, &quadrature);
    let sweep = Sweep::new(
        &plan,
        layers.iter().map(SweepLayer::from).collect(),
        options,
    )?
    .with_node_memory(node_memory);
    let mut row = vec![0.0; plan.input_len()];
    let sample = fill(data, &mut row);
    let mut worker = sweep.worker();
    let sample_of = |input| Sample {
        input,
        ..Sample::default()
    };
    // The first time memory is touched, and pages of the weights are read.
    worker.attribute(sample_of(&row))?;
    let started = Instant::now();
    let attribution = worker.attribute(sample_of(&row))?;
    let summary = plan.summary();
    let state: usize = layers
        .iter()
        .map(|layer| layer.shape.iter().product::<usize>())
        .sum();
    let nodes = config.max_steps.unwrap_or(DEFAULT_MAX_STEPS) + 1;
    let node_states = 2 * size_of::<f32>() * state * nodes;
    Ok(Trial {
        sample,
        attribution,
        seconds: started.elapsed().as_secs_f64(),
        constant_bytes: summary.constant_bytes as u64,
        worker_bytes: (summary.worker_bytes + node_states.min(node_memory)) as u64,
    })
}

/// Fills a row with the first readable sample that fits, else with noise; returns what it is.
fn fill(data: Option<&Examined>, row: &mut [f32]) -> String {
    let dataset = data
        .filter(|data| data.fits)
        .and_then(|data| data.dataset.as_deref());
    if let Some(dataset) = dataset
        && dataset.sample_shape().iter().product::<usize>() == row.len()
        && let Some(index) =
            (0..dataset.len().min(CLASSIFIED)).find(|&index| dataset.load(index, row).is_ok())
    {
        return dataset.id(index).to_string();
    }
    let mut random = ChaCha8Rng::seed_from_u64(0);
    row.fill_with(|| random.random::<f32>().mul_add(2.0, -1.0));
    "random numbers".to_string()
}

fn say(trial: &Trial, config: &RunConfig, findings: &mut Findings) {
    let Attribution {
        f_input,
        f_baseline,
        steps,
        error,
        predicted,
        ..
    } = trial.attribution;
    let said = format!(
        "{}: class {predicted}, logit {f_input:.3} against {f_baseline:.3} at the baseline; completeness error {:.2} % after {}",
        trial.sample,
        100.0 * error,
        count(steps, "step")
    );
    let tolerance = config.tolerance.unwrap_or(DEFAULT_TOLERANCE);
    if f_input == f_baseline {
        findings.note_with(
            Part::Run,
            "one sample",
            said,
            "the output is that of the baseline, so there is nothing to attribute".to_string(),
        );
    } else if f64::from(error) > tolerance {
        findings.note_with(
            Part::Run,
            "one sample",
            said,
            format!(
                "above the tolerance of {} %; --max-steps allows more",
                100.0 * tolerance
            ),
        );
    } else {
        findings.fits(Part::Run, "one sample", said);
    }
}

/// What a run takes on this machine, by the one sample's time.
fn cost(
    trial: &Trial,
    n_layers: usize,
    n_samples: Option<usize>,
    config: &RunConfig,
    findings: &mut Findings,
) {
    let n_threads = config.n_threads().unwrap_or(1);
    let (n_layers, each) = (n_layers as u64, trial.seconds);
    let Some(n) = n_samples else {
        let said = format!("{} a sample and thread", duration(each));
        findings.fits(Part::Run, "time", said);
        return;
    };
    let pairs = (n as f64).powi(2) * n_layers as f64 * 2.0;
    let sweep = each * n as f64 / n_threads as f64;
    let plane = pairs * SECONDS_A_PAIR / n_threads as f64;
    let said = format!(
        "about {} for the conductances of {} on {} ({} each), and {} for the plane",
        duration(sweep),
        count(n, "sample"),
        count(n_threads, "thread"),
        duration(each),
        duration(plane)
    );
    findings.fits(Part::Run, "time", said);
    let sweep = trial.constant_bytes + n_threads as u64 * trial.worker_bytes;
    let plane = PLANE_BYTES * n as u64 * n_layers;
    let said = format!(
        "at most about {} for the conductances, and {} for the plane, beside the weights' file",
        bytes(sweep),
        bytes(plane)
    );
    findings.fits(Part::Run, "memory", said);
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.001 => "less than 1 ms".to_string(),
        s if s < 1.0 => format!("{:.0} ms", 1e3 * s),
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 6_000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

/// Whether the network's classes are those of the labels: right for some of the samples.
fn classify(model: &Model, shaped: &ShapedGraph, data: &Examined, findings: &mut Findings) {
    let Some(dataset) = data.dataset.as_deref() else {
        return;
    };
    let labelled: Vec<(usize, usize)> = kept_indices(dataset.len(), Some(CLASSIFIED))
        .into_iter()
        .filter_map(|index| dataset.label(index).map(|ClassIndex(class)| (index, class)))
        .collect();
    let Ok(plan) = Plan::compile(model.graph(), shaped, &PlanOptions::default()) else {
        return;
    };
    let mut session = plan.session();
    let mut row = vec![0.0; plan.input_len()];
    let (mut n, mut right) = (0, 0);
    for (index, class) in labelled {
        if row.len() != dataset.sample_shape().iter().product::<usize>()
            || dataset.load(index, &mut row).is_err()
        {
            continue;
        }
        session.input().copy_from_slice(&row);
        n += 1;
        right += usize::from(argmax(session.forward()) == class);
    }
    if n == 0 {
        return;
    }
    let chance = n as f64 / plan.n_outputs() as f64;
    let said = format!("{right} of {n} samples are classified as labelled");
    if right as f64 > 2.0 * chance {
        findings.fits(Part::Run, "accuracy", said);
    } else {
        findings.note_with(
            Part::Run,
            "accuracy",
            said,
            "hardly more than by chance: are the preprocessing and the order of the classes those of the training (--classes)?".to_string(),
        );
    }
}
