//! What the tests of sources and of forms share.

use std::fs;
use std::path::Path;

use infoplane_data::{DataOptions, Dataset, open};

/// Files below a new folder.
pub(crate) fn files(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

/// What is said of a source that can't be opened.
pub(crate) fn refused(path: &Path, options: &DataOptions) -> String {
    match open(path, options) {
        Err(error) => error.to_string(),
        Ok(data) => panic!("opened as {}", data.info().kind),
    }
}

/// The id and label of every sample.
pub(crate) fn samples(data: &dyn Dataset) -> Vec<(String, Option<usize>)> {
    let label = |index| data.label(index).map(|label| label.0);
    (0..data.len())
        .map(|index| (data.id(index).to_owned(), label(index)))
        .collect()
}
