//! Where a file lies, after a download where it has to be.

use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

use infoplane_hub::{Download, Fetched, Hub, HubReference, HubSettings};

use super::is_of_hub;
use crate::error::Error;

type Observer = Box<dyn Fn(Download<'_>) + Send + Sync>;

static OBSERVER: OnceLock<Observer> = OnceLock::new();

/// Tells `observer` of every download from now on. The first observer of a process stays; whether this
/// is the one.
pub fn on_download(observer: impl Fn(Download<'_>) + Send + Sync + 'static) -> bool {
    OBSERVER.set(Box::new(observer)).is_ok()
}

/// A file on this machine.
pub(crate) struct Located<'a> {
    path: Cow<'a, Path>,
    remote: Option<Remote>,
}

/// What it is on the hub.
struct Remote {
    hub: Hub,
    reference: HubReference,
    fetched: Fetched,
}

impl<'a> Located<'a> {
    /// The file of a path; where that is a reference without a file, the first of `usual` that its
    /// repository has.
    pub fn of(path: &'a Path, usual: &[&str]) -> Result<Located<'a>, Error> {
        let reference = path.to_str().filter(|_| is_of_hub(path));
        let Some(reference) = reference else {
            return Ok(Located {
                path: Cow::Borrowed(path),
                remote: None,
            });
        };
        let reference = HubReference::parse(reference)?;
        let hub = Hub::new(HubSettings::from_environment());
        let fetched = hub.fetch(&reference, usual, &mut tell)?;
        if let Some(why) = &fetched.unchecked {
            let file = &fetched.file;
            let commit = fetched.commit.get(..8).unwrap_or_default();
            tracing::warn!(
                "{why}; {file} of {reference} is taken from the cache, as of commit {commit}"
            );
        }
        Ok(Located {
            path: Cow::Owned(fetched.path.clone()),
            remote: Some(Remote {
                hub,
                reference,
                fetched,
            }),
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What a network in it is called, where it is of the hub.
    pub fn name(&self) -> Option<&str> {
        self.remote.as_ref().map(|remote| remote.reference.name())
    }

    /// Fetches a file that should lie beside this one. Whether it was missing and is there now.
    pub fn fetch_beside(&self, missing: &Path) -> Result<bool, Error> {
        let Some(remote) = &self.remote else {
            return Ok(false);
        };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let below = missing.strip_prefix(folder).ok().and_then(Path::to_str);
        let Some(below) = below.filter(|_| !missing.exists()) else {
            return Ok(false);
        };
        let file = match remote.fetched.file.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{below}"),
            None => below.to_string(),
        };
        let reference = remote.reference.beside(&remote.fetched.commit, &file)?;
        remote.hub.fetch(&reference, &[], &mut tell)?;
        Ok(missing.exists())
    }
}

fn tell(download: Download<'_>) {
    if let Some(observer) = OBSERVER.get() {
        observer(download);
    }
}
