//! The whole analysis: conductance → information → plane → report, into a run directory.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use infoplane_attribution::{
    Attribution, QuadratureName, Reduction, Sweep, SweepLayer, SweepOptions, Target,
};
use infoplane_data::{DataKind, DataOptions, Dataset, Preprocess};
use infoplane_engine::{Backend, Plan};
use infoplane_graph::{Dim, Layer};
use infoplane_plane::{AblationSettings, read_ablation, write_ablation};
use infoplane_store::{
    DEFAULT_PART_SIZE, DataInfo, FORMAT, RunDir, RunManifest, RunWriter, SampleOutcome,
    SampleRecord, Shard, SkippedSample, SourceInfo,
};

use crate::ablation::{Subject, measure};
use crate::config::{DEFAULT_SEED, RunConfig, baseline_name, quadrature_json, target_name};
use crate::error::Error;
use crate::hardware::hardware;
use crate::mean::mean_baseline;
use crate::model::{LayerChoice, Model};
use crate::pool::{Loaded, Outcome, attribute_all, node_memory};
use crate::progress::{Phase, Progress};

/// What a run is about, resolved: model, data, layers and settings.
pub struct Run {
    pub(crate) model: Arc<Model>,
    pub(crate) dataset: Arc<dyn Dataset>,
    layers: Vec<Layer>,
    pub(crate) options: SweepOptions,
    manifest: RunManifest,
    pub(crate) n_threads: usize,
    /// What is done to images; none where samples are arrays.
    pub(crate) preprocess: Option<Preprocess>,
    strict: bool,
    exact: bool,
    notes: Vec<String>,
}

/// What a control changes of a run.
pub(crate) struct Variant {
    pub model: Arc<Model>,
    pub dataset: Arc<dyn Dataset>,
    pub options: SweepOptions,
    /// The control, for `run.json`.
    pub control: serde_json::Value,
}

impl Run {
    /// Resolves a configuration: reads the model, opens the data, chooses layers.
    pub fn prepare(config: &RunConfig) -> Result<Run, Error> {
        let missing = |option: &str| Error::Setting(format!("--{option} is missing"));
        let model = Model::from_config(config)?;
        let data = config.data.as_deref().ok_or_else(|| missing("data"))?;
        let input_shape = model.graph().sample_shape();
        let kind = infoplane_data::kind_of(data)?;
        // A table has a mean and a deviation for each feature, which are no channels.
        let preprocess = match kind {
            DataKind::Table => None,
            _ => Some(config.preprocess(&sample_dims(&model))?),
        };
        let options = DataOptions {
            expected_shape: input_shape,
            n_outputs: n_outputs(&model)?,
            ..config.data_options(preprocess.clone().unwrap_or_default())?
        };
        let dataset = infoplane_data::open(data, &options)?;
        config.check_data_kind(&dataset.info().kind)?;
        let preprocess = preprocess.filter(|_| kind == DataKind::Images);
        let mut run = Run::with(config, model, dataset, preprocess)?;
        run.manifest.source = source(config);
        Ok(run)
    }

    /// Resolves a configuration whose model and data are already there.
    pub(crate) fn with(
        config: &RunConfig,
        model: Model,
        dataset: Box<dyn Dataset>,
        preprocess: Option<Preprocess>,
    ) -> Result<Run, Error> {
        let sample_shape = dataset.sample_shape().to_vec();
        let shaped = model.shaped(&sample_shape)?;
        let layers = model.layers(&shaped, &config.layer_choice())?;
        if config.baseline.as_deref() == Some("input") {
            return Err(Error::Setting(
                "the baseline `input` is for attribute --inputs; there are zero, black, mean and blur"
                    .to_string(),
            ));
        }
        let target = config.target()?;
        if target == Target::Given {
            return Err(Error::Setting(
                "the target `input` is for attribute --inputs; there are predicted, label and the index of an output unit".to_string(),
            ));
        }
        if target == Target::Label && (0..dataset.len()).any(|i| dataset.label(i).is_none()) {
            return Err(Error::Setting(
                "the target is the label, but the data has samples without one".to_string(),
            ));
        }
        let options = SweepOptions {
            quadrature: config.quadrature(QuadratureName::Adaptive)?,
            baseline: match config.baseline.as_deref() {
                Some("mean") => mean_baseline(dataset.as_ref(), config.n_threads()?)?,
                _ => config.baseline(&sample_shape, preprocess.as_ref())?,
            },
            target,
            reduction: Reduction::Channels,
        };
        let info = dataset.info();
        let mut settings = serde_json::json!({
            "layers": match config.layer_choice() {
                LayerChoice::Named(names) => serde_json::json!(names),
                _ => serde_json::json!("default"),
            },
            "target": target_name(target),
            "baseline": baseline_name(&options.baseline),
            "quadrature": quadrature_json(&options.quadrature),
            "exact": config.exact,
            "preprocess": &preprocess,
        });
        if let Some(settings) = settings.as_object_mut() {
            settings.extend(config.data_json(&dataset.info().kind));
            let seed = config.seed.unwrap_or(DEFAULT_SEED);
            settings.insert("seed".to_string(), seed.into());
        }
        let manifest = RunManifest {
            format: FORMAT,
            infoplane: env!("CARGO_PKG_VERSION").to_string(),
            config: settings,
            model: model.info(&sample_shape, &shaped, &layers),
            data: DataInfo {
                name: info.name.clone(),
                kind: info.kind.clone(),
                fingerprint: info.fingerprint.clone(),
                n_samples: dataset.len(),
                class_names: info.class_names.clone(),
                features: info.features.clone(),
                preprocessing: info.preprocessing.clone(),
            },
            hardware: hardware(),
            source: None,
        };
        Ok(Run {
            notes: info.warnings.clone(),
            model: Arc::new(model),
            dataset: Arc::from(dataset),
            layers,
            options,
            manifest,
            n_threads: config.n_threads()?,
            preprocess,
            strict: config.strict,
            exact: config.exact,
        })
    }

    /// This run with something changed: an own run, for a directory of its own.
    pub(crate) fn variant(&self, variant: Variant) -> Run {
        let Variant {
            model,
            dataset,
            options,
            control,
        } = variant;
        let mut manifest = self.manifest.clone();
        manifest.source = None;
        manifest.model.sha256 = model.sha256().to_string();
        manifest.data.fingerprint = dataset.info().fingerprint.clone();
        manifest.data.n_samples = dataset.len();
        if let Some(config) = manifest.config.as_object_mut() {
            let set = [
                ("target", target_name(options.target).into()),
                ("baseline", baseline_name(&options.baseline).into()),
                ("quadrature", quadrature_json(&options.quadrature)),
                ("control", control),
            ];
            config.extend(set.map(|(key, value)| (key.to_string(), value)));
        }
        Run {
            model,
            dataset,
            layers: self.layers.clone(),
            options,
            manifest,
            n_threads: self.n_threads,
            preprocess: self.preprocess.clone(),
            strict: false,
            exact: self.exact,
            notes: Vec::new(),
        }
    }

    /// What is written to `run.json`.
    pub fn manifest(&self) -> &RunManifest {
        &self.manifest
    }

    /// The analysed layers.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The name of the baseline, with its parameters.
    pub fn baseline_name(&self) -> String {
        baseline_name(&self.options.baseline)
    }

    /// The quadrature.
    pub fn quadrature(&self) -> infoplane_attribution::Quadrature {
        self.options.quadrature
    }

    /// What a person should know before trusting the labels.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How the model was read, where a person should know: what was left out at its end, and so what
    /// the target is.
    pub fn model_notes(&self) -> &[String] {
        self.model.graph().notes()
    }

    /// The first stage: sweeps over all samples that `out` does not hold yet.
    ///
    /// `stop` ends it between two samples; finished parts stay, and the same run goes on from there.
    pub fn attribute(
        &self,
        out: &Path,
        progress: &mut dyn FnMut(&Progress),
        stop: &AtomicBool,
    ) -> Result<RunDir, Error> {
        let writer = self.fill(out, Shard::WHOLE, progress, stop)?;
        let counts = writer.counts();
        let run = writer.finish()?;
        if counts.analysed == 0 {
            let first = run.skipped().next();
            return Err(Error::NothingAnalysed {
                n: counts.total,
                first: first.map_or_else(String::new, |s| format!("{}: {}", s.id, s.reason)),
            });
        }
        Ok(run)
    }

    /// Sweeps over the samples of a shard that `out` does not hold yet, until all its parts are there.
    pub(crate) fn fill(
        &self,
        out: &Path,
        shard: Shard,
        progress: &mut dyn FnMut(&Progress),
        stop: &AtomicBool,
    ) -> Result<RunWriter, Error> {
        // What can be refused is refused before the directory is made.
        let plan = self.plan()?;
        let sweep = self.sweep_over(&plan, self.options.clone())?;
        tracing::debug!(
            rows = plan.batch(),
            threads = self.n_threads,
            simd = infoplane_engine::SimdLevel::current().name(),
            "sweep planned"
        );
        if self.strict {
            self.check_samples(plan.input_len(), stop)?;
        }

        let mut writer = RunDir::open_for_writing(out, &self.manifest, DEFAULT_PART_SIZE)?;
        for damaged in writer.damaged_parts() {
            let next = if shard.holds(damaged.part) {
                "it is computed again".to_string()
            } else {
                format!("it is none of shard {shard}, so it is not computed again here")
            };
            let (path, reason) = (damaged.path.display(), &damaged.reason);
            tracing::warn!("{path} is damaged: {reason}; {next}");
        }
        let samples: Vec<u64> = writer.samples_of(shard).collect();
        let todo: Vec<usize> = samples
            .iter()
            .filter(|&&index| !writer.is_stored(index))
            // The data set has that many.
            .map(|&index| index as usize)
            .collect();
        if !todo.is_empty() {
            let resumed = (samples.len() - todo.len()) as u64;
            let mut done = resumed;
            let mut advance = |skipped: u64| {
                done += 1;
                progress(&Progress {
                    phase: Phase::Conductance,
                    done,
                    total: samples.len() as u64,
                    resumed,
                    skipped,
                });
            };
            let input_len = plan.input_len();
            self.sweep(&sweep, input_len, &mut writer, &todo, &mut advance, stop)?;
        }
        let stored = samples.iter().filter(|&&index| writer.is_stored(index));
        let (done, total) = (stored.count() as u64, samples.len() as u64);
        if done < total {
            return Err(Error::Interrupted { done, total });
        }
        Ok(writer)
    }

    /// The network, planned for this run's samples and layers.
    pub(crate) fn plan(&self) -> Result<Plan, Error> {
        self.model.plan(
            self.dataset.sample_shape(),
            &self.layers,
            self.options.quadrature.nodes_at_once(),
            self.exact,
        )
    }

    /// A sweep over the layers of the run's plan.
    pub(crate) fn sweep_over<'p>(
        &self,
        plan: &'p Plan,
        options: SweepOptions,
    ) -> Result<Sweep<'p>, Error> {
        let layers: Vec<SweepLayer> = self.layers.iter().map(SweepLayer::from).collect();
        let node_memory = node_memory(self.n_threads, &options.quadrature);
        let sweep = Sweep::new(plan, layers, options)?.with_node_memory(node_memory);
        Ok(match self.exact {
            true => sweep.with_first_layer_at_every_node(),
            false => sweep,
        })
    }

    /// Reads every sample once, so that a strict run fails before it begins.
    fn check_samples(&self, input_len: usize, stop: &AtomicBool) -> Result<(), Error> {
        let n_samples = self.dataset.len();
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..self.n_threads.min(n_samples) {
                let (sender, next, failed) = (sender.clone(), &next, &failed);
                scope.spawn(move || {
                    let mut row = vec![0.0; input_len];
                    while !failed.load(Ordering::Relaxed) && !stop.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= n_samples {
                            break;
                        }
                        if let Err(error) = self.dataset.load(index, &mut row) {
                            failed.store(true, Ordering::Relaxed);
                            // The receiver outlives the workers.
                            let _ = sender.send((index, error));
                        }
                    }
                });
            }
        });
        drop(sender);
        // Samples are taken in order, so the first of the data set is among those that failed.
        match receiver.into_iter().min_by_key(|(index, _)| *index) {
            None => Ok(()),
            Some((_, error)) => Err(Error::Sample {
                id: error.id,
                reason: error.reason,
            }),
        }
    }

    /// The ablation of the stored run of this very configuration, into its directory `out`. What is
    /// there of the same settings is not measured again.
    pub(crate) fn ablate(
        &self,
        stored: &RunDir,
        out: &Path,
        settings: &AblationSettings,
        progress: &mut dyn FnMut(&Progress),
        stop: &AtomicBool,
    ) -> Result<(), Error> {
        // One that can't be used is measured anew.
        if let Ok(Some(there)) = read_ablation(out, stored)
            && there.settings == *settings
        {
            return Ok(());
        }
        let subject = Subject {
            model: &self.model,
            dataset: self.dataset.as_ref(),
            layers: &self.layers,
            exact: self.exact,
            n_threads: self.n_threads,
        };
        let result = measure(&subject, stored, settings, progress, stop)?;
        Ok(write_ablation(out, &result)?)
    }

    fn sweep(
        &self,
        sweep: &Sweep<'_>,
        input_len: usize,
        writer: &mut RunWriter,
        todo: &[usize],
        advance: &mut dyn FnMut(u64),
        stop: &AtomicBool,
    ) -> Result<(), Error> {
        let load = |index: usize, row: &mut [f32]| {
            self.dataset
                .load(index, row)
                .map_err(|error| error.reason)?;
            Ok(Loaded {
                label: self.dataset.label(index).map(|label| label.0),
                ..Loaded::default()
            })
        };
        attribute_all(
            sweep,
            input_len,
            todo,
            self.n_threads,
            stop,
            &load,
            &mut |index, outcome| {
                let id = self.dataset.id(index).to_string();
                let outcome = match outcome {
                    Outcome::Attributed(attribution) => self.record(index, id, *attribution),
                    Outcome::Unusable(reason) if self.strict => {
                        return Err(Error::Sample { id, reason });
                    }
                    Outcome::Unusable(reason) => {
                        tracing::warn!("skipped {id}: {reason}");
                        SampleOutcome::Skipped(SkippedSample {
                            index: index as u64,
                            id,
                            reason,
                        })
                    }
                    Outcome::Failed(error) => return Err(error.into()),
                };
                writer.push(outcome)?;
                advance(writer.counts().skipped);
                Ok(())
            },
        )
    }

    fn record(&self, index: usize, id: String, attribution: Attribution) -> SampleOutcome {
        SampleRecord {
            index: index as u64,
            id,
            label: self.dataset.label(index).map(|label| label.0 as u32),
            predicted: attribution.predicted as u32,
            target: attribution.target as u32,
            logits: attribution.logits,
            f_input: attribution.f_input,
            f_baseline: attribution.f_baseline,
            steps: attribution.steps as u32,
            error: attribution.error,
            delta: attribution.delta.into_iter().flatten().collect(),
            conductance: attribution.conductance,
            activation: attribution.activation,
        }
        .into()
    }
}

/// The files of a configuration, where their names are text.
fn source(config: &RunConfig) -> Option<SourceInfo> {
    let source = SourceInfo {
        model: config.model.clone()?,
        weights: config.weights.clone(),
        data: config.data.clone()?,
        classes: config.classes.clone(),
        labels: config.labels.clone(),
    };
    let SourceInfo {
        model,
        weights,
        data,
        classes,
        labels,
    } = &source;
    let optional = [weights, classes, labels].into_iter().flatten();
    let all_text = [model, data]
        .into_iter()
        .chain(optional)
        .all(|path| path.to_str().is_some());
    all_text.then_some(source)
}

/// The dimensions of a sample, none where they are free.
pub(crate) fn sample_dims(model: &Model) -> Vec<Option<usize>> {
    let dims = model.graph().input_dims().iter().skip(1);
    dims.map(|dim| match dim {
        Dim::Fixed(size) => Some(*size),
        Dim::Free(_) => None,
    })
    .collect()
}

/// Output units, where an input shape is known before the data.
pub(crate) fn n_outputs(model: &Model) -> Result<Option<usize>, Error> {
    let Some(shape) = model.graph().usual_sample_shape() else {
        return Ok(None);
    };
    let shaped = model.shaped(&shape)?;
    let output = shaped.shape(model.graph().output());
    Ok(Some(output.iter().skip(1).product()))
}
