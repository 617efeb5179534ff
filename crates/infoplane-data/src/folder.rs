//! Folders of images: one subfolder a class (torchvision's `ImageFolder`), or images without
//! labels.

use std::fs;
use std::path::{Path, PathBuf};

use crate::decode::decode;
use crate::error::DataError;
use crate::images::{ImageDataset, ImageSource};
use crate::open::DataOptions;
use crate::resample::RgbImage;
use crate::tree::{Kinds, Tree, is_image_name};

/// Folders inside a class folder are searched this deep.
const MAX_DEPTH: usize = 16;
/// Largest image file that is read, in bytes.
const MAX_FILE: u64 = 1 << 30;
/// What the sources are called.
const KINDS: Kinds = ("image folder", "images");

/// Images below a root folder, in sorted order.
pub(crate) struct Folder {
    root: PathBuf,
}

pub(crate) fn open(root: &Path, options: &DataOptions) -> Result<ImageDataset<Folder>, DataError> {
    let (folders, loose) = list(root)?;
    let mut tree = Tree {
        folders: Vec::with_capacity(folders.len()),
        loose,
    };
    for folder in folders {
        let mut files = Vec::new();
        collect(&root.join(&folder), &folder, MAX_DEPTH, &mut files)?;
        tree.folders.push((folder, files));
    }
    let (list, about) = tree.label(root, KINDS, options)?;
    let source = Folder { root: root.into() };
    ImageDataset::new(root, source, list, about, options)
}

impl ImageSource for Folder {
    fn read(&self, _place: usize, id: &str) -> Result<RgbImage, String> {
        decode(&read_file(&self.root.join(id))?)
    }

    fn size(&self, _place: usize, id: &str) -> u64 {
        file_size(&self.root.join(id))
    }
}

/// Bytes of a file; 0 where they can't be told.
pub(crate) fn file_size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// An image file, whole. The error is a reason for a person.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, String> {
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
        } else if is_image_name(&name) {
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
