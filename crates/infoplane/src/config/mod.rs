//! What a user may set, and what becomes of it.

use std::path::PathBuf;

use infoplane_graph::nearest;
use infoplane_plane::ControlKind;
use infoplane_store::Shard;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::maps::MAX_KEPT_MAPS;
use crate::names::unknown;

mod attribution;
mod data;

pub(crate) use attribution::{baseline_name, quadrature_json, target_name};

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
    /// The inner value in whose space the path to a sample runs, by name; the input by default.
    pub path_at: Option<String>,
    /// The baseline of a network that takes token ids: this id at every position.
    pub baseline_token: Option<u32>,
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
    /// A name that [`infoplane_data::Preprocess::preset`] takes.
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
    /// `order`, `index`, `wnid` or `name` (see [`infoplane_data::ClassMap`]), or a file of class names or
    /// of a mapping.
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
