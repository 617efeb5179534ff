//! A text classifier over token ids: `--path-at`, as people run it.

mod common;

use std::path::{Path, PathBuf};

use common::{Archive, refuse, succeed};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzWriter;
use tempfile::TempDir;

const EMBEDDING: &str = "/embedding/Gather_output_0";
const BLOCK: &str = "/blocks.0/Add_2_output_0";

fn data(file: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infoplane-attribution/tests/data");
    folder.join(file).canonicalize().unwrap()
}

/// A folder with the network and its sentences.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (file, name) in [
        ("text_classifier.onnx", "text.onnx"),
        ("text_classifier.npz", "ids.npz"),
    ] {
        std::fs::copy(data(file), folder.path().join(name)).unwrap();
    }
    folder
}

/// Thirty sentences that hold every word, in an archive `data.npz`.
fn write_sentences(folder: &Path) {
    let file = std::fs::File::create(folder.join("data.npz")).unwrap();
    let mut writer = NpzWriter::new(file);
    let ids = Array2::from_shape_fn((30, 24), |(i, j)| ((i * 7 + j * j * 13) % 64) as i64);
    writer.add_array("input", &ids).unwrap();
    let labels = Array1::from_shape_fn(30, |i| (i % 4) as i64);
    writer.add_array("label", &labels).unwrap();
    writer.finish().unwrap();
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

#[test]
fn conductances_of_tokens_are_those_of_the_reference_summed_over_features() {
    let folder = folder();
    let at = folder.path();
    let command = format!(
        "attribute --model text.onnx --path-at {EMBEDDING} --inputs ids.npz --target input \
         --quadrature trapezoid --steps 32 --layers {EMBEDDING},{BLOCK}"
    );
    for (baseline, key) in [
        ("", "zero"),
        ("--baseline input", "pad"),
        ("--baseline-token 0", "pad"),
    ] {
        succeed(
            at,
            words(&format!(
                "{command} {baseline} --reduce tokens --raw tokens.npz"
            )),
        );
        let mut reference = Archive::open(&at.join("ids.npz"));
        let mut tokens = Archive::open(&at.join("tokens.npz"));
        for layer in [EMBEDDING, BLOCK] {
            let expected = reference.array(&format!("{key}/conductance/{layer}"));
            let found = tokens.array(&format!("conductance/{layer}"));
            assert_eq!(found.shape(), [3, 24]);
            let expected = expected.sum_axis(ndarray::Axis(2));
            let scale = expected.iter().fold(0.0f32, |most, v| most.max(v.abs()));
            for (a, b) in found.iter().zip(&expected) {
                assert!((a - b).abs() < 1e-3 * scale, "{layer}: {a} and {b}");
            }
        }
    }
}

#[test]
fn a_run_over_ids_has_one_number_a_feature_and_says_where_its_paths_run() {
    let folder = folder();
    let at = folder.path();
    write_sentences(at);
    let said = succeed(
        at,
        words(&format!("layers text.onnx --path-at {EMBEDDING}")),
    );
    assert!(
        said.contains("32 (last)") && said.contains(EMBEDDING),
        "{said}"
    );

    let command = format!(
        "run --model text.onnx --path-at {EMBEDDING} --data data.npz --baseline-token 0 --steps 8 --tau 0.5"
    );
    succeed(at, words(&format!("{command} --out out")));
    let text = std::fs::read_to_string(at.join("out/run.json")).unwrap();
    let run: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(run["config"]["path_at"], EMBEDDING);
    assert_eq!(run["config"]["baseline"], "token 0");
    let layers = run["model"]["layers"].as_array().unwrap();
    let layer = |name: &str| layers.iter().find(|layer| layer["name"] == name).unwrap();
    assert_eq!(layer(BLOCK)["n_channels"], 32);
    assert_eq!(layer(BLOCK)["channels_last"], true);
    assert_eq!(layer("logits").get("channels_last"), None);
    let page = std::fs::read_to_string(at.join("out/report.html")).unwrap();
    assert!(page.contains("--path-at") && page.contains("--baseline-token"));
    // Another path is another run.
    let other = command.replace("--baseline-token 0", "");
    let said = refuse(at, words(&format!("{other} --out out")));
    assert!(said.contains("baseline"), "{said}");
}

#[test]
fn what_can_not_be_is_said() {
    let folder = folder();
    let at = folder.path();
    let attribute = "attribute --model text.onnx --inputs ids.npz --raw raw.npz";
    for (more, part) in [
        ("", EMBEDDING),
        ("--path-at /embedding/Gather", EMBEDDING),
        ("--path-at logits", "output"),
        (
            &format!("--path-at {BLOCK} --layers {EMBEDDING}"),
            EMBEDDING,
        ),
        ("--baseline-token 3", "--path-at"),
        (
            &format!("--path-at {EMBEDDING} --baseline-token 3 --baseline zero"),
            "one",
        ),
        (
            &format!("--path-at {EMBEDDING} --baseline-token 64"),
            "0 to 63",
        ),
        (
            &format!("--path-at {EMBEDDING} --baseline-token 20000000"),
            "20000000",
        ),
    ] {
        let said = refuse(at, words(&format!("{attribute} {more}")));
        assert!(said.contains(part), "{more}: {said}");
    }
    let run = format!("run --model text.onnx --path-at {EMBEDDING} --data ids.npz --out out");
    let said = refuse(at, words(&format!("{run} --baseline mean")));
    assert!(said.contains("token ids"), "{said}");
}
