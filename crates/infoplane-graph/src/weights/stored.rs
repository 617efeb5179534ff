//! A tensor where it lies in a weight file, and its conversion to `f32`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::Blob;
use super::problem::WeightsProblem;
use crate::tensor::Floats;

/// The type of a stored element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Element {
    F16,
    Bf16,
    F32,
    F64,
    /// One that no weight of a network has: its name and its size in bytes.
    Other(Cow<'static, str>, usize),
}

impl Element {
    /// Bytes of one element.
    pub fn size(&self) -> usize {
        match self {
            Element::F16 | Element::Bf16 => 2,
            Element::F32 => 4,
            Element::F64 => 8,
            Element::Other(_, size) => *size,
        }
    }
}

/// A tensor in a file: a view of a storage, checked to lie inside it.
#[derive(Debug, Clone)]
pub(crate) struct StoredTensor {
    element: Element,
    shape: Vec<usize>,
    /// Steps in elements.
    strides: Vec<usize>,
    /// Bytes of the blob, from the first element on.
    bytes: Range<usize>,
}

impl StoredTensor {
    /// A row-major tensor that fills `bytes`.
    pub fn contiguous(
        element: Element,
        shape: Vec<usize>,
        bytes: Range<usize>,
    ) -> Result<StoredTensor, String> {
        let strides = row_major(&shape).ok_or_else(|| impossible(&shape))?;
        StoredTensor::view(element, shape, strides, 0, bytes)
    }

    /// A view that starts `offset` elements into the storage `bytes`.
    pub fn view(
        element: Element,
        shape: Vec<usize>,
        strides: Vec<usize>,
        offset: usize,
        bytes: Range<usize>,
    ) -> Result<StoredTensor, String> {
        if shape.len() != strides.len() {
            return Err(format!(
                "has the shape {shape:?} but the strides {strides:?}"
            ));
        }
        let n_elements = count(&shape).ok_or_else(|| impossible(&shape))?;
        let available = bytes.len() / element.size();
        let needed = last_element(&shape, &strides)
            .and_then(|last| last.checked_add(offset))
            .and_then(|last| last.checked_add(1))
            .ok_or_else(|| impossible(&shape))?;
        if n_elements > 0 && needed > available {
            return Err(format!(
                "of shape {shape:?} reaches to element {needed} of a storage that holds {available}"
            ));
        }
        // An expanded tensor repeats elements; one larger than its storage would be a way to ask for
        // any amount of memory.
        if n_elements > available {
            return Err(format!(
                "of shape {shape:?} has more elements than its storage, which holds {available}"
            ));
        }
        // Within the storage, as was checked, except for an empty tensor.
        let start = bytes.start + offset.min(available) * element.size();
        Ok(StoredTensor {
            element,
            shape,
            strides,
            bytes: start..bytes.end,
        })
    }

    /// The dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements as `f32`, row-major: where they lie if that is what they are already, else
    /// converted.
    pub fn read(&self, blob: &Arc<Blob>) -> Result<Floats, WeightsProblem> {
        match &self.element {
            Element::F32 => self.read_f32(blob),
            Element::F16 => self.convert(blob, |b| half::f16::from_le_bytes(b).to_f32()),
            Element::Bf16 => self.convert(blob, |b| half::bf16::from_le_bytes(b).to_f32()),
            Element::F64 => self.convert(blob, |b| f64::from_le_bytes(b) as f32),
            Element::Other(name, _) => Err(WeightsProblem::Unsupported(format!(
                "it is stored as {name}; float32, float64, float16 and bfloat16 are read"
            ))),
        }
    }

    fn read_f32(&self, blob: &Arc<Blob>) -> Result<Floats, WeightsProblem> {
        if self.is_contiguous()
            && let Some(floats) = Floats::borrowed(blob, self.own_bytes())
        {
            return Ok(floats);
        }
        self.convert(blob, f32::from_le_bytes)
    }

    fn convert<const N: usize>(
        &self,
        blob: &Arc<Blob>,
        to_f32: impl Fn([u8; N]) -> f32,
    ) -> Result<Floats, WeightsProblem> {
        let mut values = Vec::with_capacity(self.n_elements());
        let element = |chunk: &[u8]| {
            let mut bytes = [0; N];
            bytes.copy_from_slice(chunk);
            to_f32(bytes)
        };
        if self.is_contiguous() {
            blob.for_each_chunk(self.own_bytes(), N, |chunk| {
                values.extend(chunk.chunks_exact(N).map(element));
            })
            .map_err(|error| WeightsProblem::Damaged(format!("it can't be read ({error})")))?;
        } else {
            let bytes = &blob[self.bytes.clone()];
            for_each_index(&self.shape, &self.strides, |index| {
                values.push(element(&bytes[index * N..(index + 1) * N]));
            });
        }
        Ok(Floats::from(values))
    }

    fn n_elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Where a contiguous tensor's elements lie.
    fn own_bytes(&self) -> Range<usize> {
        let start = self.bytes.start;
        start..start + self.n_elements() * self.element.size()
    }

    fn is_contiguous(&self) -> bool {
        let mut step = 1;
        let dims = self.shape.iter().zip(&self.strides).rev();
        self.n_elements() == 0
            || dims.into_iter().all(|(&size, &stride)| {
                let fits = size == 1 || stride == step;
                step *= size;
                fits
            })
    }
}

fn impossible(shape: &[usize]) -> String {
    format!("has the impossible shape {shape:?}")
}

fn count(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1usize, |product, &dim| product.checked_mul(dim))
}

/// Steps of a row-major tensor, where they can be counted.
pub(crate) fn row_major(shape: &[usize]) -> Option<Vec<usize>> {
    let mut strides = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].checked_mul(shape[axis])?;
    }
    Some(strides)
}

/// Index of the element farthest from the first; 0 for an empty tensor.
fn last_element(shape: &[usize], strides: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape
        .iter()
        .zip(strides)
        .try_fold(0usize, |last, (&size, &stride)| {
            last.checked_add((size - 1).checked_mul(stride)?)
        })
}

/// The storage indices of a view's elements in row-major order.
fn for_each_index(shape: &[usize], strides: &[usize], mut visit: impl FnMut(usize)) {
    let (Some((&inner, outer)), Some((&step, outer_strides))) =
        (shape.split_last(), strides.split_last())
    else {
        return visit(0);
    };
    let n_runs: usize = outer.iter().product();
    let mut at = vec![0; outer.len()];
    for _ in 0..n_runs {
        let base: usize = at.iter().zip(outer_strides).map(|(i, s)| i * s).sum();
        for i in 0..inner {
            visit(base + i * step);
        }
        for (i, &size) in at.iter_mut().zip(outer).rev() {
            *i += 1;
            if *i < size {
                break;
            }
            *i = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(values: impl IntoIterator<Item = f32>) -> Arc<Blob> {
        let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        Arc::new(Blob::from(bytes))
    }

    fn read(
        blob: &Arc<Blob>,
        shape: &[usize],
        strides: &[usize],
        offset: usize,
    ) -> Result<Vec<f32>, String> {
        let whole = 0..blob.len();
        StoredTensor::view(
            Element::F32,
            shape.to_vec(),
            strides.to_vec(),
            offset,
            whole,
        )
        .map(|tensor| tensor.read(blob).unwrap().to_vec())
    }

    #[test]
    fn views_are_read_by_their_strides_and_offset() {
        let ten = blob((0..10).map(|i| i as f32));
        assert_eq!(
            read(&ten, &[2, 3], &[3, 1], 2),
            Ok(vec![2., 3., 4., 5., 6., 7.])
        );
        assert_eq!(
            read(&ten, &[3, 2], &[1, 3], 1),
            Ok(vec![1., 4., 2., 5., 3., 6.])
        );
        assert_eq!(read(&ten, &[2, 2], &[4, 0], 1), Ok(vec![1., 1., 5., 5.]));
        assert_eq!(read(&ten, &[], &[], 9), Ok(vec![9.]));
        assert_eq!(read(&ten, &[0, 3], &[3, 1], 40), Ok(vec![]));
    }

    #[test]
    fn a_view_beyond_its_storage_is_refused_however_large() {
        let ten = blob((0..10).map(|i| i as f32));
        for (shape, strides, offset) in [
            (vec![11], vec![1], 0),
            (vec![5], vec![2], 2),
            (vec![1], vec![1], 10),
            (vec![1], vec![1], usize::MAX),
            (vec![usize::MAX, 2], vec![1, 1], 0),
            (vec![2], vec![usize::MAX], 1),
            (vec![1 << 40], vec![0], 0),
            (vec![2, 2], vec![1], 0),
        ] {
            assert!(read(&ten, &shape, &strides, offset).is_err(), "{shape:?}");
        }
    }

    #[test]
    fn aligned_floats_are_borrowed_and_others_are_copied() {
        let bytes: Vec<u8> = (0..4).flat_map(|i| (i as f32).to_le_bytes()).collect();
        let shifted: Vec<u8> = [0].into_iter().chain(bytes.iter().copied()).collect();
        let aligned = Arc::new(Blob::from(bytes));
        let tensor = StoredTensor::contiguous(Element::F32, vec![4], 0..16).unwrap();
        let floats = tensor.read(&aligned).unwrap();
        assert_eq!(floats.as_ptr().cast::<u8>(), aligned.as_ptr());

        let unaligned = Arc::new(Blob::from(shifted));
        let tensor = StoredTensor::contiguous(Element::F32, vec![4], 1..17).unwrap();
        let copied = tensor.read(&unaligned).unwrap();
        assert_eq!(copied[..], [0., 1., 2., 3.]);
        assert_eq!(copied, floats);
    }

    #[test]
    fn other_floats_are_converted_and_integers_refused() {
        let half: Vec<u8> = [1.5f32, -0.25]
            .iter()
            .flat_map(|&v| half::f16::from_f32(v).to_le_bytes())
            .collect();
        let double: Vec<u8> = [1e-3f64, 7.0]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let read = |element: Element, bytes: Vec<u8>| {
            let n = bytes.len() / element.size();
            let tensor = StoredTensor::contiguous(element, vec![n], 0..bytes.len()).unwrap();
            tensor.read(&Arc::new(Blob::from(bytes)))
        };
        assert_eq!(read(Element::F16, half).unwrap()[..], [1.5, -0.25]);
        assert_eq!(read(Element::Bf16, vec![0xC0, 0x3F]).unwrap()[..], [1.5]);
        assert_eq!(read(Element::F64, double).unwrap()[..], [1e-3, 7.0]);
        let problem = read(Element::Other("int64".into(), 8), vec![0; 8]).unwrap_err();
        assert!(problem.to_string().contains("int64"), "{problem}");
    }
}
