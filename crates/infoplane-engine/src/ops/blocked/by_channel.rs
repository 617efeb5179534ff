//! Arithmetic with one constant a channel: slopes of a PReLU, factors and shifts of a scale layer.

use infoplane_graph::BinaryOp;

use crate::error::EngineError;
use crate::kernel::{Kernel, Operand};
use crate::layout::Layout;
use crate::ops::binary;

/// The kernel of a blocked tensor of `shape` and a constant with one element a channel, where the
/// operands are that. Padding gets the constant 0.
pub(crate) fn build(
    operator: &'static str,
    operation: BinaryOp,
    operands: &[Operand],
    shape: &[usize],
    layout: Layout,
) -> Result<Option<Box<dyn Kernel>>, EngineError> {
    let rank = shape.len();
    let by_channel = |own: &[usize]| {
        // The axis of channels is the second one of the result.
        let axis = (own.len() + 1).checked_sub(rank);
        let others = || own.iter().enumerate().filter(|(at, _)| Some(*at) != axis);
        axis.is_some_and(|axis| own.get(axis) == Some(&layout.channels))
            && others().all(|(_, &extent)| extent == 1)
    };
    let blocks = [layout.n_blocks(), 1, layout.block];
    let whole = [shape[0], layout.n_blocks(), layout.positions, layout.block];
    let mut placed = Vec::with_capacity(operands.len());
    for operand in operands {
        placed.push(match &operand.constant {
            None if operand.shape == shape => Operand {
                shape: whole.to_vec(),
                constant: None,
            },
            Some(values)
                if rank >= 3 && operand.shape.len() <= rank && by_channel(&operand.shape) =>
            {
                let mut padded = values.to_vec();
                padded.resize(layout.n_blocks() * layout.block, 0.0);
                Operand {
                    shape: blocks.to_vec(),
                    constant: Some(padded.into()),
                }
            }
            _ => return Ok(None),
        });
    }
    binary::build(operator, operation, &placed, &whole).map(Some)
}

#[cfg(test)]
mod tests {
    use infoplane_graph::BinaryOp;

    use super::build;
    use crate::kernel::Operand;
    use crate::layout::Layout;
    use crate::ops::reorder::{to_blocked, to_plain};
    use crate::ops::testing::{assert_close, forward, operand, values, vjp};

    #[test]
    fn every_channel_meets_its_constant() {
        let shape = [2, 19, 3, 2];
        let layout = Layout::blocked(19, 6);
        let (x, slopes) = (values(2 * 19 * 6, 1), values(19, 2));
        let len = 2 * layout.row_len();
        let (blocked, _) = forward(&*to_blocked(layout), &[&x], len);
        for own in [&[19, 1, 1][..], &[1, 19, 1, 1]] {
            let constant = Operand {
                shape: own.to_vec(),
                constant: Some(slopes.clone().into()),
            };
            let operands = [operand(&shape), constant];
            let kernel = build("PRelu", BinaryOp::PRelu, &operands, &shape, layout)
                .unwrap()
                .unwrap();
            let (result, saved) = forward(&*kernel, &[&blocked], len);
            let (plain, _) = forward(&*to_plain(layout), &[&result], x.len());
            let slope = |index: usize| {
                if x[index] > 0.0 {
                    1.0
                } else {
                    slopes[index / 6 % 19]
                }
            };
            let expected: Vec<f64> = (0..x.len())
                .map(|index| f64::from(x[index] * slope(index)))
                .collect();
            assert_close(&plain, &expected, 1e-6, "forward");
            let ones = vec![1.0; len];
            let gradient = vjp(&*kernel, &[&blocked], &result, &saved, &ones, 0);
            let (plain, _) = forward(&*to_plain(layout), &[&gradient], x.len());
            let expected: Vec<f64> = (0..x.len()).map(|index| f64::from(slope(index))).collect();
            assert_close(&plain, &expected, 1e-6, "gradient");
        }
    }

    #[test]
    fn other_constants_are_left_to_plain_kernels() {
        let shape = [1, 4, 4, 2];
        let layout = Layout::blocked(4, 8);
        for own in [&[4, 1][..], &[2], &[1], &[4, 4, 1], &[4], &[1, 1, 4, 1, 1]] {
            let constant = Operand {
                shape: own.to_vec(),
                constant: Some(values(own.iter().product(), 1).into()),
            };
            let built = build(
                "Mul",
                BinaryOp::Mul,
                &[operand(&shape), constant],
                &shape,
                layout,
            );
            assert!(built.unwrap().is_none(), "{own:?}");
        }
    }
}
