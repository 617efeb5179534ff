//! Elements picked by index: constant indices along an axis, and rows of a constant table.

use infoplane_graph::Floats;

use super::operands::{constant, runtime};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};

/// Builds the kernel of the elements at constant `indices` along `axis`.
pub(crate) fn build_take(
    operator: &'static str,
    axis: usize,
    indices: &[usize],
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let shape = runtime(operator, operands, 0)?;
    let misfit = || {
        EngineError::unsupported(
            operator,
            format!("{indices:?} along axis {axis} of {shape:?} to {output_shape:?}"),
        )
    };
    let extent = *shape.get(axis).ok_or_else(misfit)?;
    let outer: usize = shape[..axis].iter().product();
    let inner: usize = shape[axis + 1..].iter().product();
    let output_len = output_shape.iter().product::<usize>();
    let fits = output_len > 0 && outer * indices.len() * inner == output_len;
    if !fits || indices.iter().any(|&i| i >= extent) {
        return Err(misfit());
    }
    Ok(Box::new(Take {
        indices: indices.to_vec(),
        extent,
        inner,
    }))
}

/// Runs of `inner` elements, by index.
struct Take {
    indices: Vec<usize>,
    extent: usize,
    inner: usize,
}

impl Kernel for Take {
    fn name(&self) -> &'static str {
        "take"
    }

    fn constant_bytes(&self) -> usize {
        size_of_val(self.indices.as_slice())
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let sources = inputs[0].chunks_exact(self.extent * self.inner);
        let targets = output.chunks_exact_mut(self.indices.len() * self.inner);
        for (source, target) in sources.zip(targets) {
            let runs = target.chunks_exact_mut(self.inner);
            for (run, index) in runs.zip(&self.indices) {
                run.copy_from_slice(&source[index * self.inner..][..self.inner]);
            }
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        gradient.clear_unless_accumulating();
        let targets = gradient.data.chunks_exact_mut(self.extent * self.inner);
        let sources = context
            .grad_output
            .chunks_exact(self.indices.len() * self.inner);
        for (target, source) in targets.zip(sources) {
            let runs = source.chunks_exact(self.inner);
            for (run, index) in runs.zip(&self.indices) {
                let slots = &mut target[index * self.inner..][..self.inner];
                for (slot, g) in slots.iter_mut().zip(run) {
                    *slot += g;
                }
            }
        }
    }
}

/// Builds the kernel of the rows of a constant table (operand 0) that whole numbers (operand 1) name.
pub(crate) fn build_lookup(
    operator: &'static str,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let table = constant(operator, operands, 0)?;
    let shape = &operands[0].shape;
    let numbers = runtime(operator, operands, 1)?;
    let row: Option<&[usize]> = shape.get(1..);
    let fits = row.is_some_and(|row| output_shape == [numbers, row].concat());
    if !fits || output_shape.contains(&0) {
        return Err(EngineError::unsupported(
            operator,
            format!("rows of {shape:?} by {numbers:?} to {output_shape:?}"),
        ));
    }
    Ok(Box::new(Lookup {
        rows: shape[0],
        width: shape[1..].iter().product(),
        table,
    }))
}

/// Rows of a table. A number that is no row, or no whole number, gives a row of NaN, so that it can't be
/// mistaken for a result.
struct Lookup {
    table: Floats,
    rows: usize,
    width: usize,
}

impl Lookup {
    /// The row that a number names; negative ones count from the end.
    fn row(&self, number: f32) -> Option<&[f32]> {
        let from_start = if number < 0.0 {
            number + self.rows as f32
        } else {
            number
        };
        let is_row = number.fract() == 0.0 && (0.0..self.rows as f32).contains(&from_start);
        is_row.then(|| &self.table[from_start as usize * self.width..][..self.width])
    }
}

impl Kernel for Lookup {
    fn name(&self) -> &'static str {
        "lookup"
    }

    fn constant_bytes(&self) -> usize {
        size_of_val(self.table.as_ref())
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let slots = output.chunks_exact_mut(self.width);
        for (slot, &number) in slots.zip(inputs[0]) {
            match self.row(number) {
                Some(row) => slot.copy_from_slice(row),
                None => slot.fill(f32::NAN),
            }
        }
    }

    fn vjp(&self, _: usize, _: VjpContext<'_>, mut gradient: Gradient<'_>) {
        gradient.clear_unless_accumulating();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{build_lookup, build_take};
    use crate::kernel::Kernel;
    use crate::ops::testing::{
        check_against_reference, check_laws, constant_operand, forward, operand, values, vjp,
    };

    fn taken(shape: &[usize], axis: usize, n_indices: usize) -> Vec<usize> {
        [&shape[..axis], &[n_indices], &shape[axis + 1..]].concat()
    }

    fn take(shape: &[usize], axis: usize, indices: &[usize]) -> Box<dyn Kernel> {
        let output_shape = taken(shape, axis, indices.len());
        build_take("Take", axis, indices, &[operand(shape)], &output_shape).unwrap()
    }

    fn reference_take(shape: &[usize], axis: usize, indices: &[usize], input: &[f64]) -> Vec<f64> {
        let output_shape = taken(shape, axis, indices.len());
        let len = output_shape.iter().product();
        (0..len)
            .map(|position: usize| {
                let (mut rest, mut index, mut stride) = (position, 0, 1);
                for other in (0..shape.len()).rev() {
                    let place = rest % output_shape[other];
                    index += stride * if other == axis { indices[place] } else { place };
                    stride *= shape[other];
                    rest /= output_shape[other];
                }
                input[index]
            })
            .collect()
    }

    #[test]
    fn taken_elements_match_the_reference_along_every_axis() {
        for axis in 0..3 {
            for indices in [&[1, 0][..], &[1], &[0, 1, 1, 0, 1]] {
                let shape = [2, 3, 5];
                check_against_reference(
                    &*take(&shape, axis, indices),
                    &[values(30, 3)],
                    |wide| reference_take(&shape, axis, indices, &wide[0]),
                    1e-6,
                );
            }
        }
    }

    #[test]
    fn indices_beyond_the_axis_are_refused() {
        assert!(build_take("Take", 1, &[3], &[operand(&[2, 3])], &[2, 1]).is_err());
        assert!(build_take("Take", 2, &[0], &[operand(&[2, 3])], &[2, 3]).is_err());
        assert!(build_take("Take", 1, &[0], &[operand(&[2, 3])], &[2, 2]).is_err());
    }

    fn lookup() -> (Box<dyn Kernel>, Vec<f32>) {
        let table = constant_operand(&[4, 3], 7);
        let values = table.constant.as_ref().unwrap().to_vec();
        let kernel = build_lookup("Lookup", &[table, operand(&[1, 6])], &[1, 6, 3]).unwrap();
        (kernel, values)
    }

    #[test]
    fn rows_are_those_of_the_table_and_others_are_no_numbers() {
        let (kernel, table) = lookup();
        let numbers = [3.0, 0.0, -1.0, -4.0, 2.0, 2.0];
        let (output, saved) = forward(&*kernel, &[&numbers], 18);
        for (row, index) in output.chunks(3).zip([3, 0, 3, 0, 2, 2]) {
            assert_eq!(row, &table[index * 3..][..3]);
        }
        let gradient = vjp(&*kernel, &[&numbers], &output, &saved, &values(18, 2), 0);
        assert_eq!(gradient, [0.0; 6]);

        let outside = [4.0, -5.0, 0.5, f32::NAN, f32::INFINITY, 1.0];
        let (output, _) = forward(&*kernel, &[&outside], 18);
        assert!(output[..15].iter().all(|value| value.is_nan()));
        assert_eq!(output[15..], table[3..6]);
    }

    #[test]
    fn tables_must_be_constant_and_fit() {
        let table = constant_operand(&[4, 3], 7);
        assert!(build_lookup("Lookup", &[operand(&[4, 3]), operand(&[2])], &[2, 3]).is_err());
        assert!(build_lookup("Lookup", &[table.clone(), operand(&[2])], &[2, 4]).is_err());
        assert!(build_lookup("Lookup", &[table], &[2, 3]).is_err());
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            shape in prop::collection::vec(1usize..5, 1..4),
            picks in prop::collection::vec(0usize..100, 1..6),
            which in 0usize..3,
            seed: u64,
        ) {
            let axis = which % shape.len();
            let indices: Vec<usize> = picks.iter().map(|pick| pick % shape[axis]).collect();
            let output_len = taken(&shape, axis, indices.len()).iter().product();
            let input = values(shape.iter().product(), seed);
            check_laws(&*take(&shape, axis, &indices), &[input], output_len, seed);
        }
    }
}
