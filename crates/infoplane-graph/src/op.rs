//! Operators as a model file states them.
//!
//! Attributes that newer ONNX versions moved to operands are options here: `None` means that the
//! operand holds them. [`crate::Operation`] is the form with everything resolved.

pub use crate::arithmetic::{BinaryOp, ReduceOp, VariadicOp};
use crate::unary::Unary;

/// How a window operator pads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Padding {
    /// Begin of every axis, then end of every axis.
    Explicit(Vec<usize>),
    /// Output size ⌈input / stride⌉, the odd element of padding at the end.
    SameUpper,
    /// Output size ⌈input / stride⌉, the odd element of padding at the begin.
    SameLower,
    /// No padding.
    Valid,
}

/// Attributes of a sliding window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Size by axis; none where the weights tell it.
    pub kernel: Option<Vec<usize>>,
    /// Step by axis; empty for all ones.
    pub strides: Vec<usize>,
    /// Distance between taps by axis; empty for all ones.
    pub dilations: Vec<usize>,
    /// Padding.
    pub padding: Padding,
    /// Whether the output size is rounded up.
    pub ceil_mode: bool,
}

/// Where padding takes its values from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadMode {
    /// A constant.
    Constant,
    /// The mirror image, without the edge itself.
    Reflect,
    /// The edge.
    Edge,
}

/// Element types, as far as they matter: what depends on the input is computed in single precision
/// whatever its type, with truth values as 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    /// Any float.
    Float,
    /// Any integer.
    Integer,
    /// Truth value.
    Bool,
}

/// An operator with its attributes.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the names and fields are those of the ONNX operator reference
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    /// PyTorch's adaptive average pool along one axis of the first operand: element i of `size` is
    /// the mean from ⌊i·n/size⌋ to ⌈(i+1)·n/size⌉. The second operand is its
    /// [`AdaptiveShares`](Op::AdaptiveShares).
    AdaptiveAveragePool {
        axis: usize,
        size: usize,
    },
    /// The matrix of that pool, by the shape of its operand.
    AdaptiveShares {
        axis: usize,
        size: usize,
    },
    /// `ArgMax`, or `ArgMin` for the smallest.
    ArgMax {
        smallest: bool,
        axis: i64,
        keep_dims: bool,
        select_last: bool,
    },
    AveragePool {
        window: Window,
        count_include_pad: bool,
    },
    BatchNormalization {
        epsilon: f32,
    },
    /// Every operator of two operands but those named one by one.
    Binary(BinaryOp),
    Cast {
        to: ElementType,
    },
    Clip {
        min: Option<f32>,
        max: Option<f32>,
    },
    Concat {
        axis: i64,
    },
    ConstantOfShape {
        value: crate::Tensor,
    },
    Conv {
        window: Window,
        group: usize,
    },
    DequantizeLinear {
        axis: i64,
        block_size: usize,
    },
    Dropout,
    Erf,
    Expand,
    Flatten {
        axis: i64,
    },
    /// Every element-wise function of one operand but those named one by one.
    Function(Unary),
    Gather {
        axis: i64,
    },
    Gelu {
        tanh: bool,
    },
    Gemm {
        alpha: f32,
        beta: f32,
        trans_a: bool,
        trans_b: bool,
    },
    GlobalAveragePool,
    Identity,
    LayerNormalization {
        axis: i64,
        epsilon: f32,
    },
    LeakyRelu {
        alpha: f32,
    },
    LogSoftmax {
        axis: i64,
        /// As in `Softmax`.
        flatten: bool,
    },
    MatMul,
    MaxPool {
        window: Window,
    },
    Pad {
        mode: PadMode,
        pads: Option<Vec<i64>>,
        value: f32,
    },
    QuantizeLinear {
        axis: i64,
        block_size: usize,
        /// Smallest and largest integer.
        range: [i64; 2],
    },
    Range,
    Reduce {
        reduction: ReduceOp,
        axes: Option<Vec<i64>>,
        keep_dims: bool,
        noop_with_empty_axes: bool,
    },
    ReduceMean {
        axes: Option<Vec<i64>>,
        keep_dims: bool,
        noop_with_empty_axes: bool,
    },
    Relu,
    Reshape {
        allow_zero: bool,
    },
    Shape {
        start: i64,
        end: Option<i64>,
    },
    Sigmoid,
    Slice {
        starts: Option<Vec<i64>>,
        ends: Option<Vec<i64>>,
        axes: Option<Vec<i64>>,
    },
    Softmax {
        axis: i64,
        /// Before opset 13 all axes from `axis` on were normalised together.
        flatten: bool,
    },
    Squeeze {
        axes: Option<Vec<i64>>,
    },
    Tanh,
    Transpose {
        perm: Option<Vec<usize>>,
    },
    Unsqueeze {
        axes: Option<Vec<i64>>,
    },
    Variadic(VariadicOp),
    Where,
}

impl Op {
    /// The ONNX operator name; PyTorch's where ONNX has none.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Add => "Add",
            Op::Sub => "Sub",
            Op::Mul => "Mul",
            Op::Div => "Div",
            Op::AdaptiveAveragePool { .. } => "AdaptiveAveragePool",
            Op::AdaptiveShares { .. } => "AdaptiveShares",
            Op::ArgMax {
                smallest: false, ..
            } => "ArgMax",
            Op::ArgMax { smallest: true, .. } => "ArgMin",
            Op::AveragePool { .. } => "AveragePool",
            Op::BatchNormalization { .. } => "BatchNormalization",
            Op::Binary(operation) => operation.name(),
            Op::Cast { .. } => "Cast",
            Op::Clip { .. } => "Clip",
            Op::Concat { .. } => "Concat",
            Op::ConstantOfShape { .. } => "ConstantOfShape",
            Op::Conv { .. } => "Conv",
            Op::DequantizeLinear { .. } => "DequantizeLinear",
            Op::Dropout => "Dropout",
            Op::Erf => "Erf",
            Op::Expand => "Expand",
            Op::Flatten { .. } => "Flatten",
            Op::Function(function) => function.name(),
            Op::Gather { .. } => "Gather",
            Op::Gelu { .. } => "Gelu",
            Op::Gemm { .. } => "Gemm",
            Op::GlobalAveragePool => "GlobalAveragePool",
            Op::Identity => "Identity",
            Op::LayerNormalization { .. } => "LayerNormalization",
            Op::LeakyRelu { .. } => "LeakyRelu",
            Op::LogSoftmax { .. } => "LogSoftmax",
            Op::MatMul => "MatMul",
            Op::MaxPool { .. } => "MaxPool",
            Op::Pad { .. } => "Pad",
            Op::QuantizeLinear { .. } => "QuantizeLinear",
            Op::Range => "Range",
            Op::Reduce { reduction, .. } => reduction.name(),
            Op::ReduceMean { .. } => "ReduceMean",
            Op::Relu => "Relu",
            Op::Reshape { .. } => "Reshape",
            Op::Shape { .. } => "Shape",
            Op::Sigmoid => "Sigmoid",
            Op::Slice { .. } => "Slice",
            Op::Softmax { .. } => "Softmax",
            Op::Squeeze { .. } => "Squeeze",
            Op::Tanh => "Tanh",
            Op::Transpose { .. } => "Transpose",
            Op::Unsqueeze { .. } => "Unsqueeze",
            Op::Variadic(operation) => operation.name(),
            Op::Where => "Where",
        }
    }
}
