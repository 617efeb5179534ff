//! From vectors to the plane: a sweep over resolutions, then every figure at the chosen one.

use infoplane_estimators::{
    Estimate, GaussianChannel, Information, Labels, PreparedLayer, Samples,
};

use crate::channels;
use crate::checks::{self, Check};
use crate::completeness::{completeness, step_counts};
use crate::critical::{Candidate, rank};
use crate::efficiency::efficiency;
use crate::families::{self, Found, OWN, Other};
use crate::halves::RowHalves;
use crate::labels::{accuracy, labels as labels_of, summary};
use crate::resolution::{LayerSweep, Swept, choose};
use crate::roles::roles;
use crate::stability::{RankStability, RankedBy, Ranking, figures, stability};
use crate::warnings::{Findings, warnings};
use crate::{
    ClassRow, Distribution, Figure, Ite, LayerInput, Matrix, NullFigure, PLANE_FORMAT, PlaneError,
    PlaneInput, PlaneOptions, PlaneResult, PlaneRow, Resolution, VectorKind, VectorRange,
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
    Ok(analyse_with_halves(input, options, None, progress)?.0)
}

/// As [`analyse`], with the figures on halves of the samples, which are the same halves for every run
/// with as many samples and the same seed. A sweep that [`sweep_resolutions`] made of the same input
/// and options is not made again.
///
/// # Errors
/// As for [`analyse`].
pub fn analyse_with_halves(
    input: &PlaneInput<'_>,
    options: &PlaneOptions,
    swept: Option<&Swept>,
    progress: &dyn Fn(Progress<'_>),
) -> Result<(PlaneResult, Vec<RowHalves>), PlaneError> {
    let (taus, channel) = checked(input, options)?;
    let others = families::build(&options.estimators)?;
    let labels = labels_of(input.label.as_ref())?;
    let (plots, sweeps) = sweep(input, &channel, labels.as_ref(), (&taus, swept), progress)?;
    let resolution = choose(options, &taus, &sweeps);
    let tables = tables(input, labels.as_ref(), &others, options)?;

    let mut informations = Vec::with_capacity(plots.len());
    let mut further: Vec<Vec<Found>> = tables.iter().map(|_| Vec::new()).collect();
    let (mut classes, mut channel_views) = (Vec::new(), Vec::new());
    for (done, plot) in plots.iter().enumerate() {
        let layer = &input.layers[plot.layer];
        progress(Progress {
            stage: Stage::Estimate,
            layer: &layer.name,
            kind: plot.kind,
            done,
            total: plots.len(),
        });
        let (information, bits) = channel.estimate_by_class(&plot.prepared, resolution.tau)?;
        informations.push(information);
        if labels.is_some() {
            classes.push(ClassRow {
                layer: layer.name.clone(),
                kind: plot.kind,
                bits,
            });
        }
        let shown = labels
            .as_ref()
            .filter(|_| plot.kind == VectorKind::Conductance);
        if shown.is_none() && tables.is_empty() {
            continue;
        }
        let matrix = vectors(input, plot.layer, plot.kind)?;
        if let Some(labels) = shown {
            let tau = resolution.tau;
            channel_views.push(channels::view(
                layer, plot.kind, &matrix, labels, &channel, tau,
            )?);
        }
        for (table, found) in tables.iter().zip(&mut further) {
            found.push(table.estimate(&matrix, &channel, &resolution, layer, plot.kind)?);
        }
    }

    let limit = options.bracket_limit;
    let own = label_kind(input, labels.as_ref());
    let mut rows: Vec<PlaneRow> = plots
        .iter()
        .zip(&informations)
        .map(|(plot, information)| {
            let previous = previous_cut(input, &plots, &informations, plot);
            let layer = &input.layers[plot.layer];
            let before = previous.map(|(_, p)| p);
            row((OWN, &own), layer, plot, information, before, limit)
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
    let stability = stabilities(&resolution, &plots, &informations, &tables, &further);
    for (table, found) in tables.iter().zip(&further) {
        rows.extend(further_rows(input, &plots, table, found, limit));
    }
    let cuts = KINDS.map(|kind| cuts(input, &plots, &informations, kind));
    let mut checks: Vec<Check> = KINDS
        .iter()
        .zip(&cuts)
        .flat_map(|(&kind, cuts)| checks::monotone(kind, cuts))
        .collect();
    checks.extend(checks::planes_agree(&cuts[0], &cuts[1]));
    let further = further.iter().flatten();
    let halves = informations.iter().map(RowHalves::of);
    let halves = halves.chain(further.filter_map(RowHalves::found)).collect();
    let result = PlaneResult {
        format: PLANE_FORMAT,
        n: input.n_samples,
        label,
        target: input.target.clone(),
        accuracy: accuracy(input),
        critical: rank(&candidates, limit),
        roles: KINDS
            .iter()
            .flat_map(|&kind| roles(kind, &all_cuts(input, &plots, &informations, kind)))
            .collect(),
        stability,
        checks,
        classes,
        channels: channel_views,
        ablation: None,
        controls: None,
        resolution,
        rows,
        completeness,
        steps: Distribution::of(input.steps.iter().map(|&s| f64::from(s)).collect()),
        step_counts: step_counts(&input.steps),
        warnings,
        settings: None,
    };
    Ok((result, halves))
}

/// Sweeps over resolutions, and nothing else; for a choice of τ over several runs.
///
/// # Errors
/// As for [`analyse`].
pub fn sweep_resolutions(
    input: &PlaneInput<'_>,
    options: &PlaneOptions,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Swept, PlaneError> {
    let (taus, channel) = checked(input, options)?;
    let labels = labels_of(input.label.as_ref())?;
    let (_, sweeps) = sweep(input, &channel, labels.as_ref(), (&taus, None), progress)?;
    Ok(Swept { taus, sweeps })
}

/// The τ to sweep, and the channel.
fn checked(
    input: &PlaneInput<'_>,
    options: &PlaneOptions,
) -> Result<(Vec<f64>, GaussianChannel), PlaneError> {
    input.check()?;
    let taus = options.sweep();
    if taus.is_empty() {
        return Err(PlaneError::NoResolutions);
    }
    Ok((taus, options.channel.clone().check()?))
}

/// A family and a label beside the plane's own, for which there are rows.
struct Table<'a> {
    /// `None` for the plane's own.
    family: Option<&'a Other>,
    labels: Option<Labels>,
    label_kind: String,
    /// Whether the label is the plane's own.
    own_label: bool,
    seed: u64,
    ranges: &'a [VectorRange],
}

impl Table<'_> {
    fn name(&self) -> &str {
        self.family.map_or(OWN, Other::name)
    }

    fn estimate(
        &self,
        matrix: &Matrix,
        channel: &GaussianChannel,
        resolution: &Resolution,
        layer: &LayerInput,
        kind: VectorKind,
    ) -> Result<Found, PlaneError> {
        let named = |source| PlaneError::Layer {
            layer: layer.name.clone(),
            kind,
            source,
        };
        let samples = Samples::new(&matrix.data, matrix.n_samples, matrix.width).map_err(named)?;
        let labels = self.labels.as_ref();
        match self.family {
            Some(family) => {
                let mut ranges = self.ranges.iter();
                let range = ranges.find(|range| range.layer == layer.name && range.kind == kind);
                family
                    .within(range)
                    .and_then(|family| family.estimate(samples, labels, self.seed))
            }
            None => channel
                .prepare(samples, labels)
                .and_then(|prepared| channel.estimate(&prepared, resolution.tau))
                .map(|information| Found::Both(Box::new(information))),
        }
        .map_err(named)
    }
}

/// Every other family with the plane's label, then every family with each other label.
fn tables<'a>(
    input: &PlaneInput<'_>,
    labels: Option<&Labels>,
    others: &'a [Other],
    options: &'a PlaneOptions,
) -> Result<Vec<Table<'a>>, PlaneError> {
    let (seed, ranges) = (options.channel.seed, options.ranges.as_slice());
    let mut tables: Vec<Table<'_>> = others
        .iter()
        .map(|family| Table {
            family: Some(family),
            labels: labels.cloned(),
            label_kind: label_kind(input, labels),
            own_label: true,
            seed,
            ranges,
        })
        .collect();
    for label in &input.further_labels {
        let Some(labels) = labels_of(Some(label))? else {
            continue;
        };
        let families = std::iter::once(None).chain(others.iter().map(Some));
        tables.extend(families.map(|family| Table {
            family,
            labels: Some(labels.clone()),
            label_kind: label.kind.clone(),
            own_label: false,
            seed,
            ranges,
        }));
    }
    Ok(tables)
}

fn label_kind(input: &PlaneInput<'_>, labels: Option<&Labels>) -> String {
    let label = input.label.as_ref().filter(|_| labels.is_some());
    label.map_or_else(|| "none".to_owned(), |label| label.kind.clone())
}

/// The rankings of the conductances by every τ of the sweep and every other family.
fn stabilities(
    resolution: &Resolution,
    plots: &[Plot],
    informations: &[Information],
    tables: &[Table<'_>],
    further: &[Vec<Found>],
) -> Vec<RankStability> {
    let is_conductance = |plot: &&Plot| plot.kind == VectorKind::Conductance;
    let layers: Vec<&Information> = plots
        .iter()
        .zip(informations)
        .filter(|(plot, _)| is_conductance(plot))
        .map(|(_, information)| information)
        .collect();
    if layers.iter().all(|information| information.label.is_none()) {
        return Vec::new();
    }
    let of = |by: RankedBy| {
        let mut rankings: Vec<Ranking> = resolution
            .sweep
            .iter()
            .map(|step| {
                let points = step.points.iter();
                let points = points.filter(|point| point.kind == VectorKind::Conductance);
                let figure = |point: &crate::ResolutionPoint| match by {
                    RankedBy::Ite => point.ite,
                    RankedBy::MiY => point.mi_y,
                };
                (format!("τ = {}", step.tau), points.map(figure).collect())
            })
            .collect();
        for (table, found) in tables.iter().zip(further).filter(|(t, _)| t.own_label) {
            let found = plots.iter().zip(found);
            let figure = |found: &Found| match found {
                Found::Both(information) => figures(by, &[information], None).pop().flatten(),
                Found::Label(label) => (by == RankedBy::MiY).then_some(label.value),
                Found::Nothing => None,
            };
            let values: Vec<Option<f64>> = found
                .filter(|(plot, _)| is_conductance(plot))
                .map(|(_, found)| figure(found))
                .collect();
            if values.iter().any(Option::is_some) {
                rankings.push((table.name().to_owned(), values));
            }
        }
        stability(by, rankings, &layers)
    };
    vec![of(RankedBy::Ite), of(RankedBy::MiY)]
}

/// The rows of one table, in the order of the plots.
fn further_rows(
    input: &PlaneInput<'_>,
    plots: &[Plot],
    table: &Table<'_>,
    found: &[Found],
    limit: f64,
) -> Vec<PlaneRow> {
    let names = (table.name(), table.label_kind.as_str());
    plots
        .iter()
        .zip(found)
        .filter_map(|(plot, figures)| {
            let layer = &input.layers[plot.layer];
            match figures {
                Found::Both(information) => {
                    let before = plots.iter().zip(found).rfind(|(other, _)| {
                        layer.cut
                            && other.kind == plot.kind
                            && other.layer < plot.layer
                            && input.layers[other.layer].cut
                    });
                    let before = before.and_then(|(_, found)| match found {
                        Found::Both(information) => Some(information.as_ref()),
                        _ => None,
                    });
                    Some(row(names, layer, plot, information, before, limit))
                }
                Found::Label(label) => Some(PlaneRow {
                    mi_y: Some(figure(label, limit)),
                    ..bare_row(names, layer, plot, input.n_samples, plot.width)
                }),
                Found::Nothing => None,
            }
        })
        .collect()
}

/// The cut layers of a kind, from input to output.
fn all_cuts<'a>(
    input: &'a PlaneInput<'_>,
    plots: &[Plot],
    informations: &'a [Information],
    kind: VectorKind,
) -> Vec<(&'a LayerInput, &'a Information)> {
    plots
        .iter()
        .zip(informations)
        .map(|(plot, information)| (plot, &input.layers[plot.layer], information))
        .filter(|(plot, layer, _)| plot.kind == kind && layer.cut)
        .map(|(_, layer, information)| (layer, information))
        .collect()
}

/// Those of [`all_cuts`] whose figures are not saturated.
fn cuts<'a>(
    input: &'a PlaneInput<'_>,
    plots: &[Plot],
    informations: &'a [Information],
    kind: VectorKind,
) -> Vec<(&'a LayerInput, &'a Information)> {
    let mut cuts = all_cuts(input, plots, informations, kind);
    cuts.retain(|(_, information)| {
        let label = information.label.as_ref();
        !information.input.saturated && !label.is_some_and(|label| label.saturated)
    });
    cuts
}

/// The vectors of a layer, of as many samples as there are.
fn vectors(input: &PlaneInput<'_>, index: usize, kind: VectorKind) -> Result<Matrix, PlaneError> {
    let matrix = input.vectors.vectors(index, kind)?;
    if matrix.n_samples == input.n_samples {
        return Ok(matrix);
    }
    Err(PlaneError::Length {
        what: format!("{kind} of layer `{}`", input.layers[index].name),
        found: matrix.n_samples,
        expected: input.n_samples,
    })
}

/// Reads every layer's vectors in turn and estimates at every τ, where that is not known.
fn sweep(
    input: &PlaneInput<'_>,
    channel: &GaussianChannel,
    labels: Option<&Labels>,
    (taus, swept): (&[f64], Option<&Swept>),
    progress: &dyn Fn(Progress<'_>),
) -> Result<(Vec<Plot>, Vec<LayerSweep>), PlaneError> {
    let known = |layer: &str, kind| swept?.of(layer, kind, taus);
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
            let matrix = vectors(input, index, kind)?;
            let samples =
                Samples::new(&matrix.data, matrix.n_samples, matrix.width).map_err(named)?;
            let prepared = channel.prepare(samples, labels).map_err(named)?;
            sweeps.push(match known(&layer.name, kind) {
                Some(sweep) => sweep.clone(),
                None => LayerSweep {
                    layer: layer.name.clone(),
                    kind,
                    points: channel.sweep(&prepared, taus).map_err(named)?,
                },
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

/// A row of a family and a label, without figures.
fn bare_row(
    (estimator, label): (&str, &str),
    layer: &LayerInput,
    plot: &Plot,
    n: usize,
    dimensions: usize,
) -> PlaneRow {
    PlaneRow {
        layer: layer.name.clone(),
        depth: layer.depth,
        cut: layer.cut,
        kind: plot.kind,
        estimator: estimator.to_owned(),
        label: label.to_owned(),
        n,
        width: plot.width,
        dimensions,
        mi_x: None,
        mi_y: None,
        ite: Ite {
            ratio: None,
            normalized: None,
            incremental: None,
        },
    }
}

fn row(
    names: (&str, &str),
    layer: &LayerInput,
    plot: &Plot,
    information: &Information,
    previous: Option<&Information>,
    bracket_limit: f64,
) -> PlaneRow {
    let label = information.label.as_ref();
    PlaneRow {
        mi_x: Some(figure(&information.input, bracket_limit)),
        mi_y: label.map(|label| figure(label, bracket_limit)),
        ite: efficiency(information, previous),
        ..bare_row(
            names,
            layer,
            plot,
            information.n_samples,
            information.dimensions,
        )
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
