//! The embedded default: a small residual network and the digits it was not trained on.
//!
//! `assets/demo/README.md` says where they come from and under which licence.

use std::io::Cursor;
use std::path::Path;

use infoplane_data::{DataOptions, Dataset, open_npz};

use crate::config::RunConfig;
use crate::error::Error;
use crate::model::Model;
use crate::run::Run;

const NETWORK: &[u8] = include_bytes!("../assets/demo/network.onnx");
const DIGITS: &[u8] = include_bytes!("../assets/demo/digits.npz");

impl Model {
    /// The embedded network.
    ///
    /// # Errors
    /// As [`Model::from_bytes`]; the network itself is tested.
    pub fn demo() -> Result<Model, Error> {
        Model::from_bytes(NETWORK, Path::new("digits-resnet.onnx"))
    }
}

/// The embedded digits, `limit` of them at most.
pub(crate) fn dataset(limit: Option<usize>) -> Result<Box<dyn Dataset>, Error> {
    let options = DataOptions {
        class_map: infoplane_data::ClassMap::Names((0..10).map(|d| d.to_string()).collect()),
        limit,
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
    Run::with(config, Model::demo()?, dataset(config.limit)?, None)
}
