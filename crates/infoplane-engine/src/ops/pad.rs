//! Padding with a constant, the mirror image, the edge or the other end; negative amounts crop.

use infoplane_graph::PadMode;

use super::loops::dense_strides;
use super::operands::runtime;
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};

/// Amounts of padding by axis, negative to crop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amounts<'a> {
    pub before: &'a [isize],
    pub after: &'a [isize],
}

/// Builds the kernel of a padding.
pub(crate) fn build(
    operator: &'static str,
    amounts: Amounts<'_>,
    mode: PadMode,
    value: f32,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let shape = runtime(operator, operands, 0)?;
    let Amounts { before, after } = amounts;
    let rank = shape.len();
    let fits = [before.len(), after.len(), output_shape.len()] == [rank; 3]
        && (0..rank).all(|axis| {
            before[axis]
                .checked_add(after[axis])
                .and_then(|amount| shape[axis].checked_add_signed(amount))
                == Some(output_shape[axis])
        });
    if !fits {
        return Err(EngineError::unsupported(
            operator,
            format!("{before:?} before and {after:?} after {shape:?} to {output_shape:?}"),
        ));
    }
    if mode != PadMode::Constant && shape.contains(&0) {
        return Err(EngineError::unsupported(
            operator,
            format!("no elements to repeat in the shape {shape:?}"),
        ));
    }
    let axes = dense_strides(shape)
        .into_iter()
        .enumerate()
        .map(|(axis, stride)| Axis {
            stride: stride as usize,
            sources: (0..output_shape[axis])
                .map(|place| source(place as isize - before[axis], shape[axis], mode))
                .collect(),
        })
        .collect();
    Ok(Box::new(Pad { axes, mode, value }))
}

/// The operand's index for a place counted from its first element; none where the constant goes.
fn source(place: isize, extent: usize, mode: PadMode) -> Option<usize> {
    let last = extent as isize - 1;
    if (0..=last).contains(&place) {
        return Some(place as usize);
    }
    match mode {
        PadMode::Constant => None,
        PadMode::Edge => Some(place.clamp(0, last) as usize),
        PadMode::Wrap => Some(place.rem_euclid(extent as isize) as usize),
        PadMode::Reflect if last == 0 => Some(0),
        PadMode::Reflect => {
            let folded = place.rem_euclid(2 * last);
            Some(folded.min(2 * last - folded) as usize)
        }
    }
}

struct Pad {
    axes: Vec<Axis>,
    mode: PadMode,
    value: f32,
}

struct Axis {
    /// The operand's stride.
    stride: usize,
    /// For every place of the result: the operand's index, or none for the constant.
    sources: Vec<Option<usize>>,
}

impl Kernel for Pad {
    fn name(&self) -> &'static str {
        match self.mode {
            PadMode::Constant => "pad",
            PadMode::Reflect => "pad, reflected",
            PadMode::Edge => "pad, edge",
            PadMode::Wrap => "pad, wrapped",
        }
    }

    fn constant_bytes(&self) -> usize {
        self.axes
            .iter()
            .map(|axis| size_of_val(axis.sources.as_slice()))
            .sum()
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        for_each_place(&self.axes, Some(0), &mut 0, &mut |to, from| {
            output[to] = match from {
                Some(from) => inputs[0][from],
                None => self.value,
            };
        });
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        gradient.clear_unless_accumulating();
        for_each_place(&self.axes, Some(0), &mut 0, &mut |from, to| {
            if let Some(to) = to {
                gradient.data[to] += context.grad_output[from];
            }
        });
    }
}

/// Calls `visit` with every place of the result, in order, and the operand's index there.
fn for_each_place(
    axes: &[Axis],
    from: Option<usize>,
    place: &mut usize,
    visit: &mut impl FnMut(usize, Option<usize>),
) {
    let Some((axis, inner)) = axes.split_first() else {
        visit(*place, from);
        *place += 1;
        return;
    };
    for source in &axis.sources {
        let from = from
            .zip(*source)
            .map(|(from, source)| from + source * axis.stride);
        for_each_place(inner, from, place, visit);
    }
}

#[cfg(test)]
mod tests {
    use infoplane_graph::PadMode;
    use proptest::prelude::*;

    use super::{Amounts, build, source};
    use crate::kernel::Kernel;
    use crate::ops::testing::{
        check_against_reference, check_laws, operand, source_indices, values,
    };

    const MODES: [PadMode; 4] = [
        PadMode::Constant,
        PadMode::Reflect,
        PadMode::Edge,
        PadMode::Wrap,
    ];

    fn padded(shape: &[usize], before: &[isize], after: &[isize]) -> Vec<usize> {
        (0..shape.len())
            .map(|axis| (shape[axis] as isize + before[axis] + after[axis]) as usize)
            .collect()
    }

    fn pad(shape: &[usize], before: &[isize], after: &[isize], mode: PadMode) -> Box<dyn Kernel> {
        let output_shape = padded(shape, before, after);
        let amounts = Amounts { before, after };
        build("Pad", amounts, mode, 0.75, &[operand(shape)], &output_shape).unwrap()
    }

    fn reference_pad(
        shape: &[usize],
        [before, after]: [&[isize]; 2],
        mode: PadMode,
        input: &[f64],
    ) -> Vec<f64> {
        source_indices(&padded(shape, before, after), shape, |axis, place| {
            let mut index = place as isize - before[axis];
            let last = shape[axis] as isize - 1;
            // One step at a time: bounce at the ends, or stop there.
            while !(0..=last).contains(&index) {
                index = match mode {
                    PadMode::Constant => return None,
                    PadMode::Edge => index.clamp(0, last),
                    PadMode::Wrap if index < 0 => index + last + 1,
                    PadMode::Wrap => index - last - 1,
                    PadMode::Reflect if last == 0 => 0,
                    PadMode::Reflect if index < 0 => -index,
                    PadMode::Reflect => 2 * last - index,
                };
            }
            Some(index as usize)
        })
        .into_iter()
        .map(|index| index.map_or(0.75, |index| input[index]))
        .collect()
    }

    #[test]
    fn padding_matches_the_reference() {
        for mode in MODES {
            for (shape, before, after) in [
                (&[1, 2, 3, 4][..], &[0, 0, 1, 2][..], &[0, 0, 2, 1][..]),
                (&[2, 3], &[1, 0], &[0, 2]),
                (&[5], &[-2], &[-1]),
                (&[5, 4], &[-1, 2], &[3, -2]),
                (&[3], &[7], &[6]),
                (&[1, 1], &[2, 0], &[0, 3]),
                (&[2, 2], &[0, 0], &[0, 0]),
            ] {
                check_against_reference(
                    &*pad(shape, before, after, mode),
                    &[values(shape.iter().product(), 4)],
                    |wide| reference_pad(shape, [before, after], mode, &wide[0]),
                    1e-6,
                );
            }
        }
    }

    #[test]
    fn reflection_does_not_repeat_the_edge() {
        let places: Vec<_> = (-3..7)
            .map(|place| source(place, 4, PadMode::Reflect))
            .collect();
        assert_eq!(places, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0].map(Some));
    }

    #[test]
    fn amounts_that_do_not_fit_are_refused() {
        let attempt = |before: &[isize], after: &[isize], output_shape: &[usize]| {
            let amounts = Amounts { before, after };
            build(
                "Pad",
                amounts,
                PadMode::Edge,
                0.0,
                &[operand(&[3])],
                output_shape,
            )
            .is_err()
        };
        assert!(attempt(&[1], &[1], &[4]));
        assert!(attempt(&[-2], &[-2], &[0]));
        assert!(attempt(&[1, 0], &[0], &[4]));
        assert!(attempt(&[isize::MAX], &[isize::MAX], &[3]));
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            axes in prop::collection::vec((3usize..5, -1isize..4, -1isize..4), 1..4),
            which in 0usize..4,
            seed: u64,
        ) {
            let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
            let before: Vec<isize> = axes.iter().map(|axis| axis.1).collect();
            let after: Vec<isize> = axes.iter().map(|axis| axis.2).collect();
            let output_len = padded(&shape, &before, &after).iter().product();
            let input = values(shape.iter().product(), seed);
            check_laws(&*pad(&shape, &before, &after, MODES[which]), &[input], output_len, seed);
        }
    }
}
