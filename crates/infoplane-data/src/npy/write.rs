//! Writing `.npz` archives.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A number that an array may hold.
pub trait Element: Copy {
    /// Its type as a `.npy` header has it.
    const DESCR: &'static str;

    /// Appends its bytes, the lowest first.
    fn write(self, bytes: &mut Vec<u8>);
}

impl Element for f32 {
    const DESCR: &'static str = "<f4";

    fn write(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
}

impl Element for i64 {
    const DESCR: &'static str = "<i8";

    fn write(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
}

/// An `.npz` archive in memory, uncompressed: a function of its arrays alone.
pub struct NpzWriter {
    archive: ZipWriter<Cursor<Vec<u8>>>,
}

impl Default for NpzWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl NpzWriter {
    /// An empty archive.
    pub fn new() -> Self {
        Self {
            archive: ZipWriter::new(Cursor::new(Vec::new())),
        }
    }

    /// Adds the array `name` of these elements, row-major.
    ///
    /// # Errors
    /// A name that is there already.
    ///
    /// # Panics
    /// Where the elements are not as many as the shape has.
    pub fn add<T: Element>(
        &mut self,
        name: &str,
        shape: &[usize],
        elements: &[T],
    ) -> std::io::Result<()> {
        assert_eq!(shape.iter().product::<usize>(), elements.len(), "{name}");
        let mut bytes = header(T::DESCR, shape);
        bytes.reserve(size_of_val(elements));
        for &element in elements {
            element.write(&mut bytes);
        }
        // Sizes beyond 4 GiB need the wide form of a member.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(bytes.len() >= 1 << 31);
        self.archive.start_file(format!("{name}.npy"), options)?;
        self.archive.write_all(&bytes)
    }

    /// The archive's bytes.
    ///
    /// # Errors
    /// More arrays than an archive can hold.
    pub fn finish(self) -> std::io::Result<Vec<u8>> {
        Ok(self.archive.finish()?.into_inner())
    }
}

/// A `.npy` header of format 1.0, or 2.0 where it is long, padded so that elements begin at a multiple
/// of 64 bytes.
fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let lengths: String = shape.iter().map(|length| format!("{length}, ")).collect();
    let shape = match shape {
        [_] => lengths.trim_end().to_owned(),
        _ => lengths.trim_end_matches(", ").to_owned(),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    let is_short = text.len() < 65_000;
    let start = if is_short { 10 } else { 12 };
    let end = (start + text.len() + 1).next_multiple_of(64);
    text.extend(std::iter::repeat_n(' ', end - start - text.len() - 1));
    text.push('\n');
    let mut bytes = b"\x93NUMPY".to_vec();
    match u16::try_from(text.len()) {
        Ok(length) if is_short => {
            bytes.extend([1, 0]);
            bytes.extend(length.to_le_bytes());
        }
        _ => {
            bytes.extend([2, 0]);
            bytes.extend((text.len() as u32).to_le_bytes());
        }
    }
    bytes.extend(text.bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ndarray::Array;

    use super::*;
    use crate::npy::NpzFile;

    #[test]
    fn arrays_come_back_here_and_elsewhere() {
        let mut writer = NpzWriter::new();
        let numbers = [0.1f32, -2.0, f32::INFINITY, 4.5, 1e-40, 6.0];
        writer.add("conductance/a.b", &[2, 3], &numbers).unwrap();
        writer.add("target", &[3], &[7i64, -1, i64::MAX]).unwrap();
        writer.add("one", &[], &[3.5f32]).unwrap();
        writer.add::<f32>("none", &[0, 4], &[]).unwrap();
        assert!(writer.add("one", &[1], &[1.0f32]).is_err());
        let bytes = writer.finish().unwrap();

        let mut ours = NpzFile::from_reader(Cursor::new(&bytes), Path::new("x.npz")).unwrap();
        assert_eq!(ours.keys(), ["conductance/a.b", "none", "one", "target"]);
        let expected = Array::from_shape_vec(vec![2, 3], numbers.to_vec()).unwrap();
        assert_eq!(ours.read("conductance/a.b").unwrap().to_f32(), expected);
        let target = ours.read("target").unwrap().to_indices().unwrap();
        assert_eq!(target, [7, -1, i64::MAX]);
        assert_eq!(ours.read("none").unwrap().shape(), [0, 4]);

        let mut other = ndarray_npy::NpzReader::new(Cursor::new(&bytes)).unwrap();
        let read: Array<f32, ndarray::Ix2> = other.by_name("conductance/a.b.npy").unwrap();
        assert_eq!(read.into_dyn(), expected);
        let one: Array<f32, ndarray::Ix0> = other.by_name("one.npy").unwrap();
        assert_eq!(one.into_scalar(), 3.5);
        let target: Array<i64, ndarray::Ix1> = other.by_name("target.npy").unwrap();
        assert_eq!(target.to_vec(), [7, -1, i64::MAX]);
    }

    #[test]
    fn elements_begin_at_multiples_of_64_bytes() {
        for shape in [&[][..], &[5], &[1; 40], &[3; 20_000]] {
            let header = header("<f4", shape);
            assert_eq!(header.len() % 64, 0);
            assert_eq!(header.last(), Some(&b'\n'));
        }
    }
}
