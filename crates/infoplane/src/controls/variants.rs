//! The changed runs, one or several a control.

use std::sync::Arc;

use infoplane_attribution::{Baseline, Quadrature, SweepOptions, Target};
use infoplane_data::Dataset;
use infoplane_plane::ControlKind;

use super::index::{Index, IndexCase, IndexOmitted};
use super::subset::Subset;
use crate::config::{baseline_name, target_name};
use crate::error::Error;
use crate::mean::mean_baseline;
use crate::model::Model;
use crate::run::{Run, Variant};

/// Stages of the cascade of shuffled weights.
const STAGES: usize = 4;

/// A control to be made; without a run, it needs none.
pub(super) struct Planned {
    pub case: IndexCase,
    pub run: Option<Run>,
}

/// The runs of the controls `kinds`. What can't be made goes into the index's `omitted`.
pub(super) fn plan(
    run: &Run,
    kinds: &[ControlKind],
    n_samples: usize,
    seed: u64,
    index: &mut Index,
) -> Result<Vec<Planned>, Error> {
    let maker = Maker {
        run,
        samples: Arc::new(Subset::new(&run.dataset, n_samples)),
        n_samples,
        seed,
    };
    let mut planned = Vec::new();
    for &kind in kinds {
        let made = match kind {
            ControlKind::Weights => maker.weights(),
            ControlKind::Labels => maker.labels().map(|made| vec![made]),
            ControlKind::Target => maker.target().map(|made| vec![made]),
            ControlKind::Baseline => match maker.run.model.graph().has_inner_path() {
                true => Err("paths run at an inner value, where samples have no mean".to_string()),
                false => Ok(vec![maker.baseline()?]),
            },
            ControlKind::Steps => maker.steps().map(|made| vec![made]),
        };
        match made {
            Ok(made) => planned.extend(made),
            Err(reason) => index.omitted.push(IndexOmitted { kind, reason }),
        }
    }
    Ok(planned)
}

/// Makes changed runs of one run.
struct Maker<'a> {
    run: &'a Run,
    samples: Arc<dyn Dataset>,
    n_samples: usize,
    seed: u64,
}

impl Maker<'_> {
    fn made(
        &self,
        (kind, name): (ControlKind, String),
        change: String,
        alter: impl FnOnce(&mut Variant),
    ) -> Planned {
        let mut variant = Variant {
            model: Arc::clone(&self.run.model),
            dataset: Arc::clone(&self.samples),
            options: self.run.options.clone(),
            control: serde_json::json!({"name": name, "change": change}),
        };
        alter(&mut variant);
        Planned {
            case: IndexCase {
                name,
                kind,
                change,
                whole: true,
                own_run: true,
            },
            run: Some(self.run.variant(variant)),
        }
    }

    fn with_options(
        &self,
        kind: ControlKind,
        change: String,
        alter: impl FnOnce(&mut SweepOptions),
    ) -> Planned {
        self.made((kind, kind.name().to_string()), change, |variant| {
            alter(&mut variant.options);
        })
    }

    /// Weights shuffled from the output down, in stages of equally many operators.
    fn weights(&self) -> Result<Vec<Planned>, String> {
        let nodes = self.run.model.graph().parametrised_nodes();
        if nodes.is_empty() {
            return Err("the network has no weights".to_string());
        }
        let n_stages = STAGES.min(nodes.len());
        let stage = |stage: usize| {
            let n = (stage * nodes.len()).div_ceil(n_stages);
            let model: Model = self
                .run
                .model
                .with_shuffled_parameters(&nodes[nodes.len() - n..], self.seed);
            let name = format!("{}-{stage}", ControlKind::Weights.name());
            let change = format!(
                "weights of the last {n} of {} operators that have any, shuffled within each tensor",
                nodes.len()
            );
            let mut made = self.made((ControlKind::Weights, name), change, |variant| {
                variant.model = Arc::new(model);
            });
            made.case.whole = stage == n_stages;
            made
        };
        Ok((1..=n_stages).map(stage).collect())
    }

    /// Labels shuffled: with their attribution where they are attributed, else the stored vectors do.
    fn labels(&self) -> Result<Planned, String> {
        let labelled = (0..self.samples.len()).any(|index| self.samples.label(index).is_some());
        if !labelled {
            return Err("the samples have no labels".to_string());
        }
        let (kind, word) = (ControlKind::Labels, label_word(self.seed));
        let name = kind.name().to_string();
        if self.run.options.target == Target::Label {
            let change = "labels shuffled over the samples, and attributed".to_string();
            return Ok(self.made((kind, name), change, |variant| {
                let of = &self.run.dataset;
                let subset = Subset::with_shuffled_labels(of, self.n_samples, &word);
                variant.dataset = Arc::new(subset);
            }));
        }
        Ok(Planned {
            case: IndexCase {
                name,
                kind,
                change: "labels shuffled over the samples".to_string(),
                whole: true,
                own_run: false,
            },
            run: None,
        })
    }

    /// The label for the predicted class, and the predicted class for any other target.
    fn target(&self) -> Result<Planned, String> {
        let now = self.run.options.target;
        let other = match now {
            Target::Predicted => Target::Label,
            _ => Target::Predicted,
        };
        let n_outputs = self.run.manifest().model.n_outputs;
        let usable = |index| {
            let label = self.samples.label(index);
            label.is_some_and(|label| label.0 < n_outputs)
        };
        if other == Target::Label && !(0..self.samples.len()).all(usable) {
            return Err("not every sample has a label that is an output unit".to_string());
        }
        let (name, old) = (target_name(other), target_name(now));
        let change = format!("target {name} in place of {old}");
        Ok(self.with_options(ControlKind::Target, change, |options| {
            options.target = other
        }))
    }

    /// The mean of the samples for any other baseline, and zero for the mean.
    fn baseline(&self) -> Result<Planned, Error> {
        let now = &self.run.options.baseline;
        let other = match now.name() {
            "mean" => Baseline::Zero,
            _ => mean_baseline(self.run.dataset.as_ref(), self.run.n_threads)?,
        };
        let (name, old) = (baseline_name(&other), baseline_name(now));
        let change = format!("baseline {name} in place of {old}");
        Ok(self.with_options(ControlKind::Baseline, change, |options| {
            options.baseline = other;
        }))
    }

    /// Twice the steps; half the tolerance as well where they adapt.
    fn steps(&self) -> Result<Planned, String> {
        let (other, change) = finer(&self.run.options.quadrature);
        other.validate().map_err(|error| error.to_string())?;
        Ok(self.with_options(ControlKind::Steps, change, |options| {
            options.quadrature = other;
        }))
    }
}

/// The word that decides the labels' order.
pub(super) fn label_word(seed: u64) -> String {
    format!("{seed} labels")
}

/// A rule with twice the steps, and the change in words.
fn finer(rule: &Quadrature) -> (Quadrature, String) {
    let mut finer = *rule;
    let change = match &mut finer {
        Quadrature::Trapezoid { steps }
        | Quadrature::Graded { steps, .. }
        | Quadrature::Hyperbolic { steps, .. }
        | Quadrature::Captum { steps } => {
            let before = *steps;
            *steps *= 2;
            format!("{steps} steps in place of {before}")
        }
        Quadrature::Adaptive(rule) => {
            let before = *rule;
            rule.tolerance /= 2.0;
            rule.max_steps *= 2;
            format!(
                "tolerance {} % and at most {} steps in place of {} % and {}",
                100.0 * rule.tolerance,
                rule.max_steps,
                100.0 * before.tolerance,
                before.max_steps
            )
        }
    };
    (finer, change)
}
