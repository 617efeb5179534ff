//! A tar of a tree of images, read where it lies: an index of its members, and each image by its
//! place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::decode::decode;
use crate::error::DataError;
use crate::gzip;
use crate::images::{ImageDataset, ImageSource};
use crate::open::DataOptions;
use crate::resample::RgbImage;
use crate::tree::{Kinds, Tree, is_image_name};

/// What the source is called.
const KINDS: Kinds = ("image tar", "image tar");
/// Largest image that is read, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// An archive, open.
pub(crate) struct TarFile {
    store: Store,
    /// Place and length of each file, by its name.
    members: BTreeMap<String, (u64, u64)>,
}

enum Store {
    File(Mutex<File>),
    /// One that was compressed.
    Memory(Vec<u8>),
}

impl TarFile {
    /// Reads the headers; of a compressed archive everything, into memory.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let head = || -> Result<Vec<u8>, std::io::Error> {
            let mut start = Vec::new();
            File::open(path)?.take(2).read_to_end(&mut start)?;
            Ok(start)
        };
        let io = |error| DataError::io(path, error);
        if gzip::is_compressed(&head().map_err(io)?) {
            let bytes = gzip::read(path)?;
            let members = index(path, Cursor::new(&bytes), bytes.len() as u64)?;
            let store = Store::Memory(bytes);
            return Ok(Self { store, members });
        }
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let members = index(path, BufReader::new(&file), length)?;
        let store = Store::File(Mutex::new(file));
        Ok(Self { store, members })
    }

    /// Names of the files.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// A file's bytes. The error is a reason for a person.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let &(start, length) = self
            .members
            .get(name)
            .ok_or("no such file in the archive")?;
        self.bytes(start, length)
    }

    fn bytes(&self, start: u64, length: u64) -> Result<Vec<u8>, String> {
        if length > MAX_FILE {
            return Err(format!(
                "the file has {length} bytes; at most {MAX_FILE} are read"
            ));
        }
        match &self.store {
            // The index holds only what lies inside.
            Store::Memory(bytes) => Ok(bytes[start as usize..(start + length) as usize].to_vec()),
            Store::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let mut bytes = vec![0; length as usize];
                file.seek(SeekFrom::Start(start))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(|error| error.to_string())?;
                Ok(bytes)
            }
        }
    }

    /// The images in it.
    pub(crate) fn images(
        self,
        path: &Path,
        options: &DataOptions,
    ) -> Result<ImageDataset<TarImages>, DataError> {
        let names: Vec<&str> = self.names().filter(|name| is_visible_image(name)).collect();
        let prefix = common_folder(&names);
        let tree = tree(names.iter().map(|name| &name[prefix.len()..]));
        let (list, about) = tree.label(path, KINDS, options)?;
        let place = |id: &str| self.members.get(&format!("{prefix}{id}")).copied();
        // Every id comes from the index.
        let places = list.iter().filter_map(|listed| place(&listed.id)).collect();
        let source = TarImages {
            places,
            archive: self,
        };
        ImageDataset::new(path, source, list, about, options)
    }
}

/// The images of an archive.
pub(crate) struct TarImages {
    archive: TarFile,
    places: Vec<(u64, u64)>,
}

impl ImageSource for TarImages {
    fn read(&self, place: usize, _id: &str) -> Result<RgbImage, String> {
        let (start, length) = self.places[place];
        decode(&self.archive.bytes(start, length)?)
    }

    fn size(&self, place: usize, _id: &str) -> u64 {
        self.places[place].1
    }
}

/// Where each regular file lies, by its name; of several with one name the last, as they are unpacked.
fn index(
    path: &Path,
    reader: impl Read + Seek,
    length: u64,
) -> Result<BTreeMap<String, (u64, u64)>, DataError> {
    let malformed = |reason: String| DataError::malformed(path, reason);
    let broken = |error: std::io::Error| malformed(format!("not a tar archive: {error}"));
    let mut archive = ::tar::Archive::new(reader);
    let mut members = BTreeMap::new();
    for entry in archive.entries_with_seek().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let name = entry.path_bytes();
        let name = std::str::from_utf8(&name).map_err(|_| {
            malformed(format!(
                "the name {:?} in it is not UTF-8",
                String::from_utf8_lossy(&name)
            ))
        })?;
        let name = name.trim_start_matches("./");
        let kind = entry.header().entry_type();
        if kind.is_gnu_sparse() {
            return Err(malformed(format!(
                "`{name}` in it is stored as a sparse file"
            )));
        }
        if !(kind.is_file() || kind.is_contiguous()) {
            continue;
        }
        let (start, size) = (entry.raw_file_position(), entry.size());
        if start.checked_add(size).is_none_or(|end| end > length) {
            return Err(malformed(format!(
                "truncated: `{name}` lies beyond its {length} bytes"
            )));
        }
        members.insert(name.to_owned(), (start, size));
    }
    Ok(members)
}

/// Whether a file is an image, and neither it nor a folder of it hidden.
fn is_visible_image(name: &str) -> bool {
    let hidden = |part: &str| part.starts_with('.');
    is_image_name(name.rsplit('/').next().unwrap_or(name)) && !name.split('/').any(hidden)
}

/// The longest `a/b/` that all names begin with.
fn common_folder(names: &[&str]) -> String {
    let folder = |name: &str| name.rfind('/').map_or(0, |at| at + 1);
    let Some(first) = names.first() else {
        return String::new();
    };
    let mut common = &first[..folder(first)];
    for name in names {
        let same = common.bytes().zip(name.bytes()).take_while(|(a, b)| a == b);
        let same = same.count();
        // The end of a folder is the end of a character.
        let end = common.as_bytes()[..same]
            .iter()
            .rposition(|&byte| byte == b'/');
        common = &common[..end.map_or(0, |at| at + 1)];
    }
    common.to_owned()
}

/// Files by folders.
fn tree<'a>(names: impl Iterator<Item = &'a str>) -> Tree {
    // Sorted by folder and then by name, part by part: the files of a folder before its subfolders.
    let parts = names.map(|name| {
        let (folders, file) = name.rsplit_once('/').unwrap_or(("", name));
        let folders: Vec<&str> = folders.split('/').filter(|part| !part.is_empty()).collect();
        (folders, file, name)
    });
    let sorted: BTreeSet<_> = parts.collect();
    let mut tree = Tree::default();
    for (folders, _, name) in sorted {
        match folders.first() {
            None => tree.loose.push(name.to_owned()),
            Some(&folder) => match tree.folders.last_mut() {
                Some((last, files)) if last == folder => files.push(name.to_owned()),
                _ => tree
                    .folders
                    .push((folder.to_owned(), vec![name.to_owned()])),
            },
        }
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_as_those_of_a_folder() {
        let names = [
            "b/2.jpg",
            "a/x/1.jpg",
            "a/z.jpg",
            "b/10.jpg",
            "a-b/1.jpg",
            "c.jpg",
        ];
        let tree = tree(names.into_iter());
        let of = |folder: &str, files: &[&str]| {
            let files = files.iter().map(|file| file.to_string());
            (folder.to_owned(), files.collect::<Vec<_>>())
        };
        assert_eq!(
            tree.folders,
            [
                of("a", &["a/z.jpg", "a/x/1.jpg"]),
                of("a-b", &["a-b/1.jpg"]),
                of("b", &["b/10.jpg", "b/2.jpg"]),
            ]
        );
        assert_eq!(tree.loose, ["c.jpg"]);
    }

    #[test]
    fn what_all_names_begin_with_is_a_folder() {
        assert_eq!(common_folder(&["a/b/c/1.jpg", "a/b/d/2.jpg"]), "a/b/");
        assert_eq!(common_folder(&["a/bc/1.jpg", "a/bd/2.jpg"]), "a/");
        assert_eq!(common_folder(&["a/é/1.jpg", "a/è/2.jpg"]), "a/");
        assert_eq!(common_folder(&["x.jpg", "a/1.jpg"]), "");
        assert_eq!(common_folder(&[]), "");
    }
}
