//! What a run survives: being killed, damaged parts, a full or read-only disk, a second process; and
//! runs in shards. In the end the files are always those of a run that nothing happened to.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::{
    assert_says, contents, copy_into, demo_asset, differing, has_temporary, infoplane, kill_when,
    program, refuse, shared, start, succeed,
};
use serde_json::Value;
use tempfile::TempDir;

/// Parts of a run of [`run_args`].
const N_PARTS: usize = 5;

/// Arguments of a run of the demo's network into `out` on 320 of its digits, which make five parts.
fn run_args(out: &Path) -> Vec<String> {
    run_args_with(out, "4")
}

fn run_args_with(out: &Path, steps: &str) -> Vec<String> {
    let text = |path: &Path| path.to_str().unwrap().to_string();
    let mut args = vec!["run".to_string()];
    for (option, value) in [
        ("--model", text(&demo_asset("network.onnx"))),
        ("--data", text(&demo_asset("digits.npz"))),
        ("--out", text(out)),
        ("--limit", "320".to_string()),
        ("--layers", "stem,pool".to_string()),
        ("--tau", "0.3".to_string()),
        ("--steps", steps.to_string()),
    ] {
        args.extend([option.to_string(), value]);
    }
    args
}

/// A run of [`run_args`] that nothing happened to, shared by the tests, which only read it.
fn reference() -> &'static Path {
    static REFERENCE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, out) = REFERENCE.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("out");
        succeed(folder.path(), run_args(&out));
        (folder, out)
    });
    out
}

/// A copy of the reference run that a test may change.
fn copy_of_reference(folder: &Path) -> PathBuf {
    let out = folder.join("out");
    copy_into(reference(), &out);
    out
}

/// A copy of the reference run as it was after its first two parts.
fn begun_run(folder: &Path) -> PathBuf {
    let out = copy_of_reference(folder);
    for index in 2..N_PARTS {
        std::fs::remove_file(part(&out, index)).unwrap();
    }
    for name in ["plane.json", "plane.csv", "plane.parquet", "report.html"] {
        std::fs::remove_file(out.join(name)).unwrap();
    }
    std::fs::remove_dir_all(out.join("figures")).unwrap();
    out
}

fn part(out: &Path, index: usize) -> PathBuf {
    out.join(format!("samples/part-{index:05}.parquet"))
}

#[track_caller]
fn assert_same_as_reference(out: &Path, what: &str) {
    assert_eq!(
        differing(out, reference()),
        [""; 0].map(PathBuf::from),
        "{what}"
    );
}

/// Numbers from 0 to 1, the same at every call (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f64 / (1 << 24) as f64
    }
}

#[test]
fn a_run_killed_at_any_moment_ends_with_the_files_of_one_that_was_not() {
    const N_KILLS: usize = 24;
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let started = Instant::now();
    succeed(folder.path(), run_args(&out));
    let mut takes = started.elapsed();
    assert_same_as_reference(&out, "before any kill");

    // One random moment in each of as many equal pieces of a whole run, until so many have hit one.
    let mut random = Random(20);
    let (mut n_killed, mut n_tried) = (0, 0);
    while n_killed < N_KILLS {
        n_tried += 1;
        assert!(n_tried < 4 * N_KILLS, "{n_killed} of {n_tried} hit a run");
        std::fs::remove_dir_all(&out).unwrap();
        let at = takes.mul_f64((n_killed as f64 + random.next()) / N_KILLS as f64);
        let started = Instant::now();
        let mut child = start(run_args(&out), folder.path());
        if !kill_when(&mut child, || started.elapsed() >= at) {
            // The machine is faster now.
            takes = takes.mul_f64(0.9);
            continue;
        }
        n_killed += 1;
        let n_parts = (0..N_PARTS).filter(|&index| part(&out, index).exists());
        let (n_parts, n_files) = (n_parts.count(), contents(folder.path()).len());
        succeed(folder.path(), run_args(&out));
        let what = format!(
            "killed after {at:?} of {takes:?}: {n_parts} parts, {n_files} files and folders"
        );
        eprintln!("{what}");
        assert_same_as_reference(&out, &what);
    }
}

/// The moments at which something stands in the directory that the end must not have, or lacks.
#[test]
fn a_run_killed_between_and_during_writes_ends_with_the_same_files() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let exists = |name: &'static str| move |out: &Path| out.join(name).exists();
    let temporary = |below: &'static str| move |out: &Path| has_temporary(&out.join(below));
    type Moment = Box<dyn Fn(&Path) -> bool>;
    let moments: Vec<(&str, Moment)> = vec![
        ("the folder", Box::new(exists(""))),
        ("run.json", Box::new(exists("run.json"))),
        ("a part being written", Box::new(temporary("samples"))),
        (
            "the last part",
            Box::new(|out| part(out, N_PARTS - 1).exists()),
        ),
        ("plane.json", Box::new(exists("plane.json"))),
        ("plane.parquet", Box::new(exists("plane.parquet"))),
        ("the report", Box::new(exists("report.html"))),
        (
            "a file beside it being written",
            Box::new(|out| part(out, N_PARTS - 1).exists() && has_temporary(out)),
        ),
        ("the folder of figures", Box::new(exists("figures"))),
        ("a figure being written", Box::new(temporary("figures"))),
    ];
    for (name, moment) in moments {
        if out.exists() {
            std::fs::remove_dir_all(&out).unwrap();
        }
        let mut child = start(run_args(&out), folder.path());
        if !kill_when(&mut child, || moment(&out)) {
            eprintln!("the run ended before it was killed at {name}");
        }
        succeed(folder.path(), run_args(&out));
        assert_same_as_reference(&out, name);
    }
}

#[test]
fn what_killed_processes_left_behind_is_removed_wherever_it_lies() {
    let folder = TempDir::new().unwrap();
    let out = copy_of_reference(folder.path());
    let leave = || {
        for name in ["", "samples", "figures"] {
            let name = out.join(name).join(".plane.png.77-3.infoplane-tmp");
            std::fs::write(name, "half").unwrap();
        }
    };
    let dir = out.to_str().unwrap();
    for args in [
        run_args(&out),
        ["plane", dir, "--tau", "0.3"].map(String::from).to_vec(),
        ["report", dir].map(String::from).to_vec(),
    ] {
        leave();
        succeed(folder.path(), &args);
        assert_same_as_reference(&out, &args[0]);
    }
}

#[test]
fn damaged_parts_are_named_and_computed_again() {
    let folder = TempDir::new().unwrap();
    let out = copy_of_reference(folder.path());
    // A bit among the vectors of one part, and the end of another.
    let mut bytes = std::fs::read(part(&out, 1)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(part(&out, 1), &bytes).unwrap();
    let bytes = std::fs::read(part(&out, 3)).unwrap();
    std::fs::write(part(&out, 3), &bytes[..bytes.len() - 1000]).unwrap();

    for command in ["plane", "report"] {
        let message = refuse(folder.path(), [command, "out"]);
        assert_says(
            &message,
            &[
                "out/samples/part-00001.parquet is damaged: ",
                "repeat the run's command",
            ],
        );
    }

    let said = infoplane(folder.path(), run_args(&out));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let damaged = said.stderr.lines().filter(|line| line.contains("damaged"));
    let damaged: Vec<&str> = damaged.collect();
    assert_eq!(damaged.len(), 2, "{}", said.stderr);
    for (line, name) in damaged.iter().zip(["part-00001", "part-00003"]) {
        assert_says(line, &[name, "computed again"]);
    }
    assert_same_as_reference(&out, "repaired");
}

#[test]
fn a_second_process_is_refused_and_a_killed_one_leaves_no_lock() {
    let folder = TempDir::new().unwrap();
    let out = begun_run(folder.path());
    // Far more work than the test will wait for, in a run that differs only in that.
    std::fs::remove_dir_all(&out).unwrap();
    let mut child = start(run_args_with(&out, "2000"), folder.path());
    while !out.join("samples").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the program has ended");
        std::thread::sleep(Duration::from_millis(1));
    }
    let dir = out.to_str().unwrap();
    for args in [
        run_args_with(&out, "2000"),
        ["plane", dir].map(String::from).to_vec(),
        ["report", dir].map(String::from).to_vec(),
    ] {
        let said = infoplane(folder.path(), &args);
        assert_eq!(said.code, Some(2), "{}: {}", args[0], said.stderr);
        assert_says(&said.stderr, &["another process is writing to ", dir]);
    }
    assert!(child.try_wait().unwrap().is_none(), "the first goes on");
    child.kill().unwrap();
    child.wait().unwrap();

    let message = refuse(folder.path(), ["plane", dir]);
    assert_says(
        &message,
        &["is not complete: 320 of 320 samples", "part-00000"],
    );
}

#[test]
fn an_unfinished_run_has_no_plane_and_its_missing_parts_are_named() {
    let folder = TempDir::new().unwrap();
    let out = begun_run(folder.path());
    std::fs::copy(part(reference(), 3), part(&out, 3)).unwrap();
    let message = refuse(folder.path(), ["plane", "out"]);
    let parts = "is not complete: 128 of 320 samples are missing, those of part-00002, part-00004;";
    assert_says(&message, &[parts, "out/samples"]);
}

/// Runs a shell script in `folder`, with the program and its arguments as positional parameters.
fn shell(folder: &Path, script: &str, args: Vec<String>) -> common::Said {
    let program = program(folder);
    let output = Command::new("sh")
        .current_dir(folder)
        .args(["-c", script, "sh"])
        .arg(program.get_program())
        .args(args)
        .output()
        .unwrap();
    common::Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Wherever a write fails: an error that names the file, nothing lost, and the run goes on later.
#[cfg(unix)]
#[test]
fn a_write_that_fails_is_an_error_and_loses_nothing() {
    let whole = contents(reference());
    let size = |name: &str| whole[Path::new(name)].as_ref().unwrap().len();
    let part_size = size("samples/part-00002.parquet");
    let report_size = size("report.html");
    assert!(report_size > 2 * part_size);
    // No file may become larger than so many blocks of 512 bytes.
    for (limit, file) in [
        (part_size / 2, "samples/part-0000"),
        (report_size / 2, "report.html"),
    ] {
        let folder = TempDir::new().unwrap();
        let out = begun_run(folder.path());
        let before = contents(&out);
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", limit / 512);
        let said = shell(folder.path(), &script, run_args(&out));
        assert_eq!(said.code, Some(1), "{}", said.stderr);
        let path = out.join(file);
        let message = format!("infoplane: cannot write {}", path.display());
        assert_says(&said.stderr, &[&message, "File too large"]);

        let after = contents(&out);
        for (name, bytes) in &before {
            assert!(
                after.get(name) == Some(bytes),
                "{} was lost",
                name.display()
            );
        }
        for (name, bytes) in &after {
            assert!(
                whole.get(name) == Some(bytes),
                "{} is not whole",
                name.display()
            );
        }
        succeed(folder.path(), run_args(&out));
        assert_same_as_reference(&out, file);
    }
}

/// As above, on a file system of its own, where the test may make one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_and_a_read_only_disk_are_errors_and_lose_nothing() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("disk")).unwrap();
    let mount = "mount -t tmpfs -o size=64k none disk";
    let try_it = ["-rm", "sh", "-c", mount];
    let possible = Command::new("unshare")
        .args(try_it)
        .current_dir(folder.path())
        .output();
    if !possible.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no file system can be mounted here");
        return;
    }
    let part_size = std::fs::metadata(part(reference(), 0)).unwrap().len();
    // Room for three parts and what else there is, then for all; then none may be written.
    let script = format!(
        "set -u
         mount -t tmpfs -o size={} none disk
         \"$@\" > said1 2>&1; echo $? > code1; cp -r disk/out full; df -k disk > space
         mount -o remount,ro disk
         \"$@\" > said2 2>&1; echo $? > code2
         mount -o remount,rw,size=64m disk
         \"$@\" > said3 2>&1; echo $? > code3; cp -r disk/out end",
        3 * part_size + part_size / 2 + 8192
    );
    std::fs::write(folder.path().join("script"), script).unwrap();
    let out = folder.path().join("disk/out");
    let said = shell(
        folder.path(),
        "exec unshare -rm sh script \"$@\"",
        run_args(&out),
    );
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let codes = ["code1", "code2", "code3"].map(|name| read(name).trim().to_string());
    let all = format!(
        "{}\n{}\n{}\n{}",
        said.stderr,
        read("said1"),
        read("said2"),
        read("said3")
    );
    assert_eq!(codes, ["1", "1", "0"], "{all}");
    assert_says(
        &read("said1"),
        &["infoplane: cannot write ", "disk/out/", "No space left"],
    );
    assert_says(
        &read("said2"),
        &["infoplane: cannot ", "disk/out/", "Read-only file system"],
    );
    let full = folder.path().join("full");
    assert!(
        part(&full, 0).exists() && !part(&full, N_PARTS - 1).exists(),
        "{all}"
    );
    let whole = contents(reference());
    for (name, bytes) in contents(&full) {
        assert!(
            whole.get(&name) == Some(&bytes),
            "{} is not whole",
            name.display()
        );
    }
    assert_same_as_reference(&folder.path().join("end"), &all);
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_with_its_path() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let said = infoplane(folder.path(), run_args(Path::new("file/out")));
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert_says(&said.stderr, &["cannot create the folder file/out: "]);
}

/// Adds `--shard` to the arguments of a run.
fn shard_args(out: &Path, shard: &str) -> Vec<String> {
    let mut args = run_args(out);
    args.extend(["--shard".to_string(), shard.to_string()]);
    args
}

#[test]
fn the_shards_of_three_machines_make_the_run_of_one() {
    let folder = TempDir::new().unwrap();
    let joined = folder.path().join("joined");
    let n_parts = |out: &Path| {
        (0..N_PARTS)
            .filter(|&index| part(out, index).exists())
            .count()
    };
    for (number, expected) in [(1, [0, 3].as_slice()), (2, &[1, 4]), (3, &[2])] {
        let out = folder.path().join(format!("machine{number}"));
        let mut args = shard_args(&out, &format!("{number}/3"));
        if number == 3 {
            // Where a shard is stopped, its parts are kept too.
            let mut child = start(args.clone(), folder.path());
            kill_when(&mut child, || has_temporary(&out.join("samples")));
            args.push("--json".to_string());
            let said: Value = serde_json::from_str(&succeed(folder.path(), args)).unwrap();
            assert_eq!(said["shard"], "3/3");
            assert_eq!(said["parts"], serde_json::json!([2]));
            assert_eq!(said["missing_parts"], serde_json::json!([0, 1, 3, 4]));
            assert_eq!(said["n_samples"], 64);
        } else {
            let said = succeed(folder.path(), args);
            let shard = format!("shard     {number}/3: 2 parts of 128 samples");
            let next = format!("then infoplane plane {} --tau 0.3", out.display());
            assert_says(&said, &[&shard, "3 parts of the run", &next]);
        }
        assert!(!out.join("plane.json").exists() && !out.join("report.html").exists());
        assert!(expected.iter().all(|&index| part(&out, index).exists()));
        assert_eq!(n_parts(&out), expected.len());

        if number < 3 {
            copy_into(&out, &joined);
            let missing = ["part-00001, part-00002, part-00004", "part-00002"][number - 1];
            let message = refuse(folder.path(), ["plane", "joined"]);
            assert_says(&message, &[&format!("those of {missing};")]);
        } else {
            // Only the parts are needed.
            copy_into(&out.join("samples"), &joined.join("samples"));
        }
    }
    let again = folder.path().join("again");
    copy_into(&joined, &again);
    succeed(folder.path(), ["plane", "joined", "--tau", "0.3"]);
    assert_same_as_reference(&joined, "by plane");
    std::fs::remove_file(part(&again, 4)).unwrap();
    succeed(folder.path(), run_args(&again));
    assert_same_as_reference(&again, "by run, with a part computed here");
}

#[test]
fn a_shard_leaves_other_shards_alone_and_a_shard_too_many_is_empty() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let said = succeed(folder.path(), shard_args(&out, "7/7"));
    assert_says(&said, &["shard     7/7: 0 parts of 0 samples"]);
    std::fs::write(part(&out, 1), "no part").unwrap();
    let said = infoplane(folder.path(), shard_args(&out, "1/2"));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_says(
        &said.stderr,
        &["part-00001.parquet is damaged", "none of shard 1/2"],
    );
    assert_eq!(std::fs::read(part(&out, 1)).unwrap(), b"no part");
    let said = infoplane(folder.path(), shard_args(&out, "2/2"));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_says(
        &said.stdout,
        &["all parts of the run are here: infoplane plane "],
    );
    succeed(folder.path(), run_args(&out));
    assert_same_as_reference(&out, "both shards in one directory");
}

#[test]
fn what_is_no_shard_is_refused() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    for shard in ["0/3", "4/3", "3", "a/b"] {
        let message = refuse(folder.path(), shard_args(&out, shard));
        assert_says(&message, &[&format!("`{shard}` is no shard"), "2/5"]);
    }
    std::fs::write(folder.path().join("run.toml"), "shard = \"4/3\"\n").unwrap();
    let mut args = run_args(&out);
    args.extend(["--config", "run.toml"].map(String::from));
    assert_says(&refuse(folder.path(), args), &["`4/3` is no shard"]);
}

/// Images are decoded by each machine for itself, and unreadable ones are skipped in their part.
#[test]
fn shards_of_real_images_join() {
    let (Some(model), Some(data)) = (
        shared("models/cifar10_resnet20.onnx"),
        shared("data/cifar10/test"),
    ) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let run = |out: &str, more: &[&str]| {
        let (model, data) = (model.to_str().unwrap(), data.to_str().unwrap());
        let args = ["run", "--model", model, "--data", data, "--out", out];
        let options = "--limit 150 --steps 3 --layers relu_18,logits";
        succeed(
            folder.path(),
            args.into_iter()
                .chain(options.split(' '))
                .chain(more.iter().copied()),
        );
    };
    run("one", &[]);
    for shard in ["1/2", "2/2"] {
        run(&shard.replace('/', "of"), &["--shard", shard]);
    }
    let joined = folder.path().join("1of2");
    copy_into(&folder.path().join("2of2"), &joined);
    succeed(folder.path(), ["plane", "1of2"]);
    assert_eq!(
        differing(&joined, &folder.path().join("one")),
        [""; 0].map(PathBuf::from)
    );
}
