//! Fuzzed bytes as a file, for readers that take a path.

use std::path::{Path, PathBuf};

/// A file that is written again for every input, in a folder of this process, away from disks where there is memory for it.
pub struct Scratch {
    folder: PathBuf,
    file: PathBuf,
}

impl Scratch {
    /// The file `name` in a folder of this process's own; `name` may hold subfolders.
    ///
    /// # Panics
    /// Where the folder can't be made.
    pub fn new(name: &str) -> Scratch {
        let memory = Path::new("/dev/shm");
        let base = match memory.is_dir() {
            true => memory.to_path_buf(),
            false => std::env::temp_dir(),
        };
        let folder = base.join(format!("infoplane-fuzz-{}", std::process::id()));
        let file = folder.join(name);
        let parent = file.parent().expect("the file lies in the folder");
        std::fs::create_dir_all(parent).expect("a folder for the fuzzed file");
        Scratch { folder, file }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file with these bytes.
    ///
    /// # Panics
    /// Where it can't be written.
    pub fn write(&self, bytes: &[u8]) -> &Path {
        std::fs::write(&self.file, bytes).expect("the fuzzed file");
        &self.file
    }
}
