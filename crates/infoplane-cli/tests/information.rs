//! `mi` and `selftest` as a user calls them.

mod common;

use std::fmt::Write as _;
use std::path::Path;

use common::{infoplane, refuse, succeed};
use serde_json::Value;

/// 400 rows: `a` and `b` share much, `c` is independent of both; `colour` is the sign of `a`.
fn table(folder: &Path) {
    let mut text = String::from("a,b,c,colour,code,gap\n");
    let mut state = 1u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    for row in 0..400 {
        let a = uniform() + uniform();
        let (b, c) = (a + 0.2 * uniform(), uniform());
        let colour = if a > 0.0 { "red" } else { "blue" };
        let gap = if row == 7 {
            String::new()
        } else {
            b.to_string()
        };
        writeln!(text, "{a},{b},{c},{colour},{},{gap}", row % 4).unwrap();
    }
    std::fs::write(folder.join("t.csv"), text).unwrap();
}

fn json(folder: &Path, args: &[&str]) -> Value {
    let out = succeed(folder, ["mi", "--json"].iter().chain(args));
    serde_json::from_str(&out).unwrap()
}

#[test]
fn the_json_object_has_the_fixed_keys_and_the_parameters() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path());
    let found = json(
        folder.path(),
        &["t.csv:a", "t.csv:b", "--estimator", "ksg1", "--set", "k=4"],
    );
    let bits = found["mi"].as_f64().unwrap();
    assert!((1.5..3.5).contains(&bits), "{found}");
    assert_eq!(found["unit"], "bits");
    assert_eq!(
        (&found["n"], &found["k"]),
        (&Value::from(400), &Value::from(4))
    );
    assert_eq!(found["estimator"], "ksg1");
    assert_eq!(found["saturated"], false);
    assert!(found["ci"][0].as_f64().unwrap() < bits && bits < found["ci"][1].as_f64().unwrap());
    assert!(found["null"]["p_value"].as_f64().unwrap() < 0.05);
    assert!(found["ceiling"].as_f64().unwrap() > bits);
    // a is triangular on [−1, 1]: h = ½ nat. Knowing b leaves less of it than its information.
    let entropy = found["entropy"][0].as_f64().unwrap();
    assert!(
        (entropy - 0.5 / std::f64::consts::LN_2).abs() < 0.15,
        "{found}"
    );
    let nats = json(
        folder.path(),
        &[
            "t.csv:a",
            "t.csv:b",
            "--estimator",
            "ksg1",
            "--set",
            "k=4",
            "--units",
            "nats",
        ],
    );
    let expected = bits * std::f64::consts::LN_2;
    assert!((nats["mi"].as_f64().unwrap() - expected).abs() < 1e-12);
}

#[test]
fn auto_takes_what_the_variables_are() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path());
    let colour = json(folder.path(), &["t.csv:a", "t.csv:colour"]);
    assert!(colour["mi"].as_f64().unwrap() > 0.9, "{colour}");
    // The sides can be exchanged.
    let exchanged = json(folder.path(), &["t.csv:colour", "t.csv:a"]);
    assert_eq!(colour["mi"], exchanged["mi"]);
    let counted = json(folder.path(), &["t.csv:code", "t.csv:colour"]);
    assert_eq!(counted["estimator"], "categorical");
    assert!(counted["mi"].as_f64().unwrap().abs() < 0.03, "{counted}");
    let independent = json(folder.path(), &["t.csv:a,b", "t.csv:c"]);
    assert!(
        independent["ci"][0].as_f64().unwrap() < 0.0,
        "{independent}"
    );
    assert!(
        independent["null"]["p_value"].as_f64().unwrap() > 0.01,
        "{independent}"
    );
}

#[test]
fn a_sweep_goes_over_the_scale_and_text_is_for_people() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path());
    let swept = json(
        folder.path(),
        &[
            "t.csv:a",
            "t.csv:colour",
            "--estimator",
            "gaussian-channel",
            "--sweep=0.2,0.5",
        ],
    );
    let values: Vec<f64> = swept["sweep"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["mi"].as_f64().unwrap())
        .collect();
    assert_eq!(values.len(), 2);
    assert!(values[0] > values[1], "more noise passes less: {values:?}");
    let text = succeed(
        folder.path(),
        ["mi", "t.csv:a", "t.csv:colour", "--null", "0"],
    );
    assert!(
        text.contains("400 samples of 2 classes") && text.contains("95 % interval"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_estimated_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path());
    let refused = |args: &[&str]| refuse(folder.path(), ["mi"].iter().chain(args));
    let gap = refused(&["t.csv:a", "t.csv:gap"]);
    assert!(gap.contains("1 of 400") && gap.contains("row 7"), "{gap}");
    let kept = json(
        folder.path(),
        &["t.csv:a", "t.csv:gap", "--drop-missing", "--null", "0"],
    );
    assert_eq!(kept["n"], 399);
    assert!(kept["remarks"][0].as_str().unwrap().contains("left out"));
    assert!(refused(&["t.csv:a", "t.csv:coluor"]).contains("`colour`"));
    assert!(refused(&["t.csv:a", "t.csv:b", "--estimator", "ksgg"]).contains("ksg1"));
    assert!(
        refused(&["t.csv:a", "t.csv:b", "--set", "kk=3", "--estimator", "ksg1"]).contains("`k`")
    );
    assert!(refused(&["t.csv:a", "t.csv:b", "--set", "k"]).contains("NAME=VALUE"));
    assert!(
        refused(&[
            "t.csv:a",
            "t.csv:b",
            "--estimator",
            "ksg1",
            "--set",
            "k=400"
        ])
        .contains("400")
    );
    assert!(refused(&["t.csv:a", "none.npy"]).contains("none.npy"));
    assert!(refused(&["t.csv:colour", "t.csv:code", "--estimator", "ross"]).contains("classes"));
}

#[test]
fn the_selftest_passes_and_shows_its_errors() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "selftest",
        "--estimator",
        "ksg1",
        "--task",
        "normal-1",
        "--json",
    ];
    let said = infoplane(folder.path(), args);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let found: Value = serde_json::from_str(&said.stdout).unwrap();
    let gradients = found["gradients"].as_array().unwrap();
    assert!(gradients.len() > 3 && gradients.iter().all(|check| check["passed"] == true));
    let estimate = &found["estimates"][0];
    assert_eq!(estimate["task"], "normal-1");
    assert!(estimate["error"].as_f64().unwrap() < 0.1, "{estimate}");
    let unknown = refuse(folder.path(), ["selftest", "--mi", "--estimator", "ksg3"]);
    assert!(unknown.contains("ksg1"), "{unknown}");
}
