//! The forms of data that are no folder and no array, through the public interface, whole and damaged.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use infoplane_data::{DataOptions, Dataset, Preprocess};

mod cifar;
#[path = "../common/mod.rs"]
mod common;
mod damaged;
mod idx;
mod images;
mod tables;

use common::{files, refused, samples};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn jpeg() -> Vec<u8> {
    fs::read(fixtures().join("images/jpeg_420.jpg")).unwrap()
}

fn unchanged() -> DataOptions {
    let mut preprocess = Preprocess::preset("none").unwrap();
    preprocess.scale = 1.0;
    DataOptions {
        preprocess,
        ..DataOptions::default()
    }
}

fn grey() -> DataOptions {
    let mut options = unchanged();
    options.preprocess.fit(&[Some(1), None, None]);
    options
}

fn owned(samples: &[(&str, Option<usize>)]) -> Vec<(String, Option<usize>)> {
    samples
        .iter()
        .map(|(id, label)| (id.to_string(), *label))
        .collect()
}

fn load(data: &dyn Dataset, index: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; data.sample_shape().iter().product()];
    data.load(index, &mut out).unwrap();
    out
}

fn all(data: &dyn Dataset) -> Vec<Vec<f32>> {
    (0..data.len()).map(|index| load(data, index)).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive of files in the given order.
fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}
