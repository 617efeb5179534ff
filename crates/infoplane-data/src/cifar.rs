//! CIFAR-10 and CIFAR-100 as they are published: binary batches, and pickles of Python, in a folder or in
//! the archive that is downloaded.
//!
//! The formats: <https://www.cs.toronto.edu/~kriz/cifar.html>. An image is 3 planes of 32 × 32 bytes, red
//! first. A binary row is one label, or two (coarse, fine) in CIFAR-100, and an image. A pickle is a
//! dictionary with the array `data` and the list `labels`, or `fine_labels` and `coarse_labels`.

use std::path::{Path, PathBuf};

use infoplane_pickle::{Object, Pickle};

use crate::dataset::ClassIndex;
use crate::error::DataError;
use crate::gzip;
use crate::images::{ImageDataset, Listed};
use crate::numpy_pickle;
use crate::open::{DataOptions, source_name};
use crate::raw_images::RawImages;
use crate::tar::TarFile;
use crate::tree::Labels;

/// Pixels of a side.
const SIDE: usize = 32;
/// Bytes of an image.
const IMAGE: usize = 3 * SIDE * SIDE;
/// Rows of CIFAR-10 and of CIFAR-100.
const ROWS: [usize; 2] = [IMAGE + 1, IMAGE + 2];
/// Coarse classes of CIFAR-100.
const N_COARSE: usize = 20;
/// Test batches, and what must be there too where the name alone does not tell.
const TESTS: [(&str, Option<&str>); 4] = [
    ("test_batch.bin", None),
    ("test_batch", None),
    ("test.bin", Some("fine_label_names.txt")),
    ("test", Some("meta")),
];
/// Batches for training, with the same.
const TRAININGS: [(&str, Option<&str>); 4] = [
    ("data_batch_1.bin", None),
    ("data_batch_1", None),
    ("train.bin", Some("fine_label_names.txt")),
    ("train", Some("meta")),
];

/// Which of CIFAR-100's labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fineness {
    Fine,
    Coarse,
}

impl Fineness {
    /// What the options ask for; coarse ones for a network of as many outputs.
    fn of(options: &DataOptions) -> Result<Self, DataError> {
        match options.label_column.as_deref() {
            None if options.n_outputs == Some(N_COARSE) => Ok(Self::Coarse),
            None | Some("fine_labels" | "fine") => Ok(Self::Fine),
            Some("coarse_labels" | "coarse") => Ok(Self::Coarse),
            Some(other) => Err(DataError::Selection(format!(
                "CIFAR-100 has no labels `{other}`; there are fine_labels and coarse_labels"
            ))),
        }
    }

    /// Refuses a choice where there is none.
    fn none(path: &Path, options: &DataOptions) -> Result<(), DataError> {
        match options.label_column {
            None => Ok(()),
            Some(_) => Err(DataError::Unsuitable {
                path: path.into(),
                reason: "CIFAR-10 has one kind of label, and none to choose".into(),
            }),
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Fine => "fine_labels",
            Self::Coarse => "coarse_labels",
        }
    }

    fn names(self) -> &'static str {
        match self {
            Self::Fine => "fine_label_names",
            Self::Coarse => "coarse_label_names",
        }
    }
}

/// A file's bytes by its name; none where there is no such file.
type Read<'a> = dyn Fn(&str) -> Result<Option<Vec<u8>>, DataError> + 'a;

/// Where batches lie: a folder, or an archive.
struct Files<'a> {
    /// What the user named.
    path: &'a Path,
    /// Reads a file by its name, where there is one.
    read: &'a Read<'a>,
}

/// Whether the files of these names are CIFAR's.
pub(crate) fn recognises(has: impl Fn(&str) -> bool) -> bool {
    let there = |(name, with): &(&str, Option<&str>)| has(name) && with.is_none_or(&has);
    TESTS.iter().chain(&TRAININGS).any(there)
}

/// Opens one batch.
pub(crate) fn open_file(
    path: &Path,
    options: &DataOptions,
) -> Result<ImageDataset<RawImages>, DataError> {
    let read = |name: &str| read_optional(&path.with_file_name(name));
    let files = Files { path, read: &read };
    let bytes = gzip::read(path)?;
    files.open(&source_name(path), bytes, Vec::new(), options)
}

/// Opens the test batch of a folder.
pub(crate) fn open_folder(
    path: &Path,
    options: &DataOptions,
) -> Result<ImageDataset<RawImages>, DataError> {
    let read = |name: &str| read_optional(&path.join(name));
    Files { path, read: &read }.open_test(options)
}

/// Opens the test batch of an archive whose files are CIFAR's.
pub(crate) fn open_tar(
    path: &Path,
    archive: &TarFile,
    options: &DataOptions,
) -> Result<ImageDataset<RawImages>, DataError> {
    let read = |name: &str| match find(archive, name) {
        None => Ok(None),
        Some(member) => match archive.read(member) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(reason) => Err(DataError::malformed(path.join(member), reason)),
        },
    };
    Files { path, read: &read }.open_test(options)
}

/// The member of an archive that has this name, in whatever folder.
pub(crate) fn find<'a>(archive: &'a TarFile, name: &str) -> Option<&'a str> {
    let mut names = archive.names();
    names.find(|member| member.rsplit('/').next() == Some(name))
}

fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, DataError> {
    match path.is_file() {
        true => gzip::read(path).map(Some),
        false => Ok(None),
    }
}

/// Images with their labels, and the names of their classes.
struct Batch {
    images: RawImages,
    labels: Vec<Option<ClassIndex>>,
    class_names: Vec<String>,
    rule: String,
}

impl Files<'_> {
    fn open_test(&self, options: &DataOptions) -> Result<ImageDataset<RawImages>, DataError> {
        for (name, _) in TESTS {
            if let Some(bytes) = (self.read)(name)? {
                let note = format!(
                    "of CIFAR's files the test images, {name}, are taken; name another file for others"
                );
                return self.open(name, bytes, vec![note], options);
            }
        }
        Err(DataError::malformed(
            self.path,
            "CIFAR without its test images; name the file that is meant, such as data_batch_1",
        ))
    }

    fn open(
        &self,
        name: &str,
        bytes: Vec<u8>,
        notes: Vec<String>,
        options: &DataOptions,
    ) -> Result<ImageDataset<RawImages>, DataError> {
        let batch = match bytes.first() {
            // Every pickle of protocol 2 or later begins so; a binary batch does with a label.
            Some(0x80) => self.of_pickle(name, &bytes, options)?,
            _ => self.of_rows(name, bytes, options)?,
        };
        let labels = Labels::of_indices(
            self.path,
            batch.labels,
            batch.class_names,
            batch.rule,
            options,
        )?;
        let mut about = labels.about;
        about.kind = "cifar";
        about.warnings.extend(notes);
        let list = labels.labels.into_iter().enumerate();
        let list = list.map(|(row, label)| Listed {
            id: format!("{name}#{row}"),
            label,
        });
        ImageDataset::new(self.path, batch.images, list.collect(), about, options)
    }

    fn of_rows(
        &self,
        name: &str,
        bytes: Vec<u8>,
        options: &DataOptions,
    ) -> Result<Batch, DataError> {
        let fits = ROWS.map(|row| !bytes.is_empty() && bytes.len().is_multiple_of(row));
        let is_100 = match fits {
            [true, false] => false,
            [false, true] => true,
            [true, true] => matches!(name, "train.bin" | "test.bin"),
            [false, false] => {
                let which = match self.path.ends_with(name) {
                    true => "it",
                    false => name,
                };
                return Err(DataError::malformed(
                    self.path,
                    format!(
                        "{which} has {} bytes; a binary batch has {} for each image (CIFAR-10) or {} \
                         (CIFAR-100)",
                        bytes.len(),
                        ROWS[0],
                        ROWS[1]
                    ),
                ));
            }
        };
        let row = ROWS[usize::from(is_100)];
        let (at, names, rule) = match is_100 {
            false => {
                Fineness::none(self.path, options)?;
                (0, "batches.meta", "labels")
            }
            true => match Fineness::of(options)? {
                coarse @ Fineness::Coarse => (0, coarse.names(), coarse.key()),
                fine @ Fineness::Fine => (1, fine.names(), fine.key()),
            },
        };
        let labels = bytes
            .chunks_exact(row)
            .map(|row| Some(ClassIndex(row[at].into())));
        Ok(Batch {
            labels: labels.collect(),
            class_names: self.lines(&format!("{names}.txt"))?,
            rule: format!("the {rule} of {name}"),
            images: raw(bytes, row - IMAGE, row),
        })
    }

    fn of_pickle(
        &self,
        name: &str,
        bytes: &[u8],
        options: &DataOptions,
    ) -> Result<Batch, DataError> {
        let origin = self.path.join(name);
        let origin = if source_name(self.path) == name {
            self.path
        } else {
            &origin
        };
        let malformed = |reason: String| DataError::malformed(origin, reason);
        let pickle = load(bytes).map_err(malformed)?;
        let Object::Dict(entries) = pickle.root() else {
            return Err(malformed(
                "a pickle of no dictionary; expected one with `data` and labels".into(),
            ));
        };
        let data = pickle
            .lookup(entries, "data")
            .ok_or_else(|| malformed("no array `data`".into()))?;
        let data = numpy_pickle::array(&pickle, data, origin)
            .map_err(|reason| malformed(format!("`data` is {reason}")))?;
        let width: Option<usize> = match data.shape() {
            [n, rest @ ..] if *n > 0 => Some(rest.iter().product()),
            _ => None,
        };
        if width != Some(IMAGE) || data.dtype() != crate::npy::Dtype::U8 {
            return Err(malformed(format!(
                "`data` has the type {:?} and the shape {:?}; expected bytes, images × {IMAGE}",
                data.dtype(),
                data.shape()
            )));
        }
        let n = data.shape()[0];
        let (key, meta, names) = match pickle.lookup(entries, "labels") {
            Some(_) => {
                Fineness::none(self.path, options)?;
                ("labels", "batches.meta", "label_names")
            }
            None => {
                let fineness = Fineness::of(options)?;
                (fineness.key(), "meta", fineness.names())
            }
        };
        let labels = match pickle.lookup(entries, key) {
            None => vec![None; n],
            Some(labels) => indices(&pickle, labels, origin)
                .map_err(|reason| malformed(format!("`{key}`: {reason}")))?,
        };
        if labels.len() != n {
            return Err(malformed(format!("{} labels for {n} images", labels.len())));
        }
        Ok(Batch {
            labels,
            class_names: self.names(meta, names)?,
            rule: format!("the {key} of {name}"),
            images: raw(data.into_bytes(), 0, IMAGE),
        })
    }

    /// The lines of a file beside the batch; none where there is no such file.
    fn lines(&self, name: &str) -> Result<Vec<String>, DataError> {
        let Some(bytes) = (self.read)(name)? else {
            return Ok(Vec::new());
        };
        let text = String::from_utf8(bytes)
            .map_err(|_| DataError::malformed(self.path.join(name), "not UTF-8"))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(lines.map(str::to_owned).collect())
    }

    /// A list of names in a pickle beside the batch; none where there is no such file.
    fn names(&self, file: &str, key: &str) -> Result<Vec<String>, DataError> {
        let Some(bytes) = (self.read)(file)? else {
            return Ok(Vec::new());
        };
        let malformed =
            |reason: String| DataError::malformed(self.path.with_file_name(file), reason);
        let pickle = load(&bytes).map_err(malformed)?;
        let Object::Dict(entries) = pickle.root() else {
            return Err(malformed("a pickle of no dictionary".into()));
        };
        let text = |object: &Object<'_>| match object {
            Object::Text(text) => Some((*text).to_owned()),
            Object::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok(),
            _ => None,
        };
        let names: Option<Vec<String>> = match pickle.lookup(entries, key) {
            Some(Object::List(names) | Object::Tuple(names)) => {
                names.iter().map(|&name| text(pickle.get(name))).collect()
            }
            _ => None,
        };
        names.ok_or_else(|| malformed(format!("no list of names `{key}`")))
    }
}

fn load(bytes: &[u8]) -> Result<Pickle<'_>, String> {
    infoplane_pickle::load(bytes, numpy_pickle::is_known).map_err(|problem| problem.to_string())
}

fn raw(bytes: Vec<u8>, start: usize, step: usize) -> RawImages {
    RawImages {
        bytes,
        start,
        step,
        channels: 3,
        height: SIDE,
        width: SIDE,
    }
}

/// Class indices: a list of whole numbers, or an array of them; negative ones are none.
fn indices(
    pickle: &Pickle<'_>,
    object: &Object<'_>,
    origin: &Path,
) -> Result<Vec<Option<ClassIndex>>, String> {
    let class = |index: i64| usize::try_from(index).ok().map(ClassIndex);
    let of_array = |object: &Object<'_>| -> Result<Vec<i64>, String> {
        let array = numpy_pickle::array(pickle, object, origin)?;
        array.to_indices().map_err(|error| error.to_string())
    };
    let numbers = match object {
        Object::List(items) | Object::Tuple(items) => {
            let mut numbers = Vec::with_capacity(items.len());
            for &item in items {
                match pickle.get(item) {
                    Object::Int(index) => numbers.push(*index),
                    scalar @ Object::Call { .. } => numbers.extend(of_array(scalar)?),
                    _ => return Err("expected whole numbers".into()),
                }
            }
            numbers
        }
        array => of_array(array)?,
    };
    Ok(numbers.into_iter().map(class).collect())
}

/// The folder's files of CIFAR, where it has any.
pub(crate) fn is_folder(path: &Path) -> bool {
    recognises(|name| PathBuf::from(path).join(name).is_file())
}
