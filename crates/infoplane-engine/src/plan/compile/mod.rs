//! From a specialised graph to the steps of a plan: which kernel computes each node, and in which order
//! each tensor lies.
//!
//! Convolutions, and what can stay between them, work on blocked tensors, everything else on plain
//! ones; where a tensor is wanted in the order that it does not have, a step that reorders it comes
//! first.

use std::collections::HashMap;

use infoplane_graph::{
    BinaryOp, Change, Floats, Graph, Operation, ShapedGraph, ShapedNode, TensorData, ValueId,
    ValueState,
};

use super::fuse::{self, Fusion};
use super::{Step, TensorId};
use crate::error::EngineError;
use crate::kernel::{Kernel, Operand};
use crate::layout::Layout;
use crate::ops::conv::{ConvOptions, ConvSpec};
use crate::ops::product::Clamp;
use crate::ops::{self, reorder};
use choice::Chosen;

mod choice;
mod finish;

/// The value in whose space paths run: the network's input, as a rule.
const INPUT: TensorId = TensorId(0);

/// In which order a tensor lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Order {
    Plain,
    Blocked,
}

pub(super) struct Compiler<'a> {
    graph: &'a Graph,
    shaped: &'a ShapedGraph,
    conv: ConvOptions,
    tensors: HashMap<(ValueId, Order), TensorId>,
    /// The order in which each value is made.
    made: HashMap<ValueId, Order>,
    lens: Vec<usize>,
    /// Values that don't vary, computed ahead.
    constants: HashMap<ValueId, Floats>,
    steps: Vec<Step>,
    /// Values beside the path that a step reads.
    beside: Vec<(ValueId, TensorId)>,
    saved_len: usize,
    /// The affine part of the convolution that reads the input, and the clamp behind it.
    first_conv: Option<(Box<dyn Kernel>, Option<Clamp>)>,
}

impl<'a> Compiler<'a> {
    pub fn new(graph: &'a Graph, shaped: &'a ShapedGraph, conv: ConvOptions) -> Compiler<'a> {
        let mut compiler = Compiler {
            graph,
            shaped,
            conv,
            tensors: HashMap::new(),
            made: HashMap::new(),
            lens: Vec::new(),
            constants: HashMap::new(),
            steps: Vec::new(),
            beside: Vec::new(),
            saved_len: 0,
            first_conv: None,
        };
        compiler.make(graph.path_start(), Order::Plain);
        compiler
    }

    /// A value's order in blocks, with its number of rows.
    fn blocks(&self, value: ValueId) -> (usize, Layout) {
        let shape = self.shaped.shape(value);
        let rows = shape.first().copied().unwrap_or(1);
        let channels = shape.get(1).copied().unwrap_or(1);
        let positions = shape.iter().skip(2).product();
        (rows, Layout::blocked(channels, positions))
    }

    /// The tensor of a value that a step is about to make.
    fn make(&mut self, value: ValueId, order: Order) -> TensorId {
        let id = TensorId(self.lens.len());
        let (rows, blocked) = self.blocks(value);
        let plain = Layout::plain(blocked.channels, blocked.positions);
        self.lens.push(match order {
            Order::Plain => self.shaped.shape(value).iter().product(),
            Order::Blocked => rows * blocked.row_len(),
        });
        self.tensors.insert((value, order), id);
        self.made.entry(value).or_insert(order);
        if blocked.is_same_as(&plain) && self.shaped.shape(value).len() > 1 {
            let other = match order {
                Order::Plain => Order::Blocked,
                Order::Blocked => Order::Plain,
            };
            self.tensors.insert((value, other), id);
        }
        id
    }

    /// Lets a value be the elements of another one, which has the same order.
    fn alias(&mut self, value: ValueId, order: Order, tensor: TensorId) {
        self.tensors.insert((value, order), tensor);
        self.made.entry(value).or_insert(order);
    }

    /// The tensor of a value in an order, reordered where it has to be.
    fn tensor(&mut self, value: ValueId, order: Order) -> TensorId {
        if let Some(&id) = self.tensors.get(&(value, order)) {
            return id;
        }
        let is_beside = self.shaped.changes(value) == Change::WithSample;
        if is_beside && !self.made.contains_key(&value) {
            let id = self.make(value, Order::Plain);
            self.beside.push((value, id));
            return self.tensor(value, order);
        }
        let (_, layout) = self.blocks(value);
        let (kernel, other) = match order {
            Order::Plain => (reorder::to_plain(layout), Order::Blocked),
            Order::Blocked => (reorder::to_blocked(layout), Order::Plain),
        };
        let source = self.tensors.get(&(value, other)).copied();
        let source = source.unwrap_or_else(|| self.make(value, other));
        let output = self.make(value, order);
        let name = self.graph.value(value).name.clone();
        self.push(kernel, name, vec![source], output, 0);
        output
    }

    fn push(
        &mut self,
        kernel: Box<dyn Kernel>,
        node_name: String,
        inputs: Vec<TensorId>,
        output: TensorId,
        multiply_adds: u64,
    ) {
        let saved = self.saved_len..self.saved_len + kernel.saved_len();
        self.saved_len = saved.end;
        self.steps.push(Step {
            kernel,
            node_name,
            inputs,
            output,
            saved,
            gradients: Vec::new(),
            passed: None,
            multiply_adds,
        });
    }

    /// The order in which a value was made; plain where it is a constant.
    fn order(&self, value: ValueId) -> Order {
        self.made.get(&value).copied().unwrap_or(Order::Plain)
    }

    fn constant(&mut self, value: ValueId) -> Option<Floats> {
        if let Some(content) = self.constants.get(&value) {
            return Some(content.clone());
        }
        match self.shaped.state(value) {
            Some(ValueState::Constant(tensor)) => match tensor.data() {
                TensorData::F32(values) => Some(values.clone()),
                TensorData::I64(values) => Some(values.iter().map(|&x| x as f32).collect()),
                TensorData::Bool(values) => {
                    Some(values.iter().map(|&x| f32::from(u8::from(x))).collect())
                }
            },
            _ => None,
        }
    }

    fn operand(&mut self, value: ValueId) -> Operand {
        Operand {
            shape: self.shaped.shape(value).to_vec(),
            constant: self.constant(value),
        }
    }

    fn operands(&mut self, node: &ShapedNode) -> Vec<Operand> {
        node.operands.iter().map(|&v| self.operand(v)).collect()
    }

    /// Adds the node's kernel, unless an earlier one took the node over.
    pub fn add(
        &mut self,
        index: usize,
        node: &ShapedNode,
        fusion: &Fusion,
    ) -> Result<(), EngineError> {
        match self.shaped.changes(node.output) {
            Change::Never => return self.add_constant(node),
            Change::WithSample => return Ok(()),
            Change::AlongPath if !self.shaped.runs_along_path(node) => return Ok(()),
            Change::AlongPath => {}
        }
        if fusion.is_absorbed(index) {
            return Ok(());
        }
        if matches!(node.operation, Operation::Reshape) {
            let source = node.operands[0];
            let same = self.shaped.shape(source) == self.shaped.shape(node.output);
            let order = if same {
                self.order(source)
            } else {
                Order::Plain
            };
            let tensor = self.tensor(source, order);
            self.alias(node.output, order, tensor);
            return Ok(());
        }
        if matches!(
            node.operation,
            Operation::Conv { .. } | Operation::BatchNorm { .. }
        ) && let Some(spec) = self
            .conv_spec(node)
            .map_err(|error| self.located(error, node))?
        {
            return self.add_conv(index, node, spec, fusion);
        }
        let operands = self.operands(node);
        let Chosen { kernel, order } = self
            .choose(node, &operands)
            .map_err(|error| self.located(error, node))?;
        let inputs = self.runtime_tensors(&node.operands, order);
        let output = self.make(node.output, order);
        self.push(
            kernel,
            self.graph.node(node.node).name.clone(),
            inputs,
            output,
            self.shaped.multiply_adds(node),
        );
        Ok(())
    }

    fn runtime_tensors(&mut self, operands: &[ValueId], order: Order) -> Vec<TensorId> {
        let varying: Vec<ValueId> = operands
            .iter()
            .copied()
            .filter(|&value| self.shaped.changes(value) != Change::Never)
            .collect();
        varying
            .into_iter()
            .map(|value| self.tensor(value, order))
            .collect()
    }

    /// The convolution that a node is; a batch normalisation of a blocked tensor is a depthwise one.
    fn conv_spec(&mut self, node: &ShapedNode) -> Result<Option<ConvSpec>, EngineError> {
        let shape = self.shaped.shape(node.output).to_vec();
        match &node.operation {
            Operation::Conv { .. } => {
                let operands = self.operands(node);
                let mut spec = ConvSpec::new(&node.operation, &operands, &shape)?;
                spec.plain_input =
                    self.order(node.operands[0]) == Order::Plain && spec.takes_plain_input();
                Ok(Some(spec))
            }
            Operation::BatchNorm { epsilon }
                if self.order(node.operands[0]) == Order::Blocked && shape.len() == 4 =>
            {
                let operands = self.operands(node);
                fuse::batch_norm_as_conv(*epsilon, &operands, &shape).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Adds a convolution with what it takes over.
    fn add_conv(
        &mut self,
        index: usize,
        node: &ShapedNode,
        mut spec: ConvSpec,
        fusion: &Fusion,
    ) -> Result<(), EngineError> {
        let order = if spec.plain_input {
            Order::Plain
        } else {
            Order::Blocked
        };
        let mut inputs = vec![self.tensor(node.operands[0], order)];
        let mut output = node.output;
        let mut multiply_adds = self.shaped.multiply_adds(node);
        for &follower in fusion.followers(index) {
            let follower = &self.shaped.nodes()[follower];
            if matches!(follower.operation, Operation::Binary(BinaryOp::Add)) {
                let addend = follower.operands.iter().find(|&&value| value != output);
                inputs.extend(addend.map(|&value| self.tensor(value, Order::Blocked)));
                spec.addend = true;
            } else {
                let operands = self.operands(follower);
                fuse::absorb(&mut spec, &follower.operation, &operands)
                    .map_err(|error| self.located(error, follower))?;
            }
            multiply_adds += self.shaped.multiply_adds(follower);
            output = follower.output;
        }
        if inputs == [INPUT] {
            let affine = spec.affine_for_one_row().build(self.conv);
            self.first_conv = Some((affine, spec.clamp));
        }
        let kernel = spec.build(self.conv);
        let output = self.make(output, Order::Blocked);
        let name = self.graph.node(node.node).name.clone();
        self.push(kernel, name, inputs, output, multiply_adds);
        Ok(())
    }

    /// Computes a value that does not depend on the input.
    fn add_constant(&mut self, node: &ShapedNode) -> Result<(), EngineError> {
        let mut operands: Vec<Operand> = node.operands.iter().map(|&v| self.operand(v)).collect();
        let shape = self.shaped.shape(node.output).to_vec();
        let Some(first) = operands.first_mut().and_then(|first| first.constant.take()) else {
            return Err(self.located(
                EngineError::unsupported(node.operation.name(), "operands of unknown content"),
                node,
            ));
        };
        let mut output = vec![0.0; shape.iter().product()];
        if matches!(node.operation, Operation::Reshape) {
            output.copy_from_slice(&first);
        } else {
            let kernel = ops::build(&node.operation, &operands, &shape)
                .map_err(|error| self.located(error, node))?;
            let mut saved = vec![0; kernel.saved_len()];
            let mut scratch = vec![0.0; kernel.scratch_len()];
            kernel.forward(&[&first], &mut output, &mut saved, &mut scratch);
        }
        self.constants.insert(node.output, output.into());
        Ok(())
    }

    fn located(&self, error: EngineError, node: &ShapedNode) -> EngineError {
        match error {
            EngineError::Unsupported { operator, detail } => {
                EngineError::Graph(infoplane_graph::GraphError::Unsupported(vec![
                    infoplane_graph::UnsupportedNode {
                        node: self.graph.node(node.node).name.clone(),
                        operator: operator.to_string(),
                        detail,
                    },
                ]))
            }
            other => other,
        }
    }
}
