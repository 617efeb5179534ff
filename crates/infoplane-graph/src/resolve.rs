//! Shape inference: an operator and its operands' states to a resolved operation and its result's
//! shape. The rules are those of the ONNX operator reference.

pub(crate) mod adaptive;
mod einsum;
mod elementwise;
pub(crate) mod gather;
mod movement;
mod normalisation;
mod reduce;
pub(crate) mod repeat;
mod resize;
mod windows;

pub(crate) use movement::{SliceRanges, reshape_target, slice_range, squeezed, unsqueezed};
pub(crate) use reduce::{Axes, reduced};

use crate::op::{BinaryOp, Op};
use crate::operation::{Operation, Unary};
use crate::shaped::ValueState;
use crate::tensor::Tensor;

/// Why a node can't be resolved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Problem {
    /// Valid, but beyond infoplane: what about it.
    Unsupported(String),
    /// Against the ONNX standard.
    Invalid(String),
}

pub(crate) fn invalid(reason: impl Into<String>) -> Problem {
    Problem::Invalid(reason.into())
}

pub(crate) fn unsupported(detail: impl Into<String>) -> Problem {
    Problem::Unsupported(detail.into())
}

/// How a batch fixed at export time is replaced by the one that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchRule {
    pub declared: Option<usize>,
    pub actual: usize,
}

impl BatchRule {
    /// A target shape with the batch of the export replaced, where it stands first and `shape` has the
    /// one that runs.
    fn adapted(&self, target: &[i64], shape: &[usize]) -> Vec<i64> {
        let mut target = target.to_vec();
        if let (Some(declared), Some(first)) = (self.declared, target.first_mut())
            && declared != self.actual
            && shape.first() == Some(&self.actual)
            && usize::try_from(*first) == Ok(declared)
        {
            *first = self.actual as i64;
        }
        target
    }
}

/// A resolved node.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub operation: Operation,
    /// Positions in the node's inputs that are still operands.
    pub operands: Vec<usize>,
    pub shape: Vec<usize>,
}

impl Resolved {
    fn of_first(operation: Operation, shape: Vec<usize>) -> Resolved {
        Resolved {
            operation,
            operands: vec![0],
            shape,
        }
    }
}

/// The states of a node's operands, with checked access.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a>(pub &'a [Option<&'a ValueState>]);

impl<'a> Operands<'a> {
    pub fn get(&self, position: usize) -> Option<&'a ValueState> {
        self.0.get(position).copied().flatten()
    }

    pub fn shape(&self, position: usize) -> Result<&'a [usize], Problem> {
        self.get(position)
            .map(ValueState::shape)
            .ok_or_else(|| invalid(format!("operand {position} is missing")))
    }

    /// Integers that must be known before the network runs; `None` where they are left out.
    pub fn integers(&self, position: usize, what: &str) -> Result<Option<&'a [i64]>, Problem> {
        self.known(position, what, Tensor::integers, "integers")
    }

    /// Floats that must be known before the network runs; `None` where they are left out.
    pub fn floats(&self, position: usize, what: &str) -> Result<Option<&'a [f32]>, Problem> {
        self.known(position, what, Tensor::floats, "floats")
    }

    fn known<T>(
        &self,
        position: usize,
        what: &str,
        elements: impl Fn(&Tensor) -> Option<&[T]>,
        kind: &str,
    ) -> Result<Option<&'a [T]>, Problem> {
        match self.get(position) {
            None => Ok(None),
            Some(ValueState::Constant(tensor)) => elements(tensor)
                .map(Some)
                .ok_or_else(|| invalid(format!("{what} must be {kind}"))),
            Some(ValueState::Runtime { .. }) => {
                Err(unsupported(format!("{what} that depend on the input")))
            }
        }
    }

    /// A scalar float that must be known before the network runs; `None` where it is left out.
    pub fn scalar(&self, position: usize, what: &str) -> Result<Option<f32>, Problem> {
        match self.get(position) {
            None => Ok(None),
            Some(ValueState::Constant(tensor)) => match tensor.floats() {
                Some([value]) => Ok(Some(*value)),
                Some([]) => Ok(None),
                _ => Err(invalid(format!("{what} must be one float"))),
            },
            Some(ValueState::Runtime { .. }) => {
                Err(unsupported(format!("{what} that depends on the input")))
            }
        }
    }
}

/// An axis counted from either end as an index below `rank`.
pub(crate) fn axis_index(axis: i64, rank: usize) -> Result<usize, Problem> {
    let signed_rank = rank as i64;
    let index = if axis < 0 { axis + signed_rank } else { axis };
    if (0..signed_rank).contains(&index) {
        Ok(index as usize)
    } else {
        Err(invalid(format!("axis {axis} of a tensor of rank {rank}")))
    }
}

/// Axes as ascending indices without repetition.
pub(crate) fn axis_indices(axes: &[i64], rank: usize) -> Result<Vec<usize>, Problem> {
    let mut indices = axes
        .iter()
        .map(|&axis| axis_index(axis, rank))
        .collect::<Result<Vec<_>, _>>()?;
    indices.sort_unstable();
    if indices.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(invalid(format!("an axis is repeated in {axes:?}")));
    }
    Ok(indices)
}

/// NumPy's broadcast of two shapes.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Problem> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], axis: usize| {
        let missing = rank - shape.len();
        if axis < missing {
            1
        } else {
            shape[axis - missing]
        }
    };
    (0..rank)
        .map(|axis| match (dim(a, axis), dim(b, axis)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => Err(invalid(format!(
                "the shapes {a:?} and {b:?} don't broadcast"
            ))),
        })
        .collect()
}

/// Resolves one node that is not shape arithmetic.
pub(crate) fn resolve(
    op: &Op,
    operands: &[Option<&ValueState>],
    batch: BatchRule,
) -> Result<Resolved, Problem> {
    let operands = Operands(operands);
    let unary = |function: Unary| elementwise::unary(function, operands);
    match op {
        Op::Relu => unary(Unary::Relu),
        Op::LeakyRelu { alpha } => unary(Unary::LeakyRelu { alpha: *alpha }),
        Op::Sigmoid => unary(Unary::Sigmoid),
        Op::Tanh => unary(Unary::Tanh),
        Op::Erf => unary(Unary::Erf),
        Op::Gelu { tanh: false } => unary(Unary::Gelu),
        Op::Gelu { tanh: true } => unary(Unary::GeluTanh),
        Op::Clip { min, max } => {
            let low = match min {
                Some(value) => *value,
                None => operands
                    .scalar(1, "a lower limit")?
                    .unwrap_or(f32::NEG_INFINITY),
            };
            let high = match max {
                Some(value) => *value,
                None => operands
                    .scalar(2, "an upper limit")?
                    .unwrap_or(f32::INFINITY),
            };
            unary(Unary::Clip {
                min: low,
                max: high,
            })
        }
        Op::Function(function) => unary(*function),
        Op::Add => elementwise::binary(BinaryOp::Add, operands),
        Op::Sub => elementwise::binary(BinaryOp::Sub, operands),
        Op::Mul => elementwise::binary(BinaryOp::Mul, operands),
        Op::Div => elementwise::binary(BinaryOp::Div, operands),
        Op::Binary(operation) => elementwise::binary(*operation, operands),
        Op::Variadic(operation) => elementwise::variadic(*operation, operands),
        Op::Where => elementwise::choose(operands),
        Op::Cast { to } => elementwise::cast(*to, operands),
        Op::QuantizeLinear { range, .. } => elementwise::quantize(*range, operands),
        Op::DequantizeLinear { .. } => elementwise::dequantize(operands),
        Op::Gemm {
            alpha,
            beta,
            trans_a,
            trans_b,
        } => gemm(*alpha, *beta, *trans_a, *trans_b, operands),
        Op::Linear => linear(operands),
        Op::MatMul => matmul(operands),
        Op::BatchNormalization { epsilon } => {
            let shape = operands.shape(0)?;
            let channels = *shape
                .get(1)
                .ok_or_else(|| invalid(format!("needs channels, not the shape {shape:?}")))?;
            for position in 1..5 {
                if operands.shape(position)? != [channels] {
                    return Err(invalid(format!(
                        "operand {position} must have the shape [{channels}], not {:?}",
                        operands.shape(position)?
                    )));
                }
            }
            Ok(Resolved {
                operation: Operation::BatchNorm { epsilon: *epsilon },
                operands: vec![0, 1, 2, 3, 4],
                shape: shape.to_vec(),
            })
        }
        Op::LayerNormalization { axis, epsilon } => {
            let shape = operands.shape(0)?;
            let axis = axis_index(*axis, shape.len())?;
            let mut positions = vec![0, 1];
            if operands.get(2).is_some() {
                positions.push(2);
            }
            for &position in &positions[1..] {
                if operands.shape(position)? != &shape[axis..] {
                    return Err(unsupported(format!(
                        "scale or bias of shape {:?} for {shape:?} from axis {axis}",
                        operands.shape(position)?
                    )));
                }
            }
            Ok(Resolved {
                operation: Operation::LayerNorm {
                    axis,
                    epsilon: *epsilon,
                },
                operands: positions,
                shape: shape.to_vec(),
            })
        }
        Op::Softmax { axis, flatten } => {
            let shape = operands.shape(0)?;
            let axis = axis_index(*axis, shape.len())?;
            let end = if *flatten { shape.len() } else { axis + 1 };
            Ok(Resolved::of_first(
                Operation::Softmax { axis, end },
                shape.to_vec(),
            ))
        }
        Op::LogSoftmax { axis, flatten } => {
            let shape = operands.shape(0)?;
            let axis = axis_index(*axis, shape.len())?;
            let end = if *flatten { shape.len() } else { axis + 1 };
            Ok(Resolved::of_first(
                Operation::LogSoftmax { axis, end },
                shape.to_vec(),
            ))
        }
        Op::Conv { window, group } => windows::conv(window, *group, operands),
        Op::MaxPool { window } => windows::max_pool(window, operands),
        Op::AveragePool {
            window,
            count_include_pad,
        } => windows::average_pool(window, *count_include_pad, operands),
        Op::GlobalAveragePool => {
            let shape = operands.shape(0)?;
            let axes: Vec<usize> = (2..shape.len()).collect();
            let shape = reduced(shape, &axes, true);
            Ok(Resolved::of_first(Operation::ReduceMean { axes }, shape))
        }
        Op::ReduceMean {
            axes,
            keep_dims,
            noop_with_empty_axes,
        } => {
            let axes = Axes::new(axes, *keep_dims, *noop_with_empty_axes);
            reduce::mean(axes, operands)
        }
        Op::Reduce {
            reduction,
            axes,
            keep_dims,
            noop_with_empty_axes,
        } => {
            let axes = Axes::new(axes, *keep_dims, *noop_with_empty_axes);
            reduce::reduce(*reduction, axes, operands)
        }
        Op::ConvTranspose {
            window,
            group,
            output_padding,
            output_shape,
        } => windows::conv_transpose(
            window,
            *group,
            output_padding,
            output_shape.as_deref(),
            operands,
        ),
        Op::LpPool { window, p } => windows::lp_pool(window, *p, operands),
        Op::GlobalMaxPool => windows::global_max_pool(operands),
        Op::GlobalLpPool { p } => windows::global_lp_pool(*p, operands),
        Op::InstanceNormalization { epsilon } => {
            normalisation::group_norm(None, *epsilon, operands)
        }
        Op::GroupNormalization { groups, epsilon } => {
            normalisation::group_norm(Some(*groups), *epsilon, operands)
        }
        Op::Lrn {
            size,
            alpha,
            beta,
            bias,
        } => normalisation::local_response_norm(*size, [*alpha, *beta, *bias], operands),
        Op::Resize(options) | Op::Upsample(options) => resize::resize(options, operands, batch),
        Op::Expand => repeat::expand(operands, batch),
        Op::Tile => repeat::tile(operands),
        Op::DepthToSpace {
            block,
            channel_first,
        } => repeat::depth_to_space(*block, *channel_first, operands),
        Op::SpaceToDepth { block } => repeat::space_to_depth(*block, operands),
        Op::Gather { axis } => gather::gather(*axis, operands),
        Op::Einsum { equation } => einsum::einsum(equation, operands),
        Op::AdaptiveAveragePool { axis, size } => adaptive::average_pool(*axis, *size, operands),
        Op::Concat { axis } => movement::concat(*axis, operands),
        Op::Slice { starts, ends, axes } => movement::slice(
            starts.as_deref(),
            ends.as_deref(),
            axes.as_deref(),
            operands,
        ),
        Op::Pad { mode, pads, value } => movement::pad(*mode, pads.as_deref(), *value, operands),
        Op::Reshape { allow_zero } => movement::reshape(*allow_zero, operands, batch),
        Op::Flatten { axis } => movement::flatten(*axis, operands),
        Op::Transpose { perm } => movement::transpose(perm.as_deref(), operands),
        Op::Squeeze { axes } => movement::squeeze(axes.as_deref(), operands),
        Op::Unsqueeze { axes } => movement::unsqueeze(axes.as_deref(), operands),
        Op::Identity | Op::Dropout => Ok(Resolved::of_first(
            Operation::Reshape,
            operands.shape(0)?.to_vec(),
        )),
        Op::ArgMax { .. } => Err(unsupported(
            "of values that depend on the input (at a network's end it is left out, and its operand \
             is the target)",
        )),
        Op::AdaptiveShares { .. }
        | Op::ConstantOfShape { .. }
        | Op::CumSum { .. }
        | Op::Mod
        | Op::NonZero
        | Op::OneHot { .. }
        | Op::Range
        | Op::ScatterNd { .. }
        | Op::Shape { .. }
        | Op::Size
        | Op::Split { .. }
        | Op::Trilu { .. } => Err(unsupported(
            "operands that depend on the input (it is supported in shape arithmetic)",
        )),
    }
}

fn gemm(
    alpha: f32,
    beta: f32,
    trans_a: bool,
    trans_b: bool,
    operands: Operands<'_>,
) -> Result<Resolved, Problem> {
    let matrix = |position: usize, transposed: bool| match operands.shape(position)? {
        [rows, cols] if transposed => Ok((*cols, *rows)),
        [rows, cols] => Ok((*rows, *cols)),
        shape => Err(invalid(format!(
            "operand {position} of shape {shape:?} is no matrix"
        ))),
    };
    let (rows, inner) = matrix(0, trans_a)?;
    let (inner_b, cols) = matrix(1, trans_b)?;
    if inner != inner_b {
        return Err(invalid(format!(
            "the matrices {:?} and {:?} don't fit",
            operands.shape(0)?,
            operands.shape(1)?
        )));
    }
    let shape = vec![rows, cols];
    let mut positions = vec![0, 1];
    if operands.get(2).is_some() {
        if broadcast(operands.shape(2)?, &shape)? != shape {
            return Err(invalid(format!(
                "the third operand {:?} does not broadcast to {shape:?}",
                operands.shape(2)?
            )));
        }
        positions.push(2);
    }
    Ok(Resolved {
        operation: Operation::Gemm {
            alpha,
            beta,
            trans_a,
            trans_b,
        },
        operands: positions,
        shape,
    })
}

/// A product of a matrix whose rows are all but the last axis.
fn linear(operands: Operands<'_>) -> Result<Resolved, Problem> {
    let (x, weights) = (operands.shape(0)?, operands.shape(1)?);
    let (&[units, inner], Some((&features, rows))) = (weights, x.split_last()) else {
        return Err(invalid(format!("weights {weights:?} for the shape {x:?}")));
    };
    let bias = operands.shape(2)?;
    if features != inner || bias != [units] {
        return Err(invalid(format!(
            "weights {weights:?} and bias {bias:?} for the shape {x:?}"
        )));
    }
    Ok(Resolved {
        operation: Operation::Gemm {
            alpha: 1.0,
            beta: 1.0,
            trans_a: false,
            trans_b: true,
        },
        operands: vec![0, 1, 2],
        shape: [rows, &[units]].concat(),
    })
}

fn matmul(operands: Operands<'_>) -> Result<Resolved, Problem> {
    let (a, b) = (operands.shape(0)?, operands.shape(1)?);
    let mismatch = || invalid(format!("the shapes {a:?} and {b:?} don't fit"));
    if a.is_empty() || b.is_empty() {
        return Err(mismatch());
    }
    let (a_lead, a_rows, a_inner) = match a {
        [inner] => (&a[..0], None, *inner),
        _ => (&a[..a.len() - 2], Some(a[a.len() - 2]), a[a.len() - 1]),
    };
    let (b_lead, b_inner, b_cols) = match b {
        [inner] => (&b[..0], *inner, None),
        _ => (&b[..b.len() - 2], b[b.len() - 2], Some(b[b.len() - 1])),
    };
    if a_inner != b_inner {
        return Err(mismatch());
    }
    let mut shape = broadcast(a_lead, b_lead)?;
    shape.extend(a_rows);
    shape.extend(b_cols);
    Ok(Resolved {
        operation: Operation::MatMul,
        operands: vec![0, 1],
        shape,
    })
}
