//! Batch normalisation with its running statistics, and layer normalisation.

use infoplane_graph::Floats;

use super::math::{sum, sum_of, sum_of_pairs};
use super::operands::{constant, runtime, same_len};
use super::vectorize::{put, vectorized};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// Builds the kernel of (x − mean)/√(var + ε) · scale + bias by channel of `[N, C, …]`; operands x,
/// scale, bias, mean, var, all but the first constant.
pub(crate) fn build_batch_norm(
    operator: &'static str,
    epsilon: f32,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let shape = runtime(operator, operands, 0)?;
    same_len(operator, shape, output_shape)?;
    let Some((&channels, positions)) = shape.get(1..).and_then(<[usize]>::split_first) else {
        return Err(EngineError::unsupported(
            operator,
            format!("the shape {shape:?}, which has no channels"),
        ));
    };
    let (factors, shifts) = batch_norm_coefficients(operator, epsilon, operands, channels)?;
    Ok(Box::new(BatchNorm {
        factors,
        shifts,
        positions: positions.iter().product(),
    }))
}

/// Factor and shift of each channel that a batch normalisation with constant parameters amounts to.
pub(crate) fn batch_norm_coefficients(
    operator: &'static str,
    epsilon: f32,
    operands: &[Operand],
    channels: usize,
) -> Result<(Vec<f32>, Vec<f32>), EngineError> {
    let parameter = |position: usize| {
        let values = constant(operator, operands, position)?;
        if values.len() == channels {
            Ok(values)
        } else {
            Err(EngineError::unsupported(
                operator,
                format!(
                    "operand {position} has {} elements for {channels} channels",
                    values.len()
                ),
            ))
        }
    };
    let (scale, bias) = (parameter(1)?, parameter(2)?);
    let (mean, variance) = (parameter(3)?, parameter(4)?);
    let factors: Vec<f64> = scale
        .iter()
        .zip(variance.iter())
        .map(|(&scale, &variance)| {
            f64::from(scale) / (f64::from(variance) + f64::from(epsilon)).sqrt()
        })
        .collect();
    let shifts = factors
        .iter()
        .zip(bias.iter().zip(mean.iter()))
        .map(|(factor, (&bias, &mean))| (f64::from(bias) - f64::from(mean) * factor) as f32)
        .collect();
    let factors = factors.iter().map(|&factor| factor as f32).collect();
    Ok((factors, shifts))
}

/// x · factor + shift by channel.
struct BatchNorm {
    factors: Vec<f32>,
    shifts: Vec<f32>,
    /// Elements of one channel of one sample.
    positions: usize,
}

impl Kernel for BatchNorm {
    fn name(&self) -> &'static str {
        "batch norm"
    }

    fn constant_bytes(&self) -> usize {
        size_of_val(self.factors.as_slice()) + size_of_val(self.shifts.as_slice())
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        if self.positions == 0 {
            return;
        }
        let channels = self.factors.iter().zip(&self.shifts).cycle();
        let planes = inputs[0].chunks_exact(self.positions);
        let slots = output.chunks_exact_mut(self.positions);
        for ((input, output), (&factor, &shift)) in planes.zip(slots).zip(channels) {
            vectorized(|| scale_and_shift(input, output, factor, shift));
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        if self.positions == 0 {
            return;
        }
        let planes = context.grad_output.chunks_exact(self.positions);
        let slots = gradient.data.chunks_exact_mut(self.positions);
        for ((g, data), &factor) in planes.zip(slots).zip(self.factors.iter().cycle()) {
            let plane = Gradient {
                data,
                accumulate: gradient.accumulate,
            };
            vectorized(|| put(plane, g.iter().map(|g| g * factor)));
        }
    }
}

#[inline(always)]
fn scale_and_shift(input: &[f32], output: &mut [f32], factor: f32, shift: f32) {
    for (slot, &x) in output.iter_mut().zip(input) {
        *slot = x * factor + shift;
    }
}

/// Builds the kernel of (x − mean)/√(var + ε) · scale + bias over the axes from `axis` on; operands
/// x, constant scale and, optionally, constant bias.
pub(crate) fn build_layer_norm(
    operator: &'static str,
    axis: usize,
    epsilon: f32,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let shape = runtime(operator, operands, 0)?;
    let len = same_len(operator, shape, output_shape)?;
    let size: usize = shape
        .get(axis..)
        .map_or(0, |normalised| normalised.iter().product());
    if size == 0 {
        return Err(EngineError::unsupported(
            operator,
            format!("axis {axis} of the shape {shape:?}"),
        ));
    }
    let parameter = |position: usize| {
        let values = constant(operator, operands, position)?;
        if values.len() == size {
            Ok(values)
        } else {
            Err(EngineError::unsupported(
                operator,
                format!(
                    "operand {position} has {} elements for {size} normalised ones",
                    values.len()
                ),
            ))
        }
    };
    let scale = parameter(1)?;
    let bias = match operands.len() {
        2 => vec![0.0; size].into(),
        _ => parameter(2)?,
    };
    Ok(Box::new(LayerNorm {
        scale,
        bias,
        epsilon,
        rows: len / size,
    }))
}

/// Normalisation of contiguous rows. Saves each row's mean and 1/√(var + ε).
struct LayerNorm {
    scale: Floats,
    bias: Floats,
    epsilon: f32,
    rows: usize,
}

impl Kernel for LayerNorm {
    fn name(&self) -> &'static str {
        "layer norm"
    }

    fn reads(&self) -> Reads {
        Reads {
            inputs: true,
            output: false,
        }
    }

    fn saved_len(&self) -> usize {
        2 * self.rows
    }

    fn constant_bytes(&self) -> usize {
        size_of_val(self.scale.as_ref()) + size_of_val(self.bias.as_ref())
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], saved: &mut [u32], _: &mut [f32]) {
        let size = self.scale.len();
        let rows = inputs[0].chunks_exact(size);
        let slots = output.chunks_exact_mut(size);
        for ((x, y), saved) in rows.zip(slots).zip(saved.chunks_exact_mut(2)) {
            let statistics =
                vectorized(|| normalise_row(x, y, &self.scale, &self.bias, self.epsilon));
            saved.copy_from_slice(&statistics.map(f32::to_bits));
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let size = self.scale.len();
        let rows = context.inputs[0].chunks_exact(size);
        let grad_rows = context.grad_output.chunks_exact_mut(size);
        let slots = gradient.data.chunks_exact_mut(size);
        let statistics = context.saved.chunks_exact(2);
        for (((x, g), data), saved) in rows.zip(grad_rows).zip(slots).zip(statistics) {
            let row = Gradient {
                data,
                accumulate: gradient.accumulate,
            };
            let (mean, inverse) = (f32::from_bits(saved[0]), f32::from_bits(saved[1]));
            vectorized(|| chain_row(x, g, &self.scale, mean, inverse, row));
        }
    }
}

/// Normalises a row; returns its mean and 1/√(var + ε).
#[inline(always)]
fn normalise_row(x: &[f32], y: &mut [f32], scale: &[f32], bias: &[f32], epsilon: f32) -> [f32; 2] {
    let count = x.len() as f32;
    let mean = sum(x) / count;
    let variance = sum_of(x, |x| (x - mean) * (x - mean)) / count;
    let inverse = 1.0 / (variance + epsilon).sqrt();
    let parameters = scale.iter().zip(bias);
    for ((slot, &x), (&scale, &bias)) in y.iter_mut().zip(x).zip(parameters) {
        *slot = (x - mean) * inverse * scale + bias;
    }
    [mean, inverse]
}

/// (g' − mean g' − x̂ · mean(g' ⊙ x̂)) / √(var + ε) with g' = g ⊙ scale, which replaces g.
#[inline(always)]
fn chain_row(
    x: &[f32],
    g: &mut [f32],
    scale: &[f32],
    mean: f32,
    inverse: f32,
    gradient: Gradient<'_>,
) {
    let count = x.len() as f32;
    for (g, &scale) in g.iter_mut().zip(scale) {
        *g *= scale;
    }
    let mean_g = sum(g) / count;
    let mean_product = sum_of_pairs(g, x, |g, x| g * ((x - mean) * inverse)) / count;
    put(
        gradient,
        x.iter()
            .zip(&*g)
            .map(|(&x, &g)| inverse * (g - mean_g - (x - mean) * inverse * mean_product)),
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{build_batch_norm, build_layer_norm};
    use crate::kernel::{Kernel, Operand};
    use crate::ops::testing::{
        check_against_reference, check_laws, constant_operand, operand, values,
    };

    fn wide(operand: &Operand) -> Vec<f64> {
        let values = operand.constant.as_ref().unwrap();
        values.iter().map(|&value| f64::from(value)).collect()
    }

    fn batch_norm_operands(shape: &[usize]) -> Vec<Operand> {
        let channels = &shape[1..2];
        let mut variance = constant_operand(channels, 4);
        variance.constant = Some(values(shape[1], 4).iter().map(|v| v.abs() + 0.1).collect());
        vec![
            operand(shape),
            constant_operand(channels, 1),
            constant_operand(channels, 2),
            constant_operand(channels, 3),
            variance,
        ]
    }

    fn batch_norm(operands: &[Operand]) -> Box<dyn Kernel> {
        build_batch_norm("BatchNorm", 1e-3, operands, &operands[0].shape).unwrap()
    }

    fn reference_batch_norm(operands: &[Operand], epsilon: f64, input: &[f64]) -> Vec<f64> {
        let [scale, bias, mean, variance] = [1, 2, 3, 4].map(|position| wide(&operands[position]));
        let shape = &operands[0].shape;
        let positions: usize = shape[2..].iter().product();
        input
            .iter()
            .enumerate()
            .map(|(index, x)| {
                let c = index / positions % shape[1];
                (x - mean[c]) / (variance[c] + epsilon).sqrt() * scale[c] + bias[c]
            })
            .collect()
    }

    #[test]
    fn batch_norm_matches_the_reference() {
        for shape in [&[2, 3, 5, 7][..], &[1, 1, 3], &[4, 5], &[2, 3, 1, 1]] {
            let operands = batch_norm_operands(shape);
            check_against_reference(
                &*batch_norm(&operands),
                &[values(shape.iter().product(), 9)],
                |inputs| reference_batch_norm(&operands, f64::from(1e-3f32), &inputs[0]),
                1e-6,
            );
        }
    }

    #[test]
    fn batch_norm_parameters_must_be_constants_of_the_right_length() {
        let shape = [2, 3, 4];
        for position in 1..5 {
            let mut operands = batch_norm_operands(&shape);
            operands[position] = operand(&[3]);
            assert!(build_batch_norm("BatchNorm", 1e-5, &operands, &shape).is_err());
            operands[position] = constant_operand(&[2], 1);
            assert!(build_batch_norm("BatchNorm", 1e-5, &operands, &shape).is_err());
        }
        let operands = &batch_norm_operands(&shape)[..4];
        assert!(build_batch_norm("BatchNorm", 1e-5, operands, &shape).is_err());
        assert!(build_batch_norm("BatchNorm", 1e-5, &[operand(&[3])], &[3]).is_err());
    }

    fn layer_norm(operands: &[Operand], axis: usize) -> Box<dyn Kernel> {
        build_layer_norm("LayerNorm", axis, 1e-3, operands, &operands[0].shape).unwrap()
    }

    fn reference_layer_norm(
        scale: &[f64],
        bias: Option<&[f64]>,
        epsilon: f64,
        input: &[f64],
    ) -> Vec<f64> {
        let mut result = Vec::new();
        for row in input.chunks(scale.len()) {
            let count = row.len() as f64;
            let mean = row.iter().sum::<f64>() / count;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
            for (index, x) in row.iter().enumerate() {
                let shift = bias.map_or(0.0, |bias| bias[index]);
                result.push((x - mean) / (variance + epsilon).sqrt() * scale[index] + shift);
            }
        }
        result
    }

    #[test]
    fn layer_norm_matches_the_reference() {
        for (shape, axis) in [
            (&[3, 17][..], 1),
            (&[2, 3, 4], 1),
            (&[2, 3, 4], 0),
            (&[2, 5, 33], 2),
            (&[4, 1], 1),
        ] {
            for with_bias in [true, false] {
                let scale = constant_operand(&shape[axis..], 1);
                let bias = constant_operand(&shape[axis..], 2);
                let mut operands = vec![operand(shape), scale.clone()];
                if with_bias {
                    operands.push(bias.clone());
                }
                // An offset, so that the variance is small against the square of the mean.
                let input: Vec<f32> = values(shape.iter().product(), 8)
                    .iter()
                    .map(|x| x + 2.0)
                    .collect();
                let (scale, bias) = (wide(&scale), wide(&bias));
                let bias = with_bias.then_some(&bias[..]);
                check_against_reference(
                    &*layer_norm(&operands, axis),
                    &[input],
                    |inputs| reference_layer_norm(&scale, bias, f64::from(1e-3f32), &inputs[0]),
                    1e-5,
                );
            }
        }
    }

    #[test]
    fn layer_norm_parameters_must_be_constants_of_the_right_length() {
        let shape = [2, 3];
        for scale in [operand(&[3]), constant_operand(&[2], 1)] {
            assert!(
                build_layer_norm("LayerNorm", 1, 1e-5, &[operand(&shape), scale], &shape).is_err()
            );
        }
        let operands = [operand(&shape), constant_operand(&[3], 1)];
        assert!(build_layer_norm("LayerNorm", 2, 1e-5, &operands, &shape).is_err());
    }

    proptest! {
        // Rows of one or two elements have next to no gradient, only rounding.
        #[test]
        fn vjp_is_linear(shape in prop::collection::vec(4usize..8, 2..4), seed: u64) {
            let len = shape.iter().product();
            let input = [values(len, seed)];
            check_laws(&*batch_norm(&batch_norm_operands(&shape)), &input, len, seed);
            let operands = [operand(&shape), constant_operand(&shape[1..], seed)];
            check_laws(&*layer_norm(&operands, 1), &input, len, seed);
        }
    }
}
