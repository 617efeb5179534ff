//! Plan, then run: a graph and the requested layers become a list of kernels and a memory layout, and
//! nothing is decided while it runs.

mod buffers;
mod fuse;
mod session;
mod summary;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use infoplane_graph::{Graph, Operation, ShapedGraph, ShapedNode, ValueId, ValueState};

pub use summary::{PlanSummary, StepSummary};

use crate::backend::{Backend, Session};
use crate::error::EngineError;
use crate::kernel::{Kernel, Operand};
use crate::ops;
use crate::simd::SimdLevel;
use buffers::{Buffers, Lifetimes};
use fuse::Fusion;

/// What a plan is for.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// The layers whose values and gradients are asked for.
    pub layers: Vec<ValueId>,
    /// Keep every value until the next forward pass, for [`Session::forward_from`].
    pub keep_values: bool,
}

/// A tensor that changes from run to run. Values that are the same elements under another shape
/// share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TensorId(usize);

/// One kernel with the tensors it works on.
struct Step {
    kernel: Box<dyn Kernel>,
    node_name: String,
    inputs: Vec<TensorId>,
    output: TensorId,
    /// Where its saved words lie.
    saved: std::ops::Range<usize>,
    /// For each input, whether its gradient is wanted, and whether an earlier product (of a later
    /// step) has already written to it.
    gradients: Vec<Option<Accumulate>>,
    multiply_adds: u64,
}

/// Whether a gradient is added to what is there.
type Accumulate = bool;

/// A network ready to run on the CPU.
pub struct Plan {
    batch: usize,
    input: TensorId,
    output: TensorId,
    lens: Vec<usize>,
    steps: Vec<Step>,
    /// The requested layers' tensors.
    layers: Vec<TensorId>,
    layer_lens: Vec<usize>,
    /// For each step from last to first: the requests to visit before its product.
    visits: Vec<Vec<usize>>,
    buffers: Buffers,
    saved_len: usize,
    scratch_len: usize,
    keep_values: bool,
}

impl Plan {
    /// Compiles a specialised graph.
    pub fn compile(
        graph: &Graph,
        shaped: &ShapedGraph,
        options: &PlanOptions,
    ) -> Result<Plan, EngineError> {
        Plan::compile_for(graph, shaped, options, SimdLevel::current())
    }

    pub(crate) fn compile_for(
        graph: &Graph,
        shaped: &ShapedGraph,
        options: &PlanOptions,
        level: SimdLevel,
    ) -> Result<Plan, EngineError> {
        let mut compiler = Compiler::new(graph, shaped, level);
        let fusion = Fusion::of(graph, shaped, &options.layers);
        for (index, node) in shaped.nodes().iter().enumerate() {
            compiler.add(index, node, &fusion)?;
        }
        compiler.finish(options)
    }

    /// What was planned: steps, kernels, bytes, operations.
    pub fn summary(&self) -> PlanSummary {
        summary::summarise(self)
    }
}

impl Backend for Plan {
    fn batch(&self) -> usize {
        self.batch
    }

    fn input_len(&self) -> usize {
        self.lens[self.input.0] / self.batch
    }

    fn n_outputs(&self) -> usize {
        self.lens[self.output.0] / self.batch
    }

    fn layer_lens(&self) -> &[usize] {
        &self.layer_lens
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(session::CpuSession::new(self))
    }
}

struct Compiler<'a> {
    graph: &'a Graph,
    shaped: &'a ShapedGraph,
    level: SimdLevel,
    tensors: HashMap<ValueId, TensorId>,
    lens: Vec<usize>,
    /// Values that don't vary, computed ahead.
    constants: HashMap<ValueId, Arc<[f32]>>,
    steps: Vec<Step>,
    saved_len: usize,
}

impl<'a> Compiler<'a> {
    fn new(graph: &'a Graph, shaped: &'a ShapedGraph, level: SimdLevel) -> Compiler<'a> {
        let mut compiler = Compiler {
            graph,
            shaped,
            level,
            tensors: HashMap::new(),
            lens: Vec::new(),
            constants: HashMap::new(),
            steps: Vec::new(),
            saved_len: 0,
        };
        compiler.tensor(graph.input());
        compiler
    }

    fn tensor(&mut self, value: ValueId) -> TensorId {
        let next = TensorId(self.lens.len());
        let id = *self.tensors.entry(value).or_insert(next);
        if id == next {
            self.lens.push(self.shaped.shape(value).iter().product());
        }
        id
    }

    fn varies(&self, value: ValueId) -> bool {
        self.shaped.state(value).is_some_and(ValueState::varies)
    }

    fn constant(&mut self, value: ValueId) -> Option<Arc<[f32]>> {
        if let Some(content) = self.constants.get(&value) {
            return Some(content.clone());
        }
        match self.shaped.state(value) {
            Some(ValueState::Constant(tensor)) => tensor.floats().map(Arc::from),
            _ => None,
        }
    }

    fn operand(&mut self, value: ValueId) -> Operand {
        Operand {
            shape: self.shaped.shape(value).to_vec(),
            constant: self.constant(value),
        }
    }

    /// Adds the node's kernel, unless an earlier one took the node over.
    fn add(&mut self, index: usize, node: &ShapedNode, fusion: &Fusion) -> Result<(), EngineError> {
        if !self.varies(node.output) {
            return self.add_constant(node);
        }
        if fusion.is_absorbed(index) {
            return Ok(());
        }
        if matches!(node.operation, Operation::Reshape) {
            let source = self.tensor(node.operands[0]);
            self.tensors.insert(node.output, source);
            return Ok(());
        }
        let operands: Vec<Operand> = node.operands.iter().map(|&v| self.operand(v)).collect();
        let shape = self.shaped.shape(node.output).to_vec();
        let mut output = node.output;
        let kernel = match &node.operation {
            Operation::Conv { .. } => {
                let mut spec = ops::conv::ConvSpec::new(&node.operation, &operands, &shape)
                    .map_err(|error| self.located(error, node))?;
                for &follower in fusion.followers(index) {
                    let follower = &self.shaped.nodes()[follower];
                    let operands: Vec<Operand> =
                        follower.operands.iter().map(|&v| self.operand(v)).collect();
                    fuse::absorb(&mut spec, &follower.operation, &operands)
                        .map_err(|error| self.located(error, follower))?;
                    output = follower.output;
                }
                spec.build(self.level)
            }
            _ => ops::build(&node.operation, &operands, &shape)
                .map_err(|error| self.located(error, node))?,
        };
        let inputs = node
            .operands
            .iter()
            .filter(|&&value| self.varies(value))
            .copied()
            .collect::<Vec<_>>()
            .into_iter()
            .map(|value| self.tensor(value))
            .collect();
        let output = self.tensor(output);
        let saved = self.saved_len..self.saved_len + kernel.saved_len();
        self.saved_len = saved.end;
        self.steps.push(Step {
            kernel,
            node_name: self.graph.node(node.node).name.clone(),
            inputs,
            output,
            saved,
            gradients: Vec::new(),
            multiply_adds: self.shaped.multiply_adds(node),
        });
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

    fn finish(mut self, options: &PlanOptions) -> Result<Plan, EngineError> {
        let request = |detail: String| EngineError::Request(detail);
        let output = match self.tensors.get(&self.graph.output()) {
            Some(&output) => output,
            None => {
                return Err(request(
                    "the output does not depend on the input".to_string(),
                ));
            }
        };
        let batch = self.shaped.batch();
        let layers = options
            .layers
            .iter()
            .map(|layer| {
                self.tensors.get(layer).copied().ok_or_else(|| {
                    request(format!(
                        "the layer `{}` is not computed from the input on the way to the output",
                        self.graph.value(*layer).name
                    ))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(layer) = layers
            .iter()
            .position(|layer| !self.lens[layer.0].is_multiple_of(batch))
        {
            return Err(request(format!(
                "the layer `{}` has no row for each sample",
                self.graph.value(options.layers[layer]).name
            )));
        }
        let needs_gradient = self.needs_gradient(&layers);
        let written_first = assign_gradients(&mut self.steps, &needs_gradient, output);
        if let Some(layer) = layers.iter().position(|layer| !written_first[layer.0]) {
            return Err(request(format!(
                "the layer `{}` has no path to the output",
                self.graph.value(options.layers[layer]).name
            )));
        }
        let visits = self
            .steps
            .iter()
            .map(|step| {
                (0..layers.len())
                    .filter(|&layer| layers[layer] == step.output)
                    .collect()
            })
            .collect();
        let buffers = Buffers::assign(&Lifetimes {
            steps: &self.steps,
            lens: &self.lens,
            input: TensorId(0),
            output,
            layers: &layers,
            needs_gradient: &needs_gradient,
            keep_values: options.keep_values,
        });
        Ok(Plan {
            batch,
            input: TensorId(0),
            output,
            layer_lens: layers
                .iter()
                .map(|layer| self.lens[layer.0] / batch)
                .collect(),
            scratch_len: self
                .steps
                .iter()
                .map(|step| step.kernel.scratch_len())
                .max()
                .unwrap_or(0),
            lens: self.lens,
            steps: self.steps,
            layers,
            visits,
            buffers,
            saved_len: self.saved_len,
            keep_values: options.keep_values,
        })
    }

    /// Tensors that are requested or lie between a requested one and the output.
    fn needs_gradient(&self, layers: &[TensorId]) -> Vec<bool> {
        let mut needs = vec![false; self.lens.len()];
        for layer in layers {
            needs[layer.0] = true;
        }
        for step in &self.steps {
            if step.inputs.iter().any(|input| needs[input.0]) {
                needs[step.output.0] = true;
            }
        }
        needs
    }
}

/// Decides, from the last step to the first, which gradients are written and which added to; tells
/// which tensors have a gradient in the end.
fn assign_gradients(steps: &mut [Step], needs_gradient: &[bool], output: TensorId) -> Vec<bool> {
    let mut written = vec![false; needs_gradient.len()];
    written[output.0] = needs_gradient[output.0];
    for step in steps.iter_mut().rev() {
        step.gradients = step
            .inputs
            .iter()
            .map(|input| {
                (written[step.output.0] && needs_gradient[input.0])
                    .then(|| std::mem::replace(&mut written[input.0], true))
            })
            .collect();
    }
    written
}
