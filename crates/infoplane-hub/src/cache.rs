//! The cache's layout, which is that of the hub's own programs:
//!
//! ```text
//! models--ORG--NAME/blobs/CHECKSUM             the bytes
//! models--ORG--NAME/snapshots/COMMIT/FILE      a link to them
//! models--ORG--NAME/refs/REVISION              the commit that a branch or tag stood at
//! .locks/models--ORG--NAME/CHECKSUM.lock       held by who downloads the blob
//! ```

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::HubError;
use crate::reference::is_commit;

/// The folders of one repository.
pub(crate) struct RepositoryCache {
    root: PathBuf,
    locks: PathBuf,
}

impl RepositoryCache {
    pub fn new(cache: &Path, repository: &str) -> RepositoryCache {
        let folder = format!("models--{}", repository.replace('/', "--"));
        RepositoryCache {
            root: cache.join(&folder),
            locks: cache.join(".locks").join(folder),
        }
    }

    /// Where the bytes of a checksum lie.
    pub fn blob(&self, checksum: &str) -> PathBuf {
        self.root.join("blobs").join(checksum)
    }

    /// Where they lie while they are incomplete.
    pub fn incomplete(&self, checksum: &str) -> PathBuf {
        self.root
            .join("blobs")
            .join(format!("{checksum}.incomplete"))
    }

    /// A file of a commit.
    pub fn pointer(&self, commit: &str, file: &str) -> PathBuf {
        self.snapshot(commit).join(file)
    }

    fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// The commit that a revision stood at when the hub was last asked.
    pub fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_string());
        }
        let written = fs::read_to_string(self.root.join("refs").join(revision)).ok()?;
        let commit = written.trim();
        is_commit(commit).then(|| commit.to_string())
    }

    /// Notes the commit that a revision stands at.
    pub fn set_commit(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if is_commit(revision) || self.commit(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.root.join("refs").join(revision);
        make_folder_of(&path)?;
        let temporary = beside(&path);
        fs::write(&temporary, commit).map_err(HubError::io("write", &temporary))?;
        rename(&temporary, &path)
    }

    /// The names of the files that a commit has here, in alphabetical order.
    pub fn files(&self, commit: &str) -> Vec<String> {
        let root = self.snapshot(commit);
        let mut files = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if let Ok(file) = path.strip_prefix(&root)
                    && path.exists()
                {
                    files.push(file.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        files.sort();
        files
    }

    /// Makes a file of a commit, out of a blob that is whole.
    pub fn link(&self, checksum: &str, commit: &str, file: &str) -> Result<PathBuf, HubError> {
        let (blob, pointer) = (self.blob(checksum), self.pointer(commit, file));
        make_folder_of(&pointer)?;
        let temporary = beside(&pointer);
        let depth = file.split('/').count() + 1;
        let to_root: PathBuf = std::iter::repeat_n(Component::ParentDir, depth).collect();
        let relative = to_root.join("blobs").join(checksum);
        symlink(&relative, &temporary)
            .or_else(|_| fs::hard_link(&blob, &temporary))
            .or_else(|_| fs::copy(&blob, &temporary).map(|_| ()))
            .map_err(HubError::io("link", &pointer))?;
        rename(&temporary, &pointer)?;
        Ok(pointer)
    }

    /// Waits until no other process downloads the blob of a checksum; `waiting` is called where one does.
    /// The lock is given up when the file is dropped.
    pub fn lock(&self, checksum: &str, waiting: impl FnOnce()) -> Result<File, HubError> {
        let path = self.locks.join(format!("{checksum}.lock"));
        make_folder_of(&path)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(HubError::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => waiting(),
            Err(TryLockError::Error(error)) => return Err(HubError::io("lock", path)(error)),
        }
        file.lock().map_err(HubError::io("lock", path))?;
        Ok(file)
    }
}

/// Renames a file into its place, where it may replace another.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), HubError> {
    fs::rename(from, to).map_err(HubError::io("create", to))
}

/// Makes the folder that a file lies in.
pub(crate) fn make_folder_of(path: &Path) -> Result<(), HubError> {
    match path.parent() {
        Some(folder) => fs::create_dir_all(folder).map_err(HubError::io("create", folder)),
        None => Ok(()),
    }
}

/// A path beside another that no process and no thread shares.
fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".infoplane-{}-{count}.tmp", std::process::id()))
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, link)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_target: &Path, _link: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linked_file_holds_the_blobs_bytes_and_can_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let cache = RepositoryCache::new(folder.path(), "org/net");
        let commit = "0".repeat(40);
        for (checksum, bytes) in [("aa", b"old"), ("bb", b"new")] {
            make_folder_of(&cache.blob(checksum)).unwrap();
            fs::write(cache.blob(checksum), bytes).unwrap();
            let path = cache.link(checksum, &commit, "onnx/model.onnx").unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            let expected = format!("models--org--net/snapshots/{commit}/onnx/model.onnx");
            assert_eq!(path, folder.path().join(expected));
        }
        assert_eq!(cache.files(&commit), ["onnx/model.onnx"]);
        fs::remove_file(cache.blob("bb")).unwrap();
        assert!(cache.files(&commit).is_empty() || !cfg!(unix));
    }

    #[test]
    fn a_revision_stands_at_the_commit_last_noted() {
        let folder = tempfile::tempdir().unwrap();
        let cache = RepositoryCache::new(folder.path(), "org/net");
        assert_eq!(cache.commit("refs/pr/1"), None);
        for commit in ["1".repeat(40), "2".repeat(40)] {
            cache.set_commit("refs/pr/1", &commit).unwrap();
            assert_eq!(cache.commit("refs/pr/1"), Some(commit.clone()));
            assert_eq!(cache.commit(&commit), Some(commit));
        }
        fs::write(folder.path().join("models--org--net/refs/odd"), "../../x").unwrap();
        assert_eq!(cache.commit("odd"), None);
    }

    #[test]
    fn a_lock_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let cache = RepositoryCache::new(folder.path(), "org/net");
        let held = cache.lock("aa", || panic!("nobody holds it")).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                cache
                    .lock("aa", || sender.send("waiting").unwrap())
                    .unwrap();
                sender.send("locked").unwrap();
            });
            assert_eq!(receiver.recv().unwrap(), "waiting");
            assert!(receiver.try_recv().is_err());
            drop(held);
            assert_eq!(receiver.recv().unwrap(), "locked");
        });
    }
}
