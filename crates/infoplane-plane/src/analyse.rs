//! From vectors to the plane: a sweep over resolutions, then every figure at the chosen one.

use infoplane_estimators::{
    Estimate, GaussianChannel, Information, InformationEstimator, Labels, PreparedLayer, Samples,
};

use crate::completeness::completeness;
use crate::critical::{Candidate, rank};
use crate::efficiency::efficiency;
use crate::labels::{accuracy, labels, summary};
use crate::resolution::{LayerSweep, choose};
use crate::warnings::{Findings, warnings};
use crate::{
    Distribution, Figure, LayerInput, NullFigure, PLANE_FORMAT, PlaneError, PlaneInput,
    PlaneOptions, PlaneResult, PlaneRow, VectorKind,
};

/// What an analysis is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Both informations at every τ.
    Sweep,
    /// Intervals and nulls at the chosen τ.
    Estimate,
}

/// How far an analysis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being done.
    pub stage: Stage,
    /// The layer whose turn has come.
    pub layer: &'a str,
    /// Which of its vectors.
    pub kind: VectorKind,
    /// Layers and kinds finished in this stage.
    pub done: usize,
    /// Layers and kinds in this stage.
    pub total: usize,
}

const KINDS: [VectorKind; 2] = [VectorKind::Conductance, VectorKind::Activation];

/// One layer's vectors of one kind.
struct Plot {
    layer: usize,
    kind: VectorKind,
    width: usize,
    prepared: PreparedLayer,
}

/// Estimates both informations of every layer and kind, chooses the resolution, and judges.
///
/// Vectors are read one layer and kind at a time; what is kept of them is their first principal
/// components, `8 · n_samples · 64` bytes for each layer and kind at most. `progress` is called
/// before each.
///
/// # Errors
/// When the input is inconsistent, vectors can't be read or hold a number that is not finite, or
/// there are too few samples.
pub fn analyse(
    input: &PlaneInput<'_>,
    options: &PlaneOptions,
    progress: &dyn Fn(Progress<'_>),
) -> Result<PlaneResult, PlaneError> {
    input.check()?;
    let taus = options.sweep();
    if taus.is_empty() {
        return Err(PlaneError::NoResolutions);
    }
    let channel = options.channel.clone().check()?;
    let labels = labels(input)?;
    let (plots, sweeps) = sweep(input, &channel, labels.as_ref(), &taus, progress)?;
    let resolution = choose(options, &taus, &sweeps);

    let mut informations = Vec::with_capacity(plots.len());
    for (done, plot) in plots.iter().enumerate() {
        let layer = &input.layers[plot.layer];
        progress(Progress {
            stage: Stage::Estimate,
            layer: &layer.name,
            kind: plot.kind,
            done,
            total: plots.len(),
        });
        informations.push(channel.estimate(&plot.prepared, resolution.tau)?);
    }

    let name = channel.name();
    let limit = options.bracket_limit;
    let rows: Vec<PlaneRow> = plots
        .iter()
        .zip(&informations)
        .map(|(plot, information)| {
            let layer = &input.layers[plot.layer];
            let previous = previous_cut(input, &plots, &informations, plot);
            row(
                name,
                layer,
                plot,
                information,
                previous.map(|(_, p)| p),
                limit,
            )
        })
        .collect();
    let candidates: Vec<Candidate<'_>> = plots
        .iter()
        .zip(&informations)
        .filter(|(plot, _)| plot.kind == VectorKind::Conductance)
        .map(|(plot, information)| Candidate {
            layer: &input.layers[plot.layer],
            information,
            previous: previous_cut(input, &plots, &informations, plot),
        })
        .collect();
    let completeness = completeness(input);
    let label = summary(input.label.as_ref(), labels.as_ref());
    let variance_kept: Vec<f64> = informations.iter().map(|i| i.variance_kept).collect();
    let warnings = warnings(
        input,
        &Findings {
            label: &label,
            labelled: labels.is_some(),
            n_lone: informations.first().map_or(0, |i| i.n_lone),
            resolution: &resolution,
            rows: &rows,
            variance_kept: &variance_kept,
            completeness: &completeness,
        },
    );
    Ok(PlaneResult {
        format: PLANE_FORMAT,
        n: input.n_samples,
        label,
        target: input.target.clone(),
        accuracy: accuracy(input),
        critical: rank(&candidates, limit),
        ablation: None,
        resolution,
        rows,
        completeness,
        steps: Distribution::of(input.steps.iter().map(|&s| f64::from(s)).collect()),
        warnings,
    })
}

/// Reads every layer's vectors in turn and estimates at every τ.
fn sweep(
    input: &PlaneInput<'_>,
    channel: &GaussianChannel,
    labels: Option<&Labels>,
    taus: &[f64],
    progress: &dyn Fn(Progress<'_>),
) -> Result<(Vec<Plot>, Vec<LayerSweep>), PlaneError> {
    let total = KINDS.len() * input.layers.len();
    let (mut plots, mut sweeps) = (Vec::with_capacity(total), Vec::with_capacity(total));
    for (index, layer) in input.layers.iter().enumerate() {
        for kind in KINDS {
            progress(Progress {
                stage: Stage::Sweep,
                layer: &layer.name,
                kind,
                done: plots.len(),
                total,
            });
            let named = |source| PlaneError::Layer {
                layer: layer.name.clone(),
                kind,
                source,
            };
            let matrix = input.vectors.vectors(index, kind)?;
            if matrix.n_samples != input.n_samples {
                return Err(PlaneError::Length {
                    what: format!("{kind} of layer `{}`", layer.name),
                    found: matrix.n_samples,
                    expected: input.n_samples,
                });
            }
            let samples =
                Samples::new(&matrix.data, matrix.n_samples, matrix.width).map_err(named)?;
            let prepared = channel.prepare(samples, labels).map_err(named)?;
            sweeps.push(LayerSweep {
                layer: layer.name.clone(),
                kind,
                points: channel.sweep(&prepared, taus).map_err(named)?,
            });
            plots.push(Plot {
                layer: index,
                kind,
                width: matrix.width,
                prepared,
            });
        }
    }
    Ok((plots, sweeps))
}

/// The nearest cut layer before a cut layer, with its figures of the same kind.
fn previous_cut<'a>(
    input: &'a PlaneInput<'_>,
    plots: &[Plot],
    informations: &'a [Information],
    of: &Plot,
) -> Option<(&'a LayerInput, &'a Information)> {
    if !input.layers[of.layer].cut {
        return None;
    }
    plots
        .iter()
        .zip(informations)
        .filter(|(plot, _)| plot.kind == of.kind && plot.layer < of.layer)
        .map(|(plot, information)| (&input.layers[plot.layer], information))
        .rfind(|(layer, _)| layer.cut)
}

fn row(
    estimator: &str,
    layer: &LayerInput,
    plot: &Plot,
    information: &Information,
    previous: Option<&Information>,
    bracket_limit: f64,
) -> PlaneRow {
    PlaneRow {
        layer: layer.name.clone(),
        depth: layer.depth,
        cut: layer.cut,
        kind: plot.kind,
        estimator: estimator.to_owned(),
        n: information.n_samples,
        width: plot.width,
        dimensions: information.dimensions,
        mi_x: figure(&information.input, bracket_limit),
        mi_y: information
            .label
            .as_ref()
            .map(|label| figure(label, bracket_limit)),
        ite: efficiency(information, previous),
    }
}

fn figure(estimate: &Estimate, bracket_limit: f64) -> Figure {
    Figure {
        value: estimate.value,
        unit: "bits".to_owned(),
        ci: estimate.ci,
        bracket: estimate.bracket,
        ceiling: estimate.ceiling,
        null: estimate.null.map(|null| NullFigure {
            mean: null.mean,
            p95: null.p95,
            p_value: null.p_value,
        }),
        saturated: estimate.saturated,
        flagged: estimate.bracket_width() > bracket_limit,
    }
}
