//! Normalisations with statistics of the sample itself.

use super::{Operands, Problem, Resolved, invalid};
use crate::operation::Operation;

/// Channels of a sample in `groups` runs; one a channel where `groups` is none.
pub(super) fn group_norm(
    groups: Option<usize>,
    epsilon: f32,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let shape = operands.shape(0)?;
    let channels = channels(shape)?;
    let groups = groups.unwrap_or(channels);
    if groups == 0 || channels % groups != 0 {
        return Err(invalid(format!("{groups} groups for {channels} channels")));
    }
    for position in 1..3 {
        let parameter = operands.shape(position)?;
        if parameter != [channels] && parameter != [groups] {
            return Err(invalid(format!(
                "operand {position} must have the shape [{channels}] or [{groups}], not {parameter:?}"
            )));
        }
    }
    Ok(Resolved {
        operation: Operation::GroupNorm { groups, epsilon },
        operands: vec![0, 1, 2],
        shape: shape.to_vec(),
    })
}

pub(super) fn local_response_norm(
    size: usize,
    [alpha, beta, bias]: [f32; 3],
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let shape = operands.shape(0)?;
    channels(shape)?;
    if size == 0 {
        return Err(invalid("a size of 0"));
    }
    let operation = Operation::LocalResponseNorm {
        size,
        alpha,
        beta,
        bias,
    };
    Ok(Resolved::of_first(operation, shape.to_vec()))
}

fn channels(shape: &[usize]) -> Result<usize, Problem> {
    shape
        .get(1)
        .copied()
        .ok_or_else(|| invalid(format!("needs channels, not the shape {shape:?}")))
}
