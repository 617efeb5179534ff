//! The bytes of a weight file: mapped, not copied.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;

use memmap2::Mmap;

/// The bytes of a file, or bytes in memory. They never change.
pub struct Blob(Inner);

enum Inner {
    File { file: File, map: Mmap },
    Memory(Vec<u8>),
}

/// Bytes that are taken from a file at a time where all of them are needed once.
const CHUNK: usize = 1 << 20;

impl Blob {
    /// Maps a file. Nothing is read before it is looked at.
    pub fn open(path: &Path) -> io::Result<Blob> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if metadata.len() == 0 {
            return Ok(Blob::from(Vec::new()));
        }
        let map = map(&file)?;
        Ok(Blob(Inner::File { file, map }))
    }

    /// Passes a range to `take`, piece by piece, without keeping its pages in memory: each piece's
    /// length is a multiple of `unit`, except that of the last one.
    ///
    /// # Errors
    /// Where the file can't be read, or ends before the range.
    pub fn for_each_chunk(
        &self,
        range: Range<usize>,
        unit: usize,
        mut take: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let whole = self.get(range.clone()).ok_or_else(ended)?;
        let Some(file) = self.file_to_read() else {
            take(whole);
            return Ok(());
        };
        let step = (CHUNK / unit.max(1)).max(1) * unit.max(1);
        let mut buffer = vec![0; step.min(range.len())];
        let mut position = range.start;
        while position < range.end {
            let chunk = &mut buffer[..step.min(range.end - position)];
            read_at(file, chunk, position as u64)?;
            take(chunk);
            position += chunk.len();
        }
        Ok(())
    }

    /// Lets go of the pages of a mapped file: they no longer count as memory of this process, and are
    /// mapped again where someone looks at them. For when what was read has been copied elsewhere.
    pub fn release_pages(&self) {
        #[cfg(unix)]
        if let Inner::File { map, .. } = &self.0 {
            // SAFETY: the map is shared with nobody who writes to it and was never written to, so that
            // its pages come back with the same content, that of the file.
            #[allow(unsafe_code)]
            let released = unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
            // Advice: without it nothing but memory is lost.
            let _ = released;
        }
    }

    /// The file, where there is one and threads can read it at once.
    fn file_to_read(&self) -> Option<&File> {
        match &self.0 {
            Inner::File { file, .. } if cfg!(unix) => Some(file),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob of {} bytes", self.len())
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Blob {
        Blob(Inner::Memory(bytes))
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::File { map, .. } => map,
            Inner::Memory(bytes) => bytes,
        }
    }
}

fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is read-only and private to this process, and is only read as bytes and floats,
    // for which every content is valid. What is left to the user is not to overwrite or truncate the
    // file while it is in use, as with every program that maps its input.
    #[allow(unsafe_code)]
    unsafe {
        Mmap::map(file)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_file_is_its_bytes_and_chunks_make_up_a_range() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let bytes: Vec<u8> = (0..3 * CHUNK + 12345).map(|i| (i % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let blob = Blob::open(&path).unwrap();
        assert!(blob[..] == bytes[..]);
        blob.release_pages();
        assert!(blob[..] == bytes[..]);
        for (range, unit) in [(0..bytes.len(), 1), (5..2 * CHUNK + 2, 3), (9..9, 4)] {
            let mut collected = Vec::new();
            blob.for_each_chunk(range.clone(), unit, |chunk| {
                assert!(chunk.len() % unit == 0 || collected.len() + chunk.len() == range.len());
                collected.extend_from_slice(chunk);
            })
            .unwrap();
            assert!(collected == bytes[range]);
        }
        let beyond = 0..blob.len() + 1;
        assert!(blob.for_each_chunk(beyond, 1, |_| {}).is_err());
    }

    #[test]
    fn an_empty_file_is_no_bytes_and_a_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        std::fs::write(&path, "").unwrap();
        assert!(Blob::open(&path).unwrap().is_empty());
        assert!(Blob::open(folder.path()).is_err());
    }
}
