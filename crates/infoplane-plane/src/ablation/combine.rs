//! Critical layers by two independent kinds of evidence: the plane's ranking and the ablation.

use serde::{Deserialize, Serialize};

use super::result::{AblationResult, OmittedLayer};
use crate::spearman::{RankCorrelation, spearman};
use crate::{Interval, PlaneResult};

/// What the plane and the ablation say of a layer together.
///
/// The plane says yes where the layer's ITE is among the higher half of the ranked and ablated layers
/// (the middle one of an odd number counts as high). The ablation says yes where the interval of its
/// effect, the cross-entropy's damage of the channels of highest conductance less that of random ones,
/// lies above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Both: a critical layer.
    Both,
    /// The plane ranks it high; its ablation hurts no more than the control.
    PlaneOnly,
    /// Its ablation hurts more than the control; the plane does not rank it high.
    AblationOnly,
    /// Neither.
    Neither,
}

impl Verdict {
    /// In words, for tables.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Both => "both",
            Verdict::PlaneOnly => "plane only",
            Verdict::AblationOnly => "ablation only",
            Verdict::Neither => "neither",
        }
    }

    fn of(plane: bool, ablation: bool) -> Verdict {
        match (plane, ablation) {
            (true, true) => Verdict::Both,
            (true, false) => Verdict::PlaneOnly,
            (false, true) => Verdict::AblationOnly,
            (false, false) => Verdict::Neither,
        }
    }
}

/// The ablation beside the plane: the entry `ablation` of `plane.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AblationEvidence {
    /// Samples that were ablated.
    pub n: usize,
    /// By what channels were replaced (`mean` or `zero`).
    pub replace: String,
    /// Random draws of the control.
    pub draws: usize,
    /// The measure of the effects, `cross_entropy`.
    pub measure: String,
    /// Its unit, `bits`.
    pub unit: String,
    /// The ablated layers, in network order.
    pub layers: Vec<LayerEvidence>,
    /// Layers of the run that were not ablated.
    pub omitted: Vec<OmittedLayer>,
    /// Spearman's correlation of ITE and effect over the layers that have both; absent with fewer than
    /// three. Its interval takes layers for independent draws, which neighbouring layers of one network
    /// are not, and both may follow depth.
    pub correlation: Option<RankCorrelation>,
    /// Whether the two agree, in words.
    pub sentence: String,
}

/// One layer's evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerEvidence {
    /// Layer name.
    pub layer: String,
    /// Area of damage of the channels of highest conductance less that of random ones.
    pub effect: Interval,
    /// Whether the effect's interval lies above 0.
    pub hurts_more: bool,
    /// ITE `ratio` on the conductance plane, where the plane ranks the layer.
    pub ite: Option<Interval>,
    /// Both together; absent where the plane does not rank the layer.
    pub verdict: Option<Verdict>,
}

/// What the warning of a disagreement starts with.
const WARNING: &str = "Ablation: ";

/// Puts an ablation beside a plane: its entry `ablation`, the verdicts of `critical`, and a warning where
/// layers that the plane ranks high are not confirmed. What an earlier one left there is replaced.
pub fn combine(plane: &mut PlaneResult, ablation: &AblationResult) {
    let ite_of = |layer: &str| {
        let mut ranked = plane.critical.iter();
        ranked.find(|ranked| ranked.layer == layer).map(|r| r.ite)
    };
    let mut layers: Vec<LayerEvidence> = ablation
        .layers
        .iter()
        .map(|layer| {
            let effect = layer.area.cross_entropy.effect;
            LayerEvidence {
                layer: layer.layer.clone(),
                effect,
                hurts_more: effect.ci[0] > 0.0,
                ite: ite_of(&layer.layer),
                verdict: None,
            }
        })
        .collect();
    let mut ites: Vec<f64> = layers
        .iter()
        .filter_map(|layer| Some(layer.ite?.value))
        .collect();
    ites.sort_unstable_by(|a, b| b.total_cmp(a));
    if let Some(&lowest_high) = ites.get(ites.len().div_ceil(2).saturating_sub(1)) {
        for layer in &mut layers {
            let high = layer.ite.map(|ite| ite.value >= lowest_high);
            layer.verdict = high.map(|high| Verdict::of(high, layer.hurts_more));
        }
    }
    let pairs: Vec<(f64, f64)> = layers
        .iter()
        .filter_map(|layer| Some((layer.ite?.value, layer.effect.value)))
        .collect();
    let correlation = spearman(&pairs);

    for ranked in &mut plane.critical {
        let own = layers.iter().find(|layer| layer.layer == ranked.layer);
        ranked.verdict = own.and_then(|own| own.verdict);
    }
    plane.warnings.retain(|line| !line.starts_with(WARNING));
    let unconfirmed = names(&layers, Verdict::PlaneOnly);
    if !unconfirmed.is_empty() {
        plane.warnings.push(format!(
            "{WARNING}the plane ranks {} high, but replacing the channels of highest conductance there hurts no more than replacing random ones.",
            list(&unconfirmed)
        ));
    }
    plane.ablation = Some(AblationEvidence {
        n: ablation.n,
        replace: ablation.settings.replace.to_string(),
        draws: ablation.settings.draws,
        measure: "cross_entropy".to_owned(),
        unit: "bits".to_owned(),
        sentence: sentence(&layers, correlation),
        layers,
        omitted: ablation.omitted.clone(),
        correlation,
    });
}

fn names(layers: &[LayerEvidence], verdict: Verdict) -> Vec<&str> {
    let chosen = layers.iter().filter(|l| l.verdict == Some(verdict));
    chosen.map(|layer| layer.layer.as_str()).collect()
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn sentence(layers: &[LayerEvidence], correlation: Option<RankCorrelation>) -> String {
    let ranked = layers.iter().filter(|layer| layer.ite.is_some()).count();
    if ranked == 0 {
        return "The plane ranks none of the ablated layers, so there is nothing to compare."
            .into();
    }
    let mut text = match correlation {
        None => format!("Too few layers ({ranked}) are both ranked and ablated for a correlation."),
        Some(RankCorrelation { rho, ci: None, n }) => format!(
            "Undecided: over {n} layers the rank correlation of ITE and ablation effect is {rho:.2}, without an interval, as layers are too few."
        ),
        Some(RankCorrelation {
            rho,
            ci: Some([low, high]),
            n,
        }) => {
            let verdict = match (low > 0.0, high < 0.0) {
                (true, _) => "Plane and ablation agree",
                (_, true) => "Plane and ablation disagree",
                _ => "Undecided whether plane and ablation agree",
            };
            format!(
                "{verdict}: over {n} layers the rank correlation of ITE and ablation effect is {rho:.2} [{low:.2}, {high:.2}]."
            )
        }
    };
    for (verdict, words) in [
        (Verdict::Both, "Critical by both"),
        (Verdict::PlaneOnly, "By the plane only"),
        (Verdict::AblationOnly, "By ablation only"),
        (Verdict::Neither, "By neither"),
    ] {
        let names = names(layers, verdict);
        if !names.is_empty() {
            text.push_str(&format!(" {words}: {}.", list(&names)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AblationSettings, CriticalLayer, Damage, Damages, Distribution, LabelSummary,
        LayerAblation, Measures, Resolution,
    };

    fn exactly(value: f64) -> Interval {
        Interval {
            value,
            ci: [value; 2],
        }
    }

    fn plane(ites: &[(&str, f64)]) -> PlaneResult {
        PlaneResult {
            format: 1,
            n: 100,
            label: LabelSummary {
                kind: "class".to_owned(),
                n_classes: 2,
                min_per_class: 50,
                median_per_class: 50.0,
                entropy: 1.0,
                coarse: false,
                names: Vec::new(),
            },
            target: "predicted".to_owned(),
            accuracy: None,
            resolution: Resolution {
                tau: 0.3,
                bracket_limit: 1.0,
                flagged: false,
                reason: String::new(),
                sweep: Vec::new(),
            },
            rows: Vec::new(),
            completeness: Vec::new(),
            steps: Distribution {
                min: 0.0,
                median: 0.0,
                mean: 0.0,
                p95: 0.0,
                max: 0.0,
            },
            step_counts: Vec::new(),
            settings: None,
            roles: Vec::new(),
            stability: Vec::new(),
            checks: Vec::new(),
            classes: Vec::new(),
            channels: Vec::new(),
            critical: ites
                .iter()
                .enumerate()
                .map(|(index, (layer, ite))| CriticalLayer {
                    layer: (*layer).to_owned(),
                    rank: index + 1,
                    ite: exactly(*ite),
                    evidence: String::new(),
                    verdict: None,
                })
                .collect(),
            ablation: None,
            controls: None,
            warnings: vec!["kept".to_owned()],
        }
    }

    /// Layers whose effect's interval is the value ± 1.
    fn ablation(effects: &[(&str, f64)]) -> AblationResult {
        let measures = Measures {
            accuracy: None,
            agreement: exactly(1.0),
            target_logit: exactly(1.0),
            cross_entropy: exactly(0.0),
        };
        AblationResult {
            format: 1,
            run: String::new(),
            settings: AblationSettings::default(),
            n: 100,
            n_labelled: 0,
            n_run: 100,
            n_mean: 100,
            intact: measures,
            layers: effects
                .iter()
                .map(|&(layer, effect)| {
                    let damage = Damage {
                        top: exactly(effect),
                        control: exactly(0.0),
                        effect: Interval {
                            value: effect,
                            ci: [effect - 1.0, effect + 1.0],
                        },
                    };
                    LayerAblation {
                        layer: layer.to_owned(),
                        depth: 1,
                        cut: true,
                        n_channels: 8,
                        curve: Vec::new(),
                        area: Damages {
                            accuracy: None,
                            agreement: damage,
                            target_logit: damage,
                            cross_entropy: damage,
                        },
                    }
                })
                .collect(),
            omitted: vec![OmittedLayer {
                layer: "logits".to_owned(),
                reason: "output".to_owned(),
            }],
        }
    }

    #[test]
    fn layers_are_critical_by_both_by_one_or_by_neither() {
        // `logits` is ranked, but not ablated: it does not count for the halves.
        let mut plane = plane(&[
            ("logits", 0.9),
            ("d", 0.6),
            ("c", 0.5),
            ("b", 0.4),
            ("a", 0.3),
        ]);
        let measured = [("a", 0.5), ("b", 9.0), ("c", 0.2), ("d", 5.0), ("x", 7.0)];
        combine(&mut plane, &ablation(&measured));
        let verdicts: Vec<Option<Verdict>> = plane.critical.iter().map(|r| r.verdict).collect();
        assert_eq!(
            verdicts,
            [
                None,
                Some(Verdict::Both),
                Some(Verdict::PlaneOnly),
                Some(Verdict::AblationOnly),
                Some(Verdict::Neither)
            ]
        );
        let evidence = plane.ablation.clone().unwrap();
        // `x` is ablated, but not ranked.
        assert_eq!(evidence.layers[4].verdict, None);
        assert!(evidence.layers[4].hurts_more);
        assert_eq!(evidence.correlation.unwrap().n, 4);
        assert!(
            evidence.sentence.contains("Undecided"),
            "{}",
            evidence.sentence
        );
        assert!(evidence.sentence.contains("Critical by both: `d`."));
        assert_eq!(plane.warnings.len(), 2);
        assert!(
            plane.warnings[1].contains("`c` high"),
            "{}",
            plane.warnings[1]
        );
    }

    #[test]
    fn combining_again_replaces_what_was_there() {
        let ites = [("d", 0.6), ("c", 0.5), ("b", 0.4), ("a", 0.3)];
        let first = ablation(&[("a", 0.5), ("b", 9.0), ("c", 0.2), ("d", 5.0)]);
        let second = ablation(&[("a", 2.0), ("b", 3.0), ("c", 4.0), ("d", 5.0)]);
        let (mut again, mut fresh) = (plane(&ites), plane(&ites));
        combine(&mut again, &first);
        combine(&mut again, &second);
        combine(&mut fresh, &second);
        assert_eq!(again, fresh);
    }

    #[test]
    fn agreement_and_disagreement_are_told_apart_by_the_interval() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let ites: Vec<(&str, f64)> = names
            .iter()
            .zip(1..)
            .map(|(n, i)| (*n, 0.1 * f64::from(i)))
            .collect();
        let sentence = |sign: f64| {
            let effects: Vec<(&str, f64)> = ites
                .iter()
                .map(|(name, ite)| (*name, sign * 100.0 * ite))
                .collect();
            let mut plane = plane(&ites);
            combine(&mut plane, &ablation(&effects));
            plane.ablation.unwrap().sentence
        };
        assert!(sentence(1.0).starts_with("Plane and ablation agree: over 9 layers"));
        assert!(sentence(-1.0).starts_with("Plane and ablation disagree"));
        let mut unranked = plane(&[]);
        combine(&mut unranked, &ablation(&[("a", 1.0)]));
        assert!(
            unranked
                .ablation
                .unwrap()
                .sentence
                .contains("nothing to compare")
        );
    }
}
