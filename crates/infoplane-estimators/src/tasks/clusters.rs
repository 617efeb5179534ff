//! Gaussian class clusters: what the noisy vectors tell about the class follows from the true
//! densities.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Classes of equal size; vectors of a class are N(mean, I), and means are N(0, spread² I).
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianClusters {
    dimensions: usize,
    means: Vec<Vec<f64>>,
}

impl GaussianClusters {
    /// Draws the means of `n_classes` classes. With a `spread` of 0 the class is independent of the
    /// vectors.
    pub fn new(n_classes: usize, dimensions: usize, spread: f64, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let means = (0..n_classes)
            .map(|_| normals(&mut rng, dimensions).map(|z| z * spread).collect())
            .collect();
        Self { dimensions, means }
    }

    /// `per_class` vectors of each class: row-major `[classes · per_class, dimensions]`, and classes.
    pub fn sample(&self, per_class: usize, seed: u64) -> (Vec<f32>, Vec<u32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut vectors = Vec::with_capacity(self.means.len() * per_class * self.dimensions);
        let mut classes = Vec::with_capacity(self.means.len() * per_class);
        for (class, mean) in (0_u32..).zip(&self.means) {
            for _ in 0..per_class {
                let noise = normals(&mut rng, self.dimensions);
                vectors.extend(noise.zip(mean).map(|(z, m)| (z + m) as f32));
                classes.push(class);
            }
        }
        (vectors, classes)
    }

    /// I(C̃;Y) in bits for C̃ = vector + noise of variance `noise_variance` in each coordinate: the
    /// mean over `n` draws of log₂ p(C̃|Y)/p(C̃), from the true densities.
    pub fn label_information(&self, noise_variance: f64, n: usize, seed: u64) -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let variance = 1.0 + noise_variance;
        let log_density = |point: &[f64], mean: &[f64]| {
            let square: f64 = point.iter().zip(mean).map(|(p, m)| (p - m).powi(2)).sum();
            -0.5 * square / variance
        };
        let draws = (0..n).zip(self.means.iter().cycle());
        let sum: f64 = draws
            .map(|(_, mean)| {
                let noise = normals(&mut rng, self.dimensions);
                let point: Vec<f64> = noise
                    .zip(mean)
                    .map(|(z, m)| m + z * variance.sqrt())
                    .collect();
                let own = log_density(&point, mean);
                let ratios = self
                    .means
                    .iter()
                    .map(|m| (log_density(&point, m) - own).exp());
                (self.means.len() as f64).log2() - ratios.sum::<f64>().log2()
            })
            .sum();
        sum / n as f64
    }
}

fn normals(rng: &mut ChaCha8Rng, count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |_| StandardNormal.sample(rng))
}
