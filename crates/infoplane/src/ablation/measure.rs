//! The work of an ablation: means, then samples, on worker threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use infoplane_attribution::{
    AblatedLayer, AblatedSample, Ablation, AblationOutcome, AblationSample, LayerSums, MeanWorker,
};
use infoplane_data::Dataset;
use infoplane_engine::{Backend, Plan};
use infoplane_graph::{Layer, Operation, ShapedGraph, ValueId};
use infoplane_plane::{
    AblationInput, AblationResult, AblationSettings, ChannelSets, LayerOutcomes, OmittedLayer,
    Outcome, PlaneError, Replacement, channel_magnitudes, summarise,
};
use infoplane_store::RunDir;

use crate::error::Error;
use crate::model::Model;
use crate::pool::work_all;
use crate::progress::{Phase, Progress};

/// Blocks into which the samples of the means are divided. Each is added up by itself, and the blocks
/// in order, so that no number of threads changes a sum.
const MEAN_BLOCKS: usize = 32;

/// How far a logit may be from the stored one, relative to the sample's largest, before the samples
/// count as changed. Rounding differs between machines by far less.
const LOGIT_TOLERANCE: f32 = 0.02;

/// What is ablated, and with how many threads.
pub(crate) struct Subject<'a> {
    pub model: &'a Model,
    pub dataset: &'a dyn Dataset,
    /// The run's layers, in network order.
    pub layers: &'a [Layer],
    /// As the run's setting.
    pub exact: bool,
    pub n_threads: usize,
}

/// The stored run's columns.
struct Columns {
    indices: Vec<u64>,
    labels: Vec<Option<u32>>,
    targets: Vec<u32>,
    logits: infoplane_store::Vectors,
}

/// Ablates the layers of a stored run. The result depends on no number of threads.
pub(crate) fn measure(
    subject: &Subject<'_>,
    stored: &RunDir,
    settings: &AblationSettings,
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
) -> Result<AblationResult, Error> {
    let columns = Columns {
        indices: stored.indices()?,
        labels: stored.labels()?,
        targets: stored.targets()?,
        logits: stored.logits()?,
    };
    let n_run = columns.indices.len();
    let shaped = subject.model.shaped(subject.dataset.sample_shape())?;
    let (chosen, omitted) = choose(subject, &shaped, stored, settings)?;
    let n_sets = chosen.iter().map(|layer| layer.sets.sets().len()).max();
    let plan = subject.model.plan_keeping_values(
        subject.dataset.sample_shape(),
        subject.layers,
        n_sets.unwrap_or(1),
        subject.exact,
    )?;
    tracing::debug!(
        rows = plan.batch(),
        threads = subject.n_threads,
        "ablation planned"
    );

    let mean_samples = match settings.replace {
        Replacement::Mean => settings.mean_samples(n_run),
        Replacement::Zero => Vec::new(),
    };
    let means = means(subject, &plan, &columns, &mean_samples, progress, stop)?;
    let layers = chosen
        .iter()
        .map(|layer| AblatedLayer {
            name: layer.layer.clone(),
            request: layer.request,
            sets: layer.sets.sets(),
            replacement: means[layer.request].clone(),
        })
        .collect();
    let ablation = Ablation::new(&plan, layers)?;
    let samples = settings.samples(n_run);
    let ablated = sweep(subject, &ablation, &columns, &samples, progress, stop)?;

    let mut layers: Vec<LayerOutcomes> = chosen
        .into_iter()
        .map(|layer| LayerOutcomes {
            layer: layer.layer,
            depth: layer.depth,
            cut: layer.cut,
            sets: layer.sets,
            samples: Vec::with_capacity(samples.len()),
        })
        .collect();
    let mut intact = Vec::with_capacity(samples.len());
    for sample in ablated {
        intact.push(outcome(&sample.intact));
        for (layer, outcomes) in layers.iter_mut().zip(&sample.layers) {
            layer.samples.push(outcomes.iter().map(outcome).collect());
        }
    }
    let input = AblationInput {
        run: stored.identity().to_owned(),
        n_run,
        n_mean: mean_samples.len(),
        labels: samples
            .iter()
            .map(|&sample| columns.class(sample, plan.n_outputs()))
            .collect(),
        intact,
        layers,
        omitted,
    };
    Ok(summarise(input, settings)?)
}

/// A layer to ablate.
struct Chosen {
    layer: String,
    request: usize,
    depth: usize,
    cut: bool,
    sets: ChannelSets,
}

/// The layers to ablate, and those that there is no point in ablating.
fn choose(
    subject: &Subject<'_>,
    shaped: &ShapedGraph,
    stored: &RunDir,
    settings: &AblationSettings,
) -> Result<(Vec<Chosen>, Vec<OmittedLayer>), Error> {
    let outputs = output_values(subject.model, shaped);
    let (mut chosen, mut omitted) = (Vec::new(), Vec::new());
    for (request, layer) in subject.layers.iter().enumerate() {
        if outputs.contains(&layer.value) {
            omitted.push(OmittedLayer {
                layer: layer.name.clone(),
                reason: "it is the network's output: its conductance lies on the target unit by construction, and replacing that unit is no finding".to_owned(),
            });
            continue;
        }
        let magnitudes = channel_magnitudes(stored, &layer.name)?;
        chosen.push(Chosen {
            layer: layer.name.clone(),
            request,
            depth: layer.depth,
            cut: layer.cut,
            sets: ChannelSets::new(&magnitudes, settings, request),
        });
    }
    if chosen.is_empty() {
        return Err(PlaneError::Ablation(
            "the run has no layer but the network's output, so there is nothing to ablate".into(),
        )
        .into());
    }
    Ok((chosen, omitted))
}

/// The output, and the values that are the same numbers under another shape.
fn output_values(model: &Model, shaped: &ShapedGraph) -> Vec<ValueId> {
    let mut values = vec![model.graph().output()];
    for node in shaped.nodes().iter().rev() {
        if values.last() == Some(&node.output) && node.operation == Operation::Reshape {
            values.extend(node.operands.first());
        }
    }
    values
}

impl Columns {
    /// A sample's label as an output unit.
    fn class(&self, sample: usize, n_outputs: usize) -> Option<usize> {
        let label = self.labels[sample]? as usize;
        (label < n_outputs).then_some(label)
    }

    /// Its position in the data set.
    fn index(&self, sample: usize) -> usize {
        self.indices[sample] as usize
    }
}

/// Reads a sample that the run had read.
fn load(subject: &Subject<'_>, index: usize, row: &mut [f32]) -> Result<(), Error> {
    subject.dataset.load(index, row).map_err(|error| {
        changed(
            subject,
            index,
            &format!("it can't be read any more: {}", error.reason),
        )
    })
}

fn changed(subject: &Subject<'_>, index: usize, how: &str) -> Error {
    Error::Setting(format!(
        "{}: {how}; the data have changed since the run, so run again into another directory",
        subject.dataset.id(index)
    ))
}

fn interrupted(done: usize, total: usize) -> Error {
    Error::AblationInterrupted {
        done: done as u64,
        total: total as u64,
    }
}

/// Each layer's means over the samples; zeros where there are none.
fn means(
    subject: &Subject<'_>,
    plan: &Plan,
    columns: &Columns,
    samples: &[usize],
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
) -> Result<Vec<Vec<f32>>, Error> {
    let mut sums = LayerSums::new(plan);
    let block_len = samples.len().div_ceil(MEAN_BLOCKS).max(1);
    let blocks: Vec<&[usize]> = samples.chunks(block_len).collect();
    let order: Vec<usize> = (0..blocks.len()).collect();
    let row_len = plan.sample_len();
    // Blocks that are done before an earlier one.
    let mut early: BTreeMap<usize, LayerSums> = BTreeMap::new();
    let (mut next, mut done) = (0, 0);
    work_all(
        &order,
        subject.n_threads,
        stop,
        &|| (MeanWorker::new(plan), vec![0.0; plan.batch() * row_len]),
        &|(worker, rows), block| -> Result<LayerSums, Error> {
            let mut own = LayerSums::new(plan);
            for samples in blocks[block].chunks(plan.batch()) {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let rows = &mut rows[..samples.len() * row_len];
                for (row, &sample) in rows.chunks_exact_mut(row_len).zip(samples) {
                    load(subject, columns.index(sample), row)?;
                }
                worker.add(rows, &mut own)?;
            }
            Ok(own)
        },
        &mut |block, own: Result<LayerSums, Error>| -> Result<(), Error> {
            let own = own?;
            done += own.n_samples() as usize;
            early.insert(block, own);
            while let Some(own) = early.remove(&next) {
                sums.merge(&own);
                next += 1;
            }
            progress(&Progress::of(Phase::Means, done, samples.len()));
            Ok(())
        },
    )?;
    match sums.n_samples() == samples.len() as u64 {
        true => Ok(sums.means()),
        false => Err(interrupted(0, samples.len())),
    }
}

/// Ablates the samples; the results are in their order.
fn sweep(
    subject: &Subject<'_>,
    ablation: &Ablation<'_>,
    columns: &Columns,
    samples: &[usize],
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
) -> Result<Vec<AblatedSample>, Error> {
    let n_outputs = columns.logits.width;
    let row_len: usize = subject.dataset.sample_shape().iter().product();
    let order: Vec<usize> = (0..samples.len()).collect();
    let mut found: Vec<Option<AblatedSample>> = vec![None; samples.len()];
    let mut done = 0;
    work_all(
        &order,
        subject.n_threads,
        stop,
        &|| (ablation.worker(), vec![0.0; row_len]),
        &|(worker, row), place| -> Result<AblatedSample, Error> {
            let sample = samples[place];
            let index = columns.index(sample);
            load(subject, index, row)?;
            let ablated = worker.ablate(AblationSample {
                input: row,
                target: columns.targets[sample] as usize,
                class: columns.class(sample, n_outputs),
            })?;
            let stored = &columns.logits.data[sample * n_outputs..(sample + 1) * n_outputs];
            if !same_logits(stored, &ablated.logits) {
                let how = "the network's output for it is not the stored one";
                return Err(changed(subject, index, how));
            }
            Ok(ablated)
        },
        &mut |place, ablated: Result<AblatedSample, Error>| -> Result<(), Error> {
            found[place] = Some(ablated?);
            done += 1;
            progress(&Progress::of(Phase::Ablation, done, samples.len()));
            Ok(())
        },
    )?;
    let found: Vec<AblatedSample> = found.into_iter().flatten().collect();
    match found.len() == samples.len() {
        true => Ok(found),
        false => Err(interrupted(found.len(), samples.len())),
    }
}

fn same_logits(stored: &[f32], now: &[f32]) -> bool {
    let largest = stored
        .iter()
        .fold(1e-3f32, |most, logit| most.max(logit.abs()));
    let mut pairs = stored.iter().zip(now);
    stored.len() == now.len() && pairs.all(|(a, b)| (a - b).abs() <= LOGIT_TOLERANCE * largest)
}

fn outcome(outcome: &AblationOutcome) -> Outcome {
    Outcome {
        predicted: outcome.predicted,
        target_logit: f64::from(outcome.target_logit),
        cross_entropy: outcome.cross_entropy,
    }
}
