//! What stands in the hub's place where the library is built without the feature `hub`.

use std::path::Path;

use super::is_of_hub;
use crate::error::Error;

/// A file on this machine.
pub(crate) struct Located<'a> {
    path: &'a Path,
}

impl<'a> Located<'a> {
    /// The file of a path, which can't be of the hub.
    pub fn of(path: &'a Path, _usual: &[&str]) -> Result<Located<'a>, Error> {
        if is_of_hub(path) {
            return Err(Error::Setting(format!(
                "{} is a file of the Hugging Face hub, and this infoplane was built without the feature `hub`; build it with the feature, or download the file and give its path",
                path.display()
            )));
        }
        Ok(Located { path })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.path
    }

    /// What a network in it is called by the hub.
    pub fn name(&self) -> Option<&str> {
        None
    }

    /// Whether a missing file could be fetched.
    pub fn fetch_beside(&self, _missing: &Path) -> Result<bool, Error> {
        Ok(false)
    }
}
