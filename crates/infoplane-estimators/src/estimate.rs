//! What every estimator returns, and the trait they share.

use serde::{Deserialize, Serialize};

use crate::resample::subsampling_interval;
use crate::{EstimatorError, Labels, Parameters, Samples};

/// A bracket wider than this, in bits, leaves a figure untrusted.
pub const BRACKET_LIMIT: f64 = 1.0;

/// An estimate whose bracket reaches this share of its ceiling is saturated.
pub const SATURATION_SHARE: f64 = 0.95;

/// An estimator of what a layer's vectors C tell about the input X and about the label Y.
pub trait InformationEstimator {
    /// The name in files and on the command line (`gaussian-channel`).
    fn name(&self) -> &'static str;

    /// Estimates I(X;C), with X uniform on the samples, and I(C;Y) where labels are given.
    ///
    /// # Errors
    /// When labels and samples differ in number, or the computation fails.
    fn information(
        &self,
        samples: Samples<'_>,
        labels: Option<&Labels>,
    ) -> Result<Information, EstimatorError>;
}

/// Both informations of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Information {
    /// I(X;C).
    pub input: Estimate,
    /// I(C;Y); absent without labels, and where hardly any class has two samples.
    pub label: Option<Estimate>,
    /// Samples.
    pub n_samples: usize,
    /// Samples that I(C;Y) leaves out because they are the only one of their class.
    pub n_lone: usize,
    /// Dimensions kept.
    pub dimensions: usize,
    /// Share of the vectors' variance in the kept dimensions, in [0, 1].
    pub variance_kept: f64,
}

/// An estimate in bits, with what is needed to judge it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate. Not clamped: noise may make it negative.
    pub value: f64,
    /// 95 % interval by subsampling without replacement; for families with
    /// [`crate::Estimator::less_biased`] joined to that of the less biased estimate.
    pub ci: [f64; 2],
    /// [lower, upper]: for `gaussian-channel` two errors of opposite sign whose middle is the value,
    /// for `kde` two bounds; the value twice where the family gives one number.
    pub bracket: [f64; 2],
    /// Standard error of the value from random draws alone; 0 where there are none.
    pub monte_carlo_error: f64,
    /// Largest value that the sample size (log₂ N) or the label (H(Y)) allows.
    pub ceiling: f64,
    /// The permutation null; absent where a permutation changes nothing.
    pub null: Option<Null>,
    /// See [`Estimate::is_saturated`]; also where the whole interval lies above the ceiling, or the
    /// value grows with the samples as only an infinite truth does.
    pub saturated: bool,
    /// The estimate on each subsample. Subsamples are the same for both informations of a layer and
    /// for every layer of a run, so functions of several estimates get their interval from these.
    pub subsamples: Vec<f64>,
    /// Parameters that were chosen from the data.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub chosen: Parameters,
}

impl Estimate {
    /// Whether a bracket says nothing because of its ceiling: its upper end reaches
    /// [`SATURATION_SHARE`] of it. A figure that the label bounds may lie at H(Y) truly: when both
    /// ends do (`both_ends_may_reach`), the label is resolved, and that is a finding.
    pub fn is_saturated(bracket: [f64; 2], ceiling: f64, both_ends_may_reach: bool) -> bool {
        let reached = SATURATION_SHARE * ceiling;
        let resolved = both_ends_may_reach && bracket[0] >= reached;
        ceiling > 0.0 && bracket[1] >= reached && !resolved
    }

    /// Width of the bracket, in bits.
    pub fn bracket_width(&self) -> f64 {
        self.bracket[1] - self.bracket[0]
    }

    /// Whether the bracket is wider than [`BRACKET_LIMIT`].
    pub fn is_flagged(&self) -> bool {
        self.bracket_width() > BRACKET_LIMIT
    }
}

/// Values of an estimate under permuted labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Null {
    /// Mean over permutations.
    pub mean: f64,
    /// 95th percentile over permutations.
    pub p95: f64,
    /// Share of permutations, the observed labels counted as one, at or above the value.
    pub p_value: f64,
}

/// `numerator / denominator` with the interval from their joint subsamples; `None` where the
/// denominator's interval holds 0.
pub fn ratio_with_interval(
    numerator: &Estimate,
    denominator: &Estimate,
) -> Option<(f64, [f64; 2])> {
    if denominator.ci[0] <= 0.0 && denominator.ci[1] >= 0.0 {
        return None;
    }
    let value = numerator.value / denominator.value;
    let ratios: Vec<f64> = numerator
        .subsamples
        .iter()
        .zip(&denominator.subsamples)
        .map(|(n, d)| n / d)
        .collect();
    Some((value, subsampling_interval(value, &ratios)))
}
