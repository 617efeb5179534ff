//! Operands one after another along an axis, and the same elements under another shape.

use super::operands::{Source, runtime, same_len};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};

/// Builds the kernel of a concatenation along `axis`.
pub(crate) fn build(
    operator: &'static str,
    axis: usize,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let misfit = || {
        let shapes: Vec<&[usize]> = operands.iter().map(|o| o.shape.as_slice()).collect();
        EngineError::unsupported(
            operator,
            format!("the shapes {shapes:?} along axis {axis} to {output_shape:?}"),
        )
    };
    let total = *output_shape.get(axis).ok_or_else(misfit)?;
    let fits = |operand: &Operand| {
        operand.shape.len() == output_shape.len()
            && (0..output_shape.len())
                .all(|other| other == axis || operand.shape[other] == output_shape[other])
    };
    if !operands.iter().all(fits) || operands.iter().map(|o| o.shape[axis]).sum::<usize>() != total
    {
        return Err(misfit());
    }
    let inner: usize = output_shape[axis + 1..].iter().product();
    let mut begin = 0;
    let parts = Source::of_all(operator, operands)?
        .into_iter()
        .zip(operands)
        .map(|(source, operand)| {
            let len = operand.shape[axis] * inner;
            begin += len;
            Part {
                source,
                begin: begin - len,
                len,
            }
        })
        .collect();
    Ok(Box::new(Concat {
        parts,
        row: total * inner,
    }))
}

/// An operand's share of every row of the result.
struct Part {
    source: Source,
    begin: usize,
    len: usize,
}

struct Concat {
    parts: Vec<Part>,
    /// Elements of the result from one step of the outer axes to the next.
    row: usize,
}

impl Kernel for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn constant_bytes(&self) -> usize {
        self.parts
            .iter()
            .map(|part| part.source.constant_bytes())
            .sum()
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        for part in self.parts.iter().filter(|part| part.len > 0) {
            let rows = part.source.get(inputs).chunks_exact(part.len);
            for (row, values) in output.chunks_exact_mut(self.row).zip(rows) {
                row[part.begin..part.begin + part.len].copy_from_slice(values);
            }
        }
    }

    fn vjp(&self, operand: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let parts = self.parts.iter();
        for part in parts.filter(|part| part.source.is_operand(operand) && part.len > 0) {
            let rows = context.grad_output.chunks_exact(self.row);
            for (data, row) in gradient.data.chunks_exact_mut(part.len).zip(rows) {
                let mut slot = Gradient {
                    data,
                    accumulate: gradient.accumulate,
                };
                slot.put(row[part.begin..part.begin + part.len].iter().copied());
            }
        }
    }
}

/// Builds the kernel of a copy under another shape.
pub(crate) fn build_reshape(
    operator: &'static str,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    same_len(operator, runtime(operator, operands, 0)?, output_shape)?;
    Ok(Box::new(Reshape))
}

struct Reshape;

impl Kernel for Reshape {
    fn name(&self) -> &'static str {
        "copy"
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        output.copy_from_slice(inputs[0]);
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        gradient.put(context.grad_output.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{build, build_reshape};
    use crate::kernel::Kernel;
    use crate::ops::testing::{
        check_against_reference, check_laws, constant_operand, operand, values,
    };

    fn reference_concat(shapes: &[Vec<usize>], axis: usize, operands: &[Vec<f64>]) -> Vec<f64> {
        let outer: usize = shapes[0][..axis].iter().product();
        let mut result = Vec::new();
        for row in 0..outer {
            for (shape, operand) in shapes.iter().zip(operands) {
                let len: usize = shape[axis..].iter().product();
                result.extend_from_slice(&operand[row * len..(row + 1) * len]);
            }
        }
        result
    }

    /// Shapes that differ along `axis` only, and their concatenation's.
    fn shapes(extents: &[usize], axis: usize, parts: &[usize]) -> (Vec<Vec<usize>>, Vec<usize>) {
        let with = |extent: usize| {
            let mut shape = extents.to_vec();
            shape[axis] = extent;
            shape
        };
        let total = parts.iter().sum();
        (parts.iter().map(|&part| with(part)).collect(), with(total))
    }

    #[test]
    fn concat_matches_the_reference_along_every_axis() {
        for axis in 0..4 {
            for parts in [&[3, 1, 2][..], &[4], &[1, 1]] {
                let (shapes, output_shape) = shapes(&[2, 3, 1, 5], axis, parts);
                let operands: Vec<_> = shapes.iter().map(|shape| operand(shape)).collect();
                let inputs: Vec<_> = operands
                    .iter()
                    .enumerate()
                    .map(|(seed, operand)| values(operand.n_elements(), seed as u64))
                    .collect();
                let kernel = build("Concat", axis, &operands, &output_shape).unwrap();
                check_against_reference(
                    &*kernel,
                    &inputs,
                    |wide| reference_concat(&shapes, axis, wide),
                    1e-9,
                );
            }
        }
    }

    #[test]
    fn a_constant_part_takes_no_runtime_operand() {
        let class_token = constant_operand(&[1, 1, 3], 5);
        let wide_token: Vec<f64> = class_token
            .constant
            .iter()
            .flat_map(|values| values.iter().map(|&value| f64::from(value)))
            .collect();
        let shapes = [vec![1, 1, 3], vec![1, 4, 3]];
        let kernel = build("Concat", 1, &[class_token, operand(&shapes[1])], &[1, 5, 3]).unwrap();
        assert_eq!(kernel.constant_bytes(), 12);
        check_against_reference(
            &*kernel,
            &[values(12, 1)],
            |wide| reference_concat(&shapes, 1, &[wide_token.clone(), wide[0].clone()]),
            1e-9,
        );
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let attempt = |axis, output_shape: &[usize]| {
            build(
                "Concat",
                axis,
                &[operand(&[2, 3]), operand(&[2, 4])],
                output_shape,
            )
            .is_err()
        };
        assert!(attempt(0, &[4, 3]));
        assert!(attempt(1, &[2, 8]));
        assert!(attempt(2, &[2, 7]));
        assert!(build_reshape("Reshape", &[operand(&[2, 3])], &[5]).is_err());
    }

    #[test]
    fn reshape_copies() {
        let kernel = build_reshape("Reshape", &[operand(&[2, 3])], &[3, 2]).unwrap();
        check_against_reference(&*kernel, &[values(6, 1)], |wide| wide[0].clone(), 0.0);
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            parts in prop::collection::vec(1usize..5, 1..4),
            axis in 0usize..3,
            seed: u64,
        ) {
            let (shapes, output_shape) = shapes(&[2, 3, 2], axis, &parts);
            let operands: Vec<_> = shapes.iter().map(|shape| operand(shape)).collect();
            let inputs: Vec<_> = operands.iter().map(|o| values(o.n_elements(), seed)).collect();
            let kernel: Box<dyn Kernel> =
                build("Concat", axis, &operands, &output_shape).unwrap();
            check_laws(&*kernel, &inputs, output_shape.iter().product(), seed);
        }
    }
}
