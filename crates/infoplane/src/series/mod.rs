//! Checkpoints of one training, each analysed as a run of its own, and the paths that their layers take.
//!
//! 1. Every checkpoint is opened, and must have the layers of the first.
//! 2. Every checkpoint's vectors are computed (`DIR/checkpoints/NNN-<name>`, an ordinary run) and swept over
//!    the noise levels τ.
//! 3. One τ is chosen for all, and one range for bins of equal width.
//! 4. Every plane is made at that τ, and the paths from them.

mod order;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use infoplane_plane::{
    Checkpoint, CheckpointInfo, PlaneError, PlaneInput, PlaneOptions, Resolution, SERIES_FORMAT,
    SeriesOrder, SeriesResult, Swept, VectorRange, common_resolution, paths, range_of,
    sweep_resolutions, write_series,
};
use infoplane_report::{write_series_figures, write_series_report};
use infoplane_store::RunDir;

use crate::analysis::{Finished, against, groups, plane_input, plane_of, plane_options};
use crate::config::RunConfig;
use crate::demo;
use crate::error::Error;
use crate::progress::{Phase, Progress};
use crate::run::Run;

/// The analysis of several checkpoints of one training.
///
/// ```no_run
/// # fn main() -> Result<(), infoplane::Error> {
/// let checkpoints = ["ckpt_1.onnx", "ckpt_2.onnx", "ckpt_10.onnx"];
/// let done = infoplane::Series::of_models(checkpoints, "images/", "runs/training").run()?;
/// for path in &done.result.paths {
///     if let Some(compression) = &path.compression {
///         println!("{}: {}", path.layer, compression.verdict);
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Series {
    config: RunConfig,
    sources: Vec<Source>,
    order: SeriesOrder,
}

/// Where a checkpoint comes from.
#[derive(Debug, Clone)]
enum Source {
    /// A network of its own.
    Model(PathBuf),
    /// Weights for the architecture of the configuration.
    Weights(PathBuf),
    /// The n-th of the demo's.
    Embedded(usize),
}

impl Source {
    fn path(&self) -> &Path {
        match self {
            Source::Model(path) | Source::Weights(path) => path,
            Source::Embedded(index) => Path::new(demo::CHECKPOINTS[*index].0),
        }
    }
}

/// A finished series.
#[derive(Debug, Clone)]
pub struct FinishedSeries {
    /// What `series.json` holds.
    pub result: SeriesResult,
    /// The page, `report.html`.
    pub report: PathBuf,
    /// The figures, each SVG followed by its PNG.
    pub figures: Vec<PathBuf>,
    /// Samples that could not be analysed, the same at every checkpoint.
    pub n_skipped: usize,
}

/// How far a series is.
#[derive(Debug, Clone, Copy)]
pub struct SeriesProgress<'a> {
    /// The checkpoint whose turn it is, from 0.
    pub checkpoint: usize,
    /// Checkpoints in all.
    pub n_checkpoints: usize,
    /// What it is called.
    pub name: &'a str,
    /// What is done to it.
    pub progress: Progress,
}

/// A checkpoint with its place.
struct Member {
    source: Source,
    name: String,
    /// Its run directory below that of the series.
    run: String,
}

/// What one checkpoint says before τ is known.
struct Measured {
    swept: Swept,
    ranges: Vec<VectorRange>,
    indices: Vec<u64>,
}

/// What the planes of all checkpoints say.
struct Planes {
    infos: Vec<CheckpointInfo>,
    checkpoints: Vec<Checkpoint>,
    last: Finished,
}

/// The sweep over τ of each checkpoint, by its name.
type Sweeps = Vec<(String, Swept)>;

/// Told of progress with a checkpoint's position and name.
type Told<'a> = dyn FnMut(&SeriesProgress<'_>) + 'a;

impl Series {
    /// A series of networks, on the samples `data`, into the directory `out`.
    pub fn of_models<P: Into<PathBuf>>(
        models: impl IntoIterator<Item = P>,
        data: impl Into<PathBuf>,
        out: impl Into<PathBuf>,
    ) -> Series {
        let config = RunConfig {
            data: Some(data.into()),
            out: Some(out.into()),
            ..RunConfig::default()
        };
        let models: Vec<PathBuf> = models.into_iter().map(Into::into).collect();
        Series::from_config(config, models, Vec::new())
    }

    /// A series of a torchvision architecture's weight files.
    pub fn of_weights<P: Into<PathBuf>>(
        model: impl Into<PathBuf>,
        weights: impl IntoIterator<Item = P>,
        data: impl Into<PathBuf>,
        out: impl Into<PathBuf>,
    ) -> Series {
        let config = RunConfig {
            model: Some(model.into()),
            data: Some(data.into()),
            out: Some(out.into()),
            ..RunConfig::default()
        };
        let weights: Vec<PathBuf> = weights.into_iter().map(Into::into).collect();
        Series::from_config(config, Vec::new(), weights)
    }

    /// A series of `models`, or of `weights` for the architecture that the configuration names.
    pub fn from_config(config: RunConfig, models: Vec<PathBuf>, weights: Vec<PathBuf>) -> Series {
        let models = models.into_iter().map(Source::Model);
        let weights = weights.into_iter().map(Source::Weights);
        Series {
            config,
            sources: models.chain(weights).collect(),
            order: SeriesOrder::Natural,
        }
    }

    /// The series of the embedded network's training, on the embedded digits.
    pub fn demo(out: impl Into<PathBuf>) -> Series {
        Series {
            config: RunConfig {
                out: Some(out.into()),
                ..RunConfig::default()
            },
            sources: (0..demo::CHECKPOINTS.len()).map(Source::Embedded).collect(),
            order: SeriesOrder::Given,
        }
    }

    /// Keeps the checkpoints in the order in which they were given, instead of that of the numbers in their
    /// names.
    pub fn as_given(mut self) -> Series {
        self.order = SeriesOrder::Given;
        self
    }

    /// Changes any setting.
    pub fn configure(mut self, change: impl FnOnce(&mut RunConfig)) -> Series {
        change(&mut self.config);
        self
    }

    /// Does everything, without progress.
    pub fn run(&self) -> Result<FinishedSeries, Error> {
        self.finish(&mut |_| {}, &AtomicBool::new(false))
    }

    /// Does everything that the checkpoints' run directories do not hold yet, and makes the planes, paths
    /// and figures. `stop` ends it between two samples; the same series goes on from there.
    ///
    /// # Errors
    /// As for a run; [`Error::Setting`] for fewer than two checkpoints, and where one has other layers than
    /// the first, naming both.
    pub fn finish(&self, told: &mut Told<'_>, stop: &AtomicBool) -> Result<FinishedSeries, Error> {
        let out = self.config.out.as_deref();
        let out = out.ok_or_else(|| Error::Setting("--out is missing".to_string()))?;
        let mut options = self.check()?;
        let members = self.members()?;
        self.check_layers(&members)?;

        let (swept, ranges) = self.measure_all(out, &members, &options, told, stop)?;
        let resolution =
            common_resolution(&options, &swept).ok_or(Error::Plane(PlaneError::NoResolutions))?;
        options.tau = Some(resolution.tau);
        options.ranges = ranges;
        let planes = self.plane_all(out, &members, (&options, &swept), told)?;
        self.write(out, (resolution, options.ranges), planes)
    }

    /// Every checkpoint's vectors, swept over τ, and the ranges of all of them.
    fn measure_all(
        &self,
        out: &Path,
        members: &[Member],
        options: &PlaneOptions,
        told: &mut Told<'_>,
        stop: &AtomicBool,
    ) -> Result<(Sweeps, Vec<VectorRange>), Error> {
        let mut swept = Vec::with_capacity(members.len());
        let mut first: Option<(Vec<u64>, Vec<VectorRange>)> = None;
        for (index, member) in members.iter().enumerate() {
            let mut told = at(index, members, told);
            let measured = self.measure(out, member, options, &mut told, stop)?;
            match &mut first {
                None => first = Some((measured.indices, measured.ranges)),
                Some((indices, _)) if *indices != measured.indices => {
                    return Err(other_samples(&members[0], member));
                }
                Some((_, ranges)) => widen(ranges, &measured.ranges),
            }
            swept.push((member.name.clone(), measured.swept));
        }
        Ok((swept, first.map_or_else(Vec::new, |(_, ranges)| ranges)))
    }

    /// Every checkpoint's plane and report at the τ of the options.
    fn plane_all(
        &self,
        out: &Path,
        members: &[Member],
        (options, swept): (&PlaneOptions, &[(String, Swept)]),
        told: &mut Told<'_>,
    ) -> Result<Planes, Error> {
        let groups = groups(&self.config)?;
        let (mut infos, mut checkpoints, mut last) = (Vec::new(), Vec::new(), None);
        for (index, (member, (_, swept))) in members.iter().zip(swept).enumerate() {
            let mut told = at(index, members, told);
            let dir = out.join(&member.run);
            let stored = RunDir::open_exclusively(&dir)?;
            let with = (options, Some(swept));
            let groups = groups.as_ref();
            let (finished, halves) =
                plane_of(&stored, &dir, &self.config, groups, with, &mut told)?;
            infos.push(CheckpointInfo {
                name: member.name.clone(),
                run: member.run.clone(),
                sha256: stored.manifest().model.sha256.clone(),
                accuracy: finished.plane.accuracy,
            });
            checkpoints.push(Checkpoint {
                name: member.name.clone(),
                rows: finished.plane.rows.clone(),
                halves,
            });
            last = Some(finished);
        }
        Ok(Planes {
            infos,
            checkpoints,
            last: last.ok_or(Error::Plane(PlaneError::NoLayers))?,
        })
    }

    fn write(
        &self,
        out: &Path,
        (resolution, ranges): (Resolution, Vec<VectorRange>),
        planes: Planes,
    ) -> Result<FinishedSeries, Error> {
        let Planes {
            infos,
            checkpoints,
            last,
        } = planes;
        let result = SeriesResult {
            format: SERIES_FORMAT,
            n: last.plane.n,
            label: last.plane.label.clone(),
            target: last.plane.target.clone(),
            order: self.order,
            tau: resolution.tau,
            flagged: resolution.flagged,
            reason: resolution.reason,
            checkpoints: infos,
            ranges,
            paths: paths(&checkpoints)?,
        };
        write_series(out, &result)?;
        let figures = write_series_figures(out, &result)?;
        let report = write_series_report(out, &result)?;
        Ok(FinishedSeries {
            result,
            report,
            figures,
            n_skipped: last.skipped.len(),
        })
    }

    /// Settings that can be refused before anything is opened.
    fn check(&self) -> Result<PlaneOptions, Error> {
        if self.config.shard.is_some() || self.config.ablate || !self.config.controls.is_empty() {
            return Err(Error::Setting(
                "a series takes no shard, no ablation and no controls; run a checkpoint by itself for those"
                    .to_string(),
            ));
        }
        let asked = against(&self.config)?;
        if asked.contains(&infoplane_plane::Against::Group) && self.config.groups.is_none() {
            return Err(PlaneError::NoGroups.into());
        }
        groups(&self.config)?;
        plane_options(&self.config)
    }

    /// The checkpoints in training order, with their names and directories.
    fn members(&self) -> Result<Vec<Member>, Error> {
        let mut sources = self.sources.clone();
        if sources.len() < 2 {
            return Err(Error::Setting(format!(
                "a series of {}; at least 2 checkpoints are needed. One network alone is for `infoplane run`",
                match sources.first() {
                    Some(source) => format!("one checkpoint, {}", source.path().display()),
                    None => "no checkpoint".to_string(),
                }
            )));
        }
        if self.order == SeriesOrder::Natural {
            sources.sort_by(|a, b| order::natural(a.path(), b.path()));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = sources.iter().find(|source| !seen.insert(source.path())) {
            return Err(Error::Setting(format!(
                "the checkpoint {} is given twice",
                twice.path().display()
            )));
        }
        let stem = |source: &Source| {
            let stem = source.path().file_stem();
            stem.map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
        };
        let stems: HashSet<String> = sources.iter().map(stem).collect();
        let telling = stems.len() == sources.len();
        let members = sources.iter().enumerate().map(|(index, source)| Member {
            name: match telling {
                true => stem(source),
                false => source.path().display().to_string(),
            },
            run: format!("checkpoints/{index:03}-{}", stem(source)),
            source: source.clone(),
        });
        Ok(members.collect())
    }

    /// Opens each checkpoint in turn, to refuse a series of different networks before the first sweep.
    fn check_layers(&self, members: &[Member]) -> Result<(), Error> {
        let mut first: Option<Run> = None;
        for member in members {
            let run = self.prepare(member)?;
            match &first {
                None => first = Some(run),
                Some(first) => same_layers((&members[0], first), (member, &run))?,
            }
        }
        Ok(())
    }

    fn prepare(&self, member: &Member) -> Result<Run, Error> {
        let mut config = self.config.clone();
        match &member.source {
            Source::Model(path) => config.model = Some(path.clone()),
            Source::Weights(path) => config.weights = Some(path.clone()),
            Source::Embedded(index) => return demo::prepare_checkpoint(*index, &config),
        }
        Run::prepare(&config)
    }

    /// The vectors of a checkpoint, swept over τ.
    fn measure(
        &self,
        out: &Path,
        member: &Member,
        options: &PlaneOptions,
        told: &mut dyn FnMut(&Progress),
        stop: &AtomicBool,
    ) -> Result<Measured, Error> {
        let run = self.prepare(member)?;
        let stored = run.attribute(&out.join(&member.run), told, stop)?;
        let groups = groups(&self.config)?;
        let input = plane_input(&stored, &self.config, groups.as_ref())?;
        let ranges = match options.wants_ranges()? {
            true => range_of(&input)?,
            false => Vec::new(),
        };
        Ok(Measured {
            swept: sweep(&input, options, told)?,
            ranges,
            indices: stored.indices()?,
        })
    }
}

fn sweep(
    input: &PlaneInput<'_>,
    options: &PlaneOptions,
    told: &mut dyn FnMut(&Progress),
) -> Result<Swept, Error> {
    let told = std::cell::RefCell::new(told);
    Ok(sweep_resolutions(input, options, &|step| {
        (told.borrow_mut())(&Progress::of(Phase::Resolution, step.done, step.total));
    })?)
}

/// Passes progress on with the checkpoint that it is of.
fn at<'a>(
    checkpoint: usize,
    members: &'a [Member],
    told: &'a mut Told<'_>,
) -> impl FnMut(&Progress) + 'a {
    move |progress| {
        told(&SeriesProgress {
            checkpoint,
            n_checkpoints: members.len(),
            name: &members[checkpoint].name,
            progress: *progress,
        });
    }
}

fn widen(ranges: &mut [VectorRange], by: &[VectorRange]) {
    for (range, other) in ranges.iter_mut().zip(by) {
        *range = range.with(other);
    }
}

fn same_layers(
    (first, expected): (&Member, &Run),
    (member, found): (&Member, &Run),
) -> Result<(), Error> {
    let key = |run: &Run| -> Vec<(String, usize)> {
        let layers = run.layers().iter();
        layers
            .map(|layer| (layer.name.clone(), layer.n_channels()))
            .collect()
    };
    let (expected, found) = (key(expected), key(found));
    let lacks = |one: &[(String, usize)], other: &[(String, usize)]| {
        let known: HashSet<&(String, usize)> = other.iter().collect();
        one.iter().find(|layer| !known.contains(layer)).cloned()
    };
    let shown = |member: &Member| member.source.path().display().to_string();
    let (there, here) = (shown(first), shown(member));
    let said = match (lacks(&expected, &found), lacks(&found, &expected)) {
        (Some((layer, n)), _) => {
            format!("{here} has no layer `{layer}` of {n} channels, which {there} has")
        }
        (None, Some((layer, n))) => {
            format!("{here} has a layer `{layer}` of {n} channels, which {there} lacks")
        }
        (None, None) if expected != found => {
            format!("{here} has the layers of {there} in another order")
        }
        (None, None) => return Ok(()),
    };
    Err(Error::Setting(format!(
        "{said}. The checkpoints of a series must have the same layers; --layers chooses those that all have"
    )))
}

fn other_samples(first: &Member, member: &Member) -> Error {
    Error::Setting(format!(
        "the samples that could be analysed at {} are not those of {}; paths need the same ones at every checkpoint. Leave out those that `infoplane run` skips",
        member.name, first.name
    ))
}
