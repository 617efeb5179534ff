//! Finds out what a path holds and opens it.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use crate::array::ArrayDataset;
use crate::classes::ClassMap;
use crate::dataset::{ClassIndex, Dataset};
use crate::error::DataError;
use crate::folder;
use crate::inputs::{arrays_of_npz, lower_extension};
use crate::npy::NpzFile;
use crate::parquet_images;
use crate::preprocess::Preprocess;
use crate::selection::Selection;

/// How a data source is read.
#[derive(Debug, Clone, Default)]
pub struct DataOptions {
    /// What is done to images; arrays are taken as they are.
    pub preprocess: Preprocess,
    /// How names of classes become class indices.
    pub class_map: ClassMap,
    /// A list of labels for images that have no class folders.
    pub labels: Option<PathBuf>,
    /// The column of labels, or the kind of label where there are several; the usual names by default.
    pub label_column: Option<String>,
    /// Which samples are kept.
    pub selection: Selection,
    /// The model's input shape without the batch; samples must have it.
    pub expected_shape: Option<Vec<usize>>,
    /// Number of the model's output units; labels must be below it.
    pub n_outputs: Option<usize>,
}

impl DataOptions {
    /// Fails where the options cannot give samples from `path`, whatever it holds.
    fn validate(&self, path: &Path) -> Result<(), DataError> {
        self.preprocess.validate()?;
        self.selection.validate(path)
    }
}

/// Opens an `.npz` archive of already preprocessed arrays that is at hand as a reader; `path` is
/// what it is called.
///
/// # Errors
/// As [`open`] for such a file.
pub fn open_npz<R: Read + Seek>(
    reader: R,
    path: &Path,
    options: &DataOptions,
) -> Result<Box<dyn Dataset>, DataError> {
    options.validate(path)?;
    let arrays = arrays_of_npz(NpzFile::from_reader(reader, path)?)?;
    Ok(Box::new(ArrayDataset::from_arrays(arrays, path, options)?))
}

/// Opens a data source by what it is:
///
/// - a folder with one subfolder of images a class (`.jpg`, `.jpeg`, `.png`, `.bmp`, `.gif`,
///   `.webp`),
/// - a folder of images, without labels,
/// - a Hugging Face image `.parquet` file, or a folder of them,
/// - an already preprocessed array, `.npy`, or `.npz` with the key `input` and optionally `label`.
///
/// Reads names, sizes and labels; images are decoded by [`Dataset::load`].
///
/// # Errors
/// [`DataError`] where the path is missing or of no known form, holds no samples, a class folder is
/// no known class, a label has no output unit, or samples have another shape than
/// [`DataOptions::expected_shape`].
pub fn open(path: &Path, options: &DataOptions) -> Result<Box<dyn Dataset>, DataError> {
    options.validate(path)?;
    let metadata = std::fs::metadata(path).map_err(|error| DataError::io(path, error))?;
    if metadata.is_dir() {
        let parquet_files = parquet_images::files_in(path)?;
        return if parquet_files.is_empty() {
            Ok(Box::new(folder::open(path, options)?))
        } else {
            Ok(Box::new(parquet_images::open(
                path,
                &parquet_files,
                options,
            )?))
        };
    }
    match lower_extension(path).as_str() {
        "npy" | "npz" => Ok(Box::new(ArrayDataset::open(path, options)?)),
        "parquet" => Ok(Box::new(parquet_images::open(
            path,
            &[path.into()],
            options,
        )?)),
        "" => Err(unknown_form(path, "a file without an extension".into())),
        other => Err(unknown_form(path, format!("a .{other} file"))),
    }
}

fn unknown_form(path: &Path, reason: String) -> DataError {
    DataError::UnknownForm {
        path: path.into(),
        reason,
    }
}

/// File or folder name, for people.
pub(crate) fn source_name(path: &Path) -> String {
    let named = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    named.unwrap_or_else(|| path.display().to_string())
}

/// Fails where samples do not fit the model's input.
pub(crate) fn check_shape(
    path: &Path,
    found: &[usize],
    options: &DataOptions,
    preprocessing: &str,
) -> Result<(), DataError> {
    match &options.expected_shape {
        Some(expected) if expected != found => Err(DataError::ShapeMismatch {
            path: path.into(),
            found: found.to_vec(),
            expected: expected.clone(),
            preprocessing: preprocessing.into(),
        }),
        _ => Ok(()),
    }
}

/// Fails where a label has no output unit.
pub(crate) fn check_labels(
    path: &Path,
    ids: &[String],
    labels: &[Option<ClassIndex>],
    options: &DataOptions,
) -> Result<(), DataError> {
    let Some(n_outputs) = options.n_outputs else {
        return Ok(());
    };
    for (id, label) in ids.iter().zip(labels) {
        if let Some(ClassIndex(index)) = *label
            && index >= n_outputs
        {
            return Err(DataError::ClassOutOfRange {
                path: path.into(),
                id: id.clone(),
                index,
                n_outputs,
            });
        }
    }
    Ok(())
}
