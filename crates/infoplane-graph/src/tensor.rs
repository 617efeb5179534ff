//! Constant tensors: weights, and the integers of shape arithmetic.

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
    F32(Vec<f32>),
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
