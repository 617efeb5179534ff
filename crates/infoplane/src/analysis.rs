//! One builder that runs the whole analysis.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use infoplane_plane::{
    AblationResult, AblationSettings, Against, ClassGroups, InformationSettings, PlaneError,
    PlaneInput, PlaneOptions, PlaneResult, RowHalves, Swept, analyse_with_halves, combine,
    read_ablation, write_plane,
};
use infoplane_report::{FigureFormat, ReportInput, ReportOptions, output_layers, write_report};
use infoplane_store::{KeptMaps, RunDir, Shard, SkippedSample};

use crate::config::{DEFAULT_SEED, RunConfig};
use crate::controls;
use crate::demo;
use crate::error::Error;
use crate::maps::DEMO_KEPT_MAPS;
use crate::names::unknown;
use crate::progress::{Phase, Progress};
use crate::run::Run;
use crate::shard::ShardDone;

/// The whole analysis: conductance → information → plane → report.
///
/// ```no_run
/// # fn main() -> Result<(), infoplane::Error> {
/// let done = infoplane::Analysis::new("net.onnx", "images/", "runs/net")
///     .layers(["layer3.2", "fc"])
///     .run()?;
/// println!("{}", done.report.display());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Analysis {
    config: RunConfig,
    source: Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Files,
    Embedded,
}

/// A finished analysis.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The plane, as in `plane.json`.
    pub plane: PlaneResult,
    /// The report's page.
    pub report: PathBuf,
    /// Layers that are the network's output: of their conductances only that of the attributed unit is
    /// there, so that they tell of the prediction and are no finding.
    pub outputs: Vec<String>,
    /// Samples that could not be analysed.
    pub skipped: Vec<SkippedSample>,
}

impl Analysis {
    /// Analyses the network `model` on the samples `data`, into the run directory `out`.
    pub fn new(
        model: impl Into<PathBuf>,
        data: impl Into<PathBuf>,
        out: impl Into<PathBuf>,
    ) -> Analysis {
        Analysis::from_config(RunConfig {
            model: Some(model.into()),
            data: Some(data.into()),
            out: Some(out.into()),
            ..RunConfig::default()
        })
    }

    /// Analyses what a configuration says.
    pub fn from_config(config: RunConfig) -> Analysis {
        Analysis {
            config,
            source: Source::Files,
        }
    }

    /// Analyses the embedded network on the embedded digits.
    pub fn demo(out: impl Into<PathBuf>) -> Analysis {
        Analysis {
            config: RunConfig {
                out: Some(out.into()),
                keep_maps: Some(DEMO_KEPT_MAPS),
                ..RunConfig::default()
            },
            source: Source::Embedded,
        }
    }

    /// Analyses these layers instead of the default ones.
    pub fn layers<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Analysis {
        self.config.layers = names.into_iter().map(Into::into).collect();
        self
    }

    /// Gives a torchvision architecture, which `model` then names, its weights: a `.safetensors` or
    /// `.pth` file.
    pub fn weights(mut self, file: impl Into<PathBuf>) -> Analysis {
        self.config.weights = Some(file.into());
        self
    }

    /// Changes any setting.
    pub fn configure(mut self, change: impl FnOnce(&mut RunConfig)) -> Analysis {
        change(&mut self.config);
        self
    }

    /// Reads the model, opens the data and chooses the layers, without any work. What can be refused is
    /// refused here.
    pub fn prepare(&self) -> Result<Run, Error> {
        self.check()?;
        let run = match self.source {
            Source::Files => Run::prepare(&self.config),
            Source::Embedded => demo::prepare(&self.config),
        }?;
        if self.config.n_kept_maps()? > 0 {
            run.check_maps()?;
        }
        Ok(run)
    }

    /// Does everything that the run directory does not hold yet. The directory is locked meanwhile.
    ///
    /// # Errors
    /// Among others, [`Error::Setting`] where a shard is set: see [`Analysis::finish_shard`].
    pub fn finish(
        &self,
        run: &Run,
        progress: &mut dyn FnMut(&Progress),
        stop: &AtomicBool,
    ) -> Result<Finished, Error> {
        if let Some(shard) = self.config.shard {
            return Err(Error::Setting(format!(
                "shard {shard} of a run has no plane; leave the shard out, or take `finish_shard`"
            )));
        }
        let (out, groups) = self.check()?;
        let n_maps = self.config.n_kept_maps()?;
        let stored = run.attribute(out, progress, stop)?;
        if n_maps > 0 {
            let seed = self.config.seed.unwrap_or(DEFAULT_SEED);
            run.keep_maps(&stored, (n_maps, seed), progress, stop)?;
        }
        if self.config.ablate {
            let settings = AblationSettings {
                seed: self.config.seed.unwrap_or(DEFAULT_SEED),
                ..AblationSettings::default()
            };
            run.ablate(&stored, out, &settings, progress, stop)?;
        }
        let kinds = self.config.control_kinds()?;
        if !kinds.is_empty() {
            let n_samples = self.config.n_control_samples()?;
            let seed = self.config.seed.unwrap_or(DEFAULT_SEED);
            controls::make(run, &stored, out, (&kinds, n_samples, seed), progress, stop)?;
        }
        plane_and_report(&stored, out, &self.config, groups.as_ref(), progress)
    }

    /// Computes those parts of the configured shard that the run directory does not hold yet, and
    /// nothing else; all parts where no shard is set.
    ///
    /// With the parts of all shards in one directory, [`Analysis::finish`] without a shard or
    /// [`plane`] gives what one machine would have.
    pub fn finish_shard(
        &self,
        run: &Run,
        progress: &mut dyn FnMut(&Progress),
        stop: &AtomicBool,
    ) -> Result<ShardDone, Error> {
        let (out, _) = self.check()?;
        let shard = self.config.shard.unwrap_or(Shard::WHOLE);
        run.attribute_shard(out, shard, progress, stop)
    }

    /// The run directory and the groups. What is wrong with the information side is better found
    /// before the sweep than after it.
    fn check(&self) -> Result<(&Path, Option<ClassGroups>), Error> {
        let out = self.config.out.as_deref();
        let out = out.ok_or_else(|| Error::Setting("--out is missing".to_string()))?;
        let groups = groups(&self.config)?;
        plane_options(&self.config)?;
        report_options(&self.config)?;
        self.config.control_kinds()?;
        self.config.n_control_samples()?;
        self.config.n_kept_maps()?;
        if against(&self.config)?.contains(&Against::Group) && groups.is_none() {
            return Err(PlaneError::NoGroups.into());
        }
        Ok((out, groups))
    }

    /// Prepares and does everything, without progress.
    pub fn run(&self) -> Result<Finished, Error> {
        let run = self.prepare()?;
        self.finish(&run, &mut |_| {}, &AtomicBool::new(false))
    }
}

/// The plane and the report again, from a run's stored vectors and its ablation, where it has one. Only
/// the settings of the information side (`groups`, `against`, `estimators`, `tau`, `seed`) and `figure_formats`
/// are used. The directory is locked meanwhile.
///
/// # Errors
/// Among others, where a part is damaged or missing, or another process writes to the directory.
pub fn plane(
    dir: &Path,
    settings: &RunConfig,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Finished, Error> {
    let groups = groups(settings)?;
    plane_options(settings)?;
    report_options(settings)?;
    let stored = RunDir::open_exclusively(dir)?;
    stored.check_complete()?;
    plane_and_report(&stored, dir, settings, groups.as_ref(), progress)
}

/// The report again, from a run's `plane.json` and `ablation.json`. Of the settings only `figure_formats` is
/// used. The directory is locked meanwhile.
///
/// # Errors
/// Among others, where a part is damaged, or another process writes to the directory.
pub fn report(dir: &Path, settings: &RunConfig) -> Result<PathBuf, Error> {
    let options = report_options(settings)?;
    let stored = RunDir::open_exclusively(dir)?;
    let plane = read_plane(dir)?;
    let ablation = read_ablation(dir, &stored)?;
    let samples = stored.maps()?;
    report_of(
        &stored,
        dir,
        &plane,
        (ablation.as_ref(), samples.as_ref()),
        &options,
    )
}

/// Writes the report of a run whose plane, ablation and kept samples are these.
pub(crate) fn report_of(
    stored: &RunDir,
    dir: &Path,
    plane: &PlaneResult,
    (ablation, samples): (Option<&AblationResult>, Option<&KeptMaps>),
    options: &ReportOptions,
) -> Result<PathBuf, Error> {
    let input = ReportInput::new(stored.manifest(), plane)
        .with_ablation(ablation)
        .with_samples(samples);
    Ok(write_report(dir, &input, options)?.html)
}

/// A run's `plane.json`.
pub(crate) fn read_plane(dir: &Path) -> Result<PlaneResult, Error> {
    let path = dir.join("plane.json");
    let unreadable = |reason: String| {
        Error::Setting(format!(
            "cannot read {}: {reason}; `infoplane plane {}` writes it",
            path.display(),
            dir.display()
        ))
    };
    let bytes = std::fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))
}

pub(crate) fn groups(config: &RunConfig) -> Result<Option<ClassGroups>, Error> {
    let Some(spec) = &config.groups else {
        return Ok(None);
    };
    let map = infoplane_data::group_map(spec)?;
    let of_class = (0..map.n_classes())
        .map(|class| {
            let group = map.group_of(infoplane_data::ClassIndex(class))?;
            u32::try_from(group).ok()
        })
        .collect();
    Ok(Some(ClassGroups {
        names: map.names,
        of_class,
    }))
}

/// The labels that the plane is to be made against; none for the default.
pub(crate) fn against(config: &RunConfig) -> Result<Vec<Against>, Error> {
    let parse = |name: &String| {
        Against::from_name(name).ok_or_else(|| {
            let known = ["label", "groups", "predicted"];
            unknown(
                "label for --against:",
                name,
                &known,
                "label, groups and predicted",
            )
        })
    };
    config.against.iter().map(parse).collect()
}

/// How the plane is to be analysed, checked.
pub(crate) fn plane_options(config: &RunConfig) -> Result<PlaneOptions, Error> {
    let mut options = PlaneOptions {
        tau: config.tau,
        ..PlaneOptions::default()
    };
    options.channel.seed = config.seed.unwrap_or(DEFAULT_SEED);
    options.channel.tau = config.tau.unwrap_or(options.channel.tau);
    options.channel.clone().check().map_err(PlaneError::from)?;
    options.estimators.clone_from(&config.estimators);
    options.check_estimators()?;
    Ok(options)
}

/// How the report is to be written, checked.
fn report_options(config: &RunConfig) -> Result<ReportOptions, Error> {
    let mut options = ReportOptions::default();
    if !config.figure_formats.is_empty() {
        let parse = |name: &String| {
            FigureFormat::from_name(name).ok_or_else(|| {
                let known = FigureFormat::ALL.map(FigureFormat::name);
                unknown("figure format", name, &known, &known.join(" and "))
            })
        };
        options.formats = config
            .figure_formats
            .iter()
            .map(parse)
            .collect::<Result<_, _>>()?;
    }
    Ok(options)
}

fn plane_and_report(
    stored: &RunDir,
    out: &Path,
    config: &RunConfig,
    groups: Option<&ClassGroups>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Finished, Error> {
    let options = plane_options(config)?;
    let (finished, _) = plane_of(stored, out, config, groups, (&options, None), progress)?;
    Ok(finished)
}

/// What a plane is made of.
pub(crate) fn plane_input<'a>(
    stored: &'a RunDir,
    config: &RunConfig,
    groups: Option<&ClassGroups>,
) -> Result<PlaneInput<'a>, Error> {
    let target = stored.manifest().config["target"]
        .as_str()
        .unwrap_or("predicted");
    Ok(PlaneInput::from_run(
        stored,
        target,
        groups,
        &against(config)?,
    )?)
}

/// The plane and the report with these options, and the rows' figures on halves of the samples. A sweep
/// that was made before is not made again.
pub(crate) fn plane_of(
    stored: &RunDir,
    out: &Path,
    config: &RunConfig,
    groups: Option<&ClassGroups>,
    (options, swept): (&PlaneOptions, Option<&Swept>),
    progress: &mut dyn FnMut(&Progress),
) -> Result<(Finished, Vec<RowHalves>), Error> {
    let ablation = read_ablation(out, stored)?;
    // Kept samples that can't be read are better found before the work than after it.
    let samples = stored.maps()?;
    let input = plane_input(stored, config, groups)?;
    let progress = std::cell::RefCell::new(progress);
    let (mut result, halves) = analyse_with_halves(&input, options, swept, &|step| {
        let done = step.done
            + if step.stage == infoplane_plane::Stage::Estimate {
                step.total
            } else {
                0
            };
        (progress.borrow_mut())(&Progress::of(Phase::Information, done, 2 * step.total));
    })?;
    result.warnings.extend(unreached(stored)?);
    result.settings = Some(InformationSettings {
        groups: config.groups.clone(),
        against: config.against.clone(),
        estimators: config.estimators.clone(),
        tau: config.tau,
        seed: config.seed.unwrap_or(DEFAULT_SEED),
    });
    result.controls = controls::compare(stored, out, (groups, &against(config)?), options)?;
    if let Some(ablation) = &ablation {
        combine(&mut result, ablation);
    }
    write_plane(out, &result)?;
    let evidence = (ablation.as_ref(), samples.as_ref());
    let report = report_of(stored, out, &result, evidence, &report_options(config)?)?;
    let outputs = output_layers(&stored.manifest().model).into_iter();
    let finished = Finished {
        plane: result,
        report,
        outputs: outputs.map(str::to_owned).collect(),
        skipped: stored.skipped().cloned().collect(),
    };
    Ok((finished, halves))
}

/// Completeness error above which a sample of a fixed quadrature counts as unconverged.
const UNCONVERGED: f64 = 0.05;

/// A sentence on the samples whose path integral did not converge: those that the adaptive quadrature left
/// above its tolerance, or a fixed one above 5 %.
fn unreached(stored: &RunDir) -> Result<Option<String>, Error> {
    let quadrature = &stored.manifest().config["quadrature"];
    let tolerance = quadrature["tolerance"].as_f64();
    let limit = tolerance.unwrap_or(UNCONVERGED);
    let errors = stored.errors()?;
    let above = errors.iter().filter(|&&error| f64::from(error) > limit);
    let n_above = above.count();
    if n_above == 0 {
        return Ok(None);
    }
    let largest = errors.iter().copied().fold(0.0, f32::max);
    let missed = match tolerance {
        Some(_) => format!(
            "did not come within the tolerance of {} % in {} steps",
            100.0 * limit,
            quadrature["max_steps"]
        ),
        None => format!(
            "miss the output difference by more than {} %; use more steps or the adaptive rule",
            100.0 * limit
        ),
    };
    Ok(Some(format!(
        "Quadrature: {n_above} of {} samples {missed}; the largest completeness error is {:.1} %. Their steps and errors are in the samples' columns `steps` and `error`.",
        errors.len(),
        100.0 * largest
    )))
}
