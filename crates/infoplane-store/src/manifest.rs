//! `run.json`: what was run, on what, with which settings.
//!
//! Everything here is a pure function of the command, the model, the data and the machine; no time
//! stamps, so that the same run writes the same bytes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The content of `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunManifest {
    /// Version of the run directory's layout.
    pub format: u32,
    /// Version of infoplane that wrote it.
    pub infoplane: String,
    /// The resolved configuration that determines the vectors; compared when a run is resumed.
    pub config: serde_json::Value,
    /// The network.
    pub model: ModelInfo,
    /// The samples.
    pub data: DataInfo,
    /// Where it ran.
    pub hardware: HardwareInfo,
    /// Where model and data were, as the command named them; absent where they were no files. No part of
    /// what makes a run the run it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceInfo>,
}

/// The files of a run, to open them again. Relative paths are relative to the folder in which the run
/// was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// The ONNX file, or the name of an architecture.
    pub model: PathBuf,
    /// An architecture's weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// The samples.
    pub data: PathBuf,
    /// The file of class names, or the rule by which classes were found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<PathBuf>,
    /// The list of labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
}

/// The analysed network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// File stem or architecture name, for people.
    pub name: String,
    /// SHA-256, in hexadecimal, of the model's bytes, or of an architecture's name and its weights'
    /// bytes.
    pub sha256: String,
    /// Shape of one sample, without the batch dimension.
    pub input_shape: Vec<usize>,
    /// Number of output units.
    pub n_outputs: usize,
    /// Trainable parameters.
    pub n_parameters: u64,
    /// The analysed layers, from input to output.
    pub layers: Vec<LayerInfo>,
    /// How they hang together; empty in runs of versions that did not record it. No part of what makes a
    /// run the run it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<LayerEdge>,
}

/// The paths from one analysed layer to another that meet no third one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerEdge {
    /// Name of the layer where they begin; null is the network's input.
    pub from: Option<String>,
    /// Name of the layer where they end; null is the network's output.
    pub to: Option<String>,
    /// Convolutions and linear layers on the path that has fewest.
    pub fewest_products: usize,
    /// Convolutions and linear layers on the path that has most: more than the fewest where a skip
    /// connection lies between the two.
    pub most_products: usize,
}

/// One analysed layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerInfo {
    /// The value's name.
    pub name: String,
    /// The operator that makes it, as in ONNX (`Relu`, `Concat`, …).
    pub operator: String,
    /// Shape of one sample's value, without the batch dimension.
    pub shape: Vec<usize>,
    /// Length of its vectors: channels, or units where there are no positions.
    pub n_channels: usize,
    /// Whether every path from the input to the output crosses it.
    pub cut: bool,
    /// Position in the network: number of operators on the longest path from the input.
    pub depth: usize,
}

impl ModelInfo {
    /// The shape of a sample, as `[channels, height, width]`, where it can be shown as an image: of 1 or 3
    /// channels, which may lie last.
    pub fn image_shape(&self) -> Option<[usize; 3]> {
        match *self.input_shape {
            [channels @ (1 | 3), height, width] if height * width > 0 => {
                Some([channels, height, width])
            }
            [height, width, channels @ (1 | 3)] if height * width > 0 => {
                Some([channels, height, width])
            }
            _ => None,
        }
    }
}

impl LayerInfo {
    /// Height and width of the layer's values, where they lie on a plane of more than one position.
    pub fn map_shape(&self) -> Option<[usize; 2]> {
        match *self.shape {
            [_, height, width] if height * width > 1 => Some([height, width]),
            _ => None,
        }
    }
}

/// The analysed samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataInfo {
    /// File or folder name, for people.
    pub name: String,
    /// The kind of source (`image folder`, `npz`, …).
    pub kind: String,
    /// SHA-256 over the samples' names, sizes and labels, in hexadecimal.
    pub fingerprint: String,
    /// Number of samples.
    pub n_samples: usize,
    /// Class names by class index; empty where the samples have no labels.
    pub class_names: Vec<String>,
    /// Names of the features, in the order of a sample's values; empty where the samples are no rows of a
    /// table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// What is done to a sample before the network sees it, in words.
    pub preprocessing: String,
}

/// The machine of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HardwareInfo {
    /// Processor name.
    pub cpu: String,
    /// Processors available.
    pub n_cpus: usize,
    /// Kernel family in use (`avx512`, `avx2`, `portable`, …).
    pub simd: String,
}
