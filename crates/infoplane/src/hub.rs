//! Networks and weights named `hf:OWNER/NAME[@REVISION][#FILE]`: files of the Hugging Face hub.

#[cfg(feature = "hub")]
mod locate;
#[cfg(not(feature = "hub"))]
#[path = "hub/absent.rs"]
mod locate;

use std::path::Path;

#[cfg(feature = "hub")]
pub use infoplane_hub::{Download, Fetched, Hub, HubError, HubReference, HubSettings};
#[cfg(feature = "hub")]
pub use locate::on_download;

pub(crate) use locate::Located;

/// Files of weights that are looked for where none is named.
pub(crate) const USUAL_WEIGHTS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

/// Networks that are looked for where none is named.
pub(crate) const USUAL_NETWORKS: [&str; 2] = ["model.onnx", "onnx/model.onnx"];

/// Whether a path names a file of the hub.
pub(crate) fn is_of_hub(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.starts_with("hf:"))
}
