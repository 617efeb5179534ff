//! Memory: which buffer holds which tensor's values and gradient, from when each is alive.

use super::{Step, TensorId};

/// What decides how long tensors live.
pub(super) struct Lifetimes<'a> {
    pub steps: &'a [Step],
    pub lens: &'a [usize],
    pub input: TensorId,
    pub output: TensorId,
    pub layers: &'a [TensorId],
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
    ///
    /// In the order of first use, the smallest free buffer that is large enough is taken; else the
    /// largest free one grows.
    pub fn assign(lifetimes: &Lifetimes<'_>) -> Buffers {
        let n_tensors = lifetimes.lens.len();
        let (values, gradients) = lifetimes.spans();
        let mut order: Vec<(Span, bool, usize)> = Vec::with_capacity(2 * n_tensors);
        for tensor in 0..n_tensors {
            order.extend(values[tensor].map(|span| (span, false, tensor)));
            order.extend(gradients[tensor].map(|span| (span, true, tensor)));
        }
        order.sort_by_key(|(span, is_gradient, tensor)| (span.first, *is_gradient, *tensor));

        let mut buffers = Buffers {
            lens: Vec::new(),
            values: vec![None; n_tensors],
            gradients: vec![None; n_tensors],
        };
        let mut busy_until: Vec<usize> = Vec::new();
        for (span, is_gradient, tensor) in order {
            let free = (0..busy_until.len()).filter(|&b| busy_until[b] < span.first);
            let chosen = free.min_by_key(|&b| {
                let len = buffers.lens[b];
                // Large enough before too small; the nearest in size of either kind.
                (len < span.len, len.abs_diff(span.len))
            });
            let buffer = chosen.unwrap_or_else(|| {
                buffers.lens.push(0);
                busy_until.push(0);
                buffers.lens.len() - 1
            });
            buffers.lens[buffer] = buffers.lens[buffer].max(span.len);
            busy_until[buffer] = span.last;
            let owner = if is_gradient {
                &mut buffers.gradients
            } else {
                &mut buffers.values
            };
            owner[tensor] = Some(buffer);
        }
        buffers
    }
}

impl Lifetimes<'_> {
    fn spans(&self) -> (Vec<Option<Span>>, Vec<Option<Span>>) {
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

        touch(&mut values, self.input, 0);
        touch(&mut values, self.output, n_steps);
        if self.needs_gradient[self.output.0] {
            touch(&mut gradients, self.output, n_steps);
        }
        for (index, step) in self.steps.iter().enumerate() {
            touch(&mut values, step.output, index);
            for &input in &step.inputs {
                touch(&mut values, input, index);
            }
            let moment = product_of(index);
            let has_product = step.gradients.iter().any(Option::is_some);
            if has_product {
                touch(&mut gradients, step.output, moment);
                let reads = step.kernel.reads();
                if reads.output {
                    touch(&mut values, step.output, moment);
                }
                for (&input, gradient) in step.inputs.iter().zip(&step.gradients) {
                    if reads.inputs {
                        touch(&mut values, input, moment);
                    }
                    if gradient.is_some() {
                        touch(&mut gradients, input, moment);
                    }
                }
            }
            if self.layers.contains(&step.output) {
                touch(&mut values, step.output, moment);
                touch(&mut gradients, step.output, moment);
            }
        }
        for &layer in self.layers {
            if layer == self.input {
                touch(&mut values, layer, end);
                touch(&mut gradients, layer, end);
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
    use super::*;

    /// Simulates every moment and asserts that no buffer has two owners.
    #[test]
    fn nothing_alive_shares_a_buffer() {
        let spans: Vec<Span> = (0..40)
            .map(|i| Span {
                first: i,
                last: i + (i * 7) % 11,
                len: 10 + (i * 13) % 50,
            })
            .collect();
        let lens: Vec<usize> = spans.iter().map(|span| span.len).collect();
        let steps: Vec<Step> = Vec::new();
        let needs_gradient = vec![false; 40];
        let lifetimes = Lifetimes {
            steps: &steps,
            lens: &lens,
            input: TensorId(0),
            output: TensorId(1),
            layers: &[],
            needs_gradient: &needs_gradient,
            keep_values: false,
        };
        // The input and the output are both alive at moment 0 of a graph without steps.
        let buffers = Buffers::assign(&lifetimes);
        assert_ne!(buffers.values[0], buffers.values[1]);
    }
}
