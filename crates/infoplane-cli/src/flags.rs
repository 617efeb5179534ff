//! The command line as it is typed. Nothing past this file asks what a flag meant.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use infoplane::Shard;

/// Shows which layers of a trained network carry the information that decides its output.
#[derive(Debug, Parser)]
#[command(
    name = "infoplane",
    version,
    about,
    long_about = "Shows which layers of a trained network carry the information that decides its \
                  output.\n\nFor every hidden layer it computes the layer conductance (Dhamdhere et \
                  al. 2018) of real samples, estimates the mutual information of those conductances \
                  with the input and with the label, places the layers on the information plane, and \
                  scores their Information Transformation Efficiency (ITE).",
    after_help = "Start with `infoplane demo`, then `infoplane run --model net.onnx --data images/ \
                  --out runs/net`.\nExit codes: 0 done, 1 failed, 2 bad usage or input, 130 \
                  interrupted (the run resumes)."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Say more on stderr (twice: everything)
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole job on an embedded network and data set, in seconds, without a download
    Demo(DemoArgs),
    /// Conductance, information, plane and report of a network on a data set
    Run(Box<RunArgs>),
    /// Checkpoints of one training: the way of each layer through the plane, fitting and compression
    Series(Box<SeriesArgs>),
    /// Conductance of already preprocessed arrays, into an .npz archive
    Attribute(Box<AttributeArgs>),
    /// Information, efficiency and critical layers again, from a run's stored vectors
    Plane(PlaneArgs),
    /// What the channels of highest conductance are worth: replaced, against as many random ones
    Ablate(Box<AblateArgs>),
    /// The report of a run again, or a page that compares runs
    Report(ReportArgs),
    /// The layers of a network: name, operator, shape, parameters, cut or not, chosen or not
    Layers(LayersArgs),
    /// Do a network and a data set fit infoplane and each other, and what to run next
    Doctor(Box<DoctorArgs>),
    /// A plain forward pass over already preprocessed arrays
    Predict(PredictArgs),
    /// Mutual information of two variables from arrays or tables
    Mi(Box<MiArgs>),
    /// Does this build compute right? Gradients against differences, estimators against known truth
    Selftest(SelftestArgs),
}

/// The network. Whether one is needed differs from command to command.
#[derive(Debug, Args)]
pub struct NetworkArgs {
    /// The network: an .onnx file, perhaps of the Hugging Face hub (hf:OWNER/NAME#FILE.onnx), or a
    /// torchvision architecture such as resnet50, vgg16 or mobilenet_v2 with its --weights
    #[arg(long, value_name = "FILE|NAME")]
    pub model: Option<PathBuf>,
    /// The weights of a torchvision architecture: a .safetensors file, a .pth of torch.save, or
    /// hf:OWNER/NAME[@REVISION][#FILE] of the Hugging Face hub
    ///
    /// As hf:timm/resnet50.tv_in1k. Without #FILE it is model.safetensors or pytorch_model.bin. The file goes
    /// into the hub's cache; HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE are followed.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
}

/// What is attributed, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Attribution")]
pub struct AttributionArgs {
    /// Layers to analyse, by name and separated by commas [default: outputs of blocks]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub layers: Vec<String>,
    /// What is attributed: the logit of this unit
    ///
    /// `predicted`: the class the network predicts (the default). `label`: the true class; the label
    /// then leaks into the conductance and the report says so. `input`: the array `target` of
    /// --inputs. A number: this output unit for all samples.
    #[arg(long, value_name = "UNIT")]
    pub target: Option<String>,
    /// Where the path to the sample starts: `zero` (in the network's normalised input space, which is
    /// mean grey for images; the default), `black`, `mean` (of up to 1,000 samples), or `blur` (each sample blurred); in `attribute` also
    /// `input`: the array `baseline` of --inputs, one row for all samples or one for each
    #[arg(long, value_name = "NAME")]
    pub baseline: Option<String>,
    /// σ of the baseline `blur`, in pixels [default: a twentieth of the shorter side]
    #[arg(long, value_name = "PIXELS", allow_negative_numbers = true)]
    pub blur_sigma: Option<f64>,
    /// How the path integral is computed: adaptive, hyperbolic, graded, trapezoid or captum
    ///
    /// `adaptive` starts with 12 hyperbolic steps and splits those that make the completeness error,
    /// until a sample is within --tolerance. `hyperbolic` takes --steps intervals whose density falls
    /// with the square of the distance from the baseline beyond --knee. `graded` takes --steps
    /// intervals that crowd towards the baseline, where the bends of a ReLU network are. `trapezoid` takes uniform ones. `captum` computes what Captum's
    /// LayerConductance does by default, for comparison.
    #[arg(long, value_name = "RULE")]
    pub quadrature: Option<String>,
    /// Intervals of a fixed quadrature [default: 16; captum: 50]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Exponent of the graded mesh [default: 2]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub power: Option<f64>,
    /// Knee of the hyperbolic mesh, a position on the path from 0 to 1 [default: 0.15]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub knee: Option<f64>,
    /// Relative completeness error at which the adaptive quadrature stops [default: 0.02]
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    pub tolerance: Option<f64>,
    /// Most intervals of the adaptive quadrature [default: 64]
    #[arg(long, value_name = "N")]
    pub max_steps: Option<usize>,
    /// Worker threads [default: one a processor]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// What is run again with one thing changed, to see whether the result depends on it as it must.
#[derive(Debug, Args)]
#[command(next_help_heading = "Controls")]
pub struct ControlArgs {
    /// Make all controls, and show them beside the result
    ///
    /// Each is the same run with one thing changed, on --control-samples of the samples, kept in
    /// DIR/controls; `infoplane plane DIR` compares them again without the network.
    #[arg(long)]
    pub controls: bool,
    /// Make these controls: weights, labels, target, baseline, steps
    ///
    /// `weights`: the network's weights shuffled within each tensor, from the output down in four
    /// stages. `labels`: the labels shuffled over the samples. Either must destroy I(C;Y). `target`: the
    /// true label attributed in place of the predicted class. `baseline`: the mean of the samples in place
    /// of the run's. `steps`: twice the steps, at half the tolerance. These should not change the ranking
    /// of the layers.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub control: Vec<String>,
    /// Samples of each control, spread evenly over the run's [default: 500]
    #[arg(long, value_name = "N")]
    pub control_samples: Option<usize>,
}

/// How the label side of the plane is made, and the channel's noise.
#[derive(Debug, Args)]
#[command(next_help_heading = "Information")]
pub struct InformationArgs {
    /// Map classes to coarse groups: a CSV file with a column `class_index`, and the column to use
    #[arg(long, value_name = "FILE.csv:COLUMN")]
    pub groups: Option<String>,
    /// Also estimate by these families, rows of their own: kde, renyi, probe, ksg, binned, … (see `mi
    /// --help`); the plane itself stays that of gaussian-channel
    ///
    /// Parameters follow the name: `binned:partition=equal-width:bins=30`.
    #[arg(long = "estimator", value_name = "NAME,...", value_delimiter = ',')]
    pub estimators: Vec<String>,
    /// What Y is: label, groups, predicted; with several, the first is the plane's and the others get
    /// rows of their own [default: groups where they are given, else label]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub against: Vec<String>,
    /// Noise of the channel relative to a layer's standard deviation [default: the smallest of 0.1 to
    /// 1 at which every layer's estimate is trustworthy]
    #[arg(long, value_name = "TAU", allow_negative_numbers = true)]
    pub tau: Option<f64>,
    /// Seed of everything random [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// How the report's figures are written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct FigureArgs {
    /// Write the figures as svg, png or both [default: svg,png]
    ///
    /// Both are of print size, with the fonts in them; png has 300 dots an inch.
    #[arg(long = "figure-format", value_name = "NAME,...", value_delimiter = ',')]
    pub figure_formats: Vec<String>,
}

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

/// What is done to an image before the network sees it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct ImageArgs {
    /// Preprocessing by name [default: that of a torchvision --model; none for grey images, cifar10 for
    /// 32×32 networks, else imagenet]
    ///
    /// `imagenet`: resize 256, crop 224, ImageNet's mean and standard deviation. The name of a
    /// torchvision network, such as efficientnet_b0: the transforms of its weights IMAGENET1K_V1, and with
    /// `_v2` behind it those of IMAGENET1K_V2. `caffe`: as imagenet, but blue, green, red from 0 to 255
    /// less their mean (Keras' ResNet and VGG). `tf`: as imagenet, but x/127.5 − 1 (Keras' Inception and
    /// MobileNet). `cifar10`: only ImageNet's mean and standard deviation. `mnist`: grey, mean 0.1307,
    /// standard deviation 0.3081. `none`: only x/255. Whether channels come first or last, and whether
    /// images become grey, follows the network's input.
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Resize the shorter side to this many pixels (0: don't)
    #[arg(long, value_name = "PIXELS")]
    pub resize: Option<u32>,
    /// Interpolation when resizing: bilinear, bicubic or nearest
    #[arg(long, value_name = "NAME")]
    pub interpolation: Option<String>,
    /// Cut a centred square of this side (0: don't)
    #[arg(long, value_name = "PIXELS")]
    pub crop: Option<u32>,
    /// Divide 8-bit values by this first [default: 255, or the preset's]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub scale: Option<f32>,
    /// Mean of the colour channels of x/scale, or of a table's features, subtracted; one number for all
    #[arg(long, value_name = "R,G,B", value_parser = parse_numbers, allow_negative_numbers = true)]
    pub mean: Option<Numbers>,
    /// Standard deviation of the colour channels or features, divided by; one number for all
    #[arg(long, value_name = "R,G,B", value_parser = parse_numbers, allow_negative_numbers = true)]
    pub std: Option<Numbers>,
    /// Give the network the channels as blue, green, red; --mean and --std stay red, green, blue
    #[arg(long)]
    pub bgr: bool,
    /// Which class a folder or label is: `index`, `wnid`, `name`, `order`, or a file [default: ImageNet's
    /// wnids and names for ImageNet networks, labels that are numbers by index, else order]
    ///
    /// `index`: it is the class index. `wnid`, `name`: ImageNet's. `order`: its place among all, sorted, as
    /// torchvision's ImageFolder numbers folders. A text file: class names, one a line in the order of the
    /// class index. A .csv, .tsv or .json file: a mapping from names to indices (columns `class_index` and
    /// any of names).
    #[arg(long, value_name = "RULE|FILE")]
    pub classes: Option<PathBuf>,
    /// Labels of images without class folders: a file of `name label` lines or columns, or of one label a
    /// line in the sorted order of the images
    ///
    /// Labels are class indices, wnids or names, as --classes has it. Kaggle's LOC_val_solution.csv is read
    /// as it is. The development kit's ILSVRC2012_validation_ground_truth.txt holds ids of its own, and
    /// needs a mapping as --classes.
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// The column of labels in a table [default: label, target, class or y; of features else the last, where
    /// there is one more than the network has inputs]; of CIFAR-100 fine_labels or coarse_labels
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// The columns of a table that are the network's input, in its order [default: all but the label]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub features: Vec<String>,
    /// Take the mean from each feature of a table and divide it by its standard deviation: those of the rows
    /// (`data`, as scikit-learn's StandardScaler), or of a .csv with the columns feature, mean and std
    #[arg(long, value_name = "data|FILE")]
    pub standardise: Option<String>,
    /// Take at most this many samples, spread evenly
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Take at most this many samples of each class, spread evenly, before --limit
    #[arg(long, value_name = "N")]
    pub per_class: Option<usize>,
    /// Draw the samples of --limit and --per-class at random by --seed instead; they stay in order
    #[arg(long)]
    pub shuffle: bool,
    /// Fail on an unreadable sample instead of skipping it
    #[arg(long)]
    pub strict: bool,
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
    /// One number a channel: the sum over positions
    Channels,
    /// One number a position: the sum over channels
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

/// Numbers apart by commas.
pub type Numbers = Vec<f32>;

fn parse_numbers(text: &str) -> Result<Numbers, String> {
    let number = |part: &str| {
        let number = part.trim().parse::<f32>();
        number.map_err(|error| format!("`{part}`: {error}"))
    };
    text.split(',').map(number).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn numbers_are_apart_by_commas() {
        assert_eq!(parse_numbers("0.5"), Ok(vec![0.5]));
        assert_eq!(parse_numbers("1, 2,-3"), Ok(vec![1.0, 2.0, -3.0]));
        assert!(parse_numbers("red").is_err());
        assert!(parse_numbers("1,").is_err());
    }
}
