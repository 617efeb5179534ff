//! The run directory: manifest, sample parts, vectors.

mod manifest;

pub use manifest::{DataInfo, HardwareInfo, LayerInfo, ModelInfo, RunManifest};
