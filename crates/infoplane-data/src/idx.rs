//! IDX files, as MNIST comes in: images in one file, labels in another beside it, either perhaps
//! compressed with gzip.
//!
//! The format (<https://yann.lecun.com/exdb/mnist/>): two zero bytes, the element type, the number of
//! dimensions, each dimension in 32 bits, big-endian, then the elements, row-major.

use std::path::{Path, PathBuf};

use crate::dataset::ClassIndex;
use crate::error::DataError;
use crate::gzip;
use crate::images::{About, ImageDataset, Listed};
use crate::open::{DataOptions, source_name};
use crate::raw_images::RawImages;

/// The type of unsigned bytes.
const UNSIGNED_BYTE: u8 = 8;
/// The types there are: unsigned and signed bytes, integers of 2 and 4 bytes, floats of 4 and 8.
const TYPES: [u8; 6] = [UNSIGNED_BYTE, 9, 0x0B, 0x0C, 0x0D, 0x0E];

/// Whether a file, unpacked, begins as an IDX file does.
pub(crate) fn recognises(start: &[u8]) -> bool {
    matches!(start, [0, 0, kind, 1..=4, ..] if TYPES.contains(kind))
}

/// Unsigned bytes of a file.
struct Idx {
    shape: Vec<usize>,
    bytes: Vec<u8>,
    /// Where the elements begin.
    start: usize,
}

impl Idx {
    fn read(path: &Path) -> Result<Self, DataError> {
        let bytes = gzip::read(path)?;
        let malformed = |reason: String| DataError::malformed(path, reason);
        let [0, 0, kind, n_dims, ..] = *bytes.as_slice() else {
            return Err(malformed("not an IDX file".into()));
        };
        if kind != UNSIGNED_BYTE {
            return Err(malformed(format!(
                "an IDX file of the type {kind:#04x}; unsigned bytes (0x08) are read"
            )));
        }
        let start = 4 + 4 * usize::from(n_dims);
        let dims = bytes
            .get(4..start)
            .ok_or_else(|| malformed("truncated: the file ends before its dimensions do".into()))?;
        let (dims, _) = dims.as_chunks::<4>();
        let dims = dims.iter().map(|&dim| u32::from_be_bytes(dim) as usize);
        let shape: Vec<usize> = dims.collect();
        let product = shape.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim));
        let found = bytes.len() - start;
        if product != Some(found) {
            return Err(malformed(format!(
                "its header promises {shape:?} bytes, and {found} follow"
            )));
        }
        Ok(Self {
            shape,
            bytes,
            start,
        })
    }
}

/// Opens the images of `path`, with the labels of the file beside it where there is one.
pub(crate) fn open(
    path: &Path,
    options: &DataOptions,
) -> Result<ImageDataset<RawImages>, DataError> {
    let images = Idx::read(path)?;
    let (n, height, width) = match *images.shape {
        [_] => {
            return Err(DataError::malformed(
                path,
                "these are the labels; give the file of the images (…-images-idx3-ubyte), beside which \
                 they are found",
            ));
        }
        [n, height, width] if n > 0 && height > 0 && width > 0 => (n, height, width),
        ref shape => {
            return Err(DataError::malformed(
                path,
                format!("an IDX file of shape {shape:?}; expected images × height × width"),
            ));
        }
    };
    let mut about = About {
        kind: "idx",
        class_names: options.class_map.given_names(),
        labelling: "none".into(),
        warnings: Vec::new(),
    };
    let labels: Vec<Option<ClassIndex>> = match labels_beside(path) {
        None => {
            let expected = label_names(path).into_iter().next();
            about.warnings.push(format!(
                "no labels: there is no {} beside the images",
                expected.map_or("file of labels".into(), |path| source_name(&path))
            ));
            vec![None; n]
        }
        Some(beside) => {
            let labels = Idx::read(&beside)?;
            if *labels.shape != [n] {
                return Err(DataError::malformed(
                    beside,
                    format!("labels of shape {:?} for {n} images", labels.shape),
                ));
            }
            about.labelling = format!("the file {}", source_name(&beside));
            let labels = labels.bytes[labels.start..].iter();
            labels
                .map(|&label| Some(ClassIndex(label.into())))
                .collect()
        }
    };
    let name = source_name(path);
    let list = labels.into_iter().enumerate();
    let list = list.map(|(row, label)| Listed {
        id: format!("{name}#{row}"),
        label,
    });
    let list = list.collect();
    let source = RawImages {
        bytes: images.bytes,
        start: images.start,
        step: height * width,
        channels: 1,
        height,
        width,
    };
    ImageDataset::new(path, source, list, about, options)
}

/// What the file of labels may be called, as it is and compressed; nothing where the images' own name
/// does not tell.
fn label_names(path: &Path) -> Vec<PathBuf> {
    let name = source_name(path);
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if !name.contains("images") {
        return Vec::new();
    }
    let labels = name.replace("images", "labels").replace("idx3", "idx1");
    vec![
        path.with_file_name(&labels),
        path.with_file_name(format!("{labels}.gz")),
    ]
}

fn labels_beside(path: &Path) -> Option<PathBuf> {
    label_names(path).into_iter().find(|path| path.is_file())
}

/// The files of images in a folder, sorted; each set of images once, where it is there plain and
/// compressed.
pub(crate) fn files_in(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| DataError::io(folder, error))? {
        let path = entry.map_err(|error| DataError::io(folder, error))?.path();
        let name = source_name(&path);
        if name.contains("images") && name.contains("idx3") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    let compressed = |path: &Path| source_name(path).ends_with(".gz");
    let plain: Vec<PathBuf> = files
        .iter()
        .filter(|path| !compressed(path))
        .cloned()
        .collect();
    files.retain(|path| !(compressed(path) && plain.contains(&path.with_extension(""))));
    Ok(files)
}
