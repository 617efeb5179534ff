//! The operators, one file a family: the fast kernel, the vector-Jacobian product, and tests against
//! a plain reference and finite differences.

use infoplane_graph::Operation;

use crate::error::EngineError;
use crate::kernel::{Kernel, Operand};

#[cfg(test)]
pub(crate) mod testing;

/// Chooses and builds the kernel of an operator for its operands.
pub(crate) fn build(
    operation: &Operation,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let _ = (operands, output_shape);
    Err(EngineError::unsupported(operation.name(), "not built yet"))
}
