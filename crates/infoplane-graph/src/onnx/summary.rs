//! What an ONNX file says of itself, whether or not its network can be read.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use rten_onnx::onnx::{NodeProto, ValueInfoProto};

use super::model_of;
use crate::error::GraphError;
use crate::graph::Dim;

/// What an ONNX file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnnxSummary {
    /// The program that wrote it, with its version; empty where it does not say.
    pub producer: String,
    /// Versions of the operator sets it uses, by domain; that of ONNX itself is `ai.onnx`.
    pub opsets: BTreeMap<String, i64>,
    /// Inputs that are not constants, with their dimensions, batch first; `None` where none are declared.
    pub inputs: Vec<(String, Option<Vec<Dim>>)>,
    /// Names of the outputs.
    pub outputs: Vec<String>,
    /// How often each operator occurs, by name.
    pub operators: BTreeMap<String, usize>,
    /// The operator that makes the first output, and its first operand. An `Identity` makes nothing.
    pub last: Option<(String, String)>,
}

/// Reads what a model in memory says of itself; `path` is what messages call it.
///
/// # Errors
/// [`GraphError::NotOnnx`] and [`GraphError::Damaged`].
pub fn describe_onnx(bytes: &[u8], path: &Path) -> Result<OnnxSummary, GraphError> {
    let model = model_of(bytes, path)?;
    let version = model.producer_version.as_deref().unwrap_or_default();
    let producer = format!(
        "{} {version}",
        model.producer_name.as_deref().unwrap_or_default()
    );
    let opsets = model.opset_import.iter().map(|import| {
        let domain = import.domain.as_deref().filter(|domain| !domain.is_empty());
        (
            domain.unwrap_or("ai.onnx").to_string(),
            import.version.unwrap_or(1),
        )
    });
    let graph = model.graph.as_ref();
    let nodes: &[NodeProto] = graph.map_or(&[], |graph| &graph.node);
    let mut operators = BTreeMap::new();
    for node in nodes {
        *operators.entry(qualified(node)).or_insert(0) += 1;
    }
    let name = |value: &ValueInfoProto| value.name.clone().unwrap_or_default();
    let outputs: Vec<String> =
        graph.map_or_else(Vec::new, |graph| graph.output.iter().map(name).collect());
    let inputs = graph.map_or_else(Vec::new, |graph| {
        let constants = graph.initializer.iter().map(|constant| &constant.name);
        let constants: HashSet<_> = constants.collect();
        let inputs = graph
            .input
            .iter()
            .filter(|input| !constants.contains(&input.name));
        inputs.map(|input| (name(input), dims(input))).collect()
    });
    let last = outputs.first().and_then(|output| last_of(nodes, output));
    Ok(OnnxSummary {
        producer: producer.trim().to_string(),
        opsets: opsets.collect(),
        inputs,
        last: last.map(|node| {
            (
                qualified(node),
                node.input.first().cloned().unwrap_or_default(),
            )
        }),
        outputs,
        operators,
    })
}

/// The node whose result a value is, perhaps by other names. Every node is looked at once.
fn last_of<'a>(nodes: &'a [NodeProto], output: &str) -> Option<&'a NodeProto> {
    let mut wanted = output;
    for node in nodes.iter().rev() {
        if node.output.iter().any(|made| made == wanted) {
            match (node.op_type.as_deref(), node.input.first()) {
                (Some("Identity"), Some(operand)) => wanted = operand,
                _ => return Some(node),
            }
        }
    }
    None
}

/// An operator's name, with its domain where it is not ONNX's own.
fn qualified(node: &NodeProto) -> String {
    let operator = node.op_type.as_deref().unwrap_or_default();
    match node.domain.as_deref().unwrap_or_default() {
        "" | "ai.onnx" => operator.to_string(),
        domain => format!("{domain}.{operator}"),
    }
}

fn dims(input: &ValueInfoProto) -> Option<Vec<Dim>> {
    let shape = input
        .r#type
        .as_ref()?
        .tensor_type
        .as_ref()?
        .shape
        .as_ref()?;
    let dims = shape.dim.iter().map(|dim| match dim.dim_value {
        Some(size) if size > 0 => Dim::Fixed(size as usize),
        _ => Dim::Free(dim.dim_param.clone().unwrap_or_else(|| "?".to_string())),
    });
    Some(dims.collect())
}
