//! No damage makes a panic.

use std::fs;

use infoplane_data::open;
use proptest::prelude::*;

use crate::idx::digits;
use crate::tables::FLOWERS;
use crate::{files, fixtures, gzip, jpeg, tar, unchanged};

/// Whole files of every form, by the name that they need.
fn whole() -> Vec<(&'static str, Vec<u8>)> {
    let image = jpeg();
    let (images, _) = digits();
    let cifar = |name: &str| fs::read(fixtures().join("cifar").join(name)).unwrap();
    let archive = tar(&[("a/1.jpg", &image), ("b/2.jpg", &image)]);
    vec![
        ("a.tar.gz", gzip(&archive)),
        ("a.tar", archive),
        ("a-images-idx3-ubyte.gz", gzip(&images)),
        ("a-images-idx3-ubyte", images),
        ("test_batch", cifar("python2/test_batch")),
        ("test_batch", cifar("protocol2/test_batch")),
        ("test_batch", cifar("protocol5/test_batch")),
        ("test", cifar("protocol4/test")),
        ("t.csv", FLOWERS.into()),
        ("t.tsv", FLOWERS.replace(',', "\t").into()),
    ]
}

/// Opens damaged bytes and loads what is there.
fn try_all(name: &str, bytes: &[u8]) {
    let root = files(&[(name, bytes)]);
    if let Ok(data) = open(&root.path().join(name), &unchanged()) {
        let mut out = vec![0.0; data.sample_shape().iter().product()];
        for index in 0..data.len().min(20) {
            let _ = data.load(index, &mut out);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_files_never_panic(
        which in 0usize..10,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        early in any::<bool>(), cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let (name, mut bytes) = whole().swap_remove(which);
        // Headers are short; what goes wrong there matters most.
        let span = if early { bytes.len().min(600) } else { bytes.len() };
        for (at, value) in changes {
            bytes[at.index(span)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        try_all(name, &bytes);
    }

    #[test]
    fn no_table_panics(content in "[a-z0-9.,\"\n -]{0,120}") {
        try_all("t.csv", content.as_bytes());
    }
}
