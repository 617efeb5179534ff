//! What to distrust.

use super::{Sentence, evidence};
use crate::text::{count, number, percent, plural};
use crate::view::RunView;

/// Relative completeness error above which conductances are called unconverged.
const COMPLETENESS_LIMIT: f64 = 0.05;

pub(super) fn sentences(view: &RunView<'_>) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = [
        warnings(view),
        resolution(view),
        untrusted(view),
        label(view),
        target(view),
    ]
    .into_iter()
    .flatten()
    .collect();
    sentences.extend(evidence::failed_controls(view));
    if sentences.is_empty() {
        sentences.push(
            Sentence::new()
                .words("Nothing was flagged: no figure is saturated and no warning was raised."),
        );
    }
    sentences.extend(evidence::lacking(view));
    sentences.extend(completeness(view));
    sentences.extend(branches(view));
    sentences
}

fn warnings(view: &RunView<'_>) -> Option<Sentence> {
    let count = view.plane.warnings.len();
    (count > 0).then(|| {
        Sentence::new().words(format!(
            "{} below: read {} before any figure.",
            plural(count, "warning"),
            if count == 1 { "it" } else { "them" }
        ))
    })
}

fn resolution(view: &RunView<'_>) -> Option<Sentence> {
    view.plane.resolution.flagged.then(|| {
        Sentence::new().words(format!(
            "Even the coarsest noise, τ = {}, left a bracket wider than {} bits: the samples are \
             too few for these labels. Use fewer, coarser classes or more samples.",
            number(view.plane.resolution.tau),
            number(view.plane.resolution.bracket_limit)
        ))
    })
}

fn untrusted(view: &RunView<'_>) -> Option<Sentence> {
    let figures = || {
        let rows = view.plane.own_rows();
        rows.flat_map(|row| row.mi_x.iter().chain(&row.mi_y))
    };
    let total = figures().count();
    let saturated = figures().filter(|figure| figure.saturated).count();
    let flagged = figures().filter(|figure| figure.flagged).count();
    (saturated + flagged > 0).then(|| {
        Sentence::new().words(format!(
            "Of {total} information figures, saturated (too near the ceiling): {saturated}; bracket \
             too wide: {flagged}. These are drawn hollow and never rank a layer."
        ))
    })
}

fn label(view: &RunView<'_>) -> Option<Sentence> {
    let label = &view.plane.label;
    (view.labelled() && label.coarse).then(|| {
        Sentence::new().words(format!(
            "The {} labels have {} samples at the median and {} at the least: too few to trust \
             the size of I(C;Y).",
            label.n_classes,
            count(label.median_per_class),
            label.min_per_class
        ))
    })
}

fn target(view: &RunView<'_>) -> Option<Sentence> {
    (view.plane.target == "label").then(|| {
        Sentence::new().words(
            "The attributed output is the true label's, so the label leaks into the conductance \
             and I(C;Y) is inflated.",
        )
    })
}

fn completeness(view: &RunView<'_>) -> Option<Sentence> {
    let worst = view.worst_completeness()?;
    let sentence = Sentence::new()
        .words("Completeness error is largest at ")
        .layer(&worst.layer)
        .words(format!(
            ": {} at the median, {} at the 95th percentile of samples",
            percent(worst.relative.median),
            percent(worst.relative.p95)
        ));
    Some(if worst.relative.p95 > COMPLETENESS_LIMIT {
        sentence.words(". Conductance there has not converged for every sample; use more steps.")
    } else {
        sentence.words(".")
    })
}

fn branches(view: &RunView<'_>) -> Option<Sentence> {
    let branches = view.layers.iter().filter(|layer| !layer.cut).count();
    (branches > 0).then(|| {
        Sentence::new().words(format!(
            "{} of {} layers lie on a branch (drawn as diamonds): their conductance is that \
             branch's share of the output, not the whole.",
            branches,
            view.layers.len()
        ))
    })
}
