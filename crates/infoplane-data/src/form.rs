//! What a path holds.

use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::inputs::lower_extension;
use crate::manifest::ImageTable;
use crate::open::source_name;
use crate::text_table::{TextTable, delimiter};
use crate::{cifar, gzip, idx, parquet_images};

/// Where a tar archive says that it is one.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");
/// The first bytes of pickles: the opcode of the protocol, and the newest.
const PICKLE: (u8, u8) = (0x80, 5);
/// Bytes that tell the form of a file.
const HEAD: u64 = 512;

/// A form of data.
pub(crate) enum Form {
    /// Images, perhaps in class folders.
    Folder,
    /// An archive.
    Tar,
    /// These files.
    ImageParquet(Vec<PathBuf>),
    /// A list of images.
    ImageTable(ImageTable),
    /// This file of images.
    Idx(PathBuf),
    CifarFile,
    CifarFolder,
    /// Features.
    TextTable(TextTable),
    /// Features.
    ParquetTable,
    /// `.npy` or `.npz`.
    Array,
}

impl Form {
    /// By the kind of file, its extension, and what it begins with.
    pub(crate) fn of(path: &Path) -> Result<Self, DataError> {
        let metadata = std::fs::metadata(path).map_err(|error| DataError::io(path, error))?;
        if metadata.is_dir() {
            return Self::of_folder(path);
        }
        if let Some(delimiter) = delimiter(path) {
            return Ok(
                match ImageTable::recognise(TextTable::read(path, delimiter)?) {
                    Ok(images) => Self::ImageTable(images),
                    Err(table) => Self::TextTable(table),
                },
            );
        }
        let extension = lower_extension(path);
        match extension.as_str() {
            "npy" | "npz" => return Ok(Self::Array),
            "parquet" => {
                return Ok(match parquet_images::has_images(path)? {
                    true => Self::ImageParquet(vec![path.into()]),
                    false => Self::ParquetTable,
                });
            }
            "tar" | "tgz" => return Ok(Self::Tar),
            "bin" => return Ok(Self::CifarFile),
            _ => {}
        }
        let head = gzip::head(path, HEAD)?;
        if idx::recognises(&head) {
            return Ok(Self::Idx(path.into()));
        }
        if matches!(head.as_slice(), [first, protocol, ..] if *first == PICKLE.0 && *protocol <= PICKLE.1)
        {
            return Ok(Self::CifarFile);
        }
        let (at, magic) = TAR_MAGIC;
        let says_tar = head.get(at..).is_some_and(|rest| rest.starts_with(magic));
        if says_tar || source_name(path).to_lowercase().ends_with(".tar.gz") {
            return Ok(Self::Tar);
        }
        Err(DataError::UnknownForm {
            path: path.into(),
            reason: match extension.as_str() {
                "" => "a file without an extension".into(),
                other => format!("a .{other} file"),
            },
        })
    }

    fn of_folder(path: &Path) -> Result<Self, DataError> {
        let parquet_files = parquet_images::files_in(path)?;
        if !parquet_files.is_empty() {
            return Ok(Self::ImageParquet(parquet_files));
        }
        if cifar::is_folder(path) {
            return Ok(Self::CifarFolder);
        }
        let mut files = idx::files_in(path)?;
        match files.len() {
            0 => Ok(Self::Folder),
            1 => Ok(Self::Idx(files.remove(0))),
            _ => {
                let names: Vec<String> = files.iter().map(|file| source_name(file)).collect();
                Err(DataError::malformed(
                    path,
                    format!(
                        "several IDX files of images; name one of them: {}",
                        names.join(", ")
                    ),
                ))
            }
        }
    }
}
