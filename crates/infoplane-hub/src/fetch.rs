//! From a reference to a file in the cache.

use std::fs;
use std::path::PathBuf;

use crate::cache::{RepositoryCache, make_folder_of, rename};
use crate::checksum::Checksum;
use crate::client::{Answer, Client, Failure};
use crate::download::{Download, Wanted, download};
use crate::error::HubError;
use crate::listing;
use crate::reference::{HubReference, is_commit};
use crate::settings::HubSettings;

/// A hub and its cache.
pub struct Hub {
    settings: HubSettings,
    client: Client,
}

/// A file of the hub that is in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it lies.
    pub path: PathBuf,
    /// The commit that it is of.
    pub commit: String,
    /// Its name in the repository.
    pub file: String,
    /// Why the hub could not be asked whether there is a newer one, where that was so though it was allowed.
    pub unchecked: Option<String>,
}

/// What the hub says of a file.
struct Remote {
    commit: String,
    checksum: Checksum,
    size: u64,
}

/// How the hub answers a question for a file.
enum Said {
    Here(Remote),
    NoSuchFile,
    Nothing(String),
}

impl Hub {
    /// A hub as these settings describe it.
    pub fn new(settings: HubSettings) -> Hub {
        Hub {
            client: Client::new(&settings),
            settings,
        }
    }

    /// The file of a reference, out of the cache or downloaded into it; where the reference names none,
    /// the first of `usual` that the repository has.
    ///
    /// The hub is asked where a branch stands each time. Where it can't be reached, or may not be asked,
    /// the cache's answer counts.
    ///
    /// # Errors
    /// [`HubError`]: in the reference, at the hub, on the way, or with the cache.
    pub fn fetch(
        &self,
        reference: &HubReference,
        usual: &[&str],
        progress: &mut dyn FnMut(Download<'_>),
    ) -> Result<Fetched, HubError> {
        let files: Vec<String> = match reference.file() {
            Some(file) => vec![file.to_string()],
            None => usual.iter().map(ToString::to_string).collect(),
        };
        let cache = RepositoryCache::new(&self.settings.cache, reference.repository());
        if reference.is_pinned()
            && let Some(file) = files.first()
            && let Some(found) = cached(&cache, reference.revision(), std::slice::from_ref(file))
        {
            return Ok(found);
        }
        if self.settings.offline {
            let reason = "HF_HUB_OFFLINE forbids to ask the hub; unset it to download the file";
            return self.out_of_cache(&cache, reference, &files, reason.to_string());
        }
        for file in &files {
            match self.ask(reference, file)? {
                Said::Here(remote) => {
                    let path = self.get(&cache, reference, file, &remote, progress)?;
                    cache.set_commit(reference.revision(), &remote.commit)?;
                    return Ok(Fetched {
                        path,
                        commit: remote.commit,
                        file: file.clone(),
                        unchecked: None,
                    });
                }
                Said::NoSuchFile => {}
                Said::Nothing(reason) => {
                    let endpoint = &self.settings.endpoint;
                    let why = format!("{endpoint} can't be reached: {reason}");
                    let mut found = self.out_of_cache(&cache, reference, &files, why.clone())?;
                    found.unchecked = Some(why);
                    return Ok(found);
                }
            }
        }
        Err(HubError::NoFile {
            repository: reference.repository().to_string(),
            revision: reference.revision().to_string(),
            present: self.files(reference)?,
            files,
        })
    }

    /// The files of a repository at a revision, those of weights and networks first.
    ///
    /// # Errors
    /// [`HubError`] where the hub does not say.
    pub fn files(&self, reference: &HubReference) -> Result<Vec<String>, HubError> {
        let url = self
            .client
            .revision_url(reference.repository(), reference.revision());
        let answer = self.client.get(&url, 0);
        let answer = answer.map_err(|failure| listing::no_answer(&url, failure))?;
        match answer.status {
            200 => listing::files(&url, answer),
            404 if answer.header("x-error-code") != Some("RevisionNotFound") => {
                Err(self.no_repository(reference))
            }
            _ => Err(self.refusal(reference, &url, &answer)),
        }
    }

    fn out_of_cache(
        &self,
        cache: &RepositoryCache,
        reference: &HubReference,
        files: &[String],
        reason: String,
    ) -> Result<Fetched, HubError> {
        let commit = cache.commit(reference.revision());
        if let Some(commit) = &commit
            && let Some(found) = cached(cache, commit, files)
        {
            return Ok(found);
        }
        Err(HubError::NotCached {
            files: files.iter().map(|file| label(reference, file)).collect(),
            cache: self.settings.cache.clone(),
            present: commit
                .map(|commit| cache.files(&commit))
                .unwrap_or_default(),
            reason,
        })
    }

    /// Asks the hub for a file's commit, size and checksum.
    fn ask(&self, reference: &HubReference, file: &str) -> Result<Said, HubError> {
        let url = self
            .client
            .file_url(reference.repository(), reference.revision(), file);
        let answer = match self.client.head(&url) {
            Ok(answer) => answer,
            Err(Failure::Unreachable(reason)) => return Ok(Said::Nothing(reason)),
            Err(failure) => return Err(listing::no_answer(&url, failure)),
        };
        let code = answer.header("x-error-code").unwrap_or_default();
        match answer.status {
            200..=399 => remote(&url, &answer).map(Said::Here),
            404 if matches!(code, "" | "EntryNotFound") => Ok(Said::NoSuchFile),
            404 if code == "RepoNotFound" => Err(self.no_repository(reference)),
            429 | 500..=599 => Ok(Said::Nothing(format!("it answers {}", answer.status))),
            _ => Err(self.refusal(reference, &url, &answer)),
        }
    }

    fn no_repository(&self, reference: &HubReference) -> HubError {
        HubError::NoRepository {
            endpoint: self.settings.endpoint.clone(),
            repository: reference.repository().to_string(),
        }
    }

    /// What an answer without a file means.
    fn refusal(&self, reference: &HubReference, url: &str, answer: &Answer) -> HubError {
        let (endpoint, repository) = (&self.settings.endpoint, reference.repository());
        let code = answer.header("x-error-code").unwrap_or_default();
        let token = self.settings.token.as_ref();
        match (answer.status, code) {
            (404, "RevisionNotFound") => HubError::NoRevision {
                repository: repository.to_string(),
                revision: reference.revision().to_string(),
            },
            (401 | 403, _) => HubError::Refused {
                endpoint: endpoint.clone(),
                repository: repository.to_string(),
                status: answer.status,
                hint: match (code, token) {
                    ("GatedRepo", _) => format!(
                        "its owner grants access on request; ask for it at {endpoint}/{repository}, and set HF_TOKEN to a token of the account that has it"
                    ),
                    (_, None) => "there is no such model, or it is private; if it is, set HF_TOKEN to a token that may read it".to_string(),
                    (_, Some(token)) => format!(
                        "there is no such model, or the token of {} may not read it; set HF_TOKEN to one that may",
                        token.source()
                    ),
                },
            },
            (status, _) => HubError::Answer {
                url: url.to_string(),
                answer: match answer.header("x-error-message") {
                    Some(message) => format!("{status} ({message})"),
                    None => status.to_string(),
                },
            },
        }
    }

    /// The file's place in the cache, after a download where its bytes are not there.
    fn get(
        &self,
        cache: &RepositoryCache,
        reference: &HubReference,
        file: &str,
        remote: &Remote,
        progress: &mut dyn FnMut(Download<'_>),
    ) -> Result<PathBuf, HubError> {
        let Remote {
            commit,
            checksum,
            size,
        } = remote;
        let has_size = |path: &PathBuf| fs::metadata(path).is_ok_and(|data| data.len() == *size);
        let pointer = cache.pointer(commit, file);
        if has_size(&pointer) {
            return Ok(pointer);
        }
        let label = label(reference, file);
        let blob = cache.blob(&checksum.hex);
        let waiting = || progress(Download::Waiting { file: &label });
        let lock = cache.lock(&checksum.hex, waiting)?;
        if !has_size(&blob) {
            let partial = cache.incomplete(&checksum.hex);
            make_folder_of(&partial)?;
            let url = self.client.file_url(reference.repository(), commit, file);
            let wanted = Wanted {
                label: &label,
                url: &url,
                size: *size,
                checksum,
            };
            download(&self.client, &self.settings, &wanted, &partial, progress)?;
            rename(&partial, &blob)?;
        }
        let path = cache.link(&checksum.hex, commit, file);
        drop(lock);
        path
    }
}

/// What is called a file for people.
fn label(reference: &HubReference, file: &str) -> String {
    format!("{}/{file}", reference.repository())
}

/// The first of the files that the cache has of a commit.
fn cached(cache: &RepositoryCache, commit: &str, files: &[String]) -> Option<Fetched> {
    files.iter().find_map(|file| {
        let path = cache.pointer(commit, file);
        path.is_file().then(|| Fetched {
            path,
            commit: commit.to_string(),
            file: file.clone(),
            unchecked: None,
        })
    })
}

/// Reads what the hub says of a file out of its headers. Of a large file, which it keeps elsewhere, it
/// gives checksum and size in headers of their own.
fn remote(url: &str, answer: &Answer) -> Result<Remote, HubError> {
    let lacks = |what: &str| HubError::Answer {
        url: url.to_string(),
        answer: format!(
            "without {what}, so it does not speak as a hub does; is HF_ENDPOINT right?"
        ),
    };
    let commit = answer
        .header("x-repo-commit")
        .filter(|commit| is_commit(commit));
    let etag = answer
        .header("x-linked-etag")
        .or_else(|| answer.header("etag"));
    let size = answer.header("x-linked-size").or_else(|| {
        answer
            .header("content-length")
            .filter(|_| answer.status == 200)
    });
    Ok(Remote {
        commit: commit.ok_or_else(|| lacks("a commit"))?.to_string(),
        checksum: etag
            .and_then(Checksum::of_etag)
            .ok_or_else(|| lacks("a checksum"))?,
        size: size
            .and_then(|size| size.parse().ok())
            .ok_or_else(|| lacks("a size"))?,
    })
}
