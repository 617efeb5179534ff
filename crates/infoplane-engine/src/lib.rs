//! Runs a graph: forward passes and the vector-Jacobian products of one output at every requested
//! layer. No weight gradients.

mod error;
mod gemm;
mod kernel;
mod ops;

pub use error::EngineError;
pub use kernel::{Gradient, Kernel, Operand, Reads, VjpContext};
