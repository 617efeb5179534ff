//! What a network is: values, operators, shapes, cut layers; and the readers of model files.

mod error;
mod graph;
mod op;
mod operation;
mod tensor;

pub use error::{GraphError, UnsupportedNode};
pub use graph::{Dim, Graph, Node, NodeId, Value, ValueId};
pub use op::{ElementType, Op, Padding, Window};
pub use operation::{BinaryOp, Operation, PadMode, Unary, Window2d};
pub use tensor::{Tensor, TensorData};
