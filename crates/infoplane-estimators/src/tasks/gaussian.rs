//! Gaussian vectors: what passes a Gaussian channel has a closed form.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Independent Gaussian coordinates of stated variance.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianVectors {
    /// Variance of each coordinate.
    pub variances: Vec<f64>,
}

impl GaussianVectors {
    /// `n` vectors, row-major `[n, variances.len()]`.
    pub fn sample(&self, n: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n)
            .flat_map(|_| &self.variances)
            .map(|variance| {
                let z: f64 = StandardNormal.sample(&mut rng);
                (z * variance.sqrt()) as f32
            })
            .collect()
    }

    /// I(X; X + N) = ½ log₂ det(I + Σ/σ²) in bits, for Gaussian noise N of variance σ² in each
    /// coordinate (Shannon 1948; Cover and Thomas 2006, §9.4).
    pub fn channel_information(&self, noise_variance: f64) -> f64 {
        self.variances
            .iter()
            .map(|variance| 0.5 * (variance / noise_variance).ln_1p() / std::f64::consts::LN_2)
            .sum()
    }
}
