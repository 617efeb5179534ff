//! Memory: which buffer holds which tensor's values and gradient, from when each is alive.

use super::{Step, TensorId};

/// What decides how long tensors live.
pub(super) struct Lifetimes<'a> {
    pub steps: &'a [Step],
    pub lens: &'a [usize],
    pub input: TensorId,
    pub output: TensorId,
    pub layers: &'a [TensorId],
    /// Tensors that are set before the passes and outlast them.
    pub given: &'a [TensorId],
    pub needs_gradient: &'a [bool],
    pub keep_values: bool,
}

/// The buffers and who uses them.
#[derive(Debug)]
pub(super) struct Buffers {
    /// Length of each buffer.
    pub lens: Vec<usize>,
    /// Buffer of each tensor's values.
    pub values: Vec<Option<usize>>,
    /// Buffer of each tensor's gradient.
    pub gradients: Vec<Option<usize>>,
}

/// First and last moment at which something is alive. Forward steps are the moments 0 … n−1, their
/// products 2n−1 … n.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: usize,
    last: usize,
    len: usize,
}

impl Buffers {
    /// Gives everything a buffer such that what is alive at the same moment never shares one.
    pub fn assign(lifetimes: &Lifetimes<'_>) -> Buffers {
        let carriers = lifetimes.carriers();
        let (values, gradients) = lifetimes.spans(&carriers);
        let n_tensors = lifetimes.lens.len();
        let both: Vec<Option<Span>> = values.into_iter().chain(gradients).collect();
        let (lens, mut owners) = share(&both);
        let shared = owners.split_off(n_tensors);
        let gradients = carriers
            .iter()
            .zip(&shared)
            .map(|(carrier, own)| own.or(shared[carrier.0]))
            .collect();
        Buffers {
            lens,
            values: owners,
            gradients,
        }
    }
}

/// The lengths of the buffers, and the buffer of each span.
///
/// In the order of first use, the free buffer nearest in size is taken, a large enough one before one
/// that has to grow.
fn share(spans: &[Option<Span>]) -> (Vec<usize>, Vec<Option<usize>>) {
    let mut order: Vec<(Span, usize)> = spans
        .iter()
        .enumerate()
        .filter_map(|(owner, span)| Some(((*span)?, owner)))
        .collect();
    order.sort_by_key(|(span, owner)| (span.first, *owner));

    let mut lens: Vec<usize> = Vec::new();
    let mut busy_until: Vec<usize> = Vec::new();
    let mut owners = vec![None; spans.len()];
    for (span, owner) in order {
        let free = (0..lens.len()).filter(|&buffer| busy_until[buffer] < span.first);
        let nearest =
            free.min_by_key(|&buffer| (lens[buffer] < span.len, lens[buffer].abs_diff(span.len)));
        let buffer = nearest.unwrap_or_else(|| {
            lens.push(0);
            busy_until.push(0);
            lens.len() - 1
        });
        lens[buffer] = lens[buffer].max(span.len);
        busy_until[buffer] = span.last;
        owners[owner] = Some(buffer);
    }
    (lens, owners)
}

impl Lifetimes<'_> {
    /// For each tensor the one whose gradient's buffer carries its gradient: itself, unless a step
    /// passes the gradient of its output on.
    fn carriers(&self) -> Vec<TensorId> {
        let mut carriers: Vec<TensorId> = (0..self.lens.len()).map(TensorId).collect();
        for step in self.steps.iter().rev() {
            if let Some(operand) = step.passed {
                carriers[step.inputs[operand].0] = carriers[step.output.0];
            }
        }
        carriers
    }

    /// When values and gradients are alive; gradients under their carriers.
    fn spans(&self, carriers: &[TensorId]) -> (Vec<Option<Span>>, Vec<Option<Span>>) {
        let n_steps = self.steps.len();
        let product_of = |step: usize| 2 * n_steps - 1 - step;
        let end = 2 * n_steps;
        let mut values: Vec<Option<Span>> = vec![None; self.lens.len()];
        let mut gradients: Vec<Option<Span>> = vec![None; self.lens.len()];
        let touch = |spans: &mut Vec<Option<Span>>, tensor: TensorId, moment: usize| {
            let span = spans[tensor.0].get_or_insert(Span {
                first: moment,
                last: moment,
                len: self.lens[tensor.0],
            });
            span.first = span.first.min(moment);
            span.last = span.last.max(moment);
        };
        let carrier = |tensor: TensorId| carriers[tensor.0];

        for &given in self.given {
            touch(&mut values, given, 0);
            touch(&mut values, given, end);
        }
        touch(&mut values, self.input, 0);
        touch(&mut values, self.output, n_steps);
        if self.needs_gradient[self.output.0] {
            touch(&mut gradients, carrier(self.output), n_steps);
        }
        for (index, step) in self.steps.iter().enumerate() {
            touch(&mut values, step.output, index);
            for &input in &step.inputs {
                touch(&mut values, input, index);
            }
            let moment = product_of(index);
            let has_product = step.gradients.iter().any(Option::is_some);
            if has_product {
                touch(&mut gradients, carrier(step.output), moment);
                let reads = step.kernel.reads();
                if reads.output {
                    touch(&mut values, step.output, moment);
                }
                for (&input, gradient) in step.inputs.iter().zip(&step.gradients) {
                    if reads.inputs {
                        touch(&mut values, input, moment);
                    }
                    if gradient.is_some() {
                        touch(&mut gradients, carrier(input), moment);
                    }
                }
            }
            if self.layers.contains(&step.output) {
                touch(&mut values, step.output, moment);
                touch(&mut gradients, carrier(step.output), moment);
            }
        }
        for &layer in self.layers {
            if layer == self.input {
                touch(&mut values, layer, end);
                touch(&mut gradients, carrier(layer), end);
            }
        }
        if self.keep_values {
            for span in values.iter_mut().flatten() {
                span.first = 0;
                span.last = end;
            }
        }
        (values, gradients)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_alive_at_the_same_moment_never_shares_a_buffer(
            spans in prop::collection::vec((0usize..30, 0usize..12, 1usize..100), 1..60)
        ) {
            let spans: Vec<Option<Span>> = spans
                .into_iter()
                .map(|(first, duration, len)| Some(Span { first, last: first + duration, len }))
                .collect();
            let (lens, owners) = share(&spans);
            for moment in 0..50 {
                let mut taken = vec![false; lens.len()];
                for (span, owner) in spans.iter().flatten().zip(owners.iter().flatten()) {
                    if (span.first..=span.last).contains(&moment) {
                        prop_assert!(!std::mem::replace(&mut taken[*owner], true));
                        prop_assert!(lens[*owner] >= span.len);
                    }
                }
            }
        }

        #[test]
        fn what_is_never_alive_together_shares(len in 1usize..100, n in 1usize..20) {
            let spans: Vec<Option<Span>> =
                (0..n).map(|i| Some(Span { first: i, last: i, len })).collect();
            prop_assert_eq!(share(&spans).0, vec![len]);
        }
    }
}
