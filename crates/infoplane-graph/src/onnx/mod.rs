//! Reads ONNX models. The only place that knows the format and the crate that parses it.

mod arithmetic;
mod attributes;
mod constants;
mod ends;
mod inline;
mod operators;
mod proto;
mod summary;
mod tensors;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;

use self::attributes::Attributes;
use self::constants::Constants;
use self::ends::{Columns, End};
use self::inline::{Flat, FlatNode};
use self::proto::{DataType, GraphProto, ModelProto, ValueInfoProto};
pub use self::summary::{OnnxSummary, describe_onnx};
use crate::error::{GraphError, UnsupportedNode};
use crate::fold;
use crate::graph::{Dim, Graph, GraphBuilder, Node, ValueId};
use crate::op::{ElementType, Op};
use crate::operation::Unary;
use crate::shaped::ValueState;

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
    let not_onnx = |reason: &str| GraphError::NotOnnx {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    };
    let model = model_of(bytes, path)?;
    let Some(graph) = &model.graph else {
        return Err(not_onnx("it holds no graph"));
    };
    if graph.node.is_empty() {
        return Err(not_onnx("its graph holds no operators"));
    }
    let constants = Constants::new(path.parent().unwrap_or(Path::new(".")));
    let flat = inline::flatten(&model, graph, constants)?;
    Reader {
        flat: &flat,
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
    proto::parse(bytes).map_err(|reason| match proto::begins_like_a_model(bytes) {
        // Only a file that begins as a model does can be a damaged model.
        true => GraphError::Damaged {
            path: path.to_path_buf(),
            reason,
        },
        false => not_onnx(&reason),
    })
}

struct Reader<'a> {
    flat: &'a Flat<'a>,
    builder: GraphBuilder,
    unsupported: Vec<UnsupportedNode>,
}

impl<'a> Reader<'a> {
    /// Reads what the logits need, and nothing else.
    fn read(mut self, graph: &GraphProto) -> Result<Graph, GraphError> {
        let end = ends::find(&graph.output, self.flat)?;
        let nodes: Vec<&FlatNode<'_>> = self
            .flat
            .needed_by(&end.value)
            .into_iter()
            .map(|index| &self.flat.nodes[index])
            .collect();
        let input = self.input(graph, &nodes)?;
        let input_dims = input_dims(input)?;
        let input_type = input_type(input)?;
        let input_id = self.builder.value(input.name());
        for node in nodes {
            self.read_node(node)?;
        }
        if !self.unsupported.is_empty() {
            return Err(GraphError::Unsupported(self.unsupported));
        }
        let output = self.output(&end);
        let mut graph = self.builder.finish(input_id, input_dims, output)?;
        graph.input_type = input_type;
        graph.notes = end.notes;
        Ok(graph)
    }

    /// The network's input: a declared one that is no constant; the one that the logits need where there
    /// are several.
    fn input<'g>(
        &self,
        graph: &'g GraphProto,
        nodes: &[&FlatNode<'_>],
    ) -> Result<&'g ValueInfoProto, GraphError> {
        let declared: Vec<&ValueInfoProto> = graph
            .input
            .iter()
            .filter(|input| !self.flat.constants.contains(input.name()))
            .collect();
        if let [input] = declared[..] {
            return Ok(input);
        }
        let used: HashSet<&str> = nodes
            .iter()
            .flat_map(|node| node.inputs.iter().map(String::as_str))
            .collect();
        let needed: Vec<&ValueInfoProto> = declared
            .iter()
            .copied()
            .filter(|input| used.contains(input.name()))
            .collect();
        if let [input] = needed[..] {
            return Ok(input);
        }
        let names: Vec<&str> = declared.iter().map(|input| input.name()).collect();
        Err(GraphError::InvalidModel(format!(
            "it has {} inputs ({}); networks with exactly one are supported",
            names.len(),
            names.join(", ")
        )))
    }

    /// The logits; a binary classifier's two columns are made of its only logit.
    fn output(&mut self, end: &End) -> ValueId {
        let logits = self.builder.value(&end.value);
        let Columns::LogOdds {
            axis,
            positive_first,
        } = end.columns
        else {
            return logits;
        };
        let mut add = |name: String, op: Op, inputs: Vec<ValueId>| {
            let output = self.builder.value(&name);
            self.builder.node(Node {
                name,
                op,
                inputs: inputs.into_iter().map(Some).collect(),
                outputs: vec![Some(output)],
            });
            output
        };
        let negative = add(
            format!("{}/negative", end.value),
            Op::Function(Unary::Neg),
            vec![logits],
        );
        let columns = match positive_first {
            true => vec![logits, negative],
            false => vec![negative, logits],
        };
        add(
            format!("{}/log_odds", end.value),
            Op::Concat { axis },
            columns,
        )
    }

    fn read_node(&mut self, node: &'a FlatNode<'a>) -> Result<(), GraphError> {
        let mut attributes = Attributes::new(node, &self.flat.constants);
        let parsed = if node.has_standard_domain() {
            operators::read(node.operator, &mut attributes, node.opset)
        } else {
            Err(operators::Refusal::unknown())
        };
        match parsed {
            Ok(op) => {
                for detail in attributes.leftovers() {
                    self.refuse(node, detail);
                }
                if self.fold_quantised(node, &op)? {
                    return Ok(());
                }
                let inputs = self.values(&node.inputs)?;
                let outputs = self.values(&node.outputs)?;
                self.builder.node(Node {
                    name: node.name.clone(),
                    op,
                    inputs,
                    outputs,
                });
            }
            Err(refusal) => self.refuse(node, refusal.detail),
        }
        Ok(())
    }

    /// Turns weights that are stored as integers into what they stand for, so that they are parameters
    /// as any others.
    fn fold_quantised(&mut self, node: &FlatNode<'_>, op: &Op) -> Result<bool, GraphError> {
        if !matches!(op, Op::QuantizeLinear { .. } | Op::DequantizeLinear { .. }) {
            return Ok(false);
        }
        let mut states = Vec::with_capacity(node.inputs.len());
        for input in &node.inputs {
            let content = match self.builder.content(input) {
                Some(tensor) => Some(tensor),
                None => self.flat.constants.get(input)?,
            };
            match content {
                Some(tensor) => states.push(Some(ValueState::Constant(tensor))),
                None if input.is_empty() => states.push(None),
                None => return Ok(false),
            }
        }
        let operands: Vec<Option<&ValueState>> = states.iter().map(Option::as_ref).collect();
        // What does not fit is told where the node is resolved.
        let (Ok(Some(tensor)), [output]) = (fold::evaluate(op, &operands), &node.outputs[..])
        else {
            return Ok(false);
        };
        self.builder.constant(output, tensor);
        Ok(true)
    }

    fn refuse(&mut self, node: &FlatNode<'_>, detail: String) {
        self.unsupported.push(UnsupportedNode {
            node: node.name.clone(),
            operator: node.qualified_operator(),
            detail,
        });
    }

    fn values(&mut self, names: &[String]) -> Result<Vec<Option<ValueId>>, GraphError> {
        names
            .iter()
            .map(|name| {
                if name.is_empty() {
                    return Ok(None);
                }
                if self.builder.find(name).is_none()
                    && let Some(tensor) = self.flat.constants.get(name)?
                {
                    return Ok(Some(self.builder.constant(name, tensor)));
                }
                Ok(Some(self.builder.value(name)))
            })
            .collect()
    }
}

fn input_dims(input: &ValueInfoProto) -> Result<Vec<Dim>, GraphError> {
    let name = input.name();
    let shape = input
        .tensor()
        .and_then(|tensor| tensor.shape.as_ref())
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

/// Floats of every width are fed in single precision.
fn input_type(input: &ValueInfoProto) -> Result<ElementType, GraphError> {
    let declared = input.tensor().and_then(|tensor| tensor.elem_type);
    match DataType(declared.unwrap_or(DataType::FLOAT.0)) {
        DataType(0)
        | DataType::FLOAT
        | DataType::FLOAT16
        | DataType::BFLOAT16
        | DataType::DOUBLE => Ok(ElementType::Float),
        DataType(2..=7) | DataType::UINT32 | DataType::UINT64 => Ok(ElementType::Integer),
        DataType::BOOL => Ok(ElementType::Bool),
        other => Err(GraphError::InvalidModel(format!(
            "its input `{}` is of type {other}; numbers and truth values are supported",
            input.name()
        ))),
    }
}
