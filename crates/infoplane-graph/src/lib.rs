//! What a network is: values, operators, shapes, cut layers; and the readers of model files.
//!
//! A [`Graph`] is read by [`read_onnx`] or [`read_torchvision`] and specialised to concrete shapes by [`Graph::specialize`];
//! the resulting [`ShapedGraph`] has every attribute resolved and shape arithmetic folded away.

mod arithmetic;
mod error;
mod flow;
mod fold;
mod graph;
mod layers;
mod onnx;
mod op;
mod operation;
mod resolve;
mod shaped;
mod tensor;
mod topology;
mod torchvision;
mod types;
mod unary;
mod weights;

pub use error::{GraphError, UnsupportedNode};
pub use flow::{FlowEdge, flow};
pub use graph::{Dim, Graph, Node, NodeId, Value, ValueId};
pub use layers::{Layer, MAX_DEFAULT_LAYERS, default_layers, layers, layers_by_name, nearest};
pub use onnx::{OnnxSummary, SUPPORTED_OPSETS, describe_onnx, parse_onnx, read_onnx};
pub use op::{ElementType, Op, Padding, Window};
pub use operation::{BinaryOp, Operation, PadMode, ReduceOp, Unary, VariadicOp, Window2d};
pub use shaped::{ShapedGraph, ShapedNode, ValueState};
pub use tensor::{Floats, Tensor, TensorData};
pub use topology::Topology;
pub use torchvision::{
    Misfit, Misshapen, Missing, read_torchvision, torchvision_names, torchvision_tensors,
    unknown_architecture,
};
pub use weights::{Blob, Weights, WeightsProblem};
