//! Talks to the hub: addresses, redirects, and to whom the token is shown.

use std::time::Duration;

use ureq::http::{HeaderMap, Response, Uri};
use ureq::{Agent, Body, Error, Proxy};

use crate::settings::{HubSettings, Token};

/// Most redirects in a row.
const MAX_REDIRECTS: usize = 10;

/// Speaks HTTP with one hub.
pub(crate) struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<Token>,
}

/// One request: to this address, with this token.
type Ask<'a> = dyn Fn(&str, Option<&Token>) -> Result<Response<Body>, Error> + 'a;

/// How far redirects are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// Only those within the hub: its own answer is wanted, not that of where it keeps large files.
    WithinTheHub,
    /// All.
    Everywhere,
}

/// What came back in the end.
pub(crate) struct Answer {
    /// Who was asked last.
    pub host: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Body,
}

/// Why nothing came back.
pub(crate) enum Failure {
    /// The network, or a server that is out of order for now.
    Unreachable(String),
    /// What came is no answer of a hub.
    Nonsense(String),
}

impl Failure {
    /// In words.
    pub fn reason(self) -> String {
        match self {
            Failure::Unreachable(reason) | Failure::Nonsense(reason) => reason,
        }
    }
}

impl Client {
    pub fn new(settings: &HubSettings) -> Client {
        let wait = Some(settings.patience);
        let proxy = match is_loopback(&settings.endpoint) {
            true => None,
            false => Proxy::try_from_env(),
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("infoplane/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(wait)
            .timeout_connect(wait)
            .timeout_recv_response(wait)
            .timeout_per_read(wait)
            .proxy(proxy)
            .build();
        Client {
            agent: config.new_agent(),
            endpoint: settings.endpoint.clone(),
            token: settings.token.clone(),
        }
    }

    /// The address of a file.
    pub fn file_url(&self, repository: &str, revision: &str, file: &str) -> String {
        let endpoint = &self.endpoint;
        let file: Vec<String> = file.split('/').map(percent_encoded).collect();
        let (revision, file) = (percent_encoded(revision), file.join("/"));
        format!("{endpoint}/{repository}/resolve/{revision}/{file}")
    }

    /// The address of what the hub knows of a revision.
    pub fn revision_url(&self, repository: &str, revision: &str) -> String {
        let (endpoint, revision) = (&self.endpoint, percent_encoded(revision));
        format!("{endpoint}/api/models/{repository}/revision/{revision}")
    }

    /// Asks for headers alone.
    pub fn head(&self, url: &str) -> Result<Answer, Failure> {
        self.send(url, Follow::WithinTheHub, &|url, token| {
            let request = self.agent.head(url).header("accept-encoding", "identity");
            with_token(request, token).call()
        })
    }

    /// Asks for a body, from the byte `start` on.
    pub fn get(&self, url: &str, start: u64) -> Result<Answer, Failure> {
        self.send(url, Follow::Everywhere, &|url, token| {
            let mut request = self.agent.get(url).header("accept-encoding", "identity");
            if start > 0 {
                request = request.header("range", format!("bytes={start}-"));
            }
            with_token(request, token).call()
        })
    }

    /// Follows redirects. The token is shown to the hub alone, and not any more once a redirect has left
    /// it.
    fn send(&self, url: &str, follow: Follow, ask: &Ask<'_>) -> Result<Answer, Failure> {
        let hub = origin(&self.endpoint).ok_or_else(|| {
            Failure::Nonsense(format!(
                "`{}` is no address of a hub; HF_ENDPOINT is http:// or https:// and a host",
                self.endpoint
            ))
        })?;
        let mut url = url.to_string();
        let mut token = self.token.as_ref();
        for _ in 0..=MAX_REDIRECTS {
            let asked = origin(&url).ok_or_else(|| {
                Failure::Nonsense(format!("a redirect to `{url}`, which is no web address"))
            })?;
            if asked.is_less_private_than(&hub) {
                return Err(Failure::Nonsense(format!(
                    "a redirect to `{url}`, which is not encrypted"
                )));
            }
            if asked != hub {
                token = None;
            }
            let response = ask(&url, token).map_err(|error| failure(&error))?;
            let status = response.status().as_u16();
            let location = response.headers().get("location");
            let next = location
                .filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308))
                .and_then(|location| location.to_str().ok())
                .map(|location| joined(&url, &asked, location));
            match next {
                Some(next)
                    if follow == Follow::Everywhere || origin(&next).as_ref() == Some(&hub) =>
                {
                    url = next
                }
                _ => {
                    let (parts, body) = response.into_parts();
                    return Ok(Answer {
                        host: asked.host,
                        status,
                        headers: parts.headers,
                        body,
                    });
                }
            }
        }
        Err(Failure::Nonsense(format!(
            "more than {MAX_REDIRECTS} redirects"
        )))
    }
}

impl Answer {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long the server asks to be left alone, where it says so in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?
            .parse()
            .ok()
            .map(Duration::from_secs)
    }
}

fn with_token<B>(
    request: ureq::RequestBuilder<B>,
    token: Option<&Token>,
) -> ureq::RequestBuilder<B> {
    match token {
        Some(token) => request.header("authorization", format!("Bearer {}", token.secret())),
        None => request,
    }
}

fn failure(error: &Error) -> Failure {
    match error {
        Error::HostNotFound => Failure::Unreachable("its host is not known".to_string()),
        Error::Io(source) => Failure::Unreachable(source.to_string()),
        Error::Timeout(_) => Failure::Unreachable("it did not answer in time".to_string()),
        Error::ConnectionFailed
        | Error::BodyStalled
        | Error::ConnectProxyFailed(_)
        | Error::Tls(_)
        | Error::Rustls(_) => Failure::Unreachable(error.to_string()),
        _ => Failure::Nonsense(error.to_string()),
    }
}

/// Whom an address is of.
#[derive(PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// Whether others can read what is said to it, though they can't with `other`.
    fn is_less_private_than(&self, other: &Origin) -> bool {
        other.scheme == "https" && self.scheme != "https"
    }
}

fn origin(url: &str) -> Option<Origin> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let usual = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    Some(Origin {
        host: uri.host()?.to_ascii_lowercase(),
        port: uri.port_u16().unwrap_or(usual),
        scheme,
    })
}

fn is_loopback(url: &str) -> bool {
    origin(url).is_some_and(|origin| {
        matches!(origin.host.as_str(), "localhost" | "[::1]") || origin.host.starts_with("127.")
    })
}

/// The address that a redirect from `url` leads to.
fn joined(url: &str, asked: &Origin, location: &str) -> String {
    if location.contains("://") {
        return location.to_string();
    }
    if location.starts_with("//") {
        return format!("{}:{location}", asked.scheme);
    }
    let root = format!("{}://{}:{}", asked.scheme, asked.host, asked.port);
    if location.starts_with('/') {
        return format!("{root}{location}");
    }
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
    format!("{folder}/{location}")
}

/// A segment of a path, with everything that could end it written as bytes.
fn percent_encoded(segment: &str) -> String {
    segment
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_where_a_browser_would_go() {
        let url = "https://hub.test/org/net/resolve/main/w.bin?x=/y";
        let to = |location: &str| joined(url, &origin(url).unwrap(), location);
        assert_eq!(to("https://cdn.test/a?b"), "https://cdn.test/a?b");
        assert_eq!(to("//cdn.test/a"), "https://cdn.test/a");
        assert_eq!(to("/api/a"), "https://hub.test:443/api/a");
        assert_eq!(to("v.bin"), "https://hub.test/org/net/resolve/main/v.bin");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |a: &str, b: &str| origin(a) == origin(b);
        assert!(same("https://Hub.test/a", "https://hub.test:443/b"));
        assert!(!same("https://hub.test/", "http://hub.test/"));
        assert!(!same("https://hub.test/", "https://hub.test:8443/"));
        assert!(!same("https://hub.test/", "https://hub.test.evil/"));
        let less_private = |a: &str, b: &str| {
            let (a, b) = (origin(a).unwrap(), origin(b).unwrap());
            a.is_less_private_than(&b)
        };
        assert!(less_private("http://cdn.test", "https://hub.test"));
        assert!(!less_private("https://cdn.test", "https://hub.test"));
        assert!(!less_private("http://cdn.test", "http://hub.test"));
        assert!(origin("ftp://hub.test/").is_none());
        assert!(origin("/path").is_none());
        assert!(is_loopback("http://127.0.0.1:80") && is_loopback("http://[::1]:1"));
        assert!(!is_loopback("http://hub.test"));
    }

    #[test]
    fn segments_are_encoded_byte_by_byte() {
        assert_eq!(percent_encoded("refs/pr 1"), "refs%2Fpr%201");
        assert_eq!(percent_encoded("µ.bin"), "%C2%B5.bin");
    }
}
