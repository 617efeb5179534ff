//! What an ONNX file says of itself, whether or not its network can be read.

use std::path::Path;

use super::model_of;
use crate::error::GraphError;

/// What an ONNX file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnnxSummary {
    /// The program that wrote it, with its version; empty where it does not say.
    pub producer: String,
    /// Version of ONNX's own operators that it uses.
    pub opset: i64,
}

/// Reads what a model in memory says of itself; `path` is what messages call it.
///
/// # Errors
/// [`GraphError::NotOnnx`] and [`GraphError::Damaged`].
pub fn describe_onnx(bytes: &[u8], path: &Path) -> Result<OnnxSummary, GraphError> {
    let model = model_of(bytes, path)?;
    let [name, version] = [&model.producer_name, &model.producer_version]
        .map(|text| text.as_deref().unwrap_or_default());
    let own = model
        .opset_import
        .iter()
        .find(|import| matches!(import.domain.as_deref(), None | Some("" | "ai.onnx")));
    Ok(OnnxSummary {
        producer: format!("{name} {version}").trim().to_string(),
        opset: own.and_then(|import| import.version).unwrap_or(1),
    })
}
