//! Which kernel computes a node, and in which order of its tensors.

use infoplane_graph::{BinaryOp, Change, Operation, ShapedNode, ValueId};

use super::{Compiler, Order};
use crate::error::EngineError;
use crate::kernel::{Kernel, Operand};
use crate::ops::{self, blocked};

/// A kernel with the order of its operands and its result.
pub(super) struct Chosen {
    pub(super) kernel: Box<dyn Kernel>,
    pub(super) order: Order,
}

impl Compiler<'_> {
    /// The kernel of any other node: on blocks where its operands are, and a kernel can.
    pub(super) fn choose(
        &self,
        node: &ShapedNode,
        operands: &[Operand],
    ) -> Result<Chosen, EngineError> {
        let shape = self.shaped.shape(node.output);
        let is_blocked = |value: &ValueId| self.order(*value) == Order::Blocked;
        if node.operands.iter().any(is_blocked)
            && let Some(kernel) = self.choose_blocked(node, operands)?
        {
            return Ok(Chosen {
                kernel,
                order: Order::Blocked,
            });
        }
        Ok(Chosen {
            kernel: ops::build(&node.operation, operands, shape)?,
            order: Order::Plain,
        })
    }

    fn choose_blocked(
        &self,
        node: &ShapedNode,
        operands: &[Operand],
    ) -> Result<Option<Box<dyn Kernel>>, EngineError> {
        let mut varying = node
            .operands
            .iter()
            .filter(|&&value| self.shaped.changes(value) != Change::Never);
        let Some(&first) = varying.next() else {
            return Ok(None);
        };
        let (rows, layout) = self.blocks(first);
        // What works element by element sees one long row.
        let flat = |operand: &Operand| Operand {
            shape: match operand.constant {
                None => vec![rows * layout.row_len()],
                Some(_) => operand.shape.clone(),
            },
            constant: operand.constant.clone(),
        };
        let shape = self.shaped.shape(node.output);
        let build_flat = || {
            let flat: Vec<Operand> = operands.iter().map(flat).collect();
            ops::build(&node.operation, &flat, &[rows * layout.row_len()])
        };
        let kernel = match &node.operation {
            // What it makes of padding is never seen, but must not spoil sums.
            Operation::Unary(function) if function.stays_finite() => build_flat()?,
            // Where both sides have every element, or one is a number that keeps padding finite.
            Operation::Binary(operation) => {
                let stays_finite = matches!(
                    operation,
                    BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::PRelu
                );
                if !stays_finite {
                    return Ok(None);
                }
                let name = node.operation.name();
                let by_channel =
                    blocked::by_channel::build(name, *operation, operands, shape, layout)?;
                if by_channel.is_some() {
                    return Ok(by_channel);
                }
                let fits = operands.iter().all(|operand| match &operand.constant {
                    None => operand.shape == shape,
                    Some(values) => values.len() == 1 && operand.shape.len() <= 1,
                });
                if !fits {
                    return self.one_a_channel(node, operands);
                }
                build_flat()?
            }
            Operation::Concat { axis: 1 } => {
                let blocks = operands.iter().all(|operand| {
                    operand.constant.is_none()
                        && operand.shape.len() == shape.len()
                        && operand.shape[1].is_multiple_of(layout.block)
                });
                if !blocks {
                    return Ok(None);
                }
                let lanes = layout.positions * layout.block;
                let flat: Vec<Operand> = operands
                    .iter()
                    .map(|operand| Operand {
                        shape: vec![rows, operand.shape[1] / layout.block, lanes],
                        constant: None,
                    })
                    .collect();
                let result = [rows, shape[1] / layout.block, lanes];
                ops::build(&node.operation, &flat, &result)?
            }
            _ => match blocked::build(&node.operation, operands, shape)? {
                Some(kernel) => kernel,
                None => return Ok(None),
            },
        };
        Ok(Some(kernel))
    }

    /// Arithmetic on blocks where one side has a single element a channel, as a squeeze-and-excitation has.
    fn one_a_channel(
        &self,
        node: &ShapedNode,
        operands: &[Operand],
    ) -> Result<Option<Box<dyn Kernel>>, EngineError> {
        let shape = self.shaped.shape(node.output);
        let (rows, layout) = self.blocks(node.output);
        let blocks = rows * layout.n_blocks();
        let on_blocks = |operand: &Operand| {
            let same = operand.shape == shape;
            let single = operand.shape.len() == shape.len()
                && operand.shape.get(..2) == shape.get(..2)
                && operand.shape.iter().skip(2).all(|&size| size == 1);
            let positions = match (same, single) {
                (true, _) => layout.positions,
                (_, true) => 1,
                _ => return None,
            };
            operand.constant.is_none().then(|| Operand {
                shape: vec![blocks, positions, layout.block],
                constant: None,
            })
        };
        let Some(operands) = operands.iter().map(on_blocks).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let result = [blocks, layout.positions, layout.block];
        ops::build(&node.operation, &operands, &result).map(Some)
    }
}
