//! Normalisation of runs of channels by their own statistics: groups, or single channels (instance
//! normalisation).

use super::math::{sum, sum_of, sum_of_pairs};
use super::operands::{constant, runtime, same_len};
use super::vectorize::{put, vectorized};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// Builds the kernel of (x − mean)/√(var + ε) · scale + bias of `[N, C, …]`, with the mean and variance
/// of each of `groups` runs of channels of a sample; operands x, constant scale and bias, each by
/// channel or by group.
pub(crate) fn build(
    operator: &'static str,
    groups: usize,
    epsilon: f32,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let shape = runtime(operator, operands, 0)?;
    let len = same_len(operator, shape, output_shape)?;
    let channels = shape.get(1).copied().unwrap_or(0);
    if groups == 0 || channels == 0 || !channels.is_multiple_of(groups) || len == 0 {
        return Err(EngineError::unsupported(
            operator,
            format!("{groups} groups of the shape {shape:?}"),
        ));
    }
    let by_channel = |position: usize| {
        let values = constant(operator, operands, position)?;
        if values.len() == channels || values.len() == groups {
            let share = channels / values.len();
            Ok((0..channels).map(|c| values[c / share]).collect())
        } else {
            Err(EngineError::unsupported(
                operator,
                format!(
                    "operand {position} has {} elements for {channels} channels in {groups} groups",
                    values.len()
                ),
            ))
        }
    };
    Ok(Box::new(GroupNorm {
        scale: by_channel(1)?,
        bias: by_channel(2)?,
        epsilon,
        channels_of_group: channels / groups,
        positions: shape[2..].iter().product(),
        runs: shape[0] * groups,
    }))
}

/// Saves the mean and 1/√(var + ε) of each group of each sample.
struct GroupNorm {
    /// By channel.
    scale: Vec<f32>,
    /// By channel.
    bias: Vec<f32>,
    epsilon: f32,
    channels_of_group: usize,
    /// Elements of one channel of one sample.
    positions: usize,
    /// Groups of all samples.
    runs: usize,
}

impl GroupNorm {
    fn run_len(&self) -> usize {
        self.channels_of_group * self.positions
    }

    /// The parameters of a group's channels.
    fn of_group<'a>(&self, parameters: &'a [f32], run: usize) -> &'a [f32] {
        let first = run * self.channels_of_group % parameters.len();
        &parameters[first..][..self.channels_of_group]
    }
}

impl Kernel for GroupNorm {
    fn name(&self) -> &'static str {
        if self.channels_of_group == 1 {
            "instance norm"
        } else {
            "group norm"
        }
    }

    fn reads(&self) -> Reads {
        Reads {
            inputs: true,
            output: false,
        }
    }

    fn saved_len(&self) -> usize {
        2 * self.runs
    }

    fn constant_bytes(&self) -> usize {
        size_of_val(self.scale.as_slice()) + size_of_val(self.bias.as_slice())
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], saved: &mut [u32], _: &mut [f32]) {
        let len = self.run_len();
        let runs = inputs[0]
            .chunks_exact(len)
            .zip(output.chunks_exact_mut(len));
        for (run, ((x, y), saved)) in runs.zip(saved.chunks_exact_mut(2)).enumerate() {
            let scale = self.of_group(&self.scale, run);
            let bias = self.of_group(&self.bias, run);
            let statistics = vectorized(|| self.normalise(x, y, scale, bias));
            saved.copy_from_slice(&statistics.map(f32::to_bits));
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let len = self.run_len();
        let runs = context.inputs[0].chunks_exact(len);
        let runs = runs.zip(context.grad_output.chunks_exact_mut(len));
        let runs = runs.zip(gradient.data.chunks_exact_mut(len));
        for (run, (((x, g), data), saved)) in runs.zip(context.saved.chunks_exact(2)).enumerate() {
            let scale = self.of_group(&self.scale, run);
            let statistics = [f32::from_bits(saved[0]), f32::from_bits(saved[1])];
            let gradient = Gradient {
                data,
                accumulate: gradient.accumulate,
            };
            vectorized(|| self.chain(x, g, scale, statistics, gradient));
        }
    }
}

impl GroupNorm {
    /// Normalises a group; returns its mean and 1/√(var + ε).
    #[inline(always)]
    fn normalise(&self, x: &[f32], y: &mut [f32], scale: &[f32], bias: &[f32]) -> [f32; 2] {
        let count = x.len() as f32;
        let mean = sum(x) / count;
        let variance = sum_of(x, |x| (x - mean) * (x - mean)) / count;
        let inverse = 1.0 / (variance + self.epsilon).sqrt();
        let planes = x
            .chunks_exact(self.positions)
            .zip(y.chunks_exact_mut(self.positions));
        for ((x, y), (&scale, &bias)) in planes.zip(scale.iter().zip(bias)) {
            let factor = inverse * scale;
            for (slot, &x) in y.iter_mut().zip(x) {
                *slot = (x - mean) * factor + bias;
            }
        }
        [mean, inverse]
    }

    /// (g' − mean g' − x̂ · mean(g' ⊙ x̂)) / √(var + ε) with g' = g ⊙ scale, which replaces g.
    #[inline(always)]
    fn chain(
        &self,
        x: &[f32],
        g: &mut [f32],
        scale: &[f32],
        [mean, inverse]: [f32; 2],
        gradient: Gradient<'_>,
    ) {
        let count = x.len() as f32;
        for (g, &scale) in g.chunks_exact_mut(self.positions).zip(scale) {
            for g in g {
                *g *= scale;
            }
        }
        let mean_g = sum(g) / count;
        let mean_product = sum_of_pairs(g, x, |g, x| g * ((x - mean) * inverse)) / count;
        let chained = x
            .iter()
            .zip(&*g)
            .map(|(&x, &g)| inverse * (g - mean_g - (x - mean) * inverse * mean_product));
        put(gradient, chained);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::{Kernel, Operand};
    use crate::ops::testing::{
        check_against_reference, check_laws, constant_operand, operand, values,
    };

    fn group_norm(groups: usize, operands: &[Operand]) -> Box<dyn Kernel> {
        build("GroupNorm", groups, 1e-3, operands, &operands[0].shape).unwrap()
    }

    fn operands(shape: &[usize], n_parameters: usize) -> Vec<Operand> {
        vec![
            operand(shape),
            constant_operand(&[n_parameters], 1),
            constant_operand(&[n_parameters], 2),
        ]
    }

    fn reference_group_norm(groups: usize, operands: &[Operand], input: &[f64]) -> Vec<f64> {
        let shape = &operands[0].shape;
        let channels = shape[1];
        let positions: usize = shape[2..].iter().product();
        let run = channels / groups * positions;
        let parameter = |position: usize, channel: usize| {
            let values = operands[position].constant.as_ref().unwrap();
            f64::from(values[channel * values.len() / channels])
        };
        input
            .iter()
            .enumerate()
            .map(|(index, x)| {
                let group = &input[index / run * run..][..run];
                let mean = group.iter().sum::<f64>() / run as f64;
                let variance = group.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / run as f64;
                let channel = index / positions % channels;
                (x - mean) / (variance + f64::from(1e-3f32)).sqrt() * parameter(1, channel)
                    + parameter(2, channel)
            })
            .collect()
    }

    #[test]
    fn normalised_groups_match_the_reference() {
        for (shape, groups) in [
            (&[2, 6, 3, 5][..], 2),
            (&[2, 6, 3, 5], 6),
            (&[1, 4, 7], 1),
            (&[3, 4, 7], 4),
            (&[2, 6], 3),
            (&[1, 2, 2, 3, 2], 2),
        ] {
            for n_parameters in [groups, shape[1]] {
                let operands = operands(shape, n_parameters);
                // An offset, so that the variance is small against the square of the mean.
                let input: Vec<f32> = values(shape.iter().product(), 8)
                    .iter()
                    .map(|x| x + 2.0)
                    .collect();
                check_against_reference(
                    &*group_norm(groups, &operands),
                    &[input],
                    |wide| reference_group_norm(groups, &operands, &wide[0]),
                    5e-5,
                );
            }
        }
    }

    #[test]
    fn parameters_must_be_constants_by_channel_or_group() {
        let shape = [2, 6, 4];
        let attempt = |groups: usize, operands: &[Operand]| {
            build("GroupNorm", groups, 1e-5, operands, &shape).is_err()
        };
        assert!(attempt(4, &operands(&shape, 6)));
        assert!(attempt(0, &operands(&shape, 6)));
        assert!(attempt(2, &operands(&shape, 3)));
        let running = [operand(&shape), operand(&[6]), constant_operand(&[6], 1)];
        assert!(attempt(2, &running));
        assert!(build("GroupNorm", 1, 1e-5, &operands(&[6], 6), &[6]).is_err());
    }

    proptest! {
        // Groups of one or two elements have next to no gradient, only rounding.
        #[test]
        fn vjp_is_linear(
            (n, groups, share, positions) in (1usize..3, 1usize..4, 1usize..4, 4usize..9),
            seed: u64,
        ) {
            let shape = [n, groups * share, positions];
            let input = [values(shape.iter().product(), seed)];
            let kernel = group_norm(groups, &operands(&shape, groups * share));
            check_laws(&*kernel, &input, shape.iter().product(), seed);
        }
    }
}
