//! The operators, one file a family: the fast kernel, the vector-Jacobian product, and tests against
//! a plain reference and finite differences.

use infoplane_graph::Operation;

use crate::error::EngineError;
use crate::kernel::{Kernel, Operand};

mod average_pool;
mod binary;
pub(crate) mod blocked;
mod choice;
mod concat;
pub(crate) mod conv;
mod linear;
mod log_softmax;
mod loops;
mod math;
mod matmul;
mod max_pool;
pub(crate) mod norm;
mod operands;
mod pad;
mod power;
pub(crate) mod product;
mod rectifier;
mod reduce;
mod reductions;
pub(crate) mod reorder;
mod slice;
mod softmax;
#[cfg(test)]
pub(crate) mod testing;
mod transpose;
mod unary;
mod variadic;
mod vectorize;
mod window;

pub use vectorize::vectorized;

/// Chooses and builds the kernel of an operator for its operands.
pub(crate) fn build(
    operation: &Operation,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let name = operation.name();
    match operation {
        Operation::Conv { .. } => {
            let spec = conv::ConvSpec::new(operation, operands, output_shape)?;
            Ok(spec.build_plain(conv::ConvOptions {
                level: crate::simd::SimdLevel::current(),
                exact: true,
            }))
        }
        Operation::Gemm {
            alpha,
            beta,
            trans_a,
            trans_b,
        } => {
            let attributes = matmul::GemmAttributes {
                alpha: *alpha,
                beta: *beta,
                trans_a: *trans_a,
                trans_b: *trans_b,
            };
            matmul::build_gemm(name, attributes, operands, output_shape)
        }
        Operation::MatMul => matmul::build_matmul(name, operands, output_shape),
        Operation::BatchNorm { epsilon } => {
            norm::build_batch_norm(name, *epsilon, operands, output_shape)
        }
        Operation::LayerNorm { axis, epsilon } => {
            norm::build_layer_norm(name, *axis, *epsilon, operands, output_shape)
        }
        Operation::Unary(function) => unary::build(name, *function, operands, output_shape),
        Operation::Binary(arithmetic) => binary::build(name, *arithmetic, operands, output_shape),
        Operation::Variadic(operation) => variadic::build(name, *operation, operands, output_shape),
        Operation::Where => choice::build(name, operands, output_shape),
        Operation::LogSoftmax { axis, end } => {
            log_softmax::build(name, *axis, *end, operands, output_shape)
        }
        Operation::Softmax { axis, end } => {
            softmax::build(name, *axis, *end, operands, output_shape)
        }
        Operation::MaxPool { window } => max_pool::build(name, window, operands, output_shape),
        Operation::AveragePool {
            window,
            count_include_pad,
            counted_pads_end,
        } => average_pool::build(
            name,
            window,
            *count_include_pad,
            *counted_pads_end,
            operands,
            output_shape,
        ),
        Operation::ReduceMean { axes } => reduce::build_mean(name, axes, operands, output_shape),
        Operation::Reduce { reduction, axes } => {
            reductions::build(name, *reduction, axes, operands, output_shape)
        }
        Operation::Concat { axis } => concat::build(name, *axis, operands, output_shape),
        Operation::Slice { starts, steps } => {
            slice::build(name, starts, steps, operands, output_shape)
        }
        Operation::Pad {
            before,
            after,
            mode,
            value,
        } => {
            let amounts = pad::Amounts { before, after };
            pad::build(name, amounts, *mode, *value, operands, output_shape)
        }
        Operation::Reshape => concat::build_reshape(name, operands, output_shape),
        Operation::Transpose { perm } => transpose::build(name, perm, operands, output_shape),
    }
}
