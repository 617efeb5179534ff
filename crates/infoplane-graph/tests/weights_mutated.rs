//! Whatever is done to a weight file, reading it ends in tensors or an error.

use std::path::Path;
use std::sync::Arc;

use infoplane_graph::{Blob, Weights};
use proptest::prelude::*;

const FILES: [&str; 6] = [
    "views_zip.pth",
    "views_legacy.pth",
    "views.safetensors",
    "checkpoint_zip.pth",
    "checkpoint_legacy.pth",
    "views_protocol4.pth",
];

/// A change at a place in the file, given as a share of its length.
#[derive(Debug, Clone)]
enum Change {
    Set(f64, u8),
    Flip(f64, u8),
    Cut(f64),
    Remove(f64, usize),
    Insert(f64, Vec<u8>),
    Copy(f64, f64, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let place = 0.0..1.0f64;
    let change = prop_oneof![
        4 => (place.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        4 => (place.clone(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, 1 << bit)),
        1 => place.clone().prop_map(Change::Cut),
        1 => (place.clone(), 1..40usize).prop_map(|(at, n)| Change::Remove(at, n)),
        1 => (place.clone(), prop::collection::vec(any::<u8>(), 1..20))
            .prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (place.clone(), place, 1..100usize)
            .prop_map(|(from, to, n)| Change::Copy(from, to, n)),
    ];
    prop::collection::vec(change, 1..6)
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    let len = bytes.len();
    let place = |share: f64| ((share * len as f64) as usize).min(len - 1);
    match change {
        Change::Set(at, byte) => bytes[place(*at)] = *byte,
        Change::Flip(at, bit) => bytes[place(*at)] ^= bit,
        Change::Cut(at) => bytes.truncate(place(*at)),
        Change::Remove(at, n) => {
            let at = place(*at);
            bytes.drain(at..(at + n).min(len));
        }
        Change::Insert(at, new) => {
            let at = place(*at);
            bytes.splice(at..at, new.iter().copied());
        }
        Change::Copy(from, to, n) => {
            let (from, to) = (place(*from), place(*to));
            let n = (*n).min(len - from).min(len - to);
            bytes.copy_within(from..from + n, to);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_file_is_read_or_refused(file in 0..FILES.len(), changes in changes()) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights").join(FILES[file]);
        let mut bytes = std::fs::read(path).unwrap();
        let original = bytes.len();
        for change in &changes {
            apply(&mut bytes, change);
        }
        if let Ok(weights) = Weights::parse(Arc::new(Blob::from(bytes)), Path::new("changed")) {
            let names: Vec<String> = weights.names().map(str::to_string).collect();
            for name in names {
                let shape = weights.shape(&name).unwrap().to_vec();
                if let Ok(tensor) = weights.read(&name) {
                    let n: usize = shape.iter().product();
                    prop_assert_eq!(tensor.floats().unwrap().len(), n);
                    prop_assert!(n <= original + 200);
                }
            }
        }
    }
}
