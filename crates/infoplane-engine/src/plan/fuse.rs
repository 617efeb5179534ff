//! Operators that a convolution takes over: batch normalisation, the addition of another value, and a
//! clamping activation, where nothing else looks at what lies between.

use infoplane_graph::{
    BinaryOp, Graph, NodeId, Operation, ShapedGraph, ShapedNode, Unary, ValueId, ValueState,
    Window2d,
};

use crate::error::EngineError;
use crate::kernel::Operand;
use crate::ops::conv::ConvSpec;
use crate::ops::norm::batch_norm_coefficients;
use crate::ops::product::Clamp;

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
        // The step at which each value is there.
        let mut made_at: Vec<Option<usize>> = vec![None; graph.values().len()];
        made_at[graph.path_start().index()] = Some(0);
        for (index, step) in nodes.iter().enumerate() {
            if fusion.absorbed[index] {
                continue;
            }
            made_at[step.output.index()] = Some(index);
            if !shaped.runs_along_path(step) || !matches!(step.operation, Operation::Conv { .. }) {
                continue;
            }
            let mut last = step.output;
            let (mut added, mut clamped) = (false, false);
            while let Some(next) = only_consumer(last).filter(|_| !clamped) {
                let follower = &nodes[next];
                match &follower.operation {
                    Operation::BatchNorm { .. } if !added => {}
                    Operation::Binary(BinaryOp::Add) if !added => {
                        let there = addend(shaped, follower, last)
                            .and_then(|value| made_at[value.index()])
                            .is_some_and(|at| at < index);
                        if !there {
                            break;
                        }
                        added = true;
                    }
                    Operation::Unary(Unary::Relu | Unary::Clip { .. }) => clamped = true,
                    _ => break,
                }
                fusion.followers[index].push(next);
                fusion.absorbed[next] = true;
                last = follower.output;
                made_at[last.index()] = Some(index);
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

/// The varying value of the same shape that an addition adds to `own`.
fn addend(shaped: &ShapedGraph, addition: &ShapedNode, own: ValueId) -> Option<ValueId> {
    let other = match addition.operands[..] {
        [a, b] if a == own => b,
        [a, b] if b == own => a,
        _ => return None,
    };
    let fits = other != own
        && shaped.state(other).is_some_and(ValueState::varies)
        && shaped.shape(other) == shaped.shape(own);
    fits.then_some(other)
}

/// A batch normalisation of `[N, C, H, W]` as a depthwise convolution.
pub(super) fn batch_norm_as_conv(
    epsilon: f32,
    operands: &[Operand],
    shape: &[usize],
) -> Result<ConvSpec, EngineError> {
    let &[samples, channels, height, width] = shape else {
        return Err(EngineError::unsupported(
            "BatchNorm",
            "not a batch of images",
        ));
    };
    let (scale, shift) = batch_norm_coefficients("BatchNorm", epsilon, operands, channels)?;
    Ok(ConvSpec {
        input: [samples, channels, height, width],
        output: [samples, channels, height, width],
        window: Window2d {
            kernel: [1, 1],
            strides: [1, 1],
            dilations: [1, 1],
            pads_begin: [0, 0],
            pads_end: [0, 0],
        },
        groups: channels,
        weights: scale,
        bias: shift,
        clamp: None,
        addend: false,
        plain_input: false,
    })
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
