//! Operators that a convolution takes over: batch normalisation and clamping activations, where
//! nothing else looks at what lies between.

use infoplane_graph::{Graph, NodeId, Operation, ShapedGraph, Unary, ValueId, ValueState};

use crate::error::EngineError;
use crate::kernel::Operand;
use crate::ops::conv::{Clamp, ConvSpec};
use crate::ops::norm::batch_norm_coefficients;

/// Which steps are absorbed by which.
pub(super) struct Fusion {
    followers: Vec<Vec<usize>>,
    absorbed: Vec<bool>,
}

impl Fusion {
    pub fn of(graph: &Graph, shaped: &ShapedGraph, layers: &[ValueId]) -> Fusion {
        let nodes = shaped.nodes();
        let mut step_of_node = vec![None; graph.nodes().len()];
        for (index, step) in nodes.iter().enumerate() {
            step_of_node[step.node.index()] = Some(index);
        }
        let consumers = graph.consumers();
        let only_consumer = |value: ValueId| -> Option<usize> {
            let users: &[NodeId] = &consumers[value.index()];
            let hidden = !layers.contains(&value) && graph.output() != value;
            match users {
                [user] if hidden => step_of_node[user.index()],
                _ => None,
            }
        };
        let mut fusion = Fusion {
            followers: vec![Vec::new(); nodes.len()],
            absorbed: vec![false; nodes.len()],
        };
        for (index, step) in nodes.iter().enumerate() {
            let varies = shaped.state(step.output).is_some_and(ValueState::varies);
            if !varies || !matches!(step.operation, Operation::Conv { .. }) {
                continue;
            }
            let mut last = step.output;
            let mut clamped = false;
            while let Some(next) = only_consumer(last).filter(|_| !clamped) {
                let follower = &nodes[next];
                match &follower.operation {
                    Operation::BatchNorm { .. } => {}
                    Operation::Unary(Unary::Relu | Unary::Clip { .. }) => clamped = true,
                    _ => break,
                }
                fusion.followers[index].push(next);
                fusion.absorbed[next] = true;
                last = follower.output;
            }
        }
        fusion
    }

    /// Steps that the step takes over, in order.
    pub fn followers(&self, step: usize) -> &[usize] {
        &self.followers[step]
    }

    /// Whether another step took this one over.
    pub fn is_absorbed(&self, step: usize) -> bool {
        self.absorbed[step]
    }
}

/// Makes a convolution do what follows it too; fails where the follower has no kernel either.
pub(super) fn absorb(
    spec: &mut ConvSpec,
    operation: &Operation,
    operands: &[Operand],
) -> Result<(), EngineError> {
    match operation {
        Operation::BatchNorm { epsilon } => {
            let (scale, shift) =
                batch_norm_coefficients(operation.name(), *epsilon, operands, spec.output[1])?;
            spec.fold_scale_and_shift(&scale, &shift);
        }
        Operation::Unary(Unary::Relu) => {
            spec.clamp = Some(Clamp {
                low: 0.0,
                high: f32::INFINITY,
            });
        }
        Operation::Unary(Unary::Clip { min, max }) => {
            spec.clamp = Some(Clamp {
                low: *min,
                high: *max,
            });
        }
        other => {
            return Err(EngineError::unsupported(
                other.name(),
                "after a convolution",
            ));
        }
    }
    Ok(())
}
