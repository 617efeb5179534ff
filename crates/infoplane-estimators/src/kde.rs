//! `kde`: pairwise bounds on what passes a Gaussian channel, without random draws.
//!
//! The vectors, smoothed by a Gaussian of variance σ² in each coordinate, are the mixture C̃ of N
//! Gaussians. Its entropy lies between (Kolchinsky and Tracey 2017, "Estimating Mixture Entropy with
//! Pairwise Distances", Entropy 19:361)
//!
//! ```text
//! h(C̃) ≥ h(σε) − 1/N Σ_i log 1/N Σ_j exp(−|Z_i − Z_j|²/8σ²)     Bhattacharyya (Chernoff, α = ½)
//! h(C̃) ≤ h(σε) − 1/N Σ_i log 1/N Σ_j exp(−|Z_i − Z_j|²/2σ²)     Kullback-Leibler
//! ```
//!
//! and both are exact for clusters that are either one or far apart. With l and u the two, less
//! h(σε):
//!
//! ```text
//! identity   I(X;C̃) = h(C̃) − h(σε)                   in [l, u]
//! classes    I(C̃;Y) = h(C̃) − Σ_y p(y) h(C̃|Y=y)       in [l − Σ p(y) u_y, u − Σ p(y) l_y]
//! vectors    I(C̃;D̃) = h(C̃) + h(D̃) − h(C̃, D̃)         in [l_C + l_D − u_CD, u_C + u_D − l_CD]
//! ```
//!
//! The bracket is these bounds; **the value is its middle**, which is also the mean of the figure that
//! is made of upper bounds alone and of the one made of lower bounds alone.
//!
//! **Width.** σ² = τ² · tr Cov(Z), relative to the whole variance of each side, as in
//! `gaussian-channel`: the bounds are those of the same channel, and comparable between layers.
//!
//! **What the bounds hold for** is the mixture of these N samples, whose own center is always in it.
//! The distribution behind the samples differs from it: I(X;C̃) reads too low and never above log₂ N,
//! I(C̃;Y) too high, by more the fewer samples a class has within σ. `gaussian-channel` shows how
//! much.
//!
//! **Saturated** where the samples are all apart: the mixture of all (of both sides, for two vectors)
//! has 95 % of log₂ N, and classes then read H(Y) whatever they are.
//!
//! **Bad cases.** Constant vectors carry 0 bits. Duplicates and classes of one sample are components
//! like others. One class gives 0 bits inside a bracket that is as wide as u − l.
//!
//! Cost: N² (d multiply-adds and one exponential). Memory: N · d numbers and a few rows of N a
//! thread. Vectors are rotated to at most [`KdeParams::max_components`] principal components first.

use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::distances::Rows;
use crate::gaussian_channel::exponential::exponential;
use crate::parallel;
use crate::principal::Scaled;
use crate::{
    About, Estimator, EstimatorError, Labels, Pair, Parameters, Point, SATURATION_SHARE, Samples,
};

/// Unchecked parameters of [`Kde`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KdeParams {
    /// τ: the kernel's standard deviation in each coordinate, relative to the square root of the
    /// whole variance of its side, from 0.001 to 1000. Default 0.3.
    pub tau: f64,
    /// Dimensions kept at most, from 1. Default 64.
    pub max_components: usize,
}

impl Default for KdeParams {
    fn default() -> Self {
        Self {
            tau: 0.3,
            max_components: 64,
        }
    }
}

impl KdeParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// For the first parameter outside of its range.
    pub fn check(self) -> Result<Kde, EstimatorError> {
        if !(1e-3..=1e3).contains(&self.tau) {
            return Err(EstimatorError::Parameter {
                name: "tau",
                value: self.tau.to_string(),
                allowed: "from 0.001 to 1000",
            });
        }
        if self.max_components == 0 {
            return Err(EstimatorError::Parameter {
                name: "max_components",
                value: "0".to_owned(),
                allowed: "at least 1",
            });
        }
        Ok(Kde { params: self })
    }
}

/// The estimator `kde`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Kde {
    params: KdeParams,
}

/// Two bounds on an entropy or information, in nats until they are shown.
#[derive(Debug, Clone, Copy, Default)]
struct Bounds {
    low: f64,
    high: f64,
}

impl Bounds {
    fn add(&mut self, other: Self) {
        self.low += other.low;
        self.high += other.high;
    }

    fn scaled(self, factor: f64) -> Self {
        Self {
            low: self.low * factor,
            high: self.high * factor,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            low: self.low - other.high,
            high: self.high - other.low,
        }
    }

    fn plus(mut self, other: Self) -> Self {
        self.add(other);
        self
    }
}

impl Kde {
    /// The checked parameters.
    pub fn params(&self) -> &KdeParams {
        &self.params
    }

    /// Bounds on h(C̃) − h(σε) of rows in units of their spread.
    fn mixture(&self, rows: &Rows) -> Bounds {
        let n = rows.n();
        let factor = -0.25 / (self.params.tau * self.params.tau);
        let parts = parallel::map_items(&rows.blocks(n), |range| {
            let mut distances = vec![0.0; range.len() * n];
            rows.half_distances(range.clone(), rows, &mut distances);
            let mut part = Bounds::default();
            for row in distances.chunks_exact(n) {
                let [narrow, wide] = Arch::new().dispatch(Sums { row, factor });
                part.add(Bounds {
                    low: (n as f64 / wide).ln(),
                    high: (n as f64 / narrow).ln(),
                });
            }
            part
        });
        let mut sum = Bounds::default();
        parts.into_iter().for_each(|part| sum.add(part));
        sum.scaled(1.0 / n as f64)
    }

    fn scaled(&self, samples: Samples<'_>) -> Result<Option<Scaled>, EstimatorError> {
        Scaled::new(samples, self.params.max_components)
    }

    /// Of the information, and of the mixture of all.
    fn about_classes(&self, rows: &Rows, labels: &Labels) -> (Bounds, Bounds) {
        let mut members = vec![Vec::new(); labels.n_classes()];
        for (sample, &class) in labels.dense().iter().enumerate() {
            members[class].push(sample);
        }
        let n = rows.n() as f64;
        let mut within = Bounds::default();
        for members in &members {
            let share = members.len() as f64 / n;
            within.add(self.mixture(&rows.subset(members)).scaled(share));
        }
        let whole = self.mixture(rows);
        (whole.minus(within), whole)
    }

    /// Of the information, and of the mixture of both sides.
    fn between(&self, first: &Rows, second: &Rows) -> (Bounds, Bounds) {
        let joint = self.mixture(&first.beside(second));
        let alone = self.mixture(first).plus(self.mixture(second));
        (alone.minus(joint), joint)
    }
}

/// 0 bits.
fn constant(pair: &Pair<'_>) -> Point {
    Point {
        bracket: Some([0.0; 2]),
        saturated: false,
        ..Point::of(pair, 0.0)
    }
}

impl Estimator for Kde {
    fn name(&self) -> &'static str {
        "kde"
    }

    fn parameters(&self) -> Parameters {
        [
            ("tau", json!(self.params.tau)),
            ("max_components", json!(self.params.max_components)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// There are no random draws: the seed changes nothing.
    fn point(&self, pair: &Pair<'_>, _seed: u64) -> Result<Point, EstimatorError> {
        let Some(scaled) = self.scaled(pair.vectors())? else {
            return Ok(constant(pair));
        };
        let rows = Rows::new(scaled.data, scaled.dimensions);
        let (bounds, whole) = match pair.about() {
            About::Vectors(other) => {
                let Some(second) = self.scaled(other)? else {
                    return Ok(constant(pair));
                };
                self.between(&rows, &Rows::new(second.data, second.dimensions))
            }
            About::Classes(labels) => self.about_classes(&rows, labels),
            About::Identity => {
                let whole = self.mixture(&rows);
                (whole, whole)
            }
        };
        let bits = bounds.scaled(std::f64::consts::LOG2_E);
        let mut point = Point::of(pair, 0.5 * (bits.low + bits.high));
        point.bracket = Some([bits.low, bits.high]);
        let resolved = 0.5 * (whole.low + whole.high);
        point.saturated = resolved >= SATURATION_SHARE * (pair.n_samples() as f64).ln();
        Ok(point)
    }

    /// The middle of the bounds on h(C̃) in bits at the vectors' own scale, over the components kept;
    /// −∞ for constant vectors.
    fn entropy(&self, vectors: Samples<'_>, _seed: u64) -> Result<f64, EstimatorError> {
        let Some(scaled) = self.scaled(vectors)? else {
            return Ok(f64::NEG_INFINITY);
        };
        let variance = self.params.tau * self.params.tau * scaled.total_variance;
        let noise = 0.5
            * scaled.dimensions as f64
            * (std::f64::consts::TAU * std::f64::consts::E * variance).log2();
        let bounds = self.mixture(&Rows::new(scaled.data, scaled.dimensions));
        Ok(noise + 0.5 * (bounds.low + bounds.high) * std::f64::consts::LOG2_E)
    }
}

/// Σ_j e_j⁴ and Σ_j e_j with e_j = exp(factor · distance_j): one exponential for both bounds.
struct Sums<'a> {
    row: &'a [f64],
    factor: f64,
}

impl WithSimd for Sums<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 2] {
        // As many lanes whatever the processor, so that the order of additions is the same.
        const LANES: usize = 8;
        let (mut narrow, mut wide) = ([0.0; LANES], [0.0; LANES]);
        let (blocks, tail) = self.row.as_chunks::<LANES>();
        for block in blocks {
            for lane in 0..LANES {
                let e = exponential(self.factor * block[lane]);
                wide[lane] += e;
                narrow[lane] += (e * e) * (e * e);
            }
        }
        let mut sums = [narrow.iter().sum::<f64>(), wide.iter().sum::<f64>()];
        for &distance in tail {
            let e = exponential(self.factor * distance);
            sums[1] += e;
            sums[0] += (e * e) * (e * e);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::{GaussianClusters, GaussianVectors};
    use crate::{GaussianChannelParams, Resampling};

    fn kde(tau: f64) -> Kde {
        KdeParams {
            tau,
            ..Default::default()
        }
        .check()
        .unwrap()
    }

    #[test]
    fn bounds_agree_with_plain_sums() {
        let data: Vec<f64> = (0..33).map(|i| f64::from((i * 17) % 23)).collect();
        let rows = Rows::new(data.clone(), 3);
        let tau = 4.0;
        let n = 11;
        let mut expected = Bounds::default();
        for i in 0..n {
            let (mut narrow, mut wide) = (0.0, 0.0);
            for j in 0..n {
                let square: f64 = (0..3)
                    .map(|k| (data[3 * i + k] - data[3 * j + k]).powi(2))
                    .sum();
                narrow += (-square / (2.0 * tau * tau)).exp() / n as f64;
                wide += (-square / (8.0 * tau * tau)).exp() / n as f64;
            }
            expected.low -= wide.ln() / n as f64;
            expected.high -= narrow.ln() / n as f64;
        }
        let found = kde(tau).mixture(&rows);
        assert!((found.low - expected.low).abs() < 1e-12);
        assert!((found.high - expected.high).abs() < 1e-12);
    }

    /// The channel's figure with the own center in the mixture is that of the same mixture.
    #[test]
    fn the_channels_figure_lies_between_the_bounds() {
        for tau in [0.1, 0.3, 1.0] {
            let (vectors, classes) = GaussianClusters::new(5, 4, 1.5, 3).sample(60, 4);
            let labels = Labels::new(&classes).unwrap();
            let samples = Samples::new(&vectors, 300, 4).unwrap();
            let channel = GaussianChannelParams {
                tau,
                draws: 40,
                ..Default::default()
            };
            let channel = channel.check().unwrap();
            let layer = channel.prepare(samples, Some(&labels)).unwrap();
            let exact = channel.sweep(&layer, &[tau]).unwrap()[0];
            let identity = Pair::new(samples, About::Identity).unwrap();
            let [low, high] = kde(tau).point(&identity, 0).unwrap().bracket.unwrap();
            let own = exact.input_bracket[0];
            assert!(low < own + 0.01 && own < high + 0.01, "{low} {own} {high}");
            let pair = Pair::new(samples, About::Classes(&labels)).unwrap();
            let [low, high] = kde(tau).point(&pair, 0).unwrap().bracket.unwrap();
            let own = exact.label.unwrap().bracket[1];
            assert!(low < own && own < high, "{low} {own} {high}");
        }
    }

    #[test]
    fn clusters_far_apart_are_counted_exactly() {
        let vectors: Vec<f64> = (0..64).map(|i| f64::from(i % 4) * 100.0).collect();
        let classes: Vec<u32> = (0..64).map(|i| i % 4).collect();
        let labels = Labels::new(&classes).unwrap();
        let samples = Samples::from_f64(&vectors, 64, 1).unwrap();
        let estimator = kde(0.01);
        for about in [
            About::Identity,
            About::Classes(&labels),
            About::Vectors(samples),
        ] {
            let point = estimator
                .point(&Pair::new(samples, about).unwrap(), 0)
                .unwrap();
            let [low, high] = point.bracket.unwrap();
            assert!((low - 2.0).abs() < 1e-9 && (high - 2.0).abs() < 1e-9);
            assert!(!point.saturated);
        }
    }

    #[test]
    fn order_scale_and_sides_change_nothing() {
        let task = GaussianVectors {
            variances: vec![1.0, 0.5],
        };
        let data: Vec<f64> = task.sample(120, 1).iter().map(|&v| f64::from(v)).collect();
        let other: Vec<f64> = data.chunks_exact(2).map(|v| v[0] * v[1]).collect();
        let estimator = kde(0.3);
        let between = |a: &[f64], wide: usize, b: &[f64], narrow: usize| {
            let first = Samples::from_f64(a, 120, wide).unwrap();
            let second = Samples::from_f64(b, 120, narrow).unwrap();
            let pair = Pair::new(first, About::Vectors(second)).unwrap();
            estimator.point(&pair, 0).unwrap().value
        };
        let expected = between(&data, 2, &other, 1);
        let reversed: Vec<f64> = data.rchunks_exact(2).flatten().copied().collect();
        let other_reversed: Vec<f64> = other.iter().rev().copied().collect();
        let moved: Vec<f64> = data.iter().map(|v| 7.0 - 3.0 * v).collect();
        for found in [
            between(&reversed, 2, &other_reversed, 1),
            between(&moved, 2, &other, 1),
            between(&other, 1, &data, 2),
        ] {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn constant_vectors_and_one_class_carry_nothing() {
        let constant = vec![3.0; 40];
        let varied: Vec<f64> = (0..40).map(f64::from).collect();
        let classes = Labels::new(&[1; 40]).unwrap();
        let estimator = kde(0.3);
        let samples = Samples::from_f64(&constant, 40, 1).unwrap();
        let pair = Pair::new(samples, About::Identity).unwrap();
        assert_eq!(estimator.point(&pair, 0).unwrap().value, 0.0);
        let samples = Samples::from_f64(&varied, 40, 1).unwrap();
        let pair = Pair::new(samples, About::Classes(&classes)).unwrap();
        let found = estimator.estimate(&pair, &Resampling::default()).unwrap();
        assert!(found.value.abs() < 1e-9);
        assert!(found.bracket[0] < 0.0 && 0.0 < found.bracket[1]);
    }

    #[test]
    fn bad_parameters_are_refused_by_name() {
        for (tau, max_components, expected) in [(0.0, 64, "tau"), (0.3, 0, "max_components")] {
            let params = KdeParams {
                tau,
                max_components,
            };
            match params.check() {
                Err(EstimatorError::Parameter { name, .. }) => assert_eq!(name, expected),
                other => panic!("{other:?}"),
            }
        }
    }
}
