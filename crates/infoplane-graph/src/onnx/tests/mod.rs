//! Models written in memory: what is read, and what is refused.

mod constants;
mod ends;
mod inlining;
mod types;

use std::path::Path;

use prost::Message;

use super::parse_onnx;
use super::proto::{
    AttributeProto, Dimension, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetId,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::graph::Graph;
use crate::operation::Operation;
use crate::shaped::ShapedGraph;

const FLOAT: i32 = 1;
const INT8: i32 = 3;
const INT64: i32 = 7;
const STRING: i32 = 8;
const BOOL: i32 = 9;

fn text(text: &str) -> Option<String> {
    Some(text.to_string())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn value(name: &str, element: i32, shape: &[i64]) -> ValueInfoProto {
    let dim = |&size: &i64| Dimension {
        dim_value: Some(size),
        dim_param: None,
    };
    ValueInfoProto {
        name: text(name),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: Some(element),
                shape: Some(TensorShapeProto {
                    dim: shape.iter().map(dim).collect(),
                }),
            }),
        }),
    }
}

/// A node that is called after its first result.
fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        input: names(inputs),
        output: names(outputs),
        name: text(&format!("{}_node", outputs[0])),
        op_type: text(operator),
        ..NodeProto::default()
    }
}

impl NodeProto {
    fn of(mut self, domain: &str) -> NodeProto {
        self.domain = text(domain);
        self
    }

    fn with(mut self, attribute: AttributeProto) -> NodeProto {
        self.attribute.push(attribute);
        self
    }

    fn integer(self, name: &str, value: i64) -> NodeProto {
        self.with(AttributeProto {
            name: text(name),
            i: Some(value),
            ..AttributeProto::default()
        })
    }

    fn graph(self, name: &str, graph: GraphProto) -> NodeProto {
        self.with(AttributeProto {
            name: text(name),
            g: Some(Box::new(graph)),
            ..AttributeProto::default()
        })
    }
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(FLOAT),
        float_data: values.to_vec(),
        name: text(name),
        ..TensorProto::default()
    }
}

fn integers(name: &str, element: i32, dims: &[i64], values: &[i32]) -> TensorProto {
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(element),
        int32_data: values.to_vec(),
        name: text(name),
        ..TensorProto::default()
    }
}

fn longs(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        dims: vec![values.len() as i64],
        data_type: Some(INT64),
        int64_data: values.to_vec(),
        name: text(name),
        ..TensorProto::default()
    }
}

/// A network of one input `x` of shape [2, 3] and the output `y`.
struct Net(ModelProto);

impl Net {
    fn new(nodes: Vec<NodeProto>) -> Net {
        let graph = GraphProto {
            node: nodes,
            input: vec![value("x", FLOAT, &[2, 3])],
            output: vec![value("y", FLOAT, &[2, 3])],
            ..GraphProto::default()
        };
        Net(ModelProto {
            graph: Some(graph),
            opset_import: vec![OperatorSetId {
                domain: None,
                version: Some(18),
            }],
            ..ModelProto::default()
        })
    }

    fn graph(&mut self) -> &mut GraphProto {
        self.0.graph.as_mut().unwrap()
    }

    fn constant(mut self, tensor: TensorProto) -> Net {
        self.graph().initializer.push(tensor);
        self
    }

    fn outputs(mut self, outputs: Vec<ValueInfoProto>) -> Net {
        self.graph().output = outputs;
        self
    }

    fn input_type(mut self, element: i32) -> Net {
        self.graph().input = vec![value("x", element, &[2, 3])];
        self
    }

    fn function(mut self, name: &str, nodes: Vec<NodeProto>) -> Net {
        self.0.functions.push(FunctionProto {
            name: text(name),
            domain: text("own"),
            input: names(&["a"]),
            output: names(&["b"]),
            node: nodes,
            ..FunctionProto::default()
        });
        self
    }

    fn read(&self) -> Result<Graph, String> {
        parse_onnx(&self.0.encode_to_vec(), Path::new("net.onnx"))
            .map_err(|error| error.to_string())
    }

    fn shaped(&self) -> Result<(Graph, ShapedGraph), String> {
        let graph = self.read()?;
        let shaped = graph
            .specialize(&[3], 2)
            .map_err(|error| error.to_string())?;
        Ok((graph, shaped))
    }

    /// Why it is refused.
    fn refusal(&self) -> String {
        match self.shaped() {
            Ok(_) => panic!("it is read"),
            Err(message) => message,
        }
    }

    /// What runs.
    fn operations(&self) -> Vec<Operation> {
        let (_, shaped) = self.shaped().unwrap();
        let steps = shaped.nodes().iter();
        steps.map(|step| step.operation.clone()).collect()
    }
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
}
