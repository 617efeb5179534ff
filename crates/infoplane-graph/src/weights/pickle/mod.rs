//! The pickles of `torch.save`: their names, and the tensors and storages that they describe.

mod globals;
mod rebuild;

use infoplane_pickle::{Pickle, PickleProblem};

use super::problem::WeightsProblem;

pub(super) use globals::StorageKind;
pub(super) use rebuild::{StorageRef, is_tensor, storage, tensor};

/// Reads the pickle that `bytes` begin with.
///
/// # Errors
/// Where it is damaged, or uses an opcode or a name that a state dict has no need of.
pub(super) fn load(bytes: &[u8]) -> Result<Pickle<'_>, WeightsProblem> {
    Ok(infoplane_pickle::load(bytes, globals::is_known)?)
}

impl From<PickleProblem> for WeightsProblem {
    fn from(problem: PickleProblem) -> Self {
        match problem {
            PickleProblem::ForbiddenGlobal(name) => Self::ForbiddenGlobal(name),
            PickleProblem::ForbiddenOpcode { opcode, position } => {
                Self::ForbiddenOpcode { opcode, position }
            }
            PickleProblem::Protocol(_) => Self::Unsupported(problem.to_string()),
            _ => Self::Damaged(problem.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
