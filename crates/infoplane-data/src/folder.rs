//! Folders of images: one subfolder a class (torchvision's `ImageFolder`), or images without
//! labels.

use std::fs;
use std::path::{Path, PathBuf};

use crate::classes::{Labelling, label_folders};
use crate::dataset::{ClassIndex, Dataset, DatasetInfo, Fingerprint, kept_indices};
use crate::error::{DataError, SampleError};
use crate::images::ImageLoader;
use crate::inputs::lower_extension;
use crate::open::{DataOptions, check_labels, source_name};

/// Extensions of image files, in lower case.
const EXTENSIONS: [&str; 6] = ["jpg", "jpeg", "png", "bmp", "gif", "webp"];
/// Folders inside a class folder are searched this deep.
const MAX_DEPTH: usize = 16;

/// Images below a root folder, in sorted order.
pub(crate) struct FolderDataset {
    info: DatasetInfo,
    root: PathBuf,
    loader: ImageLoader,
    ids: Vec<String>,
    labels: Vec<Option<ClassIndex>>,
}

/// One image file.
struct Found {
    /// Path relative to the root, with `/`.
    id: String,
    label: Option<ClassIndex>,
}

pub(crate) fn open(root: &Path, options: &DataOptions) -> Result<FolderDataset, DataError> {
    let (folders, loose) = list(root)?;
    let mut found = Vec::new();
    let mut by_folder = Vec::with_capacity(folders.len());
    for folder in &folders {
        let mut files = Vec::new();
        collect(&root.join(folder), folder, MAX_DEPTH, &mut files)?;
        by_folder.push(files);
    }
    let labelling = if by_folder.iter().all(Vec::is_empty) {
        found.extend(loose.into_iter().map(|id| Found { id, label: None }));
        None
    } else {
        let mut labelling = label_folders(root, &folders, &options.class_map, options.n_outputs)?;
        for ((folder, files), &class) in folders.iter().zip(by_folder).zip(&labelling.classes) {
            if files.is_empty() {
                labelling
                    .warnings
                    .push(format!("class folder `{folder}` holds no images"));
            }
            let label = Some(class);
            found.extend(files.into_iter().map(|id| Found { id, label }));
        }
        Some(labelling)
    };
    if found.is_empty() {
        return Err(DataError::Empty {
            path: root.into(),
            reason: format!(
                "no files ending in {} in it or its {} subfolders",
                EXTENSIONS
                    .map(|extension| format!(".{extension}"))
                    .join(", "),
                folders.len()
            ),
        });
    }
    FolderDataset::new(root, found, labelling, options)
}

impl FolderDataset {
    fn new(
        root: &Path,
        found: Vec<Found>,
        labelling: Option<Labelling>,
        options: &DataOptions,
    ) -> Result<Self, DataError> {
        let kept = kept_indices(found.len(), options.limit);
        let mut kept = kept.into_iter().peekable();
        let mut ids = Vec::new();
        let mut labels = Vec::new();
        let mut fingerprint = Fingerprint::default();
        for (index, Found { id, label }) in found.into_iter().enumerate() {
            if kept.next_if_eq(&index).is_none() {
                continue;
            }
            let path = root.join(&id);
            let size = fs::metadata(&path).map_or(0, |metadata| metadata.len());
            fingerprint.sample(&id, size, label);
            ids.push(id);
            labels.push(label);
        }
        check_labels(root, &ids, &labels, options)?;
        let loader = ImageLoader::new(root, options, ids.len(), |index| {
            read(&root.join(&ids[index]))
        })?;
        let kind = match labelling {
            Some(_) => "image folder",
            None => "images",
        };
        let (class_names, labelling, warnings) = match labelling {
            Some(labelling) => (labelling.names, labelling.rule, labelling.warnings),
            None => (Vec::new(), "none".into(), Vec::new()),
        };
        Ok(Self {
            info: DatasetInfo {
                name: source_name(root),
                kind: kind.into(),
                class_names,
                labelling,
                fingerprint: fingerprint.finish(),
                preprocessing: options.preprocess.describe(),
                warnings,
            },
            root: root.into(),
            loader,
            ids,
            labels,
        })
    }
}

impl Dataset for FolderDataset {
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
        read(&self.root.join(id))
            .and_then(|bytes| self.loader.load(&bytes, out))
            .map_err(|reason| SampleError {
                id: id.clone(),
                reason,
            })
    }
}

/// Largest image file that is read, in bytes.
const MAX_FILE: u64 = 1 << 30;

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_FILE {
        return Err(format!(
            "the file has {size} bytes; at most {MAX_FILE} are read"
        ));
    }
    fs::read(path).map_err(|error| error.to_string())
}

/// Names of the subfolders and of the image files in a folder, each sorted; hidden ones left out.
fn list(folder: &Path) -> Result<(Vec<String>, Vec<String>), DataError> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(|error| DataError::io(folder, error))? {
        let entry = entry.map_err(|error| DataError::io(folder, error))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(DataError::malformed(
                path,
                "the name is not UTF-8; rename it",
            ));
        };
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            folders.push(name);
        } else if EXTENSIONS.contains(&lower_extension(&path).as_str()) {
            files.push(name);
        }
    }
    folders.sort();
    files.sort();
    Ok((folders, files))
}

/// Adds the image files below a folder, in torchvision's order: those of a folder before those of
/// its subfolders.
fn collect(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<String>,
) -> Result<(), DataError> {
    let (folders, files) = list(folder)?;
    found.extend(files.into_iter().map(|file| format!("{prefix}/{file}")));
    for name in folders {
        let path = folder.join(&name);
        // A link to a folder above would never end.
        if path.is_symlink() {
            continue;
        }
        if depth == 0 {
            return Err(DataError::malformed(
                path,
                format!("more than {MAX_DEPTH} folders inside a class folder"),
            ));
        }
        collect(&path, &format!("{prefix}/{name}"), depth - 1, found)?;
    }
    Ok(())
}
