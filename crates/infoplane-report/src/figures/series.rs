//! The way of each layer through the plane during training: I(X;·) across, I(·;Y) upwards, marks that grow
//! with the checkpoint, hollow where a figure is not to be trusted.

use infoplane_plane::{PathFigure, SeriesPath, SeriesResult, VectorKind};

use super::canvas::{Anchor, Area, Canvas, Look};
use super::font::fitted;
use super::labels;
use super::legend::Legend;
use super::scale::Scale;
use super::style::{FAINT, SINGLE_COLUMN, SMALL, depth_colour};
use super::{Symbol, kind_name};
use crate::labels::axis_labels;
use crate::text::number;

const PANEL: f64 = 190.0;
const TOP: f64 = 18.0;
const LEFT: f64 = 36.0;
const RIGHT: f64 = 8.0;
const BELOW: f64 = 26.0;
const LEGEND: f64 = 24.0;
/// Radii of the first and the last checkpoint's mark.
const RADII: [f64; 2] = [1.1, 2.7];

/// One layer's way, and where it stands among those drawn.
struct Way<'a> {
    path: &'a SeriesPath,
    index: usize,
    points: Vec<Place>,
}

/// A layer at a checkpoint.
struct Place {
    checkpoint: usize,
    x: f64,
    y: f64,
    trusted: bool,
}

/// The paths of one kind, estimator and label; `None` where none has both informations.
pub(super) fn paths(
    result: &SeriesResult,
    (kind, estimator, label): (VectorKind, &str, &str),
) -> Option<String> {
    let own = result
        .paths
        .iter()
        .filter(|path| path.kind == kind && path.estimator == estimator && path.label == label);
    let ways: Vec<Way<'_>> = own
        .enumerate()
        .map(|(index, path)| Way {
            path,
            index,
            points: places(path),
        })
        .filter(|way| !way.points.is_empty())
        .collect();
    let all = || ways.iter().flat_map(|way| &way.points);
    all().next()?;
    let area = Area {
        left: LEFT,
        top: TOP,
        right: SINGLE_COLUMN - RIGHT,
        bottom: TOP + PANEL,
    };
    let x = Scale::linear(domain(all().map(|place| place.x)), [area.left, area.right]);
    let y = Scale::linear(domain(all().map(|place| place.y)), [area.bottom, area.top]);
    let mut canvas = Canvas::new(
        SINGLE_COLUMN,
        TOP + PANEL + BELOW + LEGEND,
        &format!("{} of each layer during training", kind_name(kind)),
        "Mutual information of each layer with the input, across, and with the label, upwards, from the first checkpoint to the last.",
    );
    panel(
        &mut canvas,
        result,
        &ways,
        (kind, estimator),
        (area, &x, &y),
    );
    legend(&mut canvas, result, estimator, TOP + PANEL + BELOW + 6.0);
    Some(canvas.finish())
}

fn places(path: &SeriesPath) -> Vec<Place> {
    let trusted = |figure: &PathFigure| !figure.saturated && !figure.flagged;
    let points = path.points.iter().enumerate();
    points
        .filter_map(|(checkpoint, point)| {
            let (mi_x, mi_y) = (point.mi_x?, point.mi_y?);
            (mi_x.value.is_finite() && mi_y.value.is_finite()).then(|| Place {
                checkpoint,
                x: mi_x.value,
                y: mi_y.value,
                trusted: trusted(&mi_x) && trusted(&mi_y),
            })
        })
        .collect()
}

/// The span of the values, from 0 where they start near it.
fn domain(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    });
    let near_zero = low > 0.0 && low < 0.4 * high;
    [if near_zero { 0.0 } else { low }, high]
}

fn panel(
    canvas: &mut Canvas,
    result: &SeriesResult,
    ways: &[Way<'_>],
    (kind, estimator): (VectorKind, &str),
    (area, x, y): (Area, &Scale, &Scale),
) {
    let symbol = match kind {
        VectorKind::Conductance => "C",
        VectorKind::Activation => "A",
    };
    let title = (area.left, TOP - 7.0);
    canvas.text(title, kind_name(kind), Anchor::Start, Look::title());
    let room = area.width() - 60.0;
    let by = fitted(estimator, SMALL, room);
    canvas.text((area.right, TOP - 7.0), &by, Anchor::End, Look::tick());
    canvas.x_axis(area, x, &format!("I(X;{symbol}), bits"));
    canvas.y_axis(area, y, &format!("I({symbol};Y), bits"));
    let n_layers = ways.iter().map(|way| way.index + 1).max().unwrap_or(1);
    let at = |place: &Place| (x.at(place.x), y.at(place.y));
    for way in ways {
        let line: Vec<(f64, f64)> = way.points.iter().map(at).collect();
        canvas.path(&line, &depth_colour(way.index, n_layers), 0.7);
    }
    for way in ways {
        let colour = depth_colour(way.index, n_layers);
        for place in &way.points {
            let symbol = Symbol {
                cut: way.path.cut,
                trusted: place.trusted,
            };
            let radius = radius(place.checkpoint, result.checkpoints.len());
            canvas.mark(at(place), radius, symbol, &colour);
        }
    }
    names(canvas, ways, &at, area);
}

fn radius(checkpoint: usize, n_checkpoints: usize) -> f64 {
    let share = checkpoint as f64 / n_checkpoints.saturating_sub(1).max(1) as f64;
    // Two decimals, as everything in the drawing.
    ((RADII[0] + share * (RADII[1] - RADII[0])) * 100.0).round() / 100.0
}

/// Each layer's name beside its last mark, off all marks.
fn names(canvas: &mut Canvas, ways: &[Way<'_>], at: &impl Fn(&Place) -> (f64, f64), area: Area) {
    let layers: Vec<(&str, Option<&str>)> = ways
        .iter()
        .map(|way| (way.path.layer.as_str(), None))
        .collect();
    let (mut points, mut texts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for (way, name) in ways.iter().zip(axis_labels(&layers)) {
        points.extend(way.points.iter().map(at));
        ends.push(points.len() - 1);
        texts.resize(points.len(), name);
    }
    // From the output: its layers lie apart, and those near the input often in one place.
    ends.reverse();
    for label in labels::place(&points, &texts, &ends, RADII[1], area) {
        if let Some(text) = texts.get(label.index) {
            canvas.text(label.at, text, label.anchor, Look::label());
        }
    }
}

/// Depth by colour, training by size.
fn legend(canvas: &mut Canvas, result: &SeriesResult, estimator: &str, top: f64) {
    let baseline = top + 4.0;
    let mut legend = Legend {
        canvas,
        left: 6.0,
        baseline,
    };
    legend.depth(16);
    legend.left += 8.0;
    let room = (SINGLE_COLUMN - legend.left - 30.0) / 2.0;
    let ends = [result.checkpoints.first(), result.checkpoints.last()];
    for (checkpoint, radius) in ends.into_iter().flatten().zip(RADII) {
        let symbol = Symbol::DISC;
        let name = fitted(&crate::text::visible(&checkpoint.name), SMALL, room);
        legend.mark(radius, symbol, &name);
    }
    let own = result.paths.first().map(|path| path.estimator.as_str());
    let scale = match own == Some(estimator) {
        true => format!("; τ = {}", number(result.tau)),
        false => String::new(),
    };
    canvas.line(
        (6.0, baseline + 3.5),
        (SINGLE_COLUMN - 6.0, baseline + 3.5),
        FAINT,
        0.4,
    );
    let text = format!(
        "names stand at the last checkpoint; hollow: saturated or flagged; N = {}{scale}",
        result.n
    );
    canvas.text((6.0, baseline + 11.0), &text, Anchor::Start, Look::tick());
}
