//! Run directories.

use std::fs;

use crate::Said;
use crate::common::{succeed, words};

const RUN: &str =
    "run --model net.onnx --data digits.npz --limit 70 --out run --layers stem,pool --steps 2";

/// A folder with a run of two parts.
fn said() -> Said {
    let said = Said::new();
    succeed(said.path(), words(RUN));
    said
}

#[test]
fn directories_of_something_else() {
    let mut said = Said::new();
    said.to("a folder that is not there", "plane nowhere");
    fs::create_dir(said.file("hollow")).unwrap();
    said.to("an empty folder", "plane hollow");
    said.to(
        "a file to write into",
        "run --model net.onnx --data digits.npz --out net.onnx",
    );
    said.write("thesis/thesis.txt", "precious");
    said.to(
        "a folder of something else to write into",
        "run --model net.onnx --data digits.npz --out thesis",
    );
    said.write("prose/run.json", "A letter.");
    said.to("a description that is none", "plane prose");
    insta::assert_snapshot!("runs_directories", said.text);
}

#[test]
fn runs_that_dont_fit_together() {
    let mut said = said();
    said.to("other settings", &RUN.replace("--steps 2", "--steps 3"));
    said.to("another target", &format!("{RUN} --target 3"));
    let manifest = fs::read_to_string(said.file("run/run.json")).unwrap();
    let format = manifest
        .lines()
        .find(|line| line.contains("\"format\""))
        .unwrap();
    said.write(
        "run/run.json",
        manifest.replace(format, "  \"format\": 99,"),
    );
    said.to("another layout", "plane run");
    said.write("run/run.json", &manifest);
    fs::remove_file(said.file("run/plane.json")).unwrap();
    said.to("no plane to report", "report run");
    said.write("run/plane.json", "{}");
    said.to("a plane that is none", "report run");
    insta::assert_snapshot!("runs_settings", said.text);
}

#[test]
fn parts_that_are_damaged_or_missing() {
    let mut said = said();
    let part = said.file("run/samples/part-00001.parquet");
    let whole = fs::read(&part).unwrap();
    fs::remove_file(&part).unwrap();
    said.to("a part that is not there", "plane run");
    said.write("run/samples/part-00001.parquet", &whole[..whole.len() / 2]);
    said.to("half a part", "plane run");
    let mut changed = whole.clone();
    changed[whole.len() / 3] ^= 1;
    said.write("run/samples/part-00001.parquet", &changed);
    said.to("a part with a changed bit", "plane run");
    let first = fs::read(said.file("run/samples/part-00000.parquet")).unwrap();
    said.write("run/samples/part-00001.parquet", &first);
    said.to("another part in its place", "plane run");
    insta::assert_snapshot!("runs_parts", said.text);
}

#[test]
fn what_comes_after_a_run() {
    let mut said = said();
    said.to(
        "groups that are not there",
        "plane run --groups absent.csv:group",
    );
    said.to("groups that were not given", "plane run --against groups");
    said.to("an impossible noise", "plane run --tau -1");
    said.to("an impossible share", "ablate run --fractions 1.5");
    said.to("too few draws", "ablate run --draws 1");
    fs::rename(said.file("net.onnx"), said.file("moved.onnx")).unwrap();
    said.to("a model that was moved", "ablate run");
    insta::assert_snapshot!("runs_afterwards", said.text);
}
