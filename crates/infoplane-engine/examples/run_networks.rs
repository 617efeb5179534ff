//! Runs many networks in one process: reads lines `NETWORK.onnx INPUT.npy OUTPUT.npy` from standard
//! input, separated by tabs, and answers each with a line: `ok`, or why not. The input is a batch of
//! samples; the output is what the network makes of it, flat.
//!
//! `scripts/onnx_standard_tests.py` compares the outputs with those of the ONNX standard.

use std::io::{BufRead, Write};
use std::panic::catch_unwind;
use std::path::Path;

use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_graph::read_onnx;
use ndarray::{Array1, ArrayD};
use ndarray_npy::{read_npy, write_npy};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::panic::set_hook(Box::new(|_| {}));
    let mut answers = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let paths: Vec<&Path> = line.split('\t').map(Path::new).collect();
        let [network, input, output] = paths[..] else {
            return Err(format!("`{line}` is not three paths").into());
        };
        let answer = match catch_unwind(|| run(network, input, output)) {
            Ok(Ok(())) => "ok".to_string(),
            Ok(Err(error)) => error.to_string().replace('\n', " "),
            Err(_) => "PANIC".to_string(),
        };
        writeln!(answers, "{answer}")?;
    }
    Ok(())
}

fn run(network: &Path, input: &Path, output: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let graph = read_onnx(network)?;
    let input: ArrayD<f32> = read_npy(input)?;
    let (batch, sample) = input
        .shape()
        .split_first()
        .ok_or("an input without a batch")?;
    let shaped = graph.specialize(sample, *batch)?;
    let options = PlanOptions {
        layers: vec![],
        keep_values: false,
        exact: true,
    };
    let plan = Plan::compile(&graph, &shaped, &options)?;
    let mut session = plan.session();
    let elements = input.as_slice().ok_or("an input in Fortran order")?;
    session.input().copy_from_slice(elements);
    write_npy(output, &Array1::from(session.forward().to_vec()))?;
    Ok(())
}
