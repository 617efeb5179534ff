//! The sweep over the noise τ: one line a layer, the chosen τ marked, refused ones shaded.

use infoplane_plane::{ResolutionPoint, VectorKind};

use super::canvas::{Anchor, Area, Canvas, Look};
use super::font::text_width;
use super::kind_name;
use super::scale::Scale;
use super::style::{DOUBLE_COLUMN, FAINT, GRID, INK, SMALL, depth_colour};
use crate::text::number;
use crate::view::RunView;

const TOP: f64 = 20.0;
const LEFT: f64 = 36.0;
const LABELS: f64 = 46.0;
const HEIGHT: f64 = 165.0;

/// One layer's line.
struct Line {
    index: usize,
    points: Vec<(f64, f64)>,
}

/// The figure, where at least two noise levels were tried.
pub(super) fn figure(view: &RunView<'_>) -> Option<String> {
    let labelled = view.labelled();
    let name = if labelled {
        "ITE = I(C;Y) / I(X;C)"
    } else {
        "I(X;C), bits"
    };
    let value = |point: &ResolutionPoint| {
        if labelled {
            point.ite
        } else {
            Some(point.mi_x)
        }
    };
    let mut taus: Vec<f64> = view.plane.resolution.sweep.iter().map(|s| s.tau).collect();
    taus.retain(|tau| tau.is_finite() && *tau > 0.0);
    taus.sort_by(f64::total_cmp);
    taus.dedup();
    let (first, last) = (*taus.first()?, *taus.last()?);
    if taus.len() < 2 {
        return None;
    }
    let series: Vec<(VectorKind, Vec<Line>)> = [VectorKind::Conductance, VectorKind::Activation]
        .into_iter()
        .map(|kind| (kind, lines(view, kind, value)))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    let ends = || {
        series
            .iter()
            .flat_map(|(_, l)| l)
            .flat_map(|l| &l.points)
            .map(|p| p.1)
    };
    let high = ends().fold(0.0, f64::max);
    let low = ends().fold(0.0, f64::min);

    let mut canvas = Canvas::new(
        DOUBLE_COLUMN,
        TOP + HEIGHT + 27.0,
        &format!("{name} against the noise"),
        "One line a layer; the chosen noise is marked, refused ones are shaded.",
    );
    let count = series.len().max(1) as f64;
    let panel = (DOUBLE_COLUMN - LEFT) / count - LABELS;
    for (index, (kind, lines)) in series.iter().enumerate() {
        let left = LEFT + index as f64 * (panel + LABELS);
        let area = Area {
            left,
            top: TOP,
            right: left + panel,
            bottom: TOP + HEIGHT,
        };
        let x = Scale::logarithmic([first, last], [area.left + 6.0, area.right - 3.0]);
        let y = Scale::linear([low, high], [area.bottom, area.top]);
        canvas.text(
            (left, TOP - 7.0),
            kind_name(*kind),
            Anchor::Start,
            Look::title(),
        );
        refused(&mut canvas, view, area, &x, &taus);
        canvas.y_axis(area, &y, if index == 0 { name } else { "" });
        tau_axis(&mut canvas, view, area, &x, &taus);
        for line in lines {
            let at: Vec<(f64, f64)> = line.points.iter().map(|p| (x.at(p.0), y.at(p.1))).collect();
            canvas.path(&at, &depth_colour(line.index, view.layers.len()), 0.9);
        }
        end_labels(&mut canvas, view, lines, area, &y);
    }
    Some(canvas.finish())
}

fn lines(
    view: &RunView<'_>,
    kind: VectorKind,
    value: impl Fn(&ResolutionPoint) -> Option<f64>,
) -> Vec<Line> {
    let mut lines: Vec<Line> = (0..view.layers.len())
        .map(|index| Line {
            index,
            points: Vec::new(),
        })
        .collect();
    for step in &view.plane.resolution.sweep {
        for point in step.points.iter().filter(|point| point.kind == kind) {
            let line = view
                .index(&point.layer)
                .and_then(|index| lines.get_mut(index));
            if let (Some(line), Some(value)) = (line, value(point).filter(|v| v.is_finite())) {
                line.points.push((step.tau, value));
            }
        }
    }
    lines.retain_mut(|line| {
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
        line.points.len() > 1
    });
    lines
}

/// Shades the noise levels whose bracket was too wide, up to half way to the next.
fn refused(canvas: &mut Canvas, view: &RunView<'_>, area: Area, x: &Scale, taus: &[f64]) {
    let resolution = &view.plane.resolution;
    for step in &resolution.sweep {
        if step.widest_bracket <= resolution.bracket_limit {
            continue;
        }
        let Some(index) = taus.iter().position(|tau| *tau == step.tau) else {
            continue;
        };
        let half_way = |other: Option<&f64>, end: f64| {
            other.map_or(end, |tau| (x.at(*tau) + x.at(step.tau)) / 2.0)
        };
        let before = index.checked_sub(1).and_then(|before| taus.get(before));
        let shaded = Area {
            left: half_way(before, area.left),
            right: half_way(taus.get(index + 1), area.right),
            ..area
        };
        canvas.rectangle(shaded, "#f3f4f6");
    }
}

fn tau_axis(canvas: &mut Canvas, view: &RunView<'_>, area: Area, x: &Scale, taus: &[f64]) {
    for tau in taus {
        let at = x.at(*tau);
        canvas.line((at, area.bottom), (at, area.bottom + 2.5), FAINT, 0.6);
        canvas.text(
            (at, area.bottom + 9.5),
            &format!("{tau}"),
            Anchor::Middle,
            Look::tick(),
        );
    }
    canvas.line(
        (area.left, area.bottom),
        (area.right, area.bottom),
        FAINT,
        0.7,
    );
    let chosen = view.plane.resolution.tau;
    let at = x.at(chosen);
    canvas.dashed((at, area.top), (at, area.bottom), INK);
    canvas.text(
        (at, area.top - 2.5),
        &format!("τ = {}", number(chosen)),
        Anchor::Middle,
        Look::tick(),
    );
    let middle = (area.left + area.right) / 2.0;
    canvas.text(
        (middle, area.bottom + 20.5),
        "noise τ (shaded: refused, bracket too wide)",
        Anchor::Middle,
        Look::text(),
    );
}

/// Names right of the lines' ends, the most critical first, those without room left out.
fn end_labels(canvas: &mut Canvas, view: &RunView<'_>, lines: &[Line], area: Area, y: &Scale) {
    let mut taken: Vec<f64> = Vec::new();
    let mut order: Vec<&Line> = lines.iter().collect();
    let rank = |line: &Line| {
        let name = view.layers.get(line.index).map(|layer| &layer.name);
        let critical = view.plane.critical.iter();
        critical
            .take_while(|critical| Some(&critical.layer) != name)
            .count()
    };
    order.sort_by_key(|line| rank(line));
    for line in order {
        let (Some(end), Some(layer)) = (line.points.last(), view.layers.get(line.index)) else {
            continue;
        };
        let at = y.at(end.1);
        if taken.iter().any(|other| (other - at).abs() < SMALL + 0.6) {
            continue;
        }
        taken.push(at);
        canvas.line((area.right - 2.0, at), (area.right + 2.0, at), GRID, 0.5);
        let mut text = layer.short.clone();
        if text_width(&text, SMALL) > LABELS - 16.0 {
            text = layer.ordinal.to_string();
        }
        canvas.text(
            (area.right + 3.0, at + 2.1),
            &text,
            Anchor::Start,
            Look::label(),
        );
    }
}
