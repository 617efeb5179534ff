//! Layers that are a function of their input, with more units than there are samples: the
//! information is infinite, and whatever an estimator says is its own ceiling.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Task, standard_normal};

const FUNCTION: &str = "one side is an invertible function of the other: infinite";

const INPUTS: usize = 10;
const UNITS: usize = 2_048;

pub(super) fn tasks() -> Vec<Task> {
    let task = |name: &str, activation: fn(f64) -> f64| {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let scale = 1.0 / (INPUTS as f64).sqrt();
        let weights: Vec<f64> = (0..INPUTS * UNITS)
            .map(|_| scale * standard_normal(&mut rng))
            .collect();
        Task::of_vectors(name, [INPUTS, UNITS], f64::INFINITY, FUNCTION, move |rng| {
            let x: Vec<f64> = (0..INPUTS).map(|_| standard_normal(rng)).collect();
            let units = weights
                .chunks_exact(INPUTS)
                .map(|row| activation(row.iter().zip(&x).map(|(w, v)| w * v).sum()));
            let y = units.collect();
            (x, y)
        })
    };
    vec![
        task("deterministic-tanh", f64::tanh),
        task("deterministic-relu", |v| v.max(0.0)),
    ]
}
