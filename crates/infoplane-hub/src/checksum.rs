//! The hub's checksums: SHA-256 for large files, git's name of a blob for small ones.

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// What a file's bytes must come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checksum {
    /// In lower-case hexadecimal. It is also the blob's name in the cache.
    pub hex: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sha256,
    GitSha1,
}

impl Checksum {
    /// Reads an `ETag`, perhaps a weak or a quoted one; none where it is no checksum.
    pub fn of_etag(etag: &str) -> Option<Checksum> {
        let bare = etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"');
        let kind = match bare.len() {
            64 => Kind::Sha256,
            40 => Kind::GitSha1,
            _ => return None,
        };
        let is_hex = bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| Checksum {
            hex: bare.to_ascii_lowercase(),
            kind,
        })
    }

    /// Its name for people.
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Sha256 => "SHA-256",
            Kind::GitSha1 => "git SHA-1",
        }
    }

    /// Begins to sum up a file of `size` bytes.
    pub fn begin(&self, size: u64) -> Running {
        match self.kind {
            Kind::Sha256 => Running::Sha256(Sha256::new()),
            // git names a blob by its type and size before its bytes.
            Kind::GitSha1 => Running::GitSha1(Sha1::new_with_prefix(format!("blob {size}\0"))),
        }
    }
}

/// A sum over the bytes so far.
pub(crate) enum Running {
    Sha256(Sha256),
    GitSha1(Sha1),
}

impl Running {
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Running::Sha256(sum) => sum.update(bytes),
            Running::GitSha1(sum) => sum.update(bytes),
        }
    }

    /// The sum in hexadecimal.
    pub fn finish(self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Running::Sha256(sum) => hex(&sum.finalize()),
            Running::GitSha1(sum) => hex(&sum.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_sha256sum_and_of_git_hash_object() {
        let text = b"hello\n";
        let sum = |etag: &str| {
            let checksum = Checksum::of_etag(etag).unwrap();
            let mut running = checksum.begin(text.len() as u64);
            running.update(&text[..2]);
            running.update(&text[2..]);
            (running.finish(), checksum.hex)
        };
        for etag in [
            "\"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\"",
            "W/\"ce013625030ba8dba906f756967f9e9ca394464a\"",
        ] {
            let (found, expected) = sum(etag);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn other_tags_are_no_checksums() {
        let slashes = "../".repeat(21) + "x";
        for etag in ["", "\"abc\"", slashes.as_str(), &"g".repeat(64)] {
            assert_eq!(Checksum::of_etag(etag), None);
        }
    }
}
