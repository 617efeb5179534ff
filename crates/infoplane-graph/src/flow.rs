//! How chosen values hang together: which one a path leads to from which.

use std::collections::BTreeMap;

use crate::graph::{Graph, ValueId};
use crate::operation::Operation;
use crate::shaped::{ShapedGraph, ValueState};

/// The paths from one chosen value to another that meet no third one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowEdge {
    /// Where they begin; `None` is where the path starts, the network's input as a rule.
    pub from: Option<ValueId>,
    /// Where they end; `None` is the network's output.
    pub to: Option<ValueId>,
    /// Products (convolutions, linear layers, matrix and tensor products) on the path that has fewest.
    pub fewest_products: usize,
    /// Products on the path that has most. More than [`fewest_products`](Self::fewest_products) where
    /// a skip connection lies between the two ends.
    pub most_products: usize,
}

/// Products on the paths from one beginning: fewest and most.
type Products = (usize, usize);

/// The edges between `chosen` values, the input and the output, by their end in network order, then by
/// their beginning, the input first.
///
/// A chosen value that is the output itself has an edge without products to `None`. Values that nothing
/// chosen follows have no edge from them.
pub fn flow(graph: &Graph, shaped: &ShapedGraph, chosen: &[ValueId]) -> Vec<FlowEdge> {
    let n_values = graph.values().len();
    let mut is_chosen = vec![false; n_values];
    for value in chosen {
        is_chosen[value.index()] = true;
    }
    // Where a value can come from without meeting a chosen one. Beginnings are counted in network order,
    // the input first.
    let mut beginnings: Vec<Option<ValueId>> = vec![None];
    let mut reached: Vec<BTreeMap<usize, Products>> = vec![BTreeMap::new(); n_values];
    let start = graph.path_start();
    reached[start.index()].insert(0, (0, 0));
    let mut edges = Vec::new();
    let mut end_at = |to, from: &BTreeMap<usize, Products>, beginnings: &[Option<ValueId>]| {
        edges.extend(from.iter().map(|(&beginning, &(fewest, most))| FlowEdge {
            from: beginnings[beginning],
            to,
            fewest_products: fewest,
            most_products: most,
        }));
    };
    if is_chosen[start.index()] {
        end_at(Some(start), &reached[start.index()], &beginnings);
        reached[start.index()] = BTreeMap::from([(beginnings.len(), (0, 0))]);
        beginnings.push(Some(start));
    }
    for step in shaped.nodes_along_path() {
        let varies = |id: ValueId| shaped.state(id).is_some_and(ValueState::varies);
        let added = usize::from(is_product(&step.operation));
        let mut from: BTreeMap<usize, Products> = BTreeMap::new();
        for operand in step.operands.iter().filter(|&&id| varies(id)) {
            for (&beginning, &(fewest, most)) in &reached[operand.index()] {
                let through = (fewest + added, most + added);
                from.entry(beginning)
                    .and_modify(|known| {
                        *known = (known.0.min(through.0), known.1.max(through.1));
                    })
                    .or_insert(through);
            }
        }
        let output = step.output.index();
        if is_chosen[output] {
            end_at(Some(step.output), &from, &beginnings);
            from = BTreeMap::from([(beginnings.len(), (0, 0))]);
            beginnings.push(Some(step.output));
        }
        reached[output] = from;
    }
    end_at(None, &reached[graph.output().index()], &beginnings);
    edges
}

fn is_product(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Conv { .. }
            | Operation::ConvTranspose { .. }
            | Operation::Gemm { .. }
            | Operation::MatMul
            | Operation::Einsum(_)
    )
}
