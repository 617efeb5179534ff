//! Conductance of several layers, samples over threads.

use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use infoplane::attribution::{
    Attribution, AttributionError, Baseline, QuadratureName, Sample, Sweep, SweepLayer,
    SweepOptions, Target, Worker,
};
use infoplane::{Reduction, RunConfig};
use serde_json::{Value, json};

use crate::network::{self, Network};
use crate::serve::serve;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    network: network::Args,
    /// Attribute the first so many samples of the inputs [default: all]
    #[arg(long)]
    samples: Option<usize>,
    /// graded, hyperbolic, trapezoid, captum or adaptive
    #[arg(long, default_value = "graded")]
    quadrature: String,
    /// Intervals of a fixed quadrature
    #[arg(long)]
    steps: Option<usize>,
    /// Tolerance of the adaptive quadrature
    #[arg(long)]
    tolerance: Option<f64>,
    /// Answer with the vectors too: `vectors[sample][layer][channel]`
    #[arg(long)]
    vectors: bool,
}

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let network = Network::open(&args.network)?;
    let config = RunConfig {
        quadrature: Some(args.quadrature.clone()),
        steps: args.steps,
        tolerance: args.tolerance,
        ..RunConfig::default()
    };
    let quadrature = config.quadrature(QuadratureName::Graded)?;
    let nodes = quadrature.nodes_at_once();
    let plan = network
        .model
        .plan(network.sample_shape(), &network.layers, nodes, false)?;
    let options = SweepOptions {
        quadrature,
        baseline: Baseline::Zero,
        target: Target::Given,
        reduction: Reduction::Channels,
    };
    let layers = network.layers.iter().map(SweepLayer::from).collect();
    let sweep = Sweep::new(&plan, layers, options)?;
    let n_inputs = network.inputs.input.shape()[0];
    let n_samples = args.samples.unwrap_or(n_inputs).min(n_inputs);
    let n_workers = args.network.workers.clamp(1, n_samples.max(1));
    let mut workers: Vec<Worker<'_>> = (0..n_workers).map(|_| sweep.worker()).collect();
    // Touches all memory.
    forget(&network, &mut workers)?;

    let mut ready = network.describe(&plan.summary(), n_workers);
    ready["quadrature"] = json!(quadrature.to_string());
    ready["samples"] = json!(n_samples);
    serve(ready, args.network.repeats, &mut || {
        let start = Instant::now();
        let results = attribute(&network, &mut workers, n_samples)?;
        let seconds = start.elapsed().as_secs_f64();
        forget(&network, &mut workers)?;
        Ok(answer(seconds, &results, args.vectors))
    })
}

fn answer(seconds: f64, results: &[Attribution], vectors: bool) -> Value {
    let evaluated: usize = results.iter().map(|result| result.evaluated).sum();
    let mut answer = json!({ "seconds": seconds, "evaluated": evaluated });
    if vectors {
        let vectors: Vec<_> = results.iter().map(|result| &result.conductance).collect();
        answer["vectors"] = json!(vectors);
    }
    answer
}

/// Attributes the first samples, each worker one after another.
fn attribute(
    network: &Network,
    workers: &mut [Worker<'_>],
    n_samples: usize,
) -> Result<Vec<Attribution>, AttributionError> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(n_samples));
    std::thread::scope(|scope| {
        for worker in workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= n_samples {
                        break;
                    }
                    let result = worker.attribute(sample(network, index, network.target(index)));
                    let mut results = results.lock().unwrap_or_else(|broken| broken.into_inner());
                    results.push((index, result));
                }
            });
        }
    });
    let mut results = results
        .into_inner()
        .unwrap_or_else(|broken| broken.into_inner());
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Lets each worker attribute another unit, so that it holds no node of the path for the next run. Paths
/// of one unit share their start, and a run over the same samples again would find it there.
fn forget(network: &Network, workers: &mut [Worker<'_>]) -> Result<(), AttributionError> {
    let target = network.target(0);
    let other = if target == 0 { 1 } else { target - 1 };
    std::thread::scope(|scope| {
        let threads: Vec<_> = workers
            .iter_mut()
            .map(|worker| {
                scope.spawn(move || worker.attribute(sample(network, 0, other)).map(drop))
            })
            .collect();
        threads.into_iter().try_for_each(|thread| {
            // A panic there is a panic here.
            let ended = thread.join();
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

fn sample(network: &Network, index: usize, target: usize) -> Sample<'_> {
    Sample {
        input: network.sample(index),
        target: Some(target),
        ..Sample::default()
    }
}
