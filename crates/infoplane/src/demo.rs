//! The embedded default: a small residual network and the digits it was not trained on.
//!
//! `assets/demo/README.md` says where they come from and under which licence.

use std::io::Cursor;
use std::path::Path;

use infoplane_data::{DataOptions, open_npz};

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

pub(crate) fn prepare(config: &RunConfig) -> Result<Run, Error> {
    let model = Model::demo()?;
    let options = DataOptions {
        class_map: infoplane_data::ClassMap::Names((0..10).map(|d| d.to_string()).collect()),
        limit: config.limit,
        expected_shape: model.graph().sample_shape(),
        ..DataOptions::default()
    };
    let dataset = open_npz(Cursor::new(DIGITS), Path::new("digits.npz"), &options)?;
    Run::with(config, model, dataset, None)
}
