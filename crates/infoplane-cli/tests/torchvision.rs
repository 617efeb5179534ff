//! `--model NAME --weights FILE`, as people run it.

mod common;

use std::path::{Path, PathBuf};

use common::{
    Archive, assert_says, demo_asset, infoplane, refuse, succeed, words, write_images, write_input,
    write_weights,
};
use ndarray::Array;
use tempfile::TempDir;

/// A file of the weight readers' tests.
fn reader_fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infoplane-graph/tests/weights");
    folder.join(name).canonicalize().unwrap()
}

#[test]
fn every_command_takes_a_name_with_weights() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    write_weights(at, "w.safetensors", "squeezenet1_1", 1);
    write_input(&at.join("x.npz"), &Array::zeros((2, 3, 64, 80)));
    let model = "--model squeezenet1_1 --weights w.safetensors";

    let said = succeed(at, words(&format!("layers {model} --json")));
    assert_says(&said, &["features.3", "classifier.3"]);
    let positional = "layers squeezenet1_1 --weights w.safetensors --json";
    assert_eq!(succeed(at, words(positional)), said);

    succeed(
        at,
        words(&format!("predict {model} --inputs x.npz --raw p.npz")),
    );
    assert_eq!(
        Archive::open(&at.join("p.npz")).matrix("logits").dim(),
        (2, 3)
    );

    let attribute =
        format!("attribute {model} --inputs x.npz --raw a.npz --layers features.4 --steps 2");
    succeed(at, words(&attribute));
    let conductance = Archive::open(&at.join("a.npz")).matrix("conductance/features.4");
    assert_eq!(conductance.dim(), (2, 128));
}

#[test]
fn a_run_knows_its_architecture_and_its_weights() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    write_weights(at, "w.safetensors", "squeezenet1_1", 1);
    write_weights(at, "other.safetensors", "squeezenet1_1", 2);
    write_images(at, 3);
    std::fs::write(at.join("classes.txt"), "blue\ngreen\nred\n").unwrap();
    std::fs::write(
        at.join("run.toml"),
        "model = \"squeezenet1_1\"\nweights = \"w.safetensors\"\ndata = \"images\"\nout = \"out\"\n\
         classes = \"classes.txt\"\nresize = 64\ncrop = 64\nlayers = [\"features.4\", \"features.12\"]\n\
         steps = 2\n",
    )
    .unwrap();
    let said = infoplane(at, words("run --config run.toml"));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(at.join("out/run.json")).unwrap()).unwrap();
    assert_eq!(manifest["model"]["name"], "squeezenet1_1");
    assert_eq!(
        manifest["model"]["input_shape"],
        serde_json::json!([3, 64, 64])
    );
    // The preset of ImageNet, as for an ONNX network of that size.
    let mean = manifest["config"]["preprocess"]["mean"][0]
        .as_f64()
        .unwrap();
    assert!((mean - 0.485).abs() < 1e-6);

    let other = "run --config run.toml --weights other.safetensors";
    assert_says(
        &refuse(at, words(other)),
        &["model.sha256", "another --out"],
    );
}

#[test]
fn names_and_weights_that_do_not_go_together_are_refused() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    std::fs::copy(demo_asset("network.onnx"), at.join("net.onnx")).unwrap();
    write_weights(at, "w.safetensors", "squeezenet1_1", 1);
    for (args, parts) in [
        ("resnet50", &["resnet50", "--weights", ".pth"][..]),
        ("resnet5", &["`resnet5`", "nearest", "resnet50", "VGG"]),
        (
            "renset18 --weights w.safetensors",
            &["`renset18`", "resnet18"],
        ),
        (
            "net.onnx --weights w.safetensors",
            &["net.onnx", "does not apply"],
        ),
        (
            "w.safetensors",
            &["architecture", "--weights w.safetensors"],
        ),
        (
            "vgg11 --weights absent.pth",
            &["absent.pth", "No such file"],
        ),
        ("vgg11 --weights net.onnx", &["net.onnx", ".safetensors"]),
        (
            "squeezenet1_0 --weights w.safetensors",
            &[
                "w.safetensors",
                "squeezenet1_0",
                "--model squeezenet1_1",
                "features.0.weight",
            ],
        ),
    ] {
        let layers = format!("layers --model {args}");
        assert_says(&refuse(at, words(&layers)), parts);
        let predict = format!("predict --model {args} --inputs x.npz --raw p.npz");
        assert_says(&refuse(at, words(&predict)), parts);
    }
    let said = refuse(at, ["layers"]);
    assert_says(&said, &["<MODEL>"]);
}

#[test]
fn a_weight_file_that_is_broken_or_not_to_be_trusted_is_refused() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    for (file, parts) in [
        (
            "evil_zip.pth",
            &["posix.system", "nothing was executed"][..],
        ),
        ("evil_legacy.pth", &["posix.system", "nothing was executed"]),
        (
            "module.pth",
            &["torch.nn.modules.linear.Linear", "state_dict"],
        ),
        ("no_tensors.pth", &["no tensors", "`epoch`"]),
    ] {
        std::fs::copy(reader_fixture(file), at.join(file)).unwrap();
        let args = format!("layers resnet18 --weights {file}");
        let said = refuse(at, words(&args));
        assert_says(&said, &[file]);
        assert_says(&said, parts);
    }
    for (file, name) in [
        ("views_zip.pth", "cut.pth"),
        ("views.safetensors", "cut.safetensors"),
    ] {
        let bytes = std::fs::read(reader_fixture(file)).unwrap();
        std::fs::write(at.join(name), &bytes[..bytes.len() - 100]).unwrap();
        let args = format!("layers resnet18 --weights {name}");
        let said = refuse(at, words(&args));
        assert_says(&said, &[name]);
    }
}
