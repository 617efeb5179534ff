//! Operators with every attribute resolved for concrete shapes: what an engine runs.

pub use crate::arithmetic::{BinaryOp, ReduceOp, VariadicOp};
pub use crate::op::PadMode;
pub use crate::unary::Unary;

/// A sliding window over up to two spatial axes of `[N, C, H, W]`.
///
/// A one-dimensional window has height 1. A window of `[N, C, D, H, W]` is one of `[N, C, D, H · W]`.
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

/// An axis on which every element of the result is a weighted sum of elements of the operand.
#[derive(Debug, Clone, PartialEq)]
pub struct ResizedAxis {
    /// The axis.
    pub axis: usize,
    /// Number of elements that are summed.
    pub taps: usize,
    /// Their indices, `taps` for each element of the result.
    pub sources: Vec<usize>,
    /// Their weights, in the order of `sources`.
    pub weights: Vec<f32>,
    /// Elements of the result that lie beyond the operand, ascending.
    pub outside: Vec<usize>,
}

/// A sum of products over common indices, in Einstein's notation: axes with the same label walk
/// together, and labels that the result lacks are summed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contraction {
    /// The label of every axis of each operand. An axis of extent 1 is broadcast where its label has
    /// another extent.
    pub operands: Vec<Vec<usize>>,
    /// The label of every axis of the result, each once.
    pub output: Vec<usize>,
    /// Extent of each label.
    pub extents: Vec<usize>,
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
    /// Transposed convolution of `[N, C, H, W]` or `[N, C, W]` with weights `[C, M/groups, kh, kw]`,
    /// plus an optional bias `[M]`: the vector-Jacobian product of the convolution with this window
    /// that leads from the result back to the operand.
    ConvTranspose {
        /// The window of that convolution.
        window: Window2d,
        /// Number of groups.
        groups: usize,
    },
    /// α·op(A)·op(B) + β·C of matrices. Where A is not transposed it may have more axes: all but its last
    /// one are rows.
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
    /// (x − mean)/√(var + ε) · scale + bias, with the mean and variance of each of `groups` runs of
    /// channels of a sample; operands x, scale, bias. Scale and bias are by channel, or by group.
    GroupNorm {
        /// Number of groups.
        groups: usize,
        /// Added to the variance.
        epsilon: f32,
    },
    /// x / (bias + α/size · Σ x²)^β with the sum over `size` channels around each.
    LocalResponseNorm {
        /// Channels that are summed over; of an even number one more lies after than before.
        size: usize,
        /// Factor of the sum.
        alpha: f32,
        /// Exponent.
        beta: f32,
        /// Added to the sum.
        bias: f32,
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
    /// (Σ |x|^p)^(1/p) of each window.
    LpPool {
        /// The window.
        window: Window2d,
        /// The exponent.
        p: u32,
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
    /// The operand several times over, by axis of the result; the operand may lack leading axes.
    Tile {
        /// How often, by axis of the result.
        repeats: Vec<usize>,
    },
    /// Elements along an axis, by index.
    Take {
        /// The axis.
        axis: usize,
        /// Indices below the axis's extent.
        indices: Vec<usize>,
    },
    /// Rows of a constant table (operand 0) by whole numbers (operand 1), negative ones counted from
    /// the end. A number that is no row gives a row of NaN. The numbers have no gradient.
    Lookup,
    /// A sum of products over common indices.
    Einsum(Contraction),
    /// Elements interpolated along some axes.
    Resize {
        /// The axes, ascending.
        axes: Vec<ResizedAxis>,
        /// The value of elements beyond the operand.
        outside_value: f32,
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
    /// The elements under another shape with its axes in another order, then under the result's shape.
    Rearrange {
        /// The shape.
        shape: Vec<usize>,
        /// Source axis of each axis of the reordered shape.
        perm: Vec<usize>,
    },
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
            Operation::ConvTranspose { .. } => "ConvTranspose",
            Operation::Gemm { .. } => "Gemm",
            Operation::MatMul => "MatMul",
            Operation::BatchNorm { .. } => "BatchNorm",
            Operation::GroupNorm { .. } => "GroupNorm",
            Operation::LocalResponseNorm { .. } => "LocalResponseNorm",
            Operation::Unary(function) => function.name(),
            Operation::Binary(operation) => operation.name(),
            Operation::Variadic(operation) => operation.name(),
            Operation::Where => "Where",
            Operation::Softmax { .. } => "Softmax",
            Operation::LogSoftmax { .. } => "LogSoftmax",
            Operation::LayerNorm { .. } => "LayerNorm",
            Operation::MaxPool { .. } => "MaxPool",
            Operation::AveragePool { .. } => "AveragePool",
            Operation::LpPool { .. } => "LpPool",
            Operation::ReduceMean { .. } => "ReduceMean",
            Operation::Reduce { reduction, .. } => reduction.name(),
            Operation::Concat { .. } => "Concat",
            Operation::Tile { .. } => "Tile",
            Operation::Take { .. } => "Take",
            Operation::Lookup => "Lookup",
            Operation::Einsum(_) => "Einsum",
            Operation::Resize { .. } => "Resize",
            Operation::Slice { .. } => "Slice",
            Operation::Pad { .. } => "Pad",
            Operation::Reshape => "Reshape",
            Operation::Rearrange { .. } => "Rearrange",
            Operation::Transpose { .. } => "Transpose",
        }
    }
}
