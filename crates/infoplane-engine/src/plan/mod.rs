//! Plan, then run: a graph and the requested layers become a list of kernels and a memory layout, and
//! nothing is decided while it runs.

mod buffers;
mod compile;
mod entry;
mod fuse;
mod session;
mod summary;
#[cfg(test)]
mod tests;
mod timing;
mod upstream;

use infoplane_graph::{Graph, ShapedGraph, ValueId};

pub use summary::{PlanSummary, StepSummary};
pub use timing::StepTime;

use crate::backend::{Backend, Session};
use crate::error::EngineError;
use crate::kernel::Kernel;
use crate::layout::Layout;
use crate::ops::conv::ConvOptions;
use crate::simd::SimdLevel;
use buffers::Buffers;
use compile::Compiler;
use entry::Entry;
use fuse::Fusion;
use upstream::Upstream;

/// What a plan is for.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// The layers whose values and gradients are asked for.
    pub layers: Vec<ValueId>,
    /// Keep every value until the next forward pass, for [`Session::forward_from`].
    pub keep_values: bool,
    /// Only kernels that add up products as they stand, no Winograd transforms.
    pub exact: bool,
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
    /// The input whose gradient is what its product leaves of the output's, in the same buffer.
    passed: Option<usize>,
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
    layouts: Vec<Layout>,
    entry: Option<Entry>,
    /// What runs once a sample, where the path is at an inner value.
    upstream: Option<Upstream>,
    level: SimdLevel,
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
        let conv = ConvOptions {
            level,
            exact: options.exact,
        };
        let mut compiler = Compiler::new(graph, shaped, conv);
        let fusion = Fusion::of(graph, shaped, &options.layers);
        for (index, node) in shaped.nodes().iter().enumerate() {
            compiler.add(index, node, &fusion)?;
        }
        let (mut plan, beside) = compiler.finish(options)?;
        plan.upstream = Upstream::compile(graph, shaped, &plan, &beside, conv)?;
        Ok(plan)
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

    fn sample_len(&self) -> usize {
        match &self.upstream {
            Some(upstream) => upstream.plan.input_len(),
            None => self.input_len(),
        }
    }

    fn has_values_beside(&self) -> bool {
        let beside = self.upstream.as_ref().map(|upstream| &upstream.beside);
        beside.is_some_and(|values| !values.is_empty())
    }

    fn n_outputs(&self) -> usize {
        self.lens[self.output.0] / self.batch
    }

    fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(session::CpuSession::new(self))
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
        step.passed = step.kernel.passes_gradient_to().filter(|&operand| {
            let [first, ..] = step.gradients[..] else {
                return false;
            };
            first.is_some()
                && step.gradients[operand] == Some(false)
                && step.inputs[0] != step.inputs[operand]
        });
    }
    written
}
