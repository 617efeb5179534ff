//! What an operator is to the engine: a kernel with a forward pass and a vector-Jacobian product.

use infoplane_graph::Floats;

/// An operand of a kernel while it is built.
#[derive(Debug, Clone)]
pub struct Operand {
    /// Concrete shape, batch included.
    pub shape: Vec<usize>,
    /// The content, where it does not depend on the network's input.
    pub constant: Option<Floats>,
}

impl Operand {
    /// Number of elements.
    pub fn n_elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Where a vector-Jacobian product puts an operand's gradient.
#[derive(Debug)]
pub struct Gradient<'a> {
    /// The gradient, in the operand's layout.
    pub data: &'a mut [f32],
    /// Whether to add to what is there (the operand has other consumers) or to overwrite it.
    pub accumulate: bool,
}

impl Gradient<'_> {
    /// Sets or adds element by element.
    pub fn put(&mut self, values: impl Iterator<Item = f32>) {
        if self.accumulate {
            for (slot, value) in self.data.iter_mut().zip(values) {
                *slot += value;
            }
        } else {
            for (slot, value) in self.data.iter_mut().zip(values) {
                *slot = value;
            }
        }
    }

    /// Zeroes the gradient unless it accumulates, for kernels that scatter.
    pub fn clear_unless_accumulating(&mut self) {
        if !self.accumulate {
            self.data.fill(0.0);
        }
    }
}

/// What a vector-Jacobian product may read.
#[derive(Debug)]
pub struct VjpContext<'a> {
    /// The runtime operands, in order; empty slices where [`Kernel::reads`] did not ask for them.
    pub inputs: &'a [&'a [f32]],
    /// The result; empty where [`Kernel::reads`] did not ask for it.
    pub output: &'a [f32],
    /// The gradient of the result. A kernel may overwrite it, but calls for its other operands
    /// follow and see what it left.
    pub grad_output: &'a mut [f32],
    /// What the forward pass saved.
    pub saved: &'a [u32],
    /// [`Kernel::scratch_len`] floats of any content.
    pub scratch: &'a mut [f32],
}

/// Which tensors must be alive for the vector-Jacobian product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reads {
    /// The runtime operands.
    pub inputs: bool,
    /// The result.
    pub output: bool,
}

/// One operator, specialised to its shapes and constants.
///
/// Kernels are single-threaded and hold no state: workers share them. Constant operands live in the
/// kernel, in whatever form suits it; `inputs` are the remaining, runtime operands in order. All
/// tensors are dense and row-major; every length is fixed when the kernel is built.
pub trait Kernel: Send + Sync {
    /// Name of the kernel that was chosen, for the plan.
    fn name(&self) -> &'static str;

    /// What [`Kernel::vjp`] reads of the forward pass.
    fn reads(&self) -> Reads {
        Reads::default()
    }

    /// Words the forward pass saves for the product (sign masks, window offsets, statistics).
    fn saved_len(&self) -> usize {
        0
    }

    /// Floats of working memory that either pass needs.
    fn scratch_len(&self) -> usize {
        0
    }

    /// Bytes of constants it holds.
    fn constant_bytes(&self) -> usize {
        0
    }

    /// The kernel for a single one of `batch` rows, where it is affine and treats every row alike.
    fn affine_for_one_row(&self, _batch: usize) -> Option<Box<dyn Kernel>> {
        None
    }

    /// A runtime operand whose gradient is what the product of operand 0 leaves in
    /// [`VjpContext::grad_output`], so that it need not be computed.
    fn passes_gradient_to(&self) -> Option<usize> {
        None
    }

    /// Computes the result; `output`, `saved` and `scratch` come with any content.
    fn forward(
        &self,
        inputs: &[&[f32]],
        output: &mut [f32],
        saved: &mut [u32],
        scratch: &mut [f32],
    );

    /// Computes the gradient of runtime operand `operand`: the vector-Jacobian product of
    /// `context.grad_output`.
    fn vjp(&self, operand: usize, context: VjpContext<'_>, gradient: Gradient<'_>);
}
