//! Which axis of a value counts its channels.
//!
//! Convolutions and what stands between them have channels on axis 1 and positions behind it. A linear
//! layer, an embedding and a normalisation of layers have them on the last axis: there the features of a
//! token are its channels, and the tokens positions. Other operators keep or move the axis of their
//! operand.

use crate::graph::Graph;
use crate::op::Op;
use crate::operation::Operation;
use crate::shaped::{ShapedGraph, ShapedNode, ValueState};

/// For each value, by its index, whether its channels are on its last axis rather than on axis 1. False
/// where both are the same axis.
///
/// Axes that no operator tells are axis 1.
pub fn channels_last(graph: &Graph, shaped: &ShapedGraph) -> Vec<bool> {
    let mut axes: Vec<Option<usize>> = vec![None; graph.values().len()];
    // Batches of images, and of rows.
    axes[graph.input().index()] = match shaped.shape(graph.input()).len() {
        2 | 4 => Some(1),
        _ => None,
    };
    for step in shaped.nodes() {
        axes[step.output.index()] = result_axis(graph, shaped, step, &axes);
    }
    // What is not told by what comes before is told by what comes next.
    for step in shaped.nodes().iter().rev() {
        let (operand, axis) = match (step.operands.first(), wanted_axis(shaped, step, &axes)) {
            (Some(operand), Some(axis)) => (operand.index(), axis),
            _ => continue,
        };
        axes[operand] = axes[operand].or(Some(axis));
    }
    let is_last = |(index, axis): (usize, &Option<usize>)| {
        let rank = shaped.shape(graph.value_id(index)).len();
        rank > 2 && axis.is_some_and(|axis| axis != 1)
    };
    axes.iter().enumerate().map(is_last).collect()
}

fn result_axis(
    graph: &Graph,
    shaped: &ShapedGraph,
    step: &ShapedNode,
    axes: &[Option<usize>],
) -> Option<usize> {
    let shape = shaped.shape(step.output);
    let rank = shape.len();
    let changes = |operand: &crate::ValueId| {
        !matches!(shaped.state(*operand), Some(ValueState::Constant(_)) | None)
    };
    // The axis of the first operand that has one, counted from the end as broadcasting does.
    let kept = step
        .operands
        .iter()
        .filter(|operand| changes(operand))
        .find_map(|operand| {
            let axis = axes[operand.index()]?;
            (axis + rank).checked_sub(shaped.shape(*operand).len())
        });
    let source = step.operands.first();
    let source_shape = source.map_or(&[][..], |source| shaped.shape(*source));
    let source_axis = source.and_then(|source| axes[source.index()]);
    let by_pool = matches!(graph.node(step.node).op, Op::AdaptiveAveragePool { .. });
    match &step.operation {
        Operation::Conv { .. }
        | Operation::ConvTranspose { .. }
        | Operation::MaxPool { .. }
        | Operation::AveragePool { .. }
        | Operation::LpPool { .. } => Some(1),
        Operation::Gemm { .. } | Operation::Lookup => rank.checked_sub(1),
        Operation::MatMul if by_pool => kept,
        Operation::MatMul if step.operands.get(1).is_some_and(changes) && rank > 3 => Some(1),
        Operation::MatMul => rank.checked_sub(1),
        Operation::LayerNorm { axis, .. } if *axis + 1 == rank => kept.or(Some(*axis)),
        Operation::Transpose { perm } => perm.iter().position(|from| Some(*from) == source_axis),
        Operation::Reshape => reshaped(source_shape, shape, source_axis?),
        Operation::Rearrange { shape: inner, perm } => {
            let before = reshaped(source_shape, inner, source_axis?)?;
            let after = perm.iter().position(|from| *from == before)?;
            let permuted: Vec<usize> = perm.iter().map(|&from| inner[from]).collect();
            reshaped(&permuted, shape, after)
        }
        // The label of the operand's channels; the last one where they are summed over.
        Operation::Einsum(contraction) => {
            let label = contraction.operands.first()?.get(source_axis?)?;
            let kept = contraction.output.iter().position(|other| other == label);
            kept.or(rank.checked_sub(1))
        }
        Operation::ReduceMean { axes: over } => {
            let axis = source_axis.filter(|axis| !over.contains(axis))?;
            match source_shape.len() == rank {
                true => Some(axis),
                false => Some(axis - over.iter().filter(|other| **other < axis).count()),
            }
        }
        _ => kept,
    }
}

/// The axis that begins where `axis` does, one of the same size rather than another.
fn reshaped(from: &[usize], to: &[usize], axis: usize) -> Option<usize> {
    let begin: usize = from[..axis].iter().product();
    let begins = |other: &usize| to[..*other].iter().product::<usize>() == begin;
    let same = (1..to.len()).find(|other| begins(other) && to[*other] == from[axis]);
    // An axis of 1 begins where the next one does.
    let longer = || (1..to.len()).find(|other| begins(other) && to[*other] > 1);
    same.or_else(longer).or_else(|| (1..to.len()).find(begins))
}

/// The axis that an operator's first operand has by what the operator does with it.
fn wanted_axis(shaped: &ShapedGraph, step: &ShapedNode, axes: &[Option<usize>]) -> Option<usize> {
    let operand = step.operands.first()?;
    let last = shaped.shape(*operand).len().checked_sub(1)?;
    match &step.operation {
        Operation::Conv { .. } => Some(1),
        Operation::Gemm { trans_a: false, .. } | Operation::MatMul => Some(last),
        Operation::LayerNorm { axis, .. } => (*axis == last).then_some(last),
        Operation::Unary(_) | Operation::Binary(_) => {
            let same = shaped.shape(*operand) == shaped.shape(step.output);
            axes[step.output.index()].filter(|_| same)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::reshaped;

    #[test]
    fn a_reshape_keeps_the_axis_that_begins_at_the_same_place() {
        // Flattening channels with their positions, and taking positions together.
        assert_eq!(reshaped(&[2, 8, 3, 3], &[2, 72], 1), Some(1));
        assert_eq!(reshaped(&[2, 8, 3, 3], &[2, 8, 9], 1), Some(1));
        // Features into heads, and back.
        assert_eq!(reshaped(&[2, 5, 12], &[2, 5, 3, 4], 2), Some(2));
        assert_eq!(reshaped(&[2, 5, 3, 4], &[2, 5, 12], 2), Some(2));
        // One sample of one token.
        assert_eq!(reshaped(&[1, 1, 12], &[1, 1, 3, 4], 2), Some(2));
        assert_eq!(reshaped(&[1, 12], &[1, 1, 12], 1), Some(2));
        assert_eq!(reshaped(&[2, 3, 4], &[8, 3], 1), None);
    }
}
