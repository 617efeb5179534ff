//! What stands beside the plane: ablation, other estimators, checks of theory and controls.

use infoplane_plane::{
    AblationEvidence, CheckVerdict, ControlResult, ControlVerdict, RankCorrelation, RankedBy,
    Verdict,
};

use super::Sentence;
use crate::text::{interval, number, plural};
use crate::view::RunView;

/// Names listed before "and n more".
const NAMES: usize = 4;

/// Which layers are critical by plane and ablation, and whether the two rank the layers alike.
pub(super) fn critical(view: &RunView<'_>) -> Vec<Sentence> {
    let ranked = view.ranked().next();
    let Some((ablation, _)) = view.plane.ablation.as_ref().zip(ranked) else {
        return Vec::new();
    };
    let both: Vec<&str> = ablation
        .layers
        .iter()
        .filter(|layer| layer.verdict == Some(Verdict::Both))
        .map(|layer| layer.layer.as_str())
        .collect();
    let sentence = Sentence::new();
    let named = if both.is_empty() {
        sentence.words(
            "No layer is critical by both kinds of evidence: none that ITE ranks high hurts more \
             than the control when its channels of highest conductance are replaced.",
        )
    } else {
        sentence
            .words("Critical by both kinds of evidence, a high ITE and an ablation that hurts more than its control: ")
            .layers(&both, NAMES)
            .words(".")
    };
    std::iter::once(named).chain(agreement(ablation)).collect()
}

fn agreement(ablation: &AblationEvidence) -> Option<Sentence> {
    let RankCorrelation { rho, ci, n } = ablation.correlation?;
    let [low, high] = ci?;
    let verdict = match (low > 0.0, high < 0.0) {
        (true, _) => "The two kinds of evidence order the layers alike",
        (_, true) => {
            "The two kinds of evidence order the layers the opposite way: where ITE is highest, the \
             channels of highest conductance are the easiest to do without"
        }
        _ => "Undecided whether the two kinds of evidence order the layers alike",
    };
    Some(Sentence::new().words(format!(
        "{verdict} (rank correlation {} {} over {}).",
        number(rho),
        interval([low, high]),
        plural(n, "layer")
    )))
}

/// How well halves of the samples, and other estimators, keep the ranking by ITE.
pub(super) fn rankings(view: &RunView<'_>) -> Vec<Sentence> {
    let by_ite = |s: &&infoplane_plane::RankStability| s.by == RankedBy::Ite;
    let Some(stability) = view.plane.stability.iter().find(by_ite) else {
        return Vec::new();
    };
    let mut sentences = Vec::new();
    if let Some(halves) = stability.halves {
        sentences.push(Sentence::new().words(format!(
            "Half of the samples rank the layers like all of them to Kendall's τ = {} on average, \
             {} at the 5th percentile of {} halves.",
            number(halves.mean),
            number(halves.p05),
            halves.n
        )));
    }
    let swept = view.plane.resolution.sweep.len();
    let own = format!("τ = {}", view.plane.resolution.tau);
    let row = stability.rankings.iter().position(|name| *name == own);
    let agreements = row.and_then(|row| stability.kendall.get(row));
    let others: Vec<(&String, f64)> = stability
        .rankings
        .iter()
        .zip(agreements.into_iter().flatten())
        .skip(swept)
        .filter_map(|(name, agreement)| Some((name, (*agreement)?)))
        .collect();
    if !others.is_empty() {
        let listed: Vec<String> = others
            .iter()
            .map(|(name, agreement)| format!("{name} {}", number(*agreement)))
            .collect();
        sentences.push(Sentence::new().words(format!(
            "Other estimators rank the layers by ITE like {} to Kendall's τ of: {}.",
            view.estimator,
            listed.join(", ")
        )));
    }
    sentences
}

/// How many predictions of theory hold.
pub(super) fn checks(view: &RunView<'_>) -> Option<Sentence> {
    let checks = &view.plane.checks;
    let count = |verdict| checks.iter().filter(|c| c.verdict == verdict).count();
    (!checks.is_empty()).then(|| {
        Sentence::new().words(format!(
            "Predictions of information theory that hold: {}; violated: {}; undecided: {}.",
            count(CheckVerdict::Holds),
            count(CheckVerdict::Violated),
            count(CheckVerdict::Undecided)
        ))
    })
}

/// How many controls came out as they must.
pub(super) fn controls(view: &RunView<'_>) -> Option<Sentence> {
    let judged = judged(view);
    let met = with_verdict(&judged, ControlVerdict::AsExpected).len();
    (!judged.is_empty()).then(|| {
        Sentence::new().words(format!(
            "{met} of {} came out as expected.",
            plural(judged.len(), "control")
        ))
    })
}

/// Controls that did not come out as they must, or did not say.
pub(super) fn failed_controls(view: &RunView<'_>) -> Vec<Sentence> {
    let judged = judged(view);
    let mut sentences: Vec<Sentence> = with_verdict(&judged, ControlVerdict::NotAsExpected)
        .into_iter()
        .map(|control| {
            Sentence::new().words(format!(
                "The control “{}” did not come out as expected: {}.",
                control.change, control.evidence
            ))
        })
        .collect();
    let undecided = with_verdict(&judged, ControlVerdict::Undecided);
    if !undecided.is_empty() {
        let names: Vec<&str> = undecided.iter().map(|c| c.name.as_str()).collect();
        sentences.push(Sentence::new().words(format!(
            "Undecided: what the {} {} say{}.",
            if names.len() == 1 {
                "control"
            } else {
                "controls"
            },
            names.join(", "),
            if names.len() == 1 { "s" } else { "" }
        )));
    }
    sentences
}

/// What the run lacks to confirm its findings.
pub(super) fn lacking(view: &RunView<'_>) -> Option<Sentence> {
    let lacks = match (&view.plane.ablation, &view.plane.controls) {
        (Some(_), Some(_)) => return None,
        (None, Some(_)) => "no ablation, so the ranking rests on one kind of evidence",
        (Some(_), None) => {
            "no controls, so whether the findings come from the trained weights and from the labels \
             is not tested"
        }
        (None, None) => {
            "neither ablation nor controls: the ranking rests on one kind of evidence, and whether it \
             comes from the trained weights and from the labels is not tested"
        }
    };
    Some(Sentence::new().words(format!("The run has {lacks}.")))
}

fn judged<'a>(view: &RunView<'a>) -> Vec<&'a ControlResult> {
    let controls = view.plane.controls.iter().flat_map(|c| &c.controls);
    controls.filter(|c| c.verdict.is_some()).collect()
}

fn with_verdict<'a>(
    controls: &[&'a ControlResult],
    verdict: ControlVerdict,
) -> Vec<&'a ControlResult> {
    let chosen = controls.iter().filter(|c| c.verdict == Some(verdict));
    chosen.copied().collect()
}
