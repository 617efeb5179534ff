//! The embedded default: a small residual network and the digits it was not trained on.
//!
//! `assets/demo/README.md` says where they come from and under which licence.

use std::io::Cursor;
use std::path::Path;

use infoplane_data::{DataOptions, Dataset, Selection, open_npz};

use crate::config::RunConfig;
use crate::error::Error;
use crate::model::Model;
use crate::run::Run;

const NETWORK: &[u8] = include_bytes!("../assets/demo/network.onnx");
const DIGITS: &[u8] = include_bytes!("../assets/demo/digits.npz");

/// The network during its training, by file name: after 0, 1, 2, 4 … epochs with weights in half
/// precision, and in the end.
pub(crate) const CHECKPOINTS: [(&str, &[u8]); 8] = [
    (
        "epoch-000.onnx",
        include_bytes!("../assets/demo/checkpoints/epoch-000.onnx"),
    ),
    (
        "epoch-001.onnx",
        include_bytes!("../assets/demo/checkpoints/epoch-001.onnx"),
    ),
    (
        "epoch-002.onnx",
        include_bytes!("../assets/demo/checkpoints/epoch-002.onnx"),
    ),
    (
        "epoch-004.onnx",
        include_bytes!("../assets/demo/checkpoints/epoch-004.onnx"),
    ),
    (
        "epoch-008.onnx",
        include_bytes!("../assets/demo/checkpoints/epoch-008.onnx"),
    ),
    (
        "epoch-016.onnx",
        include_bytes!("../assets/demo/checkpoints/epoch-016.onnx"),
    ),
    (
        "epoch-032.onnx",
        include_bytes!("../assets/demo/checkpoints/epoch-032.onnx"),
    ),
    ("epoch-060.onnx", NETWORK),
];

impl Model {
    /// The embedded network.
    ///
    /// # Errors
    /// As [`Model::from_bytes`]; the network itself is tested.
    pub fn demo() -> Result<Model, Error> {
        Model::from_bytes(NETWORK, Path::new("digits-resnet.onnx"))
    }
}

/// The embedded digits that are selected.
pub(crate) fn dataset(selection: Selection) -> Result<Box<dyn Dataset>, Error> {
    let options = DataOptions {
        class_map: infoplane_data::ClassMap::Names((0..10).map(|d| d.to_string()).collect()),
        selection,
        expected_shape: Some(vec![1, 8, 8]),
        ..DataOptions::default()
    };
    Ok(open_npz(
        Cursor::new(DIGITS),
        Path::new("digits.npz"),
        &options,
    )?)
}

pub(crate) fn prepare(config: &RunConfig) -> Result<Run, Error> {
    Run::with(config, Model::demo()?, dataset(config.selection())?, None)
}

/// A run of the n-th of [`CHECKPOINTS`].
pub(crate) fn prepare_checkpoint(index: usize, config: &RunConfig) -> Result<Run, Error> {
    let (name, bytes) = CHECKPOINTS[index];
    let model = Model::from_bytes(bytes, Path::new(name))?;
    Run::with(config, model, dataset(config.selection())?, None)
}
