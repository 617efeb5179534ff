//! `doctor` looks at everything, whatever is wrong, and its exit code says whether a run is possible.

mod common;

use std::path::{Path, PathBuf};

use common::onnx::{Graph, Node};
use common::{
    Archive, Said, assert_says, contents, demo_asset, infoplane, succeed, words,
    write_colour_network, write_images, write_input, write_inputs_with, write_weights,
};
use ndarray::{Array, Array1, Array4, s};
use tempfile::TempDir;

struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        let fixture = Fixture {
            folder: TempDir::new().unwrap(),
        };
        std::fs::copy(demo_asset("network.onnx"), fixture.file("net.onnx")).unwrap();
        std::fs::copy(demo_asset("digits.npz"), fixture.file("digits.npz")).unwrap();
        fixture
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// What the doctor says, who must write nothing and say all of it on stdout.
    #[track_caller]
    fn ask(&self, args: &str) -> Said {
        let before = contents(self.path());
        let said = infoplane(self.path(), words(&format!("doctor {args}")));
        assert_eq!(said.stderr, "");
        assert!(contents(self.path()) == before);
        said
    }

    #[track_caller]
    fn fits(&self, args: &str) -> String {
        let said = self.ask(args);
        assert_eq!(said.code, Some(0), "{}", said.stdout);
        assert!(!said.stdout.contains('✗'), "{}", said.stdout);
        said.stdout
    }

    #[track_caller]
    fn fails(&self, args: &str) -> String {
        let said = self.ask(args);
        assert_eq!(said.code, Some(2), "{}", said.stdout);
        assert!(said.stdout.contains('✗'), "{}", said.stdout);
        said.stdout
    }
}

fn last_line(said: &str) -> &str {
    said.trim_end().lines().last().unwrap()
}

fn digits() -> Array4<f32> {
    let all = Archive::open(&demo_asset("digits.npz")).array("input");
    all.slice_move(s![..40, .., .., ..])
        .into_dimensionality()
        .unwrap()
}

#[test]
fn what_fits_ends_with_a_command_that_runs() {
    let fixture = Fixture::new();
    let said = fixture.fits("net.onnx digits.npz --limit 40");
    for part in [
        "✓ file          net.onnx, an ONNX file of",
        "opset ",
        "all supported",
        "1 × 8 × 8 a sample (channels × height × width)",
        "10 units",
        "parameters, ",
        "cut layers",
        "the samples of a batch do not mix",
        "40 samples, npz `digits.npz`",
        "10 classes for 10 outputs",
        "completeness error",
        "are classified as labelled",
        "for the conductances of 40 samples",
    ] {
        assert_says(&said, &[part]);
    }
    let next = last_line(&said)
        .strip_prefix("next      infoplane ")
        .unwrap();
    assert_eq!(
        next,
        "run --model net.onnx --data digits.npz --limit 40 --out runs/net"
    );
    succeed(
        fixture.path(),
        words(&format!("{next} --layers stem,pool --steps 2")),
    );
}

#[test]
fn a_network_by_itself_is_tried_on_random_numbers() {
    let fixture = Fixture::new();
    let said = fixture.fits("net.onnx");
    assert_says(
        &said,
        &["random numbers: class", "completeness error", "--data DATA"],
    );
    write_weights(fixture.path(), "w.safetensors", "squeezenet1_1", 1);
    let said = fixture.fits("squeezenet1_1 --weights w.safetensors --input-shape 3,64,64");
    assert_says(
        &said,
        &["squeezenet1_1 with the weights w.safetensors", "3 units"],
    );
    assert_says(
        last_line(&said),
        &["run --model squeezenet1_1 --weights w.safetensors"],
    );
}

#[test]
fn every_unsupported_operator_is_said_and_the_data_are_looked_at_all_the_same() {
    let fixture = Fixture::new();
    Graph::new(&[1, 1, 8, 8], "y")
        .node(Node::new("first", "Loop", &["input"], "a"))
        .node(Node::new("second", "Loop", &["a"], "b"))
        .node(Node::new("third", "Relu", &["b"], "c").integer("inplace", 1))
        .node(Node::new("fourth", "Attention", &["c"], "y").domain("com.example"))
        .write(&fixture.file("odd.onnx"));
    let said = fixture.fails("odd.onnx digits.npz");
    for part in [
        "✓ file",
        "Loop is not supported (2 nodes: `first`, `second`)",
        "Relu, ",
        "inplace",
        "com.example.Attention is not supported (1 node: `fourth`)",
        "600 samples",
        "10 classes",
        "all readable",
    ] {
        assert_says(&said, &[part]);
    }
}

#[test]
fn a_softmax_and_more_than_one_output_are_said() {
    let fixture = Fixture::new();
    Graph::new(&[1, 3, 8, 8], "probabilities")
        .node(Node::new("mean", "GlobalAveragePool", &["input"], "pooled"))
        .node(Node::new("flat", "Flatten", &["pooled"], "logits"))
        .node(Node::new("softmax", "Softmax", &["logits"], "probabilities").integer("axis", 1))
        .output("pooled")
        .write(&fixture.file("soft.onnx"));
    let said = fixture.fits("soft.onnx");
    assert_says(
        &said,
        &[
            "! output",
            "Softmax `softmax` is left out: the target is its operand `logits`",
            "2 outputs (`probabilities`, `pooled`)",
        ],
    );
}

#[test]
fn data_that_do_not_fit_get_the_flags_that_make_them_fit() {
    let fixture = Fixture::new();
    write_colour_network(fixture.path());
    write_images(fixture.path(), 3);
    let said = fixture.fails("colours.onnx images");
    assert_says(
        &said,
        &["✗ shape", "3 × 224 × 224 a sample", "takes 3 × 8 × 8"],
    );
    let next = last_line(&said)
        .strip_prefix("next      infoplane doctor ")
        .unwrap();
    assert_eq!(next, "colours.onnx images --resize 8 --crop 8");
    let said = fixture.fits(next);
    let next = "run --model colours.onnx --data images --resize 8 --crop 8 --out runs/colours";
    assert_says(last_line(&said), &[next]);

    // Grey digits for a network of colours can't be made to fit.
    let said = fixture.fails("colours.onnx digits.npz");
    assert_says(
        &said,
        &[
            "1 × 8 × 8 a sample",
            "takes 3 × 8 × 8",
            "random numbers: class",
        ],
    );
}

#[test]
fn labels_without_an_output_are_counted() {
    let fixture = Fixture::new();
    let labels = Array1::from_iter((0..40_i64).map(|label| label % 12));
    write_inputs_with(&fixture.file("twelve.npz"), &digits(), "label", &labels);
    let said = fixture.fails("net.onnx twelve.npz");
    assert_says(
        &said,
        &[
            "✗ labels",
            "6 labels have no output",
            "reach 11, the outputs 9",
            "--classes",
        ],
    );
    assert_says(
        &said,
        &["12 classes for 10 outputs", "3 to 4 of each", "--groups"],
    );
}

#[test]
fn labels_and_values_that_look_wrong_are_noted() {
    let fixture = Fixture::new();
    let shifted = Archive::open(&demo_asset("digits.npz")).integers("label");
    let shifted = Array1::from_iter(shifted.iter().take(40).map(|label| (label + 1) % 10));
    write_inputs_with(
        &fixture.file("shifted.npz"),
        &(digits() * 255.0),
        "label",
        &shifted,
    );
    let said = fixture.fits("net.onnx shifted.npz");
    assert_says(
        &said,
        &[
            "! values",
            "preprocessing",
            "! accuracy",
            "hardly more than by chance",
        ],
    );
    write_input(&fixture.file("bare.npz"), &digits());
    let said = fixture.fits("net.onnx bare.npz");
    assert_says(
        &said,
        &["the samples have no labels", "--against predicted"],
    );
    write_input(
        &fixture.file("flat.npz"),
        &Array::<f32, _>::zeros((20, 1, 8, 8)),
    );
    let said = fixture.fits("net.onnx flat.npz");
    assert_says(&said, &["every value is the same", "nothing to attribute"]);
}

#[test]
fn unreadable_samples_are_named() {
    let fixture = Fixture::new();
    write_colour_network(fixture.path());
    let images = write_images(fixture.path(), 3);
    std::fs::write(images.join("green/00.png"), "no image").unwrap();
    let said = fixture.fits("colours.onnx images --preset none");
    assert_says(
        &said,
        &[
            "! samples",
            "1 of 9 looked at can't be read: green/00.png",
            "--strict",
        ],
    );
    for class in ["red", "green", "blue"] {
        for name in ["00.png", "01.png", "02.png"] {
            std::fs::write(images.join(class).join(name), "no image").unwrap();
        }
    }
    let said = fixture.fails("colours.onnx images --preset none");
    assert_says(
        &said,
        &[
            "✗ form",
            "none of the 9 images can be read",
            "random numbers",
        ],
    );
}

#[test]
fn what_is_not_there_is_said_of_both() {
    let fixture = Fixture::new();
    let said = fixture.fails("absent.onnx nowhere");
    assert_says(
        &said,
        &[
            "absent.onnx",
            "nowhere: no such file or folder",
            "can't be run yet",
        ],
    );
    let said = fixture.fails("resnet5 digits.npz");
    assert_says(&said, &["no architecture `resnet5`", "600 samples"]);
    let said = fixture.fails("net.onnx digits.npz --preset imagenett");
    assert_says(&said, &["✗ settings", "imagenett", "600 samples"]);
}

#[test]
fn a_shape_that_is_free_is_asked_for() {
    let fixture = Fixture::new();
    Graph::new(&[0, 3, 0, 0], "logits")
        .node(Node::new("mean", "GlobalAveragePool", &["input"], "pooled"))
        .node(Node::new("flat", "Flatten", &["pooled"], "logits"))
        .write(&fixture.file("free.onnx"));
    assert_says(
        &fixture.fits("free.onnx"),
        &[
            "leaves the shape of a sample free",
            "--input-shape 3,224,224",
        ],
    );
    assert_says(
        &fixture.fits("free.onnx --input-shape 3,8,8"),
        &["3 units", "random numbers"],
    );
    assert_says(&fixture.fails("free.onnx --input-shape 5"), &["✗ shape"]);
}

#[test]
fn the_same_is_had_as_json() {
    let fixture = Fixture::new();
    let json = |said: Said| serde_json::from_str::<serde_json::Value>(&said.stdout).unwrap();
    let well = json(fixture.ask("net.onnx digits.npz --json --limit 40"));
    assert_eq!(well["fits"], true);
    assert!(well["next"].as_str().unwrap().starts_with("infoplane run"));
    let ill = fixture.ask("absent.onnx digits.npz --json");
    assert_eq!(ill.code, Some(2));
    let ill = json(ill);
    assert_eq!(ill["fits"], false);
    let first = &ill["findings"][0];
    assert_eq!(
        (&first["part"], &first["verdict"]),
        (&"model".into(), &"fails".into())
    );
    assert!(first["said"].as_str().unwrap().contains("absent.onnx"));
}
