//! What can be wrong with a model.

use std::fmt;
use std::path::PathBuf;

use crate::torchvision::Misfit;
use crate::weights::WeightsProblem;

/// An error of reading or understanding a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The file could not be read.
    #[error("cannot read the model {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file is not an ONNX model.
    #[error("{} is not an ONNX model: {reason}", path.display())]
    NotOnnx {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// The file stops in the middle, or is damaged.
    #[error("the ONNX model {} is truncated or damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// Weights are stored outside the model and can't be had.
    #[error(
        "the weights of `{tensor}` are stored outside the model, in {}, which {reason}; put the file beside the model",
        file.display()
    )]
    ExternalData {
        /// The tensor.
        tensor: String,
        /// The file that should hold it.
        file: PathBuf,
        /// What is wrong with that file.
        reason: String,
    },
    /// A file of weights could not be read.
    #[error("cannot read the weights {}: {source}", path.display())]
    WeightsIo {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file of weights can't be used.
    #[error("cannot use the weights {}: {problem}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: WeightsProblem,
    },
    /// Weights don't fit the architecture.
    #[error(
        "the weights {} don't fit {}: {misfit}",
        path.display(),
        misfit.architecture
    )]
    WeightsMismatch {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        misfit: Box<Misfit>,
    },
    /// No architecture has this name.
    #[error(
        "there is no architecture `{name}`{}; there are {families}. A network of another kind is given as an .onnx file",
        meant(suggestions)
    )]
    UnknownArchitecture {
        /// The name that was given.
        name: String,
        /// The nearest names there are.
        suggestions: Vec<String>,
        /// All names, by family.
        families: String,
    },
    /// The model uses operators, attributes or types that infoplane does not have.
    #[error("{}", list_unsupported(.0))]
    Unsupported(Vec<UnsupportedNode>),
    /// The model contradicts itself.
    #[error("the model is not valid at node `{node}` ({operator}): {reason}")]
    InvalidNode {
        /// Node name.
        node: String,
        /// Operator.
        operator: String,
        /// What is wrong.
        reason: String,
    },
    /// The model as a whole can't be analysed.
    #[error("the model can't be analysed: {0}")]
    InvalidModel(String),
    /// Samples don't have the shape the network takes.
    #[error(
        "input shape and data shape disagree: the network's input `{input}` takes {expected} for one sample, the data has {actual:?}"
    )]
    InputShape {
        /// Input name.
        input: String,
        /// Dimensions without the batch; names where they are free.
        expected: String,
        /// The data's dimensions without the batch.
        actual: Vec<usize>,
    },
    /// A sample of token ids holds something else.
    #[error(
        "the network's input `{input}` is token ids, rows of the table `{table}`: whole numbers from 0 to {}, but a sample has {found} at position {position}",
        rows.saturating_sub(1)
    )]
    NoToken {
        /// Input name.
        input: String,
        /// Name of the table.
        table: String,
        /// Its rows.
        rows: usize,
        /// Where in the sample, counted from 0.
        position: usize,
        /// What is there.
        found: f32,
    },
    /// Two names of one layer were asked for.
    #[error("`{first}` and `{second}` are the same layer; name it once")]
    SameLayer {
        /// The name that was given first.
        first: String,
        /// The other name.
        second: String,
    },
    /// The path can't run at a value.
    #[error("the path can't run at `{name}`: {reason}")]
    PathAt {
        /// The value that was asked for.
        name: String,
        /// Why not.
        reason: String,
    },
    /// A layer was asked for that does not change along the path.
    #[error(
        "`{name}` does not depend on `{path_at}`, where the path runs: it stays the same along the path and can't be analysed"
    )]
    BeforePath {
        /// The layer.
        name: String,
        /// The value in whose space the path runs.
        path_at: String,
    },
    /// A layer that does not exist was asked for.
    #[error("the model has no layer `{name}`{}", suggest(suggestions))]
    UnknownLayer {
        /// The name that was given.
        name: String,
        /// The nearest names there are.
        suggestions: Vec<String>,
    },
}

/// One node that infoplane can't run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedNode {
    /// Node name.
    pub node: String,
    /// Operator, with its domain where it is not ONNX's own.
    pub operator: String,
    /// What about it: the attribute and its value, or empty for the operator as a whole.
    pub detail: String,
}

impl fmt::Display for UnsupportedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node `{}`: operator {}", self.node, self.operator)?;
        if !self.detail.is_empty() {
            write!(f, ", {}", self.detail)?;
        }
        Ok(())
    }
}

fn list_unsupported(nodes: &[UnsupportedNode]) -> String {
    let mut text = format!(
        "the model needs {} thing{} that infoplane does not support:",
        nodes.len(),
        if nodes.len() == 1 { "" } else { "s" }
    );
    for node in nodes {
        text.push_str(&format!("\n  {node}"));
    }
    text
}

fn meant(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!(" (nearest: `{}`)", names.join("`, `"))
}

fn suggest(names: &[String]) -> String {
    if names.is_empty() {
        return "; `infoplane layers MODEL --all` lists them".to_string();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "; the nearest are {}. `infoplane layers MODEL --all` lists them",
        quoted.join(", ")
    )
}
