//! Settings, on the command line and in a file.

use crate::Said;

#[test]
fn flags() {
    let mut said = Said::new();
    for flags in [
        "--target lable",
        "--target 10",
        "--target label",
        "--target input",
        "--baseline blak",
        "--baseline black",
        "--baseline input",
        "--baseline blur --blur-sigma 0",
        "--blur-sigma 2",
        "--quadrature adaptiv",
        "--quadrature adaptive --steps 8",
        "--quadrature graded --tolerance 0.1",
        "--steps 0",
        "--tolerance -1",
        "--max-steps 0",
        "--threads 0",
        "--tau 0",
        "--std 0",
        "--mean 1,2",
        "--preset imagenett",
        "--interpolation cubic",
        "--resize 99999",
        "--estimator kdr",
        "--estimator binned:bin=30",
        "--against group",
        "--control weight",
        "--control-samples 5",
        "--keep-maps 500",
        "--figure-format pnk",
        "--shard 4/3",
        "--shard 1/2 --keep-maps 3",
    ] {
        let command =
            format!("run --model net.onnx --data digits.npz --out out --limit 40 {flags}");
        let data = match flags {
            // Digits with labels for all outputs would fit.
            "--target label" => {
                crate::common::write_input(
                    &said.file("bare.npz"),
                    &ndarray::Array::<f32, _>::zeros((40, 1, 8, 8)),
                );
                command.replace("digits.npz", "bare.npz")
            }
            _ => command,
        };
        said.to(flags, &data);
    }
    insta::assert_snapshot!("settings_flags", said.text);
}

#[test]
fn configuration_files() {
    let mut said = Said::new();
    said.to("a file that is not there", "run --config absent.toml");
    for (case, text) in [
        ("an unknown key", "model = \"net.onnx\"\nstep = 4\n"),
        ("a word where a number belongs", "steps = \"four\"\n"),
        ("a value that is missing", "steps = \n"),
        ("no model", "data = \"digits.npz\"\nout = \"o\"\n"),
        ("no data", "model = \"net.onnx\"\nout = \"o\"\n"),
    ] {
        let name = format!("{}.toml", case.replace(' ', "_"));
        said.write(&name, text);
        said.to(case, &format!("run --config {name}"));
    }
    insta::assert_snapshot!("settings_files", said.text);
}
