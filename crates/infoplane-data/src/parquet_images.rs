//! Hugging Face image data sets in Parquet: a struct column with the encoded `bytes`, and a label
//! column.
//!
//! Labels are read when the source is opened. Images stay encoded and are read a row group at a
//! time; the row groups last used are kept, so neighbouring samples cost one read.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::dataset::{ClassIndex, Dataset, DatasetInfo, Fingerprint, kept_indices};
use crate::error::{DataError, SampleError};
use crate::images::ImageLoader;
use crate::inputs::lower_extension;
use crate::open::{DataOptions, check_labels, source_name};

mod file;

use file::{EncodedImages, ImageFile};

/// Row groups kept in memory. Workers go through the samples in order, so two are in use at a
/// border.
const KEPT_ROW_GROUPS: usize = 3;

/// Images in one or more Parquet files.
pub(crate) struct ParquetDataset {
    info: DatasetInfo,
    loader: ImageLoader,
    source: Source,
    ids: Vec<String>,
    labels: Vec<Option<ClassIndex>>,
}

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

/// Opens `files`, which all have the same columns; `path` is what the user named.
pub(crate) fn open(
    path: &Path,
    files: &[PathBuf],
    options: &DataOptions,
) -> Result<ParquetDataset, DataError> {
    let files: Vec<ImageFile> = files
        .iter()
        .map(|file| ImageFile::open(file))
        .collect::<Result<_, _>>()?;
    let stored: Vec<(Position, String, Option<ClassIndex>)> = files
        .iter()
        .enumerate()
        .map(|(file_index, file)| {
            let labels = file.read_labels()?;
            let name = source_name(file.path());
            Ok(file
                .rows()
                .zip(labels)
                .enumerate()
                .map(move |(row, (at, label))| {
                    let position = Position {
                        file: file_index,
                        row_group: at.row_group,
                        row: at.row,
                    };
                    (position, format!("{name}#{row}"), label)
                }))
        })
        .collect::<Result<Vec<_>, DataError>>()?
        .into_iter()
        .flatten()
        .collect();
    if stored.is_empty() {
        return Err(DataError::Empty {
            path: path.into(),
            reason: "its tables have no rows".into(),
        });
    }

    let mut fingerprint = Fingerprint::default();
    let (mut positions, mut ids, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for index in kept_indices(stored.len(), options.limit) {
        let (position, id, label) = &stored[index];
        let size = files[position.file].row_group_bytes(position.row_group);
        fingerprint.sample(id, size, *label);
        positions.push(*position);
        ids.push(id.clone());
        labels.push(*label);
    }
    check_labels(path, &ids, &labels, options)?;
    let mut class_names = options.class_names();
    if let (true, Some(file)) = (class_names.is_empty(), files.first()) {
        class_names = file.class_names();
    }
    let labelling = match files.first().and_then(ImageFile::label_column) {
        Some(column) => format!("the column `{column}`"),
        None => "none".into(),
    };
    let source = Source {
        files,
        positions,
        kept: Mutex::default(),
    };
    let loader = ImageLoader::new(path, options, ids.len(), |index| source.read(index))?;
    Ok(ParquetDataset {
        info: DatasetInfo {
            name: source_name(path),
            kind: "image parquet".into(),
            class_names,
            labelling,
            fingerprint: fingerprint.finish(),
            preprocessing: options.preprocess.describe(),
            warnings: Vec::new(),
        },
        loader,
        source,
        ids,
        labels,
    })
}

impl Dataset for ParquetDataset {
    fn len(&self) -> usize {
        self.ids.len()
    }

    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn sample_shape(&self) -> &[usize] {
        self.loader.shape()
    }

    fn id(&self, index: usize) -> &str {
        &self.ids[index]
    }

    fn label(&self, index: usize) -> Option<ClassIndex> {
        self.labels[index]
    }

    fn load(&self, index: usize, out: &mut [f32]) -> Result<(), SampleError> {
        let id = &self.ids[index];
        self.source
            .read(index)
            .and_then(|bytes| self.loader.load(&bytes, out))
            .map_err(|reason| SampleError {
                id: id.clone(),
                reason,
            })
    }
}

/// Where a sample's image lies.
#[derive(Clone, Copy)]
struct Position {
    file: usize,
    row_group: usize,
    row: usize,
}

/// A row group's images, with the file and row group they are.
type Kept = ((usize, usize), Arc<EncodedImages>);

/// The encoded images, with the row groups last used.
struct Source {
    files: Vec<ImageFile>,
    positions: Vec<Position>,
    kept: Mutex<VecDeque<Kept>>,
}

impl Source {
    /// The encoded bytes of a sample. The error is a reason for a person.
    fn read(&self, index: usize) -> Result<Vec<u8>, String> {
        let Position {
            file,
            row_group,
            row,
        } = self.positions[index];
        let images = self.row_group(file, row_group)?;
        let bytes = images.get(row).ok_or("the image is null")?;
        Ok(bytes.to_vec())
    }

    /// A row group, read once even where several threads ask for it.
    fn row_group(&self, file: usize, row_group: usize) -> Result<Arc<EncodedImages>, String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, images)) = kept.iter().find(|(key, _)| *key == (file, row_group)) {
            return Ok(Arc::clone(images));
        }
        kept.truncate(KEPT_ROW_GROUPS - 1);
        let images = Arc::new(self.files[file].read_images(row_group)?);
        kept.push_front(((file, row_group), Arc::clone(&images)));
        Ok(images)
    }
}

/// Opens a Parquet file for reading.
fn open_file(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|error| DataError::io(path, error))
}

#[cfg(test)]
mod tests;
