//! Hugging Face image data sets in Parquet: a struct column with the encoded `bytes`, and a label
//! column.
//!
//! Labels are read when the source is opened. Images stay encoded and are read a row group at a
//! time; the row groups last used are kept, so neighbouring samples cost one read.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::dataset::ClassIndex;
use crate::decode::decode;
use crate::error::DataError;
use crate::images::{About, ImageDataset, ImageSource, Listed};
use crate::inputs::lower_extension;
use crate::open::{DataOptions, source_name};
use crate::resample::RgbImage;
use crate::tree::Labels;

mod file;

use file::{EncodedImages, ImageFile};

/// Row groups kept in memory. Workers go through the samples in order, so two are in use at a
/// border.
const KEPT_ROW_GROUPS: usize = 3;

/// The Parquet files of a folder, sorted by name; none where there are none.
pub(crate) fn files_in(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| DataError::io(folder, error))? {
        let path = entry.map_err(|error| DataError::io(folder, error))?.path();
        if lower_extension(&path) == "parquet" && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file has a column of images.
pub(crate) fn has_images(path: &Path) -> Result<bool, DataError> {
    match ImageFile::open(path, None) {
        Ok(_) => Ok(true),
        Err(DataError::MissingColumn { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens `files`, which all have the same columns; `path` is what the user named.
pub(crate) fn open(
    path: &Path,
    files: &[PathBuf],
    options: &DataOptions,
) -> Result<ImageDataset<Source>, DataError> {
    let files: Vec<ImageFile> = files
        .iter()
        .map(|file| ImageFile::open(file, options.label_column.as_deref()))
        .collect::<Result<_, _>>()?;
    let (mut positions, mut ids, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for (index, file) in files.iter().enumerate() {
        let name = source_name(file.path());
        let stored = file.read_labels()?;
        for (row, (at, label)) in file.rows().zip(stored).enumerate() {
            positions.push(Position {
                file: index,
                row_group: at.row_group,
                row: at.row,
            });
            ids.push(format!("{name}#{row}"));
            labels.push(label);
        }
    }
    if ids.is_empty() {
        return Err(DataError::Empty {
            path: path.into(),
            reason: "its tables have no rows".into(),
        });
    }
    let mut about = labelling(path, &files, &mut labels, options)?;
    about.kind = "image parquet";
    let list = ids.into_iter().zip(labels);
    let list = list.map(|(id, label)| Listed { id, label }).collect();
    let source = Source {
        files,
        positions,
        kept: Mutex::default(),
    };
    ImageDataset::new(path, source, list, about, options)
}

/// What is known of the labels. Where the file names its classes and others are given, labels become
/// the indices that these have for the names.
fn labelling(
    path: &Path,
    files: &[ImageFile],
    labels: &mut [Option<ClassIndex>],
    options: &DataOptions,
) -> Result<About, DataError> {
    let Some((first, column)) = files
        .first()
        .and_then(|file| Some((file, file.label_column()?)))
    else {
        return Ok(About {
            class_names: options.class_map.given_names(),
            labelling: "none".into(),
            ..About::default()
        });
    };
    let (names, rule) = (first.class_names(), format!("the column `{column}`"));
    let found = Labels::of_indices(path, labels.to_vec(), names, rule, options)?;
    labels.copy_from_slice(&found.labels);
    Ok(found.about)
}

/// Where a sample's image lies.
#[derive(Clone, Copy)]
struct Position {
    file: usize,
    row_group: usize,
    row: usize,
}

/// A row group's images or why they can't be read, with the file and row group they are.
type Kept = ((usize, usize), Result<Arc<EncodedImages>, String>);

/// The encoded images, with the row groups last used.
pub(crate) struct Source {
    files: Vec<ImageFile>,
    positions: Vec<Position>,
    kept: Mutex<VecDeque<Kept>>,
}

impl ImageSource for Source {
    fn read(&self, place: usize, _id: &str) -> Result<RgbImage, String> {
        let Position {
            file,
            row_group,
            row,
        } = self.positions[place];
        let images = self.row_group(file, row_group)?;
        decode(images.get(row).ok_or("the image is null")?)
    }

    /// Bytes of the row group.
    fn size(&self, place: usize, _id: &str) -> u64 {
        let Position {
            file, row_group, ..
        } = self.positions[place];
        self.files[file].row_group_bytes(row_group)
    }
}

impl Source {
    /// A row group, read once even where several threads ask for it.
    fn row_group(&self, file: usize, row_group: usize) -> Result<Arc<EncodedImages>, String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, images)) = kept.iter().find(|(key, _)| *key == (file, row_group)) {
            return images.clone();
        }
        kept.truncate(KEPT_ROW_GROUPS - 1);
        let images = self.files[file].read_images(row_group).map(Arc::new);
        kept.push_front(((file, row_group), images.clone()));
        images
    }
}

#[cfg(test)]
mod tests;
