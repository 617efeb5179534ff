//! Files that are either whole or not there.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::StoreError;

/// Writes `bytes` to `path`, replacing what is there, so that a reader or a power cut sees the old
/// file or the new one and never a part of it: the bytes go to a temporary file in the same folder,
/// are synced, and the file is renamed and the folder synced. The folder must exist.
///
/// # Errors
/// [`StoreError::Io`] with the step that failed; the temporary file is then removed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = temporary_path(path)?;
    let written = write_and_sync(&temporary, bytes)
        .map_err(StoreError::io("write", path))
        .and_then(|()| fs::rename(&temporary, path).map_err(StoreError::io("create", path)));
    if written.is_err() {
        // The first error is the one to report; a file left here goes at the next resume.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    let folder = folder_of(path);
    sync_folder(folder).map_err(StoreError::io("sync the folder", folder))
}

/// Removes the temporary files that a killed process left in `folder` and in the folders right below
/// it. Only for the holder of the lock: a living process would miss its file.
pub(crate) fn remove_leftovers(folder: &Path) -> Result<(), StoreError> {
    for path in remove_leftovers_in(folder)? {
        remove_leftovers_in(&path)?;
    }
    Ok(())
}

/// Removes the temporary files in `folder` and gives back the folders in it.
fn remove_leftovers_in(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let list = || StoreError::io("list", folder);
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(list())? {
        let entry = entry.map_err(list())?;
        let path = entry.path();
        let kind = entry.file_type().map_err(list())?;
        if kind.is_dir() {
            folders.push(path);
        } else if is_temporary(&entry.file_name()) {
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
        }
    }
    Ok(folders)
}

/// Makes a folder, and those above it, where there is none, durably as far as its own name goes.
pub(crate) fn create_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path).map_err(StoreError::io("create the folder", path))?;
    let above = folder_of(path);
    sync_folder(above).map_err(StoreError::io("sync the folder", above))
}

/// Whether a file name is one that [`write_atomically`] uses while it writes.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        name.starts_with('.') && name.ends_with(SUFFIX) && name.len() > 1 + SUFFIX.len()
    })
}

const SUFFIX: &str = ".infoplane-tmp";

/// `.NAME.PROCESS-COUNT.infoplane-tmp`, so that neither threads nor processes share one.
fn temporary_path(path: &Path) -> Result<PathBuf, StoreError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| StoreError::Io {
        operation: "create",
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"),
    })?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{count}{SUFFIX}", std::process::id()));
    Ok(path.with_file_name(temporary))
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes a rename in `folder` durable. File systems that can't sync a folder say so by these two
/// kinds of error; there the rename is as durable as they make it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_a_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plane.json");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["plane.json"]);
    }

    #[test]
    fn failure_names_path_and_operation_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        // A folder in the way makes the rename fail after the bytes were written.
        let path = folder.path().join("report.html");
        fs::create_dir_all(path.join("full")).unwrap();
        let message = write_atomically(&path, b"x").unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("cannot create {}: ", path.display())),
            "{message}"
        );
        assert_eq!(names(folder.path()), ["report.html"]);

        let missing = folder.path().join("nowhere").join("a.json");
        let message = write_atomically(&missing, b"x").unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("cannot write {}: ", missing.display())),
            "{message}"
        );
        assert!(write_atomically(Path::new("/"), b"x").is_err());
    }

    #[test]
    fn leftovers_are_removed_and_other_files_kept() {
        let folder = tempfile::tempdir().unwrap();
        let leftover = temporary_path(&folder.path().join("part-00000.parquet")).unwrap();
        fs::write(leftover, b"half").unwrap();
        fs::write(folder.path().join(".notes.tmp"), b"mine").unwrap();
        let figures = folder.path().join("figures");
        create_folder(&figures).unwrap();
        fs::write(temporary_path(&figures.join("plane.svg")).unwrap(), b"<").unwrap();
        fs::write(figures.join("plane.png"), b"whole").unwrap();
        remove_leftovers(folder.path()).unwrap();
        assert_eq!(names(folder.path()), [".notes.tmp", "figures"]);
        assert_eq!(names(&figures), ["plane.png"]);
    }
}
