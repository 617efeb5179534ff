//! One process at a time writes to a run directory.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use crate::error::StoreError;
use crate::layout::lock_path;

/// A run directory's lock: an advisory lock of the operating system on the file `.lock`, which stays
/// there. It is given up when the last clone is dropped and when the process ends in whatever way, so
/// a killed run leaves nothing to clear away.
#[derive(Debug, Clone)]
pub(crate) struct RunLock {
    _file: Arc<File>,
}

impl RunLock {
    /// Locks the directory, without waiting.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process, or another part of this one, holds the lock;
    /// [`StoreError::Io`].
    pub fn take(directory: &Path) -> Result<Self, StoreError> {
        let path = lock_path(directory);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(StoreError::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                _file: Arc::new(file),
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
                path: directory.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(StoreError::io("lock", &path)(error)),
        }
    }
}
