//! How sure the ranking is.

use infoplane_plane::{PlaneRow, ResolutionStep, VectorKind};

use super::repeats::Repeats;
use super::{Sentence, evidence};
use crate::text::{integer, number, plural};
use crate::view::RunView;

pub(super) fn sentences(view: &RunView<'_>) -> Vec<Sentence> {
    let mut sentences = vec![samples(view)];
    sentences.push(resolution(view));
    if view.labelled() {
        let repeats = Repeats::new(view);
        let stands = |layer: &str| !view.is_output(layer) && !repeats.has(layer);
        sentences.extend(stability(view, &stands));
        sentences.extend(evidence::rankings(view));
        sentences.extend(above_null(view));
        sentences.extend(agreement(view, &stands));
    }
    sentences.extend(evidence::controls(view));
    sentences.extend(evidence::checks(view));
    sentences
}

fn samples(view: &RunView<'_>) -> Sentence {
    let mut text = format!(
        "{} samples. Every figure is followed by its 95 % interval by subsampling",
        integer(view.plane.n as u64)
    );
    let mut widths: Vec<f64> = view
        .rows(VectorKind::Conductance)
        .filter_map(|row| row.ite.ratio)
        .map(|ite| (ite.ci[1] - ite.ci[0]) / 2.0)
        .filter(|width| width.is_finite())
        .collect();
    widths.sort_by(f64::total_cmp);
    if let (Some(middle), Some(widest)) = (widths.get(widths.len() / 2), widths.last()) {
        text.push_str(&format!(
            "; for ITE it is ±{} at the median layer and ±{} at the widest",
            number(*middle),
            number(*widest)
        ));
    }
    Sentence::new().words(text + ".")
}

fn resolution(view: &RunView<'_>) -> Sentence {
    let resolution = &view.plane.resolution;
    let widest = resolution
        .sweep
        .iter()
        .find(|step| step.tau == resolution.tau)
        .map(|step| {
            format!(
                ": there the estimator's own bracket is at most {} bits wide (limit {})",
                number(step.widest_bracket),
                number(resolution.bracket_limit)
            )
        })
        .unwrap_or_default();
    Sentence::new().words(format!(
        "Information is measured through a channel of noise τ = {}{widest}.",
        number(resolution.tau)
    ))
}

/// At how many of the valid noise levels the same layer has the highest ITE;
/// `stands` tells which layers count.
fn stability(view: &RunView<'_>, stands: &dyn Fn(&str) -> bool) -> Option<Sentence> {
    let first = &view.ranked().find(|layer| stands(&layer.layer))?.layer;
    let valid: Vec<&ResolutionStep> = view
        .plane
        .resolution
        .sweep
        .iter()
        .filter(|step| step.widest_bracket <= view.plane.resolution.bracket_limit)
        .collect();
    if valid.len() < 2 {
        return Some(Sentence::new().words(
            "Fewer than two noise levels kept the bracket under its limit, so whether the ranking \
             depends on the resolution is undecided.",
        ));
    }
    let agreeing = valid
        .iter()
        .filter(|step| highest_at(step, stands) == Some(first))
        .count();
    let sentence = Sentence::new().layer(first);
    Some(if agreeing == valid.len() {
        sentence.words(format!(
            " comes first at all {} valid noise levels, so the ranking's top does not hang on τ.",
            valid.len()
        ))
    } else {
        sentence.words(format!(
            " comes first at {agreeing} of {} valid noise levels: the ranking's top depends on τ.",
            valid.len()
        ))
    })
}

fn highest_at<'a>(step: &'a ResolutionStep, stands: &dyn Fn(&str) -> bool) -> Option<&'a String> {
    step.points
        .iter()
        .filter(|point| point.kind == VectorKind::Conductance && stands(&point.layer))
        .filter_map(|point| point.ite.map(|ite| (&point.layer, ite)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(layer, _)| layer)
}

fn above_null(view: &RunView<'_>) -> Option<Sentence> {
    let tested: Vec<_> = view
        .rows(VectorKind::Conductance)
        .filter_map(|row| row.mi_y.as_ref())
        .filter_map(|figure| figure.null.map(|null| figure.value > null.p95))
        .collect();
    if tested.is_empty() {
        return None;
    }
    let above = tested.iter().filter(|above| **above).count();
    Some(Sentence::new().words(if above == tested.len() {
        format!(
            "I(C;Y) lies above the 95th percentile of its permutation null in all {}.",
            plural(tested.len(), "layer")
        )
    } else {
        format!(
            "I(C;Y) lies above the 95th percentile of its permutation null in {above} of {}; in \
             the others it is no more than chance gives.",
            plural(tested.len(), "layer")
        )
    }))
}

/// Whether the activation plane names the same layer.
fn agreement(view: &RunView<'_>, stands: &dyn Fn(&str) -> bool) -> Option<Sentence> {
    let first = view.ranked().find(|layer| stands(&layer.layer))?;
    let ite = |row: &PlaneRow| row.ite.ratio.map(|ite| ite.value);
    let activation = view
        .rows(VectorKind::Activation)
        .filter(|row| stands(&row.layer))
        .filter_map(|row| ite(row).map(|value| (&row.layer, value)))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    let sentence = Sentence::new();
    Some(if *activation.0 == first.layer {
        sentence.words("The activation plane puts the same layer first.")
    } else {
        sentence
            .words("The activation plane puts another layer first: ")
            .layer(activation.0)
            .words(".")
    })
}
