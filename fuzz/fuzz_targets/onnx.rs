//! The reader of ONNX models, and what becomes of a model that it reads: shapes, layers and, where it is small, a plan
//! that runs.

#![no_main]

use std::path::Path;

use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_fuzz::memory::{MIB, at_most};
use infoplane_graph::{Graph, default_layers, parse_onnx};

/// Most elements of all values of a network that is run.
const SMALL: usize = 1 << 20;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // An empty node is two bytes in the file and some hundreds in memory.
    let graph = at_most(64 * MIB + 1024 * bytes.len(), || {
        parse_onnx(bytes, Path::new("fuzzed.onnx")).ok()
    });
    if let Some(graph) = graph {
        // A model may compute constants as large as its shapes say.
        at_most(4096 * MIB, || run(&graph));
    }
});

fn run(graph: &Graph) {
    let sample_shape = graph.sample_shape().unwrap_or_else(|| vec![3, 9, 8]);
    if sample_shape.iter().product::<usize>() > SMALL {
        return;
    }
    let Ok(shaped) = graph.specialize(&sample_shape, 1) else {
        return;
    };
    let layers = default_layers(graph, &shaped);
    let work: usize = shaped
        .nodes()
        .iter()
        .map(|node| shaped.multiply_adds(node) as usize + shaped.shape(node.output).iter().product::<usize>())
        .fold(0, usize::saturating_add);
    if work > SMALL {
        return;
    }
    let options = PlanOptions {
        layers: layers.iter().map(|layer| layer.value).collect(),
        keep_values: false,
        exact: false,
    };
    let Ok(plan) = Plan::compile(graph, &shaped, &options) else {
        return;
    };
    let mut session = plan.session();
    for (index, element) in session.input().iter_mut().enumerate() {
        *element = (index % 7) as f32 - 3.0;
    }
    session.forward();
    let seeds = vec![1.0; plan.batch() * plan.n_outputs()];
    let _ = session.vjp(&seeds, &mut |_, _, _| {});
}
