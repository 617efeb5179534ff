//! Runs a graph: forward passes and the vector-Jacobian products of one output at every requested
//! layer. No weight gradients.

mod backend;
mod error;
mod gemm;
mod kernel;
mod mask;
mod ops;
mod plan;
mod simd;

pub use backend::{Backend, Session, Visitor};
pub use error::EngineError;
pub use kernel::{Gradient, Kernel, Operand, Reads, VjpContext};
pub use plan::{Plan, PlanOptions, PlanSummary, StepSummary};
pub use simd::SimdLevel;
