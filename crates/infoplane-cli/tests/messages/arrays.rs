//! Arrays: `.npy` and `.npz`, as data and as inputs.

use std::fs::File;

use ndarray::{Array, Array1, ArrayD};
use ndarray_npy::{NpzWriter, WritableElement, write_npy};

use crate::Said;
use crate::common::{write_input, write_inputs_with};

/// A `.npy` file with this header and so many bytes behind it.
fn npy(header: &str, n_bytes: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + n_bytes, 0);
    bytes
}

fn header(descr: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}")
}

#[test]
fn npy_files() {
    let mut said = Said::new();
    said.data("a file that is not there", "absent.npy");
    let mut array = |case: &str, content: Vec<u8>| {
        let name = format!("{}.npy", case.replace(' ', "_"));
        said.write(&name, content);
        said.data(case, &name);
    };
    array("an empty file", Vec::new());
    array("prose", b"A letter.".to_vec());
    array(
        "a header that stops",
        b"\x93NUMPY\x01\x00\x80\x00{'descr'".to_vec(),
    );
    let mut future = npy(&header("<f4", "(2, 1, 8, 8)"), 512);
    future[6] = 9;
    array("a future version", future);
    array("a header of something else", npy("{'a': 1}", 0));
    array("text elements", npy(&header("<U8", "(2, 1, 8, 8)"), 512));
    array(
        "fewer bytes than promised",
        npy(&header("<f4", "(2, 1, 8, 8)"), 100),
    );
    array(
        "more bytes than promised",
        npy(&header("<f4", "(2, 1, 8, 8)"), 600),
    );
    array(
        "a shape beyond memory",
        npy(&header("<f4", "(4611686018427387904, 1, 8, 8)"), 0),
    );
    array("no samples", npy(&header("<f4", "(0, 1, 8, 8)"), 0));
    array("a single number", npy(&header("<f4", "()"), 4));
    array(
        "another shape than the network's",
        npy(&header("<f4", "(2, 1, 8, 9)"), 576),
    );
    insta::assert_snapshot!("arrays_npy", said.text);
}

fn archive<T: WritableElement>(said: &Said, name: &str, key: &str, array: &ArrayD<T>) {
    let mut writer = NpzWriter::new(File::create(said.file(name)).unwrap());
    writer.add_array(key, array).unwrap();
    writer.finish().unwrap();
}

#[test]
fn npz_files() {
    let mut said = Said::new();
    said.write("broken.npz", "PK no");
    said.data("no archive", "broken.npz");
    archive(
        &said,
        "other.npz",
        "images",
        &ArrayD::<f32>::zeros(vec![2, 1, 8, 8]),
    );
    said.data("no inputs", "other.npz");
    let images = Array::<f32, _>::zeros((3, 1, 8, 8));
    write_inputs_with(
        &said.file("few.npz"),
        &images,
        "label",
        &Array1::from(vec![1_i64]),
    );
    said.data("fewer labels than samples", "few.npz");
    write_inputs_with(
        &said.file("half.npz"),
        &images,
        "label",
        &Array1::from(vec![0.5_f32; 3]),
    );
    said.data("labels that are no whole numbers", "half.npz");
    write_inputs_with(
        &said.file("large.npz"),
        &images,
        "label",
        &Array1::from(vec![0_i64, 1, 12]),
    );
    said.data("a label without an output", "large.npz");
    write_input(
        &said.file("nan.npz"),
        &Array::from_elem((3, 1, 8, 8), f32::NAN),
    );
    said.to(
        "values that are no numbers",
        "run --model net.onnx --data nan.npz --out out --strict",
    );
    insta::assert_snapshot!("arrays_npz", said.text);
}

#[test]
fn inputs() {
    let mut said = Said::new();
    let attribute = "attribute --model net.onnx --raw raw.npz --inputs";
    said.write("inputs.csv", "1,2\n");
    said.to("another kind of file", &format!("{attribute} inputs.csv"));
    write_npy(said.file("wide.npy"), &Array::<f32, _>::zeros((2, 1, 8, 9))).unwrap();
    said.to("another shape", &format!("{attribute} wide.npy"));
    let images = Array::<f32, _>::zeros((3, 1, 8, 8));
    write_inputs_with(
        &said.file("far.npz"),
        &images,
        "target",
        &Array1::from(vec![0_i64, 1, 12]),
    );
    said.to(
        "a target without an output",
        &format!("{attribute} far.npz --target input"),
    );
    write_inputs_with(
        &said.file("start.npz"),
        &images,
        "baseline",
        &Array::<f32, _>::zeros((1, 8)),
    );
    said.to(
        "a baseline of another shape",
        &format!("{attribute} start.npz --baseline input"),
    );
    write_input(&said.file("bare.npz"), &images);
    said.to(
        "a target that is not there",
        &format!("{attribute} bare.npz --target input"),
    );
    said.to(
        "a baseline that is not there",
        &format!("{attribute} bare.npz --baseline input"),
    );
    said.to(
        "a folder that is not there",
        "predict --model net.onnx --inputs bare.npz --raw nowhere/raw.npz",
    );
    insta::assert_snapshot!("arrays_inputs", said.text);
}
