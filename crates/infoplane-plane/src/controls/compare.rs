//! The figures of a changed run beside those of the unchanged one, on the same samples.

use std::collections::HashMap;

use infoplane_estimators::{
    Estimate, GaussianChannel, Information, Labels, PreparedLayer, Samples,
};

use super::agreement::{rank_correlation, relative_difference};
use super::verdict::{expectation, judge};
use super::{ControlKind, ControlResult, ControlRow, ControlsResult, OmittedControl};
use crate::efficiency::{change, ratio};
use crate::labels::{accuracy, labels as labels_of};
use crate::resolution::{LayerSweep, choose};
use crate::stability::{RankedBy, figures};
use crate::{Interval, Matrix, PlaneError, PlaneInput, PlaneOptions, VectorKind, rank};

/// A changed run.
pub struct ControlCase<'a> {
    /// Its name, unique among the cases.
    pub name: String,
    /// What it changes.
    pub kind: ControlKind,
    /// The change in words.
    pub change: String,
    /// Whether the whole change is made: false for the first stages of a cascade.
    pub whole: bool,
    /// Its samples and vectors; its layers are those of the unchanged run.
    pub input: PlaneInput<'a>,
    /// Its samples' ids.
    pub ids: Vec<String>,
}

/// Compares changed runs with `unchanged`, whose samples have the given `ids`, each on the samples that
/// are analysed in both. All figures are at one τ, chosen on the samples of the first case unless
/// `options` fixes it.
///
/// # Errors
/// As [`crate::analyse`]; [`PlaneError::Control`] where a case's layers are others, or fewer than two of
/// its samples are among those of the unchanged run.
pub fn compare_controls(
    unchanged: &PlaneInput<'_>,
    ids: &[String],
    cases: &[ControlCase<'_>],
    omitted: Vec<OmittedControl>,
    options: &PlaneOptions,
) -> Result<ControlsResult, PlaneError> {
    let channel = options.channel.clone().check()?;
    let place: HashMap<&str, usize> = ids.iter().map(String::as_str).zip(0..).collect();
    unchanged.check()?;
    let mut chosen = None;
    let mut known: Option<Unchanged> = None;
    let mut controls = Vec::with_capacity(cases.len());
    for case in cases {
        check(unchanged, case)?;
        let shared = Shared::new(&place, case)?;
        // Most cases have the same samples.
        let same = known
            .take()
            .filter(|known| known.samples == shared.unchanged);
        let before = known.insert(match same {
            Some(same) => same,
            None => {
                let side = Side::read(&unchanged.restricted(&shared.unchanged), &channel)?;
                let (tau, _) = match chosen {
                    Some(chosen) => chosen,
                    None => *chosen.insert(resolution(&side, &channel, options)?),
                };
                Unchanged {
                    samples: shared.unchanged,
                    tau,
                    figures: side.estimate(&channel, tau)?,
                    side,
                }
            }
        });
        let changed = case.input.restricted(&shared.changed);
        let after = Side::read(&changed, &channel)?;
        let after_figures = after.estimate(&channel, before.tau)?;
        let rows = rows(
            unchanged,
            (&before.side, &before.figures),
            (&after, &after_figures),
        );
        let (verdict, evidence) = judge(case.kind, &rows, &before.figures);
        controls.push(ControlResult {
            name: case.name.clone(),
            kind: case.kind,
            change: case.change.clone(),
            n: shared.changed.len(),
            accuracy: accuracy(&changed),
            expectation: expectation(case.kind).to_owned(),
            verdict: case.whole.then_some(verdict),
            evidence,
            ranking: ranking(&before.figures, &after_figures),
            layers: rows,
        });
    }
    let (tau, flagged) = chosen.unwrap_or((options.channel.tau, false));
    Ok(ControlsResult {
        tau,
        flagged,
        controls,
        omitted,
    })
}

fn check(unchanged: &PlaneInput<'_>, case: &ControlCase<'_>) -> Result<(), PlaneError> {
    case.input.check()?;
    let names = |input: &PlaneInput<'_>| -> Vec<String> {
        input
            .layers
            .iter()
            .map(|layer| layer.name.clone())
            .collect()
    };
    if names(unchanged) != names(&case.input) || case.ids.len() != case.input.n_samples {
        return Err(PlaneError::Control {
            name: case.name.clone(),
            reason: "its layers or samples are not those of the run".to_owned(),
        });
    }
    Ok(())
}

/// Positions of the shared samples in both runs, in the order of the changed one.
struct Shared {
    unchanged: Vec<usize>,
    changed: Vec<usize>,
}

impl Shared {
    fn new(place: &HashMap<&str, usize>, case: &ControlCase<'_>) -> Result<Shared, PlaneError> {
        let own = case.ids.iter().enumerate();
        let pairs = own.filter_map(|(own, id)| Some((*place.get(id.as_str())?, own)));
        let (unchanged, changed): (Vec<usize>, Vec<usize>) = pairs.unzip();
        if changed.len() < 2 {
            return Err(PlaneError::Control {
                name: case.name.clone(),
                reason: "fewer than two of its samples are among those of the run".to_owned(),
            });
        }
        Ok(Shared { unchanged, changed })
    }
}

/// The unchanged run on some of its samples.
struct Unchanged {
    samples: Vec<usize>,
    tau: f64,
    side: Side,
    figures: Vec<Information>,
}

/// The conductances of all layers, of one run.
struct Side {
    names: Vec<String>,
    matrices: Vec<Matrix>,
    prepared: Vec<PreparedLayer>,
}

impl Side {
    fn read(input: &PlaneInput<'_>, channel: &GaussianChannel) -> Result<Side, PlaneError> {
        let labels = labels_of(input.label.as_ref())?;
        let mut side = Side {
            names: Vec::new(),
            matrices: Vec::new(),
            prepared: Vec::new(),
        };
        for (index, layer) in input.layers.iter().enumerate() {
            let matrix = input.vectors.vectors(index, VectorKind::Conductance)?;
            let prepared = prepare(&matrix, labels.as_ref(), channel);
            side.prepared.push(prepared.map_err(named(&layer.name))?);
            side.names.push(layer.name.clone());
            side.matrices.push(matrix);
        }
        Ok(side)
    }

    fn estimate(
        &self,
        channel: &GaussianChannel,
        tau: f64,
    ) -> Result<Vec<Information>, PlaneError> {
        let layers = self.names.iter().zip(&self.prepared);
        layers
            .map(|(name, prepared)| channel.estimate(prepared, tau).map_err(named(name)))
            .collect()
    }
}

fn prepare(
    matrix: &Matrix,
    labels: Option<&Labels>,
    channel: &GaussianChannel,
) -> Result<PreparedLayer, infoplane_estimators::EstimatorError> {
    let samples = Samples::new(&matrix.data, matrix.n_samples, matrix.width)?;
    channel.prepare(samples, labels)
}

fn named(layer: &str) -> impl FnOnce(infoplane_estimators::EstimatorError) -> PlaneError {
    let layer = layer.to_owned();
    move |source| PlaneError::Layer {
        layer,
        kind: VectorKind::Conductance,
        source,
    }
}

/// The τ of all figures, and whether even the coarsest is too fine.
fn resolution(
    side: &Side,
    channel: &GaussianChannel,
    options: &PlaneOptions,
) -> Result<(f64, bool), PlaneError> {
    let taus = options.sweep();
    if taus.is_empty() {
        return Err(PlaneError::NoResolutions);
    }
    let layers = side.names.iter().zip(&side.prepared);
    let sweeps: Vec<LayerSweep> = layers
        .map(|(name, prepared)| {
            Ok(LayerSweep {
                layer: name.clone(),
                kind: VectorKind::Conductance,
                points: channel.sweep(prepared, &taus).map_err(named(name))?,
            })
        })
        .collect::<Result<_, PlaneError>>()?;
    let chosen = choose(options, &taus, &sweeps);
    Ok((chosen.tau, chosen.flagged))
}

fn rows(
    input: &PlaneInput<'_>,
    (before, before_figures): (&Side, &[Information]),
    (after, after_figures): (&Side, &[Information]),
) -> Vec<ControlRow> {
    let interval = |estimate: &Estimate| Interval {
        value: estimate.value,
        ci: estimate.ci,
    };
    (0..input.layers.len())
        .map(|index| {
            let (from, to) = (&before_figures[index], &after_figures[index]);
            let matrices = (&before.matrices[index], &after.matrices[index]);
            let labels = from.label.as_ref().zip(to.label.as_ref());
            ControlRow {
                layer: input.layers[index].name.clone(),
                depth: input.layers[index].depth,
                mi_x: interval(&from.input),
                mi_y: from.label.as_ref().map(interval),
                ite: ratio(from),
                changed_mi_x: interval(&to.input),
                changed_mi_y: to.label.as_ref().map(interval),
                changed_ite: ratio(to),
                mi_y_difference: labels.map(|(from, to)| change(to, from)),
                rank_correlation: rank_correlation(matrices.0, matrices.1),
                relative_difference: relative_difference(matrices.0, matrices.1),
            }
        })
        .collect()
}

fn ranking(before: &[Information], after: &[Information]) -> Option<f64> {
    let by_ite = |side: &[Information]| {
        let layers: Vec<&Information> = side.iter().collect();
        figures(RankedBy::Ite, &layers, None)
    };
    rank::kendall(&by_ite(before), &by_ite(after))
}
