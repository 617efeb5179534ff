//! Which layers carry most.

use infoplane_plane::{CriticalLayer, Figure, Interval, PlaneRow, VectorKind};

use super::repeats::Repeats;
use super::{Sentence, evidence};
use crate::text::{interval, number};
use crate::view::{RunView, is_trusted, overlap};

/// Names listed before "and n more".
const NAMES: usize = 4;

pub(super) fn sentences(view: &RunView<'_>) -> Vec<Sentence> {
    if view.plane.rows.is_empty() {
        return vec![Sentence::new().words("The result has no layer.")];
    }
    if !view.labelled() {
        return vec![Sentence::new().words(
            "Undecided: the samples have no labels, so I(C;Y) and ITE cannot be estimated. \
             The page shows what each layer keeps of the input, I(X;C).",
        )];
    }
    let repeats = Repeats::new(view);
    let trusted: Vec<(&PlaneRow, &Figure)> = view
        .rows(VectorKind::Conductance)
        .filter(|row| is_trusted(row) && !view.is_output(&row.layer) && !repeats.has(&row.layer))
        .filter_map(|row| row.mi_y.as_ref().map(|figure| (row, figure)))
        .collect();
    let mut sentences = vec![efficiency(view, &repeats)];
    sentences.extend(output(view));
    if view.ranked().next().is_some() {
        sentences.extend(evidence::critical(view));
    }
    sentences.extend(label_information(&trusted, &repeats));
    sentences.extend(largest_step(&trusted));
    sentences
}

/// The ranking by ITE, as far as the intervals decide it.
fn efficiency(view: &RunView<'_>, repeats: &Repeats<'_>) -> Sentence {
    let ranked: Vec<&CriticalLayer> = view
        .ranked()
        .filter(|layer| !repeats.has(&layer.layer))
        .collect();
    let Some(first) = ranked.first() else {
        return Sentence::new().words(
            "Undecided: no layer can be ranked, because every conductance figure is saturated or \
             its bracket is too wide.",
        );
    };
    let tied: Vec<&str> = ranked
        .iter()
        .skip(1)
        .filter(|other| overlap(first.ite.ci, other.ite.ci))
        .map(|other| other.layer.as_str())
        .collect();
    let sentence = Sentence::new();
    if ranked.len() == 1 {
        return named(sentence, &first.layer, repeats).words(format!(
            " is the only layer whose figures can be ranked: ITE {}.",
            with_interval(first.ite)
        ));
    }
    if tied.is_empty() {
        return named(sentence, &first.layer, repeats).words(format!(
            " has the highest transformation efficiency, ITE {}: of what it carries, the largest \
             share is about the label. Its interval lies apart from all others.",
            with_interval(first.ite)
        ));
    }
    if tied.len() + 1 == ranked.len() {
        return sentence.words(format!(
            "Undecided: the ITE intervals of all {} ranked layers overlap that of the highest, ",
            ranked.len()
        )).layer(&first.layer).words(format!(" ({}).", with_interval(first.ite)));
    }
    named(sentence, &first.layer, repeats)
        .words(format!(
            " has the highest estimated ITE, {}, but the first place is undecided: the interval \
             overlaps that of ",
            with_interval(first.ite)
        ))
        .layers(&tied, NAMES)
        .words(".")
}

/// A layer's name with those that repeat it.
fn named(sentence: Sentence, layer: &str, repeats: &Repeats<'_>) -> Sentence {
    let same = repeats.of(layer);
    let sentence = sentence.layer(layer);
    if same.is_empty() {
        return sentence;
    }
    sentence
        .words(" (with ")
        .layers(&same, NAMES)
        .words(", whose conductances are the same)")
}

/// Why the network's output is left out of the ranking.
fn output(view: &RunView<'_>) -> Option<Sentence> {
    let outputs: Vec<&str> = view
        .layers
        .iter()
        .filter(|layer| layer.output)
        .map(|layer| layer.name.as_str())
        .collect();
    let verb = if outputs.len() == 1 { "is" } else { "are" };
    (!outputs.is_empty()).then(|| {
        Sentence::new()
            .words("Left out: ")
            .layers(&outputs, NAMES)
            .words(format!(
                ", which {verb} the network's output: only the attributed unit has conductance there, so the \
                 figures tell of the prediction and not of what a layer carries."
            ))
    })
}

/// The layer with the highest I(C;Y).
fn label_information(trusted: &[(&PlaneRow, &Figure)], repeats: &Repeats<'_>) -> Option<Sentence> {
    let (row, figure) = trusted
        .iter()
        .max_by(|a, b| a.1.value.total_cmp(&b.1.value))?;
    let tied: Vec<&str> = trusted
        .iter()
        .filter(|(other, f)| other.layer != row.layer && overlap(f.ci, figure.ci))
        .map(|(other, _)| other.layer.as_str())
        .collect();
    let sentence = Sentence::new().words("Most is known about the label at ");
    let sentence = named(sentence, &row.layer, repeats).words(format!(
        ": I(C;Y) = {} bits {} of at most {}",
        number(figure.value),
        interval(figure.ci),
        number(figure.ceiling)
    ));
    Some(if tied.is_empty() {
        sentence.words(".")
    } else {
        sentence
            .words("; undecided against ")
            .layers(&tied, NAMES)
            .words(".")
    })
}

/// The largest rise of I(C;Y) between neighbouring cut layers.
fn largest_step(trusted: &[(&PlaneRow, &Figure)]) -> Option<Sentence> {
    let cuts: Vec<_> = trusted.iter().filter(|(row, _)| row.cut).collect();
    let (before, after) = cuts.iter().zip(cuts.iter().skip(1)).max_by(|a, b| {
        let rise = |pair: &(&&(&PlaneRow, &Figure), &&(&PlaneRow, &Figure))| {
            pair.1.1.value - pair.0.1.value
        };
        rise(a).total_cmp(&rise(b))
    })?;
    let decided = !overlap(before.1.ci, after.1.ci) && after.1.value > before.1.value;
    if !decided {
        return Some(Sentence::new().words(
            "No step between neighbouring cut layers raises I(C;Y) by more than the intervals \
             allow: where the label's share appears is undecided.",
        ));
    }
    Some(
        Sentence::new()
            .words("The label's share jumps most from ")
            .layer(&before.0.layer)
            .words(" to ")
            .layer(&after.0.layer)
            .words(format!(
                ": I(C;Y) rises from {} to {} bits, and the intervals lie apart.",
                number(before.1.value),
                number(after.1.value)
            )),
    )
}

fn with_interval(figure: Interval) -> String {
    format!("{} {}", number(figure.value), interval(figure.ci))
}
