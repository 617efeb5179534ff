//! The channel as one family among others: a pair in, an estimate out.

use serde_json::json;

use super::{GaussianChannel, pairwise, sweep};
use crate::estimator::resampled;
use crate::{
    About, Estimate, Estimator, EstimatorError, Pair, Parameters, Point, Resampling, Samples,
};

impl Estimator for GaussianChannel {
    fn name(&self) -> &'static str {
        "gaussian-channel"
    }

    fn parameters(&self) -> Parameters {
        [
            ("tau", json!(self.params.tau)),
            ("draws", json!(self.params.draws)),
            ("max_components", json!(self.params.max_components)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn point(&self, pair: &Pair<'_>, seed: u64) -> Result<Point, EstimatorError> {
        let tau = self.params.tau;
        let labels = match pair.about() {
            About::Classes(labels) => Some(labels),
            About::Identity => None,
            About::Vectors(other) => return self.between(pair.vectors(), other, seed),
        };
        let layer = self.prepare(pair.vectors(), labels)?;
        let totals = self.install(|| sweep::totals(&layer, self.pairs(), seed, &[tau]));
        let totals = totals.first().copied().unwrap_or_default();
        let measured = if labels.is_some() {
            totals.label
        } else {
            totals.input
        };
        let mean = measured.mean();
        let ends = match labels {
            Some(labels) => {
                super::labelled(&layer, mean).ok_or_else(|| EstimatorError::lone(labels))?
            }
            None => mean.unwrap_or_default(),
        };
        let bracket = ends.bracket();
        let mut point = Point::of(pair, ends.middle());
        point.saturated = Estimate::is_saturated(bracket, point.ceiling, labels.is_some());
        point.bracket = Some(bracket);
        point.monte_carlo_error = Some(measured.monte_carlo_error(self.pairs()));
        Ok(point)
    }

    fn estimate(
        &self,
        pair: &Pair<'_>,
        resampling: &Resampling,
    ) -> Result<Estimate, EstimatorError> {
        let labels = match pair.about() {
            About::Classes(labels) => Some(labels),
            About::Identity => None,
            About::Vectors(_) => return resampled(self, pair, resampling),
        };
        let layer = self.prepare(pair.vectors(), labels)?;
        let (found, _) = self.resampled(&layer, self.params.tau, resampling);
        match labels {
            Some(labels) => found.label.ok_or_else(|| EstimatorError::lone(labels)),
            None => Ok(found.input),
        }
    }

    /// h(C̃) in bits at the vectors' own scale: I(X;C̃) + h(σε), over the components kept. It needs
    /// vectors that are not constant, as the noise is relative to their variance.
    fn entropy(&self, vectors: Samples<'_>, seed: u64) -> Result<f64, EstimatorError> {
        let layer = self.prepare(vectors, None)?;
        let Some(scaled) = &layer.scaled else {
            return Ok(f64::NEG_INFINITY);
        };
        let tau = self.params.tau;
        let totals = self.install(|| sweep::totals(&layer, self.pairs(), seed, &[tau]));
        let information = totals.first().and_then(|totals| totals.input.mean());
        let noise_variance = tau * tau * scaled.total_variance;
        let noise = 0.5
            * scaled.dimensions as f64
            * (2.0 * std::f64::consts::PI * std::f64::consts::E * noise_variance).log2();
        Ok(information.unwrap_or_default().middle() + noise)
    }
}

impl GaussianChannel {
    /// I(C̃;D̃), noise on both sides.
    fn between(
        &self,
        first: Samples<'_>,
        second: Samples<'_>,
        seed: u64,
    ) -> Result<Point, EstimatorError> {
        let sides = [self.prepare(first, None)?, self.prepare(second, None)?];
        let [first, second] = &sides;
        let total =
            self.install(|| pairwise::total(first, second, self.pairs(), seed, self.params.tau));
        let ends = total.mean().unwrap_or_default();
        let ceiling = (first.n as f64).log2();
        let bracket = ends.bracket();
        Ok(Point {
            value: ends.middle(),
            bracket: Some(bracket),
            monte_carlo_error: Some(total.monte_carlo_error(self.pairs())),
            ceiling,
            saturated: Estimate::is_saturated(bracket, ceiling, false),
            chosen: Parameters::new(),
        })
    }
}
