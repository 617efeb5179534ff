//! What a user may set, and what becomes of it.

use std::path::PathBuf;

use infoplane_attribution::{
    AdaptiveRule, Baseline, DEFAULT_KNEE, GaussianBlur, INITIAL_STEPS, Quadrature, QuadratureName,
    Target,
};
use infoplane_data::{
    ClassMap, Colours, DataOptions, ImageShape, Interpolation, Preprocess, Selection, TableOptions,
};
use infoplane_graph::nearest;
use infoplane_plane::ControlKind;
use infoplane_store::Shard;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::maps::MAX_KEPT_MAPS;
use crate::model::LayerChoice;
use crate::names::unknown;

/// The settings of a run as a person gives them, on the command line or in a file; everything has a
/// default except the model and the data.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunConfig {
    /// The network: an `.onnx` file, the name of a torchvision architecture, or `hf:OWNER/NAME`.
    pub model: Option<PathBuf>,
    /// The weights of a torchvision architecture: a `.safetensors` or `.pth` file, or `hf:OWNER/NAME`.
    pub weights: Option<PathBuf>,
    /// The samples, in any form that [`infoplane_data::open`] takes.
    pub data: Option<PathBuf>,
    /// The run directory.
    pub out: Option<PathBuf>,
    /// Layers by name; outputs of blocks where empty.
    pub layers: Vec<String>,
    /// `predicted`, `label` or the index of an output unit.
    pub target: Option<String>,
    /// `zero`, `black`, `mean`, `blur`, or `input` (an array given beside the inputs).
    pub baseline: Option<String>,
    /// σ of the baseline `blur`, in pixels; a twentieth of the shorter side by default.
    pub blur_sigma: Option<f64>,
    /// `adaptive`, `hyperbolic`, `graded`, `trapezoid` or `captum`.
    pub quadrature: Option<String>,
    /// Intervals of a fixed quadrature.
    pub steps: Option<usize>,
    /// Exponent of the graded mesh.
    pub power: Option<f64>,
    /// Knee of the hyperbolic mesh.
    pub knee: Option<f64>,
    /// Relative completeness error at which the adaptive quadrature stops.
    pub tolerance: Option<f64>,
    /// Most intervals of the adaptive quadrature.
    pub max_steps: Option<usize>,
    /// A name that [`Preprocess::preset`] takes.
    pub preset: Option<String>,
    /// Shorter side to resize to, in pixels.
    pub resize: Option<u32>,
    /// `bilinear`, `bicubic` or `nearest`.
    pub interpolation: Option<String>,
    /// Side of the central crop, in pixels.
    pub crop: Option<u32>,
    /// What 8-bit values are divided by before the mean is subtracted; 255 for values in [0, 1].
    pub scale: Option<f32>,
    /// Mean of each colour channel, red first, of scaled values; one number for all.
    pub mean: Option<Vec<f32>>,
    /// Standard deviation of each colour channel; one number for all.
    pub std: Option<Vec<f32>>,
    /// Channels in the order blue, green, red.
    pub bgr: bool,
    /// `order`, `index`, `wnid` or `name` (see [`ClassMap`]), or a file of class names or of a mapping.
    pub classes: Option<PathBuf>,
    /// A list of labels for images without class folders.
    pub labels: Option<PathBuf>,
    /// The column of labels in a table.
    pub label_column: Option<String>,
    /// Columns of a table that are the network's input, in its order; all but the label's where empty.
    pub features: Vec<String>,
    /// `data`, or a table of `feature`, `mean` and `std`: what the features of a table are standardised by.
    pub standardise: Option<String>,
    /// `FILE.csv:COLUMN`: maps class indices to coarse groups.
    pub groups: Option<String>,
    /// Labels that the plane is made against, the first for its own rows: `label`, `groups`, `predicted`.
    /// Default `groups` where they are given, else `label`.
    pub against: Vec<String>,
    /// Families of estimators that rows are made for beside `gaussian-channel`.
    pub estimators: Vec<String>,
    /// At most this many samples, spread evenly.
    pub limit: Option<usize>,
    /// At most this many samples of each class, spread evenly.
    pub per_class: Option<usize>,
    /// Draw the samples of `limit` and `per_class` at random by the seed.
    pub shuffle: bool,
    /// Only kernels that add up products as they stand, and every path node from its input.
    pub exact: bool,
    /// Fail on an unreadable sample instead of skipping it.
    pub strict: bool,
    /// Ablate layers after the sweep, with default settings.
    pub ablate: bool,
    /// Controls to make, by name (see [`crate::ControlKind`]); `all` for every one.
    pub controls: Vec<String>,
    /// Samples of each control, spread evenly; 500 by default.
    pub control_samples: Option<usize>,
    /// Kinds of file that figures are written as, by name (see [`crate::FigureFormat`]); all of them where empty.
    pub figure_formats: Vec<String>,
    /// Samples of which maps are kept for the report ([`crate::MAX_KEPT_MAPS`] at most); none by default.
    pub keep_maps: Option<usize>,
    /// Only the parts of this shard, and no plane; no part of what makes the run the run it is.
    pub shard: Option<Shard>,
    /// Channel noise relative to a layer's standard deviation; chosen automatically by default.
    pub tau: Option<f64>,
    /// Seed of everything random.
    pub seed: Option<u64>,
    /// Worker threads; as many as there are processors by default.
    pub threads: Option<usize>,
}

/// Steps of a fixed quadrature where none are given.
pub const DEFAULT_STEPS: usize = 16;
/// Steps of `captum` where none are given: Captum's own default.
pub const DEFAULT_CAPTUM_STEPS: usize = 50;
/// Power of the graded mesh.
pub const DEFAULT_POWER: f64 = 2.0;
/// The shorter side of an image over the σ of the baseline `blur`.
pub const DEFAULT_BLUR: f64 = 20.0;
/// Relative completeness error at which the adaptive quadrature stops.
pub const DEFAULT_TOLERANCE: f64 = 0.02;
/// Most intervals of the adaptive quadrature.
pub const DEFAULT_MAX_STEPS: usize = 64;
/// Samples of each control.
pub const DEFAULT_CONTROL_SAMPLES: usize = 500;
/// Fewest of them.
const LEAST_CONTROL_SAMPLES: usize = 20;
/// Seed of everything random.
pub const DEFAULT_SEED: u64 = 0;

impl RunConfig {
    /// Reads a TOML file.
    pub fn from_toml(text: &str, name: &str) -> Result<RunConfig, Error> {
        toml::from_str(text).map_err(|error| {
            let said = error.to_string();
            let meant = meant_key(&said).map(|key| format!(" (nearest: `{key}`)"));
            Error::Setting(format!(
                "{name}: {}{}",
                said.trim_end(),
                meant.unwrap_or_default()
            ))
        })
    }

    /// The quadrature that is asked for. `default` is the rule where none is named.
    pub fn quadrature(&self, default: QuadratureName) -> Result<Quadrature, Error> {
        let name = match &self.quadrature {
            Some(name) => name.parse().map_err(|_| {
                let known = [
                    "adaptive",
                    "hyperbolic",
                    "graded",
                    "trapezoid",
                    "uniform",
                    "captum",
                ];
                let there_are =
                    "adaptive, hyperbolic, graded, trapezoid (also called uniform) and captum";
                unknown("quadrature", name, &known, there_are)
            })?,
            None if self.steps.is_some() => QuadratureName::Graded,
            None => default,
        };
        let unused = |given: bool, option: &str| {
            if given {
                Err(Error::Setting(format!(
                    "--{option} does not apply to the quadrature {}",
                    self.quadrature.as_deref().unwrap_or("that was chosen")
                )))
            } else {
                Ok(())
            }
        };
        let adaptive = name == QuadratureName::Adaptive;
        unused(adaptive && self.steps.is_some(), "steps")?;
        unused(!adaptive && self.tolerance.is_some(), "tolerance")?;
        unused(!adaptive && self.max_steps.is_some(), "max-steps")?;
        unused(
            name != QuadratureName::Graded && self.power.is_some(),
            "power",
        )?;
        unused(
            name != QuadratureName::Hyperbolic && self.knee.is_some(),
            "knee",
        )?;
        let steps = self.steps.unwrap_or(DEFAULT_STEPS);
        let quadrature = match name {
            QuadratureName::Trapezoid => Quadrature::Trapezoid { steps },
            QuadratureName::Graded => Quadrature::Graded {
                steps,
                power: self.power.unwrap_or(DEFAULT_POWER),
            },
            QuadratureName::Hyperbolic => Quadrature::Hyperbolic {
                steps,
                knee: self.knee.unwrap_or(DEFAULT_KNEE),
            },
            QuadratureName::Captum => Quadrature::Captum {
                steps: self.steps.unwrap_or(DEFAULT_CAPTUM_STEPS),
            },
            QuadratureName::Adaptive => Quadrature::Adaptive(AdaptiveRule {
                tolerance: self.tolerance.unwrap_or(DEFAULT_TOLERANCE),
                max_steps: self.max_steps.unwrap_or(DEFAULT_MAX_STEPS),
            }),
        };
        quadrature.validate()?;
        Ok(quadrature)
    }

    /// The target that is asked for.
    pub fn target(&self) -> Result<Target, Error> {
        match self.target.as_deref() {
            None | Some("predicted") => Ok(Target::Predicted),
            Some("label") => Ok(Target::Label),
            Some("input") => Ok(Target::Given),
            Some(index) => index.parse().map(Target::Index).map_err(|_| {
                let known = ["predicted", "label", "input"];
                let there_are = "predicted, label, input (the array `target` of --inputs) and the index of an output unit";
                unknown("target", index, &known, there_are)
            }),
        }
    }

    /// The baseline that is asked for, for samples of `sample_shape` preprocessed like this. `input`
    /// is for callers that have such an array.
    pub fn baseline(
        &self,
        sample_shape: &[usize],
        preprocess: Option<&Preprocess>,
    ) -> Result<Baseline, Error> {
        let blur = self.baseline.as_deref() == Some("blur");
        if self.blur_sigma.is_some() && !blur {
            return Err(Error::Setting(
                "--blur-sigma is for the baseline `blur`".to_string(),
            ));
        }
        match self.baseline.as_deref() {
            None | Some("zero") => Ok(Baseline::Zero),
            Some("blur") => {
                let Some(image) = ImageShape::of(sample_shape) else {
                    return Err(Error::Setting(format!(
                        "the baseline `blur` needs samples of channels × height × width, not {sample_shape:?}"
                    )));
                };
                let side = image.height.min(image.width) as f64;
                let sigma = self.blur_sigma.unwrap_or(side / DEFAULT_BLUR);
                if !(sigma > 0.0 && sigma <= side) {
                    return Err(Error::Setting(format!(
                        "a blur of {sigma} pixels; above 0 and at most {side} are allowed here"
                    )));
                }
                let blur = GaussianBlur::new([image.channels, image.height, image.width], sigma);
                Ok(Baseline::Blur(match image.channels_last {
                    true => blur.with_channels_last(),
                    false => blur,
                }))
            }
            Some("black") => {
                let Some(preprocess) = preprocess else {
                    return Err(Error::Setting(
                        "the baseline `black` needs images as data; for arrays there are `zero`, `blur` and, in `attribute`, `input`"
                            .to_string(),
                    ));
                };
                Ok(Baseline::Fixed {
                    name: "black".to_string(),
                    row: preprocess.black(sample_shape.iter().product()),
                })
            }
            Some("mean") => Err(Error::Setting(
                "the baseline `mean` is for runs over a data set; `attribute` takes a mean as the array `baseline` of its inputs, with --baseline input"
                    .to_string(),
            )),
            Some(other) => {
                let known = ["zero", "black", "mean", "blur", "input"];
                let there_are = "zero (in the network's normalised input space: mean grey), black, mean (of the samples), blur (each sample blurred) and, in `attribute`, input (the array `baseline` of --inputs)";
                Err(unknown("baseline", other, &known, there_are))
            }
        }
    }

    /// The controls that are asked for, in the order in which they are made.
    pub fn control_kinds(&self) -> Result<Vec<ControlKind>, Error> {
        let mut kinds = Vec::new();
        for name in &self.controls {
            match ControlKind::from_name(name) {
                Some(kind) => kinds.push(kind),
                None if name == "all" => kinds.extend(ControlKind::ALL),
                None => {
                    let known = ControlKind::ALL.map(ControlKind::name);
                    let there_are = format!("{}, and all", known.join(", "));
                    return Err(unknown("control", name, &known, &there_are));
                }
            }
        }
        kinds.sort_unstable();
        kinds.dedup();
        Ok(kinds)
    }

    /// Samples of each control.
    pub fn n_control_samples(&self) -> Result<usize, Error> {
        match self.control_samples {
            Some(n) if n < LEAST_CONTROL_SAMPLES => Err(Error::Setting(format!(
                "--control-samples {n}: at least {LEAST_CONTROL_SAMPLES} are needed"
            ))),
            Some(n) => Ok(n),
            None => Ok(DEFAULT_CONTROL_SAMPLES),
        }
    }

    /// Samples of which maps are kept.
    pub fn n_kept_maps(&self) -> Result<usize, Error> {
        match self.keep_maps.unwrap_or(0) {
            n if n > MAX_KEPT_MAPS => Err(Error::Setting(format!(
                "--keep-maps {n}: maps of 0 (none) to {MAX_KEPT_MAPS} samples can be kept"
            ))),
            0 => Ok(0),
            _ if self.shard.is_some() => Err(Error::Setting(
                "maps are kept of samples chosen from the whole run, so no shard can make them; leave --keep-maps out here (or set it to 0), and give it to the command without --shard once the parts are together".to_string(),
            )),
            n => Ok(n),
        }
    }

    /// The layers that are asked for.
    pub fn layer_choice(&self) -> LayerChoice {
        if self.layers.is_empty() {
            LayerChoice::Default
        } else {
            LayerChoice::Named(self.layers.clone())
        }
    }

    /// The preprocessing of images for a network whose samples have the dimensions `dims`, free ones being
    /// none: the preset, or the one that suits the network, with what is set by itself put over it.
    pub fn preprocess(&self, dims: &[Option<usize>]) -> Result<Preprocess, Error> {
        let mut preprocess = match &self.preset {
            Some(name) => Preprocess::preset(name)?,
            None => self.usual_preprocess(dims)?,
        };
        if let Some(side) = self.resize {
            preprocess.resize = (side > 0).then_some(side);
        }
        if let Some(name) = &self.interpolation {
            preprocess.interpolation = name.parse::<Interpolation>().map_err(|_| {
                let known = ["bilinear", "bicubic", "nearest"];
                unknown(
                    "interpolation",
                    name,
                    &known,
                    "bilinear, bicubic and nearest",
                )
            })?;
        }
        if let Some(side) = self.crop {
            preprocess.crop = (side > 0).then_some(side);
        }
        preprocess.scale = self.scale.unwrap_or(preprocess.scale);
        if self.bgr {
            preprocess.colours = Colours::Bgr;
        }
        preprocess.fit(dims);
        let is_grey = preprocess.colours == Colours::Grey;
        if is_grey && self.bgr {
            return Err(Error::Setting(
                "--bgr is for colour images, and the network's input has one channel".to_string(),
            ));
        }
        for (name, given, channels) in [
            ("mean", &self.mean, &mut preprocess.mean),
            ("std", &self.std, &mut preprocess.std),
        ] {
            match given.as_deref() {
                None => {}
                Some(&[one]) => *channels = [one; 3],
                Some(&[red, green, blue]) if !is_grey => *channels = [red, green, blue],
                Some(values) => {
                    let allowed = if is_grey { "1 is" } else { "1 or 3 are" };
                    return Err(Error::Setting(format!(
                        "--{name} has {} numbers; for the channels of this network's input {allowed} needed",
                        values.len()
                    )));
                }
            }
            if is_grey && channels.iter().any(|value| *value != channels[0]) {
                return Err(Error::Setting(format!(
                    "the preset has a {name} for each of three colours, and the network's input has one channel; choose --preset mnist or none, or give --{name} with one number"
                )));
            }
        }
        preprocess.validate()?;
        Ok(preprocess)
    }

    /// The preprocessing where none is named: torchvision's own of an architecture, nothing but x/255 for
    /// grey images, and else by the size of the input.
    fn usual_preprocess(&self, dims: &[Option<usize>]) -> Result<Preprocess, Error> {
        let architecture = self.weights.as_ref().and(self.model.as_deref());
        let of_network = architecture
            .and_then(std::path::Path::to_str)
            .and_then(Preprocess::of_network);
        if let Some(preprocess) = of_network {
            return Ok(preprocess);
        }
        let mut none = Preprocess::preset("none")?;
        none.fit(dims);
        if none.colours == Colours::Grey {
            return Ok(none);
        }
        Ok(match dims {
            [Some(3), Some(32), Some(32)] | [Some(32), Some(32), Some(3)] | [Some(3072)] => {
                Preprocess::preset("cifar10")?
            }
            _ => Preprocess::default(),
        })
    }

    /// Which samples are taken.
    pub fn selection(&self) -> Selection {
        Selection {
            limit: self.limit,
            per_class: self.per_class,
            shuffle: self.shuffle.then(|| self.seed.unwrap_or(DEFAULT_SEED)),
        }
    }

    /// How the data are read, but for what the network says of them.
    pub(crate) fn data_options(&self, preprocess: Preprocess) -> Result<DataOptions, Error> {
        Ok(DataOptions {
            preprocess,
            class_map: match &self.classes {
                Some(argument) => ClassMap::from_argument(argument)?,
                None => ClassMap::Auto,
            },
            labels: self.labels.clone(),
            label_column: self.label_column.clone(),
            selection: self.selection(),
            table: TableOptions {
                features: self.features.clone(),
                mean: self.mean.clone(),
                std: self.std.clone(),
                standardise: match &self.standardise {
                    // It can't fail: what is not `data` is a file.
                    Some(from) => from.parse().ok(),
                    None => None,
                },
            },
            ..DataOptions::default()
        })
    }

    /// Refuses settings that the data, of this kind, have no use for.
    pub(crate) fn check_data_kind(&self, kind: &str) -> Result<(), Error> {
        let of_images = [
            ("preset", self.preset.is_some()),
            ("resize", self.resize.is_some()),
            ("interpolation", self.interpolation.is_some()),
            ("crop", self.crop.is_some()),
            ("scale", self.scale.is_some()),
            ("bgr", self.bgr),
        ];
        let of_numbers = [("mean", self.mean.is_some()), ("std", self.std.is_some())];
        let of_tables = [
            ("features", !self.features.is_empty()),
            ("standardise", self.standardise.is_some()),
        ];
        let first = |settings: &[(&'static str, bool)]| {
            let mut settings = settings.iter();
            settings.find(|(_, given)| *given).map(|(name, _)| *name)
        };
        let (useless, what) = match kind {
            "table" => (first(&of_images), "images"),
            "npy" | "npz" => match first(&of_tables) {
                None => (first(&of_images).or(first(&of_numbers)), "images"),
                found => (found, "tables of features"),
            },
            _ => (first(&of_tables), "tables of features"),
        };
        match useless {
            Some(option) => Err(Error::Setting(format!(
                "--{option} is for {what}, and the data are another kind: {kind}"
            ))),
            None => Ok(()),
        }
    }

    /// What of the settings of the data, of this kind, determines a run besides the data themselves, for
    /// `run.json`: the limit always, the rest where it is set.
    pub(crate) fn data_json(&self, kind: &str) -> serde_json::Map<String, serde_json::Value> {
        let mut settings = serde_json::Map::new();
        settings.insert("limit".into(), self.limit.into());
        if let Some(per_class) = self.per_class {
            settings.insert("per_class".into(), per_class.into());
        }
        if self.shuffle {
            settings.insert("shuffle".into(), true.into());
        }
        if let Some(column) = &self.label_column {
            settings.insert("label_column".into(), column.as_str().into());
        }
        if kind == "table" {
            if !self.features.is_empty() {
                settings.insert("features".into(), serde_json::json!(self.features));
            }
            for (key, values) in [("mean", &self.mean), ("std", &self.std)] {
                if let Some(values) = values {
                    settings.insert(key.into(), serde_json::json!(values));
                }
            }
            if let Some(from) = &self.standardise {
                settings.insert("standardise".into(), from.as_str().into());
            }
        }
        settings
    }

    /// Number of worker threads.
    pub fn n_threads(&self) -> Result<usize, Error> {
        match self.threads {
            Some(0) => Err(Error::Setting(
                "--threads 0: at least 1 is needed".to_string(),
            )),
            Some(n) if n > 1024 => Err(Error::Setting(format!(
                "--threads {n}: at most 1024 are allowed"
            ))),
            Some(n) => Ok(n),
            None => Ok(crate::hardware::n_cpus()),
        }
    }
}

/// The key that a person may have meant, where a message is of an unknown one and names those there are.
fn meant_key(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("unknown field `")?;
    // What is quoted stands between every other pair of back quotes: first the unknown one.
    let mut quoted = rest.split('`').step_by(2);
    let given = quoted.next()?;
    nearest(given, quoted).into_iter().next()
}

/// The name of a target, for `run.json` and the report.
pub(crate) fn target_name(target: Target) -> String {
    match target {
        Target::Predicted => "predicted".to_string(),
        Target::Label => "label".to_string(),
        Target::Given => "input".to_string(),
        Target::Index(index) => index.to_string(),
    }
}

/// The name of a baseline with its parameters, for `run.json` and the terminal.
pub(crate) fn baseline_name(baseline: &Baseline) -> String {
    match baseline {
        Baseline::Blur(blur) => format!("blur (σ {} pixels)", blur.sigma()),
        _ => baseline.name().to_string(),
    }
}

/// The quadrature with all its parameters, for `run.json`.
pub(crate) fn quadrature_json(quadrature: &Quadrature) -> serde_json::Value {
    match quadrature {
        Quadrature::Trapezoid { steps } => {
            serde_json::json!({"rule": "trapezoid", "steps": steps})
        }
        Quadrature::Graded { steps, power } => {
            serde_json::json!({"rule": "graded", "steps": steps, "power": power})
        }
        Quadrature::Hyperbolic { steps, knee } => {
            serde_json::json!({"rule": "hyperbolic", "steps": steps, "knee": knee})
        }
        Quadrature::Captum { steps } => serde_json::json!({"rule": "captum", "steps": steps}),
        Quadrature::Adaptive(rule) => serde_json::json!({
            "rule": "adaptive",
            "tolerance": rule.tolerance,
            "max_steps": rule.max_steps,
            "initial_steps": INITIAL_STEPS,
            "knee": DEFAULT_KNEE,
        }),
    }
}
