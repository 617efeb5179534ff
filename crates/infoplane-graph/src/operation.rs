//! Operators with every attribute resolved for concrete shapes: what an engine runs.

pub use crate::arithmetic::{BinaryOp, ReduceOp, VariadicOp};
pub use crate::op::PadMode;
pub use crate::unary::Unary;

/// A sliding window over up to two spatial axes of `[N, C, H, W]`.
///
/// A one-dimensional window has height 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window2d {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Vertical and horizontal step.
    pub strides: [usize; 2],
    /// Distance between taps.
    pub dilations: [usize; 2],
    /// Padding above and left.
    pub pads_begin: [usize; 2],
    /// Padding below and right; more than asked for where `ceil_mode` needs it.
    pub pads_end: [usize; 2],
}

/// A resolved operator. Shapes are those of the [`crate::ShapedGraph`] it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Convolution of `[N, C, H, W]` or `[N, C, W]` with weights `[M, C/groups, kh, kw]`, plus an
    /// optional bias `[M]`.
    Conv {
        /// The window.
        window: Window2d,
        /// Number of groups.
        groups: usize,
    },
    /// α·op(A)·op(B) + β·C of matrices.
    Gemm {
        /// Factor of the product.
        alpha: f32,
        /// Factor of the third operand.
        beta: f32,
        /// Whether A is transposed.
        trans_a: bool,
        /// Whether B is transposed.
        trans_b: bool,
    },
    /// Matrix product with broadcast leading axes, as NumPy's.
    MatMul,
    /// (x − mean) / √(var + ε) · scale + bias by channel; operands x, scale, bias, mean, var.
    BatchNorm {
        /// Added to the variance.
        epsilon: f32,
    },
    /// Element-wise function.
    Unary(Unary),
    /// Element-wise arithmetic, comparison or logic with broadcasting.
    Binary(BinaryOp),
    /// Element-wise arithmetic of any number of operands with broadcasting.
    Variadic(VariadicOp),
    /// The second operand where the first is true (not 0), the third elsewhere, with broadcasting.
    Where,
    /// Softmax over the middle of `[outer, size, inner]`.
    Softmax {
        /// First normalised axis.
        axis: usize,
        /// One past the last normalised axis.
        end: usize,
    },
    /// Logarithm of the softmax over the middle of `[outer, size, inner]`.
    LogSoftmax {
        /// First normalised axis.
        axis: usize,
        /// One past the last normalised axis.
        end: usize,
    },
    /// (x − mean)/√(var + ε) over the axes from `axis` on, times scale plus optional bias.
    LayerNorm {
        /// First normalised axis.
        axis: usize,
        /// Added to the variance.
        epsilon: f32,
    },
    /// Largest element of each window; padding never wins.
    MaxPool {
        /// The window.
        window: Window2d,
    },
    /// Mean of each window.
    AveragePool {
        /// The window.
        window: Window2d,
        /// Whether padding counts as zeros in the mean.
        count_include_pad: bool,
        /// Padding that counts at the end (without what `ceil_mode` added).
        counted_pads_end: [usize; 2],
    },
    /// Mean over axes.
    ReduceMean {
        /// The axes, ascending.
        axes: Vec<usize>,
    },
    /// Another reduction over axes; over none it works element by element.
    Reduce {
        /// What the elements become.
        reduction: ReduceOp,
        /// The axes, ascending.
        axes: Vec<usize>,
    },
    /// Operands one after another along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// Every axis from `start` in steps of `step` (which may be negative).
    Slice {
        /// First index by axis.
        starts: Vec<usize>,
        /// Step by axis.
        steps: Vec<isize>,
    },
    /// Padding by axis; negative amounts crop.
    Pad {
        /// Elements before, by axis.
        before: Vec<isize>,
        /// Elements after, by axis.
        after: Vec<isize>,
        /// Where the values come from.
        mode: PadMode,
        /// The constant of [`PadMode::Constant`].
        value: f32,
    },
    /// The same elements under another shape.
    Reshape,
    /// Axes in another order.
    Transpose {
        /// Source axis of each result axis.
        perm: Vec<usize>,
    },
}

impl Operation {
    /// Short name for plans and messages.
    pub fn name(&self) -> &'static str {
        match self {
            Operation::Conv { .. } => "Conv",
            Operation::Gemm { .. } => "Gemm",
            Operation::MatMul => "MatMul",
            Operation::BatchNorm { .. } => "BatchNorm",
            Operation::Unary(function) => function.name(),
            Operation::Binary(operation) => operation.name(),
            Operation::Variadic(operation) => operation.name(),
            Operation::Where => "Where",
            Operation::Softmax { .. } => "Softmax",
            Operation::LogSoftmax { .. } => "LogSoftmax",
            Operation::LayerNorm { .. } => "LayerNorm",
            Operation::MaxPool { .. } => "MaxPool",
            Operation::AveragePool { .. } => "AveragePool",
            Operation::ReduceMean { .. } => "ReduceMean",
            Operation::Reduce { reduction, .. } => reduction.name(),
            Operation::Concat { .. } => "Concat",
            Operation::Slice { .. } => "Slice",
            Operation::Pad { .. } => "Pad",
            Operation::Reshape => "Reshape",
            Operation::Transpose { .. } => "Transpose",
        }
    }
}
