//! Runs a graph: forward passes and the vector-Jacobian products of one output at every requested
//! layer. No weight gradients.

mod aligned;
mod backend;
mod error;
mod gemm;
mod kernel;
mod layout;
mod mask;
mod ops;
mod plan;
mod simd;

pub use backend::{Backend, Session, Visitor};
pub use error::EngineError;
pub use kernel::{Gradient, Kernel, Operand, Reads, VjpContext};
pub use layout::Layout;
pub use ops::vectorized;
pub use plan::{Plan, PlanOptions, PlanSummary, StepSummary, StepTime};
pub use simd::SimdLevel;
