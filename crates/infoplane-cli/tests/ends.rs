//! What a model has behind its logits is left out, and every command that reads a model says so.

mod common;

use std::path::Path;

use common::{assert_says, succeed};

#[test]
fn what_is_left_out_behind_the_logits_is_said() {
    let model = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../infoplane-engine/testdata/models/labels_first"
    );
    let folder = tempfile::tempdir().unwrap();
    for file in ["model.onnx", "data.npz"] {
        std::fs::copy(Path::new(model).join(file), folder.path().join(file)).unwrap();
    }
    for command in [
        "layers model.onnx --input-shape 4",
        "predict --model model.onnx --inputs data.npz --raw logits.npz",
        "attribute --model model.onnx --inputs data.npz --raw conductance.npz",
    ] {
        let said = succeed(folder.path(), command.split(' '));
        assert_says(
            &said,
            &[
                "`probabilities` is taken",
                "Softmax `prob_node`",
                "the target is `logits`",
            ],
        );
    }
}
