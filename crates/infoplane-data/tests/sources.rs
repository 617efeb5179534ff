//! Folders and arrays through the public interface, and every kind of bad input.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use infoplane_data::{ClassMap, DataOptions, Preprocess, Selection, open, open_npz, read_inputs};

mod common;

use common::{files, refused, samples};

fn jpeg(name: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images");
    fs::read(fixtures.join(name)).unwrap()
}

fn unresized() -> DataOptions {
    DataOptions {
        preprocess: Preprocess::preset("none").unwrap(),
        ..DataOptions::default()
    }
}

#[test]
fn a_tree_of_class_folders_is_read_in_sorted_order() {
    let image = jpeg("jpeg_420.jpg");
    let root = files(&[
        ("dog/b.JPEG", &image),
        ("dog/a.jpg", &image),
        ("dog/.hidden.jpg", &image),
        ("dog/notes.txt", b""),
        ("cat/deep/c.Jpg", &image),
        ("cat/d.png", &image),
        ("readme.md", b""),
        (".cache/e.jpg", &image),
    ]);
    let data = open(root.path(), &unresized()).unwrap();
    assert_eq!(data.info().kind, "image folder");
    assert_eq!(data.info().class_names, ["cat", "dog"]);
    assert_eq!(data.sample_shape(), [3, 35, 45]);
    let expected = [
        ("cat/d.png", Some(0)),
        ("cat/deep/c.Jpg", Some(0)),
        ("dog/a.jpg", Some(1)),
        ("dog/b.JPEG", Some(1)),
    ];
    assert_eq!(
        samples(&*data),
        expected.map(|(id, label)| (id.to_string(), label))
    );
    let mut out = vec![f32::NAN; 3 * 35 * 45];
    for index in 0..data.len() {
        out.fill(f32::NAN);
        data.load(index, &mut out).unwrap();
        assert!(out.iter().all(|value| (0.0..=1.0).contains(value)));
    }
}

#[test]
fn a_folder_of_loose_images_has_no_labels() {
    let root = files(&[
        ("b.jpg", &jpeg("jpeg_420.jpg")),
        ("a.jpg", &jpeg("jpeg_444.jpg")),
    ]);
    let data = open(root.path(), &unresized()).unwrap();
    assert_eq!(data.info().kind, "images");
    let expected = [("a.jpg".to_string(), None), ("b.jpg".to_string(), None)];
    assert_eq!(samples(&*data), expected);
}

#[test]
fn an_unreadable_image_is_one_unreadable_sample() {
    let whole = jpeg("jpeg_420.jpg");
    let root = files(&[
        ("x/1.jpg", &whole),
        ("x/2.jpg", &whole[..whole.len() / 2]),
        ("x/3.png", b"not an image"),
        ("x/4.jpg", &jpeg("jpeg_440.jpg")),
        ("x/5.jpg", b""),
    ]);
    let data = open(root.path(), &unresized()).unwrap();
    let mut out = vec![0.0; 3 * 35 * 45];
    data.load(0, &mut out).unwrap();
    for (index, id, reason) in [
        (1, "x/2.jpg", "the JPEG file is truncated"),
        (2, "x/3.png", "not a JPEG, PNG"),
        (
            3,
            "x/4.jpg",
            "47 × 22 pixels after preprocessing, but other samples have 35 × 45",
        ),
        (4, "x/5.jpg", "the file is empty"),
    ] {
        let error = data.load(index, &mut out).unwrap_err();
        assert_eq!(error.id, id);
        assert!(error.reason.contains(reason), "{error}");
    }
    fs::remove_file(root.path().join("x/1.jpg")).unwrap();
    assert!(data.load(0, &mut out).is_err());
}

#[test]
fn sources_that_cannot_be_used_are_refused_with_the_reason() {
    let root = files(&[
        ("empty/readme.md", b""),
        ("text/data.txt", b""),
        ("broken/x/1.jpg", b"no"),
        ("images/n01440764/1.jpg", &jpeg("jpeg_420.jpg")),
        ("images/n02123045/1.jpg", &jpeg("jpeg_420.jpg")),
        ("images/goldfish/1.jpg", &jpeg("jpeg_420.jpg")),
    ]);
    let at = |path: &str| root.path().join(path);
    let defaults = DataOptions::default();
    for (path, expected) in [
        (at("absent"), "no such file or folder"),
        (
            at("empty"),
            "holds no samples (no files ending in .jpg, .jpeg",
        ),
        (
            at("text/data.txt"),
            "not a known form of data (a .txt file); allowed are",
        ),
        (
            at("images"),
            "1 class folder is not among the 1000 known classes: `goldfish`",
        ),
    ] {
        let message = refused(&path, &defaults);
        assert!(message.contains(expected), "{message}");
        assert!(message.contains(&path.display().to_string()), "{message}");
    }
    assert!(refused(&at("broken"), &unresized()).contains("none of the 1 images can be read"));
    let class_map = ClassMap::Names(vec!["goldfish".into(), "n01440764".into()]);
    let message = refused(
        &at("images"),
        &DataOptions {
            class_map,
            ..defaults.clone()
        },
    );
    assert!(message.contains("`n02123045`"), "{message}");
    let options = DataOptions {
        expected_shape: Some(vec![3, 32, 32]),
        ..defaults.clone()
    };
    let message = refused(&at("images/n01440764"), &options);
    assert!(
        message.contains("[3, 224, 224] but the model's input is [3, 32, 32]"),
        "{message}"
    );
    assert!(message.contains("centre crop 224"), "{message}");
    let options = DataOptions {
        selection: Selection::limit(Some(0)),
        ..defaults
    };
    assert!(refused(&at("images"), &options).contains("the limit is 0"));
}

#[test]
fn a_limit_spreads_over_the_classes() {
    let members: Vec<(String, Vec<u8>)> = (0..12)
        .map(|i| {
            (
                format!("{}/{i:02}.jpg", ["a", "b", "c"][i / 4]),
                jpeg("jpeg_420.jpg"),
            )
        })
        .collect();
    let members: Vec<(&str, &[u8])> = members
        .iter()
        .map(|(name, file)| (name.as_str(), file.as_slice()))
        .collect();
    let root = files(&members);
    let data = open(
        root.path(),
        &DataOptions {
            selection: Selection::limit(Some(3)),
            ..unresized()
        },
    )
    .unwrap();
    let labels: Vec<_> = samples(&*data)
        .into_iter()
        .map(|(_, label)| label)
        .collect();
    assert_eq!(labels, [Some(0), Some(1), Some(2)]);
}

/// A `.npy` file of the given type, shape and content.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

fn npz(root: &Path, arrays: &[(&str, Vec<u8>)]) -> PathBuf {
    use std::io::Write;
    let path = root.join("arrays.npz");
    let mut writer = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for (name, content) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(format!("{name}.npy"), options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap();
    path
}

#[test]
fn arrays_are_samples_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    let input = npy(
        "|u1",
        "(3, 2, 2)",
        &[0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 255],
    );
    let path = npz(
        root.path(),
        &[
            ("input", input),
            ("label", npy("|i1", "(3,)", &[4, 0xFF, 0])),
        ],
    );
    let data = open(&path, &DataOptions::default()).unwrap();
    assert_eq!((data.info().kind.as_str(), data.len()), ("npz", 3));
    assert_eq!(data.sample_shape(), [2, 2]);
    let labels: Vec<_> = samples(&*data);
    let expected = [("0", Some(4)), ("1", None), ("2", Some(0))];
    assert_eq!(labels, expected.map(|(id, label)| (id.to_string(), label)));
    let mut out = [0.0; 4];
    data.load(2, &mut out).unwrap();
    assert_eq!(out, [20.0, 21.0, 22.0, 255.0]);

    let bytes = Cursor::new(fs::read(&path).unwrap());
    let read = open_npz(bytes, Path::new("name.npz"), &DataOptions::default()).unwrap();
    assert_eq!(read.info().name, "name.npz");
    assert_eq!(read.info().fingerprint, data.info().fingerprint);

    let other = npy(
        "|u1",
        "(3, 2, 2)",
        &[0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 254],
    );
    let path = npz(
        root.path(),
        &[
            ("input", other),
            ("label", npy("|i1", "(3,)", &[4, 0xFF, 0])),
        ],
    );
    let changed = open(&path, &DataOptions::default()).unwrap();
    assert_ne!(changed.info().fingerprint, data.info().fingerprint);
}

#[test]
fn a_value_that_is_no_number_makes_its_sample_unreadable() {
    let root = tempfile::tempdir().unwrap();
    let values = [1.0f32, 2.0, f32::NAN, 4.0].map(f32::to_le_bytes).concat();
    let path = root.path().join("x.npy");
    fs::write(&path, npy("<f4", "(2, 2)", &values)).unwrap();
    let data = open(&path, &DataOptions::default()).unwrap();
    let mut out = [0.0; 2];
    data.load(0, &mut out).unwrap();
    assert_eq!(out, [1.0, 2.0]);
    let message = data.load(1, &mut out).unwrap_err().to_string();
    assert_eq!(message, "sample 1: element 0 is NaN, not a finite number");
}

#[test]
fn inputs_are_read_with_targets_and_labels() {
    let root = tempfile::tempdir().unwrap();
    let input = npy(
        "<f8",
        "(2, 1)",
        &[1.5f64, -2.0].map(f64::to_le_bytes).concat(),
    );
    let target = npy("<i8", "(2,)", &[7i64, 8].map(i64::to_le_bytes).concat());
    let path = npz(
        root.path(),
        &[("input", input.clone()), ("target", target.clone())],
    );
    let inputs = read_inputs(&path).unwrap();
    assert_eq!(inputs.input.shape(), [2, 1]);
    assert_eq!(inputs.input.as_slice(), Some(&[1.5, -2.0][..]));
    assert_eq!(inputs.target, Some(vec![7, 8]));
    assert_eq!(inputs.label, None);

    let refuse = |path: &Path| read_inputs(path).unwrap_err().to_string();
    let path = npz(root.path(), &[("x", input.clone()), ("target", target)]);
    assert!(refuse(&path).contains("no array `input`; the archive holds `target`, `x`"));
    let path = npz(
        root.path(),
        &[
            ("input", input.clone()),
            ("label", npy("|u1", "(3,)", &[0; 3])),
        ],
    );
    assert!(refuse(&path).contains("3 numbers for 2 inputs"));

    let with_baseline = |shape: &str, values: &[f32]| {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        npz(
            root.path(),
            &[
                ("input", input.clone()),
                ("baseline", npy("<f4", shape, &bytes)),
            ],
        )
    };
    let path = with_baseline("(1, 1)", &[0.25]);
    let baseline = read_inputs(&path).unwrap().baseline.unwrap();
    assert_eq!(baseline.as_slice(), Some(&[0.25][..]));
    assert!(read_inputs(&with_baseline("(2, 1)", &[0.0, 1.0])).is_ok());
    assert!(refuse(&with_baseline("(3, 1)", &[0.0; 3])).contains("shape [3, 1]"));
    assert!(refuse(&with_baseline("(1, 2)", &[0.0; 2])).contains("shape [1, 2]"));
    for (content, expected) in [
        (npy("|u1", "()", &[0]), "shape []; expected samples"),
        (npy("|u1", "(0, 3)", &[]), "shape [0, 3]; expected samples"),
        (
            npy("<U3", "(1,)", &[0; 12]),
            "element type `<U3` is not supported",
        ),
        (npy("<f4", "(9, 9)", &[0; 12]), "only 12"),
    ] {
        let path = root.path().join("x.npy");
        fs::write(&path, content).unwrap();
        let message = refuse(&path);
        assert!(
            message.contains(expected) && message.contains("x.npy"),
            "{message}"
        );
    }
    assert!(refuse(&root.path().join("absent.npy")).contains("no such file"));
    assert!(refuse(Path::new("x.csv")).contains("must be .npy or .npz, not `.csv`"));
}
