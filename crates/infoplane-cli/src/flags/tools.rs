//! Flags of the commands that look at a network, its data or any variables, and keep no run.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::{ImageArgs, NetworkArgs};

#[derive(Debug, Args)]
pub struct LayersArgs {
    /// The network: the same as --model
    #[arg(
        value_name = "MODEL",
        conflicts_with = "model",
        required_unless_present = "model"
    )]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where paths run at an inner value (see `run --help`): its name
    #[arg(long, value_name = "VALUE")]
    pub path_at: Option<String>,
    /// List every layer, not only those that are analysed by default
    #[arg(long)]
    pub all: bool,
    /// Show the compiled plan instead: steps, kernels, bytes, operations
    #[arg(long)]
    pub plan: bool,
    /// With --plan: measure each step on this machine, milliseconds a row forward and backward
    #[arg(long, requires = "plan")]
    pub time: bool,
    /// With --plan: direct kernels only, as `run --exact`
    #[arg(long, requires = "plan")]
    pub exact: bool,
    /// Shape of one sample where the network leaves it free, as 3,224,224
    #[arg(long, value_name = "C,H,W", value_delimiter = ',')]
    pub input_shape: Vec<usize>,
    /// Print the table as JSON
    #[arg(long)]
    pub json: bool,
}

/// What `doctor` says behind its flags.
const DOCTOR_HELP: &str = "\
What it looks at: of the network its file, operators (all that are not supported at once), input, output, size,
layers, and whether batches mix samples; of the data its form, classes and labels, preprocessing, shape, and 32
samples spread over it; of both one attribution with its completeness error, whether the network classifies the
samples as they are labelled, and about how long a run takes and how much memory. Nothing is written.

How to read it: ✓ as it should be, ! can be run but read this first, ✗ can't be run. Exit code: 0 where it can be
run, 2 where it can't.

Examples:
  infoplane doctor net.onnx
  infoplane doctor net.onnx imagenet/val
  infoplane doctor resnet50 imagenet/val --weights hf:timm/resnet50.tv_in1k";

#[derive(Debug, Args)]
#[command(after_help = DOCTOR_HELP)]
pub struct DoctorArgs {
    /// The network: as --model of `run`
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// The samples: as --data of `run`
    #[arg(value_name = "DATA")]
    pub data: Option<PathBuf>,
    /// The weights of a torchvision architecture: as for `run`
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Shape of one sample where the network leaves it free and there is no data, as 3,224,224
    #[arg(long, value_name = "C,H,W", value_delimiter = ',')]
    pub input_shape: Vec<usize>,
    #[command(flatten)]
    pub images: ImageArgs,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(mut_arg("model", |arg| arg.required(true)))]
pub struct PredictArgs {
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Preprocessed samples: an .npy, or an .npz with `input`
    #[arg(long, value_name = "FILE")]
    pub inputs: PathBuf,
    /// The archive to write: logits, predicted
    #[arg(long, value_name = "OUT.npz")]
    pub raw: PathBuf,
    /// Print the predictions as JSON
    #[arg(long)]
    pub json: bool,
}

/// What `mi` says behind its flags.
const MI_HELP: &str = "\
Variables: FILE, FILE:KEY or FILE:COLUMN,COLUMN with .npy, .npz, .csv, .tsv or .parquet; rows are
samples. Text, booleans, and whole numbers of which each occurs five times on average are classes;
everything else is numbers (--x-kind and --y-kind overrule this).

Estimators and their scale, over which --sweep goes:
  gaussian-channel  what passes a Gaussian channel of noise tau; the plane's own (tau)
  kde               pairwise bounds of Gaussian mixtures, Kolchinsky and Tracey 2017 (tau)
  ksg1, ksg2        nearest neighbours, vectors with vectors, Kraskov et al. 2004 (k)
  ksg-extrapolated  ksg1 at two numbers of neighbours, extrapolated to none (far)
  ross              nearest neighbours, vectors with classes, Ross 2014 (k)
  gao               nearest neighbours, mixed and repeated values, Gao et al. 2017 (k)
  renyi             matrix-based entropy of kernels, Sanchez Giraldo et al. 2015 (width)
  binned            counts in a partition with a correction (bins)
  gaussian          closed form of Gaussian vectors: the linear reference
  sliced            neighbours in random projections, Goldfeld and Greenewald 2021 (dimensions)
  infonce           lower bound by telling partners from others, van den Oord et al. 2018
  probe             H(Y) less the held-out cross-entropy of a classifier; classes only
  latent            neighbours among learned codes, Gowri et al. 2024 (dimensions)
`auto` takes one by what the variables are.

Examples:
  infoplane mi data.csv:height data.csv:weight
  infoplane mi vectors.npz:conductance labels.npy --estimator ross --set k=5
  infoplane mi runs/net/samples/part-00000.parquet:conductance/layer4 labels.npy --sweep";

#[derive(Debug, Args)]
#[command(after_help = MI_HELP)]
pub struct MiArgs {
    /// The first variable
    pub x: String,
    /// The second variable
    pub y: String,
    /// How to take the first variable
    #[arg(long, value_enum, default_value_t = KindArg::Auto)]
    pub x_kind: KindArg,
    /// How to take the second variable
    #[arg(long, value_enum, default_value_t = KindArg::Auto)]
    pub y_kind: KindArg,
    /// The estimator; `auto` chooses by the data, `ksg` is `ross` where a side is classes, else `ksg1`
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub estimator: String,
    /// A parameter of the estimator; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Estimates over the estimator's scale: these values, or a range that suits it
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 0.., require_equals = true)]
    pub sweep: Option<Vec<f64>>,
    /// Permutations behind the null; 0 for none [default: as suits the estimator's cost]
    #[arg(long, value_name = "N")]
    pub null: Option<usize>,
    /// Random halves of the samples behind the 95 % interval; 0 for none [default: as suits the
    /// estimator's cost]
    #[arg(long, value_name = "N")]
    pub subsamples: Option<usize>,
    /// Unit of every figure
    #[arg(long, value_enum, default_value_t = UnitArg::Bits)]
    pub units: UnitArg,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Leave out samples in which a value is missing or not finite, instead of refusing them
    #[arg(long)]
    pub drop_missing: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindArg {
    /// By its values
    Auto,
    /// Vectors of numbers
    Numbers,
    /// Classes
    Classes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnitArg {
    /// log₂
    Bits,
    /// Natural logarithm
    Nats,
}

#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// Only the estimators: their error on tasks of known truth
    #[arg(long)]
    pub mi: bool,
    /// 10 000 samples and ten draws of every task, instead of 1 000 and one: hours instead of minutes
    #[arg(long)]
    pub full: bool,
    /// Only this estimator
    #[arg(long, value_name = "NAME")]
    pub estimator: Option<String>,
    /// Only tasks whose name holds this text
    #[arg(long, value_name = "TEXT")]
    pub task: Option<String>,
    /// The network whose gradients are checked [default: that of `demo`]
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}
