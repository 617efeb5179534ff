//! Training with early stopping.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// What is trained by steps on batches of samples.
pub(crate) trait Model: Clone {
    /// One step on a batch.
    fn step(&mut self, batch: &[usize]);

    /// Mean loss on samples.
    fn loss(&self, samples: &[usize]) -> f64;
}

/// How long and on how many samples at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Training {
    /// Samples in a batch.
    pub(crate) batch: usize,
    /// Most rounds; a round is one pass over the training samples, or as many as give
    /// `steps_a_round` where these are few.
    pub(crate) rounds: usize,
    /// Fewest steps between two validations.
    pub(crate) steps_a_round: usize,
    /// Rounds without a better validation loss after which training stops.
    pub(crate) patience: usize,
}

/// A better loss by less than this, in nats, is kept but is no reason to go on.
const SMALLEST_GAIN: f64 = 3e-4;

/// Trains on `train` and gives the state of the lowest loss on `validation`, the first one included,
/// with that loss.
pub(crate) fn train<M: Model>(
    mut model: M,
    training: Training,
    train: &[usize],
    validation: &[usize],
    rng: &mut ChaCha8Rng,
) -> (M, f64) {
    let mut order = train.to_vec();
    let batch = training.batch.min(order.len()).max(1);
    let mut best = (model.clone(), model.loss(validation));
    let mut since_best = 0;
    for _ in 0..training.rounds {
        let mut steps = 0;
        while steps < training.steps_a_round {
            order.shuffle(rng);
            for samples in order.chunks_exact(batch) {
                model.step(samples);
                steps += 1;
            }
            if order.len() < batch {
                return best;
            }
        }
        let loss = model.loss(validation);
        let gain = best.1 - loss;
        if gain > 0.0 {
            best = (model.clone(), loss);
        }
        if gain > SMALLEST_GAIN {
            since_best = 0;
        } else {
            since_best += 1;
            if since_best >= training.patience {
                break;
            }
        }
    }
    best
}
