//! Where the straight path to a sample runs: at the input, or in the space of an inner value.

use std::collections::HashSet;

use crate::error::GraphError;
use crate::graph::{Graph, Node, ValueId};
use crate::layers::nearest;
use crate::operation::Operation;
use crate::shaped::{Change, ShapedGraph};

impl Graph {
    /// The network with the path at an inner value, as the output of an embedding: what that value is made
    /// of runs once a sample, and so does what only stands beside it (a mask, positions).
    ///
    /// # Errors
    /// [`GraphError::UnknownLayer`] where no value has this name; [`GraphError::PathAt`] where it does not
    /// depend on the input, or the output does not depend on it.
    pub fn with_path_at(&self, name: &str) -> Result<Graph, GraphError> {
        let impossible = |reason: &str| GraphError::PathAt {
            name: name.to_string(),
            reason: reason.to_string(),
        };
        let made = self.depending_on(self.input);
        let named = |id: &ValueId| self.value(*id).name == name;
        let alias = || self.aliases.iter().find(|(other, _)| other == name);
        let value = (0..self.values.len())
            .map(ValueId)
            .find(named)
            .or_else(|| alias().map(|&(_, value)| value));
        let Some(value) = value else {
            let names = made.iter().map(|id| self.value(*id).name.as_str());
            let aliases = self.aliases.iter().map(|(other, _)| other.as_str());
            return Err(GraphError::UnknownLayer {
                name: name.to_string(),
                suggestions: nearest(name, names.chain(aliases)),
            });
        };
        if value == self.input {
            return Ok(self.clone());
        }
        if !made.contains(&value) {
            return Err(impossible("it does not depend on the network's input"));
        }
        if value == self.output {
            return Err(impossible("it is the network's output"));
        }
        if !self.depending_on(value).contains(&self.output) {
            return Err(impossible("the network's output does not depend on it"));
        }
        Ok(Graph {
            path_at: Some(value),
            ..self.clone()
        })
    }

    /// What runs once a sample where the path is at an inner value: a network whose output is that value.
    /// `None` where the path is at the input.
    pub fn before_path_start(&self) -> Option<Graph> {
        let start = self.path_at?;
        let after = self.depending_on(start);
        let runs_before = |node: &&Node| {
            let mut outputs = node.outputs.iter().flatten();
            !outputs.any(|id| after.contains(id))
        };
        let (before, behind): (Vec<&Node>, Vec<&Node>) = self.nodes.iter().partition(runs_before);
        let used_behind = behind.iter().flat_map(|node| node.inputs.iter().flatten());
        let mut graph = Graph {
            output: start,
            path_at: None,
            aliases: Vec::new(),
            also_wanted: used_behind.copied().collect(),
            nodes: before.into_iter().cloned().collect(),
            ..self.clone()
        };
        for value in &mut graph.values {
            value.producer = None;
        }
        for (index, node) in graph.nodes.iter().enumerate() {
            for id in node.outputs.iter().flatten() {
                graph.values[id.0].producer = Some(crate::graph::NodeId(index));
            }
        }
        Some(graph)
    }

    /// The first value that is looked up in a table by numbers which change along the path: token ids, which
    /// have no gradient. The path can run at that value, or behind it.
    pub fn lookup_along_path(&self, shaped: &ShapedGraph) -> Option<&str> {
        let mut lookups = shaped
            .nodes_along_path()
            .filter(|step| step.operation == Operation::Lookup);
        let found = lookups.next()?;
        Some(self.value(found.output).name.as_str())
    }

    /// The error for a layer that does not change along the path; `None` where no value of this name
    /// stands before the path or beside it.
    pub(crate) fn before_path(&self, shaped: &ShapedGraph, name: &str) -> Option<GraphError> {
        let start = self.path_at?;
        let found = shaped.nodes().iter().find(|step| {
            let with_sample = shaped.changes(step.output) == Change::WithSample;
            with_sample && self.value(step.output).name == name
        });
        found.map(|_| GraphError::BeforePath {
            name: name.to_string(),
            path_at: self.value(start).name.clone(),
        })
    }

    /// Values that depend on one, without itself.
    fn depending_on(&self, value: ValueId) -> HashSet<ValueId> {
        let mut depending = HashSet::new();
        for node in &self.nodes {
            let mut inputs = node.inputs.iter().flatten();
            if inputs.any(|id| *id == value || depending.contains(id)) {
                depending.extend(node.outputs.iter().flatten().copied());
            }
        }
        depending.remove(&value);
        depending
    }
}
