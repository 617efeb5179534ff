//! Weights: `.safetensors`, and `.pth` in both of PyTorch's formats.

use std::path::Path;

use crate::Said;
use crate::common::write_weights;

/// A `.safetensors` file with this header and so many bytes of tensors.
fn safetensors(header: &str, n_bytes: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + n_bytes, 0);
    bytes
}

/// A file of the weight readers' own tests.
fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infoplane-graph/tests/weights");
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn safetensors_files() {
    let mut said = Said::new();
    said.to(
        "a file that is not there",
        "layers resnet18 --weights absent.safetensors",
    );
    let mut weights = |case: &str, content: Vec<u8>| said.model(case, "safetensors", content);
    weights("an empty file", Vec::new());
    weights("prose", b"A letter.".to_vec());
    weights("a header beyond the end", {
        let mut bytes = safetensors("{}", 0);
        bytes[0] = 200;
        bytes
    });
    weights("a header that is no JSON", safetensors("{oops}", 0));
    weights("no tensors", safetensors("{}", 0));
    let one = |entry: &str| safetensors(&format!("{{\"w\":{{{entry}}}}}"), 8);
    weights(
        "a tensor without a type",
        one(r#""shape":[2],"data_offsets":[0,8]"#),
    );
    weights(
        "a tensor without a shape",
        one(r#""dtype":"F32","data_offsets":[0,8]"#),
    );
    weights(
        "a tensor without a place",
        one(r#""dtype":"F32","shape":[2]"#),
    );
    weights(
        "a tensor beyond the end",
        one(r#""dtype":"F32","shape":[4],"data_offsets":[0,16]"#),
    );
    weights(
        "a tensor of another size",
        one(r#""dtype":"F32","shape":[3],"data_offsets":[0,8]"#),
    );
    weights(
        "tensors of something else",
        one(r#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#),
    );
    insta::assert_snapshot!("weights_safetensors", said.text);
}

#[test]
fn pth_files() {
    let mut said = Said::new();
    for (case, file) in [
        ("a zip that runs a program", "evil_zip.pth"),
        ("an old file that runs a program", "evil_legacy.pth"),
        ("a whole module", "module.pth"),
        ("a settings object", "namespace.pth"),
        ("one tensor", "one_tensor.pth"),
        ("no tensors", "no_tensors.pth"),
        ("a pickle of something else", "evil.pkl"),
    ] {
        said.model(case, "pth", fixture(file));
    }
    for (case, file, kept) in [
        ("half a zip", "views_zip.pth", 0.5),
        ("half an old file", "views_legacy.pth", 0.5),
        (
            "an old file without its last bytes",
            "views_legacy.pth",
            0.99,
        ),
    ] {
        let whole = fixture(file);
        let end = (whole.len() as f64 * kept) as usize;
        said.model(case, "pth", &whole[..end]);
    }
    insta::assert_snapshot!("weights_pth", said.text);
}

#[test]
fn weights_of_another_network() {
    let mut said = Said::new();
    write_weights(said.path(), "squeeze.safetensors", "squeezenet1_1", 1);
    said.to(
        "another version",
        "layers squeezenet1_0 --weights squeeze.safetensors",
    );
    said.to(
        "another family",
        "layers resnet18 --weights squeeze.safetensors",
    );
    insta::assert_snapshot!("weights_fit", said.text);
}
