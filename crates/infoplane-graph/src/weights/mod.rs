//! Reads files of weights: `.safetensors`, and `.pth` in both of PyTorch's formats.
//!
//! A file is told by its content, mapped, and looked into; tensors are read when they are asked for.

mod blob;
mod pickle;
mod problem;
mod safetensors;
mod state_dict;
mod stored;
mod torch_legacy;
mod torch_zip;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use blob::Blob;
pub use problem::WeightsProblem;

use crate::error::GraphError;
use crate::tensor::{Tensor, TensorData};
use stored::StoredTensor;

/// Prefixes that wrappers of a network put before every name.
const PREFIXES: [&str; 3] = ["module.", "_orig_mod.", "model."];

/// Tensors by name, in a file or in memory.
#[derive(Debug)]
pub struct Weights {
    path: PathBuf,
    blob: Arc<Blob>,
    tensors: BTreeMap<String, Source>,
}

#[derive(Debug)]
enum Source {
    Stored(StoredTensor),
    Ready(Tensor),
}

impl Weights {
    /// Maps a file and finds its tensors.
    ///
    /// # Errors
    /// [`GraphError::WeightsIo`] where the file can't be opened, [`GraphError::Weights`] where it can't be
    /// used.
    pub fn open(path: &Path) -> Result<Weights, GraphError> {
        let blob = Blob::open(path).map_err(|source| GraphError::WeightsIo {
            path: path.to_path_buf(),
            source,
        })?;
        Weights::parse(Arc::new(blob), path)
    }

    /// Finds the tensors of a file's content; `path` is what messages call it.
    ///
    /// # Errors
    /// [`GraphError::Weights`] where the content can't be used.
    pub fn parse(blob: Arc<Blob>, path: &Path) -> Result<Weights, GraphError> {
        let stored = find(&blob).map_err(|problem| GraphError::Weights {
            path: path.to_path_buf(),
            problem,
        })?;
        let tensors = stored
            .into_iter()
            .map(|(name, tensor)| (name, Source::Stored(tensor)))
            .collect();
        Ok(Weights {
            path: path.to_path_buf(),
            blob,
            tensors: without_prefixes(tensors),
        })
    }

    /// Tensors that are in memory; `name` is what messages call them.
    pub fn from_tensors(
        name: impl Into<PathBuf>,
        tensors: impl IntoIterator<Item = (String, Tensor)>,
    ) -> Weights {
        Weights {
            path: name.into(),
            blob: Arc::new(Blob::from(Vec::new())),
            tensors: tensors
                .into_iter()
                .map(|(name, tensor)| (name, Source::Ready(tensor)))
                .collect(),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's bytes.
    pub fn blob(&self) -> &Arc<Blob> {
        &self.blob
    }

    /// The tensors' names, without a prefix that all of them have, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor, where there is one of this name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|source| match source {
            Source::Stored(tensor) => tensor.shape(),
            Source::Ready(tensor) => tensor.shape(),
        })
    }

    /// A tensor's elements as `f32`; borrowed from the mapped file where they lie there as such.
    ///
    /// # Errors
    /// [`GraphError::Weights`] where there is no such tensor or it is not made of floats.
    pub fn read(&self, name: &str) -> Result<Tensor, GraphError> {
        let fail = |problem| GraphError::Weights {
            path: self.path.clone(),
            problem,
        };
        let source = self.tensors.get(name);
        let source = source.ok_or_else(|| fail(WeightsProblem::tensor(name, "is missing")))?;
        let tensor = match source {
            Source::Ready(tensor) => return Ok(tensor.clone()),
            Source::Stored(tensor) => tensor,
        };
        let floats = tensor.read(&self.blob).map_err(|problem| {
            fail(WeightsProblem::tensor(
                name,
                format!("can't be used: {problem}"),
            ))
        })?;
        Tensor::new(tensor.shape().to_vec(), TensorData::F32(floats)).ok_or_else(|| {
            fail(WeightsProblem::tensor(
                name,
                "has another number of elements than its shape",
            ))
        })
    }
}

fn find(bytes: &[u8]) -> Result<BTreeMap<String, StoredTensor>, WeightsProblem> {
    let tensors = if torch_zip::recognises(bytes) {
        torch_zip::read(bytes)?
    } else if torch_legacy::recognises(bytes) {
        torch_legacy::read(bytes)?
    } else if safetensors::recognises(bytes) {
        safetensors::read(bytes)?
    } else {
        let clue = match bytes {
            [] => "the file is empty",
            [0x80, ..] => "it begins as a pickle, but not as one of torch.save",
            _ if bytes.get(257..262) == Some(b"ustar") => {
                "it is a tar archive, as PyTorch wrote before 0.2; load and save it with a newer one"
            }
            _ if bytes.starts_with(b"\x89HDF") => "it is an HDF5 file, as Keras writes",
            _ => "of its first bytes none fits",
        };
        return Err(WeightsProblem::UnknownFormat(clue.to_string()));
    };
    if tensors.is_empty() {
        return Err(WeightsProblem::NoTensors(String::new()));
    }
    Ok(tensors)
}

fn without_prefixes(mut tensors: BTreeMap<String, Source>) -> BTreeMap<String, Source> {
    while let Some(prefix) = PREFIXES
        .iter()
        .find(|prefix| tensors.keys().all(|name| name.starts_with(**prefix)))
        && !tensors.is_empty()
    {
        tensors = tensors
            .into_iter()
            .map(|(name, tensor)| (name[prefix.len()..].to_string(), tensor))
            .collect();
    }
    tensors
}
