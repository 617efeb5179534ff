//! One sample's sweep of 16 graded steps over the default layers: the demo's network, and SqueezeNet
//! 1.1 where the folder `shared` stands beside the checkout (or `INFOPLANE_SHARED` names it).

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{Criterion, criterion_group, criterion_main};
use infoplane_attribution::{
    Baseline, Quadrature, Reduction, Sample, Sweep, SweepLayer, SweepOptions, Target,
};
use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_graph::{default_layers, read_onnx};

fn networks() -> Vec<(&'static str, PathBuf)> {
    let crate_folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("INFOPLANE_SHARED")
        .map_or_else(|| crate_folder.join("../../../shared"), PathBuf::from);
    [
        (
            "digits",
            crate_folder.join("../infoplane/assets/demo/network.onnx"),
        ),
        ("squeezenet1_1", shared.join("models/squeezenet1_1.onnx")),
    ]
    .into_iter()
    .filter(|(_, path)| path.exists())
    .collect()
}

fn sweep(criterion: &mut Criterion) {
    for (name, path) in networks() {
        let graph = read_onnx(&path).expect("a readable network");
        let shape = graph.sample_shape().expect("a fixed input shape");
        let shaped = graph.specialize(&shape, 1).expect("a supported network");
        let layers = default_layers(&graph, &shaped);
        let options = PlanOptions {
            layers: layers.iter().map(|layer| layer.value).collect(),
            ..PlanOptions::default()
        };
        let plan = Plan::compile(&graph, &shaped, &options).expect("a plan");
        let sweep = Sweep::new(
            &plan,
            layers.iter().map(SweepLayer::from).collect(),
            SweepOptions {
                quadrature: Quadrature::Graded {
                    steps: 16,
                    power: 2.0,
                },
                baseline: Baseline::Zero,
                target: Target::Predicted,
                reduction: Reduction::Channels,
            },
        )
        .expect("a sweep");
        let mut worker = sweep.worker();
        let input: Vec<f32> = (0..plan.input_len())
            .map(|i| ((i * 37) % 101) as f32 / 101.0)
            .collect();
        criterion.bench_function(&format!("sweep/{name}/graded 16"), |bencher| {
            bencher.iter(|| {
                worker
                    .attribute(Sample {
                        input: black_box(&input),
                        ..Sample::default()
                    })
                    .expect("a sample")
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = sweep
}
criterion_main!(benches);
