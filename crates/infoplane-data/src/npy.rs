//! NumPy arrays: reading `.npy` files and the members of `.npz` archives, and writing such archives.
//!
//! Formats 1.0 to 3.0 of <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
//! The element type is known only when the file is read, so values stay as bytes and are converted
//! on demand. Memory is taken as bytes arrive, never by what a header claims.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use half::f16;
use ndarray::{ArrayD, IxDyn};

use crate::error::DataError;

mod header;
mod write;

use header::Header;
pub use write::{Element, NpzWriter};

/// Element types that can be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// One byte, 0 or 1.
    Bool,
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 64 bits.
    U64,
    /// Signed, 8 bits.
    I8,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// IEEE half.
    F16,
    /// IEEE single.
    F32,
    /// IEEE double.
    F64,
}

impl Dtype {
    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Whether elements are whole numbers.
    pub fn is_integer(self) -> bool {
        !matches!(self, Self::F16 | Self::F32 | Self::F64)
    }
}

/// An array as it was stored, in row-major order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpyArray {
    /// Where it came from, for messages: the file, or archive and member.
    origin: PathBuf,
    shape: Vec<usize>,
    dtype: Dtype,
    big_endian: bool,
    bytes: Vec<u8>,
}

impl NpyArray {
    /// An array of these bytes; `descr` is its element type as a `.npy` header has it. The error is a
    /// reason for a person.
    pub(crate) fn new(
        origin: &Path,
        shape: Vec<usize>,
        descr: &str,
        column_major: bool,
        bytes: Vec<u8>,
    ) -> Result<Self, String> {
        let (dtype, big_endian) = header::parse_descr(descr)?;
        let expected = byte_length(&shape, dtype);
        if expected != Some(bytes.len()) {
            return Err(format!(
                "an array of shape {shape:?} and type {dtype:?} with {} bytes",
                bytes.len()
            ));
        }
        Ok(Self {
            origin: origin.into(),
            bytes: match column_major {
                true => row_major(&bytes, &shape, dtype.size()),
                false => bytes,
            },
            shape,
            dtype,
            big_endian,
        })
    }

    /// The elements' bytes, row-major.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The elements' bytes, row-major.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file it came from, with the archive member where there is one.
    pub fn origin(&self) -> &Path {
        &self.origin
    }

    /// Writes `out.len()` elements from element `start` on as f32; 64-bit values are rounded.
    ///
    /// # Panics
    /// Where the range is not inside the array.
    pub(crate) fn read_f32(&self, start: usize, out: &mut [f32]) {
        let size = self.dtype.size();
        let bytes = &self.bytes[start * size..(start + out.len()) * size];
        for (out, value) in out.iter_mut().zip(self.values(bytes)) {
            *out = match value {
                Value::Whole(value) => value as f32,
                Value::Half(value) => value.to_f32(),
                Value::Single(value) => value,
                Value::Double(value) => value as f32,
            };
        }
    }

    /// All elements as f32; 64-bit values are rounded.
    pub fn to_f32(&self) -> ArrayD<f32> {
        let mut out = ArrayD::zeros(IxDyn(&self.shape));
        if let Some(out) = out.as_slice_mut() {
            self.read_f32(0, out);
        }
        out
    }

    /// All elements as f64.
    pub fn to_f64(&self) -> ArrayD<f64> {
        let mut out = ArrayD::zeros(IxDyn(&self.shape));
        for (out, value) in out.iter_mut().zip(self.values(&self.bytes)) {
            *out = match value {
                Value::Whole(value) => value as f64,
                Value::Half(value) => value.to_f64(),
                Value::Single(value) => f64::from(value),
                Value::Double(value) => value,
            };
        }
        out
    }

    /// The elements of a vector of whole numbers, such as labels; shape `[N]` or `[N, 1]`.
    ///
    /// # Errors
    /// [`DataError::Malformed`] for another shape, a floating-point type, or a value beyond i64.
    pub fn to_indices(&self) -> Result<Vec<i64>, DataError> {
        let malformed = |reason: String| DataError::malformed(&self.origin, reason);
        if !matches!(self.shape.as_slice(), [_] | [_, 1]) {
            let reason = format!("shape {:?}; expected one number a sample", self.shape);
            return Err(malformed(reason));
        }
        self.values(&self.bytes)
            .map(|value| match value {
                Value::Whole(value) => i64::try_from(value)
                    .map_err(|_| malformed(format!("value {value} does not fit 64 signed bits"))),
                _ => Err(malformed(format!(
                    "type {:?}; expected whole numbers",
                    self.dtype
                ))),
            })
            .collect()
    }

    fn values<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = Value> + 'a {
        let (dtype, big_endian) = (self.dtype, self.big_endian);
        bytes.chunks_exact(dtype.size()).map(move |element| {
            let mut little = [0; 8];
            little[..element.len()].copy_from_slice(element);
            if big_endian {
                little[..element.len()].reverse();
            }
            Value::from_bits(dtype, u64::from_le_bytes(little))
        })
    }
}

/// One element.
enum Value {
    Whole(i128),
    Half(f16),
    Single(f32),
    Double(f64),
}

impl Value {
    fn from_bits(dtype: Dtype, bits: u64) -> Self {
        match dtype {
            Dtype::Bool | Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => {
                Self::Whole(i128::from(bits))
            }
            Dtype::I8 => Self::Whole(i128::from(bits as u8 as i8)),
            Dtype::I16 => Self::Whole(i128::from(bits as u16 as i16)),
            Dtype::I32 => Self::Whole(i128::from(bits as u32 as i32)),
            Dtype::I64 => Self::Whole(i128::from(bits as i64)),
            Dtype::F16 => Self::Half(f16::from_bits(bits as u16)),
            Dtype::F32 => Self::Single(f32::from_bits(bits as u32)),
            Dtype::F64 => Self::Double(f64::from_bits(bits)),
        }
    }
}

/// Reads a `.npy` file.
///
/// # Errors
/// [`DataError`] where the file is missing, no `.npy`, truncated, longer than its header says, or
/// of a type that is no number.
pub fn read_npy(path: &Path) -> Result<NpyArray, DataError> {
    let file = File::open(path).map_err(|error| DataError::io(path, error))?;
    read_array(BufReader::new(file), path.to_path_buf())
}

/// The arrays of an `.npz` archive, read one by one.
pub struct NpzFile<R = BufReader<File>> {
    path: PathBuf,
    archive: zip::ZipArchive<R>,
}

impl NpzFile {
    /// Opens an archive; reads only its directory.
    ///
    /// # Errors
    /// [`DataError`] where the file is missing or no zip archive.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|error| DataError::io(path, error))?;
        Self::from_reader(BufReader::new(file), path)
    }
}

impl<R: Read + Seek> NpzFile<R> {
    /// The same from any reader; `path` is for messages.
    ///
    /// # Errors
    /// [`DataError::Malformed`] for what is no zip archive.
    pub fn from_reader(reader: R, path: &Path) -> Result<Self, DataError> {
        let archive = zip::ZipArchive::new(reader)
            .map_err(|error| DataError::malformed(path, format!("not an .npz archive: {error}")))?;
        Ok(Self {
            path: path.to_path_buf(),
            archive,
        })
    }

    /// Names of the arrays, sorted.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self
            .archive
            .file_names()
            .filter_map(|name| name.ok()?.strip_suffix(".npy").map(Into::into))
            .collect();
        keys.sort();
        keys
    }

    /// Reads one array.
    ///
    /// # Errors
    /// [`DataError::MissingKey`] listing the keys that are there; [`DataError::Malformed`] where
    /// the member is broken.
    pub fn read(&mut self, key: &str) -> Result<NpyArray, DataError> {
        match self.read_optional(key)? {
            Some(array) => Ok(array),
            None => Err(DataError::MissingKey {
                path: self.path.clone(),
                key: key.into(),
                present: self.keys(),
            }),
        }
    }

    /// Reads one array, or nothing where there is none of that name.
    ///
    /// # Errors
    /// [`DataError::Malformed`] where the member is broken.
    pub fn read_optional(&mut self, key: &str) -> Result<Option<NpyArray>, DataError> {
        let origin = self.path.join(key);
        match self.archive.by_name(&format!("{key}.npy")) {
            Ok(member) => read_array(member, origin).map(Some),
            Err(zip::result::ZipError::FileNotFound) => Ok(None),
            Err(error) => Err(DataError::malformed(origin, error.to_string())),
        }
    }
}

fn read_array(mut reader: impl Read, origin: PathBuf) -> Result<NpyArray, DataError> {
    let Header {
        dtype,
        big_endian,
        fortran_order,
        shape,
    } = Header::read(&mut reader).map_err(|reason| DataError::malformed(&origin, reason))?;
    let expected = byte_length(&shape, dtype).ok_or_else(|| {
        DataError::malformed(&origin, format!("shape {shape:?} is too large for memory"))
    })?;
    let mut bytes = Vec::new();
    reader
        .take(expected as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| DataError::malformed(&origin, error.to_string()))?;
    if bytes.len() != expected {
        let found = if bytes.len() > expected {
            "more".into()
        } else {
            format!("only {}", bytes.len())
        };
        return Err(DataError::malformed(
            origin,
            format!(
                "the header promises {expected} bytes ({dtype:?}, shape {shape:?}) but there are \
                 {found}"
            ),
        ));
    }
    if fortran_order {
        bytes = row_major(&bytes, &shape, dtype.size());
    }
    Ok(NpyArray {
        origin,
        shape,
        dtype,
        big_endian,
        bytes,
    })
}

/// Bytes of an array, or nothing where no memory could hold it. Empty dimensions count as 1 in that
/// check, as they do for `ndarray`.
fn byte_length(shape: &[usize], dtype: Dtype) -> Option<usize> {
    let largest = shape
        .iter()
        .try_fold(dtype.size().max(8), |size, &length| {
            size.checked_mul(length.max(1))
        })?;
    (largest < isize::MAX as usize).then(|| shape.iter().product::<usize>() * dtype.size())
}

/// Reorders column-major elements.
fn row_major(bytes: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..bytes.len() / size {
        let position = index
            .iter()
            .zip(shape)
            .rev()
            .fold(0, |position, (&i, &length)| position * length + i);
        out.extend_from_slice(&bytes[position * size..(position + 1) * size]);
        for (i, &length) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < length {
                break;
            }
            *i = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests;
