//! Arrays as NumPy writes them, and files that are none.

use std::io::{Cursor, Write};

use proptest::prelude::*;

use super::*;

/// A `.npy` file of format 1.0 as NumPy writes it.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    with_header(&header, data)
}

fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let mut header = header.to_string();
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

fn read(bytes: &[u8]) -> Result<NpyArray, DataError> {
    read_array(bytes, "array.npy".into())
}

fn reason(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn every_type_is_converted() {
    let le = |values: &[[u8; 8]], size: usize| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value[..size].to_vec())
            .collect()
    };
    let whole: Vec<[u8; 8]> = [1i64, 100]
        .iter()
        .map(|value| value.to_le_bytes())
        .collect();
    for (descr, size) in [
        ("|u1", 1),
        ("<u2", 2),
        ("<u4", 4),
        ("<u8", 8),
        ("|i1", 1),
        ("<i2", 2),
        ("<i4", 4),
        ("<i8", 8),
    ] {
        let array = read(&npy(descr, false, "(2,)", &le(&whole, size))).unwrap();
        assert_eq!(
            array.to_f32().as_slice(),
            Some(&[1.0, 100.0][..]),
            "{descr}"
        );
        assert_eq!(array.to_indices().unwrap(), [1, 100], "{descr}");
    }
    let float = |descr: &str, data: &[u8]| read(&npy(descr, false, "(1,)", data)).unwrap();
    assert_eq!(
        float("<f2", &f16::from_f32(1.5).to_le_bytes()).to_f32()[0],
        1.5
    );
    assert_eq!(float("<f4", &(-1.5f32).to_le_bytes()).to_f64()[0], -1.5);
    assert_eq!(float("<f8", &0.1f64.to_le_bytes()).to_f64()[0], 0.1);
    assert_eq!(float(">f8", &0.1f64.to_be_bytes()).to_f64()[0], 0.1);
    assert_eq!(float("|b1", &[1]).to_f32()[0], 1.0);
    let signed = read(&npy(">i2", false, "(1,)", &(-2i16).to_be_bytes())).unwrap();
    assert_eq!(signed.to_indices().unwrap(), [-2]);
}

#[test]
fn column_major_arrays_become_row_major() {
    let array = read(&npy("|u1", true, "(2, 3)", &[1, 4, 2, 5, 3, 6])).unwrap();
    assert_eq!(array.shape(), [2, 3]);
    assert_eq!(array.bytes(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_scalar_and_an_empty_array_are_arrays() {
    assert_eq!(
        read(&npy("|u1", false, "()", &[7])).unwrap().to_f32().sum(),
        7.0
    );
    assert!(
        read(&npy("<f8", false, "(0, 3)", &[]))
            .unwrap()
            .to_f64()
            .is_empty()
    );
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let good = npy("<f4", false, "(2, 2)", &[0; 16]);
    for (bytes, expected) in [
        (b"PK\x03\x04 and more".to_vec(), "not a .npy array"),
        (Vec::new(), "ends inside the .npy header"),
        (good[..40].to_vec(), "ends inside the .npy header"),
        (
            good[..good.len() - 1].to_vec(),
            "promises 16 bytes (F32, shape [2, 2]) but there are only 15",
        ),
        ([&good[..], &[0]].concat(), "but there are more"),
        (npy("<f4", false, "(2, x)", &[]), "header not understood"),
        (
            npy("<c8", false, "(1,)", &[0; 8]),
            "element type `<c8` is not supported",
        ),
        (npy("|O", false, "(1,)", &[0; 8]), "element type `|O`"),
        (
            npy("<f4", false, "(4294967296, 4294967296, 4)", &[]),
            "too large for memory",
        ),
        (
            npy("<f4", false, "(0, 4294967296, 4294967296)", &[]),
            "too large for memory",
        ),
        (
            npy("<f4", false, "(9223372036854775807,)", &[]),
            "too large for memory",
        ),
    ] {
        let message = reason(&bytes);
        assert!(message.contains(expected), "{message}");
    }
    let mut version = good.clone();
    version[6] = 9;
    assert!(reason(&version).contains(".npy format 9.0"));
    let structured = with_header(
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
        &[],
    );
    assert!(reason(&structured).contains("structured arrays are not supported"));
}

#[test]
fn a_header_that_lies_about_its_size_takes_no_memory() {
    // A terabyte is promised; the file ends after a byte.
    let message = reason(&npy("<f4", false, "(1000000000000,)", &[0]));
    assert!(message.contains("but there are only 1"), "{message}");
}

#[test]
fn indices_must_be_one_whole_number_a_sample() {
    let column = read(&npy("|u1", false, "(2, 1)", &[3, 4])).unwrap();
    assert_eq!(column.to_indices().unwrap(), [3, 4]);
    for (bytes, expected) in [
        (
            npy("|u1", false, "(1, 2)", &[3, 4]),
            "expected one number a sample",
        ),
        (npy("<f4", false, "(1,)", &[0; 4]), "expected whole numbers"),
        (npy("<u8", false, "(1,)", &[255; 8]), "does not fit"),
    ] {
        let message = read(&bytes).unwrap().to_indices().unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn archives_name_their_keys() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    for (name, options) in [("b.npy", Default::default()), ("a/x.npy", deflated)] {
        writer.start_file(name, options).unwrap();
        writer
            .write_all(&npy("|u1", false, "(3,)", &[1, 2, 3]))
            .unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let mut archive = NpzFile::from_reader(Cursor::new(&bytes), Path::new("f.npz")).unwrap();
    assert_eq!(archive.keys(), ["a/x", "b"]);
    assert_eq!(archive.read("a/x").unwrap().bytes(), [1, 2, 3]);
    assert_eq!(archive.read_optional("c").unwrap(), None);
    let message = archive.read("input").unwrap_err().to_string();
    assert_eq!(
        message,
        "f.npz: no array `input`; the archive holds `a/x`, `b`"
    );
    assert!(NpzFile::from_reader(Cursor::new(&bytes[..20]), Path::new("f.npz")).is_err());
}

proptest! {
    #[test]
    fn broken_files_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        fortran in any::<bool>(),
    ) {
        let mut bytes = npy("<i2", fortran, "(2, 3)", &[0; 12]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(array) = read(&bytes) {
            let converted = array.to_f32();
            prop_assert_eq!(converted.shape(), array.shape());
            let _ = array.to_indices();
        }
    }
}
