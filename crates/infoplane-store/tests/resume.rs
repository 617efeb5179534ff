//! A run that was stopped goes on, and nothing foreign or broken gets into it.

mod common;

use std::fs;
use std::path::Path;

use common::{files, manifest, outcome};
use infoplane_store::{LayerEdge, RunDir, RunManifest, Shard, StoreError, VectorKind};

/// Pushes what is missing and gives back how many samples that were.
fn complete(path: &Path, manifest: &RunManifest, part_size: usize) -> usize {
    let mut writer = RunDir::open_for_writing(path, manifest, part_size).unwrap();
    let mut n_pushed = 0;
    for index in 0..manifest.data.n_samples as u64 {
        if !writer.is_done(index) {
            writer.push(outcome(manifest, index)).unwrap();
            n_pushed += 1;
        }
    }
    writer.finish().unwrap();
    n_pushed
}

fn complete_run(n_samples: usize, part_size: usize) -> (tempfile::TempDir, RunManifest) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest(n_samples);
    complete(folder.path(), &manifest, part_size);
    (folder, manifest)
}

fn part(folder: &Path, number: usize) -> std::path::PathBuf {
    folder.join(format!("samples/part-{number:05}.parquet"))
}

#[test]
fn finished_parts_are_kept_and_the_rest_is_done_again() {
    let (whole, manifest) = complete_run(10, 4);
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunDir::open_for_writing(folder.path(), &manifest, 4).unwrap();
    for index in 0..6 {
        writer.push(outcome(&manifest, index)).unwrap();
    }
    assert_eq!((writer.finished_parts(), writer.held()), (1, 2));
    assert!(writer.is_done(5) && !writer.is_done(6) && !writer.is_done(10));
    let message = writer.finish().unwrap_err().to_string();
    assert!(
        message.ends_with(
            &format!(
                "is not complete: 6 of 10 samples are missing, those of part-00001, part-00002; \
                 repeat the run's command, without --shard, to compute them, or copy these files into \
                 {} from where they were computed",
                folder.path().join("samples").display()
            )
        ),
        "{message}"
    );

    let partial = RunDir::open(folder.path()).unwrap();
    assert!(!partial.is_complete());
    assert_eq!(partial.counts().missing(), 6);
    assert_eq!(partial.missing_parts(), [1, 2]);
    assert_eq!(partial.check_complete().unwrap_err().to_string(), message);
    assert_eq!(partial.indices().unwrap(), [0, 1, 2, 3]);
    let vectors = partial.vectors("linear", VectorKind::Activation).unwrap();
    assert_eq!(vectors.n, 4);

    let writer = RunDir::open_for_writing(folder.path(), &manifest, 4).unwrap();
    assert_eq!(writer.counts().analysed, 4);
    assert!(writer.is_done(3) && !writer.is_done(4) && !writer.is_complete());
    drop(writer);
    assert_eq!(complete(folder.path(), &manifest, 4), 6);
    assert_eq!(files(folder.path()), files(whole.path()));
    assert_eq!(complete(folder.path(), &manifest, 4), 0);
}

#[test]
fn a_resumed_run_keeps_its_part_size_and_its_run_json() {
    let (whole, manifest) = complete_run(10, 4);
    fs::remove_file(part(whole.path(), 1)).unwrap();
    let mut elsewhere = manifest.clone();
    elsewhere.hardware.cpu = "another processor".to_owned();
    elsewhere.infoplane = "0.1.1".to_owned();
    let before = files(whole.path());
    assert_eq!(complete(whole.path(), &elsewhere, 64), 4);
    let after = files(whole.path());
    assert_eq!(after["run.json"], before["run.json"]);
    assert_eq!(after.len(), before.len() + 1);
}

#[test]
fn a_run_that_was_started_without_edges_is_resumed_with_them() {
    let (folder, manifest) = complete_run(10, 4);
    let before = files(folder.path());
    let stored = String::from_utf8(before["run.json"].clone()).unwrap();
    assert!(!stored.contains("edges"), "{stored}");
    fs::remove_file(part(folder.path(), 1)).unwrap();

    let mut now = manifest;
    now.model.edges = vec![LayerEdge {
        from: None,
        to: Some("linear".to_owned()),
        fewest_products: 1,
        most_products: 3,
    }];
    assert_eq!(complete(folder.path(), &now, 4), 4);
    assert_eq!(files(folder.path()), before);

    let fresh = tempfile::tempdir().unwrap();
    complete(fresh.path(), &now, 4);
    let run = RunDir::open(fresh.path()).unwrap();
    assert_eq!(run.manifest().model.edges, now.model.edges);
    assert_eq!(
        files(fresh.path())["samples/part-00001.parquet"],
        before["samples/part-00001.parquet"]
    );
}

#[test]
fn damaged_parts_are_reported_and_computed_again() {
    let (folder, manifest) = complete_run(10, 4);
    let whole = files(folder.path());
    let (first, second, third) = (
        part(folder.path(), 0),
        part(folder.path(), 1),
        part(folder.path(), 2),
    );
    let bytes = fs::read(&second).unwrap();
    fs::write(&second, &bytes[..bytes.len() / 2]).unwrap();
    // A whole part of the run under another's name.
    fs::copy(&first, &third).unwrap();
    // One bit of the last vectors, which lie before the footer, its length and four more bytes.
    let mut bytes = fs::read(&first).unwrap();
    let length = bytes[bytes.len() - 8..].first_chunk().unwrap();
    let footer = bytes.len() - 8 - u32::from_le_bytes(*length) as usize;
    bytes[footer - 10] ^= 4;
    fs::write(&first, &bytes).unwrap();

    let message = RunDir::open(folder.path()).unwrap_err().to_string();
    assert!(
        message.starts_with(&format!(
            "{} is damaged: its data are not as they were written; repeat the run's command",
            first.display()
        )),
        "{message}"
    );

    let writer = RunDir::open_for_writing(folder.path(), &manifest, 4).unwrap();
    let damaged = writer.damaged_parts();
    let numbers: Vec<u64> = damaged.iter().map(|damaged| damaged.part).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!((&damaged[1].path, &damaged[2].path), (&second, &third));
    assert_eq!(
        damaged[2].reason,
        "its name stands for samples 8 to 9, its content is for 4 samples from 0 on"
    );
    // Nothing is taken away before its replacement is there.
    assert_eq!(fs::read(&first).unwrap(), bytes);
    assert!((0..10).all(|index| !writer.is_done(index)));
    drop(writer);
    assert_eq!(complete(folder.path(), &manifest, 4), 10);
    assert_eq!(files(folder.path()), whole);
}

/// Whichever byte of a part is wrong, whatever its length: opening the run finds it, in the columns
/// that nobody asks for too.
#[test]
fn no_damage_passes_unseen() {
    let (folder, _) = complete_run(3, 4);
    let path = part(folder.path(), 0);
    let bytes = fs::read(&path).unwrap();
    let refused = |what: String| match RunDir::open(folder.path()) {
        Err(StoreError::DamagedPart { path: named, .. }) => assert_eq!(named, path, "{what}"),
        // The run's name in the footer is read after the seal, so this never comes first.
        Err(error) => panic!("{what}: {error}"),
        Ok(_) => panic!("{what} was not noticed"),
    };
    // All bytes at both ends; in between each bit of a byte in turn, by a step that is prime to 8.
    let ends = (0..16).chain(bytes.len() - 16..bytes.len());
    for position in ends.chain((0..bytes.len()).step_by(13)) {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1 << (position % 8);
        fs::write(&path, &damaged).unwrap();
        refused(format!("byte {position} of {}", bytes.len()));
    }
    for length in (0..bytes.len()).step_by(101) {
        fs::write(&path, &bytes[..length]).unwrap();
        refused(format!("the length {length}"));
    }
    let inserted = [&bytes[..100], &[0], &bytes[100..]].concat();
    let lengthened = [&bytes[..], &[0]].concat();
    for (bytes, what) in [
        (inserted, "a byte more inside"),
        (lengthened, "a byte more"),
    ] {
        fs::write(&path, bytes).unwrap();
        refused(what.to_owned());
    }
}

/// A part may break after the run was opened: what is read then is an error or what was written.
#[test]
fn damage_while_a_run_is_read_is_an_error_and_never_a_wrong_number() {
    let (folder, manifest) = complete_run(3, 4);
    let path = part(folder.path(), 0);
    let bytes = fs::read(&path).unwrap();
    let run = RunDir::open(folder.path()).unwrap();
    let read = || -> Result<_, StoreError> {
        let layers = manifest.model.layers.iter();
        let vectors: Result<Vec<_>, _> = layers
            .map(|layer| run.vectors(&layer.name, VectorKind::Conductance))
            .collect();
        Ok((run.ids()?, run.labels()?, run.errors()?, vectors?))
    };
    let written = read().unwrap();
    // A step that is prime to 8 flips each bit of a byte in turn.
    for position in (0..bytes.len()).step_by(13) {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1 << (position % 8);
        fs::write(&path, &damaged).unwrap();
        match read() {
            Ok(read) => assert_eq!(read, written, "byte {position}"),
            Err(StoreError::DamagedPart { .. }) => {}
            Err(error) => panic!("byte {position}: {error}"),
        }
    }
}

#[test]
fn leftovers_of_a_killed_process_are_removed() {
    let (folder, manifest) = complete_run(4, 4);
    let whole = files(folder.path());
    for leftover in [
        ".run.json.12-0.infoplane-tmp",
        "samples/.part-00001.parquet.12-1.infoplane-tmp",
        "figures/.plane.svg.12-1.infoplane-tmp",
    ] {
        fs::create_dir_all(folder.path().join("figures")).unwrap();
        fs::write(folder.path().join(leftover), b"half").unwrap();
    }
    complete(folder.path(), &manifest, 4);
    assert_eq!(files(folder.path()), whole);

    // Killed before run.json was there.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".run.json.12-0.infoplane-tmp"), b"{").unwrap();
    complete(folder.path(), &manifest, 4);
    assert_eq!(files(folder.path()), whole);
}

#[test]
fn another_runs_directory_is_refused_with_the_differences() {
    let (folder, mut manifest) = complete_run(4, 4);
    let before = files(folder.path());
    manifest.config["steps"] = 32.into();
    manifest.data.fingerprint = "ef01".to_owned();
    let error = RunDir::open_for_writing(folder.path(), &manifest, 4).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} holds a different run; choose another --out, or repeat the settings it was started with:\n  \
             config.steps: 16 in the directory, 32 now\n  \
             data.fingerprint: abcd in the directory, ef01 now",
            folder.path().display()
        )
    );
    assert_eq!(files(folder.path()), before);
}

#[test]
fn parts_of_another_run_are_refused_by_name_and_left_alone() {
    let (folder, manifest) = complete_run(4, 2);
    let (other, mut other_manifest) = complete_run(0, 2);
    other_manifest.config["seed"] = 8.into();
    other_manifest.data.n_samples = 4;
    drop(other);
    let other = tempfile::tempdir().unwrap();
    complete(other.path(), &other_manifest, 2);

    let path = part(folder.path(), 1);
    let bytes = fs::read(part(other.path(), 1)).unwrap();
    fs::write(&path, &bytes).unwrap();
    let beyond = part(folder.path(), 7);
    for error in [
        RunDir::open(folder.path()).unwrap_err(),
        RunDir::open_for_writing(folder.path(), &manifest, 2).unwrap_err(),
    ] {
        assert!(
            matches!(&error, StoreError::ForeignPart { path: named } if *named == path),
            "{error}"
        );
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);

    fs::rename(&path, &beyond).unwrap();
    let error = RunDir::open(folder.path()).unwrap_err();
    assert!(
        matches!(&error, StoreError::ForeignPart { path: named } if *named == beyond),
        "{error}"
    );
}

#[test]
fn shards_of_three_machines_join_in_one_folder() {
    let (whole, manifest) = complete_run(18, 4);
    let joined = tempfile::tempdir().unwrap();
    for number in [2, 3, 1] {
        let shard = Shard::new(number, 3).unwrap();
        let machine = tempfile::tempdir().unwrap();
        let mut writer = RunDir::open_for_writing(machine.path(), &manifest, 4).unwrap();
        let parts: Vec<u64> = writer.parts_of(shard).collect();
        assert_eq!(
            parts,
            [vec![0, 3], vec![1, 4], vec![2]][number as usize - 1]
        );
        let samples: Vec<u64> = writer.samples_of(shard).collect();
        for &index in &samples {
            writer.push(outcome(&manifest, index)).unwrap();
        }
        assert!(samples.iter().all(|&index| writer.is_stored(index)));
        assert!(!writer.is_complete());
        fs::create_dir_all(joined.path().join("samples")).unwrap();
        for (name, bytes) in files(machine.path()) {
            fs::write(joined.path().join(name), bytes).unwrap();
        }
        let missing = RunDir::open(joined.path()).unwrap().missing_parts();
        assert_eq!(
            missing,
            [vec![], vec![0, 2, 3], vec![0, 3]][number as usize - 1]
        );
    }
    RunDir::open(joined.path())
        .unwrap()
        .check_complete()
        .unwrap();
    assert_eq!(files(joined.path()), files(whole.path()));
}

#[test]
fn a_folder_with_other_files_is_left_untouched() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), b"text").unwrap();
    let error = RunDir::open_for_writing(folder.path(), &manifest(4), 4).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} is not empty and holds no run.json, so it is no run directory; choose another --out, or an empty folder",
            folder.path().display()
        )
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = RunDir::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::NotARun { .. }), "{error}");
}

#[test]
fn one_process_writes_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = RunDir::open_for_writing(folder.path(), &manifest(4), 4).unwrap();
    let error = RunDir::open_for_writing(folder.path(), &manifest(4), 4).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "another process is writing to {}; wait until it has ended, or give a new run another --out",
            folder.path().display()
        )
    );
    // Reading goes on meanwhile.
    assert!(!RunDir::open(folder.path()).unwrap().is_complete());
    // Writing what is made of it does not.
    let error = RunDir::open_exclusively(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(first);

    // A finished run stays locked as long as it is read in order to write more.
    complete(folder.path(), &manifest(4), 4);
    let held = RunDir::open_for_writing(folder.path(), &manifest(4), 4);
    let held = held.unwrap().finish().unwrap();
    for _ in 0..2 {
        let error = RunDir::open_for_writing(folder.path(), &manifest(4), 4).unwrap_err();
        assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    }
    drop(held);
    let held = RunDir::open_exclusively(folder.path()).unwrap();
    let error = RunDir::open_exclusively(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(held);
    RunDir::open_for_writing(folder.path(), &manifest(4), 4).unwrap();

    let other = tempfile::tempdir().unwrap();
    assert!(RunDir::open_exclusively(other.path()).is_err());
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0);
}

#[test]
fn system_errors_name_the_path_and_the_operation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let path = file.join("run");
    let message = RunDir::open_for_writing(&path, &manifest(4), 4)
        .unwrap_err()
        .to_string();
    let start = format!("cannot create the folder {}: ", path.display());
    assert!(message.starts_with(&start), "{message}");

    // The folder of parts is lost while the run goes on; the error comes with the part.
    let run = folder.path().join("run");
    let mut writer = RunDir::open_for_writing(&run, &manifest(4), 2).unwrap();
    fs::remove_dir(run.join("samples")).unwrap();
    writer.push(outcome(&manifest(4), 0)).unwrap();
    let message = writer
        .push(outcome(&manifest(4), 1))
        .unwrap_err()
        .to_string();
    let start = format!("cannot write {}: ", part(&run, 0).display());
    assert!(message.starts_with(&start), "{message}");
}

#[test]
fn run_json_of_another_version_or_none_of_ours_is_refused() {
    let (folder, manifest) = complete_run(4, 4);
    let path = folder.path().join("run.json");
    let message = || {
        let read = RunDir::open(folder.path()).unwrap_err().to_string();
        let written = RunDir::open_for_writing(folder.path(), &manifest, 4);
        assert_eq!(written.unwrap_err().to_string(), read);
        read
    };
    fs::write(&path, b"{\"format\": 2, \"new\": true}").unwrap();
    assert!(message().ends_with("run.json has layout version 2; this infoplane reads version 1"));
    fs::write(&path, b"{\"format\": 1}").unwrap();
    assert!(message().contains("run.json is no description of a run: missing field"));
    fs::write(&path, b"not JSON").unwrap();
    assert!(message().contains("run.json is no description of a run: "));
}

#[test]
fn manifests_that_no_part_can_be_written_for_create_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let mut twice = manifest(4);
    twice.model.layers[1].name = "linear".to_owned();
    let mut empty = manifest(4);
    empty.model.layers[1].n_channels = 0;
    let mut newer = manifest(4);
    newer.format = 2;
    for (manifest, part_size, message) in [
        (
            twice,
            4,
            "the run can't be stored: layer `linear` is named twice",
        ),
        (
            empty,
            4,
            "the run can't be stored: vectors `conductance/layer1.0` have length 0; 1 to 2147483647 is possible",
        ),
        (newer, 4, "the run can't be stored: its format is 2, not 1"),
        (
            manifest(4),
            0,
            "the run can't be stored: a part must hold at least one sample, not 0",
        ),
    ] {
        let error = RunDir::open_for_writing(&path, &manifest, part_size).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(!path.exists());
    }
}
