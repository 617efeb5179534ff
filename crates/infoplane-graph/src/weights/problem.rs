//! What can be wrong with a file of weights.

/// Why a weight file can't be used. The messages continue "cannot use the weights FILE: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsProblem {
    /// It is none of the formats that are read.
    #[error("it is neither a .safetensors file nor one that torch.save wrote ({0})")]
    UnknownFormat(String),
    /// It stops in the middle, or contradicts itself.
    #[error("it is truncated or damaged: {0}")]
    Damaged(String),
    /// It is valid but beyond infoplane.
    #[error("{0}")]
    Unsupported(String),
    /// Its pickle names something that a state dict has no need of; nothing in it was executed.
    #[error(
        "its pickle names `{0}`, which is not among what a weight file may hold; nothing was executed. Save the network's state dict instead: torch.save(net.state_dict(), \"weights.pth\")"
    )]
    ForbiddenGlobal(String),
    /// Its pickle uses an opcode that a state dict has no need of.
    #[error(
        "its pickle uses the opcode {opcode:#04x} at byte {position}, which no state dict needs; nothing was executed"
    )]
    ForbiddenOpcode {
        /// The opcode.
        opcode: u8,
        /// Its place in the pickle.
        position: usize,
    },
    /// A tensor does not fit its storage, or can't be read.
    #[error("its tensor `{name}` {reason}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No tensors were found.
    #[error("it holds no tensors by name{}", .0)]
    NoTensors(String),
}

impl WeightsProblem {
    pub(crate) fn damaged(reason: impl Into<String>) -> WeightsProblem {
        WeightsProblem::Damaged(reason.into())
    }

    pub(crate) fn tensor(name: &str, reason: impl Into<String>) -> WeightsProblem {
        WeightsProblem::Tensor {
            name: name.to_string(),
            reason: reason.into(),
        }
    }
}
