//! Element-wise sum, mean, largest and smallest of any number of operands, broadcast as NumPy does.
//!
//! Operands that share the largest, or smallest, value share the gradient evenly, as in PyTorch's
//! `maximum`, which two operands of `Max` are.

use infoplane_graph::VariadicOp;

use super::loops::{Loops, broadcast_strides, dense_strides};
use super::operands::{Source, operand};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// Builds the kernel.
pub(crate) fn build(
    operator: &'static str,
    operation: VariadicOp,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    operand(operator, operands, 0)?;
    let dense = dense_strides(output_shape);
    let sources = Source::of_all(operator, operands)?;
    let sides = operands
        .iter()
        .zip(sources)
        .map(|(operand, source)| {
            let strides = broadcast_strides(&operand.shape, output_shape).ok_or_else(|| {
                EngineError::unsupported(
                    operator,
                    format!(
                        "the shape {:?} does not broadcast to {output_shape:?}",
                        operand.shape
                    ),
                )
            })?;
            Ok(Side {
                source,
                loops: Loops::new(output_shape, [&dense, &strides], [0, 0]),
                is_broadcast: operand.n_elements() != output_shape.iter().product::<usize>(),
            })
        })
        .collect::<Result<Vec<_>, EngineError>>()?;
    Ok(Box::new(Variadic {
        operation,
        sides,
        output_len: output_shape.iter().product(),
    }))
}

struct Variadic {
    operation: VariadicOp,
    sides: Vec<Side>,
    output_len: usize,
}

struct Side {
    source: Source,
    /// Result, operand.
    loops: Loops<2>,
    /// Whether the operand is smaller than the result.
    is_broadcast: bool,
}

impl Side {
    /// Calls `visit` with the place of every element of the result, and of the operand's for it.
    fn for_each(&self, mut visit: impl FnMut(usize, usize)) {
        let inner = self.loops.inner();
        let step = usize::from(inner.strides[1] != 0);
        self.loops.for_each_run(|[start, own]| {
            for index in 0..inner.extent {
                visit(start + index, own + index * step);
            }
        });
    }

    /// Writes or adds `local` of every element of the result to the operand's gradient.
    fn chain(&self, mut gradient: Gradient<'_>, local: impl Fn(usize, usize) -> f32) {
        let add = self.is_broadcast || gradient.accumulate;
        if self.is_broadcast {
            gradient.clear_unless_accumulating();
        }
        self.for_each(|place, own| {
            let value = local(place, own);
            let slot = &mut gradient.data[own];
            *slot = if add { *slot + value } else { value };
        });
    }
}

impl Variadic {
    fn selects(&self) -> bool {
        matches!(self.operation, VariadicOp::Max | VariadicOp::Min)
    }

    fn join(&self, inputs: &[&[f32]], output: &mut [f32], join: impl Fn(f32, f32) -> f32) {
        for (position, side) in self.sides.iter().enumerate() {
            let own = side.source.get(inputs);
            side.for_each(|place, index| {
                let slot = &mut output[place];
                *slot = match position {
                    0 => own[index],
                    _ => join(*slot, own[index]),
                };
            });
        }
    }
}

impl Kernel for Variadic {
    fn name(&self) -> &'static str {
        match self.operation {
            VariadicOp::Sum => "sum of operands",
            VariadicOp::Mean => "mean of operands",
            VariadicOp::Max => "largest of operands",
            VariadicOp::Min => "smallest of operands",
        }
    }

    fn reads(&self) -> Reads {
        Reads {
            inputs: self.selects(),
            output: self.selects(),
        }
    }

    fn scratch_len(&self) -> usize {
        if self.selects() { self.output_len } else { 0 }
    }

    fn constant_bytes(&self) -> usize {
        let sides = self.sides.iter();
        sides.map(|side| side.source.constant_bytes()).sum()
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        match self.operation {
            VariadicOp::Sum | VariadicOp::Mean => self.join(inputs, output, |a, b| a + b),
            VariadicOp::Max => self.join(
                inputs,
                output,
                |a, b| {
                    if b > a || b.is_nan() { b } else { a }
                },
            ),
            VariadicOp::Min => self.join(
                inputs,
                output,
                |a, b| {
                    if b < a || b.is_nan() { b } else { a }
                },
            ),
        }
        if self.operation == VariadicOp::Mean {
            let count = self.sides.len() as f32;
            output.iter_mut().for_each(|slot| *slot /= count);
        }
    }

    fn vjp(&self, operand: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        let own = self
            .sides
            .iter()
            .find(|side| side.source.is_operand(operand));
        let Some(side) = own else {
            return gradient.clear_unless_accumulating();
        };
        let g = &*context.grad_output;
        match self.operation {
            VariadicOp::Sum => side.chain(gradient, |place, _| g[place]),
            VariadicOp::Mean => {
                let count = self.sides.len() as f32;
                side.chain(gradient, |place, _| g[place] / count);
            }
            VariadicOp::Max | VariadicOp::Min => {
                let y = context.output;
                let ties = &mut context.scratch[..self.output_len];
                ties.fill(0.0);
                for side in &self.sides {
                    let x = side.source.get(context.inputs);
                    side.for_each(|place, index| {
                        ties[place] += f32::from(u8::from(x[index] == y[place]));
                    });
                }
                let x = side.source.get(context.inputs);
                side.chain(gradient, |place, index| {
                    if x[index] == y[place] {
                        g[place] / ties[place]
                    } else {
                        0.0
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use infoplane_graph::VariadicOp;
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::Operand;
    use crate::ops::loops::broadcast_strides;
    use crate::ops::testing::{
        check_against_reference, check_laws, constant_operand, forward, operand, values, vjp,
    };

    const OPERATIONS: [VariadicOp; 4] = [
        VariadicOp::Sum,
        VariadicOp::Mean,
        VariadicOp::Max,
        VariadicOp::Min,
    ];

    fn len(shape: &[usize]) -> usize {
        shape.iter().product()
    }

    fn reference_variadic(
        operation: VariadicOp,
        output: &[usize],
        shapes: &[&[usize]],
        operands: &[&[f64]],
    ) -> Vec<f64> {
        (0..len(output))
            .map(|position| {
                let each = shapes.iter().zip(operands).map(|(shape, data)| {
                    let strides = broadcast_strides(shape, output).unwrap();
                    let (mut rest, mut index) = (position, 0);
                    for axis in (0..output.len()).rev() {
                        index += rest % output[axis] * strides[axis] as usize;
                        rest /= output[axis];
                    }
                    data[index]
                });
                let n = operands.len() as f64;
                match operation {
                    VariadicOp::Sum => each.sum(),
                    VariadicOp::Mean => each.sum::<f64>() / n,
                    VariadicOp::Max => each.fold(f64::NEG_INFINITY, f64::max),
                    VariadicOp::Min => each.fold(f64::INFINITY, f64::min),
                }
            })
            .collect()
    }

    #[test]
    fn any_number_of_operands_matches_the_reference() {
        let output: &[usize] = &[2, 3, 5];
        let sets: [&[&[usize]]; 4] = [
            &[&[2, 3, 5]],
            &[&[2, 3, 5], &[3, 1]],
            &[&[5], &[2, 1, 1], &[2, 3, 5]],
            &[&[], &[1, 3, 5], &[2, 3, 1], &[2, 3, 5]],
        ];
        for operation in OPERATIONS {
            for shapes in sets {
                let operands: Vec<Operand> = shapes.iter().map(|shape| operand(shape)).collect();
                let kernel = build("variadic", operation, &operands, output).unwrap();
                let inputs: Vec<Vec<f32>> = (shapes.iter().enumerate())
                    .map(|(seed, shape)| values(len(shape), seed as u64 + 1))
                    .collect();
                check_against_reference(
                    &*kernel,
                    &inputs,
                    |wide| {
                        let wide: Vec<&[f64]> = wide.iter().map(Vec::as_slice).collect();
                        reference_variadic(operation, output, shapes, &wide)
                    },
                    1e-6,
                );
            }
        }
    }

    #[test]
    fn constant_operands_are_held_by_the_kernel() {
        for operation in OPERATIONS {
            let operands = [constant_operand(&[3], 1), operand(&[2, 3])];
            let held: Vec<f64> = values(3, 1).iter().map(|&x| f64::from(x)).collect();
            let kernel = build("variadic", operation, &operands, &[2, 3]).unwrap();
            assert_eq!(kernel.constant_bytes(), 12);
            check_against_reference(
                &*kernel,
                &[values(6, 2)],
                |wide| reference_variadic(operation, &[2, 3], &[&[3], &[2, 3]], &[&held, &wide[0]]),
                1e-6,
            );
        }
    }

    #[test]
    fn equal_operands_share_the_gradient() {
        let operands = [operand(&[2]), operand(&[2]), operand(&[2])];
        let kernel = build("Max", VariadicOp::Max, &operands, &[2]).unwrap();
        let inputs: [&[f32]; 3] = [&[1.0, 3.0], &[1.0, 2.0], &[0.0, 3.0]];
        let (output, saved) = forward(&*kernel, &inputs, 2);
        assert_eq!(output, [1.0, 3.0]);
        let of = |which| vjp(&*kernel, &inputs, &output, &saved, &[1.0, 1.0], which);
        assert_eq!(of(0), [0.5, 0.5]);
        assert_eq!(of(1), [0.5, 0.0]);
        assert_eq!(of(2), [0.0, 0.5]);
    }

    #[test]
    fn a_missing_number_is_passed_on() {
        let kernel = build(
            "Min",
            VariadicOp::Min,
            &[operand(&[2]), operand(&[2])],
            &[2],
        )
        .unwrap();
        let (output, _) = forward(&*kernel, &[&[f32::NAN, 1.0], &[1.0, f32::NAN]], 2);
        assert!(output.iter().all(|value| value.is_nan()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(build("Sum", VariadicOp::Sum, &[], &[2]).is_err());
        assert!(build("Sum", VariadicOp::Sum, &[operand(&[3])], &[2]).is_err());
    }

    proptest! {
        #[test]
        fn vjp_is_linear(which in 0usize..4, n in 1usize..5, extent in 1usize..20, seed: u64) {
            let operands: Vec<Operand> = (0..n).map(|_| operand(&[extent])).collect();
            let kernel = build("variadic", OPERATIONS[which], &operands, &[extent]).unwrap();
            let inputs: Vec<Vec<f32>> =
                (0..n).map(|k| values(extent, seed.wrapping_add(k as u64))).collect();
            check_laws(&*kernel, &inputs, extent, seed);
        }
    }
}
