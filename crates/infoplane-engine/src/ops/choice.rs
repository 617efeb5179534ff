//! `Where`: one of two operands, element by element. The gradient goes to the one that was chosen.

use super::loops::{Loops, broadcast_strides, dense_strides};
use super::operands::Source;
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// Builds the kernel; the condition is true where it is not 0.
pub(crate) fn build(
    operator: &'static str,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let [condition, then, otherwise] = operands else {
        return Err(EngineError::unsupported(
            operator,
            format!("{} operands instead of 3", operands.len()),
        ));
    };
    let strides = |operand: &Operand| {
        broadcast_strides(&operand.shape, output_shape).ok_or_else(|| {
            EngineError::unsupported(
                operator,
                format!(
                    "the shape {:?} does not broadcast to {output_shape:?}",
                    operand.shape
                ),
            )
        })
    };
    let dense = dense_strides(output_shape);
    let loops = Loops::new(
        output_shape,
        [
            &dense,
            &strides(condition)?,
            &strides(then)?,
            &strides(otherwise)?,
        ],
        [0; 4],
    );
    let n_elements: usize = output_shape.iter().product();
    let is_broadcast = [condition, then, otherwise].map(|side| side.n_elements() != n_elements);
    Ok(Box::new(Choice {
        sources: Source::of_all(operator, operands)?,
        loops,
        is_broadcast,
    }))
}

struct Choice {
    /// Condition, first and second.
    sources: Vec<Source>,
    /// Result, condition, first and second.
    loops: Loops<4>,
    /// Whether each operand is smaller than the result.
    is_broadcast: [bool; 3],
}

impl Choice {
    /// Calls `visit` with the places of every element of the result and of the three operands.
    fn for_each(&self, mut visit: impl FnMut([usize; 4])) {
        let inner = self.loops.inner();
        let steps = inner.strides.map(|stride| usize::from(stride != 0));
        self.loops.for_each_run(|starts| {
            for index in 0..inner.extent {
                visit([0, 1, 2, 3].map(|tensor| starts[tensor] + index * steps[tensor]));
            }
        });
    }
}

impl Kernel for Choice {
    fn name(&self) -> &'static str {
        "choice"
    }

    fn reads(&self) -> Reads {
        Reads {
            inputs: self.sources[0].is_runtime(),
            output: false,
        }
    }

    fn constant_bytes(&self) -> usize {
        self.sources.iter().map(Source::constant_bytes).sum()
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let [condition, then, otherwise] = [0, 1, 2].map(|side| self.sources[side].get(inputs));
        self.for_each(|[place, c, a, b]| {
            output[place] = if condition[c] != 0.0 {
                then[a]
            } else {
                otherwise[b]
            };
        });
    }

    fn vjp(&self, operand: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        let side = self.sources.iter().position(|s| s.is_operand(operand));
        let Some(side @ 1..) = side else {
            return gradient.clear_unless_accumulating();
        };
        let condition = self.sources[0].get(context.inputs);
        let add = self.is_broadcast[side] || gradient.accumulate;
        if self.is_broadcast[side] {
            gradient.clear_unless_accumulating();
        }
        self.for_each(|places| {
            let chosen = (condition[places[1]] != 0.0) == (side == 1);
            let value = if chosen {
                context.grad_output[places[0]]
            } else {
                0.0
            };
            let slot = &mut gradient.data[places[side + 1]];
            *slot = if add { *slot + value } else { value };
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::Operand;
    use crate::ops::loops::broadcast_strides;
    use crate::ops::testing::{check_against_reference, check_laws, forward, operand, values, vjp};

    fn len(shape: &[usize]) -> usize {
        shape.iter().product()
    }

    fn truths(len: usize, seed: u64) -> Vec<f32> {
        let values = values(len, seed);
        values
            .iter()
            .map(|&x| f32::from(u8::from(x > 0.0)))
            .collect()
    }

    fn reference_where(output: &[usize], shapes: [&[usize]; 3], data: [&[f64]; 3]) -> Vec<f64> {
        (0..len(output))
            .map(|position| {
                let [c, a, b] = [0, 1, 2].map(|side: usize| {
                    let strides = broadcast_strides(shapes[side], output).unwrap();
                    let (mut rest, mut index) = (position, 0);
                    for axis in (0..output.len()).rev() {
                        index += rest % output[axis] * strides[axis] as usize;
                        rest /= output[axis];
                    }
                    data[side][index]
                });
                if c > 0.5 { a } else { b }
            })
            .collect()
    }

    const SHAPES: [[&[usize]; 3]; 5] = [
        [&[2, 3, 5], &[2, 3, 5], &[2, 3, 5]],
        [&[3, 1], &[2, 1, 5], &[]],
        [&[1, 1, 5], &[5], &[2, 3, 5]],
        [&[2, 1, 1], &[2, 3, 5], &[3, 5]],
        [&[], &[2, 3, 1], &[1, 5]],
    ];

    #[test]
    fn every_broadcast_matches_the_reference() {
        let output: &[usize] = &[2, 3, 5];
        for shapes in SHAPES {
            for held in [None, Some(0), Some(1), Some(2)] {
                let data: Vec<Vec<f32>> = (0..3)
                    .map(|side| match side {
                        0 => truths(len(shapes[0]), 7),
                        _ => values(len(shapes[side]), side as u64),
                    })
                    .collect();
                let operands: Vec<Operand> = (0..3)
                    .map(|side| Operand {
                        shape: shapes[side].to_vec(),
                        constant: (held == Some(side)).then(|| data[side].clone().into()),
                    })
                    .collect();
                let kernel = build("Where", &operands, output).unwrap();
                let given: Vec<usize> = (0..3).filter(|&side| held != Some(side)).collect();
                let inputs: Vec<Vec<f32>> = given.iter().map(|&side| data[side].clone()).collect();
                let wide: Vec<Vec<f64>> = data
                    .iter()
                    .map(|data| data.iter().map(|&x| f64::from(x)).collect())
                    .collect();
                check_against_reference(
                    &*kernel,
                    &inputs,
                    |changed| {
                        let mut all = wide.clone();
                        for (&side, data) in given.iter().zip(changed) {
                            all[side].clone_from(data);
                        }
                        reference_where(output, shapes, [&all[0], &all[1], &all[2]])
                    },
                    1e-6,
                );
            }
        }
    }

    #[test]
    fn what_was_not_chosen_leaves_no_trace() {
        let kernel = build(
            "Where",
            &[operand(&[2]), operand(&[2]), operand(&[2])],
            &[2],
        )
        .unwrap();
        let inputs: [&[f32]; 3] = [&[1.0, 0.0], &[5.0, f32::NAN], &[f32::INFINITY, 6.0]];
        let (output, saved) = forward(&*kernel, &inputs, 2);
        assert_eq!(output, [5.0, 6.0]);
        let g = [f32::INFINITY, 2.0];
        let of = |which| vjp(&*kernel, &inputs, &output, &saved, &g, which);
        assert_eq!(of(0), [0.0, 0.0]);
        assert_eq!(of(2), [0.0, 2.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(build("Where", &[operand(&[2]), operand(&[2])], &[2]).is_err());
        let wrong = [operand(&[3]), operand(&[2]), operand(&[2])];
        assert!(build("Where", &wrong, &[2]).is_err());
    }

    proptest! {
        #[test]
        fn vjp_is_linear(which in 0usize..5, seed: u64) {
            let shapes = SHAPES[which];
            let operands = shapes.map(operand);
            let kernel = build("Where", &operands, &[2, 3, 5]).unwrap();
            let inputs = [
                truths(len(shapes[0]), seed),
                values(len(shapes[1]), seed.wrapping_add(1)),
                values(len(shapes[2]), seed.wrapping_add(2)),
            ];
            check_laws(&*kernel, &inputs, 30, seed);
        }
    }
}
