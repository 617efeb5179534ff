//! Flags that several commands share.

use std::path::PathBuf;

use clap::Args;

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
    /// Let the path run at an inner value of the network, by name, not at its input
    ///
    /// For networks whose input has nothing between one sample and another, as token ids: name the output of
    /// the embedding. What that value is made of runs once a sample; what stands beside it (a mask, positions)
    /// keeps the sample's content along the path. The baseline is then a content of that value: zero, or what
    /// the network makes of a baseline sample. Layers before it can't be analysed.
    #[arg(long, value_name = "VALUE")]
    pub path_at: Option<String>,
    /// With --path-at: the path starts where the network takes this token id at every position
    #[arg(long, value_name = "ID")]
    pub baseline_token: Option<u32>,
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
    use super::*;

    #[test]
    fn numbers_are_apart_by_commas() {
        assert_eq!(parse_numbers("0.5"), Ok(vec![0.5]));
        assert_eq!(parse_numbers("1, 2,-3"), Ok(vec![1.0, 2.0, -3.0]));
        assert!(parse_numbers("red").is_err());
        assert!(parse_numbers("1,").is_err());
    }
}
