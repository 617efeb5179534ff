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
    /// The other end, as if the tensor went round.
    Wrap,
}

/// How a scatter combines an update with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names are those of the ONNX operator reference
pub enum ScatterMode {
    Replace,
    Add,
    Mul,
    Min,
    Max,
}

/// How a resize finds a value between elements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interpolation {
    /// The nearest element.
    Nearest(NearestRule),
    /// Between the two elements around it along each axis.
    Linear,
    /// Cubic convolution (Keys 1981) over the four elements around it along each axis.
    Cubic {
        /// The slope parameter.
        a: f32,
    },
}

/// Which element is the nearest where two are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NearestRule {
    /// The nearer one; on ties the one below.
    RoundPreferFloor,
    /// The nearer one; on ties the one above.
    RoundPreferCeil,
    /// The one below.
    Floor,
    /// The one above.
    Ceil,
}

/// Which coordinate of the operand belongs to one of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coordinates {
    /// Elements are unit intervals: (x + ½) / scale − ½.
    HalfPixel,
    /// As [`Coordinates::HalfPixel`], around the centre where the scaled size is no whole number.
    HalfPixelSymmetric,
    /// As [`Coordinates::HalfPixel`], but −½ for a result of one element.
    PyTorchHalfPixel,
    /// First and last elements keep their places.
    AlignCorners,
    /// x / scale.
    Asymmetric,
    /// First and last elements are the ends of a region, as in TensorFlow's `crop_and_resize`.
    Crop,
}

/// What becomes of the ratio of sides where sizes are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AspectPolicy {
    /// Nothing.
    Stretch,
    /// It stays, and no side is larger than asked for.
    NotLarger,
    /// It stays, and no side is smaller than asked for.
    NotSmaller,
}

/// Where a resize finds the scales.
#[derive(Debug, Clone, PartialEq)]
pub enum ScalesFrom {
    /// In an attribute.
    Attribute(Vec<f32>),
    /// Among its operands, at this position.
    Operand(usize),
}

/// Attributes of a resize.
#[derive(Debug, Clone, PartialEq)]
pub struct ResizeOptions {
    /// How values between elements are found.
    pub interpolation: Interpolation,
    /// Where elements of the result lie.
    pub coordinates: Coordinates,
    /// Axes that scales, sizes and region are for; all where there are none.
    pub axes: Option<Vec<i64>>,
    /// Whether the interpolation is widened where the result is smaller.
    pub antialias: bool,
    /// Whether elements beyond the edge have no weight instead of the edge's value.
    pub exclude_outside: bool,
    /// The result's value beyond the edge, for [`Coordinates::Crop`].
    pub outside_value: f32,
    /// The ratio of sides, where sizes are given.
    pub aspect: AspectPolicy,
    /// The scales.
    pub scales: ScalesFrom,
    /// Position of the sizes among the operands, where there can be any.
    pub sizes_operand: Option<usize>,
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
    ConvTranspose {
        window: Window,
        group: usize,
        /// Added to the result's size by axis; empty for none.
        output_padding: Vec<usize>,
        /// The result's spatial sizes, where they are given instead of padding.
        output_shape: Option<Vec<usize>>,
    },
    CumSum {
        exclusive: bool,
        reverse: bool,
    },
    DepthToSpace {
        block: usize,
        /// Whether channels are ordered channel, row, column (`CRD`) instead of row, column, channel.
        channel_first: bool,
    },
    DequantizeLinear {
        axis: i64,
        block_size: usize,
    },
    Dropout,
    Einsum {
        equation: String,
    },
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
    GlobalLpPool {
        p: u32,
    },
    GlobalMaxPool,
    GroupNormalization {
        groups: usize,
        epsilon: f32,
    },
    Identity,
    InstanceNormalization {
        epsilon: f32,
    },
    LayerNormalization {
        axis: i64,
        epsilon: f32,
    },
    LeakyRelu {
        alpha: f32,
    },
    /// PyTorch's linear layer: the last axis of the first operand times the transposed second operand, plus
    /// the third one.
    Linear,
    LogSoftmax {
        axis: i64,
        /// As in `Softmax`.
        flatten: bool,
    },
    LpPool {
        window: Window,
        p: u32,
    },
    Lrn {
        size: usize,
        alpha: f32,
        beta: f32,
        bias: f32,
    },
    MatMul,
    /// The remainder of whole numbers, with the sign of the divisor.
    Mod,
    MaxPool {
        window: Window,
    },
    NonZero,
    OneHot {
        axis: i64,
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
    Resize(ResizeOptions),
    ScatterNd {
        mode: ScatterMode,
    },
    Shape {
        start: i64,
        end: Option<i64>,
    },
    Sigmoid,
    Size,
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
    SpaceToDepth {
        block: usize,
    },
    Split {
        axis: i64,
        /// Sizes by result; none where they are an operand or equal.
        sizes: Option<Vec<i64>>,
        /// Number of equal parts; none where it is that of the node's results.
        parts: Option<i64>,
    },
    Squeeze {
        axes: Option<Vec<i64>>,
    },
    Tanh,
    Tile,
    Transpose {
        perm: Option<Vec<usize>>,
    },
    Trilu {
        upper: bool,
    },
    Unsqueeze {
        axes: Option<Vec<i64>>,
    },
    Upsample(ResizeOptions),
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
            Op::ConvTranspose { .. } => "ConvTranspose",
            Op::CumSum { .. } => "CumSum",
            Op::DepthToSpace { .. } => "DepthToSpace",
            Op::DequantizeLinear { .. } => "DequantizeLinear",
            Op::Dropout => "Dropout",
            Op::Einsum { .. } => "Einsum",
            Op::Erf => "Erf",
            Op::Expand => "Expand",
            Op::Flatten { .. } => "Flatten",
            Op::Function(function) => function.name(),
            Op::Gather { .. } => "Gather",
            Op::Gelu { .. } => "Gelu",
            Op::Gemm { .. } => "Gemm",
            Op::GlobalAveragePool => "GlobalAveragePool",
            Op::GlobalLpPool { .. } => "GlobalLpPool",
            Op::GlobalMaxPool => "GlobalMaxPool",
            Op::GroupNormalization { .. } => "GroupNormalization",
            Op::Identity => "Identity",
            Op::InstanceNormalization { .. } => "InstanceNormalization",
            Op::LayerNormalization { .. } => "LayerNormalization",
            Op::LeakyRelu { .. } => "LeakyRelu",
            Op::Linear => "Linear",
            Op::LogSoftmax { .. } => "LogSoftmax",
            Op::LpPool { .. } => "LpPool",
            Op::Lrn { .. } => "LRN",
            Op::MatMul => "MatMul",
            Op::Mod => "Mod",
            Op::MaxPool { .. } => "MaxPool",
            Op::NonZero => "NonZero",
            Op::OneHot { .. } => "OneHot",
            Op::Pad { .. } => "Pad",
            Op::QuantizeLinear { .. } => "QuantizeLinear",
            Op::Range => "Range",
            Op::Reduce { reduction, .. } => reduction.name(),
            Op::ReduceMean { .. } => "ReduceMean",
            Op::Relu => "Relu",
            Op::Reshape { .. } => "Reshape",
            Op::Resize(_) => "Resize",
            Op::ScatterNd { .. } => "ScatterND",
            Op::Shape { .. } => "Shape",
            Op::Sigmoid => "Sigmoid",
            Op::Size => "Size",
            Op::Slice { .. } => "Slice",
            Op::Softmax { .. } => "Softmax",
            Op::SpaceToDepth { .. } => "SpaceToDepth",
            Op::Split { .. } => "Split",
            Op::Squeeze { .. } => "Squeeze",
            Op::Tanh => "Tanh",
            Op::Tile => "Tile",
            Op::Transpose { .. } => "Transpose",
            Op::Trilu { .. } => "Trilu",
            Op::Unsqueeze { .. } => "Unsqueeze",
            Op::Upsample(_) => "Upsample",
            Op::Variadic(operation) => operation.name(),
            Op::Where => "Where",
        }
    }
}
