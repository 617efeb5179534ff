//! Linear layers: rows times a constant matrix, which is used as it lies, in both passes.
//!
//! With a few rows a linear layer is bound by reading its weights. They are read once a pass for all rows
//! and not packed, so that one copy serves both directions: where the sum runs along a matrix row, the
//! product is a set of dot products; where it runs across rows, each row is added to all results.

use infoplane_graph::Floats;

use crate::kernel::{Gradient, Kernel, VjpContext};
use crate::simd::{Job, LANES, Simd, SimdLevel, dispatch};

/// y = α · x · Wᵀ + bias for rows x, where W has a matrix row for every output (`rows_are_outputs`), or
/// α · x · W + bias.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    pub alpha: f32,
    /// Rows of x.
    pub samples: usize,
    /// Extents of the matrix as it lies, row by row.
    pub matrix: [usize; 2],
    pub weights: Floats,
    /// Whether matrix rows belong to outputs, or to inputs.
    pub rows_are_outputs: bool,
    /// One an output; empty for none.
    pub bias: Vec<f32>,
}

/// Samples and matrix rows of a register tile of dot products.
const DOT_SAMPLES: usize = 4;
const DOT_ROWS: usize = 4;

/// Matrix rows that are added at once.
const ADDED_ROWS: usize = 8;

impl Linear {
    fn outputs(&self) -> usize {
        self.matrix[usize::from(!self.rows_are_outputs)]
    }

    /// What `x`, of one number a matrix column, gives for every matrix row.
    fn dot(&self, x: &[f32], y: &mut [f32], accumulate: bool) {
        dispatch(
            SimdLevel::current(),
            Dot {
                linear: self,
                x,
                y,
                accumulate,
            },
        );
    }

    /// What `x`, of one number a matrix row, gives for every matrix column.
    fn add(&self, x: &[f32], y: &mut [f32], accumulate: bool) {
        if !accumulate {
            y.fill(0.0);
        }
        dispatch(SimdLevel::current(), Add { linear: self, x, y });
    }
}

impl Kernel for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn affine_for_one_row(&self, batch: usize) -> Option<Box<dyn Kernel>> {
        let samples = self.samples / batch;
        let whole = self.samples.is_multiple_of(batch) && samples > 0;
        whole.then(|| -> Box<dyn Kernel> {
            Box::new(Linear {
                samples,
                ..self.clone()
            })
        })
    }

    fn constant_bytes(&self) -> usize {
        size_of_val(&*self.weights) + size_of_val(self.bias.as_slice())
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        if self.rows_are_outputs {
            self.dot(inputs[0], output, false);
        } else {
            self.add(inputs[0], output, false);
        }
        if !self.bias.is_empty() {
            for row in output.chunks_exact_mut(self.outputs()) {
                for (y, bias) in row.iter_mut().zip(&self.bias) {
                    *y += bias;
                }
            }
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let Gradient { data, accumulate } = gradient;
        if self.rows_are_outputs {
            self.add(context.grad_output, data, accumulate);
        } else {
            self.dot(context.grad_output, data, accumulate);
        }
    }
}

struct Dot<'a> {
    linear: &'a Linear,
    x: &'a [f32],
    y: &'a mut [f32],
    accumulate: bool,
}

impl Job for Dot<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let [rows, _] = self.linear.matrix;
        let samples = self.linear.samples;
        for row in (0..rows).step_by(DOT_ROWS) {
            for sample in (0..samples).step_by(DOT_SAMPLES) {
                match (rows - row, samples - sample) {
                    (DOT_ROWS.., DOT_SAMPLES..) => {
                        self.tile::<S, DOT_ROWS, DOT_SAMPLES>(simd, row, sample);
                    }
                    (DOT_ROWS.., few) => {
                        for sample in sample..sample + few {
                            self.tile::<S, DOT_ROWS, 1>(simd, row, sample);
                        }
                    }
                    (few_rows, few) => {
                        for row in row..row + few_rows {
                            for sample in sample..sample + few.min(DOT_SAMPLES) {
                                self.tile::<S, 1, 1>(simd, row, sample);
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Dot<'_> {
    /// The dot products of `R` matrix rows with `P` samples.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const P: usize>(
        &mut self,
        simd: S,
        row: usize,
        sample: usize,
    ) {
        let [rows, cols] = self.linear.matrix;
        let weights: [&[f32]; R] =
            std::array::from_fn(|r| &self.linear.weights[(row + r) * cols..][..cols]);
        let inputs: [&[f32]; P] = std::array::from_fn(|p| &self.x[(sample + p) * cols..][..cols]);
        let vectors = cols / LANES;
        let weight_lanes = weights.map(|row| &row.as_chunks::<LANES>().0[..vectors]);
        let input_lanes = inputs.map(|row| &row.as_chunks::<LANES>().0[..vectors]);
        let mut sums = [[simd.splat(0.0); P]; R];
        for index in 0..vectors {
            let input: [S::Vector; P] = std::array::from_fn(|p| simd.load(&input_lanes[p][index]));
            for (sums, weights) in sums.iter_mut().zip(&weight_lanes) {
                let weight = simd.load(&weights[index]);
                for (sum, input) in sums.iter_mut().zip(&input) {
                    *sum = simd.mul_add(weight, *input, *sum);
                }
            }
        }
        let mut held = [[[0.0; LANES]; P]; R];
        for (held, sums) in held.iter_mut().zip(&sums) {
            for (held, sum) in held.iter_mut().zip(sums) {
                simd.store(*sum, held);
            }
        }
        for (r, held) in held.iter().enumerate() {
            for (p, lanes) in held.iter().enumerate() {
                let rest: f32 = (vectors * LANES..cols)
                    .map(|col| weights[r][col] * inputs[p][col])
                    .sum();
                let value = self.linear.alpha * (sum_lanes(lanes) + rest);
                let slot = &mut self.y[(sample + p) * rows + row + r];
                *slot = if self.accumulate {
                    *slot + value
                } else {
                    value
                };
            }
        }
    }
}

/// Pairwise, so that rounding errors stay small.
#[inline(always)]
fn sum_lanes(lanes: &[f32; LANES]) -> f32 {
    let mut sums = *lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

struct Add<'a> {
    linear: &'a Linear,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Job for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let [rows, _] = self.linear.matrix;
        let mut row = 0;
        while row + ADDED_ROWS <= rows {
            self.rows::<S, ADDED_ROWS>(simd, row);
            row += ADDED_ROWS;
        }
        while row < rows {
            self.rows::<S, 1>(simd, row);
            row += 1;
        }
    }
}

impl Add<'_> {
    /// Adds `R` matrix rows to the results of every sample.
    #[inline(always)]
    fn rows<S: Simd, const R: usize>(&mut self, simd: S, row: usize) {
        let [rows, cols] = self.linear.matrix;
        let weights: [&[f32]; R] =
            std::array::from_fn(|r| &self.linear.weights[(row + r) * cols..][..cols]);
        let samples = self.linear.samples;
        /// Columns whose weights stay in the first-level cache while the samples take turns.
        const STRIPE: usize = 32 * LANES;
        for first in (0..cols).step_by(STRIPE) {
            let end = (first + STRIPE).min(cols);
            for sample in 0..samples {
                let factors: [f32; R] =
                    std::array::from_fn(|r| self.linear.alpha * self.x[sample * rows + row + r]);
                let vectors = factors.map(|factor| simd.splat(factor));
                let results = &mut self.y[sample * cols..][first..end];
                let stripes = weights.map(|weights| weights[first..end].as_chunks::<LANES>());
                let (lanes, rest) = results.as_chunks_mut::<LANES>();
                for (index, slot) in lanes.iter_mut().enumerate() {
                    let mut sum = simd.load(slot);
                    for r in 0..R {
                        sum = simd.mul_add(vectors[r], simd.load(&stripes[r].0[index]), sum);
                    }
                    simd.store(sum, slot);
                }
                for (index, slot) in rest.iter_mut().enumerate() {
                    for r in 0..R {
                        *slot += factors[r] * stripes[r].1[index];
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{check_against_reference, check_laws, values};

    fn linear(samples: usize, matrix: [usize; 2], rows_are_outputs: bool, bias: bool) -> Linear {
        let outputs = matrix[usize::from(!rows_are_outputs)];
        Linear {
            alpha: 0.75,
            samples,
            matrix,
            weights: values(matrix[0] * matrix[1], 3).into(),
            rows_are_outputs,
            bias: if bias { values(outputs, 4) } else { vec![] },
        }
    }

    fn reference(linear: &Linear, x: &[f64]) -> Vec<f64> {
        let outputs = linear.outputs();
        let inputs = linear.matrix[usize::from(linear.rows_are_outputs)];
        let weight = |output: usize, input: usize| {
            let (row, col) = if linear.rows_are_outputs {
                (output, input)
            } else {
                (input, output)
            };
            f64::from(linear.weights[row * linear.matrix[1] + col])
        };
        x.chunks_exact(inputs)
            .flat_map(|x| {
                (0..outputs).map(move |output| {
                    let sum: f64 = (0..inputs).map(|i| x[i] * weight(output, i)).sum();
                    let bias = linear.bias.get(output).map_or(0.0, |&bias| f64::from(bias));
                    0.75 * sum + bias
                })
            })
            .collect()
    }

    #[test]
    fn linear_layers_match_the_reference_in_both_orientations() {
        for (samples, matrix) in [
            (1, [1, 1]),
            (1, [7, 33]),
            (3, [9, 16]),
            (5, [10, 70]),
            (8, [4, 37]),
            (9, [17, 5]),
        ] {
            for rows_are_outputs in [true, false] {
                for bias in [true, false] {
                    let linear = linear(samples, matrix, rows_are_outputs, bias);
                    let inputs = matrix[usize::from(rows_are_outputs)];
                    let x = values(samples * inputs, 5);
                    check_against_reference(
                        &linear,
                        std::slice::from_ref(&x),
                        |wide| reference(&linear, &wide[0]),
                        1e-6,
                    );
                    check_laws(&linear, &[x], samples * linear.outputs(), 6);
                }
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_how_many_there_are() {
        for rows_are_outputs in [true, false] {
            let many = linear(7, [13, 50], rows_are_outputs, true);
            let one = Linear {
                samples: 1,
                ..many.clone()
            };
            let inputs = many.matrix[usize::from(rows_are_outputs)];
            let x = values(7 * inputs, 8);
            let mut all = vec![0.0; 7 * many.outputs()];
            many.forward(&[&x], &mut all, &mut [], &mut []);
            for (row, expected) in x.chunks_exact(inputs).zip(all.chunks_exact(many.outputs())) {
                let mut own = vec![0.0; one.outputs()];
                one.forward(&[row], &mut own, &mut [], &mut []);
                assert_eq!(own, expected);
            }
        }
    }

    #[test]
    fn one_row_of_a_batch_has_all_its_tokens() {
        let all = linear(6, [5, 7], true, true);
        let one = all.affine_for_one_row(2).unwrap();
        let x = values(6 * 7, 8);
        let (mut whole, mut row) = (vec![0.0; 30], vec![0.0; 15]);
        all.forward(&[&x], &mut whole, &mut [], &mut []);
        one.forward(&[&x[21..]], &mut row, &mut [], &mut []);
        assert_eq!(row, whole[15..]);
        assert!(all.affine_for_one_row(4).is_none());
    }
}
