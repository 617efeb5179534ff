//! Finds out what a path holds and opens it.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use crate::array::ArrayDataset;
use crate::classes::ClassMap;
use crate::dataset::{ClassIndex, Dataset};
use crate::error::DataError;
use crate::feature_table::{self, TableOptions};
use crate::form::Form;
use crate::inputs::arrays_of_npz;
use crate::npy::NpzFile;
use crate::preprocess::Preprocess;
use crate::selection::Selection;
use crate::tar::TarFile;
use crate::{cifar, folder, idx, parquet_images};

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
    /// How the columns of a table of features are taken.
    pub table: TableOptions,
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
///   `.webp`), or a tar of one, compressed or not, which is not unpacked to disk,
/// - a folder or tar of images without class folders, with the labels of
///   [`labels`](DataOptions::labels) or none,
/// - a Hugging Face image `.parquet` file, or a folder of them,
/// - a `.csv` or `.tsv` that lists images: a column of paths, and one of labels,
/// - IDX files, as MNIST's: the images of one file, compressed or not, or the only ones of a folder, with the
///   labels beside them,
/// - a batch of CIFAR-10 or CIFAR-100, binary or a pickle, or the test batch of a folder or archive of them,
/// - a `.csv`, `.tsv` or `.parquet` of features, one row a sample,
/// - an already preprocessed array, `.npy`, or `.npz` with the key `input` and optionally `label`.
///
/// Reads names, sizes and labels; images are decoded by [`Dataset::load`].
///
/// # Errors
/// [`DataError`] where the path is missing or of no known form, holds no samples, a class folder or label is
/// no known class, a label has no output unit, or samples have another shape than
/// [`DataOptions::expected_shape`].
pub fn open(path: &Path, options: &DataOptions) -> Result<Box<dyn Dataset>, DataError> {
    options.validate(path)?;
    let form = Form::of(path)?;
    if options.labels.is_some() && !matches!(form, Form::Folder | Form::Tar) {
        return Err(DataError::Selection(format!(
            "a list of labels is for folders and tars of images, which {} is not",
            path.display()
        )));
    }
    Ok(match form {
        Form::Folder => Box::new(folder::open(path, options)?),
        Form::Tar => {
            let archive = TarFile::open(path)?;
            match cifar::recognises(|name| cifar::find(&archive, name).is_some()) {
                true => Box::new(cifar::open_tar(path, &archive, options)?),
                false => Box::new(archive.images(path, options)?),
            }
        }
        Form::ImageParquet(files) => Box::new(parquet_images::open(path, &files, options)?),
        Form::ImageTable(table) => Box::new(table.open(options)?),
        Form::Idx(images) => Box::new(idx::open(&images, options)?),
        Form::CifarFile => Box::new(cifar::open_file(path, options)?),
        Form::CifarFolder => Box::new(cifar::open_folder(path, options)?),
        Form::TextTable(table) => Box::new(feature_table::open_text(&table, options)?),
        Form::ParquetTable => Box::new(feature_table::open_parquet(path, options)?),
        Form::Array => Box::new(ArrayDataset::open(path, options)?),
    })
}

/// What samples are, before anything is done to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataKind {
    /// Images, which are preprocessed.
    Images,
    /// Rows of a table of features.
    Table,
    /// Arrays as the network takes them.
    Arrays,
}

/// What the samples of a path are.
///
/// # Errors
/// As [`open`], for a path that is missing, unreadable or of no known form.
pub fn kind_of(path: &Path) -> Result<DataKind, DataError> {
    Ok(match Form::of(path)? {
        Form::TextTable(_) | Form::ParquetTable => DataKind::Table,
        Form::Array => DataKind::Arrays,
        _ => DataKind::Images,
    })
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
