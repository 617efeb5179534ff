//! Where the network narrows: cut layers, and how deep a value lies.

use crate::graph::{Graph, ValueId};
use crate::shaped::{ShapedGraph, ValueState};

/// Facts about a graph's varying values, by value index.
#[derive(Debug, Clone)]
pub struct Topology {
    depth: Vec<Option<usize>>,
    cut: Vec<bool>,
}

impl Topology {
    /// Analyses a specialised graph.
    ///
    /// A value is a *cut* if every way from [`Graph::path_start`] to the output crosses it. In an order in
    /// which every operand is made before it is used, that is exactly when the value is the only
    /// one made so far that is still to be used on the way to the output.
    pub fn of(graph: &Graph, shaped: &ShapedGraph) -> Topology {
        let varies = |id: ValueId| shaped.state(id).is_some_and(ValueState::varies);
        let n_values = graph.values().len();
        let mut pending_uses = vec![0usize; n_values];
        let mut needed = vec![false; n_values];
        needed[graph.output().0] = true;
        pending_uses[graph.output().0] = 1;
        for step in shaped.nodes_along_path().rev() {
            if needed[step.output.0] {
                for operand in step.operands.iter().filter(|&&id| varies(id)) {
                    needed[operand.0] = true;
                    pending_uses[operand.0] += 1;
                }
            }
        }

        let mut depth = vec![None; n_values];
        let mut cut = vec![false; n_values];
        let start = graph.path_start();
        depth[start.0] = Some(0);
        cut[start.0] = true;
        let mut live = usize::from(needed[start.0]);
        for step in shaped.nodes_along_path() {
            let operands = || step.operands.iter().filter(|&&id| varies(id));
            depth[step.output.0] = operands()
                .filter_map(|id| depth[id.0])
                .max()
                .map(|deepest| deepest + 1);
            if !needed[step.output.0] {
                continue;
            }
            for operand in operands() {
                pending_uses[operand.0] -= 1;
                if pending_uses[operand.0] == 0 {
                    live -= 1;
                }
            }
            live += 1;
            cut[step.output.0] = live == 1;
        }
        Topology { depth, cut }
    }

    /// Number of operators on the longest way from [`Graph::path_start`]; `None` for values that don't vary.
    pub fn depth(&self, value: ValueId) -> Option<usize> {
        self.depth[value.0]
    }

    /// Whether every way from [`Graph::path_start`] to the output crosses the value.
    pub fn is_cut(&self, value: ValueId) -> bool {
        self.cut[value.0]
    }
}
