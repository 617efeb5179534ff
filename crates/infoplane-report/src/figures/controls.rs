//! Controls: I(C;Y) of each layer with one thing changed, beside that of the run on the same samples.

use infoplane_plane::{ControlResult, ControlRow, Interval};

use super::Symbol;
use super::canvas::{Anchor, Area, Canvas, Look};
use super::changes::{interval, is_finite, span};
use super::font::fitted;
use super::layers::LayerRows;
use super::legend::Legend;
use super::scale::Scale;
use super::style::{
    ACTIVATION, ACTIVATION_LINE, CONDUCTANCE, CONDUCTANCE_LINE, DOUBLE_COLUMN, SMALL,
};
use crate::view::RunView;

const TOP: f64 = 40.0;
const RIGHT: f64 = 8.0;
const GAP: f64 = 12.0;
/// Room between a band of panels and the next.
const BELOW: f64 = 46.0;
/// Layers of a network whose panels stand in bands of four.
const SHORT: usize = 24;

/// The figure, where the run has controls with labels.
pub(super) fn figure(view: &RunView<'_>) -> Option<String> {
    let controls = view.plane.controls.as_ref()?;
    let told = |control: &&ControlResult| control.layers.iter().any(|row| row.mi_y.is_some());
    let shown: Vec<&ControlResult> = controls.controls.iter().filter(told).collect();
    if shown.is_empty() || view.layers.is_empty() {
        return None;
    }
    let in_band = if view.layers.len() <= SHORT {
        shown.len().min(4)
    } else {
        shown.len()
    };
    let figures: Vec<Interval> = shown
        .iter()
        .flat_map(|control| &control.layers)
        .flat_map(|row| row.mi_y.into_iter().chain(row.changed_mi_y))
        .filter(is_finite)
        .collect();
    let domain = span(&figures);
    let bands = shown.chunks(in_band).count();
    let height = LayerRows::new(view, DOUBLE_COLUMN, 0.0).area(RIGHT).bottom + BELOW;
    let mut canvas = Canvas::new(
        DOUBLE_COLUMN,
        TOP + height * bands as f64 - BELOW + 26.0,
        "I(C;Y) with one thing changed",
        "One panel a control, one row a layer; bars are 95 % intervals.",
    );
    let mut legend = Legend::above(&mut canvas);
    legend.coloured(
        2.4,
        Symbol::DISC,
        CONDUCTANCE,
        "the run, on the same samples",
    );
    legend.square(2.4, ACTIVATION, "with the change");
    for (band, shown) in shown.chunks(in_band).enumerate() {
        let rows = LayerRows::new(view, DOUBLE_COLUMN, TOP + height * band as f64);
        let panels = rows.panels(RIGHT, in_band, GAP);
        rows.names(&mut canvas, view, panels[0]);
        for (position, (control, area)) in shown.iter().zip(panels).enumerate() {
            if position > 0 {
                rows.guides(&mut canvas, area);
            }
            panel(&mut canvas, view, &rows, area, (control, domain));
        }
    }
    Some(canvas.finish())
}

fn panel(
    canvas: &mut Canvas,
    view: &RunView<'_>,
    rows: &LayerRows,
    area: Area,
    (control, domain): (&ControlResult, [f64; 2]),
) {
    let name = fitted(&control.name, SMALL, area.width());
    let at = (area.left, area.top - 14.0);
    canvas.text(at, &name, Anchor::Start, Look::title());
    let verdict = match control.verdict {
        Some(verdict) => verdict.to_string(),
        None => "a stage on the way".to_owned(),
    };
    let at = (area.left, area.top - 5.0);
    canvas.text(at, &verdict, Anchor::Start, Look::tick());
    let x = Scale::linear(domain, [area.left, area.right]);
    canvas.x_axis(area, &x, "I(C;Y), bits");
    let run = |row: &ControlRow| row.mi_y;
    let changed = |row: &ControlRow| row.changed_mi_y;
    for (of, square, colour, line_colour, shift) in [
        (
            &run as &dyn Fn(&ControlRow) -> Option<Interval>,
            false,
            CONDUCTANCE,
            CONDUCTANCE_LINE,
            -1.3,
        ),
        (&changed, true, ACTIVATION, ACTIVATION_LINE, 1.3),
    ] {
        let points: Vec<(f64, Interval)> = control
            .layers
            .iter()
            .filter_map(|row| Some((view.index(&row.layer)?, of(row).filter(is_finite)?)))
            .map(|(index, figure)| (rows.at(index) + shift, figure))
            .collect();
        let line: Vec<(f64, f64)> = points.iter().map(|(y, f)| (x.at(f.value), *y)).collect();
        canvas.path(&line, line_colour, 0.7);
        for (y, figure) in points {
            interval(canvas, &x, y, figure, colour);
            if square {
                canvas.square((x.at(figure.value), y), 2.0, colour);
            } else {
                canvas.mark((x.at(figure.value), y), 2.0, Symbol::DISC, colour);
            }
        }
    }
}
