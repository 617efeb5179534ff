//! Between plain and blocked order ([`Layout`]).

use crate::kernel::{Gradient, Kernel, VjpContext};
use crate::layout::Layout;

/// Builds the kernel that copies plain rows to blocked ones.
pub(crate) fn to_blocked(layout: Layout) -> Box<dyn Kernel> {
    Box::new(Reorder {
        layout,
        to_blocked: true,
    })
}

/// Builds the kernel that copies blocked rows to plain ones.
pub(crate) fn to_plain(layout: Layout) -> Box<dyn Kernel> {
    Box::new(Reorder {
        layout,
        to_blocked: false,
    })
}

struct Reorder {
    /// The blocked order.
    layout: Layout,
    to_blocked: bool,
}

impl Reorder {
    fn plain_len(&self) -> usize {
        self.layout.channels * self.layout.positions
    }
}

impl Kernel for Reorder {
    fn name(&self) -> &'static str {
        if self.to_blocked {
            "to blocks"
        } else {
            "to plain"
        }
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let (plain_len, row_len) = (self.plain_len(), self.layout.row_len());
        if self.to_blocked {
            let rows = output.chunks_exact_mut(row_len);
            for (row, plain) in rows.zip(inputs[0].chunks_exact(plain_len)) {
                self.layout.from_plain(plain, row);
            }
        } else {
            let rows = inputs[0].chunks_exact(row_len);
            for (row, plain) in rows.zip(output.chunks_exact_mut(plain_len)) {
                self.layout.to_plain(row, plain);
            }
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let (plain_len, row_len) = (self.plain_len(), self.layout.row_len());
        let Gradient { data, accumulate } = gradient;
        if self.to_blocked {
            let rows = context.grad_output.chunks_exact(row_len);
            for (row, plain) in rows.zip(data.chunks_exact_mut(plain_len)) {
                self.layout.put_plain(row, plain, accumulate);
            }
        } else {
            let rows = data.chunks_exact_mut(row_len);
            for (row, plain) in rows.zip(context.grad_output.chunks_exact(plain_len)) {
                self.layout.put_blocked(plain, row, accumulate);
            }
        }
    }
}

/// A kernel of blocked tensors with a single operand, for plain ones.
pub(crate) struct InPlainOrder {
    pub kernel: Box<dyn Kernel>,
    pub input: Layout,
    pub output: Layout,
    pub samples: usize,
}

impl InPlainOrder {
    fn lens(&self) -> [usize; 2] {
        [self.input, self.output].map(|layout| self.samples * layout.row_len())
    }
}

impl Kernel for InPlainOrder {
    fn name(&self) -> &'static str {
        self.kernel.name()
    }

    fn saved_len(&self) -> usize {
        self.kernel.saved_len()
    }

    fn scratch_len(&self) -> usize {
        self.lens().iter().sum::<usize>() + self.kernel.scratch_len()
    }

    fn constant_bytes(&self) -> usize {
        self.kernel.constant_bytes()
    }

    fn forward(
        &self,
        inputs: &[&[f32]],
        output: &mut [f32],
        saved: &mut [u32],
        scratch: &mut [f32],
    ) {
        let [input_len, output_len] = self.lens();
        let (blocked_input, scratch) = scratch.split_at_mut(input_len);
        let (blocked_output, scratch) = scratch.split_at_mut(output_len);
        let [to_blocks, to_rows] = [to_blocked(self.input), to_plain(self.output)];
        to_blocks.forward(inputs, blocked_input, &mut [], &mut []);
        self.kernel
            .forward(&[blocked_input], blocked_output, saved, scratch);
        to_rows.forward(&[blocked_output], output, &mut [], &mut []);
    }

    fn vjp(&self, operand: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let [input_len, output_len] = self.lens();
        let (blocked_input, scratch) = context.scratch.split_at_mut(input_len);
        let (blocked_output, scratch) = scratch.split_at_mut(output_len);
        let [to_blocks, to_rows] = [to_blocked(self.output), to_plain(self.input)];
        to_blocks.forward(&[context.grad_output], blocked_output, &mut [], &mut []);
        self.kernel.vjp(
            operand,
            VjpContext {
                inputs: &[],
                output: &[],
                grad_output: blocked_output,
                saved: context.saved,
                scratch,
            },
            Gradient {
                data: blocked_input,
                accumulate: false,
            },
        );
        if gradient.accumulate {
            let rows = blocked_input.chunks_exact(self.input.row_len());
            let plain_len = self.input.channels * self.input.positions;
            for (plain, row) in gradient.data.chunks_exact_mut(plain_len).zip(rows) {
                self.input.put_plain(row, plain, true);
            }
        } else {
            to_rows.forward(&[blocked_input], gradient.data, &mut [], &mut []);
        }
    }
}
