//! What goes wrong on the way, and what is said and kept then.

mod server;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use infoplane_hub::{Download, Fetched, Hub, HubError, HubReference, HubSettings};
use server::{FINE, FakeHub, Fault, Reply, Repository, bytes, sha256, token};
use tempfile::TempDir;

const SIZE: usize = 400_000;

/// A hub with one large file, of which something goes wrong, and a cache.
struct Fixture {
    fake: FakeHub,
    folder: TempDir,
    whole: Vec<u8>,
}

impl Fixture {
    fn new(at_hub: Fault, at_store: Fault) -> Fixture {
        let whole = bytes(SIZE);
        let repository = Repository::new().large("model.safetensors", &whole);
        Fixture {
            fake: FakeHub::with_faults(&repository, at_hub, at_store),
            folder: TempDir::new().unwrap(),
            whole,
        }
    }

    fn settings(&self) -> HubSettings {
        self.fake.settings(self.folder.path())
    }

    fn fetch(&self) -> Result<Fetched, HubError> {
        fetch(&self.settings(), "hf:org/net", &mut |_| {})
    }

    fn said(&self) -> String {
        self.fetch().unwrap_err().to_string()
    }

    #[track_caller]
    fn assert_whole(&self) {
        let fetched = self.fetch().unwrap();
        assert!(fs::read(fetched.path).unwrap() == self.whole);
        assert!(!self.partial().exists());
    }

    fn blob(&self) -> PathBuf {
        let blobs = self.settings().cache.join("models--org--net/blobs");
        blobs.join(sha256(&self.whole))
    }

    fn partial(&self) -> PathBuf {
        self.blob().with_extension("incomplete")
    }

    fn leave(&self, bytes: &[u8]) {
        fs::create_dir_all(self.partial().parent().unwrap()).unwrap();
        fs::write(self.partial(), bytes).unwrap();
    }

    /// The ranges that the store was asked for.
    fn ranges(&self) -> Vec<Option<String>> {
        let seen = self.fake.store.seen().into_iter();
        seen.map(|request| request.header("range").map(ToString::to_string))
            .collect()
    }
}

fn fetch(
    settings: &HubSettings,
    reference: &str,
    progress: &mut dyn FnMut(Download<'_>),
) -> Result<Fetched, HubError> {
    let reference = HubReference::parse(reference).unwrap();
    Hub::new(settings.clone()).fetch(&reference, &["model.safetensors"], progress)
}

#[track_caller]
fn assert_says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
}

// The connection.

#[test]
fn a_cut_download_goes_on_where_it_was_cut() {
    let fixture = Fixture::new(FINE, |_, before, mut reply| {
        reply.cut_after = (before < 3).then_some(100_000);
        reply
    });
    fixture.assert_whole();
    let asked = ["bytes=100000-", "bytes=200000-", "bytes=300000-"];
    let ranges = fixture.ranges();
    assert_eq!(ranges[0], None);
    assert_eq!(ranges[1..].iter().flatten().collect::<Vec<_>>(), asked);
}

#[test]
fn what_an_ended_process_left_is_taken_up_by_the_next() {
    let fixture = Fixture::new(FINE, FINE);
    fixture.leave(&fixture.whole[..250_000]);
    let mut first = None;
    fetch(&fixture.settings(), "hf:org/net", &mut |download| {
        if let Download::Running { done, resumed, .. } = download {
            first.get_or_insert((done, resumed));
        }
    })
    .unwrap();
    let (done, resumed) = first.unwrap();
    assert!(done > 250_000 && resumed == 250_000);
    assert_eq!(fixture.ranges(), [Some("bytes=250000-".to_string())]);
    fixture.assert_whole();
}

#[test]
fn a_download_that_gets_nowhere_ends_with_what_it_has() {
    let fixture = Fixture::new(FINE, |_, before, mut reply| {
        reply.cut_after = Some(if before == 0 { 1_000 } else { 0 });
        reply
    });
    let said = fixture.said();
    let parts = [
        "org/net/model.safetensors",
        "127.0.0.1",
        "1000 of 400000",
        "3 times",
        "goes on",
    ];
    assert_says(&said, &parts);
    assert_eq!(fs::read(fixture.partial()).unwrap(), fixture.whole[..1_000]);
    assert!(!fixture.blob().exists());
    assert_eq!(fixture.ranges().len(), 4);
}

#[test]
fn a_server_that_falls_silent_is_asked_again() {
    let fixture = Fixture::new(FINE, |_, before, mut reply| {
        if before == 0 {
            reply.cut_after = Some(150_000);
            reply.then_wait = Duration::from_secs(20);
        }
        reply
    });
    let started = std::time::Instant::now();
    fixture.assert_whole();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(fixture.ranges().len(), 2);
}

#[test]
fn servers_that_are_out_of_order_for_a_while_are_asked_again() {
    let fixture = Fixture::new(FINE, |_, before, reply| match before {
        0 => Reply::new(503),
        1 => Reply::new(429).with("retry-after", 0),
        _ => reply,
    });
    fixture.assert_whole();
    let broken = Fixture::new(FINE, |_, _, _| Reply::new(500));
    assert_says(&broken.said(), &["it answers 500", "3 times"]);
}

// The bytes.

#[test]
fn wrong_bytes_are_refused_and_removed() {
    let fixture = Fixture::new(FINE, |_, _, mut reply| {
        reply.body[SIZE / 2] ^= 1;
        reply
    });
    let said = fixture.said();
    assert_says(
        &said,
        &[
            "org/net/model.safetensors",
            "SHA-256",
            &sha256(&fixture.whole),
        ],
    );
    assert!(!fixture.blob().exists() && !fixture.partial().exists());
    let pointer = fixture.settings().cache.join("models--org--net/snapshots");
    assert!(!pointer.exists());
}

#[test]
fn wrong_bytes_of_a_small_file_are_refused() {
    let repository = Repository::new().small("model.safetensors", b"small");
    let fake = FakeHub::with_faults(
        &repository,
        |request, _, reply| match request.method.as_str() {
            "GET" => reply.body(b"smell"),
            _ => reply,
        },
        FINE,
    );
    let folder = TempDir::new().unwrap();
    let error = fetch(&fake.settings(folder.path()), "hf:org/net", &mut |_| {}).unwrap_err();
    assert_says(&error.to_string(), &["git SHA-1"]);
}

#[test]
fn a_beginning_that_was_of_something_else_is_thrown_away() {
    let fixture = Fixture::new(FINE, FINE);
    fixture.leave(&[7; 100_000]);
    fixture.assert_whole();
    assert_eq!(fixture.ranges().len(), 2);

    let fixture = Fixture::new(FINE, FINE);
    fixture.leave(&vec![7; SIZE + 1]);
    fixture.assert_whole();
    assert_eq!(fixture.ranges(), [None]);
}

// The length.

#[test]
fn a_length_that_is_too_large_or_too_small_does_not_harm() {
    let fixture = Fixture::new(FINE, |_, before, mut reply| {
        if before == 0 {
            reply.claimed_length = Some(SIZE as u64 * 1_000_000);
            reply.cut_after = Some(100_000);
        }
        reply
    });
    fixture.assert_whole();
    let fixture = Fixture::new(FINE, |_, before, mut reply| {
        if before == 0 {
            reply.claimed_length = Some(100_000);
        }
        reply
    });
    fixture.assert_whole();
    let endless = Fixture::new(FINE, |_, _, mut reply| {
        reply.body.extend([1; 50_000]);
        reply
    });
    endless.assert_whole();
}

#[test]
fn a_size_that_the_hub_made_up_is_found_out() {
    for (claimed, part) in [(SIZE - 1, "SHA-256"), (SIZE + 1, "broke off")] {
        let at_hub: Fault = match claimed < SIZE {
            true => |_, _, reply| reply.with("x-linked-size", SIZE - 1),
            false => |_, _, reply| reply.with("x-linked-size", SIZE + 1),
        };
        let fixture = Fixture::new(at_hub, FINE);
        assert_says(&fixture.said(), &[part]);
        assert!(!fixture.blob().exists());
    }
    let huge = Fixture::new(|_, _, reply| reply.with("x-linked-size", u64::MAX), FINE);
    assert_says(&huge.said(), &["broke off"]);
}

#[test]
fn a_server_that_ignores_ranges_or_mixes_them_up_is_not_believed() {
    let ignores = Fixture::new(FINE, |_, before, reply| {
        let mut reply = match reply.status {
            206 => Reply::new(200).body(&bytes(SIZE)),
            _ => reply,
        };
        reply.cut_after = (before == 0).then_some(100_000);
        reply
    });
    ignores.assert_whole();
    let mixes = Fixture::new(FINE, |_, before, mut reply| {
        reply.cut_after = (before == 0).then_some(100_000);
        match before {
            1 => reply.with("content-range", format!("bytes 5-{}/{SIZE}", SIZE - 1)),
            _ => reply,
        }
    });
    mixes.assert_whole();
    // One that begins again each time and never ends is given up.
    let never = Fixture::new(FINE, |_, _, _| {
        let mut reply = Reply::new(200).body(&bytes(SIZE));
        reply.cut_after = Some(100_000);
        reply
    });
    assert_says(&never.said(), &["broke off", "3 times"]);
}

// What the hub says.

#[test]
fn without_a_token_a_refusal_says_how_to_give_one() {
    let fixture = Fixture::new(|_, _, _| Reply::new(401), FINE);
    assert_says(&fixture.said(), &["`org/net`", "401", "set HF_TOKEN"]);
    let gated = Fixture::new(
        |_, _, _| Reply::new(403).with("x-error-code", "GatedRepo"),
        FINE,
    );
    assert_says(
        &gated.said(),
        &["403", "access on request", "/org/net", "HF_TOKEN"],
    );
}

#[test]
fn a_token_that_does_not_help_is_named_but_not_shown() {
    let fixture = Fixture::new(|_, _, _| Reply::new(401), FINE);
    let mut settings = fixture.settings();
    settings.token = token("hf_secret");
    let error = fetch(&settings, "hf:org/net", &mut |_| {}).unwrap_err();
    assert_says(
        &error.to_string(),
        &["the token of HF_TOKEN may not read it"],
    );
    assert!(!format!("{error} {error:?} {settings:?}").contains("secret"));
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let repository = Repository::new()
        .small("README.md", b"x")
        .small("weights/b.safetensors", b"x")
        .small("a.onnx", b"x");
    let fake = FakeHub::start(&repository);
    let folder = TempDir::new().unwrap();
    let said = |reference: &str| {
        let settings = fake.settings(folder.path());
        fetch(&settings, reference, &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    let file = said("hf:org/net#w.bin");
    let there = "its files are a.onnx, weights/b.safetensors, README.md";
    assert_says(
        &file,
        &["`org/net` has no `w.bin`", there, "hf:org/net#a.onnx"],
    );
    assert_says(&said("hf:org/net"), &["has no `model.safetensors`", there]);
    assert_says(
        &said("hf:org/none"),
        &["no model `org/none`", "127.0.0.1", "404"],
    );
    assert_says(
        &said("hf:org/net@v9"),
        &["`org/net` has no revision `v9`", "`main`"],
    );
    assert!(!folder.path().join("hub").exists());
}

#[test]
fn an_answer_that_is_none_of_a_hub_is_said() {
    let cases: [(Fault, &str); 5] = [
        (
            |_, _, reply| reply.without("x-repo-commit"),
            "without a commit",
        ),
        (
            |_, _, reply| reply.with("x-repo-commit", "../../.."),
            "without a commit",
        ),
        (
            |_, _, reply| reply.with("x-linked-etag", "\"../../../x\""),
            "without a checksum",
        ),
        (
            |_, _, reply| reply.without("x-linked-size"),
            "without a size",
        ),
        (
            |_, _, reply| reply.with("location", "/org/net/resolve/main/model.safetensors"),
            "redirects",
        ),
    ];
    for (fault, part) in cases {
        assert_says(
            &Fixture::new(fault, FINE).said(),
            &[part, "/org/net/resolve/main/"],
        );
    }
    let folder = TempDir::new().unwrap();
    let nowhere = server::settings("ftp://hub", folder.path());
    let error = fetch(&nowhere, "hf:org/net", &mut |_| {}).unwrap_err();
    assert_says(&error.to_string(), &["ftp://hub", "HF_ENDPOINT"]);
}

#[test]
fn a_cache_that_cant_be_written_is_named() {
    let fixture = Fixture::new(FINE, FINE);
    fs::write(fixture.settings().cache, "a file in the way").unwrap();
    assert_says(
        &fixture.said(),
        &["cannot create", fixture.settings().cache.to_str().unwrap()],
    );
}
