//! Which values are worth analysing, and how a person names them.

use std::collections::HashMap;

use crate::error::GraphError;
use crate::graph::{Graph, NodeId, ValueId};
use crate::op::Op;
use crate::operation::{BinaryOp, Operation, ReduceOp};
use crate::shaped::{ShapedGraph, ShapedNode, ValueState};
use crate::topology::Topology;

/// No default choice has more layers.
pub const MAX_DEFAULT_LAYERS: usize = 64;

/// One value that can be analysed.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// The value.
    pub value: ValueId,
    /// Its name.
    pub name: String,
    /// The operator that makes it, as in ONNX.
    pub operator: &'static str,
    /// Shape of one sample's value, without the batch dimension.
    pub shape: Vec<usize>,
    /// Number of operators on the longest path from the input.
    pub depth: usize,
    /// Whether every path from the input to the output crosses it.
    pub cut: bool,
    /// Parameters of the operator that makes it.
    pub parameters: u64,
    /// Floating-point operations a sample of the operator that makes it (2 a multiply-add).
    pub flops: u64,
}

impl Layer {
    /// Length of the layer's vectors: channels, or units where there are no positions.
    pub fn n_channels(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }
}

/// Every varying value in network order, with one row a sample.
pub fn layers(graph: &Graph, shaped: &ShapedGraph) -> Vec<Layer> {
    let topology = Topology::of(graph, shaped);
    shaped
        .nodes()
        .iter()
        .filter(|step| shaped.state(step.output).is_some_and(ValueState::varies))
        .map(|step| Layer {
            value: step.output,
            name: graph.value(step.output).name.clone(),
            operator: graph.node(step.node).op.name(),
            shape: shaped.shape(step.output).get(1..).unwrap_or(&[]).to_vec(),
            depth: topology.depth(step.output).unwrap_or(0),
            cut: topology.is_cut(step.output),
            parameters: shaped.parameters(step),
            flops: 2 * shaped.multiply_adds(step) / shaped.batch().max(1) as u64,
        })
        .collect()
}

/// The layers that are analysed when nobody asks for others: outputs of blocks.
///
/// These are residual additions and linear layers (after their activation), concatenations, pools,
/// activations that end a stage or begin the network, and convolutions that end a block without an
/// activation. Where there would be more than [`MAX_DEFAULT_LAYERS`], branch layers go first, then
/// cut layers are thinned evenly; the last layer stays.
pub fn default_layers(graph: &Graph, shaped: &ShapedGraph) -> Vec<Layer> {
    let users = Users::of(graph, shaped);
    let mut chosen = vec![false; graph.values().len()];
    let mut seen_activation = false;
    for step in shaped.nodes() {
        if !shaped.state(step.output).is_some_and(ValueState::varies) {
            continue;
        }
        let picked = match &step.operation {
            _ if users.is_pooled_further(graph, step) => None,
            Operation::Binary(BinaryOp::Add) if users.varying_operands(step) == 2 => {
                Some(users.after_activation(step.output))
            }
            Operation::Gemm { .. } | Operation::MatMul if users.varying_operands(step) == 1 => {
                Some(users.after_activation(users.after_bias(step.output)))
            }
            Operation::Concat { .. }
            | Operation::MaxPool { .. }
            | Operation::AveragePool { .. }
            | Operation::ReduceMean { .. }
            | Operation::Reduce {
                reduction: ReduceOp::Max,
                ..
            } => Some(step.output),
            operation if is_activation(operation) => {
                let first = !std::mem::replace(&mut seen_activation, true);
                (first || users.ends_stage(step.output)).then_some(step.output)
            }
            Operation::Conv { .. } | Operation::BatchNorm { .. }
                if users.ends_block_without_activation(step.output) =>
            {
                Some(step.output)
            }
            _ => None,
        };
        if let Some(value) = picked {
            chosen[value.0] = true;
        }
    }
    let all = layers(graph, shaped);
    let mut picked: Vec<Layer> = all
        .into_iter()
        .filter(|layer| chosen[layer.value.0])
        .collect();
    if picked.is_empty() {
        picked = layers(graph, shaped)
            .into_iter()
            .filter(|layer| layer.cut)
            .collect();
    }
    thin(picked)
}

fn is_activation(operation: &Operation) -> bool {
    match operation {
        Operation::Unary(function) => function.is_activation(),
        Operation::Binary(operation) => *operation == BinaryOp::PRelu,
        _ => false,
    }
}

fn thin(layers: Vec<Layer>) -> Vec<Layer> {
    if layers.len() <= MAX_DEFAULT_LAYERS {
        return layers;
    }
    let cuts: Vec<Layer> = layers.iter().filter(|layer| layer.cut).cloned().collect();
    let pool = if cuts.len() >= MAX_DEFAULT_LAYERS / 2 {
        cuts
    } else {
        layers
    };
    if pool.len() <= MAX_DEFAULT_LAYERS {
        return pool;
    }
    let last = pool.len() - 1;
    (0..MAX_DEFAULT_LAYERS)
        .map(|rank| pool[rank * last / (MAX_DEFAULT_LAYERS - 1)].clone())
        .collect()
}

/// The layers of these names, in network order. A layer that was asked for by another of its names
/// ([`Graph::aliases`]) has that name here.
pub fn layers_by_name(
    graph: &Graph,
    shaped: &ShapedGraph,
    names: &[String],
) -> Result<Vec<Layer>, GraphError> {
    let mut all = layers(graph, shaped);
    let mut named: HashMap<ValueId, &String> = HashMap::new();
    for name in names {
        let alias = || graph.aliases().iter().find(|(other, _)| other == name);
        let value = all
            .iter()
            .find(|layer| &layer.name == name)
            .map(|layer| layer.value)
            .or_else(|| alias().map(|&(_, value)| value))
            .ok_or_else(|| {
                let aliases = graph.aliases().iter().map(|(other, _)| other.as_str());
                let there = all.iter().map(|layer| layer.name.as_str());
                GraphError::UnknownLayer {
                    name: name.clone(),
                    suggestions: nearest(name, there.chain(aliases)),
                }
            })?;
        match named.insert(value, name) {
            Some(first) if first != name => {
                return Err(GraphError::SameLayer {
                    first: first.clone(),
                    second: name.clone(),
                });
            }
            _ => {}
        }
    }
    all.retain(|layer| named.contains_key(&layer.value));
    for layer in &mut all {
        layer.name.clone_from(named[&layer.value]);
    }
    Ok(all)
}

/// Up to three names that a person may have meant.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = candidates
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            let likeness = strsim::jaro_winkler(&wanted, &lower);
            let contains = lower.contains(&wanted) || wanted.contains(&lower);
            (likeness + if contains { 0.5 } else { 0.0 }, candidate)
        })
        .filter(|(score, _)| *score > 0.6)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.truncate(3);
    scored
        .into_iter()
        .map(|(_, name)| name.to_string())
        .collect()
}

/// Who uses each value.
struct Users<'a> {
    shaped: &'a ShapedGraph,
    steps_by_node: Vec<Option<usize>>,
    consumers: Vec<Vec<NodeId>>,
}

impl<'a> Users<'a> {
    fn of(graph: &Graph, shaped: &'a ShapedGraph) -> Users<'a> {
        let mut steps_by_node = vec![None; graph.nodes().len()];
        for (index, step) in shaped.nodes().iter().enumerate() {
            steps_by_node[step.node.0] = Some(index);
        }
        Users {
            shaped,
            steps_by_node,
            consumers: graph.consumers(),
        }
    }

    fn consumers(&self, value: ValueId) -> impl Iterator<Item = &'a ShapedNode> {
        self.consumers[value.0]
            .iter()
            .filter_map(|node| self.steps_by_node[node.0])
            .map(|index| &self.shaped.nodes()[index])
    }

    fn only_consumer(&self, value: ValueId) -> Option<&'a ShapedNode> {
        let mut consumers = self.consumers(value);
        let first = consumers.next()?;
        consumers.next().is_none().then_some(first)
    }

    fn varying_operands(&self, step: &ShapedNode) -> usize {
        step.operands
            .iter()
            .filter(|&&id| self.shaped.state(id).is_some_and(ValueState::varies))
            .count()
    }

    /// The value itself, or the activation that alone uses it. The decomposed exact GELU
    /// (x · (1 + erf(x/√2)) · ½) counts as an activation.
    fn after_activation(&self, value: ValueId) -> ValueId {
        match self.only_consumer(value) {
            Some(step) if is_activation(&step.operation) => step.output,
            _ => self.after_decomposed_gelu(value).unwrap_or(value),
        }
    }

    fn after_decomposed_gelu(&self, value: ValueId) -> Option<ValueId> {
        let (mut gate, mut product) = (None, None);
        for step in self.consumers(value) {
            match step.operation {
                Operation::Binary(BinaryOp::Div) => gate = Some(step.output),
                Operation::Binary(BinaryOp::Mul) => product = Some(step.output),
                _ => return None,
            }
        }
        let erf = self.only_consumer(gate?)?;
        if !matches!(
            erf.operation,
            Operation::Unary(crate::operation::Unary::Erf)
        ) {
            return None;
        }
        self.only_consumer(product?).map(|half| half.output)
    }

    /// The value itself, or the sum with a constant that alone uses it.
    fn after_bias(&self, value: ValueId) -> ValueId {
        match self.only_consumer(value) {
            Some(step)
                if matches!(step.operation, Operation::Binary(BinaryOp::Add))
                    && self.varying_operands(step) == 1 =>
            {
                step.output
            }
            _ => value,
        }
    }

    /// Whether a value is the first half of an adaptive pool, which is taken axis by axis.
    fn is_pooled_further(&self, graph: &Graph, step: &ShapedNode) -> bool {
        let is_adaptive =
            |step: &ShapedNode| matches!(graph.node(step.node).op, Op::AdaptiveAveragePool { .. });
        is_adaptive(step) && self.consumers(step.output).any(is_adaptive)
    }

    /// Whether the next operator shrinks the map: a pool, or a strided convolution that mixes
    /// channels.
    fn ends_stage(&self, value: ValueId) -> bool {
        self.consumers(value).any(|step| match &step.operation {
            Operation::MaxPool { .. }
            | Operation::AveragePool { .. }
            | Operation::ReduceMean { .. }
            | Operation::Reduce {
                reduction: ReduceOp::Max,
                ..
            } => true,
            Operation::Conv { window, groups } => {
                *groups == 1
                    && window.strides.iter().any(|&stride| stride > 1)
                    && window.kernel.iter().any(|&size| size > 1)
            }
            _ => false,
        })
    }

    /// Whether a convolution's result goes straight into another convolution.
    fn ends_block_without_activation(&self, value: ValueId) -> bool {
        self.consumers(value)
            .any(|step| matches!(step.operation, Operation::Conv { .. }))
    }
}
