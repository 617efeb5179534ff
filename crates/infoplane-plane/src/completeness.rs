//! How far conductances are from summing to the output difference, by cut layer, and the steps it took.

use std::collections::BTreeMap;

use crate::{CompletenessRow, Distribution, PlaneInput, StepCount};

impl Distribution {
    /// Summarises `values`; all zeros where there are none.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let count = values.len();
        // Linear between order statistics, as NumPy's default.
        let quantile = |q: f64| {
            let place = q * count.saturating_sub(1) as f64;
            let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
            let (low, high) = (at(place.floor() as usize), at(place.ceil() as usize));
            low + (high - low) * place.fract()
        };
        Self {
            min: quantile(0.0),
            median: quantile(0.5),
            mean: values.iter().sum::<f64>() / count.max(1) as f64,
            p95: quantile(0.95),
            max: quantile(1.0),
        }
    }
}

/// One row a cut layer. A sample whose output does not differ from its baseline's has an absolute
/// error only.
pub(crate) fn completeness(input: &PlaneInput<'_>) -> Vec<CompletenessRow> {
    let differences: Vec<f64> = input
        .f_input
        .iter()
        .zip(&input.f_baseline)
        .map(|(&f, &baseline)| f64::from(f) - f64::from(baseline))
        .collect();
    let layers = input.layers.iter().filter(|layer| layer.cut);
    layers
        .filter_map(|layer| {
            let delta = layer.delta.as_ref()?;
            let absolute: Vec<f64> = delta.iter().map(|&d| f64::from(d).abs()).collect();
            let relative = absolute
                .iter()
                .zip(&differences)
                .filter(|(_, difference)| **difference != 0.0)
                .map(|(error, difference)| error / difference.abs())
                .collect();
            Some(CompletenessRow {
                layer: layer.name.clone(),
                relative: Distribution::of(relative),
                absolute: Distribution::of(absolute),
            })
        })
        .collect()
}

/// Samples by number of path steps, fewest steps first.
pub(crate) fn step_counts(steps: &[u32]) -> Vec<StepCount> {
    let mut counts = BTreeMap::new();
    for &steps in steps {
        *counts.entry(steps).or_insert(0) += 1;
    }
    counts
        .into_iter()
        .map(|(steps, samples)| StepCount { steps, samples })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_counted_by_their_steps() {
        let count = |steps, samples| StepCount { steps, samples };
        assert_eq!(
            step_counts(&[24, 12, 24, 64]),
            [count(12, 1), count(24, 2), count(64, 1)]
        );
    }

    #[test]
    fn distribution_interpolates_between_order_statistics() {
        let of = Distribution::of(vec![4.0, 1.0, 2.0, 3.0]);
        assert_eq!((of.min, of.median, of.mean, of.max), (1.0, 2.5, 2.5, 4.0));
        assert!((of.p95 - 3.85).abs() < 1e-12);
        assert_eq!(Distribution::of(vec![]).max, 0.0);
    }
}
