//! How a person names a file of the hub.

use std::fmt;

use crate::error::HubError;

/// What a reference begins with.
pub const PREFIX: &str = "hf:";

/// Longest name of a repository that the hub allows.
const MAX_REPOSITORY: usize = 96;

/// A file of a model repository, or the repository's usual file: `hf:ORG/NAME[@REVISION][#FILE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubReference {
    repository: String,
    revision: String,
    file: Option<String>,
}

impl HubReference {
    /// Whether `text` is meant as one.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Takes a reference apart. The revision, a branch, tag or commit, is `main` where none is given.
    ///
    /// # Errors
    /// [`HubError::Reference`] where a part has a form that the hub does not know.
    pub fn parse(text: &str) -> Result<HubReference, HubError> {
        let fail = |reason: String| HubError::Reference {
            given: text.to_string(),
            reason,
        };
        let Some(rest) = text.strip_prefix(PREFIX) else {
            return Err(fail(format!("it does not begin with {PREFIX}")));
        };
        let (rest, file) = match rest.split_once('#') {
            Some((rest, file)) => (rest, Some(file)),
            None => (rest, None),
        };
        let (repository, revision) = rest.split_once('@').unwrap_or((rest, "main"));
        check_repository(repository).map_err(fail)?;
        check_path(revision, "revision").map_err(fail)?;
        if let Some(file) = file {
            check_path(file, "file").map_err(fail)?;
        }
        Ok(HubReference {
            repository: repository.to_string(),
            revision: revision.to_string(),
            file: file.map(ToString::to_string),
        })
    }

    /// The repository, as `timm/resnet50.tv_in1k`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The repository's name without its owner.
    pub fn name(&self) -> &str {
        let parts = self.repository.rsplit_once('/');
        parts.map_or(&self.repository, |(_, name)| name)
    }

    /// Branch, tag or commit.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The file, where one was named.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Another file of the same repository, at a commit.
    pub fn beside(&self, commit: &str, file: &str) -> Result<HubReference, HubError> {
        HubReference::parse(&format!("{PREFIX}{}@{commit}#{file}", self.repository))
    }

    /// Whether the revision is a commit, which always holds the same bytes.
    pub(crate) fn is_pinned(&self) -> bool {
        is_commit(&self.revision)
    }
}

impl fmt::Display for HubReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.repository)?;
        if self.revision != "main" {
            write!(f, "@{}", self.revision)?;
        }
        match &self.file {
            Some(file) => write!(f, "#{file}"),
            None => Ok(()),
        }
    }
}

/// Whether a text is a whole git commit.
pub(crate) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn check_repository(repository: &str) -> Result<(), String> {
    let parts: Vec<&str> = repository.split('/').collect();
    let allowed = |part: &&str| {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let ends_well = !part.starts_with(['-', '.']) && !part.ends_with(['-', '.']);
        !part.is_empty() && part.chars().all(known) && ends_well
    };
    let doubled = repository.contains("--") || repository.contains("..");
    if parts.len() > 2 || !parts.iter().all(allowed) || doubled {
        return Err(format!(
            "`{repository}` is no repository; its owner and its name are made of letters, digits, `-`, `_` and `.`"
        ));
    }
    if repository.len() > MAX_REPOSITORY {
        return Err(format!(
            "the repository has {} characters; {MAX_REPOSITORY} are allowed",
            repository.len()
        ));
    }
    Ok(())
}

/// A revision and a file are paths that must stay below the folder they are put into.
fn check_path(path: &str, what: &str) -> Result<(), String> {
    let fine = |part: &str| !matches!(part, "" | "." | "..");
    let odd = |c: char| c.is_control() || matches!(c, '\\' | ':' | '?' | '*' | '#');
    if path.split('/').all(fine) && !path.contains(odd) {
        return Ok(());
    }
    Err(format!(
        "`{path}` is no {what}; that is a name or a path such as `folder/name`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_a_repository_and_perhaps_a_revision_and_a_file() {
        let plain = HubReference::parse("hf:timm/resnet50.tv_in1k").unwrap();
        assert_eq!(plain.repository(), "timm/resnet50.tv_in1k");
        assert_eq!(plain.name(), "resnet50.tv_in1k");
        assert_eq!(plain.revision(), "main");
        assert_eq!(plain.file(), None);
        let full = HubReference::parse("hf:org/net@refs/pr/3#onnx/model.onnx").unwrap();
        assert_eq!(full.revision(), "refs/pr/3");
        assert_eq!(full.file(), Some("onnx/model.onnx"));
        for text in ["hf:gpt2", "hf:timm/resnet50.tv_in1k", "hf:org/net@v1#w.bin"] {
            assert_eq!(HubReference::parse(text).unwrap().to_string(), text);
        }
        assert!(!plain.is_pinned());
        let commit = format!("hf:org/net@{}", "a1".repeat(20));
        assert!(HubReference::parse(&commit).unwrap().is_pinned());
    }

    #[test]
    fn what_could_leave_the_cache_is_no_reference() {
        for text in [
            "hf:",
            "hf:/net",
            "hf:org/",
            "hf:a/b/c",
            "hf:org/n t",
            "hf:../net",
            "hf:org/..",
            "hf:org--x/net",
            "hf:org/net@",
            "hf:org/net@../main",
            "hf:org/net@a/../b",
            "hf:org/net#",
            "hf:org/net#/etc/passwd",
            "hf:org/net#a/../../b",
            "hf:org/net#a\\b",
            "hf:org/net#c:x",
            "hf:org/net#a#b",
            "org/net",
        ] {
            let said = HubReference::parse(text).unwrap_err().to_string();
            assert!(said.contains(&format!("`{text}`")), "{said}");
        }
        let long = format!("hf:org/{}", "x".repeat(100));
        assert!(HubReference::parse(&long).is_err());
    }
}
