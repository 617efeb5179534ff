//! Which values are worth analysing, and how a person names them.

use std::collections::HashMap;

use crate::channels::channels_last;
use crate::error::GraphError;
use crate::graph::{Graph, ValueId};
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
    /// Whether its channels (features) are on the last axis, and tokens or positions before them; else they
    /// are on the first one.
    pub channels_last: bool,
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
    /// Length of the layer's vectors: channels (features of tokens), or units where there are no positions.
    pub fn n_channels(&self) -> usize {
        let channels = match self.channels_last {
            true => self.shape.last(),
            false => self.shape.first(),
        };
        channels.copied().unwrap_or(1)
    }

    /// The axes of a channel's positions (tokens).
    pub fn position_shape(&self) -> &[usize] {
        match (self.channels_last, self.shape.len()) {
            (_, 0) => &[],
            (true, rank) => &self.shape[..rank - 1],
            (false, _) => &self.shape[1..],
        }
    }
}

/// Every varying value in network order that has one row a sample.
///
/// Where the path runs at an inner value ([`Graph::with_path_at`]) that is the first one.
pub fn layers(graph: &Graph, shaped: &ShapedGraph) -> Vec<Layer> {
    let topology = Topology::of(graph, shaped);
    let channels_last = channels_last(graph, shaped);
    shaped
        .nodes()
        .iter()
        .filter(|step| shaped.state(step.output).is_some_and(ValueState::varies))
        .filter(|step| shaped.shape(step.output).first() == Some(&shaped.batch()))
        .map(|step| Layer {
            value: step.output,
            name: graph.value(step.output).name.clone(),
            operator: graph.node(step.node).op.name(),
            shape: shaped.shape(step.output).get(1..).unwrap_or(&[]).to_vec(),
            channels_last: channels_last[step.output.index()],
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
/// activation. Where there would be more than [`MAX_DEFAULT_LAYERS`], branch layers are thinned evenly; they
/// go altogether where half as many are cut layers, and these are thinned evenly where they are still too many.
pub fn default_layers(graph: &Graph, shaped: &ShapedGraph) -> Vec<Layer> {
    let users = Users::of(graph, shaped);
    let mut chosen = vec![false; graph.values().len()];
    let mut seen_activation = false;
    // Where the path runs at an inner value, that is what the network's input is elsewhere.
    chosen[graph.path_start().index()] = graph.path_start() != graph.input();
    for step in shaped.nodes_along_path() {
        let picked = match &step.operation {
            _ if users.is_pooled_further(graph, step) => None,
            Operation::Binary(BinaryOp::Add) if users.varying_operands(step) == 2 => {
                Some(users.after_activation(step.output))
            }
            Operation::Gemm { .. } | Operation::MatMul | Operation::Einsum(_)
                if users.varying_operands(step) == 1 =>
            {
                Some(users.after_activation(users.after_bias(step.output)))
            }
            Operation::Concat { .. }
            | Operation::MaxPool { .. }
            | Operation::AveragePool { .. }
            | Operation::LpPool { .. }
            | Operation::ReduceMean { .. }
            | Operation::Reduce {
                reduction: ReduceOp::Max,
                ..
            } => Some(step.output),
            operation if is_activation(operation) => {
                let first = !std::mem::replace(&mut seen_activation, true);
                (first || users.ends_stage(step.output)).then_some(step.output)
            }
            Operation::Conv { .. }
            | Operation::ConvTranspose { .. }
            | Operation::BatchNorm { .. }
            | Operation::GroupNorm { .. }
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
    let n_cuts = layers.iter().filter(|layer| layer.cut).count();
    let kept = match n_cuts {
        few if few < MAX_DEFAULT_LAYERS / 2 => {
            let mut branches = evenly(layers.len() - few, MAX_DEFAULT_LAYERS - few);
            return layers
                .into_iter()
                .filter(|layer| layer.cut || branches.next() == Some(true))
                .collect();
        }
        many => evenly(many, MAX_DEFAULT_LAYERS.min(many)),
    };
    let cuts = layers.into_iter().filter(|layer| layer.cut);
    cuts.zip(kept)
        .filter(|(_, kept)| *kept)
        .map(|(layer, _)| layer)
        .collect()
}

/// Which of `n` to keep so that `kept` of them, 2 at least, are spread evenly, the first and the last among
/// them.
fn evenly(n: usize, kept: usize) -> impl Iterator<Item = bool> {
    let mut chosen = vec![false; n];
    for rank in 0..kept {
        chosen[rank * (n - 1) / (kept - 1)] = true;
    }
    chosen.into_iter()
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
                if let Some(error) = graph.before_path(shaped, name) {
                    return error;
                }
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
    /// Steps by the index of a value that they use, each once.
    consumers: Vec<Vec<usize>>,
}

impl<'a> Users<'a> {
    fn of(graph: &Graph, shaped: &'a ShapedGraph) -> Users<'a> {
        let mut consumers = vec![Vec::new(); graph.values().len()];
        for (index, step) in shaped.nodes().iter().enumerate() {
            for operand in &step.operands {
                let users: &mut Vec<usize> = &mut consumers[operand.0];
                if users.last() != Some(&index) {
                    users.push(index);
                }
            }
        }
        Users { shaped, consumers }
    }

    fn consumers(&self, value: ValueId) -> impl Iterator<Item = &'a ShapedNode> {
        let steps = self.consumers[value.0].iter();
        steps.map(|&index| &self.shaped.nodes()[index])
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
            | Operation::LpPool { .. }
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
        self.consumers(value).any(|step| {
            matches!(
                step.operation,
                Operation::Conv { .. } | Operation::ConvTranspose { .. }
            )
        })
    }
}
