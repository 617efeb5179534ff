//! The ONNX standard's own test vectors for the operators the engine has.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_graph::{GraphError, read_onnx};
use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;

/// The standard's own tolerances.
const RELATIVE: f32 = 1e-3;
const ABSOLUTE: f32 = 1e-6;

/// Cases that no kernel has, with what the refusal must say.
const REFUSED: &[(&str, &str)] = &[
    ("averagepool_3d", "spatial axes"),
    ("maxpool_3d", "spatial axes"),
    ("gather", "depend on the input"),
    ("pow_types_int", "a base of type integer"),
    ("expand", "depend on the input"),
    ("slice_start_out_of_bounds", "shape"),
    ("wrap_pad", "mode = wrap"),
];

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/onnx"))
}

/// An array of whatever type, as the numbers that the engine runs on.
fn array(case: &Path, name: &str) -> ArrayD<f32> {
    let mut archive = NpzReader::new(File::open(case.join("data.npz")).unwrap()).unwrap();
    if let Ok(array) = archive.by_name::<OwnedRepr<f32>, IxDyn>(name) {
        return array;
    }
    if let Ok(array) = archive.by_name::<OwnedRepr<bool>, IxDyn>(name) {
        return array.mapv(|truth| f32::from(u8::from(truth)));
    }
    if let Ok(array) = archive.by_name::<OwnedRepr<i32>, IxDyn>(name) {
        return array.mapv(|integer| integer as f32);
    }
    let array = archive.by_name::<OwnedRepr<i64>, IxDyn>(name).unwrap();
    array.mapv(|integer| integer as f32)
}

/// Name of the case, and the position of the input that its network takes.
fn cases() -> BTreeMap<String, usize> {
    let table = std::fs::read_to_string(folder().join("cases.csv")).unwrap();
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|&h| h == name).unwrap();
    let (case, input) = (column("case"), column("network_input"));
    lines
        .filter_map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            Some((cells[case].to_string(), cells[input].parse().ok()?))
        })
        .collect()
}

/// Runs a case; the error is the reader's or the engine's refusal.
fn run(case: &Path, input: usize) -> Result<Vec<f32>, String> {
    let graph = read_onnx(&case.join("network.onnx")).map_err(|error| error.to_string())?;
    let input = array(case, &format!("input_{input}"));
    let (batch, sample) = input.shape().split_first().unwrap();
    let shaped = graph
        .specialize(sample, *batch)
        .map_err(|error: GraphError| error.to_string())?;
    let options = PlanOptions {
        layers: vec![],
        keep_values: true,
        exact: false,
    };
    let plan = Plan::compile(&graph, &shaped, &options).map_err(|error| error.to_string())?;
    let mut session = plan.session();
    session.input().copy_from_slice(input.as_slice().unwrap());
    Ok(session.forward().to_vec())
}

/// What is wrong with a case's result, if anything.
fn disagreement(actual: &[f32], expected: &ArrayD<f32>) -> Option<String> {
    if actual.len() != expected.len() {
        return Some(format!(
            "{} elements where the standard has {}",
            actual.len(),
            expected.len()
        ));
    }
    let close = |a: f32, e: f32| {
        a == e || (a - e).abs() <= ABSOLUTE + RELATIVE * e.abs() || (a.is_nan() && e.is_nan())
    };
    let pairs = actual.iter().zip(expected).enumerate();
    let mut far = pairs.filter(|(_, (a, e))| !close(**a, **e));
    let (index, (a, e)) = far.next()?;
    Some(format!("element {index}: {a} where the standard has {e}"))
}

#[test]
fn every_operator_agrees_with_the_standard() {
    let mut refused = 0;
    let mut problems = Vec::new();
    let cases = cases();
    assert!(cases.len() > 300, "only {} cases", cases.len());
    for (name, &input) in &cases {
        let case = folder().join(name);
        match run(&case, input) {
            Ok(actual) => {
                let wrong = disagreement(&actual, &array(&case, "output_0"));
                problems.extend(wrong.map(|wrong| format!("{name}: {wrong}")));
            }
            Err(message) => {
                let known = REFUSED
                    .iter()
                    .any(|(part, reason)| name.contains(part) && message.contains(reason));
                if known {
                    refused += 1;
                } else {
                    problems.push(format!("{name}: {message}"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    println!(
        "{} cases agree, {refused} are refused",
        cases.len() - refused
    );
    assert!(refused <= 20, "{refused} cases are refused");
}
