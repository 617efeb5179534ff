//! Which samples train, which choose, and which are judged.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Stream of the seed that orders samples for folds; folds train on streams 1, 2, ….
const ORDER_STREAM: u64 = 0;

/// One division of the samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fold {
    /// Samples that weights are fitted to.
    pub(crate) train: Vec<usize>,
    /// Samples that stop the training and choose between models.
    pub(crate) validation: Vec<usize>,
    /// Samples that are judged; each sample is in one fold's.
    pub(crate) test: Vec<usize>,
    /// Number of the fold.
    pub(crate) index: usize,
}

/// `count` folds of `0..n`. A sixth of the samples not judged, at least one, is for validation.
pub(crate) fn folds(n: usize, count: usize, seed: u64) -> Vec<Fold> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(ORDER_STREAM);
    order.shuffle(&mut rng);
    (0..count)
        .map(|index| {
            let (start, end) = (index * n / count, (index + 1) * n / count);
            let rest: Vec<usize> = order[..start]
                .iter()
                .chain(&order[end..])
                .copied()
                .collect();
            let (validation, train) = rest.split_at(rest.len().div_ceil(6));
            Fold {
                train: train.to_vec(),
                validation: validation.to_vec(),
                test: order[start..end].to_vec(),
                index,
            }
        })
        .collect()
}

impl Fold {
    /// The random numbers of this fold's model number `model`.
    pub(crate) fn rng(&self, seed: u64, model: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1 + (self.index * 64 + model) as u64);
        rng
    }
}
