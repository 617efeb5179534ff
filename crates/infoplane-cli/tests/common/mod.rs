//! What the tests of the program share: running it, looking at folders, and small inputs.

// Each test file uses its own part of this.
#![allow(dead_code)]

pub mod onnx;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use infoplane::graph::torchvision_tensors;
use ndarray::{Array, ArrayD, Dimension, Ix2, Ix4};
use ndarray_npy::{NpzReader, NpzWriter, ReadableElement, WritableElement};

/// The program, to be started in `folder`.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("infoplane"));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// What a program said in the end.
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program in `folder` to its end.
pub fn infoplane<S: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = S>) -> Said {
    let output = program(folder).args(args).output().unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the program, which must succeed with nothing but lines of progress on stderr, and returns its
/// stdout.
pub fn succeed<S: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = S>) -> String {
    let said = infoplane(folder, args);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let phases = [
        "conductance: ",
        "maps: ",
        "means: ",
        "ablation: ",
        "controls: ",
        "information: ",
        "checkpoint ",
    ];
    let progress = |line: &str| phases.iter().any(|phase| line.starts_with(phase));
    assert!(said.stderr.lines().all(progress), "{}", said.stderr);
    said.stdout
}

/// Runs the program, which must refuse: exit code 2, one message on stderr and nothing else, every file and
/// folder as it was. Returns the message.
pub fn refuse<S: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = S>) -> String {
    let before = contents(folder);
    let said = infoplane(folder, args);
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert_eq!(said.stdout, "", "{}", said.stderr);
    let messages = said
        .stderr
        .lines()
        .filter(|line| line.starts_with("infoplane: ") || line.starts_with("error: "));
    assert_eq!(messages.count(), 1, "{}", said.stderr);
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    let after = contents(folder);
    assert!(
        after == before,
        "the refusal left {:?} of {:?}",
        after.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    said.stderr
}

/// Asserts that a message holds each of `parts`.
#[track_caller]
pub fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no `{part}` in: {message}");
    }
}

/// Every file below `root` with its bytes, and every folder with none, by path relative to it.
pub fn contents(root: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_path_buf();
            if path.is_dir() {
                found.insert(name, None);
                folders.push(path);
            } else {
                found.insert(name, Some(std::fs::read(&path).unwrap()));
            }
        }
    }
    found
}

/// The paths below `root` whose bytes differ from those below `other`, or that only one of them has.
pub fn differing(root: &Path, other: &Path) -> Vec<PathBuf> {
    let (one, two) = (contents(root), contents(other));
    let mut names: Vec<PathBuf> = one.keys().chain(two.keys()).cloned().collect();
    names.sort();
    names.dedup();
    names.retain(|name| one.get(name) != two.get(name));
    names
}

/// Copies what is below `from` into `to`, which may be there and hold files.
pub fn copy_into(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for (name, bytes) in contents(from) {
        let path = to.join(name);
        match bytes {
            None => std::fs::create_dir_all(path).unwrap(),
            Some(bytes) => {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
        }
    }
}

/// Whether a file that is still being written is below `folder`.
pub fn has_temporary(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().ends_with(".infoplane-tmp")
    })
}

/// Starts the program in `folder`, silent.
pub fn start(args: Vec<String>, folder: &Path) -> Child {
    let mut program = program(folder);
    program
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    program.spawn().unwrap()
}

/// Kills the program as soon as `now`. Whether it was still running.
pub fn kill_when(child: &mut Child, mut now: impl FnMut() -> bool) -> bool {
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if now() {
            break;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// A file of the embedded demo.
pub fn demo_asset(name: &str) -> PathBuf {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infoplane/assets/demo");
    assets.join(name).canonicalize().unwrap()
}

/// A file or folder of real networks and data beside the repository, where there is one.
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("INFOPLANE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let found = folder.join(path).canonicalize().ok();
    if found.is_none() {
        eprintln!("skipped: {path} is not there (set INFOPLANE_SHARED)");
    }
    found
}

/// Writes an archive of one array `input`.
pub fn write_input<D: Dimension>(path: &Path, input: &Array<f32, D>) {
    let mut writer = NpzWriter::new(File::create(path).unwrap());
    writer.add_array("input", input).unwrap();
    writer.finish().unwrap();
}

/// Writes an archive of inputs and of one more array, such as `target` or `label`.
pub fn write_inputs_with<T: WritableElement, D: Dimension>(
    path: &Path,
    input: &Array<f32, Ix4>,
    key: &str,
    values: &Array<T, D>,
) {
    let mut writer = NpzWriter::new(File::create(path).unwrap());
    writer.add_array("input", input).unwrap();
    writer.add_array(key, values).unwrap();
    writer.finish().unwrap();
}

/// An archive of arrays, to be read.
pub struct Archive(NpzReader<File>);

impl Archive {
    pub fn open(path: &Path) -> Archive {
        Archive(NpzReader::new(File::open(path).unwrap()).unwrap())
    }

    /// Names of the arrays, in the order of the archive.
    pub fn names(&mut self) -> Vec<String> {
        self.0.names().unwrap()
    }

    pub fn array(&mut self, name: &str) -> ArrayD<f32> {
        self.read(name)
    }

    pub fn matrix(&mut self, name: &str) -> Array<f32, Ix2> {
        self.array(name).into_dimensionality().unwrap()
    }

    pub fn integers(&mut self, name: &str) -> ArrayD<i64> {
        self.read(name)
    }

    pub fn flag(&mut self, name: &str) -> bool {
        self.read::<bool>(name).iter().all(|&value| value)
    }

    fn read<T: ReadableElement>(&mut self, name: &str) -> ArrayD<T> {
        self.0
            .by_name(name)
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// A small network for colour images of 8 × 8 and three classes, `colours.onnx`. The logit of a class
/// grows with the mean of its colour: red, green, blue.
pub fn write_colour_network(folder: &Path) -> PathBuf {
    let path = folder.join("colours.onnx");
    colour_network(onnx::Graph::new(&[1, 3, 8, 8], "logits"), "input").write(&path);
    path
}

/// The same behind `planes`, a value of `graph` with the colours as channels.
pub fn colour_network(graph: onnx::Graph, planes: &str) -> onnx::Graph {
    use onnx::Node;
    let identity = |scale: f32| {
        let entry = |index: usize| {
            if index.is_multiple_of(4) {
                scale
            } else {
                -0.3 * scale
            }
        };
        (0..9).map(entry).collect::<Vec<f32>>()
    };
    graph
        .weights("mix", &[3, 3, 1, 1], &identity(1.0))
        .weights("fc", &[3, 3], &identity(2.0))
        .weights("bias", &[3], &[0.1, -0.1, 0.0])
        .node(Node::new("conv", "Conv", &[planes, "mix"], "mixed"))
        .node(Node::new("relu", "Relu", &["mixed"], "colours"))
        .node(Node::new(
            "mean",
            "GlobalAveragePool",
            &["colours"],
            "pooled",
        ))
        .node(Node::new("flat", "Flatten", &["pooled"], "features"))
        .node(Node::new(
            "fc",
            "Gemm",
            &["features", "fc", "bias"],
            "logits",
        ))
}

/// A folder `images` with `each` PNG images of 8 × 8 in each of the folders blue, green and red.
pub fn write_images(folder: &Path, each: u8) -> PathBuf {
    let root = folder.join("images");
    for (class, name) in ["blue", "green", "red"].iter().enumerate() {
        std::fs::create_dir_all(root.join(name)).unwrap();
        for index in 0..each {
            let image = image::RgbImage::from_fn(8, 8, |x, y| {
                let noise = (x * (37 + 11 * u32::from(index)) + 91 * y) % 100;
                let mut pixel = [noise as u8; 3];
                pixel[2 - class] = 140 + (noise as u8) / 2 + index;
                image::Rgb(pixel)
            });
            image
                .save(root.join(name).join(format!("{index:02}.png")))
                .unwrap();
        }
    }
    root
}

/// Writes weights of an architecture of three classes as `.safetensors`: small numbers that depend on
/// `seed`.
pub fn write_weights(folder: &Path, file: &str, architecture: &str, seed: u32) -> PathBuf {
    let path = folder.join(file);
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    let mut state = seed;
    for (name, shape) in torchvision_tensors(architecture, 3).unwrap() {
        let start = data.len();
        for _ in 0..shape.iter().product::<usize>() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = ((state >> 16) as f32 / 32_768.0 - 1.0) * 0.1;
            data.extend_from_slice(&value.to_le_bytes());
        }
        let entry = serde_json::json!({
            "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()],
        });
        header.insert(name, entry);
    }
    let mut text = serde_json::to_vec(&header).unwrap();
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut out = File::create(&path).unwrap();
    out.write_all(&(text.len() as u64).to_le_bytes()).unwrap();
    out.write_all(&text).unwrap();
    out.write_all(&data).unwrap();
    path
}

/// The arguments of a command line without quotes.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}
