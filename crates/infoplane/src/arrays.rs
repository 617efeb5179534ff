//! Attribution and prediction of already preprocessed arrays, into `.npz` archives.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use infoplane_attribution::{
    Baseline, Quadrature, QuadratureName, Reduction, Sweep, SweepLayer, SweepOptions, Target,
};
use infoplane_data::npy::{Element, NpzWriter};
use infoplane_data::{Inputs, read_inputs};
use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_store::write_atomically;
use ndarray::Array2;

use crate::config::RunConfig;
use crate::error::Error;
use crate::model::Model;
use crate::pool::{Loaded, Outcome, attribute_all, node_memory};
use crate::progress::{Phase, Progress};

/// What `attribute` did.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeSummary {
    /// Number of samples.
    pub n: usize,
    /// Layers with their names, whether they are cut layers, and the largest relative completeness
    /// error of a sample.
    pub layers: Vec<(String, bool, Option<f32>)>,
    /// Fewest and most steps of a sample.
    pub steps: (usize, usize),
    /// Nodes at which the network ran, all samples together. It depends on the number of threads and on
    /// the order in which they took the samples; nothing else does.
    pub evaluated: usize,
    /// What the adaptive quadrature did not reach.
    pub unreached: Option<Unreached>,
    /// How the model was read, where a person should know.
    pub model_notes: Vec<String>,
}

/// What `predict` did.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// The logits, N × outputs.
    pub logits: Array2<f32>,
    /// How the model was read, where a person should know.
    pub model_notes: Vec<String>,
}

/// Samples whose completeness error is above the tolerance of the adaptive quadrature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unreached {
    /// Number of such samples.
    pub n: usize,
    /// The tolerance.
    pub tolerance: f64,
    /// Most steps a sample was allowed.
    pub max_steps: usize,
    /// The largest relative error of a sample.
    pub largest: f32,
}

/// Attributes the arrays of `inputs` and writes `conductance/<layer>` (N × the layer's shape, N ×
/// channels, or N × the shape of its positions or tokens), `delta/<layer>` for cut layers, `f_input`, `f_baseline`, `target`, `logits`, `steps` and
/// `error` (a sample's largest relative completeness error) to the archive `raw`.
///
/// The quadrature is `graded` where the configuration names none.
pub fn attribute(
    config: &RunConfig,
    inputs: &Path,
    raw: &Path,
    reduction: Reduction,
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
) -> Result<AttributeSummary, Error> {
    check_destination(raw)?;
    let file = inputs;
    let (model, inputs) = read(config, inputs)?;
    let of_file = |what: String| Error::Setting(format!("{}: {what}", file.display()));
    let sample_shape = inputs.input.shape()[1..].to_vec();
    let shaped = model.shaped(&sample_shape)?;
    let layers = model.layers(&shaped, &config.layer_choice())?;
    let quadrature = config.quadrature(QuadratureName::Graded)?;
    let options = SweepOptions {
        quadrature,
        baseline: baseline(config, &inputs, &of_file)?,
        target: config.target()?,
        reduction,
    };
    let starts = match &options.baseline {
        Baseline::Fixed { row, .. } => row.as_slice(),
        Baseline::Given => inputs
            .baseline
            .as_ref()
            .and_then(|rows| rows.as_slice())
            .unwrap_or_default(),
        Baseline::Zero | Baseline::Blur(_) => &[],
    };
    for start in starts.chunks_exact(sample_shape.iter().product::<usize>().max(1)) {
        shaped.check_tokens(model.graph(), start)?;
    }
    let n_nodes = quadrature.nodes_at_once();
    // Direct kernels, and every node from its input: results are compared with those of other programs.
    let plan = model.plan(&sample_shape, &layers, n_nodes, true)?;
    let sweep = Sweep::new(
        &plan,
        layers.iter().map(SweepLayer::from).collect(),
        options,
    )?
    .with_node_memory(node_memory(config.n_threads()?, &quadrature))
    .with_first_layer_at_every_node();
    let n = inputs.input.shape()[0];
    let input_len = plan.sample_len();
    let rows = inputs.input.as_slice().unwrap_or_default();
    let own_baselines = match sweep.options().baseline {
        Baseline::Given => inputs.baseline.as_ref().and_then(|rows| rows.as_slice()),
        _ => None,
    };
    check_targets(&inputs, sweep.options().target, plan.n_outputs()).map_err(of_file)?;

    let load = |index: usize, row: &mut [f32]| {
        row.copy_from_slice(&rows[index * input_len..][..input_len]);
        let at = |values: &Option<Vec<i64>>| {
            let value = values.as_ref()?.get(index)?;
            usize::try_from(*value).ok()
        };
        Ok(Loaded {
            label: at(&inputs.label),
            given: at(&inputs.target),
            baseline: own_baselines.map(|rows| &rows[index * input_len..][..input_len]),
        })
    };
    let mut results = vec![None; n];
    let mut done = 0;
    let indices: Vec<usize> = (0..n).collect();
    attribute_all(
        &sweep,
        input_len,
        &indices,
        config.n_threads()?,
        stop,
        &load,
        &mut |index, outcome| {
            results[index] = match outcome {
                Outcome::Attributed(attribution) => Some(attribution),
                Outcome::Unusable(reason) => {
                    return Err(of_file(format!("input {index}: {reason}")));
                }
                Outcome::Failed(error) => return Err(error.into()),
            };
            done += 1;
            progress(&Progress::of(Phase::Conductance, done, n));
            Ok(())
        },
    )?;
    let Some(results) = results.into_iter().collect::<Option<Vec<_>>>() else {
        return Err(Error::Interrupted {
            done: 0,
            total: n as u64,
        });
    };

    let mut archive = Archive::new(raw);
    for (position, layer) in layers.iter().enumerate() {
        let shape = match reduction {
            Reduction::Channels => vec![n, layer.n_channels()],
            Reduction::Positions => [&[n], layer.position_shape()].concat(),
            Reduction::None => [&[n], layer.shape.as_slice()].concat(),
        };
        let values: Vec<f32> = results
            .iter()
            .flat_map(|result| result.conductance[position].iter().copied())
            .collect();
        archive.add(&format!("conductance/{}", layer.name), &shape, &values)?;
        let delta: Option<Vec<f32>> = results
            .iter()
            .map(|result| result.delta[position])
            .collect();
        if let Some(delta) = delta {
            archive.add(&format!("delta/{}", layer.name), &[n], &delta)?;
        }
    }
    let column = |of: &dyn Fn(&infoplane_attribution::Attribution) -> f32| {
        results
            .iter()
            .map(|result| of(result))
            .collect::<Vec<f32>>()
    };
    archive.add("f_input", &[n], &column(&|r| r.f_input))?;
    archive.add("f_baseline", &[n], &column(&|r| r.f_baseline))?;
    let logits: Vec<f32> = results
        .iter()
        .flat_map(|r| r.logits.iter().copied())
        .collect();
    archive.add("logits", &[n, plan.n_outputs()], &logits)?;
    let targets: Vec<i64> = results.iter().map(|r| r.target as i64).collect();
    archive.add("target", &[n], &targets)?;
    let steps: Vec<i64> = results.iter().map(|r| r.steps as i64).collect();
    archive.add("steps", &[n], &steps)?;
    archive.add("error", &[n], &column(&|r| r.error))?;
    archive.write()?;

    let relative = |position: usize| {
        results
            .iter()
            .filter_map(|r| {
                let scale = (r.f_input - r.f_baseline).abs().max(f32::MIN_POSITIVE);
                Some(r.delta[position]?.abs() / scale)
            })
            .reduce(f32::max)
    };
    Ok(AttributeSummary {
        n,
        layers: layers
            .iter()
            .enumerate()
            .map(|(position, layer)| (layer.name.clone(), layer.cut, relative(position)))
            .collect(),
        steps: (
            results.iter().map(|r| r.steps).min().unwrap_or(0),
            results.iter().map(|r| r.steps).max().unwrap_or(0),
        ),
        evaluated: results.iter().map(|r| r.evaluated).sum(),
        unreached: match quadrature {
            Quadrature::Adaptive(rule) => Some(Unreached {
                n: results
                    .iter()
                    .filter(|r| f64::from(r.error) > rule.tolerance)
                    .count(),
                tolerance: rule.tolerance,
                max_steps: rule.max_steps,
                largest: results.iter().map(|r| r.error).fold(0.0, f32::max),
            }),
            _ => None,
        },
        model_notes: model.graph().notes().to_vec(),
    })
}

/// Runs the network forward over the arrays of `inputs` and writes `logits` (N × outputs) and
/// `predicted` to the archive `raw`.
pub fn predict(config: &RunConfig, inputs: &Path, raw: &Path) -> Result<Predictions, Error> {
    check_destination(raw)?;
    let (model, inputs) = read(config, inputs)?;
    let n = inputs.input.shape()[0];
    let sample_shape = &inputs.input.shape()[1..];
    let shaped = model.graph().specialize(sample_shape, 1)?;
    let plan = Plan::compile(model.graph(), &shaped, &PlanOptions::default())?;
    let mut session = plan.session();
    let mut logits = Vec::with_capacity(n * plan.n_outputs());
    let rows = inputs.input.as_slice().unwrap_or_default();
    for row in rows.chunks_exact(plan.sample_len()) {
        session.load(row);
        logits.extend_from_slice(session.forward());
    }
    let n_outputs = plan.n_outputs();
    let predicted: Vec<i64> = logits
        .chunks_exact(n_outputs)
        .map(|row| infoplane_attribution::argmax(row) as i64)
        .collect();
    let mut archive = Archive::new(raw);
    archive.add("logits", &[n, n_outputs], &logits)?;
    archive.add("predicted", &[n], &predicted)?;
    archive.write()?;
    let logits = Array2::from_shape_vec((n, n_outputs), logits)
        .map_err(|error| Error::Setting(format!("the outputs have no common shape: {error}")))?;
    Ok(Predictions {
        logits,
        model_notes: model.graph().notes().to_vec(),
    })
}

/// The baseline that is asked for; `input` is the array of that name beside the inputs.
fn baseline(
    config: &RunConfig,
    inputs: &Inputs,
    of_file: &dyn Fn(String) -> Error,
) -> Result<Baseline, Error> {
    if config.baseline.as_deref() != Some("input") || config.baseline_token.is_some() {
        return config.baseline(&inputs.input.shape()[1..], None);
    }
    let Some(rows) = &inputs.baseline else {
        let lacks = "it holds no array `baseline`, where the baseline `input` would be";
        return Err(of_file(lacks.to_string()));
    };
    match rows.shape()[0] {
        1 if inputs.input.shape()[0] > 1 => Ok(Baseline::Fixed {
            name: "input".to_string(),
            row: rows.iter().copied().collect(),
        }),
        _ => Ok(Baseline::Given),
    }
}

fn read(config: &RunConfig, inputs: &Path) -> Result<(Model, Inputs), Error> {
    let model = Model::from_config(config)?;
    let inputs = read_inputs(inputs)?;
    let sample_shape = &inputs.input.shape()[1..];
    model.graph().check_sample_shape(sample_shape)?;
    let shaped = model.graph().specialize(sample_shape, 1)?;
    let samples = inputs.input.as_slice().unwrap_or_default();
    let sample_len = sample_shape.iter().product::<usize>().max(1);
    for sample in samples.chunks_exact(sample_len) {
        shaped.check_tokens(model.graph(), sample)?;
    }
    Ok((model, inputs))
}

/// Fails where no file can be put at `raw`, before any work is done for it.
fn check_destination(raw: &Path) -> Result<(), Error> {
    let refused = |reason: String| {
        let path = raw.display();
        Err(Error::Setting(format!("cannot write {path}: {reason}")))
    };
    let folder = raw.parent().filter(|path| !path.as_os_str().is_empty());
    match folder {
        _ if raw.is_dir() => refused("it is a folder".to_string()),
        Some(folder) if !folder.is_dir() => {
            refused(format!("there is no folder {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The error says what is wrong with the file of inputs.
fn check_targets(inputs: &Inputs, wish: Target, n_outputs: usize) -> Result<(), String> {
    if wish == Target::Given && inputs.target.is_none() {
        return Err("it holds no array `target`, where the target `input` would be".to_string());
    }
    if wish == Target::Label && inputs.label.is_none() {
        return Err("it holds no array `label`, where the target `label` would be".to_string());
    }
    let mut targets = inputs.target.iter().flatten();
    let outside = targets.find(|&&target| usize::try_from(target).map_or(true, |t| t >= n_outputs));
    match outside {
        Some(target) => Err(format!(
            "its array `target` holds {target}, which is no output of the network (0 to {})",
            n_outputs.saturating_sub(1)
        )),
        None => Ok(()),
    }
}

/// An archive that is written whole in the end.
struct Archive<'p> {
    path: &'p Path,
    writer: NpzWriter,
}

impl<'p> Archive<'p> {
    fn new(path: &'p Path) -> Archive<'p> {
        Archive {
            path,
            writer: NpzWriter::new(),
        }
    }

    fn add<T: Element>(&mut self, name: &str, shape: &[usize], values: &[T]) -> Result<(), Error> {
        let added = self.writer.add(name, shape, values);
        added.map_err(|error| refused(self.path, &format!("{name}: {error}")))
    }

    fn write(self) -> Result<(), Error> {
        let bytes = self.writer.finish();
        let bytes = bytes.map_err(|error| refused(self.path, &error.to_string()))?;
        Ok(write_atomically(self.path, &bytes)?)
    }
}

fn refused(path: &Path, reason: &str) -> Error {
    Error::Write {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}
