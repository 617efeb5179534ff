//! Whole runs: their files, going on after a stop, and the same bytes whatever the thread count.

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::{
    assert_says, contents, demo_asset, differing, infoplane, program, refuse, shared, succeed,
    write_colour_network, write_images,
};
use serde_json::Value;
use tempfile::TempDir;

/// Arguments of a run of the demo's network into `out`, on 320 of its digits, which make five parts.
fn run_args(out: &Path) -> Vec<String> {
    run_args_with(out, "24")
}

fn run_args_with(out: &Path, steps: &str) -> Vec<String> {
    let network = demo_asset("network.onnx");
    let digits = demo_asset("digits.npz");
    let path = |path: &Path| path.to_str().unwrap().to_string();
    let mut args = vec!["run".to_string()];
    for (option, value) in [
        ("--model", path(&network)),
        ("--data", path(&digits)),
        ("--out", path(out)),
        ("--limit", "320".to_string()),
        ("--layers", "stem,block2.0,pool,logits".to_string()),
        ("--steps", steps.to_string()),
    ] {
        args.extend([option.to_string(), value]);
    }
    args
}

/// A finished, never interrupted run of [`run_args`] on one thread, shared by the tests, which only
/// read it.
fn reference() -> &'static Path {
    static REFERENCE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, out) = REFERENCE.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("out");
        let mut args = run_args(&out);
        args.extend(["--threads".to_string(), "1".to_string()]);
        succeed(folder.path(), args);
        (folder, out)
    });
    out
}

/// A copy of the reference run that a test may change.
fn copy_of_reference(folder: &Path) -> PathBuf {
    let out = folder.join("out");
    std::fs::create_dir(&out).unwrap();
    for (name, bytes) in contents(reference()) {
        match bytes {
            None => std::fs::create_dir_all(out.join(name)).unwrap(),
            Some(bytes) => {
                std::fs::create_dir_all(out.join(&name).parent().unwrap()).unwrap();
                std::fs::write(out.join(name), bytes).unwrap();
            }
        }
    }
    out
}

fn json(path: &Path) -> Value {
    parse(&std::fs::read_to_string(path).unwrap())
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn part(out: &Path, index: usize) -> PathBuf {
    out.join(format!("samples/part-{index:05}.parquet"))
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    let kill = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(kill.unwrap().success());
}

/// Waits until `ready`, which must become true while the program runs.
fn wait_until(child: &mut Child, mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(child.try_wait().unwrap().is_none(), "the program has ended");
        assert!(started.elapsed() < Duration::from_secs(120), "too slow");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn the_demo_writes_every_file_and_the_same_bytes_when_repeated() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("demo");
    let said = succeed(folder.path(), ["demo", "--out", "demo"]);
    assert_says(
        &said,
        &["accuracy  597 of 600", "report    demo/report.html", "ITE"],
    );

    let manifest = json(&out.join("run.json"));
    let plane = json(&out.join("plane.json"));
    let layers: Vec<&str> = manifest["model"]["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| layer["name"].as_str().unwrap())
        .collect();
    assert!(layers.len() >= 8, "{layers:?}");
    // The logits rank first, since only the predicted one has conductance, and are no finding.
    let logits = layers[layers.len() - 1];
    assert_eq!(plane["critical"][0]["layer"], logits);
    let best = said.split_once("highest ITE: ").unwrap().1;
    assert!(!best.starts_with(logits), "{best}");
    let rows = plane["rows"].as_array().unwrap();
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    let table = std::fs::read_to_string(out.join("plane.csv")).unwrap();
    for layer in &layers {
        for kind in ["conductance", "activation"] {
            let row = rows
                .iter()
                .find(|r| r["layer"] == *layer && r["kind"] == kind);
            let row = row.unwrap_or_else(|| panic!("no {kind} of {layer}"));
            assert_eq!(row["n"], 600);
            for figure in [&row["mi_x"], &row["mi_y"]] {
                assert!(figure["value"].is_f64() && figure["ci"].is_array(), "{row}");
                assert_eq!(figure["unit"], "bits");
            }
        }
        assert!(report.contains(layer), "the report does not name {layer}");
        assert!(table.contains(layer), "plane.csv does not name {layer}");
    }
    assert_eq!(rows.len(), 2 * layers.len());
    assert_eq!(table.lines().count(), 1 + rows.len());
    for index in 0..10 {
        assert!(part(&out, index).is_file());
    }
    let parquet = std::fs::read(out.join("plane.parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    for (extension, begin) in [("svg", &b"<svg"[..]), ("png", b"\x89PNG")] {
        let figures: Vec<_> = contents(&out.join("figures"))
            .into_iter()
            .filter(|(name, _)| name.extension().is_some_and(|found| found == extension))
            .collect();
        assert!(!figures.is_empty(), "no .{extension}");
        for (name, bytes) in figures {
            assert!(bytes.unwrap().starts_with(begin), "{}", name.display());
        }
    }

    let first = folder.path().join("first");
    std::fs::rename(&out, &first).unwrap();
    succeed(folder.path(), ["demo", "--out", "demo"]);
    assert_eq!(differing(&out, &first), Vec::<PathBuf>::new());
}

#[test]
fn a_finished_run_is_not_computed_again() {
    let folder = TempDir::new().unwrap();
    let out = copy_of_reference(folder.path());
    let written = |index| {
        std::fs::metadata(part(&out, index))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before: Vec<_> = (0..5).map(written).collect();
    succeed(folder.path(), run_args(&out));
    assert_eq!((0..5).map(written).collect::<Vec<_>>(), before);
    assert_eq!(differing(&out, reference()), Vec::<PathBuf>::new());
}

#[test]
fn only_a_missing_part_is_computed_again() {
    let folder = TempDir::new().unwrap();
    let out = copy_of_reference(folder.path());
    let written = |index| {
        std::fs::metadata(part(&out, index))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = written(3);
    std::fs::remove_file(part(&out, 2)).unwrap();
    succeed(folder.path(), run_args(&out));
    assert_eq!(written(3), before);
    assert_eq!(differing(&out, reference()), Vec::<PathBuf>::new());
}

#[test]
fn the_thread_count_changes_no_byte() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let mut args = run_args(&out);
    args.extend(["--threads".to_string(), "2".to_string()]);
    succeed(folder.path(), args);
    assert_eq!(differing(&out, reference()), Vec::<PathBuf>::new());
}

/// The adaptive rule keeps nodes from sample to sample, and which those are depends on the workers.
#[test]
fn the_thread_count_changes_no_byte_of_an_adaptive_run() {
    let folder = TempDir::new().unwrap();
    let out = |threads: &str| {
        let out = folder.path().join(threads);
        let mut args = run_args(&out);
        args.retain(|arg| arg != "--steps" && arg != "24");
        for (option, value) in [
            ("--threads", threads),
            ("--max-steps", "20"),
            ("--limit", "64"),
        ] {
            match args.iter().position(|arg| arg == option) {
                Some(place) => args[place + 1] = value.to_string(),
                None => args.extend([option.to_string(), value.to_string()]),
            }
        }
        succeed(folder.path(), args);
        out
    };
    let (one, three) = (out("1"), out("3"));
    assert_eq!(differing(&one, &three), Vec::<PathBuf>::new());

    // At most 20 steps are too few for some; the run says so.
    let plane = json(&one.join("plane.json"));
    let warnings = plane["warnings"].as_array().unwrap();
    let said = warnings.iter().filter(|warning| {
        let text = warning.as_str().unwrap();
        text.starts_with("Quadrature: ")
            && text.contains("of 64 samples")
            && text.contains("20 steps")
    });
    assert_eq!(said.count(), 1, "{warnings:?}");
}

#[test]
fn an_interrupted_run_keeps_its_parts_and_goes_on_to_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let mut child = program(folder.path())
        .args(run_args(&out))
        .args(["--threads", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(&mut child, || part(&out, 0).exists());
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert_says(&stderr, &["of 320 samples", "the same command goes on"]);
    assert!(!part(&out, 4).exists(), "stopped too late to test anything");
    assert!(!out.join("plane.json").exists());
    let kept = std::fs::metadata(part(&out, 0))
        .unwrap()
        .modified()
        .unwrap();

    succeed(folder.path(), run_args(&out));
    let now = std::fs::metadata(part(&out, 0))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(now, kept);
    assert_eq!(differing(&out, reference()), Vec::<PathBuf>::new());
}

#[test]
fn progress_is_lines_on_stderr_and_never_on_stdout() {
    let folder = TempDir::new().unwrap();
    // Far more steps than the test will wait for.
    let mut child = program(folder.path())
        .args(run_args_with(&folder.path().join("out"), "2000"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    interrupt(&child);
    assert_says(
        &line,
        &["conductance: ", " of 320, ", " a second, ", " left"],
    );
    assert!(!line.contains(['\r', '\x1b']), "{line:?}");
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{rest:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(!stdout.contains("a second"), "{stdout}");
}

#[test]
fn json_is_all_there_is_on_stdout() {
    let folder = TempDir::new().unwrap();
    let out = copy_of_reference(folder.path());
    let run = |args: &[&str]| parse(&succeed(folder.path(), args));

    let mut args = run_args(&out);
    args.push("--json".to_string());
    let plane = parse(&succeed(folder.path(), args));
    assert_eq!(plane, json(&out.join("plane.json")));
    assert_eq!(run(&["plane", "out", "--json"]), plane);

    let network = demo_asset("network.onnx");
    let network = network.to_str().unwrap();
    let layers = run(&["layers", network, "--json"]);
    let chosen: Vec<&str> = layers
        .as_array()
        .unwrap()
        .iter()
        .filter(|layer| layer["chosen"] == true)
        .map(|layer| layer["layer"].as_str().unwrap())
        .collect();
    let expected = [
        "stem", "block1.0", "block1.1", "block2.0", "block2.1", "block3.0", "block3.1", "pool",
        "logits",
    ];
    assert_eq!(chosen, expected);
    let all = run(&["layers", network, "--all", "--json"]);
    assert!(all.as_array().unwrap().len() > expected.len());
    let plan = run(&["layers", network, "--plan", "--json"]);
    assert!(!plan["steps"].as_array().unwrap().is_empty());

    let golden = demo_asset("golden.npz");
    let inputs = ["--model", network, "--inputs", golden.to_str().unwrap()];
    let attribute = [&["attribute", "--raw", "a.npz", "--json"], &inputs[..]].concat();
    let attributed = run(&attribute);
    assert_eq!(attributed["n"], 4);
    assert_eq!(
        attributed["layers"].as_array().unwrap().len(),
        expected.len()
    );
    let predict = [&["predict", "--raw", "p.npz", "--json"], &inputs[..]].concat();
    let predicted: Vec<u64> = run(&predict)["samples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sample| sample["predicted"].as_u64().unwrap())
        .collect();
    assert_eq!(predicted, [1, 4, 0, 1]);
}

#[test]
fn plane_and_report_need_no_network_and_no_data() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    for (asset, name) in [("network.onnx", "net.onnx"), ("digits.npz", "data.npz")] {
        std::fs::copy(demo_asset(asset), folder.path().join(name)).unwrap();
    }
    let run = "run --model net.onnx --data data.npz --out out --limit 100 --steps 4";
    succeed(folder.path(), run.split(' '));
    for name in ["net.onnx", "data.npz"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    let before = contents(&out);

    succeed(folder.path(), ["plane", "out", "--tau", "0.5"]);
    let plane = json(&out.join("plane.json"));
    assert_eq!(plane["resolution"]["tau"], 0.5);
    assert_ne!(contents(&out), before);

    succeed(folder.path(), ["plane", "out"]);
    assert!(
        contents(&out) == before,
        "the automatic resolution gives the same plane again"
    );

    std::fs::remove_file(out.join("report.html")).unwrap();
    std::fs::remove_dir_all(out.join("figures")).unwrap();
    let said = succeed(folder.path(), ["report", "out"]);
    assert_says(&said, &["out/report.html"]);
    assert!(
        contents(&out) == before,
        "the report is written again as it was"
    );

    std::fs::remove_dir_all(out.join("figures")).unwrap();
    succeed(folder.path(), ["report", "out", "--figure-format", "svg"]);
    let figures: Vec<PathBuf> = contents(&out.join("figures")).into_keys().collect();
    assert!(figures.len() > 10, "{figures:?}");
    for figure in figures {
        assert_eq!(figure.extension().unwrap(), "svg");
    }
    let refused = refuse(folder.path(), ["report", "out", "--figure-format", "gif"]);
    assert_says(&refused, &["`gif`", "svg and png"]);
}

#[test]
fn a_configuration_file_does_what_its_flags_do_and_flags_come_first() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let text = format!(
        "model = {:?}\ndata = {:?}\nout = \"elsewhere\"\nlimit = 320\nsteps = 24\n\
         layers = [\"stem\", \"block2.0\", \"pool\", \"logits\"]\n",
        demo_asset("network.onnx"),
        demo_asset("digits.npz"),
    );
    std::fs::write(folder.path().join("run.toml"), text).unwrap();
    succeed(
        folder.path(),
        ["run", "--config", "run.toml", "--out", "out"],
    );
    assert_eq!(differing(&out, reference()), Vec::<PathBuf>::new());
    assert!(!folder.path().join("elsewhere").exists());
}

#[test]
fn labels_can_be_mapped_to_groups() {
    let folder = TempDir::new().unwrap();
    copy_of_reference(folder.path());
    let rows: String = (0..10)
        .map(|digit| format!("{digit},{}\n", ["even", "odd"][digit % 2]))
        .collect();
    let table = format!("class_index,parity\n{rows}");
    std::fs::write(folder.path().join("digits.csv"), table).unwrap();
    let args = ["plane", "out", "--groups", "digits.csv:parity", "--json"];
    let plane = parse(&succeed(folder.path(), args));
    assert_eq!(plane["label"]["kind"], "group");
    assert_eq!(plane["label"]["n_classes"], 2);
    let entropy = plane["label"]["entropy"].as_f64().unwrap();
    assert!((0.9..=1.0).contains(&entropy), "{entropy}");
}

#[test]
fn an_unreadable_image_is_skipped_named_and_counted() {
    let folder = TempDir::new().unwrap();
    write_colour_network(folder.path());
    let images = write_images(folder.path(), 12);
    std::fs::write(images.join("green/03.png"), "no image").unwrap();
    let args = "run --model colours.onnx --data images --out out --preset none --layers colours,pooled,logits";
    let said = infoplane(folder.path(), args.split(' '));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_says(&said.stderr, &["green/03.png"]);
    assert_says(&said.stdout, &["skipped 1 sample", "green/03.png", "of 35"]);
    let plane = json(&folder.path().join("out/plane.json"));
    assert_eq!(plane["rows"][0]["n"], 35);

    let said = infoplane(folder.path(), args.split(' '));
    assert_says(&said.stdout, &["skipped 1 sample", "green/03.png"]);
}

#[test]
fn real_images_are_classified_by_a_real_network() {
    let (Some(model), Some(data)) = (
        shared("models/cifar10_resnet20.onnx"),
        shared("data/cifar10/test"),
    ) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let (model, data) = (model.to_str().unwrap(), data.to_str().unwrap());
    let args = [
        "run", "--model", model, "--data", data, "--out", "out", "--json",
    ];
    let options = [
        "--limit",
        "40",
        "--steps",
        "4",
        "--layers",
        "relu_18,logits",
    ];
    let said = infoplane(folder.path(), args.iter().chain(&options));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let accuracy = &parse(&said.stdout)["accuracy"];
    assert_eq!(accuracy["labelled"], 40);
    assert!(accuracy["correct"].as_u64().unwrap() >= 28, "{accuracy}");
}
