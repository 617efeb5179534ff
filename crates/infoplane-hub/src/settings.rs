//! Where the hub and its cache are, and who asks: the environment variables of the hub's own programs.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The hub that is asked where `HF_ENDPOINT` names no other.
const ENDPOINT: &str = "https://huggingface.co";

/// Where the hub and its cache are, and how they are used.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// The hub's address, without a slash at its end.
    pub endpoint: String,
    /// The folder of the cache.
    pub cache: PathBuf,
    /// What is shown to the hub, where there is one.
    pub token: Option<Token>,
    /// Whether the hub may not be asked.
    pub offline: bool,
    /// Longest wait for a connection, for an answer's first bytes, and between two of its reads.
    pub patience: Duration,
    /// Attempts that may follow one another without a byte before a download is given up.
    pub attempts: u32,
    /// Wait before the second of those; it doubles from one to the next.
    pub pause: Duration,
}

/// An access token. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    secret: String,
    source: TokenSource,
}

/// Where a token was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// The environment variable of this name.
    Variable(&'static str),
    /// This file.
    File(PathBuf),
}

impl Token {
    /// A token as it was written down; none where there is nothing but white space.
    pub fn new(text: &str, source: TokenSource) -> Option<Token> {
        let secret: String = text.trim().to_string();
        (!secret.is_empty()).then_some(Token { secret, source })
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Where it was found.
    pub fn source(&self) -> &TokenSource {
        &self.source
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(from {:?})", self.source)
    }
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenSource::Variable(name) => f.write_str(name),
            TokenSource::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl HubSettings {
    /// What the environment says: `HF_ENDPOINT`, `HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN`, `HF_TOKEN_PATH`,
    /// `HF_HUB_OFFLINE` and `HF_HUB_DOWNLOAD_TIMEOUT` (seconds), with the defaults of the hub's own programs.
    pub fn from_environment() -> HubSettings {
        HubSettings::from_variables(|name| std::env::var_os(name))
    }

    /// The same of any variables.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> HubSettings {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |name: &str| given(name).map(PathBuf::from);
        let text = |name: &str| given(name).and_then(|value| value.into_string().ok());
        let home = path("HF_HOME").unwrap_or_else(|| {
            let user_cache = path("XDG_CACHE_HOME").or_else(|| {
                let user = path("HOME").or_else(|| path("USERPROFILE"))?;
                Some(user.join(".cache"))
            });
            user_cache
                .unwrap_or_else(|| PathBuf::from(".cache"))
                .join("huggingface")
        });
        let cache = path("HF_HUB_CACHE").or_else(|| path("HUGGINGFACE_HUB_CACHE"));
        let token_file = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_string());
        let seconds = text("HF_HUB_DOWNLOAD_TIMEOUT").and_then(|text| text.parse().ok());
        HubSettings {
            endpoint: endpoint.trim_end_matches('/').to_string(),
            cache: cache.unwrap_or_else(|| home.join("hub")),
            token: token(&text, &token_file),
            offline: ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]
                .iter()
                .any(|name| text(name).is_some_and(|value| is_true(&value))),
            patience: Duration::from_secs(seconds.filter(|&s| s > 0).unwrap_or(30)),
            attempts: 5,
            pause: Duration::from_secs(1),
        }
    }
}

fn token(text: &impl Fn(&str) -> Option<String>, file: &Path) -> Option<Token> {
    let of_variable = |name: &'static str| Token::new(&text(name)?, TokenSource::Variable(name));
    let of_file = || {
        let written = std::fs::read_to_string(file).ok()?;
        Token::new(&written, TokenSource::File(file.to_path_buf()))
    };
    of_variable("HF_TOKEN")
        .or_else(|| of_variable("HUGGING_FACE_HUB_TOKEN"))
        .or_else(of_file)
}

/// What the hub's own programs take for a yes.
fn is_true(value: &str) -> bool {
    ["1", "on", "yes", "true"]
        .iter()
        .any(|yes| value.eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> HubSettings {
        HubSettings::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(OsString::from(found.1))
        })
    }

    #[test]
    fn without_variables_the_usual_places_are_used() {
        let usual = settings(&[("HOME", "/home/ada")]);
        assert_eq!(usual.endpoint, ENDPOINT);
        assert_eq!(usual.cache, Path::new("/home/ada/.cache/huggingface/hub"));
        assert_eq!(usual.token, None);
        assert!(!usual.offline);
        let moved = settings(&[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "/c")]);
        assert_eq!(moved.cache, Path::new("/c/huggingface/hub"));
    }

    #[test]
    fn each_variable_is_followed() {
        let mirror = settings(&[
            ("HF_ENDPOINT", "http://mirror/"),
            ("HF_HOME", "/h"),
            ("HF_TOKEN", " hf_secret\n"),
            ("HF_HUB_OFFLINE", "TRUE"),
            ("HF_HUB_DOWNLOAD_TIMEOUT", "7"),
        ]);
        assert_eq!(mirror.endpoint, "http://mirror");
        assert_eq!(mirror.cache, Path::new("/h/hub"));
        assert_eq!(mirror.token.as_ref().unwrap().secret(), "hf_secret");
        assert!(mirror.offline);
        assert_eq!(mirror.patience, Duration::from_secs(7));
        assert!(!format!("{mirror:?}").contains("secret"));
        let cache = settings(&[("HF_HOME", "/h"), ("HF_HUB_CACHE", "/elsewhere")]);
        assert_eq!(cache.cache, Path::new("/elsewhere"));
        assert!(!settings(&[("HF_HUB_OFFLINE", "0")]).offline);
    }

    #[test]
    fn a_token_may_lie_in_a_file_but_the_variable_comes_first() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().to_str().unwrap();
        std::fs::write(Path::new(home).join("token"), "hf_file\n").unwrap();
        let of_file = settings(&[("HF_HOME", home)]).token.unwrap();
        assert_eq!(of_file.secret(), "hf_file");
        assert!(of_file.source().to_string().ends_with("token"));
        let both = settings(&[("HF_HOME", home), ("HF_TOKEN", "hf_variable")]);
        assert_eq!(both.token.unwrap().secret(), "hf_variable");
    }
}
