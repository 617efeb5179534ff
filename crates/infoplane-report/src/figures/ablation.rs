//! Ablation: the damage by layer, and the deletion curves of every layer.

use infoplane_plane::{AblationResult, CurvePoint, Damage, Interval, LayerAblation, Measures};

use super::Symbol;
use super::canvas::{Anchor, Area, Canvas, Look};
use super::changes::{interval, is_finite, span};
use super::font::fitted;
use super::layers::LayerRows;
use super::legend::Legend;
use super::scale::Scale;
use super::style::{ACTIVATION, CONDUCTANCE, DOUBLE_COLUMN, MUTED, SINGLE_COLUMN, SMALL};
use crate::view::RunView;

const TOP: f64 = 22.0;

/// What is measured of the network's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    CrossEntropy,
    Accuracy,
    Agreement,
    TargetLogit,
}

impl Measure {
    fn axis(self) -> &'static str {
        match self {
            Measure::CrossEntropy => "cross-entropy, bits",
            Measure::Accuracy => "accuracy",
            Measure::Agreement => "share of predictions kept",
            Measure::TargetLogit => "target's logit",
        }
    }

    fn of(self, measures: &Measures) -> Option<Interval> {
        match self {
            Measure::CrossEntropy => Some(measures.cross_entropy),
            Measure::Accuracy => measures.accuracy,
            Measure::Agreement => Some(measures.agreement),
            Measure::TargetLogit => Some(measures.target_logit),
        }
        .filter(is_finite)
    }
}

/// The area over the deletion curve of the cross-entropy by layer, by which layers are judged.
pub(super) fn damage(view: &RunView<'_>) -> Option<String> {
    let ablation = view.ablation?;
    let found: Vec<(usize, Damage)> = layers(view, ablation)
        .map(|(index, layer)| (index, layer.area.cross_entropy))
        .filter(|(_, damage)| is_finite(&damage.top) && is_finite(&damage.control))
        .collect();
    if found.is_empty() {
        return None;
    }
    let figures: Vec<Interval> = found.iter().flat_map(|(_, d)| [d.top, d.control]).collect();
    let rows = LayerRows::new(view, SINGLE_COLUMN, TOP);
    let area = rows.area(8.0);
    let x = Scale::linear(span(&figures), [area.left, area.right]);
    let mut canvas = Canvas::new(
        SINGLE_COLUMN,
        area.bottom + 26.0,
        "Damage by ablation",
        "Gain of cross-entropy, averaged over the deletion curve; bars are 95 % intervals.",
    );
    legend(&mut canvas, ablation);
    rows.names(&mut canvas, view, area);
    canvas.x_axis(area, &x, "gain of cross-entropy over the curve, bits");
    for (index, damage) in found {
        let y = rows.at(index);
        interval(&mut canvas, &x, y + 1.4, damage.control, ACTIVATION);
        canvas.square((x.at(damage.control.value), y + 1.4), 2.2, ACTIVATION);
        interval(&mut canvas, &x, y - 1.4, damage.top, CONDUCTANCE);
        canvas.mark(
            (x.at(damage.top.value), y - 1.4),
            2.2,
            Symbol::DISC,
            CONDUCTANCE,
        );
    }
    Some(canvas.finish())
}

/// The ablated layers with their place in the network.
fn layers<'a>(
    view: &'a RunView<'_>,
    ablation: &'a AblationResult,
) -> impl Iterator<Item = (usize, &'a LayerAblation)> {
    let layers = ablation.layers.iter();
    layers.filter_map(|layer| Some((view.index(&layer.layer)?, layer)))
}

/// The deletion curves of one measure, a small panel a layer.
pub(super) fn curves(view: &RunView<'_>, measure: Measure) -> Option<String> {
    let ablation = view.ablation?;
    let intact = measure.of(&ablation.intact)?;
    let layers: Vec<(usize, &LayerAblation)> = layers(view, ablation).collect();
    if layers.is_empty() {
        return None;
    }
    let columns = match layers.len() {
        0..=24 => 4,
        25..=40 => 6,
        _ => 8,
    };
    let pitch = (
        (DOUBLE_COLUMN - 30.0) / f64::from(columns),
        if columns == 4 { 84.0 } else { 68.0 },
    );
    let ends = layers.iter().flat_map(|(_, layer)| &layer.curve);
    let ends = ends.flat_map(|point| [&point.top, &point.control]);
    let ends = ends.filter_map(|measures| measure.of(measures));
    let [low, high] = ends
        .chain([intact])
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], figure| {
            [low.min(figure.ci[0]), high.max(figure.ci[1])]
        });
    let rows = layers.len().div_ceil(columns as usize);
    let mut canvas = Canvas::new(
        DOUBLE_COLUMN,
        TOP + pitch.1 * rows as f64 + 16.0,
        &format!("Deletion curves: {}", measure.axis()),
        "One panel a layer: the measure against the share of its channels replaced; bands are 95 % intervals.",
    );
    legend(&mut canvas, ablation);
    for (position, &(index, layer)) in layers.iter().enumerate() {
        let (column, row) = (position % columns as usize, position / columns as usize);
        let left = 30.0 + column as f64 * pitch.0;
        let top = TOP + 10.0 + row as f64 * pitch.1;
        let area = Area {
            left,
            top,
            right: left + pitch.0 - 12.0,
            bottom: top + pitch.1 - 24.0,
        };
        let title = format!("{} {}", index + 1, view.layers[index].short);
        let title = fitted(&title, SMALL, area.width());
        canvas.text((left, top - 3.0), &title, Anchor::Start, Look::label());
        let y = Scale::linear([low, high], [area.bottom, area.top]);
        canvas.y_axis(area, &y, if column == 0 { measure.axis() } else { "" });
        panel(&mut canvas, area, &y, (layer, measure, intact));
    }
    let middle = (DOUBLE_COLUMN / 2.0, TOP + pitch.1 * rows as f64 + 8.0);
    canvas.text(
        middle,
        "share of the layer's channels replaced",
        Anchor::Middle,
        Look::text(),
    );
    Some(canvas.finish())
}

fn panel(
    canvas: &mut Canvas,
    area: Area,
    y: &Scale,
    (layer, measure, intact): (&LayerAblation, Measure, Interval),
) {
    let x = Scale::linear([0.0, 1.0], [area.left, area.right]);
    for tick in [0.0, 0.5, 1.0] {
        let at = (x.at(tick), area.bottom + 8.0);
        canvas.text(at, &format!("{tick}"), Anchor::Middle, Look::tick());
    }
    let level = y.at(intact.value);
    canvas.dashed((area.left, level), (area.right, level), MUTED);
    let control = |point: &CurvePoint| measure.of(&point.control);
    let top = |point: &CurvePoint| measure.of(&point.top);
    for (colour, square, of) in [
        (
            ACTIVATION,
            true,
            &control as &dyn Fn(&CurvePoint) -> Option<Interval>,
        ),
        (CONDUCTANCE, false, &top),
    ] {
        let measured = layer.curve.iter();
        let measured = measured.filter_map(|point| Some((point.fraction, of(point)?)));
        let points: Vec<(f64, Interval)> = [(0.0, intact)].into_iter().chain(measured).collect();
        let line = |end: &dyn Fn(&Interval) -> f64| -> Vec<(f64, f64)> {
            let points = points.iter();
            points
                .map(|(q, figure)| (x.at(*q), y.at(end(figure))))
                .collect()
        };
        canvas.band(
            &line(&|figure| figure.ci[1]),
            &line(&|figure| figure.ci[0]),
            colour,
        );
        let values = line(&|figure| figure.value);
        canvas.path(&values, colour, 0.9);
        for &point in &values[1..] {
            if square {
                canvas.square(point, 1.5, colour);
            } else {
                canvas.mark(point, 1.5, Symbol::DISC, colour);
            }
        }
    }
}

fn legend(canvas: &mut Canvas, ablation: &AblationResult) {
    let mut legend = Legend::above(canvas);
    legend.coloured(2.4, Symbol::DISC, CONDUCTANCE, "highest mean |conductance|");
    let draws = format!("random channels, {} draws", ablation.settings.draws);
    legend.square(2.4, ACTIVATION, &draws);
}
