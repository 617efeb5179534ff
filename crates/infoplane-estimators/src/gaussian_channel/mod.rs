//! `gaussian-channel`: the information that passes a Gaussian channel of stated noise.
//!
//! In a deterministic network the vectors C of a layer are a function of the input X, and I(X;C) is
//! infinite or log N whatever the layer (Goldfeld et al. 2019, arXiv 1810.05728). What is estimated
//! is what remains behind noise: with Z the vectors, centred,
//!
//! ```text
//! C̃ = Z + σ ε,   ε ~ N(0, I_d),   σ² = τ² · tr Cov(Z)
//! I(X;C̃) = h(C̃) − h(σε)           I(C̃;Y) = h(C̃) − Σ_y p(y) h(C̃ | Y = y)
//! ```
//!
//! where h(C̃) is the entropy of the Gaussian mixture centred on the samples (the sample-propagation
//! estimator). Both come from the same C̃, so I(C̃;Y) ≤ I(X;C̃) by data processing.
//!
//! **Noise** is relative to the layer's *whole* variance, so that the width of a layer does not by
//! itself add information. Vectors are rotated to their principal components, of which at most
//! [`GaussianChannelParams::max_components`] are kept; the noise stays relative to the variance of all, and
//! [`PreparedLayer::variance_kept`] says what was left behind.
//!
//! **Monte Carlo.** With S = Z_i + σε the noise's own density is the control variate, and its
//! normalisation cancels:
//!
//! ```text
//! log p(S) − log φ(S − Z_i) = log 1/N Σ_j exp(a_ij),   a_ij = −|Z_i − Z_j|²/2σ² − ε·(Z_i − Z_j)/σ
//! ```
//!
//! The own center has a_ii = 0 exactly. Distances and projections ε·Z_j are matrix products that
//! serve every τ. Draws come in antithetic pairs ±ε, which cancels the odd part of the error. Of the
//! even part, most is that of a Gaussian of the layer's covariance, −q with q = ½ Σ_k λ_k/(λ_k + σ²)
//! (ε_k² − 1) over the principal components, whose mean is 0: β q is added, with β by regression over
//! the draws of each sample.
//!
//! **Bracket.** With the own center in the mixture, I(X;C̃) reads too low (never above log₂ N) and
//! I(C̃;Y) too high; with it left out each errs the other way. The value is the middle of the two.
//!
//! **Why the middle.** Let f be the true density of C̃, S a draw of it, w = φ(S − Z)/f(S) for another
//! Z, so that w has mean 1, and D − 1 its variance over Z, averaged over S: the χ²-information of the
//! channel. To first order in D/N the logarithm of the mixture of N centers errs
//!
//! ```text
//! left out   E log p(S) − log f(S) = −(D − 1)/2N             (concavity of the logarithm)
//! own        E log p(S) − log f(S) = +(D − 1)/N − (D − 1)/2N (its own center: E w(S, Z_S) = D)
//! ```
//!
//! by as much, with opposite signs: in the middle the first order cancels, and the bracket's width is
//! (D − 1)/N nats. The conditional entropies err likewise with D_y and N_y, and outweigh the other
//! where classes have few samples. What is left is of second order, about the bracket's width
//! squared. `examples/bracket_study` measures it for I(C̃;Y) of Gaussian clusters (2 to 50 dimensions, 2
//! to 150 classes of 6 to 100 samples, τ 0.2 to 1, mean of 3 draws, bits):
//!
//! | bracket | middle's error: rms, largest |
//! |---|---|
//! | up to 0.25 | 0.01, 0.03 |
//! | 0.25 to 0.5 | 0.02, 0.07 |
//! | 0.5 to 1 | 0.06, 0.13 |
//! | 1 to 2 | 0.13, 0.30 |
//! | 2 to 4 | 0.40, 0.91 |
//! | above | 1.5, 3.5 |
//!
//! So [`crate::BRACKET_LIMIT`] keeps it within 0.15 bit, and beyond 2 bits the middle holds no longer:
//! few centers lie within σ of a draw, and it reads too low in up to 5 dimensions, too high in 50 at
//! moderate widths. Then the shares of either end that would be right run from 0.3 to 0.8 with no
//! fixed weight better than a half. An error of second order is taken off by (4 m − h)/3 with m the
//! middle and h its mean on halves of the samples; it halves the error of brackets from 0.5 to 2
//! bits. Taking off a first order, 2 m − h, makes it worse, as there is none.
//!
//! **Lone samples.** A class of one sample has no left-out conditional density. Such samples stay in
//! the mixture of all, but I(C̃;Y) averages over the others only, in both ends of the bracket. Where
//! that leaves most random halves of the samples without a class of two, there is no I(C̃;Y).
//!
//! **Constant vectors** carry 0 bits, exactly. Duplicates are centers like others.
//!
//! **Intervals** and the permutation null hold the noise σ of the whole sample fixed: they speak of
//! this channel, not of what another sample's tr Cov(Z) would have made of it.
//!
//! **Two vectors.** Of a pair of vectors C and D, behind independent noise each, σ² = τ² · tr Cov of
//! its own side:
//!
//! ```text
//! I(C̃;D̃) = h(C̃) + h(D̃) − h(C̃, D̃)
//! ```
//!
//! with the joint mixture centred on the pairs of samples. By data processing it is at most I(C;D),
//! I(X;C̃) and I(X;D̃), and falls with τ: it is what a reader of both, each at a resolution of τ of
//! its whole spread, could say of one from the other, and never an estimate of I(C;D) itself, which
//! is infinite for a deterministic relation. Its intervals are those of the trait, from whole
//! estimates on halves, in which each half has its own noise.
//!
//! **Cost** of a sweep: N² (d (1 + draws/2) + draws · number of τ) multiply-adds or exponentials; of an
//! estimate at one τ as much again, and N² (draws · halves/2 + draws · permutations/classes) additions.
//! Memory: 12 · N · d bytes, and a few rows of N for each thread, in blocks. Exponentials are in
//! single precision, which is rounding of some 1e−6 bit; what is summed of them is in double.

mod block;
mod by_class;
mod ends;
pub(crate) mod exponential;
mod halves;
mod kernel;
mod pair;
mod pairwise;
mod permuted;
mod prepared;
mod resampled;
mod row;
mod sweep;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use prepared::PreparedLayer;

use crate::resample::{subsampling_interval, summarise_null};
use crate::{
    Estimate, EstimatorError, Information, InformationEstimator, Labels, Parameters, Resampling,
    Samples,
};
use ends::Ends;

/// Unchecked parameters of [`GaussianChannel`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianChannelParams {
    /// τ: the noise's standard deviation in each coordinate, relative to the square root of the
    /// layer's whole variance. Default 0.3.
    pub tau: f64,
    /// Noise draws a sample, an even number from 4. Default 4.
    pub draws: usize,
    /// Dimensions kept at most, from 1. Default 64.
    pub max_components: usize,
    /// Random halves of the samples behind each interval, from 20. Default 50.
    pub subsamples: usize,
    /// Permutations of the labels behind the null of I(C;Y); 0 for none. Default 100.
    pub permutations: usize,
    /// Seed of noise, halves and permutations. Default 0.
    pub seed: u64,
    /// Threads; 0, the default, for those of the current rayon pool.
    pub threads: usize,
}

impl Default for GaussianChannelParams {
    fn default() -> Self {
        Self {
            tau: 0.3,
            draws: 4,
            max_components: 64,
            subsamples: 50,
            permutations: 100,
            seed: 0,
            threads: 0,
        }
    }
}

impl GaussianChannelParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// For the first parameter outside of its range, and when the threads can't be started.
    pub fn check(self) -> Result<GaussianChannel, EstimatorError> {
        let refuse = |name, value: String, allowed| {
            Err(EstimatorError::Parameter {
                name,
                value,
                allowed,
            })
        };
        check_tau(self.tau)?;
        if self.draws < 4 || !self.draws.is_multiple_of(2) {
            return refuse(
                "draws",
                self.draws.to_string(),
                "an even number, at least 4",
            );
        }
        if self.max_components == 0 {
            return refuse("max_components", "0".to_owned(), "at least 1");
        }
        if self.subsamples < 20 {
            return refuse("subsamples", self.subsamples.to_string(), "at least 20");
        }
        let pool = if self.threads == 0 {
            None
        } else {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(self.threads)
                .build()
                .map_err(|error| EstimatorError::Threads {
                    threads: self.threads,
                    reason: error.to_string(),
                })?;
            Some(pool)
        };
        Ok(GaussianChannel { params: self, pool })
    }
}

fn check_tau(tau: f64) -> Result<(), EstimatorError> {
    if (1e-3..=1e3).contains(&tau) {
        Ok(())
    } else {
        Err(EstimatorError::Parameter {
            name: "tau",
            value: tau.to_string(),
            allowed: "from 0.001 to 1000",
        })
    }
}

/// The estimator `gaussian-channel`, with checked parameters.
#[derive(Debug)]
pub struct GaussianChannel {
    params: GaussianChannelParams,
    pool: Option<rayon::ThreadPool>,
}

/// Both informations at one τ, without intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChannelPoint {
    /// Noise relative to the layer's standard deviation.
    pub tau: f64,
    /// I(X;C̃) in bits.
    pub input: f64,
    /// Its bracket: [lower, upper]; the lower end is the one with the own center in the mixture.
    pub input_bracket: [f64; 2],
    /// I(C̃;Y); absent without labels, and where no class has two samples.
    pub label: Option<LabelBracket>,
}

/// I(C̃;Y) at one τ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LabelBracket {
    /// I(C̃;Y) in bits.
    pub value: f64,
    /// Its bracket: [lower, upper]; the upper end is the one with the own center in the mixture,
    /// but for classes that don't overlap at all.
    pub bracket: [f64; 2],
}

impl ChannelPoint {
    /// The wider of the two brackets, in bits.
    pub fn widest_bracket(&self) -> f64 {
        let width = |[low, high]: [f64; 2]| high - low;
        let label = self.label.map_or(0.0, |label| width(label.bracket));
        width(self.input_bracket).max(label)
    }
}

impl GaussianChannel {
    /// The checked parameters.
    pub fn params(&self) -> &GaussianChannelParams {
        &self.params
    }

    /// Centres, rotates and scales a layer's vectors, for [`Self::sweep`] and [`Self::estimate`].
    ///
    /// # Errors
    /// When labels and samples differ in number, or an eigendecomposition fails.
    pub fn prepare(
        &self,
        samples: Samples<'_>,
        labels: Option<&Labels>,
    ) -> Result<PreparedLayer, EstimatorError> {
        PreparedLayer::new(samples, labels, self.params.max_components)
    }

    /// Both informations at each of `taus`, in one pass.
    ///
    /// # Errors
    /// For a τ outside of 0.001 to 1000.
    pub fn sweep(
        &self,
        layer: &PreparedLayer,
        taus: &[f64],
    ) -> Result<Vec<ChannelPoint>, EstimatorError> {
        taus.iter().try_for_each(|&tau| check_tau(tau))?;
        let totals = self.install(|| sweep::totals(layer, self.pairs(), self.params.seed, taus));
        let points = taus.iter().zip(totals).map(|(&tau, totals)| {
            let input = totals.input.mean().unwrap_or_default();
            let label = labelled(layer, totals.label.mean()).map(|ends| LabelBracket {
                value: ends.middle(),
                bracket: ends.bracket(),
            });
            ChannelPoint {
                tau,
                input: input.middle(),
                input_bracket: input.bracket(),
                label,
            }
        });
        Ok(points.collect())
    }

    /// Both informations at `tau`, with intervals and null.
    ///
    /// # Errors
    /// For a τ outside of 0.001 to 1000.
    pub fn estimate(&self, layer: &PreparedLayer, tau: f64) -> Result<Information, EstimatorError> {
        Ok(self.estimate_by_class(layer, tau)?.0)
    }

    /// [`Self::estimate`], and what each class of a layer prepared with labels contributes to I(C̃;Y):
    /// D(p(c̃|y) ‖ p(c̃)) in bits by class, in the order of [`Labels::present`], whose mean over samples
    /// is the value where no class has a single sample. `None` for a class that has; empty without
    /// labels.
    ///
    /// # Errors
    /// For a τ outside of 0.001 to 1000.
    pub fn estimate_by_class(
        &self,
        layer: &PreparedLayer,
        tau: f64,
    ) -> Result<(Information, Vec<Option<f64>>), EstimatorError> {
        check_tau(tau)?;
        let resampling = Resampling {
            subsamples: self.params.subsamples,
            permutations: self.params.permutations,
            seed: self.params.seed,
        };
        Ok(self.resampled(layer, tau, &resampling))
    }

    /// Both informations at a checked `tau`, and the second's terms by class.
    fn resampled(
        &self,
        layer: &PreparedLayer,
        tau: f64,
        resampling: &Resampling,
    ) -> (Information, Vec<Option<f64>>) {
        let pairs = self.pairs();
        let resampled = self.install(|| resampled::at_tau(layer, pairs, resampling, tau));
        let totals = &resampled.totals;
        let input_ends = totals.input.mean().unwrap_or_default();
        let ceiling = (layer.n as f64).log2();
        let bracket = input_ends.bracket();
        let input = Estimate {
            value: input_ends.middle(),
            ci: subsampling_interval(input_ends.middle(), &resampled.input_halves),
            bracket,
            monte_carlo_error: totals.input.monte_carlo_error(self.pairs()),
            ceiling,
            null: None,
            saturated: Estimate::is_saturated(bracket, ceiling, false),
            subsamples: resampled.input_halves,
            chosen: Parameters::new(),
        };
        let usable = resampled.label_halves.iter().filter(|h| h.is_finite());
        let enough = 2 * usable.count() >= resampled.label_halves.len();
        let label = labelled(layer, totals.label.mean()).filter(|_| enough);
        let label = label.map(|ends| {
            let value = ends.middle();
            let bracket = ends.bracket();
            let ceiling = layer.classes.as_ref().map_or(0.0, |c| c.entropy);
            Estimate {
                value,
                ci: subsampling_interval(value, &resampled.label_halves),
                bracket,
                monte_carlo_error: totals.label.monte_carlo_error(self.pairs()),
                ceiling,
                null: summarise_null(value, resampled.label_permuted),
                saturated: Estimate::is_saturated(bracket, ceiling, true),
                subsamples: resampled.label_halves,
                chosen: Parameters::new(),
            }
        });
        let information = Information {
            input,
            label,
            n_samples: layer.n,
            n_lone: layer.classes.as_ref().map_or(0, |c| c.n_lone),
            dimensions: layer.dimensions(),
            variance_kept: layer.variance_kept(),
        };
        (information, resampled.by_class)
    }

    fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    fn pairs(&self) -> usize {
        self.params.draws / 2
    }
}

/// I(C̃;Y) of a layer: `mean` where some class has two samples, 0 for constant vectors.
fn labelled(layer: &PreparedLayer, mean: Option<Ends>) -> Option<Ends> {
    let classes = layer.classes.as_ref()?;
    if classes.n_lone == layer.n {
        return None;
    }
    Some(mean.unwrap_or_default())
}

impl InformationEstimator for GaussianChannel {
    fn name(&self) -> &'static str {
        "gaussian-channel"
    }

    fn information(
        &self,
        samples: Samples<'_>,
        labels: Option<&Labels>,
    ) -> Result<Information, EstimatorError> {
        self.estimate(&self.prepare(samples, labels)?, self.params.tau)
    }
}
