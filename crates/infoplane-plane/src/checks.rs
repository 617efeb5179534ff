//! What information-bottleneck theory and the data-processing inequality predict, tested.
//!
//! A prediction about every step between consecutive cut layers is several tests at once, so each
//! step's interval is widened to keep the whole at 95 % (Bonferroni). A prediction *holds* where every
//! step's interval leaves no room for a violation above a margin of 5 % of the largest figure along the
//! layers, is *violated* where some step's interval lies wholly on the wrong side of 0, and is else
//! *undecided*: absence of a violation is not taken for its opposite.

use infoplane_estimators::{Information, subsampling_interval};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::efficiency::change;
use crate::rank::kendall;
use crate::roles::LEAST;
use crate::stability::{RankedBy, figures};
use crate::{Interval, LayerInput, VectorKind};

/// Share of the largest figure that a step may go the wrong way and still be called none.
pub(crate) const MARGIN: f64 = 0.05;

/// Where rankings agree at least so well, two planes are said to agree.
const AGREES_FROM: f64 = 0.5;

/// What the figures say of a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckVerdict {
    /// No room for a violation within the intervals.
    Holds,
    /// An interval lies on the wrong side.
    Violated,
    /// The intervals allow both.
    Undecided,
}

impl std::fmt::Display for CheckVerdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Holds => "holds",
            Self::Violated => "violated",
            Self::Undecided => "undecided",
        })
    }
}

/// A prediction and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// `input_falls`, `label_kept` or `planes_agree`.
    pub name: String,
    /// Which vectors; absent for a check of both.
    pub kind: Option<VectorKind>,
    /// What is predicted, in one sentence.
    pub prediction: String,
    /// What became of it.
    pub verdict: CheckVerdict,
    /// Why, in one sentence.
    pub evidence: String,
    /// The steps that were tested, with the widened intervals, in bits; empty for `planes_agree`.
    pub steps: Vec<CheckStep>,
    /// τ_b between the two planes' rankings by ITE, for `planes_agree`.
    pub agreement: Option<Interval>,
}

/// One tested step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckStep {
    /// The cut layer before.
    pub from: String,
    /// The cut layer after.
    pub to: String,
    /// The change, in bits.
    pub change: Interval,
}

impl CheckStep {
    /// Whether the step goes against a prediction, whose violation has the sign `wrong`: the interval lies
    /// wholly on that side, and the change is one at all.
    pub fn goes_against(&self, wrong: f64) -> bool {
        self.ends(wrong)[0] > 0.0 && self.change.value.abs() >= LEAST
    }

    /// The ends of the interval nearest to and farthest on the side of the sign `wrong`.
    pub fn ends(&self, wrong: f64) -> [f64; 2] {
        let [low, high] = self.change.ci.map(|end| wrong * end);
        [low.min(high), low.max(high)]
    }
}

/// The cut layers of one kind from input to output, whose figures are not saturated.
pub(crate) type Cuts<'a> = [(&'a LayerInput, &'a Information)];

/// I(X;·) does not rise and I(·;Y) does not fall along `cuts`.
pub(crate) fn monotone(kind: VectorKind, cuts: &Cuts<'_>) -> Vec<Check> {
    if cuts.len() < 2 {
        return Vec::new();
    }
    let factor = widening(cuts.len() - 1);
    let input = cuts.windows(2).filter_map(|pair| match pair {
        &[(before, from), (layer, to)] => Some(CheckStep {
            from: before.name.clone(),
            to: layer.name.clone(),
            change: widened(change(&to.input, &from.input), factor),
        }),
        _ => None,
    });
    let label = cuts.windows(2).filter_map(|pair| match pair {
        &[(before, from), (layer, to)] => Some(CheckStep {
            from: before.name.clone(),
            to: layer.name.clone(),
            change: widened(change(to.label.as_ref()?, from.label.as_ref()?), factor),
        }),
        _ => None,
    });
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let most_input = largest(&mut cuts.iter().map(|(_, i)| i.input.value));
    let labels = cuts.iter().filter_map(|(_, i)| i.label.as_ref());
    let most_label = largest(&mut labels.map(|label| label.value));
    let mut checks = vec![judge(
        "input_falls",
        kind,
        format!("I(X;·) of the {kind}s does not rise from one cut layer to the next"),
        input.collect(),
        1.0,
        MARGIN * most_input,
    )];
    let label: Vec<CheckStep> = label.collect();
    if !label.is_empty() {
        checks.push(judge(
            "label_kept",
            kind,
            format!("I(·;Y) of the {kind}s does not fall from one cut layer to the next"),
            label,
            -1.0,
            MARGIN * most_label,
        ));
    }
    checks
}

/// `wrong` is the sign of a change that goes against the prediction.
fn judge(
    name: &str,
    kind: VectorKind,
    prediction: String,
    steps: Vec<CheckStep>,
    wrong: f64,
    margin: f64,
) -> Check {
    let breaks: Vec<&CheckStep> = steps.iter().filter(|s| s.goes_against(wrong)).collect();
    let open: Vec<&CheckStep> = steps.iter().filter(|s| s.ends(wrong)[1] > margin).collect();
    let shown = |step: &CheckStep| {
        let Interval { value, ci } = step.change;
        format!(
            "`{}` → `{}`: {value:+.2} [{:+.2}, {:+.2}] bits",
            step.from, step.to, ci[0], ci[1]
        )
    };
    let worst = |of: &[&CheckStep]| {
        of.iter()
            .max_by(|a, b| (wrong * a.change.value).total_cmp(&(wrong * b.change.value)))
            .map_or_else(String::new, |step| shown(step))
    };
    let n = steps.len();
    let (verdict, evidence) = if !breaks.is_empty() {
        let evidence = format!(
            "{} of {n} steps go the other way beyond their interval; the largest is {}",
            breaks.len(),
            worst(&breaks)
        );
        (CheckVerdict::Violated, evidence)
    } else if open.is_empty() {
        let evidence =
            format!("no interval of the {n} steps reaches {margin:.2} bits the other way");
        (CheckVerdict::Holds, evidence)
    } else {
        let evidence = format!(
            "no step goes the other way beyond its interval, but {} of {n} intervals reach more than {margin:.2} bits there; the largest is {}",
            open.len(),
            worst(&open)
        );
        (CheckVerdict::Undecided, evidence)
    };
    Check {
        name: name.to_owned(),
        kind: Some(kind),
        prediction,
        verdict,
        evidence,
        steps,
        agreement: None,
    }
}

/// Whether conductances and activations rank the cut layers alike by ITE.
pub(crate) fn planes_agree(conductance: &Cuts<'_>, activation: &Cuts<'_>) -> Option<Check> {
    let informations = |cuts: &Cuts<'_>, other: &Cuts<'_>| -> Vec<Information> {
        let shared = cuts
            .iter()
            .filter(|(layer, _)| other.iter().any(|(l, _)| l.name == layer.name));
        shared
            .map(|(_, information)| (*information).clone())
            .collect()
    };
    let one = informations(conductance, activation);
    let other = informations(activation, conductance);
    let (one, other): (Vec<&Information>, Vec<&Information>) =
        (one.iter().collect(), other.iter().collect());
    let at = |half| {
        kendall(
            &figures(RankedBy::Ite, &one, half),
            &figures(RankedBy::Ite, &other, half),
        )
    };
    let value = at(None)?;
    let count = one.first()?.input.subsamples.len();
    let halves: Vec<f64> = (0..count)
        .map(|h| at(Some(h)).unwrap_or(f64::NAN))
        .collect();
    let [low, high] = subsampling_interval(value, &halves);
    let ci = [low.max(-1.0), high.min(1.0)];
    let verdict = if ci[0] >= AGREES_FROM {
        CheckVerdict::Holds
    } else if ci[1] < AGREES_FROM {
        CheckVerdict::Violated
    } else {
        CheckVerdict::Undecided
    };
    Some(Check {
        name: "planes_agree".to_owned(),
        kind: None,
        prediction: format!(
            "conductances and activations rank the cut layers alike by ITE (Kendall's τ of {AGREES_FROM} and more)"
        ),
        verdict,
        evidence: format!(
            "Kendall's τ over {} cut layers is {value:.2} [{:.2}, {:.2}]",
            one.len(),
            ci[0],
            ci[1]
        ),
        steps: Vec::new(),
        agreement: Some(Interval { value, ci }),
    })
}

/// How much wider 95 % intervals must be for `tests` of them to hold at once.
pub(crate) fn widening(tests: usize) -> f64 {
    let normal = Normal::standard();
    normal.inverse_cdf(1.0 - 0.025 / tests as f64) / normal.inverse_cdf(0.975)
}

pub(crate) fn widened(Interval { value, ci }: Interval, factor: f64) -> Interval {
    Interval {
        value,
        ci: ci.map(|end| value + factor * (end - value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::efficiency::tests::information;

    fn layers(figures: &[(f64, f64)], scatter: &[f64]) -> Vec<(LayerInput, Information)> {
        figures
            .iter()
            .zip(scatter)
            .enumerate()
            .map(|(depth, (&(x, y), &scatter))| {
                let layer = LayerInput {
                    name: format!("l{depth}"),
                    depth,
                    cut: true,
                    delta: None,
                };
                (layer, information(x, y, scatter))
            })
            .collect()
    }

    fn verdicts(figures: &[(f64, f64)], scatter: &[f64]) -> Vec<CheckVerdict> {
        let layers = layers(figures, scatter);
        let cuts: Vec<_> = layers.iter().map(|(l, i)| (l, i)).collect();
        monotone(VectorKind::Activation, &cuts)
            .iter()
            .map(|check| check.verdict)
            .collect()
    }

    #[test]
    fn verdicts_follow_the_intervals() {
        let falling = [(6.0, 1.0), (5.0, 1.5), (4.0, 2.0)];
        let still = [0.01; 3];
        assert_eq!(verdicts(&falling, &still), [CheckVerdict::Holds; 2]);
        let rising = [(4.0, 2.0), (5.0, 1.5), (6.0, 1.0)];
        assert_eq!(verdicts(&rising, &still), [CheckVerdict::Violated; 2]);
        // Layers of unequal scatter: differences are as uncertain as they.
        assert_eq!(
            verdicts(&rising, &[0.0, 3.0, 0.0]),
            [CheckVerdict::Undecided; 2]
        );
    }

    #[test]
    fn more_steps_make_wider_intervals() {
        assert!((widening(1) - 1.0).abs() < 1e-9);
        // z(1 − 0.025/10) = 2.807.
        assert!((widening(10) - 2.807 / 1.96).abs() < 1e-3);
    }

    #[test]
    fn planes_agree_where_the_order_is_the_same() {
        let up = layers(&[(5.0, 1.0), (5.0, 2.0), (5.0, 3.0)], &[0.0; 3]);
        let down = layers(&[(5.0, 3.0), (5.0, 2.0), (5.0, 1.0)], &[0.0; 3]);
        let of = |layers: &[(LayerInput, Information)], others: &[(LayerInput, Information)]| {
            let cuts: Vec<_> = layers.iter().map(|(l, i)| (l, i)).collect();
            let other: Vec<_> = others.iter().map(|(l, i)| (l, i)).collect();
            planes_agree(&cuts, &other).unwrap().verdict
        };
        assert_eq!(of(&up, &up), CheckVerdict::Holds);
        assert_eq!(of(&up, &down), CheckVerdict::Violated);
    }
}
