//! Information Transformation Efficiency, and changes from layer to layer, with intervals from the
//! subsamples that all layers share.

use infoplane_estimators::{Estimate, Information, ratio_with_interval, subsampling_interval};

use crate::{Interval, Ite};

/// ITE of a layer in its three forms; `previous` is the cut layer before it, for a cut layer.
pub(crate) fn efficiency(layer: &Information, previous: Option<&Information>) -> Ite {
    let ratio = ratio(layer);
    let normalized = layer.label.as_ref().and_then(|label| {
        let factor = layer.input.ceiling / label.ceiling;
        let ratio = ratio.filter(|_| label.ceiling > 0.0)?;
        Some(Interval {
            value: ratio.value * factor,
            ci: ratio.ci.map(|end| end * factor),
        })
    });
    Ite {
        ratio,
        normalized,
        incremental: previous.and_then(|previous| incremental(layer, previous)),
    }
}

/// I(C;Y) / I(X;C); `None` without labels and where the interval of I(X;C) holds 0.
pub(crate) fn ratio(layer: &Information) -> Option<Interval> {
    let (value, ci) = ratio_with_interval(layer.label.as_ref()?, &layer.input)?;
    Some(Interval { value, ci })
}

/// ΔI(C;Y) / |ΔI(X;C)|; `None` where the interval of ΔI(X;C) holds 0, and where neither information changes on
/// the halves of the samples, on which the quotient then does not exist.
fn incremental(layer: &Information, previous: &Information) -> Option<Interval> {
    let (label, before) = (layer.label.as_ref()?, previous.label.as_ref()?);
    if holds_zero(change(&layer.input, &previous.input).ci) {
        return None;
    }
    let form = |label: f64, before: f64, input: f64, input_before: f64| {
        (label - before) / (input - input_before).abs()
    };
    let value = form(
        label.value,
        before.value,
        layer.input.value,
        previous.input.value,
    );
    let halves: Vec<f64> = label
        .subsamples
        .iter()
        .zip(&before.subsamples)
        .zip(
            layer
                .input
                .subsamples
                .iter()
                .zip(&previous.input.subsamples),
        )
        .map(|((l, b), (x, p))| form(*l, *b, *x, *p))
        .collect();
    let ci = subsampling_interval(value, &halves);
    let defined = value.is_finite() && ci.iter().all(|end| end.is_finite());
    defined.then_some(Interval { value, ci })
}

/// `to − from`.
pub(crate) fn change(to: &Estimate, from: &Estimate) -> Interval {
    joint(
        to.value - from.value,
        to.subsamples
            .iter()
            .zip(&from.subsamples)
            .map(|(t, f)| t - f),
    )
}

/// Difference of ITE `ratio`, `to − from`.
pub(crate) fn ratio_change(to: &Information, from: &Information) -> Option<Interval> {
    let (to_label, from_label) = (to.label.as_ref()?, from.label.as_ref()?);
    let value = ratio(to)?.value - ratio(from)?.value;
    let to_halves = to_label.subsamples.iter().zip(&to.input.subsamples);
    let from_halves = from_label.subsamples.iter().zip(&from.input.subsamples);
    Some(joint(
        value,
        to_halves
            .zip(from_halves)
            .map(|((ty, tx), (fy, fx))| ty / tx - fy / fx),
    ))
}

pub(crate) fn holds_zero(ci: [f64; 2]) -> bool {
    ci[0] <= 0.0 && ci[1] >= 0.0
}

fn joint(value: f64, halves: impl Iterator<Item = f64>) -> Interval {
    let halves: Vec<f64> = halves.collect();
    Interval {
        value,
        ci: subsampling_interval(value, &halves),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn estimate(value: f64, ceiling: f64, noise: &[f64]) -> Estimate {
        let subsamples: Vec<f64> = noise.iter().map(|n| value + n).collect();
        Estimate {
            value,
            ci: subsampling_interval(value, &subsamples),
            bracket: [value - 0.1, value + 0.1],
            monte_carlo_error: 0.0,
            ceiling,
            null: None,
            saturated: false,
            subsamples,
            chosen: Default::default(),
        }
    }

    /// I(X;C) and I(C;Y) whose halves scatter by `scatter`, alike for every layer made here.
    pub(crate) fn information(input: f64, label: f64, scatter: f64) -> Information {
        let noise: Vec<f64> = (0..40).map(|i| scatter * f64::from(i % 5 - 2)).collect();
        Information {
            input: estimate(input, 10.0, &noise),
            label: Some(estimate(label, 3.0, &noise)),
            n_samples: 1024,
            n_lone: 0,
            dimensions: 8,
            variance_kept: 1.0,
        }
    }

    #[test]
    fn three_forms_follow_their_formulas() {
        let (before, layer) = (information(5.0, 1.0, 0.01), information(4.0, 2.0, 0.01));
        let ite = efficiency(&layer, Some(&before));
        let near = |found: Option<Interval>, expected: f64| {
            let found = found.unwrap();
            assert!((found.value - expected).abs() < 1e-12);
            assert!(found.ci[0] <= expected && expected <= found.ci[1]);
        };
        near(ite.ratio, 0.5);
        near(ite.normalized, (2.0 / 3.0) / (4.0 / 10.0));
        near(ite.incremental, 1.0);
        assert!(efficiency(&layer, None).incremental.is_none());
    }

    #[test]
    fn forms_are_undefined_where_the_denominator_may_be_zero() {
        let layer = information(0.001, 1.0, 0.01);
        assert_eq!(efficiency(&layer, None).ratio, None);
        assert_eq!(efficiency(&layer, None).normalized, None);
        let same = information(4.0, 2.0, 0.01);
        assert_eq!(
            efficiency(&same, Some(&information(4.0, 1.0, 0.01))).incremental,
            None
        );
    }

    #[test]
    fn the_incremental_form_needs_an_interval() {
        let before = information(5.0, 1.0, 0.01);
        let mut layer = information(4.0, 2.0, 0.01);
        assert!(efficiency(&layer, Some(&before)).incremental.is_some());
        layer.input.subsamples.clone_from(&before.input.subsamples);
        assert_eq!(efficiency(&layer, Some(&before)).incremental, None);
    }

    #[test]
    fn shared_subsamples_cancel_in_changes() {
        let (before, after) = (information(5.0, 1.0, 0.5), information(4.0, 2.0, 0.5));
        let change = change(&after.input, &before.input);
        assert!((change.ci[0] + 1.0).abs() < 1e-9 && (change.ci[1] + 1.0).abs() < 1e-9);
    }
}
