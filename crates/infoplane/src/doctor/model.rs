//! The network by itself: its file, operators, input and output.

use std::collections::BTreeMap;
use std::path::Path;

use infoplane_graph::{Dim, GraphError, SUPPORTED_OPSETS, UnsupportedNode, describe_onnx};

use super::{Findings, Part, bytes, count, shown};
use crate::config::RunConfig;
use crate::error::Error;
use crate::hub::{Located, USUAL_NETWORKS};
use crate::model::Model;
use crate::model_source::ModelSource;

/// Most operators, nodes or outputs that are listed by name.
const MAX_LISTED: usize = 8;

/// Reads the model, where that can be done.
pub(super) fn examine(config: &RunConfig, findings: &mut Findings) -> Option<Model> {
    let path = config.model.as_deref().unwrap_or(Path::new(""));
    if let Ok(ModelSource::Onnx(path)) = ModelSource::of(path, config.weights.as_deref()) {
        describe(path, findings);
    }
    let model = match Model::from_config(config) {
        Ok(model) => model,
        Err(error) => {
            refuse(&error, "network", findings);
            return None;
        }
    };
    if let Some(weights) = &config.weights {
        let said = format!("{} with the weights {}", shown(path), shown(weights));
        findings.fits(Part::Model, "network", said);
    }
    let graph = model.graph();
    let mut operators = BTreeMap::new();
    for node in graph.nodes() {
        *operators.entry(node.op.name().to_string()).or_insert(0) += 1;
    }
    let n_nodes = graph.nodes().len();
    let said = format!(
        "{}, all supported: {}",
        count(n_nodes, "operator"),
        by_number(&operators)
    );
    findings.fits(Part::Model, "operators", said);
    let input = &graph.value(graph.input()).name;
    let said = format!("`{input}`, {}", declared(graph.input_dims()));
    findings.fits(Part::Model, "input", said);
    for note in graph.notes() {
        findings.note(Part::Model, "output", note.clone());
    }
    Some(model)
}

/// What an ONNX file says of itself. What can't be read is said when the model is.
fn describe(path: &Path, findings: &mut Findings) {
    let Ok(located) = Located::of(path, &USUAL_NETWORKS) else {
        return;
    };
    let Ok(content) = std::fs::read(located.path()) else {
        return;
    };
    let Ok(summary) = describe_onnx(&content, located.path()) else {
        return;
    };
    let opset = summary.opset;
    let written_by = match summary.producer.as_str() {
        "" => String::new(),
        producer => format!(", written by {producer}"),
    };
    let said = format!(
        "{}, an ONNX file of {}, opset {opset}{written_by}",
        shown(path),
        bytes(content.len() as u64)
    );
    if SUPPORTED_OPSETS.contains(&opset) {
        findings.fits(Part::Model, "file", said);
    } else {
        let (least, most) = (SUPPORTED_OPSETS.start(), SUPPORTED_OPSETS.end());
        let hint = format!(
            "opsets {least} to {most} are read; export it again with one of them, or take onnx.version_converter"
        );
        findings.fails_with(Part::Model, "file", said, hint);
    }
}

/// Says why a model can't be used; of operators that are not supported, all.
pub(super) fn refuse(error: &Error, topic: &'static str, findings: &mut Findings) {
    let Error::Model {
        source: GraphError::Unsupported(nodes),
        ..
    } = error
    else {
        return findings.fails(Part::Model, topic, error.to_string());
    };
    for (what, names) in grouped(nodes) {
        let mut shown: Vec<String> = names
            .iter()
            .take(MAX_LISTED)
            .map(|name| format!("`{name}`"))
            .collect();
        if names.len() > shown.len() {
            shown.push(format!("and {} more", names.len() - shown.len()));
        }
        let said = format!(
            "{what} is not supported ({}: {})",
            count(names.len(), "node"),
            shown.join(", ")
        );
        findings.fails(Part::Model, "operator", said);
    }
}

/// Nodes by what about them is not supported, in the order of the network.
fn grouped(nodes: &[UnsupportedNode]) -> Vec<(String, Vec<&str>)> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for node in nodes {
        let what = match node.detail.as_str() {
            "" => node.operator.clone(),
            detail => format!("{}, {detail},", node.operator),
        };
        match groups.iter_mut().find(|(known, _)| *known == what) {
            Some((_, names)) => names.push(&node.node),
            None => groups.push((what, vec![&node.node])),
        }
    }
    groups
}

/// Names with how often they occur, the most frequent first.
fn by_number(operators: &BTreeMap<String, usize>) -> String {
    let mut sorted: Vec<(&String, &usize)> = operators.iter().collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let shown = sorted
        .iter()
        .take(MAX_LISTED)
        .map(|(name, n)| format!("{n} {name}"));
    let mut shown: Vec<String> = shown.collect();
    if sorted.len() > shown.len() {
        shown.push(format!("and {} kinds more", sorted.len() - shown.len()));
    }
    shown.join(", ")
}

/// The dimensions of an input as declared, batch first, and what they are.
fn declared(dims: &[Dim]) -> String {
    let sizes: Vec<String> = dims
        .iter()
        .skip(1)
        .map(|dim| match dim {
            Dim::Fixed(size) => size.to_string(),
            Dim::Free(name) => name.clone(),
        })
        .collect();
    let channels = |dim: &Dim| matches!(dim, Dim::Fixed(1 | 3 | 4));
    let meaning = match dims.get(1..).unwrap_or_default() {
        [_] => " (features)",
        [first, _, _] if channels(first) => " (channels × height × width)",
        [_, _, last] if channels(last) => " (height × width × channels)",
        _ => "",
    };
    let batch = match dims.first() {
        Some(Dim::Fixed(1)) | Some(Dim::Free(_)) | None => "",
        Some(Dim::Fixed(_)) => ", exported with a fixed batch",
    };
    format!("{} a sample{meaning}{batch}", sizes.join(" × "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_supported_is_grouped_by_what_it_is() {
        let node = |node: &str, operator: &str, detail: &str| UnsupportedNode {
            node: node.to_string(),
            operator: operator.to_string(),
            detail: detail.to_string(),
        };
        let nodes = [
            node("a", "Loop", ""),
            node("b", "Pad", "mode = wrap"),
            node("c", "Loop", ""),
        ];
        let groups = grouped(&nodes);
        assert_eq!(groups[0], ("Loop".to_string(), vec!["a", "c"]));
        assert_eq!(groups[1], ("Pad, mode = wrap,".to_string(), vec!["b"]));
    }

    #[test]
    fn an_input_is_described_by_what_its_dimensions_look_like() {
        let fixed = |sizes: &[usize]| {
            sizes
                .iter()
                .map(|&size| Dim::Fixed(size))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            declared(&fixed(&[1, 3, 8, 9])),
            "3 × 8 × 9 a sample (channels × height × width)"
        );
        assert_eq!(
            declared(&fixed(&[1, 8, 9, 3])),
            "8 × 9 × 3 a sample (height × width × channels)"
        );
        assert_eq!(
            declared(&fixed(&[7, 20])),
            "20 a sample (features), exported with a fixed batch"
        );
    }
}
