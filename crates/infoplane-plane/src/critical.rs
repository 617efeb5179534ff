//! Layers ranked by transformation efficiency, with what the intervals allow to be said of each.

use infoplane_estimators::{Estimate, Information};

use crate::efficiency::{change, holds_zero, ratio, ratio_change};
use crate::rank::level;
use crate::{CriticalLayer, Interval, LayerInput};

/// A layer's conductance information and the cut layer before it.
pub(crate) struct Candidate<'a> {
    pub(crate) layer: &'a LayerInput,
    pub(crate) information: &'a Information,
    pub(crate) previous: Option<(&'a LayerInput, &'a Information)>,
}

/// Ranks the layers whose figures can be trusted: no bracket wider than `bracket_limit`, none
/// saturated, I(C;Y) above its permutation null.
pub(crate) fn rank(candidates: &[Candidate<'_>], bracket_limit: f64) -> Vec<CriticalLayer> {
    let mut ranked: Vec<(&Candidate<'_>, Interval)> = candidates
        .iter()
        .filter(|candidate| is_decided(candidate.information, bracket_limit))
        .filter_map(|candidate| Some((candidate, ratio(candidate.information)?)))
        .collect();
    // Stable: of layers that are equal but for rounding, the first in the network comes first.
    ranked.sort_by(|(_, a), (_, b)| level(b.value).total_cmp(&level(a.value)));
    (1..)
        .zip(&ranked)
        .map(|(rank, (candidate, ite))| CriticalLayer {
            layer: candidate.layer.name.clone(),
            rank,
            ite: *ite,
            evidence: evidence(
                candidate,
                ranked.get(rank).map(|(next, _)| *next),
                bracket_limit,
            ),
            verdict: None,
        })
        .collect()
}

fn is_decided(information: &Information, bracket_limit: f64) -> bool {
    let trusted = |e: &Estimate| !e.saturated && e.bracket_width() <= bracket_limit;
    trusted(&information.input)
        && information.label.as_ref().is_some_and(|label| {
            trusted(label) && label.null.is_none_or(|null| label.value > null.p95)
        })
}

fn evidence(candidate: &Candidate<'_>, next: Option<&Candidate<'_>>, bracket_limit: f64) -> String {
    let mut sentence = from_previous(candidate, bracket_limit);
    if let Some(next) = next
        && let Some(lead) = ratio_change(candidate.information, next.information)
        && holds_zero(lead.ci)
    {
        sentence.push_str(&format!(
            "; its lead over `{}` is within the interval",
            next.layer.name
        ));
    }
    sentence
}

fn from_previous(candidate: &Candidate<'_>, bracket_limit: f64) -> String {
    if !candidate.layer.cut {
        return "not a cut layer, so no change from the layer before is stated".to_owned();
    }
    let Some((previous, before)) = candidate.previous else {
        return "the first cut layer, with none before to compare with".to_owned();
    };
    let name = &previous.name;
    let changes = ratio_change(candidate.information, before)
        .filter(|_| is_decided(before, bracket_limit))
        .zip(
            candidate
                .information
                .label
                .as_ref()
                .zip(before.label.as_ref()),
        );
    let Some((ite, (label, label_before))) = changes else {
        return format!("the figures of the cut layer before, `{name}`, are undecided");
    };
    let label = change(label, label_before);
    format!(
        "from `{name}` ITE {}, I(C;Y) {}",
        moved(ite, ""),
        moved(label, " bits")
    )
}

fn moved(change: Interval, unit: &str) -> String {
    let [low, high] = change.ci;
    if holds_zero(change.ci) {
        return format!("does not move beyond its interval ([{low:+.3}, {high:+.3}]{unit})");
    }
    let verb = if change.value > 0.0 { "rises" } else { "falls" };
    format!(
        "{verb} by {:.3} [{low:+.3}, {high:+.3}]{unit}",
        change.value.abs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::efficiency::tests::information;

    fn layer(name: &str) -> LayerInput {
        LayerInput {
            name: name.to_owned(),
            depth: 1,
            cut: true,
            delta: None,
        }
    }

    #[test]
    fn layers_are_ranked_by_efficiency_with_the_change_that_the_intervals_allow() {
        let layers = [layer("stem"), layer("block"), layer("head")];
        let found = [
            information(5.0, 1.0, 0.01),
            information(4.0, 2.0, 0.01),
            information(4.0, 2.0, 0.01),
        ];
        let candidates: Vec<Candidate<'_>> = (0..3)
            .map(|i| Candidate {
                layer: &layers[i],
                information: &found[i],
                previous: i.checked_sub(1).map(|p| (&layers[p], &found[p])),
            })
            .collect();
        let ranked = rank(&candidates, 1.0);
        let names: Vec<&str> = ranked.iter().map(|r| r.layer.as_str()).collect();
        assert_eq!(names, ["block", "head", "stem"]);
        let evidence = &ranked[0].evidence;
        assert!(
            evidence.starts_with("from `stem` ITE rises by 0.300"),
            "{evidence}"
        );
        assert!(
            evidence.ends_with("its lead over `head` is within the interval"),
            "{evidence}"
        );
        assert!(
            ranked[1].evidence.contains("does not move"),
            "{}",
            ranked[1].evidence
        );
    }

    #[test]
    fn untrusted_figures_rank_nothing() {
        let stem = layer("stem");
        let rank_of = |information: Information| {
            rank(
                &[Candidate {
                    layer: &stem,
                    information: &information,
                    previous: None,
                }],
                1.0,
            )
        };
        let mut saturated = information(5.0, 1.0, 0.01);
        saturated.input.saturated = true;
        assert!(rank_of(saturated).is_empty());
        let mut wide = information(5.0, 1.0, 0.01);
        wide.input.bracket = [4.0, 6.0];
        assert!(rank_of(wide).is_empty());
        let mut unlabelled = information(5.0, 1.0, 0.01);
        unlabelled.label = None;
        assert!(rank_of(unlabelled).is_empty());
        assert_eq!(rank_of(information(5.0, 1.0, 0.01)).len(), 1);
    }
}
