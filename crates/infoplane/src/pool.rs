//! Worker threads over samples: each decodes and works on one sample at a time with its own memory.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use infoplane_attribution::{
    Attribution, AttributionError, DEFAULT_NODE_MEMORY, Quadrature, Sample, Sweep,
};

/// Bytes of node states that all workers together may keep.
const ALL_NODE_MEMORY: usize = 1 << 30;

/// Bytes of node states that each of so many workers may keep. A fixed rule never comes back to a node
/// of its sample; all it can save is the start of the next one's path, where the target is the same.
pub(crate) fn node_memory(n_threads: usize, quadrature: &Quadrature) -> usize {
    let most = match quadrature {
        Quadrature::Adaptive(_) => DEFAULT_NODE_MEMORY,
        _ => DEFAULT_NODE_MEMORY / 2,
    };
    most.min(ALL_NODE_MEMORY / n_threads.max(1))
}

/// A sample for a worker.
#[derive(Default)]
pub(crate) struct Loaded<'d> {
    pub label: Option<usize>,
    pub given: Option<usize>,
    pub baseline: Option<&'d [f32]>,
}

/// Fills a row with a sample; the error says why it can't be read.
pub(crate) type Load<'a> = dyn Fn(usize, &mut [f32]) -> Result<Loaded<'a>, String> + Sync + 'a;

/// What became of a sample.
pub(crate) enum Outcome {
    Attributed(Box<Attribution>),
    /// The sample itself is at fault: it can't be read, or the network's output for it is not finite.
    Unusable(String),
    /// The run is at fault.
    Failed(AttributionError),
}

/// Attributes the samples `indices` on `n_threads` workers. `load` fills a row and tells what is known
/// of the sample; `take` gets the outcomes on the calling thread, in the order in which they finish,
/// and returns whether to go on.
pub(crate) fn attribute_all<E>(
    sweep: &Sweep<'_>,
    input_len: usize,
    indices: &[usize],
    n_threads: usize,
    stop: &AtomicBool,
    load: &Load<'_>,
    take: &mut dyn FnMut(usize, Outcome) -> Result<(), E>,
) -> Result<(), E> {
    work_all(
        indices,
        n_threads,
        stop,
        &|| (sweep.worker(), vec![0.0; input_len]),
        &|(worker, row), index| match load(index, row) {
            Err(reason) => Outcome::Unusable(reason),
            Ok(loaded) => match worker.attribute(Sample {
                input: row,
                label: loaded.label,
                target: loaded.given,
                baseline: loaded.baseline,
            }) {
                Ok(attribution) => Outcome::Attributed(Box::new(attribution)),
                Err(error @ AttributionError::NotFinite { .. }) => {
                    Outcome::Unusable(error.to_string())
                }
                Err(error) => Outcome::Failed(error),
            },
        },
        take,
    )
}

/// Does `work` for each of `items` on `n_threads` workers, each with what `prepare` gives it. `take` gets
/// the results on the calling thread, in the order in which they finish, and returns whether to go on.
/// `stop` ends it between two items.
pub(crate) fn work_all<W, T: Send, E>(
    items: &[usize],
    n_threads: usize,
    stop: &AtomicBool,
    prepare: &(dyn Fn() -> W + Sync),
    work: &(dyn Fn(&mut W, usize) -> T + Sync),
    take: &mut dyn FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(2 * n_threads);
        for _ in 0..n_threads.min(items.len()) {
            let sender = sender.clone();
            let (next, ended) = (&next, &ended);
            scope.spawn(move || {
                let mut worker = prepare();
                while !stop.load(Ordering::Relaxed) && !ended.load(Ordering::Relaxed) {
                    let Some(&item) = items.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        break;
                    };
                    if sender.send((item, work(&mut worker, item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut result = Ok(());
        for (item, found) in receiver {
            if result.is_ok() {
                result = take(item, found);
                // Workers notice between items; what they still send is dropped.
                ended.store(result.is_err(), Ordering::Relaxed);
            }
        }
        result
    })
}
