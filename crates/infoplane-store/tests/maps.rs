//! Kept samples come back as they were, the same bytes each time, and damage never goes unseen.

mod common;

use std::fs;
use std::path::Path;

use infoplane_store::{
    ImageValues, KeptMaps, KeptSample, MapChoice, RunDir, RunManifest, SampleGroup, StoreError,
};

/// Two layers with positions (2 × 2), and one without in the end.
fn manifest() -> RunManifest {
    let mut manifest = common::manifest(3);
    manifest.model.layers[2].shape = vec![2];
    manifest
}

fn kept() -> KeptMaps {
    let sample = |(position, group): (usize, SampleGroup)| {
        let number = position as f32;
        KeptSample {
            index: 2 - position as u64,
            id: format!("dog/ü {position}.png"),
            group,
            label: (position > 0).then_some(1),
            predicted: 1,
            target: position as u32,
            probability: 0.25 * number,
            f_input: 1.5 + number,
            f_baseline: -number,
            steps: 12 + position as u32,
            image: (0..192).map(|i| (i * (position + 3) % 256) as u8).collect(),
            maps: vec![vec![number, -0.1, 0.2, 1e-9], vec![0.0, 5.0, -number, 7.5]],
        }
    };
    KeptMaps {
        choice: MapChoice {
            requested: 12,
            seed: 7,
            values: ImageValues::Pixels,
        },
        samples: SampleGroup::ALL
            .into_iter()
            .enumerate()
            .map(sample)
            .collect(),
    }
}

fn complete_run(folder: &Path) -> RunDir {
    let manifest = manifest();
    let mut writer = RunDir::open_for_writing(folder, &manifest, 2).unwrap();
    for index in 0..3 {
        writer.push(common::outcome(&manifest, index)).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn kept_samples_come_back_and_have_the_same_bytes_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let run = complete_run(folder.path());
    assert_eq!(run.maps().unwrap(), None);
    run.write_maps(&kept()).unwrap();
    let bytes = fs::read(folder.path().join("maps.parquet")).unwrap();
    run.write_maps(&kept()).unwrap();
    assert_eq!(fs::read(folder.path().join("maps.parquet")).unwrap(), bytes);
    drop(run);
    let read = RunDir::open(folder.path()).unwrap().maps().unwrap();
    assert_eq!(read, Some(kept()));
}

#[test]
fn every_damaged_byte_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = complete_run(folder.path());
    run.write_maps(&kept()).unwrap();
    let path = folder.path().join("maps.parquet");
    let whole = fs::read(&path).unwrap();
    for position in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let message = run.maps().unwrap_err().to_string();
        assert!(
            message.contains("maps.parquet is damaged: ") && message.contains("--keep-maps"),
            "byte {position}: {message}"
        );
    }
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    assert!(matches!(run.maps(), Err(StoreError::DamagedMaps { .. })));
}

#[test]
fn maps_of_another_run_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = complete_run(&folder.path().join("one"));
    run.write_maps(&kept()).unwrap();
    let mut other = manifest();
    other.config["seed"] = 8.into();
    let two = folder.path().join("two");
    let mut writer = RunDir::open_for_writing(&two, &other, 2).unwrap();
    for index in 0..3 {
        writer.push(common::outcome(&other, index)).unwrap();
    }
    let other = writer.finish().unwrap();
    fs::copy(
        folder.path().join("one/maps.parquet"),
        two.join("maps.parquet"),
    )
    .unwrap();
    assert!(matches!(other.maps(), Err(StoreError::ForeignPart { .. })));
}

#[test]
fn samples_that_do_not_fit_the_run_are_refused_by_what_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let run = complete_run(folder.path());
    let message = |change: fn(&mut KeptSample)| {
        let mut maps = kept();
        change(&mut maps.samples[1]);
        run.write_maps(&maps).unwrap_err().to_string()
    };
    let image = message(|sample| sample.image.truncate(5));
    assert!(image.ends_with("image: 5 values, 192 expected"), "{image}");
    let maps = message(|sample| sample.maps.truncate(1));
    assert!(maps.ends_with("maps: 1 values, 2 expected"), "{maps}");
    let map = message(|sample| sample.maps[1].push(0.0));
    assert!(map.ends_with("map/layer1.0: 5 values, 4 expected"), "{map}");
    assert!(!folder.path().join("maps.parquet").exists());
}
