//! A hub on this machine: a server of HTTP/1.1 with nothing but the standard library, what the hub says of one
//! repository, and a second server in the place of where the hub keeps large files.

// Each test file uses its own part of this.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use infoplane_hub::{HubSettings, Token, TokenSource};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// What was asked.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name)?;
        Some(&found.1)
    }
}

/// What is answered.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Said instead of the body's length.
    pub claimed_length: Option<u64>,
    /// Bytes after which the connection is closed.
    pub cut_after: Option<usize>,
    /// How long nothing follows after those bytes, before it is closed.
    pub then_wait: Duration,
}

impl Reply {
    pub fn new(status: u16) -> Reply {
        Reply {
            status,
            ..Reply::default()
        }
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Reply {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    pub fn without(mut self, name: &str) -> Reply {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub fn body(mut self, body: &[u8]) -> Reply {
        self.body = body.to_vec();
        self
    }

    /// The part of the body that a request wants.
    fn ranged(mut self, request: &Request) -> Reply {
        let Some(range) = request.header("range") else {
            return self;
        };
        let start: usize = range["bytes=".len()..range.len() - 1].parse().unwrap();
        let total = self.body.len();
        if start >= total {
            return Reply::new(416);
        }
        self.body.drain(..start);
        self.status = 206;
        self.with(
            "content-range",
            format!("bytes {start}-{}/{total}", total - 1),
        )
    }
}

/// A server that answers until it is dropped.
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// `answer` gets a request and how many there were before it.
    pub fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            stop: Arc::default(),
        };
        let (seen, stop) = (Arc::clone(&server.seen), Arc::clone(&server.stop));
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                // A client may hang up at any time.
                std::thread::spawn(move || {
                    stream.and_then(|stream| serve(stream, &seen, &*answer))
                });
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The paths that were asked for by a method.
    pub fn paths(&self, method: &str) -> Vec<String> {
        let seen = self.seen().into_iter();
        let of_method = seen.filter(|request| request.method == method);
        of_method.map(|request| request.path).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request, usize) -> Reply,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut words = first.split(' ').map(ToString::to_string);
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Ok(());
    };
    let mut headers = Vec::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_string()));
    }
    let request = Request {
        method,
        path,
        headers,
    };
    let before = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        seen.len() - 1
    };
    let reply = answer(&request, before);
    let length = reply.claimed_length.unwrap_or(reply.body.len() as u64);
    let mut head = format!(
        "HTTP/1.1 {} Said\r\nconnection: close\r\ncontent-length: {length}\r\n",
        reply.status
    );
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    if request.method != "HEAD" {
        let end = reply.cut_after.unwrap_or(usize::MAX).min(reply.body.len());
        stream.write_all(&reply.body[..end])?;
        stream.flush()?;
        std::thread::sleep(reply.then_wait);
    }
    Ok(())
}

/// The repository `org/net`.
#[derive(Clone)]
pub struct Repository {
    pub commit: String,
    files: Vec<(String, Vec<u8>, bool)>,
}

/// A commit of one repeated digit.
pub fn commit(digit: char) -> String {
    digit.to_string().repeat(40)
}

/// Bytes that differ from place to place.
pub fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 31 + i / 251) as u8).collect()
}

impl Repository {
    pub fn new() -> Repository {
        Repository {
            commit: commit('a'),
            files: Vec::new(),
        }
    }

    /// With a file that is kept elsewhere.
    pub fn large(mut self, name: &str, bytes: &[u8]) -> Repository {
        self.files.push((name.to_string(), bytes.to_vec(), true));
        self
    }

    /// With a file that the hub gives by itself.
    pub fn small(mut self, name: &str, bytes: &[u8]) -> Repository {
        self.files.push((name.to_string(), bytes.to_vec(), false));
        self
    }

    fn file(&self, name: &str) -> Option<&(String, Vec<u8>, bool)> {
        self.files.iter().find(|(known, ..)| known == name)
    }

    /// What the hub says.
    fn answer(&self, request: &Request, store: &str) -> Reply {
        let path = &request.path;
        if let Some(revision) = path.strip_prefix("/api/models/org/net/revision/") {
            if !self.knows(revision) {
                return Reply::new(404).with("x-error-code", "RevisionNotFound");
            }
            let names: Vec<String> = self
                .files
                .iter()
                .map(|(name, ..)| format!("{{\"rfilename\":\"{name}\"}}"))
                .collect();
            return Reply::new(200)
                .body(format!("{{\"siblings\":[{}]}}", names.join(",")).as_bytes());
        }
        let Some(rest) = path.strip_prefix("/org/net/resolve/") else {
            return Reply::new(404).with("x-error-code", "RepoNotFound");
        };
        let (revision, name) = rest.split_once('/').unwrap();
        if !self.knows(revision) {
            return Reply::new(404).with("x-error-code", "RevisionNotFound");
        }
        match self.file(name) {
            None => Reply::new(404).with("x-error-code", "EntryNotFound"),
            Some((_, bytes, true)) => Reply::new(302)
                .with("location", format!("{store}/objects/{name}?signed=1"))
                .with("x-repo-commit", &self.commit)
                .with("x-linked-etag", format!("\"{}\"", sha256(bytes)))
                .with("x-linked-size", bytes.len())
                .with("etag", "\"something else\""),
            Some((_, bytes, false)) => Reply::new(200)
                .with("x-repo-commit", &self.commit)
                .with("etag", format!("\"{}\"", git_sha1(bytes)))
                .body(bytes),
        }
    }

    fn knows(&self, revision: &str) -> bool {
        revision == "main" || revision == self.commit
    }
}

/// A hub of one repository, and where it keeps large files.
pub struct FakeHub {
    pub hub: Server,
    pub store: Server,
}

/// What goes wrong: gets a request, how many there were before, and what would be answered.
pub type Fault = fn(&Request, usize, Reply) -> Reply;

/// Nothing goes wrong.
pub const FINE: Fault = |_, _, reply| reply;

impl FakeHub {
    pub fn start(repository: &Repository) -> FakeHub {
        FakeHub::with_faults(repository, FINE, FINE)
    }

    pub fn with_faults(repository: &Repository, at_hub: Fault, at_store: Fault) -> FakeHub {
        let (kept, told) = (repository.clone(), repository.clone());
        let store = Server::start(move |request, before| {
            let path = request.path.strip_prefix("/objects/");
            let name = path.and_then(|path| path.split('?').next());
            let reply = match name.and_then(|name| kept.file(name)) {
                Some((_, bytes, _)) => Reply::new(200).body(bytes).ranged(request),
                None => Reply::new(404),
            };
            at_store(request, before, reply)
        });
        let address = store.url();
        let hub = Server::start(move |request, before| {
            at_hub(request, before, told.answer(request, &address))
        });
        FakeHub { hub, store }
    }

    /// How to ask it, with a cache in `folder`.
    pub fn settings(&self, folder: &Path) -> HubSettings {
        settings(&self.hub.url(), folder)
    }
}

/// How to ask a hub without much patience.
pub fn settings(endpoint: &str, folder: &Path) -> HubSettings {
    HubSettings {
        endpoint: endpoint.to_string(),
        cache: folder.join("hub"),
        token: None,
        offline: false,
        patience: Duration::from_millis(700),
        attempts: 3,
        pause: Duration::from_millis(1),
    }
}

pub fn token(text: &str) -> Option<Token> {
    Token::new(text, TokenSource::Variable("HF_TOKEN"))
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub fn git_sha1(bytes: &[u8]) -> String {
    let mut sum = Sha1::new_with_prefix(format!("blob {}\0", bytes.len()));
    sum.update(bytes);
    hex(&sum.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
