//! From single outcomes to deletion curves, areas and intervals.

use super::result::{AblationResult, CurvePoint, Damage, Damages, LayerAblation, Measures};
use super::{ABLATION_FORMAT, ChannelSets, OmittedLayer};
use crate::spread::{crossed_interval, mean, mean_interval, share_interval};
use crate::{AblationSettings, Interval, PlaneError};

/// What the network's output for one sample was like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// The output unit of the highest logit.
    pub predicted: usize,
    /// The attributed target's logit.
    pub target_logit: f64,
    /// Cross-entropy in bits, to the label or without one to the unchanged prediction.
    pub cross_entropy: f64,
}

/// One layer's outcomes.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerOutcomes {
    /// Layer name.
    pub layer: String,
    /// Operators on the longest path from the input.
    pub depth: usize,
    /// Whether the layer is a cut layer.
    pub cut: bool,
    /// What was replaced.
    pub sets: ChannelSets,
    /// For each sample, for each of [`ChannelSets::sets`] in turn.
    pub samples: Vec<Vec<Outcome>>,
}

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct AblationInput {
    /// The run, as [`infoplane_store::RunDir::identity`] gives it.
    pub run: String,
    /// Samples of the run.
    pub n_run: usize,
    /// Samples over which means were taken.
    pub n_mean: usize,
    /// Each ablated sample's label, as an output unit.
    pub labels: Vec<Option<usize>>,
    /// The unchanged network's outcome for each sample.
    pub intact: Vec<Outcome>,
    /// The ablated layers, in network order.
    pub layers: Vec<LayerOutcomes>,
    /// Layers that were left out.
    pub omitted: Vec<OmittedLayer>,
}

/// Makes curves and areas of outcomes.
///
/// # Errors
/// [`PlaneError::Length`] where there are more or fewer outcomes than samples and sets;
/// [`PlaneError::Ablation`] with fewer than two samples.
pub fn summarise(
    input: AblationInput,
    settings: &AblationSettings,
) -> Result<AblationResult, PlaneError> {
    let n = input.intact.len();
    if n < 2 {
        return Err(PlaneError::Ablation(format!(
            "an ablation of {n} samples; at least 2 are needed for an interval"
        )));
    }
    let length = |what: String, found: usize, expected: usize| match found == expected {
        true => Ok(()),
        false => Err(PlaneError::Length {
            what,
            found,
            expected,
        }),
    };
    length(
        "labels of ablated samples".to_owned(),
        input.labels.len(),
        n,
    )?;
    for layer in &input.layers {
        let what = || format!("outcomes of layer `{}`", layer.layer);
        length(what(), layer.samples.len(), n)?;
        let n_sets = layer.sets.sets().len();
        for sample in &layer.samples {
            length(what(), sample.len(), n_sets)?;
        }
    }
    let samples = Samples {
        labels: &input.labels,
        intact: &input.intact,
    };
    let intact = samples.measures(&|measure| samples.over(measure, &|sample| input.intact[sample]));
    let layers = input
        .layers
        .iter()
        .map(|layer| LayerAblation {
            layer: layer.layer.clone(),
            depth: layer.depth,
            cut: layer.cut,
            n_channels: layer.sets.n_channels(),
            curve: curve(&samples, layer),
            area: damages(&samples, layer),
        })
        .collect();
    Ok(AblationResult {
        format: ABLATION_FORMAT,
        n_labelled: input.labels.iter().flatten().count(),
        run: input.run,
        settings: settings.clone(),
        n,
        n_run: input.n_run,
        n_mean: input.n_mean,
        intact,
        layers,
        omitted: input.omitted,
    })
}

/// What is measured of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Accuracy,
    Agreement,
    TargetLogit,
    CrossEntropy,
}

impl Measure {
    /// 1 where less of it is damage, −1 where more is.
    fn sign(self) -> f64 {
        match self {
            Measure::CrossEntropy => -1.0,
            _ => 1.0,
        }
    }
}

struct Samples<'a> {
    labels: &'a [Option<usize>],
    intact: &'a [Outcome],
}

impl Samples<'_> {
    /// The samples that have a measure: for the accuracy those with a label.
    fn with(&self, measure: Measure) -> impl Iterator<Item = usize> {
        let wanted =
            move |sample: &usize| measure != Measure::Accuracy || self.labels[*sample].is_some();
        (0..self.intact.len()).filter(wanted)
    }

    fn value(&self, measure: Measure, sample: usize, outcome: Outcome) -> f64 {
        let share = |holds: bool| f64::from(u8::from(holds));
        match measure {
            Measure::Accuracy => share(self.labels[sample] == Some(outcome.predicted)),
            Measure::Agreement => share(self.intact[sample].predicted == outcome.predicted),
            Measure::TargetLogit => outcome.target_logit,
            Measure::CrossEntropy => outcome.cross_entropy,
        }
    }

    /// A measure of one outcome a sample.
    fn over(&self, measure: Measure, outcome: &dyn Fn(usize) -> Outcome) -> Interval {
        let values: Vec<f64> = self
            .with(measure)
            .map(|sample| self.value(measure, sample, outcome(sample)))
            .collect();
        match measure {
            Measure::Accuracy | Measure::Agreement => share_interval(&values),
            Measure::TargetLogit | Measure::CrossEntropy => mean_interval(&values),
        }
    }

    /// A number of each sample and draw, averaged over both.
    fn over_draws(
        &self,
        measure: Measure,
        n_draws: usize,
        number: &dyn Fn(usize, usize) -> f64,
    ) -> Interval {
        let of_sample = |sample: usize| -> f64 {
            let draws: Vec<f64> = (0..n_draws).map(|draw| number(sample, draw)).collect();
            mean(&draws)
        };
        let samples: Vec<f64> = self.with(measure).map(of_sample).collect();
        let draws: Vec<f64> = (0..n_draws)
            .map(|draw| {
                let own: Vec<f64> = self
                    .with(measure)
                    .map(|sample| number(sample, draw))
                    .collect();
                mean(&own)
            })
            .collect();
        crossed_interval(&samples, &draws)
    }

    /// Every measure that the samples have.
    fn measures(&self, of: &dyn Fn(Measure) -> Interval) -> Measures {
        Measures {
            accuracy: self.labelled().then(|| of(Measure::Accuracy)),
            agreement: of(Measure::Agreement),
            target_logit: of(Measure::TargetLogit),
            cross_entropy: of(Measure::CrossEntropy),
        }
    }

    fn labelled(&self) -> bool {
        self.labels.iter().any(Option::is_some)
    }
}

fn curve(samples: &Samples<'_>, layer: &LayerOutcomes) -> Vec<CurvePoint> {
    let sets = &layer.sets;
    let sizes = sets.sizes().iter().enumerate();
    sizes
        .map(|(size, &n_channels)| {
            let top = |sample: usize| layer.samples[sample][sets.top_set(size)];
            let control = |measure: Measure| {
                let number = |sample: usize, draw: usize| {
                    let outcome = layer.samples[sample][sets.random_set(size, draw)];
                    samples.value(measure, sample, outcome)
                };
                // All channels: every draw is the same.
                if n_channels == sets.n_channels() {
                    return samples.over(measure, &top);
                }
                let interval = samples.over_draws(measure, sets.n_draws(), &number);
                match measure {
                    Measure::Accuracy | Measure::Agreement => Interval {
                        value: interval.value,
                        ci: interval.ci.map(|end| end.clamp(0.0, 1.0)),
                    },
                    _ => interval,
                }
            };
            CurvePoint {
                n_channels,
                fraction: n_channels as f64 / sets.n_channels() as f64,
                top: samples.measures(&|measure| samples.over(measure, &top)),
                control: samples.measures(&control),
            }
        })
        .collect()
}

fn damages(samples: &Samples<'_>, layer: &LayerOutcomes) -> Damages {
    let of = |measure| damage(samples, layer, measure);
    Damages {
        accuracy: samples.labelled().then(|| of(Measure::Accuracy)),
        agreement: of(Measure::Agreement),
        target_logit: of(Measure::TargetLogit),
        cross_entropy: of(Measure::CrossEntropy),
    }
}

fn damage(samples: &Samples<'_>, layer: &LayerOutcomes, measure: Measure) -> Damage {
    let sets = &layer.sets;
    let weights = area_weights(sets.sizes());
    let area = |sample: usize, set_of: &dyn Fn(usize) -> usize| -> f64 {
        let intact = samples.value(measure, sample, samples.intact[sample]);
        let sizes = weights.iter().enumerate();
        sizes
            .map(|(size, weight)| {
                let outcome = layer.samples[sample][set_of(size)];
                let value = samples.value(measure, sample, outcome);
                weight * measure.sign() * (intact - value)
            })
            .sum()
    };
    let top = |sample: usize| area(sample, &|size| sets.top_set(size));
    let control = |sample: usize, draw: usize| area(sample, &|size| sets.random_set(size, draw));
    let n_draws = sets.n_draws();
    let top_areas: Vec<f64> = samples.with(measure).map(top).collect();
    Damage {
        top: mean_interval(&top_areas),
        control: samples.over_draws(measure, n_draws, &control),
        effect: samples.over_draws(measure, n_draws, &|sample, draw| {
            top(sample) - control(sample, draw)
        }),
    }
}

/// Weight of each point in the mean over the fraction from 0 (where the damage is 0) to the largest, by
/// the trapezoidal rule.
fn area_weights(sizes: &[usize]) -> Vec<f64> {
    let at = |index: usize| sizes[index] as f64;
    let last = sizes.len().saturating_sub(1);
    (0..sizes.len())
        .map(|index| {
            let before = if index == 0 { 0.0 } else { at(index - 1) };
            let after = at((index + 1).min(last));
            0.5 * (after - before) / at(last)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(predicted: usize, target_logit: f64) -> Outcome {
        Outcome {
            predicted,
            target_logit,
            cross_entropy: 10.0 - target_logit,
        }
    }

    /// Ten samples of a layer of four channels; replacing the top channel takes 8 of the logit and the
    /// prediction, a random one what `random` says of sample and draw.
    fn input(labelled: bool, random: impl Fn(usize, usize) -> f64) -> AblationInput {
        let settings = settings();
        let sets = ChannelSets::new(&[0.0, 9.0, 1.0, 2.0], &settings, 0);
        assert_eq!(sets.sizes(), [1, 2, 4]);
        let samples = (0..10)
            .map(|sample| {
                let mut outcomes = Vec::new();
                for _ in 0..2 {
                    outcomes.push(outcome(1, 2.0));
                    outcomes.extend((0..3).map(|draw| outcome(0, 10.0 - random(sample, draw))));
                }
                outcomes.push(outcome(1, 2.0));
                outcomes
            })
            .collect();
        AblationInput {
            run: "x".to_owned(),
            n_run: 20,
            n_mean: 20,
            labels: (0..10)
                .map(|i| (labelled && i < 8).then_some(usize::from(i == 0)))
                .collect(),
            intact: vec![outcome(0, 10.0); 10],
            layers: vec![LayerOutcomes {
                layer: "hidden".to_owned(),
                depth: 1,
                cut: true,
                sets,
                samples,
            }],
            omitted: Vec::new(),
        }
    }

    fn settings() -> AblationSettings {
        AblationSettings {
            fractions: vec![0.25, 0.5, 1.0],
            draws: 3,
            ..AblationSettings::default()
        }
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    }

    #[test]
    fn curves_hold_each_measure_of_top_and_random_channels() {
        let result = summarise(input(true, |_, _| 1.0), &settings()).unwrap();
        assert_eq!((result.n, result.n_labelled), (10, 8));
        // Unchanged, all but the first of the eight labelled samples are right.
        near(result.intact.accuracy.unwrap().value, 7.0 / 8.0);
        near(result.intact.agreement.value, 1.0);
        let layer = &result.layers[0];
        let point = &layer.curve[0];
        assert_eq!((point.n_channels, point.fraction), (1, 0.25));
        near(point.top.accuracy.unwrap().value, 1.0 / 8.0);
        near(point.top.agreement.value, 0.0);
        near(point.top.target_logit.value, 2.0);
        near(point.top.cross_entropy.value, 8.0);
        near(point.control.agreement.value, 1.0);
        near(point.control.target_logit.value, 9.0);
        assert_eq!(layer.curve[2].top, layer.curve[2].control);
    }

    #[test]
    fn areas_are_mean_damage_over_the_fraction() {
        let result = summarise(input(false, |_, _| 1.0), &settings()).unwrap();
        let area = &result.layers[0].area;
        assert!(area.accuracy.is_none() && result.intact.accuracy.is_none());
        // From 0 to 8 over a quarter, then 8.
        near(area.target_logit.top.value, 0.25 * 4.0 + 0.75 * 8.0);
        near(area.cross_entropy.top.value, 7.0);
        // From 0 to 1 over a quarter, 1 over another, then from 1 to 8.
        near(area.target_logit.control.value, 0.125 + 0.25 + 0.5 * 4.5);
        near(area.target_logit.effect.value, 7.0 - 2.625);
        near(area.agreement.top.value, 0.875);
    }

    #[test]
    fn effects_are_paired_by_sample_and_widened_by_the_draws() {
        let effect = |random: &dyn Fn(usize, usize) -> f64| {
            let result = summarise(input(true, random), &settings()).unwrap();
            result.layers[0].area.cross_entropy.effect
        };
        assert_eq!(effect(&|_, _| 1.0).ci, [effect(&|_, _| 1.0).value; 2]);
        let width = |interval: Interval| interval.ci[1] - interval.ci[0];
        let by_sample = effect(&|sample, _| sample as f64 / 10.0);
        let by_draw = effect(&|_, draw| draw as f64);
        assert!(width(by_sample) > 0.0 && width(by_draw) > width(by_sample));
        // Random channels that do as much: no effect, and the interval holds 0.
        let same = effect(&|sample, draw| 8.0 + ((sample + draw) % 3) as f64 - 1.0);
        assert!(same.ci[0] < 0.0 && same.ci[1] > 0.0, "{same:?}");
    }

    #[test]
    fn missing_outcomes_are_refused() {
        let mut short = input(true, |_, _| 1.0);
        short.layers[0].samples[3].pop();
        let message = summarise(short, &settings()).unwrap_err().to_string();
        assert!(message.contains("layer `hidden`"), "{message}");
        let mut one = input(true, |_, _| 1.0);
        one.intact.truncate(1);
        assert!(summarise(one, &settings()).is_err());
    }
}
