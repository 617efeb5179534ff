//! Local response normalisation (Krizhevsky, Sutskever and Hinton 2012).

use super::operands::{runtime, same_len};
use super::vectorize::{put, vectorized};
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// The numbers of the formula y = x / (bias + alpha/size · Σ x²)^beta.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters {
    /// Channels of the sum: ⌊(size − 1)/2⌋ before and ⌈(size − 1)/2⌉ after each.
    pub size: usize,
    pub alpha: f32,
    pub beta: f32,
    pub bias: f32,
}

/// Builds the kernel of a local response normalisation of `[N, C, …]`.
pub(crate) fn build(
    operator: &'static str,
    parameters: Parameters,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let shape = runtime(operator, operands, 0)?;
    let len = same_len(operator, shape, output_shape)?;
    let channels = shape.get(1).copied().unwrap_or(0);
    if channels == 0 || len == 0 || parameters.size == 0 {
        return Err(EngineError::unsupported(
            operator,
            format!("{} channels of the shape {shape:?}", parameters.size),
        ));
    }
    Ok(Box::new(LocalResponseNorm {
        parameters,
        channels,
        positions: shape[2..].iter().product(),
    }))
}

struct LocalResponseNorm {
    parameters: Parameters,
    channels: usize,
    /// Elements of one channel of one sample.
    positions: usize,
}

impl LocalResponseNorm {
    fn sample_len(&self) -> usize {
        self.channels * self.positions
    }

    /// The channels whose squares the channel is divided by.
    fn window(&self, channel: usize) -> std::ops::Range<usize> {
        let before = (self.parameters.size - 1) / 2;
        let after = self.parameters.size / 2;
        channel.saturating_sub(before)..channel.saturating_add(after + 1).min(self.channels)
    }

    /// The channels that are divided by the channel's square.
    fn watchers(&self, channel: usize) -> std::ops::Range<usize> {
        let before = (self.parameters.size - 1) / 2;
        let after = self.parameters.size / 2;
        channel.saturating_sub(after)..channel.saturating_add(before + 1).min(self.channels)
    }

    fn plane<'a>(&self, planes: &'a [f32], channel: usize) -> &'a [f32] {
        &planes[channel * self.positions..][..self.positions]
    }

    /// bias + alpha/size · Σ x² of every element of a channel.
    #[inline(always)]
    fn divisors(&self, x: &[f32], channel: usize, slots: &mut [f32]) {
        slots.fill(0.0);
        for other in self.window(channel) {
            for (slot, &x) in slots.iter_mut().zip(self.plane(x, other)) {
                *slot += x * x;
            }
        }
        let Parameters {
            size, alpha, bias, ..
        } = self.parameters;
        let factor = alpha / size as f32;
        for slot in slots {
            *slot = bias + factor * *slot;
        }
    }

    /// s^−β; with roots for the exponent that everyone uses.
    #[inline(always)]
    fn power(&self, divisor: f32) -> f32 {
        if self.parameters.beta == 0.75 {
            let root = divisor.sqrt();
            1.0 / (root * root.sqrt())
        } else {
            divisor.powf(-self.parameters.beta)
        }
    }

    #[inline(always)]
    fn normalise(&self, x: &[f32], y: &mut [f32]) {
        for (channel, slots) in y.chunks_exact_mut(self.positions).enumerate() {
            self.divisors(x, channel, slots);
            for (slot, &x) in slots.iter_mut().zip(self.plane(x, channel)) {
                *slot = x * self.power(*slot);
            }
        }
    }

    /// g s^−β − 2 αβ/size · x · Σ g x s^(−β−1), the sum over the channels that the element is a
    /// divisor of.
    #[inline(always)]
    fn chain(
        &self,
        x: &[f32],
        g: &[f32],
        divisors: &mut [f32],
        shares: &mut [f32],
        sums: &mut [f32],
        gradient: Gradient<'_>,
    ) {
        let len = self.positions;
        for (channel, shares) in shares.chunks_exact_mut(len).enumerate() {
            let own = &mut divisors[channel * len..][..len];
            self.divisors(x, channel, own);
            let pairs = self.plane(x, channel).iter().zip(self.plane(g, channel));
            for ((slot, &mut divisor), (&x, &g)) in shares.iter_mut().zip(own).zip(pairs) {
                *slot = g * x * self.power(divisor) / divisor;
            }
        }
        let Parameters {
            size, alpha, beta, ..
        } = self.parameters;
        let factor = 2.0 * alpha * beta / size as f32;
        for (channel, data) in gradient.data.chunks_exact_mut(len).enumerate() {
            sums.fill(0.0);
            for other in self.watchers(channel) {
                for (slot, &share) in sums.iter_mut().zip(self.plane(shares, other)) {
                    *slot += share;
                }
            }
            let pairs = self.plane(x, channel).iter().zip(self.plane(g, channel));
            let terms = sums.iter().zip(self.plane(divisors, channel)).zip(pairs);
            let plane = Gradient {
                data,
                accumulate: gradient.accumulate,
            };
            put(
                plane,
                terms
                    .map(|((&sum, &divisor), (&x, &g))| g * self.power(divisor) - factor * x * sum),
            );
        }
    }
}

impl Kernel for LocalResponseNorm {
    fn name(&self) -> &'static str {
        "local response norm"
    }

    fn reads(&self) -> Reads {
        Reads {
            inputs: true,
            output: false,
        }
    }

    fn scratch_len(&self) -> usize {
        2 * self.sample_len() + self.positions
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let len = self.sample_len();
        for (x, y) in inputs[0]
            .chunks_exact(len)
            .zip(output.chunks_exact_mut(len))
        {
            vectorized(|| self.normalise(x, y));
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let len = self.sample_len();
        let (divisors, rest) = context.scratch.split_at_mut(len);
        let (shares, rest) = rest.split_at_mut(len);
        let sums = &mut rest[..self.positions];
        let samples = context.inputs[0].chunks_exact(len);
        let samples = samples.zip(context.grad_output.chunks_exact(len));
        for ((x, g), data) in samples.zip(gradient.data.chunks_exact_mut(len)) {
            let gradient = Gradient {
                data,
                accumulate: gradient.accumulate,
            };
            vectorized(|| self.chain(x, g, divisors, shares, sums, gradient));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Parameters, build};
    use crate::kernel::Kernel;
    use crate::ops::testing::{check_against_reference, check_laws, operand, values};

    fn parameters(size: usize, beta: f32) -> Parameters {
        Parameters {
            size,
            alpha: 0.7,
            beta,
            bias: 1.5,
        }
    }

    fn norm(parameters: Parameters, shape: &[usize]) -> Box<dyn Kernel> {
        build("LocalResponseNorm", parameters, &[operand(shape)], shape).unwrap()
    }

    fn reference_norm(parameters: Parameters, shape: &[usize], input: &[f64]) -> Vec<f64> {
        let positions: usize = shape[2..].iter().product();
        let channels = shape[1] as isize;
        let size = parameters.size as isize;
        let [alpha, beta, bias] =
            [parameters.alpha, parameters.beta, parameters.bias].map(f64::from);
        input
            .iter()
            .enumerate()
            .map(|(index, x)| {
                let channel = (index / positions) as isize % channels;
                let mut squares = 0.0;
                // ⌊(size − 1)/2⌋ before, ⌈(size − 1)/2⌉ after.
                for shift in -((size - 1) / 2)..=(size - 1) - (size - 1) / 2 {
                    if (0..channels).contains(&(channel + shift)) {
                        let other = index as isize + shift * positions as isize;
                        squares += input[other as usize].powi(2);
                    }
                }
                x / (bias + alpha / size as f64 * squares).powf(beta)
            })
            .collect()
    }

    #[test]
    fn normalised_channels_match_the_reference() {
        for (shape, size) in [
            (&[2, 7, 3, 5][..], 3),
            (&[2, 7, 3, 5], 4),
            (&[1, 5, 9], 1),
            (&[1, 5, 9], 2),
            (&[2, 3, 2], 9),
            (&[3, 6], 5),
        ] {
            for beta in [0.75, 0.5, 1.3] {
                let parameters = parameters(size, beta);
                check_against_reference(
                    &*norm(parameters, shape),
                    &[values(shape.iter().product(), 8)],
                    |wide| reference_norm(parameters, shape, &wide[0]),
                    1e-5,
                );
            }
        }
    }

    #[test]
    fn shapes_without_channels_are_refused() {
        assert!(build("LRN", parameters(3, 0.75), &[operand(&[4])], &[4]).is_err());
        assert!(build("LRN", parameters(0, 0.75), &[operand(&[2, 4])], &[2, 4]).is_err());
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            shape in prop::collection::vec(1usize..6, 2..5),
            size in 1usize..6,
            seed: u64,
        ) {
            let len = shape.iter().product();
            check_laws(&*norm(parameters(size, 0.75), &shape), &[values(len, seed)], len, seed);
        }
    }
}
