//! Constant tensors: weights, and the integers of shape arithmetic.

use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::weights::Blob;

/// A constant with its shape, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: TensorData,
}

/// The elements of a [`Tensor`].
///
/// Narrower and wider types of a file are converted when it is read: every float becomes `f32`,
/// every integer `i64`.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// Floating-point elements.
    F32(Floats),
    /// Integer elements.
    I64(Vec<i64>),
    /// Truth values.
    Bool(Vec<bool>),
}

impl Tensor {
    /// A tensor of `shape`; `None` where the number of elements does not fit the shape.
    pub fn new(shape: Vec<usize>, data: TensorData) -> Option<Tensor> {
        let n_elements = shape
            .iter()
            .try_fold(1usize, |product, &dim| product.checked_mul(dim))?;
        (n_elements == data.len()).then_some(Tensor { shape, data })
    }

    /// A one-dimensional integer tensor.
    pub fn from_integers(values: Vec<i64>) -> Tensor {
        Tensor {
            shape: vec![values.len()],
            data: TensorData::I64(values),
        }
    }

    /// The dimensions; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in row-major order.
    pub fn data(&self) -> &TensorData {
        &self.data
    }

    /// The elements, where they are floats.
    pub fn floats(&self) -> Option<&[f32]> {
        match &self.data {
            TensorData::F32(values) => Some(values),
            _ => None,
        }
    }

    /// The elements, where they are integers.
    pub fn integers(&self) -> Option<&[i64]> {
        match &self.data {
            TensorData::I64(values) => Some(values),
            _ => None,
        }
    }

    /// The same elements under another shape; `None` where the counts differ.
    pub fn reshaped(&self, shape: Vec<usize>) -> Option<Tensor> {
        Tensor::new(shape, self.data.clone())
    }
}

/// Floats in memory of their own, or where they lie in a weight file. A clone shares them.
#[derive(Clone)]
pub struct Floats(Storage);

#[derive(Clone)]
enum Storage {
    Owned(Arc<Vec<f32>>),
    /// Bytes of the blob that hold whole, aligned floats.
    Borrowed(Arc<Blob>, Range<usize>),
}

impl Floats {
    /// The floats that lie in `bytes` of a weight file, without a copy; `None` where they are not
    /// aligned, not whole, or of another byte order than the machine's.
    pub(crate) fn borrowed(blob: &Arc<Blob>, bytes: Range<usize>) -> Option<Floats> {
        let fits = cfg!(target_endian = "little")
            && bytemuck::try_cast_slice::<u8, f32>(blob.get(bytes.clone())?).is_ok();
        fits.then(|| Floats(Storage::Borrowed(Arc::clone(blob), bytes)))
    }
}

impl Deref for Floats {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &self.0 {
            Storage::Owned(values) => values,
            // `borrowed` has made this cast before, and a blob neither moves nor changes its length.
            Storage::Borrowed(blob, bytes) => bytemuck::cast_slice(&blob[bytes.clone()]),
        }
    }
}

impl From<Vec<f32>> for Floats {
    fn from(values: Vec<f32>) -> Floats {
        Floats(Storage::Owned(Arc::new(values)))
    }
}

impl<'a> IntoIterator for &'a Floats {
    type Item = &'a f32;
    type IntoIter = std::slice::Iter<'a, f32>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<f32> for Floats {
    fn from_iter<T: IntoIterator<Item = f32>>(values: T) -> Floats {
        Floats::from(Vec::from_iter(values))
    }
}

impl PartialEq for Floats {
    fn eq(&self, other: &Floats) -> bool {
        self[..] == other[..]
    }
}

impl std::fmt::Debug for Floats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self[..].fmt(f)
    }
}

impl TensorData {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            TensorData::F32(values) => values.len(),
            TensorData::I64(values) => values.len(),
            TensorData::Bool(values) => values.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            TensorData::F32(_) => "float",
            TensorData::I64(_) => "integer",
            TensorData::Bool(_) => "bool",
        }
    }
}
