//! What can keep the engine from running a graph.

use infoplane_graph::GraphError;

/// An error of planning or running a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The graph itself is at fault.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// An operator in a form that has no kernel.
    #[error("operator {operator} is not supported here: {detail}")]
    Unsupported {
        /// Operator name.
        operator: &'static str,
        /// What about it.
        detail: String,
    },
    /// A request that does not fit the plan.
    #[error("{0}")]
    Request(String),
}

impl EngineError {
    pub(crate) fn unsupported(operator: &'static str, detail: impl Into<String>) -> EngineError {
        EngineError::Unsupported {
            operator,
            detail: detail.into(),
        }
    }
}
