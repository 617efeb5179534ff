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
    ("expand", "depend on the input"),
    ("where", "depend on the input"),
    ("slice_start_out_of_bounds", "shape"),
];

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/onnx"))
}

fn array(case: &Path, name: &str) -> ArrayD<f32> {
    let mut archive = NpzReader::new(File::open(case.join("data.npz")).unwrap()).unwrap();
    archive.by_name::<OwnedRepr<f32>, IxDyn>(name).unwrap()
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

#[test]
fn every_operator_agrees_with_the_standard() {
    let mut refused = 0;
    let cases = cases();
    assert!(cases.len() > 150, "only {} cases", cases.len());
    for (name, &input) in &cases {
        let case = folder().join(name);
        let actual = match run(&case, input) {
            Ok(actual) => actual,
            Err(message) => {
                let known = REFUSED
                    .iter()
                    .any(|(part, reason)| name.contains(part) && message.contains(reason));
                assert!(known, "{name}: {message}");
                refused += 1;
                continue;
            }
        };
        let expected = array(&case, "output_0");
        assert_eq!(actual.len(), expected.len(), "{name}");
        for (index, (a, e)) in actual.iter().zip(&expected).enumerate() {
            let close =
                (a - e).abs() <= ABSOLUTE + RELATIVE * e.abs() || (a.is_nan() && e.is_nan());
            assert!(
                close,
                "{name}, element {index}: {a} where the standard has {e}"
            );
        }
    }
    println!(
        "{} cases agree, {refused} are refused",
        cases.len() - refused
    );
    assert!(refused <= 12, "{refused} cases are refused");
}
