//! Checksums inside a part, so that a damaged byte is an error and never a wrong number.
//!
//! Parquet's writer adds none. The footer's key-value metadata therefore holds a checksum of each
//! column's bytes and a SHA-256 of the footer itself, the *seal*, checked before anything in the
//! footer is believed. The seal is computed with its own digits replaced by zeros. Four bytes, the
//! columns and the footer are all there is in a file, so together they vouch for every byte of it.
//! All are checked when a run is opened, and a column's once more when it is read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::StoreError;

/// Key of the seal in the key-value metadata.
pub(crate) const SEAL_KEY: &str = "infoplane.seal";

/// What the seal's digits follow.
const MARK: &[u8] = b"footer sha256 ";

/// Digits of the seal.
const N_DIGITS: usize = 64;

/// A Parquet file ends with the footer's length in four bytes and these.
const MAGIC: &[u8] = b"PAR1";

/// Why a part is not believed.
#[derive(Debug)]
pub(crate) enum SealError {
    /// The file can't be read.
    Io(io::Error),
    /// The file was read, and is not what was written.
    Broken(String),
}

impl SealError {
    /// The same, of the part at `path`.
    pub(crate) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Io(source) => StoreError::io("read", path)(source),
            Self::Broken(reason) => StoreError::DamagedPart {
                path: path.to_owned(),
                reason,
            },
        }
    }
}

impl From<io::Error> for SealError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Value of [`SEAL_KEY`] before [`seal`].
pub(crate) fn blank_seal() -> String {
    format!("{}{}", String::from_utf8_lossy(MARK), "0".repeat(N_DIGITS))
}

/// Fills in the seal of a whole file. `false` where the file has no blank seal.
pub(crate) fn seal(file: &mut [u8]) -> bool {
    let Some(length) = file.last_chunk().and_then(footer_length) else {
        return false;
    };
    let Some(start) = file.len().checked_sub(length) else {
        return false;
    };
    let footer = &mut file[start..];
    let Some(digits) = find_digits(footer) else {
        return false;
    };
    let sum = sha256(footer);
    footer[digits].copy_from_slice(sum.as_bytes());
    true
}

/// Checks a file's seal, and gives back where the footer begins.
pub(crate) fn check_seal(mut file: &File) -> Result<u64, SealError> {
    let cut_short = || SealError::Broken("its end is missing".to_owned());
    let file_length = file.seek(SeekFrom::End(0))?;
    let mut end = [0; 8];
    if file_length < end.len() as u64 {
        return Err(cut_short());
    }
    file.seek(SeekFrom::End(-(end.len() as i64)))?;
    file.read_exact(&mut end)?;
    let length = footer_length(&end).ok_or_else(cut_short)?;
    if length as u64 > file_length {
        return Err(cut_short());
    }
    let mut footer = vec![0; length];
    let start = file_length - length as u64;
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut footer)?;

    let broken = || SealError::Broken("its footer is not as it was written".to_owned());
    let digits = find_digits(&footer).ok_or_else(broken)?;
    let found = footer[digits.clone()].to_vec();
    footer[digits].fill(b'0');
    if found != sha256(&footer).as_bytes() {
        return Err(broken());
    }
    Ok(start)
}

/// Checks that a file begins as every Parquet file does, and gives back where its columns begin.
pub(crate) fn check_start(mut file: &File) -> Result<u64, SealError> {
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(MAGIC.len() as u64).read_to_end(&mut start)?;
    if start != MAGIC {
        return Err(SealError::Broken(
            "its first bytes are not as they were written".to_owned(),
        ));
    }
    Ok(MAGIC.len() as u64)
}

/// Checksum of a column's bytes: the first 16 digits of their SHA-256.
pub(crate) fn column_sum(bytes: &[u8]) -> String {
    let mut sum = sha256(bytes);
    sum.truncate(16);
    sum
}

/// Checks the bytes of a column, `start` and `length` in the file.
pub(crate) fn check_column(
    mut file: &File,
    (start, length): (u64, u64),
    expected: &str,
) -> Result<(), SealError> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(length).read_to_end(&mut bytes)?;
    if column_sum(&bytes) != expected {
        return Err(SealError::Broken(
            "its data are not as they were written".to_owned(),
        ));
    }
    Ok(())
}

/// Length of the footer with the eight bytes that end the file, from those.
fn footer_length(end: &[u8; 8]) -> Option<usize> {
    let (length, magic) = end.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    (magic == MAGIC).then(|| length.checked_add(end.len()))?
}

fn find_digits(footer: &[u8]) -> Option<Range<usize>> {
    let mark = footer.windows(MARK.len()).position(|bytes| bytes == MARK)?;
    let digits = mark + MARK.len()..mark + MARK.len() + N_DIGITS;
    (digits.end <= footer.len()).then_some(digits)
}

/// SHA-256 in sha256.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
