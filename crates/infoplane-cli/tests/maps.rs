//! Kept maps: which samples they are of, what they sum to, and that nothing changes a byte of them.

mod common;

use std::path::Path;

use common::{
    Archive, assert_says, contents, copy_into, demo_asset, differing, has_temporary, infoplane,
    kill_when, refuse, start, succeed, write_colour_network, write_images, write_input,
};
use infoplane::store::{ImageValues, KeptMaps, RunDir, SampleGroup, VectorKind};
use ndarray::{Array, Axis};
use tempfile::TempDir;

/// Arguments of a small run of the demo's network into the folder `out`, which keeps maps. What `more`
/// gives comes in place of the same option here.
fn run_args(out: &str, more: &str) -> Vec<String> {
    let asset = |name: &str| demo_asset(name).to_str().unwrap().to_string();
    let (model, data) = (asset("network.onnx"), asset("digits.npz"));
    let mut args: Vec<String> = ["run", "--model", &model, "--data", &data, "--out", out]
        .map(str::to_owned)
        .to_vec();
    for (option, value) in [
        ("--limit", "200"),
        ("--layers", "stem,block2.0,pool"),
        ("--tau", "0.3"),
        ("--keep-maps", "9"),
    ] {
        if !more.contains(option) {
            args.extend([option, value].map(str::to_owned));
        }
    }
    args.extend(more.split_whitespace().map(str::to_owned));
    args
}

/// The same without maps.
fn without_maps(args: Vec<String>) -> Vec<String> {
    let mut args = args;
    let at = args.iter().position(|arg| arg == "--keep-maps").unwrap();
    args.drain(at..at + 2);
    args
}

fn run_and_maps(folder: &Path) -> (RunDir, KeptMaps) {
    let run = RunDir::open(folder).unwrap();
    let maps = run.maps().unwrap().expect("maps are kept");
    (run, maps)
}

fn sum(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value)).sum()
}

#[test]
fn maps_sum_to_the_stored_vectors_and_come_from_the_same_paths() {
    let folder = TempDir::new().unwrap();
    succeed(folder.path(), run_args("out", ""));
    let (run, kept) = run_and_maps(&folder.path().join("out"));
    assert_eq!(kept.choice.values, ImageValues::Stretched);
    let (ids, labels) = (run.ids().unwrap(), run.labels().unwrap());
    let (predicted, steps) = (run.predicted().unwrap(), run.steps().unwrap());
    let (f_input, f_baseline) = (run.f_input().unwrap(), run.f_baseline().unwrap());
    let layers = ["stem", "block2.0"];
    let vectors = layers.map(|layer| run.vectors(layer, VectorKind::Conductance).unwrap());
    let mut n_steps: Vec<u32> = Vec::new();
    for sample in &kept.samples {
        let row = sample.index as usize;
        assert_eq!((&sample.id, sample.label), (&ids[row], labels[row]));
        assert_eq!(sample.predicted, predicted[row]);
        assert_eq!(
            (sample.f_input, sample.f_baseline),
            (f_input[row], f_baseline[row])
        );
        assert_eq!(sample.steps, steps[row]);
        n_steps.push(sample.steps);
        assert_eq!(sample.image.iter().min(), Some(&0));
        assert_eq!(sample.image.iter().max(), Some(&255));
        // The pool has no positions.
        assert_eq!(sample.maps.len(), layers.len());
        for (map, vectors) in sample.maps.iter().zip(&vectors) {
            let vector = vectors.rows().nth(row).unwrap();
            let size = map.iter().map(|value| value.abs()).sum::<f32>();
            let difference = (sum(map) - sum(vector)).abs();
            assert!(
                difference < 1e-6 * f64::from(size),
                "{difference} of {size}"
            );
        }
    }
    n_steps.sort_unstable();
    n_steps.dedup();
    assert!(
        n_steps.len() > 1,
        "the adaptive rule takes other steps for other samples"
    );
}

/// Against the conductance of every unit, which another command computes.
#[test]
fn maps_are_the_units_summed_over_channels() {
    let folder = TempDir::new().unwrap();
    succeed(folder.path(), run_args("out", "--steps 5 --exact"));
    let (_, kept) = run_and_maps(&folder.path().join("out"));
    let asset = |name: &str| demo_asset(name).to_str().unwrap().to_string();
    for reduce in ["none", "positions"] {
        let (model, data) = (asset("network.onnx"), asset("digits.npz"));
        let mut args = vec!["attribute", "--model", &model, "--inputs", &data];
        args.extend([
            "--raw",
            "raw.npz",
            "--layers",
            "stem,block2.0",
            "--steps",
            "5",
        ]);
        args.extend(["--reduce", reduce]);
        succeed(folder.path(), args);
        let mut archive = Archive::open(&folder.path().join("raw.npz"));
        for (position, layer) in ["stem", "block2.0"].into_iter().enumerate() {
            let units = archive.array(&format!("conductance/{layer}"));
            for sample in &kept.samples {
                let row: usize = sample.id.parse().unwrap();
                let own = units.index_axis(Axis(0), row);
                let expected = match reduce {
                    "none" => own.sum_axis(Axis(0)),
                    _ => own.to_owned(),
                };
                let map = &sample.maps[position];
                assert_eq!(map.len(), expected.len());
                for (found, expected) in map.iter().zip(&expected) {
                    assert!((found - expected).abs() < 2e-5, "{found} and {expected}");
                }
            }
        }
    }
}

#[test]
fn the_best_the_worst_and_random_ones_are_kept() {
    let folder = TempDir::new().unwrap();
    succeed(folder.path(), run_args("out", ""));
    let (run, kept) = run_and_maps(&folder.path().join("out"));
    let of_group = |kept: &KeptMaps, group| -> Vec<u64> {
        let samples = kept.samples.iter().filter(|sample| sample.group == group);
        samples.map(|sample| sample.index).collect()
    };
    let groups = SampleGroup::ALL.map(|group| of_group(&kept, group));
    assert_eq!(groups.each_ref().map(Vec::len), [3, 3, 3]);

    // The rule once more, from the stored columns.
    let labels = run.labels().unwrap();
    let logits = run.logits().unwrap();
    let mut right = Vec::new();
    let mut wrong = Vec::new();
    for (row, (label, logits)) in labels.iter().zip(logits.rows()).enumerate() {
        let mut sorted = logits.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let margin = sorted[0] - sorted[1];
        let is_right = logits[label.unwrap() as usize] == sorted[0];
        let list = if is_right { &mut right } else { &mut wrong };
        list.push((margin, row as u64));
    }
    right.sort_by(|a, b| b.0.total_cmp(&a.0));
    wrong.sort_by(|a, b| b.0.total_cmp(&a.0));
    let first = |list: &[(f32, u64)], n: usize| -> Vec<u64> {
        list.iter().take(n).map(|(_, row)| *row).collect()
    };
    assert!(!wrong.is_empty() && wrong.len() < 3, "{wrong:?}");
    assert_eq!(groups[0], first(&right, 3));
    let mut worst = first(&wrong, 3);
    right.reverse();
    worst.extend(first(&right, 3 - worst.len()));
    assert_eq!(groups[1], worst);

    succeed(folder.path(), run_args("again", "--seed 5 --steps 4"));
    let (_, again) = run_and_maps(&folder.path().join("again"));
    for group in [SampleGroup::Best, SampleGroup::Worst] {
        assert_eq!(of_group(&again, group), of_group(&kept, group));
    }
    assert_ne!(
        of_group(&again, SampleGroup::Random),
        of_group(&kept, SampleGroup::Random)
    );
}

#[test]
fn images_are_those_before_normalisation() {
    let folder = TempDir::new().unwrap();
    write_colour_network(folder.path());
    write_images(folder.path(), 4);
    let args = "run --model colours.onnx --data images --out out --preset cifar10 --resize 0 --crop 0 --steps 4 --keep-maps 12";
    succeed(folder.path(), args.split(' '));
    let (_, kept) = run_and_maps(&folder.path().join("out"));
    assert_eq!(kept.choice.values, ImageValues::Pixels);
    assert_eq!(kept.samples.len(), 12);
    for sample in &kept.samples {
        let file = image::open(folder.path().join("images").join(&sample.id)).unwrap();
        for (x, y, pixel) in file.to_rgb8().enumerate_pixels() {
            for (channel, value) in pixel.0.iter().enumerate() {
                assert_eq!(sample.image[channel * 64 + (y * 8 + x) as usize], *value);
            }
        }
    }
}

#[test]
fn no_number_of_threads_and_no_repetition_changes_a_byte() {
    let folder = TempDir::new().unwrap();
    succeed(folder.path(), run_args("one", "--threads 1"));
    succeed(folder.path(), run_args("three", "--threads 3"));
    let (one, three) = (folder.path().join("one"), folder.path().join("three"));
    assert_eq!(differing(&one, &three), Vec::<std::path::PathBuf>::new());
    // Also from what is stored, and by a run that keeps none itself.
    let before = contents(&one);
    for args in [
        ["plane", "one", "--tau", "0.3"].map(str::to_owned).to_vec(),
        ["report", "one"].map(str::to_owned).to_vec(),
        run_args("one", ""),
        without_maps(run_args("one", "")),
    ] {
        succeed(folder.path(), &args);
        assert!(contents(&one) == before, "{}", args[0]);
    }
    let report = std::fs::read_to_string(one.join("report.html")).unwrap();
    assert!(report.contains("id=\"samples-view\"") && report.contains("9 samples of 200"));
}

#[test]
fn a_run_killed_about_its_maps_ends_with_the_files_of_one_that_was_not() {
    let folder = TempDir::new().unwrap();
    succeed(folder.path(), run_args("reference", "--steps 60"));
    let reference = folder.path().join("reference");
    let out = folder.path().join("out");
    type Moment = fn(&Path) -> bool;
    let moments: [(&str, Moment); 4] = [
        ("the last part", |out| {
            out.join("samples/part-00003.parquet").exists()
        }),
        ("maps being written", |out| {
            out.join("samples/part-00003.parquet").exists() && has_temporary(out)
        }),
        ("maps", |out| out.join("maps.parquet").exists()),
        ("the plane", |out| out.join("plane.json").exists()),
    ];
    for (name, moment) in moments {
        if out.exists() {
            std::fs::remove_dir_all(&out).unwrap();
        }
        let args = run_args("out", "--steps 60");
        let mut child = start(args.clone(), folder.path());
        if !kill_when(&mut child, || moment(&out)) {
            eprintln!("the run ended before it was killed at {name}");
        }
        succeed(folder.path(), args);
        assert_eq!(
            differing(&out, &reference),
            Vec::<std::path::PathBuf>::new(),
            "{name}"
        );
    }
}

#[test]
fn damaged_maps_are_named_and_made_again() {
    let folder = TempDir::new().unwrap();
    succeed(folder.path(), run_args("out", "--steps 4"));
    let path = folder.path().join("out/maps.parquet");
    let whole = std::fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    bytes[whole.len() / 3] ^= 4;
    std::fs::write(&path, &bytes).unwrap();
    for command in ["plane", "report"] {
        let message = refuse(folder.path(), [command, "out"]);
        assert_says(&message, &["out/maps.parquet is damaged: ", "--keep-maps"]);
    }
    let said = infoplane(folder.path(), run_args("out", "--steps 4"));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_says(&said.stderr, &["maps.parquet is damaged", "made again"]);
    assert_eq!(std::fs::read(&path).unwrap(), whole);
}

#[test]
fn maps_are_kept_only_where_they_are_asked_for() {
    let folder = TempDir::new().unwrap();
    succeed(folder.path(), run_args("out", "--steps 4 --keep-maps 0"));
    assert!(!folder.path().join("out/maps.parquet").exists());
    let report = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(!report.contains("id=\"samples\""));

    std::fs::write(folder.path().join("run.toml"), "keep-maps = 4\n").unwrap();
    let args = run_args("out", "--steps 4 --config run.toml");
    succeed(folder.path(), without_maps(args));
    let (_, kept) = run_and_maps(&folder.path().join("out"));
    assert_eq!(kept.samples.len(), 4);
    // Another number makes them again.
    succeed(folder.path(), run_args("out", "--steps 4 --keep-maps 2"));
    let (_, kept) = run_and_maps(&folder.path().join("out"));
    let groups: Vec<&str> = kept.samples.iter().map(|s| s.group.name()).collect();
    assert_eq!(groups, ["best", "worst"]);
}

#[test]
fn shards_keep_no_maps_and_the_joined_run_does() {
    let folder = TempDir::new().unwrap();
    let message = refuse(folder.path(), run_args("one", "--shard 1/2"));
    assert_says(&message, &["no shard can make them", "without --shard"]);
    for (out, shard) in [("one", "1/2"), ("two", "2/2")] {
        let more = format!("--steps 4 --keep-maps 0 --shard {shard}");
        succeed(folder.path(), run_args(out, &more));
    }
    let joined = folder.path().join("one");
    copy_into(&folder.path().join("two"), &joined);
    succeed(folder.path(), run_args("one", "--steps 4"));
    succeed(folder.path(), run_args("whole", "--steps 4"));
    let whole = folder.path().join("whole");
    assert_eq!(differing(&joined, &whole), Vec::<std::path::PathBuf>::new());
}

#[test]
fn what_has_no_maps_is_refused_before_the_sweep() {
    let folder = TempDir::new().unwrap();
    let message = refuse(folder.path(), run_args("out", "--keep-maps 101"));
    assert_says(&message, &["--keep-maps 101", "0 (none) to 100"]);
    let args = run_args("out", "--layers pool,logits");
    let message = refuse(folder.path(), args);
    assert_says(
        &message,
        &["--keep-maps", "none of the analysed layers has positions"],
    );

    write_input(
        &folder.path().join("flat.npz"),
        &Array::<f32, _>::ones((30, 4)),
    );
    let model = common::onnx::Graph::new(&[1, 4], "logits")
        .weights("fc", &[4, 2], &[0.5; 8])
        .weights("bias", &[2], &[0.0, 0.1]);
    let node = common::onnx::Node::new("fc", "Gemm", &["input", "fc", "bias"], "logits");
    model.node(node).write(&folder.path().join("flat.onnx"));
    let args = "run --model flat.onnx --data flat.npz --out out --keep-maps 3";
    let message = refuse(folder.path(), args.split(' '));
    assert_says(
        &message,
        &["--keep-maps", "shape [4]", "channels × height × width"],
    );
}
