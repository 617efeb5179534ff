//! Reads ONNX models. The only place that knows the format and the crate that parses it.

mod attributes;
mod operators;
mod protobuf;
mod summary;
mod tensors;

use std::collections::HashSet;
use std::path::Path;

use rten_onnx::onnx::{GraphProto, ModelProto, NodeProto, ValueInfoProto};

pub use summary::{OnnxSummary, describe_onnx};

use crate::error::{GraphError, UnsupportedNode};
use crate::graph::{Dim, Graph, GraphBuilder, Node, ValueId};
use crate::op::Op;
use crate::tensor::Tensor;

/// Oldest and newest version of ONNX's operator set that is read.
pub const SUPPORTED_OPSETS: std::ops::RangeInclusive<i64> = 7..=22;

/// Reads a model from a file; weights stored outside it are looked for beside it.
pub fn read_onnx(path: &Path) -> Result<Graph, GraphError> {
    let bytes = std::fs::read(path).map_err(|source| GraphError::Io {
        path: path.to_path_buf(),
        source,
    })?;
    parse_onnx(&bytes, path)
}

/// Reads a model from memory. `path` is what messages call it, and where weights stored outside the
/// model are looked for.
pub fn parse_onnx(bytes: &[u8], path: &Path) -> Result<Graph, GraphError> {
    let model = model_of(bytes, path)?;
    let not_onnx = |reason: &str| GraphError::NotOnnx {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    };
    let Some(graph) = &model.graph else {
        return Err(not_onnx("it holds no graph"));
    };
    if graph.node.is_empty() {
        return Err(not_onnx("its graph holds no operators"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    Reader {
        opset: opset(&model)?,
        folder,
        builder: GraphBuilder::default(),
        unsupported: Vec::new(),
    }
    .read(graph)
}

/// The message that a model's bytes are.
fn model_of(bytes: &[u8], path: &Path) -> Result<ModelProto, GraphError> {
    let not_onnx = |reason: &str| GraphError::NotOnnx {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    };
    if bytes.is_empty() {
        return Err(not_onnx("the file is empty"));
    }
    match protobuf::parse(bytes) {
        Ok(model) => Ok(model),
        // Only a file that begins as a model does can be a damaged model.
        Err(reason) if protobuf::begins_like_a_model(bytes) => Err(GraphError::Damaged {
            path: path.to_path_buf(),
            reason,
        }),
        // The parser calls its messages by the names of its own types.
        Err(reason) => Err(not_onnx(&reason.replace("rten_onnx::onnx::", ""))),
    }
}

fn opset(model: &ModelProto) -> Result<i64, GraphError> {
    let version = model
        .opset_import
        .iter()
        .find(|import| matches!(import.domain.as_deref(), None | Some("" | "ai.onnx")))
        .and_then(|import| import.version)
        .unwrap_or(1);
    if SUPPORTED_OPSETS.contains(&version) {
        Ok(version)
    } else {
        Err(GraphError::InvalidModel(format!(
            "it uses version {version} of ONNX's operators; versions {} to {} are supported",
            SUPPORTED_OPSETS.start(),
            SUPPORTED_OPSETS.end()
        )))
    }
}

struct Reader<'a> {
    opset: i64,
    folder: &'a Path,
    builder: GraphBuilder,
    unsupported: Vec<UnsupportedNode>,
}

impl Reader<'_> {
    fn read(mut self, graph: &GraphProto) -> Result<Graph, GraphError> {
        let mut constants = HashSet::new();
        for initializer in &graph.initializer {
            let name = initializer.name.as_deref().unwrap_or_default();
            let tensor = tensors::read(initializer, name, self.folder)?;
            self.builder.constant(name, tensor);
            constants.insert(name);
        }
        let inputs: Vec<&ValueInfoProto> = graph
            .input
            .iter()
            .filter(|input| !constants.contains(input.name.as_deref().unwrap_or_default()))
            .collect();
        let [input] = inputs.as_slice() else {
            let names: Vec<&str> = inputs.iter().filter_map(|i| i.name.as_deref()).collect();
            return Err(GraphError::InvalidModel(format!(
                "it has {} inputs ({}); networks with exactly one are supported",
                names.len(),
                names.join(", ")
            )));
        };
        let input_dims = self.input_dims(input)?;
        let input_id = self
            .builder
            .value(input.name.as_deref().unwrap_or_default());

        for (index, node) in graph.node.iter().enumerate() {
            self.read_node(node, index)?;
        }
        if !self.unsupported.is_empty() {
            return Err(GraphError::Unsupported(self.unsupported));
        }
        let output = self.output(graph)?;
        self.builder.finish(input_id, input_dims, output)
    }

    fn input_dims(&self, input: &ValueInfoProto) -> Result<Vec<Dim>, GraphError> {
        let name = input.name.as_deref().unwrap_or_default();
        let shape = input
            .r#type
            .as_ref()
            .and_then(|t| t.tensor_type.as_ref())
            .and_then(|t| t.shape.as_ref())
            .ok_or_else(|| {
                GraphError::InvalidModel(format!("its input `{name}` has no declared shape"))
            })?;
        if shape.dim.len() < 2 {
            return Err(GraphError::InvalidModel(format!(
                "its input `{name}` has {} dimensions; a batch and at least one more are needed",
                shape.dim.len()
            )));
        }
        shape
            .dim
            .iter()
            .map(|dim| match (dim.dim_value, &dim.dim_param) {
                (Some(size), _) if size > 0 => Ok(Dim::Fixed(size as usize)),
                (Some(0) | None, param) => {
                    Ok(Dim::Free(param.clone().unwrap_or_else(|| "?".to_string())))
                }
                (Some(size), _) => Err(GraphError::InvalidModel(format!(
                    "its input `{name}` has a dimension of {size}"
                ))),
            })
            .collect()
    }

    /// The first declared output; the operand of a softmax that makes it.
    fn output(&mut self, graph: &GraphProto) -> Result<ValueId, GraphError> {
        let name = graph
            .output
            .first()
            .and_then(|output| output.name.as_deref())
            .ok_or_else(|| GraphError::InvalidModel("it declares no output".to_string()))?;
        let name = self
            .builder
            .find_producer(name)
            .filter(|node| matches!(node.op, Op::Softmax { .. }))
            .and_then(|node| node.inputs.first().copied().flatten())
            .or_else(|| self.builder.find(name));
        name.ok_or_else(|| GraphError::InvalidModel("no node makes its output".to_string()))
    }

    fn read_node(&mut self, proto: &NodeProto, index: usize) -> Result<(), GraphError> {
        let operator = proto.op_type.as_deref().unwrap_or_default();
        let name = match proto.name.as_deref() {
            Some(name) if !name.is_empty() => name.to_string(),
            _ => format!("{operator} number {index}"),
        };
        let domain = proto.domain.as_deref().unwrap_or_default();
        let own_domain = matches!(domain, "" | "ai.onnx");
        let qualified = if own_domain {
            operator.to_string()
        } else {
            format!("{domain}.{operator}")
        };

        let mut attributes = attributes::Attributes::new(proto);
        let parsed = if !own_domain {
            Err(operators::Refusal::unknown())
        } else if operator == "Constant" {
            self.read_constant(proto, &mut attributes, &name)?
        } else {
            operators::read(operator, &mut attributes, self.opset).map(Some)
        };
        let leftovers = attributes.leftovers();
        match parsed {
            Ok(op) => {
                for detail in leftovers {
                    self.refuse(&name, &qualified, detail);
                }
                if let Some(op) = op {
                    let node = Node {
                        name,
                        op,
                        inputs: self.ids(&proto.input),
                        outputs: self.ids(&proto.output),
                    };
                    self.builder.node(node);
                }
            }
            Err(refusal) => self.refuse(&name, &qualified, refusal.detail),
        }
        Ok(())
    }

    fn refuse(&mut self, node: &str, operator: &str, detail: String) {
        self.unsupported.push(UnsupportedNode {
            node: node.to_string(),
            operator: operator.to_string(),
            detail,
        });
    }

    fn ids(&mut self, names: &[String]) -> Vec<Option<ValueId>> {
        names
            .iter()
            .map(|name| (!name.is_empty()).then(|| self.builder.value(name)))
            .collect()
    }

    /// Constants are values, not nodes: `Ok(None)` where one was read.
    fn read_constant(
        &mut self,
        proto: &NodeProto,
        attributes: &mut attributes::Attributes<'_>,
        node: &str,
    ) -> Result<Result<Option<Op>, operators::Refusal>, GraphError> {
        let Some(output) = proto.output.first() else {
            return Ok(Ok(None));
        };
        let tensor: Option<Tensor> = match attributes.tensor("value") {
            Some(proto) => Some(tensors::read(proto, node, self.folder)?),
            None => attributes.constant(),
        };
        Ok(match tensor {
            Some(tensor) => {
                self.builder.constant(output, tensor);
                Ok(None)
            }
            None => Err(operators::Refusal {
                detail: "a content that is not a tensor, numbers or a list of numbers".to_string(),
            }),
        })
    }
}
