//! What the tests against reference results share.

use std::path::PathBuf;

/// A file of the folder of reference results, where that is there.
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("INFOPLANE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let file = folder.join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("skipped: {path} is not there (set INFOPLANE_SHARED)");
    None
}
