//! Weight files that PyTorch wrote (`scripts/weights_fixtures.py`), whole and broken on purpose.

use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use infoplane_graph::{Blob, GraphError, Weights, WeightsProblem};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/weights")
        .join(name)
}

fn parse(bytes: Vec<u8>) -> Result<Weights, GraphError> {
    Weights::parse(Arc::new(Blob::from(bytes)), Path::new("changed.pth"))
}

#[track_caller]
fn problem(result: Result<Weights, GraphError>) -> WeightsProblem {
    match result {
        Err(GraphError::Weights { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

/// Asserts that a tensor's elements are 0, 1/8, 2/8, … in row-major order.
#[track_caller]
fn assert_counts(weights: &Weights, name: &str, shape: &[usize]) {
    assert_eq!(weights.shape(name), Some(shape), "{name}");
    let tensor = weights.read(name).unwrap();
    let n: usize = shape.iter().product();
    let expected: Vec<f32> = (0..n).map(|i| i as f32 / 8.0).collect();
    assert_eq!(tensor.floats().unwrap(), expected, "{name}");
}

#[test]
fn tensors_are_read_right_in_every_format_type_and_layout() {
    for file in [
        "views_zip.pth",
        "views_legacy.pth",
        "views_protocol4.pth",
        "views.safetensors",
    ] {
        let path = fixture(file);
        let mapped = Weights::open(&path).unwrap();
        let in_memory = parse(std::fs::read(&path).unwrap()).unwrap();
        for weights in [mapped, in_memory] {
            assert_eq!(weights.names().count(), 17, "{file}");
            for (name, shape) in [
                ("plain", &[3, 4][..]),
                ("scalar", &[]),
                ("empty", &[0, 3]),
                ("transposed", &[4, 3]),
                ("permuted", &[2, 3, 4]),
                ("channels_last", &[2, 3, 2, 2]),
                ("offset", &[2, 6]),
                ("columns", &[4, 3]),
                ("steps", &[6]),
                ("half", &[5]),
                ("bfloat16", &[5]),
                ("double", &[2, 2]),
                ("double_transposed", &[3, 2]),
                ("parameter", &[2, 2]),
            ] {
                assert_counts(&weights, name, shape);
            }
            for (name, kind) in [
                ("bn.num_batches_tracked", "64"),
                ("flags", "ool"),
                ("small", "16"),
            ] {
                let error = weights.read(name).unwrap_err().to_string();
                let said = error.to_lowercase();
                assert!(
                    said.contains(&kind.to_lowercase()) && said.contains(name),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn a_state_dict_is_found_in_a_checkpoint_and_its_prefix_left_out() {
    for file in ["checkpoint_zip.pth", "checkpoint_legacy.pth"] {
        let weights = Weights::open(&fixture(file)).unwrap();
        assert_counts(&weights, "0.weight", &[2, 3]);
        assert_counts(&weights, "1.running_var", &[2]);
        assert_eq!(weights.names().count(), 7);
    }
}

#[test]
fn a_pickle_that_names_something_else_is_refused_and_not_executed() {
    for (file, name) in [
        ("evil_zip.pth", "posix.system"),
        ("evil_legacy.pth", "posix.system"),
        ("module.pth", "torch.nn.modules.linear.Linear"),
        ("namespace.pth", "argparse.Namespace"),
    ] {
        let found = problem(Weights::open(&fixture(file)));
        assert_eq!(found, WeightsProblem::ForbiddenGlobal(name.to_string()));
    }
    assert!(!Path::new("executed").exists());
}

#[test]
fn what_holds_no_state_dict_is_told_with_what_it_holds() {
    let said = |file: &str| problem(Weights::open(&fixture(file))).to_string();
    assert!(said("one_tensor.pth").contains("one tensor"));
    assert!(said("no_tensors.pth").contains("`epoch`, `history`"));
    assert!(said("evil.pkl").contains("not as one of torch.save"));
    for (bytes, clue) in [
        (&b""[..], "empty"),
        (b"A letter.", "first bytes"),
        (b"\x02\0\0\0\0\0\0\0{}", "no tensors"),
    ] {
        let said = problem(parse(bytes.to_vec())).to_string();
        assert!(said.contains(clue), "{said}");
    }
    let error = Weights::open(Path::new("absent.pth")).unwrap_err();
    assert!(error.to_string().contains("absent.pth"), "{error}");
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    for file in ["views_zip.pth", "views_legacy.pth", "views.safetensors"] {
        let whole = std::fs::read(fixture(file)).unwrap();
        for len in 0..whole.len() {
            assert!(parse(whole[..len].to_vec()).is_err(), "{file} at {len}");
        }
    }
}

/// A zip archive with its entries changed.
fn with_entries(file: &str, mut change: impl FnMut(&str, &mut Vec<u8>)) -> Vec<u8> {
    let bytes = std::fs::read(fixture(file)).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        change(&name, &mut content);
        writer.start_file(name, stored).unwrap();
        writer.write_all(&content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_storage_that_is_too_small_is_named_with_its_tensor() {
    let bytes = with_entries("views_zip.pth", |name, content| {
        if name.ends_with("/data/0") {
            content.truncate(44);
        }
    });
    let said = problem(parse(bytes)).to_string();
    for part in ["`plain`", "`0`", "12 elements", "44 bytes"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_missing_storage_and_another_byte_order_are_told() {
    let bytes = with_entries("views_zip.pth", |name, content| {
        if name.ends_with("byteorder") {
            *content = b"big".to_vec();
        }
    });
    let said = problem(parse(bytes)).to_string();
    assert!(said.contains("big-endian"), "{said}");

    // The pickle's storage `0` renamed to `Z`, which the archive does not have.
    let bytes = with_entries("views_zip.pth", |name, content| {
        if name.ends_with("data.pkl") {
            let key = content
                .windows(6)
                .position(|bytes| bytes == b"X\x01\0\0\x000");
            content[key.unwrap() + 5] = b'Z';
        }
    });
    let said = problem(parse(bytes)).to_string();
    assert!(said.contains("data/Z"), "{said}");
}

#[test]
fn a_tensor_that_is_larger_than_the_file_is_refused_before_memory_is_taken() {
    // A shape of 2^31 − 1 in place of the 3 of `plain`, with strides that repeat one element.
    let bytes = with_entries("views_zip.pth", |name, content| {
        if name.ends_with("data.pkl") {
            let shape = content.windows(4).position(|b| b == b"K\x03K\x04").unwrap();
            content.splice(shape..shape + 2, *b"J\xff\xff\xff\x7f");
            let strides = content.windows(4).position(|b| b == b"K\x04K\x01").unwrap();
            content.splice(strides..strides + 4, *b"K\x00K\x00");
        }
    });
    let said = problem(parse(bytes)).to_string();
    assert!(
        said.contains("`plain`") && said.contains("2147483647"),
        "{said}"
    );
}
