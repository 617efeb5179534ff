//! A graph specialised to concrete shapes: every attribute resolved, shape arithmetic folded away.

use std::sync::Arc;

use crate::error::{GraphError, UnsupportedNode};
use crate::fold;
use crate::graph::{Dim, Graph, Node, NodeId, ValueId};
use crate::op::{ElementType, Op};
use crate::operation::Operation;
use crate::resolve::{self, Problem};
use crate::tensor::Tensor;
use crate::types;

/// What is known of a value once shapes are concrete.
#[derive(Debug, Clone)]
pub enum ValueState {
    /// Its content.
    Constant(Arc<Tensor>),
    /// Its shape, batch included.
    Runtime {
        /// The shape.
        shape: Vec<usize>,
        /// Whether it changes with the input (otherwise it can be computed once, ahead).
        varies: bool,
    },
}

impl ValueState {
    /// The shape, batch included.
    pub fn shape(&self) -> &[usize] {
        match self {
            ValueState::Constant(tensor) => tensor.shape(),
            ValueState::Runtime { shape, .. } => shape,
        }
    }

    /// Whether the value changes with the network's input.
    pub fn varies(&self) -> bool {
        matches!(self, ValueState::Runtime { varies: true, .. })
    }
}

/// A node ready to run.
#[derive(Debug, Clone)]
pub struct ShapedNode {
    /// The node it came from.
    pub node: NodeId,
    /// What it does.
    pub operation: Operation,
    /// Its operands.
    pub operands: Vec<ValueId>,
    /// Its result.
    pub output: ValueId,
}

/// A [`Graph`] for one batch size.
#[derive(Debug, Clone)]
pub struct ShapedGraph {
    batch: usize,
    states: Vec<Option<ValueState>>,
    /// The type of every value that runs.
    types: Vec<ElementType>,
    steps: Vec<ShapedNode>,
}

/// No tensor of a network may be larger (elements).
const MAX_ELEMENTS: usize = 1 << 34;

impl Graph {
    /// The shape of one sample as the model declares it; `None` where a dimension other than the
    /// batch is free.
    pub fn sample_shape(&self) -> Option<Vec<usize>> {
        self.input_dims
            .iter()
            .skip(1)
            .map(|dim| match dim {
                Dim::Fixed(size) => Some(*size),
                Dim::Free(_) => None,
            })
            .collect()
    }

    /// Checks that samples of this shape can be fed to the network.
    pub fn check_sample_shape(&self, sample_shape: &[usize]) -> Result<(), GraphError> {
        let declared = &self.input_dims[1.min(self.input_dims.len())..];
        let agrees = declared.len() == sample_shape.len()
            && declared
                .iter()
                .zip(sample_shape)
                .all(|(dim, &size)| match dim {
                    Dim::Fixed(expected) => *expected == size,
                    Dim::Free(_) => size > 0,
                });
        if agrees {
            return Ok(());
        }
        let expected: Vec<String> = declared
            .iter()
            .map(|dim| match dim {
                Dim::Fixed(size) => size.to_string(),
                Dim::Free(name) => name.clone(),
            })
            .collect();
        Err(GraphError::InputShape {
            input: self.value(self.input).name.clone(),
            expected: format!("[{}]", expected.join(", ")),
            actual: sample_shape.to_vec(),
        })
    }

    /// Resolves every operator for `batch` samples of `sample_shape` at once.
    ///
    /// A model exported with a fixed batch takes other batches too, as long as the constants of its
    /// reshapes allow it.
    pub fn specialize(
        &self,
        sample_shape: &[usize],
        batch: usize,
    ) -> Result<ShapedGraph, GraphError> {
        self.check_sample_shape(sample_shape)?;
        let mut input_shape = vec![batch];
        input_shape.extend_from_slice(sample_shape);
        let mut states: Vec<Option<ValueState>> = self
            .values
            .iter()
            .map(|value| value.constant.clone().map(ValueState::Constant))
            .collect();
        states[self.input.0] = Some(ValueState::Runtime {
            shape: input_shape,
            varies: true,
        });
        let mut types = vec![ElementType::Float; states.len()];
        types[self.input.0] = self.input_type;
        let mut shaped = ShapedGraph {
            batch,
            states,
            types,
            steps: Vec::with_capacity(self.nodes.len()),
        };
        let declared_batch = match self.input_dims.first() {
            Some(Dim::Fixed(size)) => Some(*size),
            _ => None,
        };
        for (index, node) in self.nodes.iter().enumerate() {
            shaped
                .add(NodeId(index), node, declared_batch)
                .map_err(|problem| self.locate(node, problem))?;
        }
        let output_type = shaped.element_type(self.output);
        if output_type != ElementType::Float {
            return Err(GraphError::InvalidModel(format!(
                "its output `{}` is of type {}; only a float has a gradient",
                self.value(self.output).name,
                output_type.name()
            )));
        }
        Ok(shaped)
    }

    fn locate(&self, node: &Node, problem: Problem) -> GraphError {
        match problem {
            Problem::Unsupported(detail) => GraphError::Unsupported(vec![UnsupportedNode {
                node: node.name.clone(),
                operator: node.op.name().to_string(),
                detail,
            }]),
            Problem::Invalid(reason) => GraphError::InvalidNode {
                node: node.name.clone(),
                operator: node.op.name().to_string(),
                reason,
            },
        }
    }
}

impl ShapedGraph {
    /// Number of rows that run at once.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The nodes to run, in order.
    pub fn nodes(&self) -> &[ShapedNode] {
        &self.steps
    }

    /// What is known of a value; `None` for values that shape arithmetic made superfluous.
    pub fn state(&self, value: ValueId) -> Option<&ValueState> {
        self.states[value.0].as_ref()
    }

    /// A value's shape, batch included; empty where the value does not exist.
    pub fn shape(&self, value: ValueId) -> &[usize] {
        self.state(value).map_or(&[], ValueState::shape)
    }

    /// The element type of a value that runs, as the model has it: all of them are computed in single
    /// precision.
    pub fn element_type(&self, value: ValueId) -> ElementType {
        self.types[value.0]
    }

    /// Whether every varying value keeps one row a sample along its first axis, so that samples
    /// don't mix.
    ///
    /// Conservative: an operator that touches the first axis counts as mixing.
    pub fn rows_are_independent(&self) -> bool {
        self.steps.iter().all(|step| {
            let varies = |id: &ValueId| self.state(*id).is_some_and(ValueState::varies);
            if !varies(&step.output) {
                return true;
            }
            let keeps_rows = |id: &ValueId| self.shape(*id).first() == Some(&self.batch);
            let operands_keep_rows = step.operands.iter().filter(|id| varies(id)).all(keeps_rows);
            let touches_rows = match &step.operation {
                Operation::Concat { axis } => *axis == 0,
                Operation::ReduceMean { axes } | Operation::Reduce { axes, .. } => {
                    axes.contains(&0)
                }
                Operation::Transpose { perm } => perm.first() != Some(&0),
                Operation::Softmax { axis, .. }
                | Operation::LogSoftmax { axis, .. }
                | Operation::LayerNorm { axis, .. } => *axis == 0,
                Operation::Gemm { trans_a, .. } => {
                    *trans_a || step.operands.get(1).is_some_and(varies)
                }
                Operation::MatMul => {
                    let rank = |id: &ValueId| self.shape(*id).len();
                    match (step.operands.first(), step.operands.get(1)) {
                        (Some(a), Some(b)) => varies(b) && (rank(b) < 3 || rank(a) != rank(b)),
                        _ => true,
                    }
                }
                // An operand of lower rank is broadcast along its first axis.
                Operation::Binary(_) | Operation::Variadic(_) | Operation::Where => {
                    let rank = self.shape(step.output).len();
                    let lower = |id: &ValueId| varies(id) && self.shape(*id).len() != rank;
                    step.operands.iter().any(lower)
                }
                _ => false,
            };
            keeps_rows(&step.output) && operands_keep_rows && !touches_rows
        })
    }

    /// Multiply-adds of a node, counted as plain arithmetic; element-wise work counts one an element.
    pub fn multiply_adds(&self, step: &ShapedNode) -> u64 {
        let count = |id: ValueId| self.shape(id).iter().product::<usize>() as u64;
        let output = count(step.output);
        match &step.operation {
            Operation::Conv { .. } => {
                let weights = self.shape(step.operands[1]);
                output * weights.iter().skip(1).product::<usize>() as u64
            }
            Operation::Gemm { trans_a, .. } => {
                let a = self.shape(step.operands[0]);
                output * a.get(usize::from(!*trans_a)).copied().unwrap_or(1) as u64
            }
            Operation::MatMul => {
                let a = self.shape(step.operands[0]);
                output * a.last().copied().unwrap_or(1) as u64
            }
            Operation::MaxPool { window } | Operation::AveragePool { window, .. } => {
                output * (window.kernel[0] * window.kernel[1]) as u64
            }
            Operation::ReduceMean { .. } | Operation::Reduce { .. } => count(step.operands[0]),
            Operation::Variadic(_) => output * step.operands.len() as u64,
            Operation::Reshape
            | Operation::Concat { .. }
            | Operation::Slice { .. }
            | Operation::Pad { .. }
            | Operation::Transpose { .. } => 0,
            _ => output,
        }
    }

    /// Float parameters among a node's operands.
    pub fn parameters(&self, step: &ShapedNode) -> u64 {
        step.operands
            .iter()
            .filter_map(|&id| match self.state(id) {
                Some(ValueState::Constant(tensor)) => tensor.floats().map(|f| f.len() as u64),
                _ => None,
            })
            .sum()
    }

    fn add(
        &mut self,
        id: NodeId,
        node: &Node,
        declared_batch: Option<usize>,
    ) -> Result<(), Problem> {
        let Some(output) = node.outputs.first().copied().flatten() else {
            return Ok(());
        };
        let operands: Vec<Option<&ValueState>> = node
            .inputs
            .iter()
            .map(|input| match input {
                Some(id) => self.states[id.0].as_ref().map(Some).ok_or_else(|| {
                    Problem::Unsupported("a second result of a node is used".to_string())
                }),
                None => Ok(None),
            })
            .collect::<Result<_, _>>()?;

        if let Some(tensor) = fold::evaluate(&node.op, &operands)? {
            self.states[output.0] = Some(ValueState::Constant(Arc::new(tensor)));
            return Ok(());
        }
        let batch = resolve::BatchRule {
            declared: declared_batch,
            actual: self.batch,
        };
        let resolved = resolve::resolve(&node.op, &operands, batch)?;
        let n_elements = resolved
            .shape
            .iter()
            .try_fold(1usize, |product, &dim| product.checked_mul(dim));
        if n_elements.is_none_or(|n| n == 0 || n > MAX_ELEMENTS) {
            return Err(Problem::Invalid(format!(
                "its result would have the shape {:?}",
                resolved.shape
            )));
        }
        let operand_ids: Vec<ValueId> = resolved
            .operands
            .iter()
            .filter_map(|&position| node.inputs.get(position).copied().flatten())
            .collect();
        if operand_ids.len() != resolved.operands.len() {
            return Err(Problem::Invalid("an operand is missing".to_string()));
        }
        let operand_types = operand_ids
            .iter()
            .map(|&operand| match &self.states[operand.0] {
                Some(ValueState::Constant(tensor)) => types::of_constant(tensor),
                _ => Ok(self.types[operand.0]),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let operation = types::operation_for(resolved.operation, &operand_types);
        self.types[output.0] = types::of_result(&node.op, &operation, &operand_types)?;
        let varies = operand_ids.iter().any(|operand| {
            self.states[operand.0]
                .as_ref()
                .is_some_and(ValueState::varies)
        });
        self.states[output.0] = Some(ValueState::Runtime {
            shape: resolved.shape,
            varies,
        });
        self.steps.push(ShapedNode {
            node: id,
            operation,
            operands: operand_ids,
            output,
        });
        Ok(())
    }
}

impl Op {
    /// Whether the operator passes its first operand through unchanged at inference.
    pub(crate) fn is_identity(&self) -> bool {
        matches!(self, Op::Identity | Op::Dropout)
    }
}
