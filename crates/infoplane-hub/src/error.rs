//! What can go wrong between a reference and its file.

use std::io;
use std::path::PathBuf;

/// Most files that a message lists.
const MAX_LISTED: usize = 20;

/// A file of the hub could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The reference is not written as one.
    #[error(
        "`{given}` names no file of the hub: {reason}. Write hf:OWNER/NAME, and where they are needed @REVISION and #FILE, as hf:timm/resnet50.tv_in1k#model.safetensors"
    )]
    Reference {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The hub does not let this caller at the repository.
    #[error("{endpoint} refuses access to `{repository}` ({status}): {hint}")]
    Refused {
        /// The hub.
        endpoint: String,
        /// The repository.
        repository: String,
        /// HTTP's number.
        status: u16,
        /// What to do.
        hint: String,
    },
    /// The hub has no such repository, as far as this caller may know.
    #[error(
        "there is no model `{repository}` on {endpoint} (404); names are OWNER/NAME, as timm/resnet50.tv_in1k. If it is private, set HF_TOKEN to a token that may read it"
    )]
    NoRepository {
        /// The hub.
        endpoint: String,
        /// The repository.
        repository: String,
    },
    /// The repository has no such revision.
    #[error(
        "the model `{repository}` has no revision `{revision}`; a branch, a tag or a commit of it is needed, and without @ it is `main`"
    )]
    NoRevision {
        /// The repository.
        repository: String,
        /// The revision.
        revision: String,
    },
    /// The repository lacks the file.
    #[error(
        "the model `{repository}` has no {}{}; its files are {}. Name one with #, as hf:{repository}#{}",
        quoted(files, " and no "),
        at_revision(revision),
        listed(present),
        present.first().map_or("FILE", String::as_str)
    )]
    NoFile {
        /// The repository.
        repository: String,
        /// The revision.
        revision: String,
        /// The files that were looked for.
        files: Vec<String>,
        /// The files that are there, those of weights and networks first; empty where unknown.
        present: Vec<String>,
    },
    /// The hub may not be asked or can't be reached, and the cache does not hold the file.
    #[error("{} is not in the cache {}{}, and {reason}", quoted(files, " or "), cache.display(), in_cache(present))]
    NotCached {
        /// The files that were looked for, with their repository.
        files: Vec<String>,
        /// The cache's folder.
        cache: PathBuf,
        /// The files of the repository that it holds.
        present: Vec<String>,
        /// Why the hub did not give it.
        reason: String,
    },
    /// The hub's answer is none of those that it gives.
    #[error("{url} answers {answer}")]
    Answer {
        /// The address.
        url: String,
        /// What it said, or what its answer lacks.
        answer: String,
    },
    /// A download broke off, again and again.
    #[error(
        "the download of {file} from {host} broke off at {received} of {size} bytes, {attempts} times in a row: {reason}; the same command goes on from there"
    )]
    Interrupted {
        /// The file with its repository.
        file: String,
        /// The last host that was asked.
        host: String,
        /// Bytes that are there.
        received: u64,
        /// Bytes of the whole.
        size: u64,
        /// How often nothing came.
        attempts: u32,
        /// The last reason.
        reason: String,
    },
    /// The bytes are not those that the hub has.
    #[error(
        "the download of {file} is not what the hub has: its {kind} is {found}, where {expected} is promised; it was removed. Try again, and if it stays so, ask whoever runs {endpoint}"
    )]
    Checksum {
        /// The file with its repository.
        file: String,
        /// The hub.
        endpoint: String,
        /// The kind of checksum.
        kind: &'static str,
        /// That of the hub.
        expected: String,
        /// That of the bytes.
        found: String,
    },
    /// The cache can't be written or read.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl HubError {
    /// Whether what was asked for is at fault, rather than the network or the machine.
    pub fn is_input_error(&self) -> bool {
        !matches!(
            self,
            HubError::Answer { .. }
                | HubError::Interrupted { .. }
                | HubError::Checksum { .. }
                | HubError::Io { .. }
        )
    }

    pub(crate) fn io(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> HubError {
        let path = path.into();
        move |source| HubError::Io {
            operation,
            path,
            source,
        }
    }
}

fn quoted(names: &[String], between: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(between)
}

fn at_revision(revision: &str) -> String {
    match revision {
        "main" => String::new(),
        _ => format!(" at `{revision}`"),
    }
}

fn listed(files: &[String]) -> String {
    if files.is_empty() {
        return "not known".to_string();
    }
    let shown: Vec<&str> = files.iter().take(MAX_LISTED).map(String::as_str).collect();
    let rest = files.len() - shown.len();
    let more = match rest {
        0 => String::new(),
        _ => format!(" and {rest} more"),
    };
    format!("{}{more}", shown.join(", "))
}

fn in_cache(files: &[String]) -> String {
    match files {
        [] => String::new(),
        _ => format!(" (which holds {} of it)", listed(files)),
    }
}
