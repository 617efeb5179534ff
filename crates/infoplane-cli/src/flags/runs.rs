//! Flags of the commands that make a run directory or go on from one.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use infoplane::Shard;

use super::shared::{
    AttributionArgs, ControlArgs, FigureArgs, ImageArgs, InformationArgs, NetworkArgs,
};

#[derive(Debug, Args)]
#[command(mut_arg("model", |arg| arg.required_unless_present("config")))]
pub struct RunArgs {
    #[command(flatten)]
    pub network: NetworkArgs,
    /// The samples: a folder with a subfolder a class, a Hugging Face image .parquet, an .npy or .npz,
    /// and more, as README.md lists
    #[arg(long, value_name = "PATH", required_unless_present = "config")]
    pub data: Option<PathBuf>,
    /// The run directory; the same command goes on where an earlier one stopped, however it was
    /// stopped, and computes damaged parts again
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    pub out: Option<PathBuf>,
    /// Take settings from a TOML file; what is given here comes first
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub images: ImageArgs,
    /// Use direct kernels only
    ///
    /// 3 × 3 convolutions are computed by Winograd's transforms, whose rounding errors are a few times
    /// those of adding up products as they stand, and the first layer of a path at its two ends alone.
    /// With this flag neither is done; it takes longer.
    #[arg(long)]
    pub exact: bool,
    /// Ablate layers before the plane is made, as `infoplane ablate` does by default
    #[arg(long)]
    pub ablate: bool,
    #[command(flatten)]
    pub attribution: AttributionArgs,
    #[command(flatten)]
    pub information: InformationArgs,
    #[command(flatten)]
    pub controls: ControlArgs,
    /// Keep spatial maps of the conductance of N samples, at most 100, for the report [default: 0]
    ///
    /// A third are the best (right, by the widest margin of the attributed output), a third the worst
    /// (wrong with the highest confidence; right by the narrowest margin where there are too few), a
    /// third random by --seed. They are swept once more, for the conductance at each position of each
    /// layer; `maps.parquet` holds them with the images.
    #[arg(long, value_name = "N")]
    pub keep_maps: Option<usize>,
    /// Compute only the i-th of n shares, each perhaps on its own machine, and no plane
    ///
    /// Give the same command on every machine, with 1/3, 2/3 and 3/3 for three. Each computes every
    /// n-th part. Then copy the files of all the `samples` folders into one of them and run
    /// `infoplane plane DIR` there, or the same command without --shard, which also computes what is
    /// missing. On machines of one kind the result is that of one machine, byte for byte.
    #[arg(long, value_name = "i/n", conflicts_with_all = ["controls", "control", "ablate"])]
    pub shard: Option<Shard>,
    #[command(flatten)]
    pub figures: FigureArgs,
    /// Print the plane as JSON; with --shard, what was done
    #[arg(long)]
    pub json: bool,
}

/// What `series` says behind its flags.
const SERIES_HELP: &str = "\
What it does: each checkpoint becomes an ordinary run in DIR/checkpoints/NNN-<name>, with its own plane and
report, on the same samples, with the same seed, and with one noise level for all: the smallest at which every
layer's estimate is trustworthy at every checkpoint (or --tau). A series that was stopped goes on where it was.

How to read it: a layer fits where I(·;Y) rises from the first checkpoint, and compresses where I(X;·) falls
from its maximum to the last. holds: the interval excludes 0. none: it is not seen, and the interval leaves room
for less than 5 % of the layer's largest figure. undecided: the interval allows both. As the maximum was picked,
the interval is wide enough for every checkpoint at once. Differences are paired: of the same halves of the
samples at both checkpoints.

Order: by the numbers in the names, so that ckpt_2 comes before ckpt_10; --as-given keeps the order typed.

Bins of equal width (--estimator binned:partition=equal-width:bins=30) lie between the least and the greatest
value that any unit of the layer takes at any checkpoint. Where --data is every input there is, once each, add
:enumerated=true; counts are then taken as they are.

Writes series.json, series.csv, series.parquet and figures/series_*.svg and .png into DIR.

Examples:
  infoplane series --demo
  infoplane series --models ckpt_*.onnx --data images/ --out runs/training
  infoplane series --model resnet18 --weights-series epoch_*.pth --data images/ --out runs/training";

#[derive(Debug, Args)]
#[command(after_help = SERIES_HELP)]
pub struct SeriesArgs {
    /// The checkpoints: ONNX files of one network, two or more
    #[arg(
        long,
        value_name = "FILE",
        num_args = 1..,
        required_unless_present_any = ["weights_series", "demo"]
    )]
    pub models: Vec<PathBuf>,
    /// A torchvision architecture, whose checkpoints are --weights-series
    #[arg(long, value_name = "NAME", requires = "weights_series")]
    pub model: Option<PathBuf>,
    /// The checkpoints: .safetensors or .pth files for the architecture --model, two or more
    #[arg(
        long,
        value_name = "FILE",
        num_args = 1..,
        requires = "model",
        conflicts_with = "models"
    )]
    pub weights_series: Vec<PathBuf>,
    /// Take the training of the network of `infoplane demo`, on its digits
    #[arg(
        long,
        conflicts_with_all = [
            "models", "model", "weights_series", "data", "as_given", "preset", "resize",
            "interpolation", "crop", "scale", "mean", "std", "bgr", "classes", "labels",
            "label_column", "features", "standardise", "strict",
        ]
    )]
    pub demo: bool,
    /// The samples, the same for every checkpoint: as for `run`
    #[arg(long, value_name = "PATH", required_unless_present_any = ["demo", "config"])]
    pub data: Option<PathBuf>,
    /// The series' directory [with --demo: infoplane-demo-series]
    #[arg(long, value_name = "DIR", required_unless_present_any = ["demo", "config"])]
    pub out: Option<PathBuf>,
    /// Take settings from a TOML file, as `run` does; what is given here comes first
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    pub config: Option<PathBuf>,
    /// Take the checkpoints in the order given, not in that of the numbers in their names
    #[arg(long)]
    pub as_given: bool,
    #[command(flatten)]
    pub images: ImageArgs,
    /// Use direct kernels only, as `run --exact`
    #[arg(long)]
    pub exact: bool,
    #[command(flatten)]
    pub attribution: AttributionArgs,
    #[command(flatten)]
    pub information: InformationArgs,
    /// Print what series.json holds
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The run directory
    #[arg(long, value_name = "DIR", default_value = "infoplane-demo")]
    pub out: PathBuf,
    /// Ablate layers before the plane is made, as `infoplane ablate` does by default
    #[arg(long)]
    pub ablate: bool,
    #[command(flatten)]
    pub controls: ControlArgs,
    #[command(flatten)]
    pub figures: FigureArgs,
    /// Keep spatial maps of the conductance of N samples, at most 100, for the report, as `run
    /// --keep-maps` [default: 12]
    #[arg(long, value_name = "N")]
    pub keep_maps: Option<usize>,
    /// Print the plane as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(mut_arg("model", |arg| arg.required(true)))]
pub struct AttributeArgs {
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Preprocessed samples: an .npy, or an .npz with `input` and optionally `target` and `label`
    #[arg(long, value_name = "FILE")]
    pub inputs: PathBuf,
    /// The archive to write: conductance/<layer>, delta/<layer>, f_input, f_baseline, target, logits
    #[arg(long, value_name = "OUT.npz")]
    pub raw: PathBuf,
    /// What is kept of a layer
    #[arg(long, value_enum, default_value_t = ReduceArg::Channels)]
    pub reduce: ReduceArg,
    #[command(flatten)]
    pub attribution: AttributionArgs,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReduceArg {
    /// One number a channel (a feature of tokens): the sum over positions
    Channels,
    /// One number a position (a token): the sum over channels; also called `tokens`
    #[value(alias = "tokens")]
    Positions,
    /// One number a unit
    None,
}

#[derive(Debug, Args)]
pub struct PlaneArgs {
    /// The run directory
    pub dir: PathBuf,
    #[command(flatten)]
    pub information: InformationArgs,
    #[command(flatten)]
    pub figures: FigureArgs,
    /// Print the plane as JSON
    #[arg(long)]
    pub json: bool,
}

/// What `ablate` says behind its flags.
const ABLATE_HELP: &str = "\
What it does: for each analysed layer, the channels of highest mean |conductance| over the run's samples
are replaced by what they are on average, the network runs on from there, and accuracy, agreement with
the unchanged prediction, target logit and cross-entropy are measured; the same with as many random
channels, several times. The areas over these deletion curves are the damage, and the effect is the
damage of the top channels less that of random ones.

How to read it: an effect above 0 (its whole interval) says that conductance finds channels that matter
more than others. A layer is critical where that holds and the plane ranks its ITE in the higher half.
Spearman's correlation tells whether both order layers alike; where they don't, the result says so.

The model and data of the run are opened again from where its command named them. The network's output
layer is left out: its conductance lies on the target unit by construction.

Writes ablation.json and ablation.csv into DIR and, where the plane is there, plane and report again.

Examples:
  infoplane ablate runs/net
  infoplane ablate runs/net --fractions 0.1,0.3 --draws 10 --limit 200
  infoplane ablate runs/net --replace zero --model net.onnx --data images/";

#[derive(Debug, Args)]
#[command(after_help = ABLATE_HELP)]
pub struct AblateArgs {
    /// The run directory
    pub dir: PathBuf,
    /// Shares of a layer's channels to replace, above 0 and at most 1 [default: 0.05,0.1,0.2,0.4,0.7,1]
    ///
    /// Of a layer's channels the nearest number to the share is taken, and one at least.
    #[arg(
        long,
        value_name = "Q,Q",
        value_delimiter = ',',
        allow_negative_numbers = true
    )]
    pub fractions: Vec<f64>,
    /// Random draws of as many channels, for the control; 2 or more [default: 5]
    #[arg(long, value_name = "N")]
    pub draws: Option<usize>,
    /// What replaces a channel
    #[arg(long, value_enum, default_value_t = ReplaceArg::Mean)]
    pub replace: ReplaceArg,
    /// Ablate at most this many of the run's samples, spread evenly [default: 500]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Seed of the random channels [default: the run's]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where the run's samples are now [default: where its command named them, as for --model]
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// The --classes that the run was given
    #[arg(long, value_name = "RULE|FILE")]
    pub classes: Option<PathBuf>,
    /// The list of labels that the run was given
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Worker threads [default: one a processor]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReplaceArg {
    /// Its mean over the samples, at each position
    Mean,
    /// Zeros
    Zero,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run directories
    #[arg(value_name = "DIR", required = true)]
    pub dirs: Vec<PathBuf>,
    /// Put the runs, two or more, on one page instead of writing the report of each
    ///
    /// Networks, baselines, targets or seeds side by side: the planes as paths, the figures along the
    /// depth, every layer of one name, and what the runs differ in. Figures in bits compare at one τ
    /// only; the page says so where they do not.
    #[arg(long, conflicts_with = "figure_formats")]
    pub compare: bool,
    /// Where the page that compares goes
    #[arg(
        long,
        value_name = "FILE",
        default_value = "infoplane-comparison.html",
        requires = "compare"
    )]
    pub out: PathBuf,
    #[command(flatten)]
    pub figures: FigureArgs,
}
