//! Networks and weights of a hub, as people name them: `hf:org/net`.

mod common;
#[path = "../../infoplane-hub/tests/server/mod.rs"]
mod server;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use common::onnx::{Graph, Node};
use common::{
    assert_says, demo_asset, has_temporary, kill_when, program, succeed, words, write_weights,
};
use server::{FINE, FakeHub, Reply, Repository};
use tempfile::TempDir;

/// A folder to work in, and the hub's home.
struct Fixture {
    work: TempDir,
    home: TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        let fixture = Fixture {
            work: TempDir::new().unwrap(),
            home: TempDir::new().unwrap(),
        };
        std::fs::copy(demo_asset("digits.npz"), fixture.work().join("digits.npz")).unwrap();
        fixture
    }

    fn work(&self) -> &Path {
        self.work.path()
    }

    /// The program, that asks this hub and knows no other variables of one.
    fn program(&self, endpoint: &str, args: &str) -> Command {
        let mut program = program(self.work());
        for name in [
            "HF_HUB_CACHE",
            "HUGGINGFACE_HUB_CACHE",
            "HF_TOKEN",
            "HUGGING_FACE_HUB_TOKEN",
            "HF_TOKEN_PATH",
            "HF_HUB_OFFLINE",
            "TRANSFORMERS_OFFLINE",
        ] {
            program.env_remove(name);
        }
        program
            .env("HF_HOME", self.home.path())
            .env("HF_ENDPOINT", endpoint)
            .env("HF_HUB_DOWNLOAD_TIMEOUT", "5")
            .args(words(args));
        program
    }

    #[track_caller]
    fn succeed(&self, fake: &FakeHub, args: &str) -> String {
        succeeded(&self.program(&fake.hub.url(), args).output().unwrap())
    }
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn refused(output: &Output, code: i32, parts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert_says(&stderr, parts);
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
}

fn demo_network() -> Vec<u8> {
    std::fs::read(demo_asset("network.onnx")).unwrap()
}

#[test]
fn a_network_of_the_hub_is_run_and_ablated_and_known_by_its_name_there() {
    let fixture = Fixture::new();
    let fake = FakeHub::start(&Repository::new().large("model.onnx", &demo_network()));
    let run = "run --model hf:org/net --data digits.npz --limit 40 --out out --steps 2 --layers stem,pool";
    let said = fixture.succeed(&fake, run);
    assert_says(&said, &["model     net,"]);
    let manifest = std::fs::read_to_string(fixture.work().join("out/run.json")).unwrap();
    assert_says(&manifest, &["\"model\": \"hf:org/net\""]);

    // The cache is enough from now on.
    let mut ablate = fixture.program("http://127.0.0.1:9", "ablate out --draws 2 --json");
    succeeded(&ablate.env("HF_HUB_OFFLINE", "1").output().unwrap());
    assert_eq!(fake.store.seen().len(), 1);
}

#[test]
fn weights_of_the_hub_are_those_of_the_file() {
    let fixture = Fixture::new();
    let file = write_weights(fixture.work(), "w.safetensors", "squeezenet1_1", 1);
    let repository = Repository::new().large("model.safetensors", &std::fs::read(file).unwrap());
    let fake = FakeHub::start(&repository);
    let layers = "layers squeezenet1_1 --json --weights";
    let local = succeed(fixture.work(), words(&format!("{layers} w.safetensors")));
    for reference in ["hf:org/net", "hf:org/net@main#model.safetensors"] {
        assert_eq!(
            fixture.succeed(&fake, &format!("{layers} {reference}")),
            local
        );
    }
    assert_eq!(fake.store.seen().len(), 1);
}

#[test]
fn weights_outside_a_network_are_fetched_too() {
    let fixture = Fixture::new();
    let path = fixture.work().join("model.onnx");
    Graph::new(&[1, 1, 8, 8], "y")
        .external_weights("w", &[4, 1, 3, 3], "weights.bin")
        .node(Node::new("stem", "Conv", &["input", "w"], "y"))
        .write(&path);
    let repository = Repository::new()
        .small("onnx/model.onnx", &std::fs::read(path).unwrap())
        .large("onnx/weights.bin", &[0; 144]);
    let fake = FakeHub::start(&repository);
    assert_says(&fixture.succeed(&fake, "layers hf:org/net"), &["Conv"]);
}

#[test]
fn two_processes_at_once_download_once() {
    let fixture = Fixture::new();
    let repository = Repository::new().large("model.onnx", &demo_network());
    let fake = FakeHub::with_faults(&repository, FINE, |_, _, reply| {
        std::thread::sleep(Duration::from_millis(500));
        reply
    });
    let run = || {
        fixture
            .program(&fake.hub.url(), "layers hf:org/net")
            .output()
            .unwrap()
    };
    std::thread::scope(|scope| {
        let both = [scope.spawn(run), scope.spawn(run)];
        for one in both {
            succeeded(&one.join().unwrap());
        }
    });
    assert_eq!(fake.store.seen().len(), 1);
}

#[test]
fn a_killed_process_leaves_a_beginning_that_the_next_one_takes_up() {
    let fixture = Fixture::new();
    let network = demo_network();
    let repository = Repository::new().large("model.onnx", &network);
    let fake = FakeHub::with_faults(&repository, FINE, |_, before, mut reply| {
        if before == 0 {
            reply.cut_after = Some(20_000);
            reply.then_wait = Duration::from_secs(60);
        }
        reply
    });
    let blobs = fixture.home.path().join("hub/models--org--net/blobs");
    let partial = blobs.join(format!("{}.incomplete", server::sha256(&network)));
    let mut child = fixture
        .program(&fake.hub.url(), "layers hf:org/net")
        .spawn()
        .unwrap();
    let arrived = || std::fs::metadata(&partial).is_ok_and(|data| data.len() == 20_000);
    assert!(kill_when(&mut child, arrived));

    fixture.succeed(&fake, "layers hf:org/net");
    let last = fake.store.seen().pop().unwrap();
    assert_eq!(last.header("range"), Some("bytes=20000-"));
    assert!(!has_temporary(&blobs) && !partial.exists());
}

#[test]
fn what_the_hub_does_not_give_is_said_and_nothing_is_written() {
    let fixture = Fixture::new();
    let repository = Repository::new().small("net.onnx", b"no network");
    let fake = FakeHub::start(&repository);
    let shut = FakeHub::with_faults(&repository, |_, _, _| Reply::new(401), FINE);
    let url = |hub: &FakeHub| hub.hub.url();
    for (endpoint, model, parts) in [
        (url(&fake), "hf:org/none", &["no model `org/none`"][..]),
        (
            url(&fake),
            "hf:org/net",
            &[
                "`model.onnx` and no `onnx/model.onnx`",
                "hf:org/net#net.onnx",
            ],
        ),
        (
            url(&fake),
            "hf:org/net#net.onnx",
            &["net.onnx is not an ONNX model"],
        ),
        (
            url(&fake),
            "hf:../net",
            &["`hf:../net` names no file of the hub", "hf:OWNER/NAME"],
        ),
        (url(&shut), "hf:org/net", &["401", "set HF_TOKEN"]),
        (
            "http://127.0.0.1:9".to_string(),
            "hf:org/net",
            &["not in the cache", "can't be reached"],
        ),
    ] {
        let args = format!("run --model {model} --data digits.npz --out out");
        refused(
            &fixture.program(&endpoint, &args).output().unwrap(),
            2,
            parts,
        );
    }
    assert!(!fixture.work().join("out").exists());
    let both = "layers hf:org/net --weights w.pth";
    let output = fixture.program(&url(&fake), both).output().unwrap();
    refused(&output, 2, &["--weights does not apply to hf:org/net"]);
}

#[test]
fn a_token_is_read_from_the_variable_or_the_home() {
    let fixture = Fixture::new();
    let fake = FakeHub::start(&Repository::new().small("model.onnx", &demo_network()));
    let shown = || {
        fake.hub
            .seen()
            .pop()
            .unwrap()
            .header("authorization")
            .map(ToString::to_string)
    };
    std::fs::write(fixture.home.path().join("token"), "hf_home\n").unwrap();
    fixture.succeed(&fake, "layers hf:org/net");
    assert_eq!(shown().as_deref(), Some("Bearer hf_home"));
    let mut program = fixture.program(&fake.hub.url(), "layers hf:org/net");
    succeeded(
        &program
            .env("HF_TOKEN", OsStr::new("hf_variable"))
            .output()
            .unwrap(),
    );
    assert_eq!(shown().as_deref(), Some("Bearer hf_variable"));
}
