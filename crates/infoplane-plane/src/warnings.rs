//! Sentences that a reader must see before trusting a figure.

use crate::{CompletenessRow, LabelSummary, PlaneInput, PlaneRow, Resolution};

/// A median completeness error above this share of the output difference is warned about.
const COMPLETENESS_LIMIT: f64 = 0.05;

/// Variance left behind by the rotation to principal components that is worth a warning.
const VARIANCE_LIMIT: f64 = 0.99;

/// What [`warnings`] looks at beside the input.
pub(crate) struct Findings<'a> {
    pub(crate) label: &'a LabelSummary,
    pub(crate) labelled: bool,
    pub(crate) n_lone: usize,
    pub(crate) resolution: &'a Resolution,
    pub(crate) rows: &'a [PlaneRow],
    /// Share of variance kept, by row.
    pub(crate) variance_kept: &'a [f64],
    pub(crate) completeness: &'a [CompletenessRow],
}

pub(crate) fn warnings(input: &PlaneInput<'_>, found: &Findings<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    about_labels(input, found, &mut warnings);
    let resolution = found.resolution;
    if resolution.flagged {
        warnings.push(format!(
            "Resolution: {}. Figures whose bracket is wider are flagged and rank no layer; use fewer, coarser classes or more samples.",
            resolution.reason
        ));
    }
    about_rows(found, &mut warnings);
    for row in found.completeness {
        if row.relative.median > COMPLETENESS_LIMIT {
            warnings.push(format!(
                "Layer `{}`: conductances miss the output difference by {:.0} % in the median sample; use more path steps.",
                row.layer,
                100.0 * row.relative.median
            ));
        }
    }
    warnings
}

fn about_labels(input: &PlaneInput<'_>, found: &Findings<'_>, warnings: &mut Vec<String>) {
    let label = found.label;
    if input.target == "label" {
        warnings.push(
            "The attributed target is the true label, so the label leaks into the conductances and I(C;Y) of conductance is inflated; the default target is the predicted class.".to_owned(),
        );
    }
    if !found.labelled {
        let given = input.label.iter().flat_map(|label| &label.values);
        let count = given.filter(|value| value.is_some()).count();
        warnings.push(if count == 0 {
            "The samples have no labels: I(C;Y), ITE and critical layers are not there.".to_owned()
        } else {
            format!(
                "Only {count} of {} samples have a label: I(C;Y), ITE and critical layers are not there.",
                input.n_samples
            )
        });
        return;
    }
    if label.n_classes == 1 {
        warnings.push("All samples have the same label: I(C;Y) is 0 by definition.".to_owned());
    } else if label.coarse {
        warnings.push(format!(
            "{} labels with a median of {} samples each are too few samples for a trustworthy I(C;Y); map them to coarser groups or use more samples.",
            label.n_classes, label.median_per_class
        ));
    }
    if found.n_lone > 0 {
        warnings.push(format!(
            "{} samples are the only one of their label; they are left out of I(C;Y).",
            found.n_lone
        ));
    }
}

fn about_rows(found: &Findings<'_>, warnings: &mut Vec<String>) {
    let name = |row: &PlaneRow| format!("{} of `{}`", row.kind, row.layer);
    let names = |chosen: &dyn Fn(&PlaneRow) -> bool| -> Option<String> {
        let names: Vec<String> = found
            .rows
            .iter()
            .filter(|row| chosen(row))
            .map(name)
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    if let Some(names) = names(&|row| row.dimensions == 0) {
        warnings.push(format!(
            "Constant over the samples, and so without information: {names}."
        ));
    }
    let saturated = |row: &PlaneRow| {
        row.mi_x.as_ref().is_some_and(|figure| figure.saturated)
            || row.mi_y.as_ref().is_some_and(|figure| figure.saturated)
    };
    if let Some(names) = names(&saturated) {
        warnings.push(format!(
            "Saturated, too near the ceiling to mean anything: {names}."
        ));
    }
    let least = found
        .rows
        .iter()
        .zip(found.variance_kept)
        .min_by(|(_, a), (_, b)| a.total_cmp(b));
    if let Some((row, &kept)) = least
        && kept < VARIANCE_LIMIT
    {
        warnings.push(format!(
            "The rotation to {} principal components leaves up to {:.1} % of a layer's variance behind ({}); the information in it is not counted.",
            row.dimensions,
            100.0 * (1.0 - kept),
            name(row)
        ));
    }
}
