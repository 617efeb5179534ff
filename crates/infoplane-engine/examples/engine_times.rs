//! Times forward passes and vector-Jacobian products: `engine_times NET.onnx LAYER ROWS WORKERS REPEATS
//! [--steps] [--exact]` runs REPEATS micro-batches of ROWS rows on each of WORKERS threads and prints
//! milliseconds a row; with `--steps` the slowest steps too.

use std::path::Path;
use std::time::Instant;

use infoplane_engine::{Backend, Plan, PlanOptions};
use infoplane_graph::{default_layers, layers_by_name, read_onnx};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, layer, rows, workers, repeats, flags @ ..] = arguments.as_slice() else {
        return Err("engine_times NET.onnx LAYER ROWS WORKERS REPEATS [--steps] [--exact]".into());
    };
    let (rows, workers, repeats): (usize, usize, usize) =
        (rows.parse()?, workers.parse()?, repeats.parse()?);
    let graph = read_onnx(Path::new(path))?;
    let shape = graph.sample_shape().ok_or("a network of free input size")?;
    let single = graph.specialize(&shape, 1)?;
    let layers = match layer.as_str() {
        "default" => default_layers(&graph, &single),
        "first" => default_layers(&graph, &single)
            .into_iter()
            .take(1)
            .collect(),
        name => layers_by_name(&graph, &single, &[name.to_string()])?,
    };
    let shaped = graph.specialize(&shape, rows)?;
    let options = PlanOptions {
        layers: layers.iter().map(|layer| layer.value).collect(),
        keep_values: false,
        exact: flags.iter().any(|flag| flag == "--exact"),
    };
    let plan = Plan::compile(&graph, &shaped, &options)?;
    let summary = plan.summary();
    println!(
        "layers {:?}; constants {} MB, worker {} MB",
        layers.iter().map(|layer| &layer.name).collect::<Vec<_>>(),
        summary.constant_bytes >> 20,
        summary.worker_bytes >> 20
    );
    let run = |batches: usize| {
        let mut session = plan.session();
        let n_outputs = plan.n_outputs();
        let mut seeds = vec![0.0; rows * n_outputs];
        for row in seeds.chunks_exact_mut(n_outputs) {
            row[0] = 1.0;
        }
        for (index, value) in session.input().iter_mut().enumerate() {
            *value = ((index * 7919) % 2003) as f32 / 1001.5 - 1.0;
        }
        let mut times = Vec::new();
        for _ in 0..=batches {
            let start = Instant::now();
            session.input();
            session.forward();
            session
                .vjp(&seeds, &mut |_, _, _| {})
                .expect("a forward pass came before");
            times.push(start.elapsed().as_secs_f64() * 1e3 / rows as f64);
        }
        times.remove(0);
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let medians: Vec<f64> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(|| run(repeats))).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().expect("a worker"))
            .collect()
    });
    let together = 1.0 / medians.iter().map(|median| 1.0 / median).sum::<f64>();
    let flops: u64 = summary
        .steps
        .iter()
        .map(|step| step.flops * if step.backward { 2 } else { 1 })
        .sum();
    println!(
        "{together:.2} ms a row, {:.0} GFLOP/s as plain arithmetic",
        flops as f64 / together / 1e6
    );
    if flags.iter().any(|flag| flag == "--steps") {
        let times = plan.time_steps(repeats);
        for (step, time) in summary.steps.iter().zip(&times) {
            let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3 / rows as f64;
            let rate = |time: std::time::Duration| step.flops as f64 / ms(time) / 1e6;
            println!(
                "{:40} {:24} {:9.3} ms {:5.0} GF/s  back {:9.3} ms {:5.0} GF/s",
                step.node,
                step.kernel,
                ms(time.forward),
                rate(time.forward),
                ms(time.backward),
                rate(time.backward),
            );
        }
    }
    Ok(())
}
