//! The network and the inputs that are asked for.

use std::error::Error;
use std::path::PathBuf;

use infoplane::data::{Inputs, read_inputs};
use infoplane::engine::PlanSummary;
use infoplane::{Layer, LayerChoice, Model};
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// An .onnx file, or a torchvision architecture with its --weights
    #[arg(long)]
    pub model: PathBuf,
    /// A .safetensors or .pth file
    #[arg(long)]
    pub weights: Option<PathBuf>,
    /// Preprocessed samples: an .npy, or an .npz with `input` and optionally `target`
    #[arg(long)]
    pub inputs: PathBuf,
    /// Layers by name [default: outputs of blocks]
    #[arg(long, value_delimiter = ',')]
    pub layers: Vec<String>,
    /// Threads
    #[arg(long, default_value_t = 1)]
    pub workers: usize,
    /// Time so many runs at once, instead of one for each line on stdin
    #[arg(long)]
    pub repeats: Option<usize>,
}

/// A network, its layers and samples.
pub struct Network {
    pub model: Model,
    pub layers: Vec<Layer>,
    pub inputs: Inputs,
}

impl Network {
    pub fn open(args: &Args) -> Result<Network, Box<dyn Error>> {
        let model = Model::open(&args.model, args.weights.as_deref())?;
        let inputs = read_inputs(&args.inputs)?;
        let choice = match args.layers.as_slice() {
            [] => LayerChoice::Default,
            names => LayerChoice::Named(names.to_vec()),
        };
        let shape = &inputs.input.shape()[1..];
        model.graph().check_sample_shape(shape)?;
        let layers = model.layers(&model.shaped(shape)?, &choice)?;
        Ok(Network {
            model,
            layers,
            inputs,
        })
    }

    /// Shape of one sample.
    pub fn sample_shape(&self) -> &[usize] {
        &self.inputs.input.shape()[1..]
    }

    /// One sample.
    pub fn sample(&self, index: usize) -> &[f32] {
        let len = self.sample_shape().iter().product::<usize>();
        let all = self.inputs.input.as_slice().unwrap_or_default();
        &all[index * len..][..len]
    }

    /// The output unit that the inputs name for a sample, or the first.
    pub fn target(&self, index: usize) -> usize {
        let targets = self.inputs.target.as_ref();
        let named = targets.and_then(|targets| usize::try_from(*targets.get(index)?).ok());
        named.unwrap_or(0)
    }

    /// What will run, for the line `ready`.
    pub fn describe(&self, plan: &PlanSummary, workers: usize) -> Value {
        json!({
            "model": self.model.name(),
            "layers": self.layers.iter().map(|layer| &layer.name).collect::<Vec<_>>(),
            "workers": workers,
            "micro_batch": plan.batch,
            "simd": format!("{:?}", plan.simd),
            "constant_bytes": plan.constant_bytes,
            "worker_bytes": plan.worker_bytes,
            "gflop_per_row": gflop_per_row(plan),
        })
    }
}

/// Arithmetic of one row, forward and back to the layers, in 10⁹ operations. Convolutions count as
/// plain ones, whatever the kernel does.
fn gflop_per_row(plan: &PlanSummary) -> f64 {
    let passes = |backward: bool| if backward { 2.0 } else { 1.0 };
    let flops = |step: &infoplane::engine::StepSummary| step.flops as f64 * passes(step.backward);
    plan.steps.iter().map(flops).sum::<f64>() / 1e9
}
