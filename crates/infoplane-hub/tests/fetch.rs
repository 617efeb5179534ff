//! What is fetched, where it lies, and what is asked for it.

mod server;

use std::fs;
use std::path::Path;

use infoplane_hub::{Download, Fetched, Hub, HubError, HubReference, HubSettings};
use server::{FakeHub, Repository, bytes, commit, git_sha1, settings, sha256, token};
use tempfile::TempDir;

const USUAL: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

fn fetch(settings: &HubSettings, reference: &str) -> Result<Fetched, HubError> {
    let reference = HubReference::parse(reference).unwrap();
    Hub::new(settings.clone()).fetch(&reference, &USUAL, &mut |_| {})
}

fn said(settings: &HubSettings, reference: &str) -> String {
    fetch(settings, reference).unwrap_err().to_string()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_large_file_is_fetched_once_into_the_hubs_own_layout() {
    let large = bytes(300_000);
    let fake = FakeHub::start(&Repository::new().large("model.safetensors", &large));
    let folder = TempDir::new().unwrap();
    let settings = fake.settings(folder.path());
    let mut reported = Vec::new();
    let reference = HubReference::parse("hf:org/net").unwrap();
    let fetched = Hub::new(settings.clone())
        .fetch(&reference, &USUAL, &mut |download| {
            if let Download::Running {
                file,
                done,
                total,
                resumed,
            } = download
            {
                assert_eq!(
                    (file, total, resumed),
                    ("org/net/model.safetensors", 300_000, 0)
                );
                reported.push(done);
            }
        })
        .unwrap();
    assert_eq!(fs::read(&fetched.path).unwrap(), large);
    assert_eq!((fetched.commit, fetched.unchecked), (commit('a'), None));
    assert_eq!(reported.last(), Some(&300_000));
    assert!(reported.is_sorted());

    let root = settings.cache.join("models--org--net");
    assert_eq!(names(&root.join("blobs")), [sha256(&large)]);
    assert_eq!(
        fs::read_to_string(root.join("refs/main")).unwrap(),
        commit('a')
    );
    let pointer = root
        .join("snapshots")
        .join(commit('a'))
        .join("model.safetensors");
    assert_eq!(fetched.path, pointer);
    #[cfg(unix)]
    assert_eq!(
        fs::read_link(&pointer).unwrap(),
        Path::new("../../blobs").join(sha256(&large))
    );

    let again = fetch(&settings, "hf:org/net").unwrap();
    assert_eq!(again.path, pointer);
    assert_eq!(fake.store.seen().len(), 1);
    assert_eq!(fake.hub.paths("HEAD").len(), 2);
}

#[test]
fn the_usual_files_are_looked_for_in_turn_and_a_named_one_alone() {
    let (old, card) = (bytes(1_000), b"# A net".to_vec());
    let repository = Repository::new()
        .large("pytorch_model.bin", &old)
        .small("folder/README.md", &card);
    let fake = FakeHub::start(&repository);
    let folder = TempDir::new().unwrap();
    let settings = fake.settings(folder.path());
    let fetched = fetch(&settings, "hf:org/net").unwrap();
    assert_eq!(fetched.file, "pytorch_model.bin");
    assert_eq!(fs::read(fetched.path).unwrap(), old);

    let fetched = fetch(&settings, "hf:org/net#folder/README.md").unwrap();
    assert_eq!(fs::read(&fetched.path).unwrap(), card);
    assert!(
        settings
            .cache
            .join("models--org--net/blobs")
            .join(git_sha1(&card))
            .is_file()
    );
}

#[test]
fn an_empty_file_is_a_file() {
    let fake = FakeHub::start(&Repository::new().small("empty", b""));
    let folder = TempDir::new().unwrap();
    let fetched = fetch(&fake.settings(folder.path()), "hf:org/net#empty").unwrap();
    assert_eq!(fs::read(fetched.path).unwrap(), b"");
}

#[test]
fn the_token_is_shown_to_the_hub_and_to_nobody_else() {
    let fake = FakeHub::start(&Repository::new().large("model.safetensors", &bytes(10)));
    let folder = TempDir::new().unwrap();
    let mut settings = fake.settings(folder.path());
    settings.token = token("hf_secret");
    fetch(&settings, "hf:org/net").unwrap();
    for request in fake.hub.seen() {
        assert_eq!(request.header("authorization"), Some("Bearer hf_secret"));
    }
    let at_store = fake.store.seen();
    assert_eq!(at_store.len(), 1);
    assert_eq!(at_store[0].header("authorization"), None);
}

#[test]
fn a_commit_that_is_in_the_cache_is_not_asked_for() {
    let fake = FakeHub::start(&Repository::new().large("model.safetensors", &bytes(10)));
    let folder = TempDir::new().unwrap();
    let settings = fake.settings(folder.path());
    let pinned = format!("hf:org/net@{}", commit('a'));
    fetch(&settings, &pinned).unwrap();
    let asked = fake.hub.seen().len();
    fetch(&settings, &pinned).unwrap();
    assert_eq!(fake.hub.seen().len(), asked);
    assert!(!settings.cache.join("models--org--net/refs").exists());
}

#[test]
fn a_branch_that_moved_on_is_followed_and_the_same_bytes_are_not_fetched_again() {
    let same = bytes(100);
    let mut repository = Repository::new().large("model.safetensors", &same);
    let folder = TempDir::new().unwrap();
    let first = FakeHub::start(&repository);
    let before = fetch(&first.settings(folder.path()), "hf:org/net").unwrap();
    repository.commit = commit('b');
    let second = FakeHub::start(&repository);
    let after = fetch(&second.settings(folder.path()), "hf:org/net").unwrap();
    assert_eq!((before.commit, after.commit), (commit('a'), commit('b')));
    assert_eq!(fs::read(after.path).unwrap(), same);
    assert!(second.store.seen().is_empty());
}

#[test]
fn offline_the_cache_answers_and_what_it_lacks_is_said() {
    let repository = Repository::new()
        .large("model.safetensors", &bytes(10))
        .large("other.bin", &bytes(20));
    let fake = FakeHub::start(&repository);
    let folder = TempDir::new().unwrap();
    let mut settings = fake.settings(folder.path());
    let online = fetch(&settings, "hf:org/net").unwrap();
    let asked = fake.hub.seen().len();

    settings.offline = true;
    assert_eq!(fetch(&settings, "hf:org/net").unwrap(), online);
    for (reference, parts) in [
        (
            "hf:org/net#other.bin",
            &["`org/net/other.bin`", "holds model.safetensors of it"][..],
        ),
        (
            "hf:org/none",
            &["`org/none/model.safetensors` or `org/none/pytorch_model.bin`"],
        ),
        ("hf:org/net@v2", &["`org/net/model.safetensors`"]),
    ] {
        let said = said(&settings, reference);
        let cache = settings.cache.display().to_string();
        for part in parts
            .iter()
            .chain(&["is not in the cache", &cache, "HF_HUB_OFFLINE"])
        {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    assert_eq!(fake.hub.seen().len(), asked);
}

#[test]
fn where_the_hub_is_out_of_reach_the_cache_answers_and_says_so() {
    let repository = Repository::new().large("model.safetensors", &bytes(10));
    let fake = FakeHub::start(&repository);
    let folder = TempDir::new().unwrap();
    let online = fetch(&fake.settings(folder.path()), "hf:org/net").unwrap();

    // Nothing listens on the port of a server that has gone.
    let gone = settings("http://127.0.0.1:9", folder.path());
    let cached = fetch(&gone, "hf:org/net").unwrap();
    assert_eq!(cached.path, online.path);
    let why = cached.unchecked.unwrap();
    assert!(why.contains("http://127.0.0.1:9 can't be reached"), "{why}");
    let said = said(&gone, "hf:org/net#other.bin");
    for part in [
        "`org/net/other.bin` is not in the cache",
        "127.0.0.1:9 can't be reached",
    ] {
        assert!(said.contains(part), "{said}");
    }

    let ill = FakeHub::with_faults(&repository, |_, _, _| server::Reply::new(503), server::FINE);
    let cached = fetch(&ill.settings(folder.path()), "hf:org/net").unwrap();
    assert!(cached.unchecked.unwrap().contains("503"));
}

#[test]
fn two_at_once_download_once() {
    let large = bytes(200_000);
    let fake = FakeHub::with_faults(
        &Repository::new().large("model.safetensors", &large),
        server::FINE,
        |_, _, reply| {
            std::thread::sleep(std::time::Duration::from_millis(200));
            reply
        },
    );
    let folder = TempDir::new().unwrap();
    let settings = fake.settings(folder.path());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let fetched = fetch(&settings, "hf:org/net").unwrap();
                assert_eq!(fs::read(fetched.path).unwrap(), large);
            });
        }
    });
    assert_eq!(fake.store.seen().len(), 1);
}
