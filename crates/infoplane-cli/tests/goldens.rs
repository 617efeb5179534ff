//! `attribute` and `predict` against what PyTorch and Captum computed.

mod common;

use std::path::{Path, PathBuf};

use common::{Archive, demo_asset, shared, succeed, write_inputs_with};
use ndarray::{Array4, ArrayD, Axis, Ix4, s};
use tempfile::TempDir;

/// Where a layer's values may differ from the reference's, relative to its largest.
const LAYER_TOLERANCE: f32 = 1e-3;
const LOGIT_TOLERANCE: f32 = 1e-4;

/// A network, and what is known of it.
struct Golden {
    model: PathBuf,
    archive: PathBuf,
    /// Names in the archive that are not the network's.
    renamed: &'static [(&'static str, &'static str)],
    folder: TempDir,
}

impl Golden {
    fn demo() -> Golden {
        Golden {
            model: demo_asset("network.onnx"),
            archive: demo_asset("golden.npz"),
            renamed: &[],
            folder: TempDir::new().unwrap(),
        }
    }

    fn shared(model: &str, name: &str) -> Option<Golden> {
        Some(Golden {
            model: shared(model)?,
            archive: shared(&format!("goldens/{name}.npz"))?,
            renamed: &[],
            folder: TempDir::new().unwrap(),
        })
    }

    fn open(&self) -> Archive {
        Archive::open(&self.archive)
    }

    /// Layers as the archive and as the network call them.
    fn layers(&self) -> Vec<(String, String)> {
        let names = self.open().names();
        let known = names.iter().filter_map(|name| name.strip_prefix("exact/"));
        known
            .map(|name| {
                let renamed = self.renamed.iter().find(|(there, _)| *there == name);
                let here = renamed.map_or(name, |(_, here)| here);
                (name.to_string(), here.to_string())
            })
            .collect()
    }

    /// Runs `attribute` on the golden's inputs, targets and layers, reduced as the golden is.
    fn attribute(&self, options: &[&str]) -> Archive {
        let per_neuron = self.open().flag("per_neuron");
        self.attribute_reduced(if per_neuron { "none" } else { "channels" }, options)
    }

    fn attribute_reduced(&self, reduce: &str, options: &[&str]) -> Archive {
        let raw = self.folder.path().join("raw.npz");
        let layers: Vec<String> = self.layers().into_iter().map(|(_, here)| here).collect();
        let mut args = vec!["attribute", "--target", "input", "--reduce", reduce];
        let layers = layers.join(",");
        args.extend(["--layers", &layers, "--model", text(&self.model)]);
        args.extend(["--inputs", text(&self.archive), "--raw", text(&raw)]);
        args.extend(options);
        succeed(self.folder.path(), args);
        Archive::open(&raw)
    }

    /// Conductances, completeness errors and outputs, by Captum's rule and by the trapezoid.
    fn check(&self) {
        let mut golden = self.open();
        let steps = golden.integers("n_steps").sum().to_string();
        for rule in ["captum", "trapezoid"] {
            let mut ours = self.attribute(&["--quadrature", rule, "--steps", &steps]);
            for (there, here) in self.layers() {
                let expected = golden.array(&format!("{rule}/{there}"));
                let found = ours.array(&format!("conductance/{here}"));
                close(
                    &here,
                    &found,
                    &expected,
                    LAYER_TOLERANCE * largest(&expected),
                );

                let delta = format!("delta/{here}");
                if rule == "captum" && ours.names().contains(&delta) {
                    // Both are the same sum less the same difference of outputs.
                    let scale = largest(&expected.abs().sum_axis(Axis(expected.ndim() - 1)));
                    let expected = golden.array(&format!("captum_delta/{there}"));
                    close(
                        &delta,
                        &ours.array(&delta),
                        &expected,
                        LAYER_TOLERANCE * scale,
                    );
                }
            }
            for name in ["f_input", "f_baseline", "logits"] {
                let expected = golden.array(name);
                let scale = largest(&golden.array("logits"));
                close(name, &ours.array(name), &expected, LOGIT_TOLERANCE * scale);
            }
            assert_eq!(ours.integers("target"), golden.integers("target"));
        }
        let raw = self.folder.path().join("logits.npz");
        let mut args = vec!["predict", "--model", text(&self.model)];
        args.extend(["--inputs", text(&self.archive), "--raw", text(&raw)]);
        succeed(self.folder.path(), args);
        let expected = golden.array("logits");
        let found = Archive::open(&raw).array("logits");
        close(
            "logits",
            &found,
            &expected,
            LOGIT_TOLERANCE * largest(&expected),
        );
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn largest(values: &ArrayD<f32>) -> f32 {
    values
        .iter()
        .fold(0.0, |largest, value| value.abs().max(largest))
}

#[track_caller]
fn close(name: &str, found: &ArrayD<f32>, expected: &ArrayD<f32>, tolerance: f32) {
    assert_eq!(found.shape(), expected.shape(), "{name}");
    let error = largest(&(found - expected));
    assert!(
        error <= tolerance,
        "{name}: off by {error}, {tolerance} is allowed"
    );
}

#[test]
fn the_demo_network_agrees_with_pytorch_and_captum() {
    Golden::demo().check();
}

#[test]
fn more_steps_come_closer_to_the_integral() {
    let golden = Golden::demo();
    let error = |steps: &str| {
        let mut ours = golden.attribute(&["--quadrature", "graded", "--steps", steps]);
        let layers = golden.layers();
        let errors = layers.iter().map(|(there, here)| {
            let exact = golden.open().array(&format!("exact/{there}"));
            let found = ours.array(&format!("conductance/{here}"));
            largest(&(found - &exact)) / largest(&exact)
        });
        errors.fold(0.0, f32::max)
    };
    let (few, many) = (error("8"), error("128"));
    assert!(many < few / 4.0, "{few} at 8 steps, {many} at 128");
    assert!(many < 0.02, "{many} at 128 steps");
}

#[test]
fn without_reduction_a_layer_keeps_its_shape_and_sums_to_the_channels() {
    let golden = Golden::demo();
    let fixed = ["--quadrature", "graded", "--steps", "4"];
    let mut channels = golden.attribute_reduced("channels", &fixed);
    let mut units = golden.attribute_reduced("none", &fixed);
    for (layer, shape) in [
        ("stem", &[4, 12, 8, 8][..]),
        ("block2.0", &[4, 24, 4, 4]),
        ("block3.1", &[4, 32, 2, 2]),
        ("logits", &[4, 10]),
    ] {
        let name = format!("conductance/{layer}");
        let mut found = units.array(&name);
        assert_eq!(found.shape(), shape);
        while found.ndim() > 2 {
            found = found.sum_axis(Axis(2));
        }
        let expected = channels.array(&name);
        close(layer, &found, &expected, 1e-5 * largest(&expected));
    }
}

#[test]
fn paths_start_where_they_are_told_to() {
    let golden = Golden::demo();
    let input = golden.open().array("input");
    let input = input.into_dimensionality::<Ix4>().unwrap();
    let folder = TempDir::new().unwrap();
    let attribute = |start: &Array4<f32>, baseline: &[&str]| {
        let inputs = folder.path().join("in.npz");
        write_inputs_with(&inputs, &input, "baseline", start);
        let raw = folder.path().join("raw.npz");
        let mut args = vec!["attribute", "--layers", "stem,block2.0,logits"];
        args.extend(["--model", text(&golden.model), "--inputs", text(&inputs)]);
        args.extend([
            "--raw",
            text(&raw),
            "--quadrature",
            "adaptive",
            "--target",
            "3",
        ]);
        args.extend(baseline);
        succeed(folder.path(), args);
        let mut ours = Archive::open(&raw);
        ["conductance/block2.0", "f_baseline", "error"].map(|name| ours.array(name))
    };
    let zeros = Array4::zeros(input.raw_dim());
    let one_row = zeros.slice(s![..1, .., .., ..]).to_owned();

    let zero = attribute(&zeros, &["--baseline", "zero"]);
    assert_eq!(attribute(&zeros, &["--baseline", "input"]), zero);
    assert_eq!(attribute(&one_row, &["--baseline", "input"]), zero);
    // A path of no length.
    let still = attribute(&input, &["--baseline", "input"]);
    assert_eq!(largest(&still[0]), 0.0);

    let blur = attribute(&zeros, &["--baseline", "blur", "--blur-sigma", "1.5"]);
    assert_ne!(blur[1], zero[1]);
    let sharp = attribute(&zeros, &["--baseline", "blur", "--blur-sigma", "0.01"]);
    close("sharp", &sharp[0], &still[0], 1e-4);
}

#[test]
fn small_networks_agree_with_pytorch_and_captum() {
    let mut toy = Golden::shared("goldens/captum_toy.onnx", "captum_toy");
    if let Some(toy) = &mut toy {
        // The ReLU works in place, so that its values stand under the name of the layer before it.
        toy.renamed = &[("linear_1", "relu")];
    }
    let others = ["mlp_tanh_gelu", "tiny_residual"]
        .map(|name| Golden::shared(&format!("goldens/{name}.onnx"), name));
    for golden in others.iter().chain([&toy]).flatten() {
        golden.check();
    }
}

#[test]
fn a_residual_network_agrees_with_pytorch_and_captum() {
    if let Some(golden) = Golden::shared("models/cifar10_resnet20.onnx", "cifar10_resnet20") {
        golden.check();
    }
}
