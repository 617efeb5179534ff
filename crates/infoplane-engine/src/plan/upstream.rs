//! What comes before a path in the space of an inner value: it runs once a sample, as a plan of its own.

use infoplane_graph::{Graph, ShapedGraph, ValueId};

use super::compile::Compiler;
use super::fuse::Fusion;
use super::{Plan, TensorId};
use crate::error::EngineError;
use crate::ops::conv::ConvOptions;

/// The plan for one sample, whose output is the value in whose space the path runs.
pub(super) struct Upstream {
    pub plan: Box<Plan>,
    pub beside: Vec<Beside>,
}

/// A value beside the path, which keeps the sample's content along it.
pub(super) struct Beside {
    /// In [`Upstream::plan`].
    pub source: TensorId,
    /// In the plan of the path.
    pub target: TensorId,
}

impl Upstream {
    /// The part of a network before the path of `plan`, with the values `beside` it that `plan` reads;
    /// `None` where the path runs in the input's space.
    pub fn compile(
        graph: &Graph,
        shaped: &ShapedGraph,
        plan: &Plan,
        beside: &[(ValueId, TensorId)],
        conv: ConvOptions,
    ) -> Result<Option<Upstream>, EngineError> {
        let Some(before) = graph.before_path_start() else {
            return Ok(None);
        };
        let sample_shape = shaped.shape(graph.input()).get(1..).unwrap_or_default();
        let single = before.specialize(sample_shape, 1)?;
        let mut compiler = Compiler::new(&before, &single, conv);
        let values: Vec<ValueId> = beside.iter().map(|(value, _)| *value).collect();
        let fusion = Fusion::of(&before, &single, &values);
        for (index, node) in single.nodes().iter().enumerate() {
            compiler.add(index, node, &fusion)?;
        }
        let (upstream, sources) = compiler.finish_forward(&values)?;
        let beside: Vec<Beside> = sources
            .into_iter()
            .zip(beside)
            .map(|(source, &(_, target))| Beside { source, target })
            .collect();
        let fits = |row: usize, rows: usize| rows == row * plan.batch;
        let misfit = beside
            .iter()
            .position(|value| !fits(upstream.lens[value.source.0], plan.lens[value.target.0]));
        if let Some(index) = misfit {
            return Err(EngineError::Request(format!(
                "the value `{}`, which stands beside the path at `{}`, has no row for each sample",
                graph.value(values[index]).name,
                graph.value(graph.path_start()).name,
            )));
        }
        Ok(Some(Upstream {
            plan: Box::new(upstream),
            beside,
        }))
    }
}
