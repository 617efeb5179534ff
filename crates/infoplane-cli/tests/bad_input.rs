//! Bad input gets exit code 2, one message that says what was wrong, where, and what is allowed, and
//! leaves nothing behind.

mod common;

use std::path::{Path, PathBuf};

use common::onnx::{Graph, Node};
use common::{
    Archive, assert_says, contents, demo_asset, infoplane, refuse, succeed, words,
    write_colour_network, write_images, write_input, write_inputs_with,
};
use ndarray::{Array, Array1, Array4};
use tempfile::TempDir;

/// A folder with the demo's network and eight of its digits.
struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        let folder = TempDir::new().unwrap();
        std::fs::copy(demo_asset("network.onnx"), folder.path().join("net.onnx")).unwrap();
        write_input(&folder.path().join("digits.npz"), &digits());
        Fixture { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// What `run` says to the demo's network and digits with more options.
    fn refuse_run(&self, options: &str) -> String {
        let args = "run --model net.onnx --data digits.npz --out out";
        refuse(self.path(), args.split(' ').chain(words(options)))
    }

    /// What `attribute` says to the same.
    fn refuse_attribute(&self, options: &str) -> String {
        let args = "attribute --model net.onnx --inputs digits.npz --raw raw.npz";
        refuse(self.path(), args.split(' ').chain(words(options)))
    }

    /// What every command that takes a model says to `model`; it must say the same.
    fn refuse_model(&self, model: &str) -> String {
        let run = format!("run --model {model} --data digits.npz --out out");
        let said = refuse(self.path(), words(&run));
        for other in [
            format!("attribute --model {model} --inputs digits.npz --raw raw.npz"),
            format!("predict --model {model} --inputs digits.npz --raw raw.npz"),
            format!("layers {model}"),
        ] {
            assert_eq!(refuse(self.path(), words(&other)), said, "{other}");
        }
        said
    }
}

fn digits() -> Array4<f32> {
    let all = Archive::open(&demo_asset("digits.npz")).array("input");
    all.slice_move(ndarray::s![..8, .., .., ..])
}

// The model.

#[test]
fn a_model_that_is_not_there_is_named() {
    let said = Fixture::new().refuse_model("absent.onnx");
    assert_says(&said, &["absent.onnx", "No such file"]);
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
}

#[test]
fn a_file_that_is_no_model_is_told_from_a_damaged_one() {
    let fixture = Fixture::new();
    let prose = "A network, one would think.\nIt is a letter.\n";
    std::fs::write(fixture.file("letter.onnx"), prose).unwrap();
    let said = fixture.refuse_model("letter.onnx");
    assert_says(&said, &["letter.onnx is not an ONNX model"]);

    std::fs::write(fixture.file("empty.onnx"), "").unwrap();
    let said = fixture.refuse_model("empty.onnx");
    assert_says(&said, &["empty.onnx is not an ONNX model", "empty"]);

    std::fs::create_dir(fixture.file("folder.onnx")).unwrap();
    let said = fixture.refuse_model("folder.onnx");
    assert_says(&said, &["folder.onnx", "directory"]);
}

#[test]
fn a_truncated_model_is_refused_wherever_it_is_cut() {
    let fixture = Fixture::new();
    let whole = std::fs::read(fixture.file("net.onnx")).unwrap();
    let len = whole.len();
    for end in [
        1,
        2,
        7,
        40,
        500,
        5_000,
        len / 3,
        len / 2,
        len - 1_000,
        len - 1,
    ] {
        std::fs::write(fixture.file("cut.onnx"), &whole[..end]).unwrap();
        let said = refuse(fixture.path(), ["layers", "cut.onnx"]);
        assert_says(&said, &["cut.onnx"]);
        if end > 7 {
            assert_says(&said, &["truncated or damaged"]);
        }
    }
    fixture.refuse_model("cut.onnx");
}

#[test]
fn weights_outside_the_model_that_are_not_there_are_named() {
    let fixture = Fixture::new();
    let model = fixture.file("outside.onnx");
    Graph::new(&[1, 1, 8, 8], "y")
        .external_weights("w", &[4, 1, 3, 3], "weights.bin")
        .node(Node::new("stem", "Conv", &["input", "w"], "y"))
        .write(&model);
    let said = fixture.refuse_model("outside.onnx");
    assert_says(&said, &["`w`", "weights.bin", "beside the model"]);

    std::fs::write(fixture.file("weights.bin"), [0; 100]).unwrap();
    let said = fixture.refuse_model("outside.onnx");
    assert_says(&said, &["`w`", "weights.bin"]);

    std::fs::write(fixture.file("weights.bin"), [0; 144]).unwrap();
    succeed(fixture.path(), ["layers", "outside.onnx"]);
}

#[test]
fn every_unsupported_operator_and_attribute_is_listed_at_once() {
    let fixture = Fixture::new();
    Graph::new(&[1, 1, 8, 8], "y")
        .node(Node::new("first", "Einsum", &["input"], "a").text("equation", "ij->ji"))
        .node(Node::new("middle", "Relu", &["a"], "b"))
        .node(Node::new("border", "Pad", &["b"], "c").text("mode", "wrap"))
        .node(Node::new("wave", "Relu", &["c"], "d").integer("inplace", 1))
        .node(Node::new("", "FusedAttention", &["d"], "y").domain("com.example"))
        .write(&fixture.file("odd.onnx"));
    let said = fixture.refuse_model("odd.onnx");
    assert_says(
        &said,
        &[
            "`first`",
            "Einsum",
            "`border`",
            "Pad",
            "mode = wrap",
            "`wave`",
            "Relu",
            "inplace",
            "com.example.FusedAttention",
        ],
    );
    assert!(!said.contains("`middle`"), "{said}");
}

#[test]
fn a_model_of_unknown_operator_versions_is_refused_with_those_that_are_read() {
    let fixture = Fixture::new();
    Graph::new(&[1, 1, 8, 8], "y")
        .opset(3)
        .node(Node::new("relu", "Relu", &["input"], "y"))
        .write(&fixture.file("old.onnx"));
    let said = fixture.refuse_model("old.onnx");
    assert_says(&said, &["version 3", "7 to "]);
}

// The data.

#[test]
fn data_that_is_not_there_or_of_no_known_form_is_named() {
    let fixture = Fixture::new();
    let run = |data: &str| {
        refuse(
            fixture.path(),
            ["run", "--model", "net.onnx", "--out", "out", "--data", data],
        )
    };
    assert_says(&run("absent"), &["absent", "no such file or folder"]);
    std::fs::write(fixture.file("notes.txt"), "x").unwrap();
    assert_says(
        &run("notes.txt"),
        &["notes.txt", ".txt", ".npz", ".parquet"],
    );
    std::fs::write(fixture.file("broken.npz"), "PK no").unwrap();
    assert_says(&run("broken.npz"), &["broken.npz"]);
    std::fs::create_dir(fixture.file("hollow")).unwrap();
    assert_says(&run("hollow"), &["hollow", "holds no samples", ".png"]);
}

#[test]
fn an_archive_without_inputs_is_refused_with_the_arrays_it_holds() {
    let fixture = Fixture::new();
    let mut writer =
        ndarray_npy::NpzWriter::new(std::fs::File::create(fixture.file("x.npz")).unwrap());
    writer.add_array("images", &digits()).unwrap();
    writer.finish().unwrap();
    for args in [
        "run --model net.onnx --data x.npz --out out",
        "attribute --model net.onnx --inputs x.npz --raw raw.npz",
        "predict --model net.onnx --inputs x.npz --raw raw.npz",
    ] {
        let said = refuse(fixture.path(), words(args));
        assert_says(&said, &["x.npz", "no array `input`", "`images`"]);
    }
}

#[test]
fn both_shapes_are_printed_where_the_data_does_not_fit_the_network() {
    let fixture = Fixture::new();
    write_input(&fixture.file("wide.npz"), &Array::zeros((2, 1, 8, 9)));
    for args in [
        "run --model net.onnx --data wide.npz --out out",
        "attribute --model net.onnx --inputs wide.npz --raw raw.npz",
        "predict --model net.onnx --inputs wide.npz --raw raw.npz",
    ] {
        let said = refuse(fixture.path(), words(args));
        assert_says(&said, &["1, 8, 9", "1, 8, 8"]);
    }
    write_images(fixture.path(), 1);
    let said = refuse(
        fixture.path(),
        words("run --model net.onnx --data images --out out --preset none --crop 9"),
    );
    assert_says(&said, &["images", "[1, 9, 9]", "[1, 8, 8]"]);
}

#[test]
fn a_class_folder_that_is_no_known_class_is_named_with_the_nearest() {
    let fixture = Fixture::new();
    write_colour_network(fixture.path());
    write_images(fixture.path(), 1);
    std::fs::write(fixture.file("classes.txt"), "red\ngreeen\nblue\n").unwrap();
    let args =
        "run --model colours.onnx --data images --out out --preset none --classes classes.txt";
    let said = refuse(fixture.path(), words(args));
    assert_says(&said, &["images", "`green`", "`greeen`", "3 known classes"]);
    assert!(!said.contains("`red` (nearest"), "{said}");
}

#[test]
fn an_unreadable_image_fails_a_strict_run_and_is_named() {
    let fixture = Fixture::new();
    write_colour_network(fixture.path());
    let images = write_images(fixture.path(), 2);
    std::fs::write(images.join("green/00.png"), "no image").unwrap();
    let args = "run --model colours.onnx --data images --out out --preset none --strict";
    let said = refuse(fixture.path(), words(args));
    assert_says(&said, &["green/00.png", "--strict"]);
}

#[test]
fn images_of_which_none_can_be_read_are_refused() {
    let fixture = Fixture::new();
    write_colour_network(fixture.path());
    let images = write_images(fixture.path(), 1);
    for class in ["red", "green", "blue"] {
        std::fs::write(images.join(class).join("00.png"), "no image").unwrap();
    }
    for crop in ["", "--crop 8"] {
        let args = "run --model colours.onnx --data images --out out --preset none";
        let said = refuse(fixture.path(), words(args).chain(words(crop)));
        assert_says(&said, &["none of the", "3"]);
    }
}

#[test]
fn a_target_without_an_output_unit_is_refused_with_the_units_there_are() {
    let fixture = Fixture::new();
    let said = fixture.refuse_run("--target 10");
    assert_says(&said, &["10", "0 to 9"]);
    let said = fixture.refuse_attribute("--target 10");
    assert_says(&said, &["10", "0 to 9"]);

    let targets = Array1::from(vec![0_i64, 1, 2, 3, 4, 5, 6, 12]);
    write_inputs_with(&fixture.file("digits.npz"), &digits(), "target", &targets);
    let said = fixture.refuse_attribute("--target input");
    assert_says(&said, &["12", "0 to 9"]);
}

#[test]
fn a_label_without_an_output_unit_is_refused() {
    let fixture = Fixture::new();
    let labels = Array1::from(vec![0_i64, 1, 2, 3, 4, 5, 6, 12]);
    write_inputs_with(&fixture.file("digits.npz"), &digits(), "label", &labels);
    let said = fixture.refuse_run("");
    assert_says(&said, &["digits.npz", "12", "10 outputs"]);
}

#[test]
fn a_target_that_the_data_does_not_hold_is_refused() {
    let fixture = Fixture::new();
    assert_says(&fixture.refuse_run("--target label"), &["label"]);
    assert_says(&fixture.refuse_run("--target input"), &["predicted, label"]);
    assert_says(&fixture.refuse_attribute("--target label"), &["label"]);
    assert_says(&fixture.refuse_attribute("--target input"), &["target"]);
}

#[test]
fn groups_are_checked_before_the_sweep() {
    let fixture = Fixture::new();
    let said = fixture.refuse_run("--groups absent.csv:group");
    assert_says(&said, &["absent.csv", "no such file"]);
    let said = fixture.refuse_run("--groups absent.csv");
    assert_says(&said, &["absent.csv", "FILE:COLUMN"]);
    std::fs::write(fixture.file("g.csv"), "class_index,kind\n0,even\n").unwrap();
    let said = fixture.refuse_run("--groups g.csv:group");
    assert_says(&said, &["g.csv", "no column `group`", "`kind`"]);
}

// Settings.

#[test]
fn a_layer_that_does_not_exist_gets_the_nearest_names() {
    let fixture = Fixture::new();
    for said in [
        fixture.refuse_run("--layers stem,blok2.1"),
        fixture.refuse_attribute("--layers stem,blok2.1"),
    ] {
        assert_says(&said, &["no layer `blok2.1`", "`block2.1`", "layers MODEL"]);
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_names_there_are() {
    let fixture = Fixture::new();
    for (option, allowed) in [
        (
            "--target lable",
            &["`lable` (nearest: `label`)", "predicted"][..],
        ),
        ("--estimator kdr", &["`kdr` (nearest: `kde`)", "renyi"]),
        (
            "--control weight",
            &["`weight` (nearest: `weights`)", "labels"],
        ),
        (
            "--against group",
            &["`group` (nearest: `groups`)", "predicted"],
        ),
        ("--figure-format pnk", &["`pnk` (nearest: `png`)", "svg"]),
        ("--baseline white", &["`white`", "zero", "black"]),
        (
            "--quadrature adaptiv",
            &["(nearest: `adaptive`)", "graded", "captum"],
        ),
        (
            "--preset mnistt",
            &["`mnistt`", "`mnist`", "imagenet", "cifar10"],
        ),
        (
            "--interpolation cubic",
            &["(nearest: `bicubic`)", "bilinear"],
        ),
    ] {
        assert_says(&fixture.refuse_run(option), allowed);
    }
    let said = fixture.refuse_attribute("--reduce all");
    assert_says(&said, &["'all'", "channels", "none"]);
    let said = refuse(fixture.path(), ["analyse"]);
    assert_says(&said, &["analyse"]);
}

#[test]
fn a_setting_that_makes_no_sense_is_refused() {
    let fixture = Fixture::new();
    for (option, parts) in [
        ("--quadrature adaptive --steps 8", &["--steps"][..]),
        ("--quadrature graded --tolerance 0.1", &["--tolerance"]),
        ("--quadrature trapezoid --power 3", &["--power"]),
        ("--steps 0", &["0"]),
        ("--tolerance -1", &["-1"]),
        ("--max-steps 0", &["0"]),
        ("--threads 0", &["--threads 0"]),
        ("--tau 0", &["0"]),
        ("--tau -0.5", &["-0.5"]),
        ("--tau nan", &["NaN"]),
        ("--limit 0", &["limit"]),
        ("--std 0", &["0"]),
        ("--mean 1,2", &["2 numbers", "1 is needed"]),
        ("--preset none", &["--preset is for images"]),
        ("--features a", &["--features is for tables"]),
        ("--shuffle", &["shuffle draws"]),
        ("--per-class 0", &["number per class is 0"]),
        ("--baseline black", &["black", "images"]),
        ("--baseline zero --blur-sigma 2", &["--blur-sigma"]),
        ("--baseline blur --blur-sigma 0", &["0 pixels"]),
        ("--quadrature graded --knee 0.1", &["--knee"]),
        ("--quadrature hyperbolic --knee 0", &["knee at 0"]),
        ("--baseline input", &["attribute --inputs"]),
        ("--steps many", &["many"]),
        ("--keep-maps 500", &["--keep-maps 500", "0 (none) to 100"]),
    ] {
        assert_says(&fixture.refuse_run(option), parts);
    }
}

#[test]
fn what_a_command_needs_is_asked_for() {
    let fixture = Fixture::new();
    let said = refuse(
        fixture.path(),
        ["run", "--data", "digits.npz", "--out", "o"],
    );
    assert_says(&said, &["--model"]);
    let said = refuse(fixture.path(), ["run", "--model", "net.onnx", "--out", "o"]);
    assert_says(&said, &["--data"]);
    std::fs::write(
        fixture.file("run.toml"),
        "data = \"digits.npz\"\nout = \"o\"\n",
    )
    .unwrap();
    let said = refuse(fixture.path(), ["run", "--config", "run.toml"]);
    assert_says(&said, &["--model"]);
}

#[test]
fn a_configuration_with_an_unknown_key_or_a_wrong_value_names_it() {
    let fixture = Fixture::new();
    let said = refuse(fixture.path(), ["run", "--config", "absent.toml"]);
    assert_says(&said, &["absent.toml"]);
    for (text, parts) in [
        (
            "model = \"net.onnx\"\nstep = 4\n",
            &["run.toml", "`step`"][..],
        ),
        ("steps = \"four\"\n", &["run.toml", "steps"]),
        ("steps = \n", &["run.toml", "1"]),
    ] {
        std::fs::write(fixture.file("run.toml"), text).unwrap();
        let said = refuse(fixture.path(), ["run", "--config", "run.toml"]);
        assert_says(&said, parts);
    }
}

// Where results go.

#[test]
fn a_directory_of_another_run_is_kept_and_the_difference_shown_line_by_line() {
    let fixture = Fixture::new();
    let run = "run --model net.onnx --data digits.npz --out out --layers stem,pool --steps 2";
    let said = infoplane(fixture.path(), words(run));
    assert_eq!(said.code, Some(0), "{}", said.stderr);

    let said = fixture.refuse_run("--layers stem,pool --steps 3");
    assert_says(&said, &["out holds a different run", "another --out"]);
    let line = said.lines().find(|line| line.contains("steps")).unwrap();
    assert_says(line, &["2", "3"]);

    let said = fixture.refuse_run("--layers stem --steps 2 --target 3");
    let lines: Vec<&str> = said.lines().collect();
    for part in ["target", "pool"] {
        assert!(lines[1..].iter().any(|line| line.contains(part)), "{said}");
    }
}

#[test]
fn an_output_that_is_a_file_or_another_folder_is_left_alone() {
    let fixture = Fixture::new();
    std::fs::write(fixture.file("out"), "precious").unwrap();
    assert_says(&fixture.refuse_run(""), &["out"]);
    std::fs::remove_file(fixture.file("out")).unwrap();

    std::fs::create_dir(fixture.file("out")).unwrap();
    std::fs::write(fixture.file("out/thesis.txt"), "precious").unwrap();
    let said = fixture.refuse_run("");
    assert_says(&said, &["out is not empty", "run.json"]);
    let said = refuse(fixture.path(), ["demo", "--out", "out"]);
    assert_says(&said, &["out is not empty", "run.json"]);
}

#[test]
fn an_archive_that_cannot_be_written_is_refused_before_the_work() {
    let fixture = Fixture::new();
    std::fs::create_dir(fixture.file("folder")).unwrap();
    for command in ["attribute", "predict"] {
        for raw in ["absent/raw.npz", "folder"] {
            let args = format!("{command} --model net.onnx --inputs digits.npz --raw {raw}");
            assert_says(&refuse(fixture.path(), words(&args)), &[raw]);
        }
    }
}

#[test]
fn plane_and_report_need_a_run() {
    let fixture = Fixture::new();
    std::fs::create_dir(fixture.file("folder")).unwrap();
    for command in ["plane", "report"] {
        for folder in ["absent", "folder", "net.onnx"] {
            let said = refuse(fixture.path(), [command, folder]);
            assert_says(&said, &[folder, "no run"]);
        }
    }
}

#[test]
fn plane_refuses_settings_and_leaves_the_run_as_it_was() {
    let fixture = Fixture::new();
    let run = "run --model net.onnx --data digits.npz --out out --layers stem,pool --steps 2";
    assert_eq!(infoplane(fixture.path(), words(run)).code, Some(0));
    assert!(contents(fixture.path()).contains_key(Path::new("out/plane.json")));
    assert_says(
        &refuse(fixture.path(), ["plane", "out", "--tau=-1"]),
        &["-1"],
    );
    let said = refuse(fixture.path(), ["plane", "out", "--groups", "absent.csv:g"]);
    assert_says(&said, &["absent.csv"]);

    std::fs::remove_file(fixture.file("out/plane.json")).unwrap();
    let said = refuse(fixture.path(), ["report", "out"]);
    assert_says(&said, &["plane.json", "infoplane plane out"]);
}
