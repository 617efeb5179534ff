//! A batch of path nodes, forward and back to one layer, on several threads.

use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use infoplane::engine::{Backend, EngineError, Layout, Plan, Session};
use serde_json::json;

use crate::network::{self, Network};
use crate::serve::serve;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    network: network::Args,
    /// Path nodes of the batch
    #[arg(long, default_value_t = 16)]
    nodes: usize,
    /// Rows of a micro-batch [default: as sweeps take, a divisor of a worker's share]
    #[arg(long)]
    rows: Option<usize>,
}

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let mut network = Network::open(&args.network)?;
    network.layers.truncate(1);
    let workers = args.network.workers.max(1);
    let plan = plan(&network, args.rows, args.nodes.div_ceil(workers))?;
    let mut batch = Batch::new(&network, &plan, args.nodes, workers);
    let found = batch.check()?;
    let mut ready = network.describe(&plan.summary(), workers);
    ready["nodes"] = json!(args.nodes);
    // What another program must find too, over all nodes.
    ready["check"] = json!({
        "logits": found.logits,
        "gradient_norm": found.gradient_squares.sqrt(),
        "gradient_times_values": found.gradient_times_values,
    });
    serve(ready, args.network.repeats, &mut || {
        let start = Instant::now();
        batch.run(|_, _, _, _| {})?;
        Ok(json!({ "seconds": start.elapsed().as_secs_f64() }))
    })
}

/// A plan of as many rows as a sweep would take that a worker's share is a multiple of.
fn plan(network: &Network, rows: Option<usize>, share: usize) -> Result<Plan, infoplane::Error> {
    let of = |rows: usize| {
        let shape = network.sample_shape();
        network.model.plan(shape, &network.layers, rows, false)
    };
    let mut plan = of(rows.unwrap_or(share))?;
    while rows.is_none() && !share.is_multiple_of(plan.batch()) {
        let divisor = (1..plan.batch())
            .rev()
            .find(|&rows| share.is_multiple_of(rows));
        plan = of(divisor.unwrap_or(1))?;
    }
    Ok(plan)
}

/// Sums over all nodes.
#[derive(Default)]
struct Found {
    logits: f64,
    gradient_squares: f64,
    gradient_times_values: f64,
}

struct Batch<'p> {
    layout: Layout,
    sessions: Vec<Box<dyn Session + 'p>>,
    /// The nodes' inputs, in whole micro-batches.
    inputs: Vec<f32>,
    rows: usize,
    /// For each row of a micro-batch 1 at the target.
    seeds: Vec<f32>,
    target: usize,
    n_nodes: usize,
}

impl<'p> Batch<'p> {
    /// Nodes α = 1/n, 2/n, … 1 on the path from zero to the first sample.
    fn new(network: &Network, plan: &'p Plan, n_nodes: usize, workers: usize) -> Batch<'p> {
        let rows = plan.batch();
        let sample = network.sample(0);
        let target = network.target(0);
        let inputs = (0..n_nodes.next_multiple_of(rows))
            .flat_map(|node| {
                let alpha = (node + 1).min(n_nodes) as f32 / n_nodes as f32;
                sample.iter().map(move |x| alpha * x)
            })
            .collect();
        let mut seeds = vec![0.0; rows * plan.n_outputs()];
        for row in seeds.chunks_exact_mut(plan.n_outputs()) {
            row[target] = 1.0;
        }
        Batch {
            layout: plan.layouts()[0],
            sessions: (0..workers).map(|_| plan.session()).collect(),
            inputs,
            rows,
            seeds,
            target,
            n_nodes,
        }
    }

    /// Runs all nodes. `visit` gets a micro-batch's first node, its logits, and values and gradients at
    /// the layer.
    fn run(
        &mut self,
        visit: impl Fn(usize, &[f32], &[f32], &[f32]) + Sync,
    ) -> Result<(), EngineError> {
        let next = AtomicUsize::new(0);
        let (inputs, seeds, visit) = (&self.inputs, &self.seeds, &visit);
        let rows = self.rows;
        let n_batches = self.n_nodes.div_ceil(rows);
        let micro_batch_len = inputs.len() / n_batches;
        let work = |session: &mut Box<dyn Session + 'p>| -> Result<(), EngineError> {
            let mut logits = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(input) = inputs.chunks_exact(micro_batch_len).nth(index) else {
                    return Ok(());
                };
                session.input().copy_from_slice(input);
                logits.clear();
                logits.extend_from_slice(session.forward());
                session.vjp(seeds, &mut |_, h, g| visit(index * rows, &logits, h, g))?;
            }
        };
        std::thread::scope(|scope| {
            let work = &work;
            let sessions = self.sessions.iter_mut();
            let threads: Vec<_> = sessions.map(|s| scope.spawn(move || work(s))).collect();
            threads.into_iter().try_for_each(|thread| {
                // A panic there is a panic here.
                let ended = thread.join();
                ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })
    }

    /// Runs all nodes and adds up what they give.
    fn check(&mut self) -> Result<Found, EngineError> {
        let found = Mutex::new(Found::default());
        let (layout, target, n_nodes) = (self.layout, self.target, self.n_nodes);
        self.run(|first, logits, h, g| {
            let n_outputs = logits.len() * layout.row_len() / h.len();
            let rows = logits.chunks_exact(n_outputs).zip(
                h.chunks_exact(layout.row_len())
                    .zip(g.chunks_exact(layout.row_len())),
            );
            let mut found = found.lock().unwrap_or_else(|broken| broken.into_inner());
            for (logits, (h, g)) in rows.take(n_nodes - first) {
                found.logits += f64::from(logits[target]);
                for index in elements(layout) {
                    let (h, g) = (f64::from(h[index]), f64::from(g[index]));
                    found.gradient_squares += g * g;
                    found.gradient_times_values += g * h;
                }
            }
        })?;
        Ok(found
            .into_inner()
            .unwrap_or_else(|broken| broken.into_inner()))
    }
}

/// Where the elements of a row lie, without padding.
fn elements(layout: Layout) -> impl Iterator<Item = usize> {
    let Layout {
        channels,
        positions,
        block,
    } = layout;
    (0..channels).flat_map(move |channel| {
        let start = (channel / block) * positions * block + channel % block;
        (0..positions).map(move |position| start + position * block)
    })
}
