//! What can be wrong with a pickle.

/// Why a pickle can't be read. The messages continue "cannot use FILE: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PickleProblem {
    /// It stops in the middle, or contradicts itself.
    #[error("its pickle {0}")]
    Damaged(String),
    /// It is valid but newer than what is read.
    #[error("its pickle has the protocol {0}; 0 to 5 are read")]
    Protocol(u8),
    /// It names something that is not on the allow-list.
    #[error("its pickle names `{0}`, which such a file has no need of; nothing was executed")]
    ForbiddenGlobal(String),
    /// It uses an opcode that is not on the allow-list.
    #[error(
        "its pickle uses the opcode {opcode:#04x} at byte {position}, which such a file has no need of; nothing was executed"
    )]
    ForbiddenOpcode {
        /// The opcode.
        opcode: u8,
        /// Its place in the pickle.
        position: usize,
    },
}
