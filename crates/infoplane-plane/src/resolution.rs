//! The choice of the channel noise τ.

use infoplane_estimators::ChannelPoint;

use crate::{PlaneOptions, Resolution, ResolutionPoint, ResolutionStep, VectorKind};

/// What a sweep over resolutions found of every layer and kind of a run.
#[derive(Debug, Clone)]
pub struct Swept {
    pub(crate) taus: Vec<f64>,
    pub(crate) sweeps: Vec<LayerSweep>,
}

impl Swept {
    /// What it found of a layer and kind at just these τ.
    pub(crate) fn of(&self, layer: &str, kind: VectorKind, taus: &[f64]) -> Option<&LayerSweep> {
        let mut sweeps = self.sweeps.iter();
        sweeps.find(|own| self.taus == taus && own.layer == layer && own.kind == kind)
    }
}

/// The resolution that suits several runs at once, by name with their sweeps: as for one run, but with
/// the brackets of all of them. `None` where there is no run, or they were not swept over the same τ.
pub fn common_resolution(options: &PlaneOptions, runs: &[(String, Swept)]) -> Option<Resolution> {
    let taus = &runs.first()?.1.taus;
    if runs.iter().any(|(_, swept)| swept.taus != *taus) {
        return None;
    }
    let named = runs.iter().flat_map(|(run, swept)| {
        swept.sweeps.iter().map(move |sweep| LayerSweep {
            layer: format!("{} ({run})", sweep.layer),
            ..sweep.clone()
        })
    });
    let named: Vec<LayerSweep> = named.collect();
    Some(choose(options, taus, &named))
}

/// The sweep of one layer's vectors.
#[derive(Debug, Clone)]
pub(crate) struct LayerSweep {
    pub(crate) layer: String,
    pub(crate) kind: VectorKind,
    /// One a τ, finest first.
    pub(crate) points: Vec<ChannelPoint>,
}

/// The finest τ of the sweep at which no bracket, of I(X;C) or I(C;Y), is wider than the limit; the
/// coarsest, flagged, where none is; or the one asked for.
pub(crate) fn choose(options: &PlaneOptions, taus: &[f64], sweeps: &[LayerSweep]) -> Resolution {
    let steps: Vec<ResolutionStep> = taus
        .iter()
        .enumerate()
        .map(|(index, &tau)| step(index, tau, sweeps))
        .collect();
    let limit = options.bracket_limit;
    let narrow = |step: &&ResolutionStep| step.widest_bracket <= limit;
    let (tau, flagged, reason) = if let Some(tau) = options.tau {
        let step = steps.iter().find(|step| step.tau == tau);
        let flagged = !step.is_some_and(|step| narrow(&step));
        let reason = step.map_or_else(String::new, |step| {
            format!(
                "τ = {tau} was asked for; its widest bracket is {:.2} bit ({})",
                step.widest_bracket, step.widest_at
            )
        });
        (tau, flagged, reason)
    } else if let Some(step) = steps.iter().find(narrow) {
        let reason = format!(
            "τ = {} is the finest of {} at which no bracket is wider than {limit} bit; the widest is {:.2} bit ({})",
            step.tau,
            list(taus),
            step.widest_bracket,
            step.widest_at
        );
        (step.tau, false, reason)
    } else {
        let tau = taus.last().copied().unwrap_or(f64::NAN);
        let reason = steps.last().map_or_else(String::new, |step| {
            format!(
                "even τ = {tau}, the coarsest of {}, leaves a bracket of {:.2} bit ({}), wider than {limit} bit",
                list(taus),
                step.widest_bracket,
                step.widest_at
            )
        });
        (tau, true, reason)
    };
    Resolution {
        tau,
        bracket_limit: limit,
        flagged,
        reason,
        sweep: steps,
    }
}

fn step(index: usize, tau: f64, sweeps: &[LayerSweep]) -> ResolutionStep {
    let mut widest_bracket = 0.0;
    let mut widest_at = String::new();
    let mut points = Vec::with_capacity(sweeps.len());
    for sweep in sweeps {
        let Some(point) = sweep.points.get(index) else {
            continue;
        };
        let label = point.label.map(|label| ("I(C;Y)", label.bracket));
        for (quantity, [low, high]) in [("I(X;C)", point.input_bracket)].into_iter().chain(label) {
            if widest_at.is_empty() || high - low > widest_bracket {
                widest_bracket = high - low;
                widest_at = format!("{quantity} of the {} of `{}`", sweep.kind, sweep.layer);
            }
        }
        let mi_y = point.label.map(|label| label.value);
        points.push(ResolutionPoint {
            layer: sweep.layer.clone(),
            kind: sweep.kind,
            mi_x: point.input,
            mi_y,
            ite: mi_y.filter(|_| point.input > 0.0).map(|y| y / point.input),
        });
    }
    ResolutionStep {
        tau,
        widest_bracket,
        widest_at,
        points,
    }
}

fn list(taus: &[f64]) -> String {
    let taus: Vec<String> = taus.iter().map(f64::to_string).collect();
    taus.join(", ")
}

#[cfg(test)]
mod tests {
    use infoplane_estimators::LabelBracket;

    use super::*;

    fn sweep(layer: &str, input_width: [f64; 3], label_width: [f64; 3]) -> LayerSweep {
        let points = (0..3)
            .map(|i| ChannelPoint {
                tau: TAUS[i],
                input: 3.0,
                input_bracket: [3.0, 3.0 + input_width[i]],
                label: Some(LabelBracket {
                    value: 1.0,
                    bracket: [1.0, 1.0 + label_width[i]],
                }),
            })
            .collect();
        LayerSweep {
            layer: layer.to_owned(),
            kind: VectorKind::Conductance,
            points,
        }
    }

    const TAUS: [f64; 3] = [0.1, 0.3, 1.0];

    #[test]
    fn finest_resolution_with_narrow_brackets_everywhere_is_chosen() {
        let sweeps = [
            sweep("a", [0.9, 0.2, 0.1], [0.9, 0.8, 0.1]),
            sweep("b", [0.5, 0.5, 0.1], [1.2, 0.9, 0.1]),
        ];
        let found = choose(&PlaneOptions::default(), &TAUS, &sweeps);
        assert_eq!((found.tau, found.flagged), (0.3, false));
        assert!((found.sweep[0].widest_bracket - 1.2).abs() < 1e-12);
        assert_eq!(found.sweep[0].widest_at, "I(C;Y) of the conductance of `b`");
    }

    #[test]
    fn coarsest_resolution_is_flagged_where_all_brackets_are_wide() {
        let sweeps = [sweep("a", [9.0, 5.0, 1.5], [0.1; 3])];
        let found = choose(&PlaneOptions::default(), &TAUS, &sweeps);
        assert_eq!((found.tau, found.flagged), (1.0, true));
        assert!(found.reason.starts_with("even τ = 1"), "{}", found.reason);
    }

    #[test]
    fn resolution_asked_for_is_used_and_flagged_by_its_bracket() {
        let sweeps = [sweep("a", [2.0, 0.5, 0.1], [0.1; 3])];
        for (tau, flagged) in [(0.1, true), (1.0, false)] {
            let options = PlaneOptions {
                tau: Some(tau),
                ..Default::default()
            };
            let found = choose(&options, &TAUS, &sweeps);
            assert_eq!((found.tau, found.flagged), (tau, flagged));
        }
    }
}
