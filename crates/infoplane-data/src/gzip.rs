//! Files that may be compressed with gzip.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::DataError;

/// Most bytes that a compressed file is unpacked to, in memory.
pub(crate) const MAX_UNPACKED: u64 = 4 << 30;

/// What gzip files begin with.
const MAGIC: [u8; 2] = [0x1F, 0x8B];

/// Whether a file is compressed.
pub(crate) fn is_compressed(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

/// A file's bytes, unpacked where it is compressed, one by one as they are read.
pub(crate) fn reader(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let open = || File::open(path).map_err(|error| DataError::io(path, error));
    let mut start = Vec::new();
    open()?
        .take(MAGIC.len() as u64)
        .read_to_end(&mut start)
        .map_err(|error| DataError::io(path, error))?;
    let file = BufReader::new(open()?);
    Ok(match is_compressed(&start) {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    })
}

/// The first `n` bytes, or those that can be read where there are fewer.
pub(crate) fn head(path: &Path, n: u64) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    // What is wrong with a compressed file is said by its reader; what came before is in the buffer.
    let _ = reader(path)?.take(n).read_to_end(&mut bytes);
    Ok(bytes)
}

/// All bytes. Memory is taken as they arrive.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let mut limited = reader(path)?.take(MAX_UNPACKED + 1);
    limited
        .read_to_end(&mut bytes)
        .map_err(|error| DataError::malformed(path, error.to_string()))?;
    if bytes.len() as u64 > MAX_UNPACKED {
        return Err(DataError::malformed(
            path,
            format!(
                "more than {MAX_UNPACKED} bytes; that much is not held in memory, so unpack it first"
            ),
        ));
    }
    Ok(bytes)
}
