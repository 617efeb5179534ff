//! Networks whose input is token ids: rows of a constant table.

use crate::error::GraphError;
use crate::graph::{Graph, ValueId};
use crate::operation::Operation;
use crate::shaped::ShapedGraph;

impl ShapedGraph {
    /// The smallest table that the network's input, as it is or under another shape, names rows of, with
    /// its number of rows; `None` where the input is no token ids.
    pub fn token_table(&self, graph: &Graph) -> Option<(ValueId, usize)> {
        let mut is_input = vec![false; graph.values().len()];
        is_input[graph.input().index()] = true;
        let mut smallest: Option<(ValueId, usize)> = None;
        for step in self.nodes() {
            match (&step.operation, step.operands.as_slice()) {
                (Operation::Reshape, [operand]) if is_input[operand.index()] => {
                    is_input[step.output.index()] = true;
                }
                (Operation::Lookup, &[table, ids]) if is_input[ids.index()] => {
                    let rows = self.shape(table).first().copied().unwrap_or(0);
                    if smallest.is_none_or(|(_, fewest)| rows < fewest) {
                        smallest = Some((table, rows));
                    }
                }
                _ => {}
            }
        }
        smallest
    }

    /// Checks that a sample's elements are rows of the table, where the network's input is token ids:
    /// whole numbers from 0, or negative ones counted from the end.
    pub fn check_tokens(&self, graph: &Graph, sample: &[f32]) -> Result<(), GraphError> {
        let Some((table, rows)) = self.token_table(graph) else {
            return Ok(());
        };
        let limits = -(rows as f32)..rows as f32;
        let outside = |&number: &f32| number.fract() != 0.0 || !limits.contains(&number);
        match sample.iter().position(outside) {
            None => Ok(()),
            Some(position) => Err(GraphError::NoToken {
                input: graph.value(graph.input()).name.clone(),
                table: graph.value(table).name.clone(),
                rows,
                position,
                found: sample[position],
            }),
        }
    }
}
