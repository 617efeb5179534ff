//! Entropy from the distance of the k-th neighbour (Kozachenko and Leonenko 1987).

use std::f64::consts::{LN_2, LOG2_E};

use super::check_samples;
use crate::digamma::Digamma;
use crate::neighbours::{ColumnScale, Points, kth_distances};
use crate::{EstimatorError, Samples};

/// h(X) = ψ(N) − ψ(k) + d ln 2 + (d/N) Σ_i ln ε_i in the maximum norm, with ε_i the distance of the
/// `k`-th neighbour; in bits.
///
/// −∞ where a column is constant, or a sample has `k` copies: a law with atoms has no density.
pub(super) fn kozachenko_leonenko(
    vectors: Samples<'_>,
    scale: ColumnScale,
    k: usize,
) -> Result<f64, EstimatorError> {
    let n = vectors.n_samples();
    check_samples(n, k)?;
    // Normal scores keep mutual information and not entropy.
    let scale = match scale {
        ColumnScale::NormalScores => ColumnScale::Deviation,
        other => other,
    };
    let points = Points::new(vectors, scale);
    if points.constant() > 0 {
        return Ok(f64::NEG_INFINITY);
    }
    let digamma = Digamma::up_to(n);
    let mut distances = kth_distances(&points, k);
    // In order of size, so that the sum does not depend on the order of samples.
    distances.sort_unstable_by(f64::total_cmp);
    let mean_log = distances.iter().map(|d| d.ln()).sum::<f64>() / n as f64;
    let nats = digamma.at(n) - digamma.at(k)
        + points.width() as f64 * (LN_2 + mean_log)
        + points.log_scale();
    Ok(nats * LOG2_E)
}
