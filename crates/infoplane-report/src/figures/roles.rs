//! The role of each cut layer: ITE, and what the step to it does to both informations.

use infoplane_plane::{Interval, Role, RoleRow, VectorKind};

use super::Symbol;
use super::canvas::{Area, Canvas};
use super::changes::{self, Change, interval, is_finite, span};
use super::layers::LayerRows;
use super::legend::Legend;
use super::scale::Scale;
use super::style::{
    ACTIVATION, ACTIVATION_LINE, CONDUCTANCE, CONDUCTANCE_LINE, DOUBLE_COLUMN, FALLS, MUTED, RISES,
};
use crate::view::RunView;

const TOP: f64 = 34.0;
const RIGHT: f64 = 8.0;
const GAP: f64 = 16.0;

/// The figure, where vectors of this kind have steps.
pub(super) fn figure(view: &RunView<'_>, kind: VectorKind) -> Option<String> {
    let steps: Vec<(usize, &RoleRow)> = view
        .plane
        .roles
        .iter()
        .filter(|row| row.kind == kind)
        .filter_map(|row| Some((view.index(&row.to)?, row)))
        .collect();
    if steps.is_empty() {
        return None;
    }
    let symbol = symbol(kind);
    let input = changes_of(
        &steps,
        |row| Some(row.mi_x_change),
        [Role::Compresses, Role::Expands],
    );
    let label = changes_of(&steps, |row| row.mi_y_change, [Role::Loses, Role::Utilises]);
    let rows = LayerRows::new(view, DOUBLE_COLUMN, TOP);
    let panels = rows.panels(RIGHT, if view.labelled() { 3 } else { 1 }, GAP);
    let mut canvas = Canvas::new(
        DOUBLE_COLUMN,
        panels[0].bottom + 26.0,
        &format!("Efficiency and role of the layers' {kind}s"),
        "One row a layer from input to output; bars are 95 % intervals of the change from the cut layer before.",
    );
    legend(&mut canvas);
    rows.names(&mut canvas, view, panels[0]);
    for panel in &panels[1..] {
        rows.guides(&mut canvas, *panel);
    }
    let input_name = format!("ΔI(X;{symbol}), bits");
    let changed = |canvas: &mut Canvas, area: Area, name: &str, changes: &[Change]| {
        canvas.panel_title(area, name.trim_end_matches(", bits"));
        changes::panel(canvas, &rows, area, (name, changes), None);
    };
    match panels[..] {
        [efficiency, x, y] => {
            ite(&mut canvas, view, &rows, kind, efficiency);
            changed(&mut canvas, x, &input_name, &input);
            changed(&mut canvas, y, &format!("ΔI({symbol};Y), bits"), &label);
        }
        _ => changed(&mut canvas, panels[0], &input_name, &input),
    }
    Some(canvas.finish())
}

/// The letter of a kind of vector in formulas.
pub(super) fn symbol(kind: VectorKind) -> &'static str {
    match kind {
        VectorKind::Conductance => "C",
        VectorKind::Activation => "A",
    }
}

fn changes_of(
    steps: &[(usize, &RoleRow)],
    of: impl Fn(&RoleRow) -> Option<Interval>,
    roles: [Role; 2],
) -> Vec<Change> {
    steps
        .iter()
        .filter_map(|&(index, row)| {
            let figure = of(row).filter(is_finite)?;
            let role = row.roles.iter().find(|role| roles.contains(role));
            Some(Change {
                index,
                figure,
                colour: match role {
                    None => MUTED,
                    Some(_) if figure.value < 0.0 => FALLS,
                    Some(_) => RISES,
                },
                hollow: role.is_none(),
                word: role.map(Role::to_string).unwrap_or_default(),
            })
        })
        .collect()
}

fn ite(canvas: &mut Canvas, view: &RunView<'_>, rows: &LayerRows, kind: VectorKind, area: Area) {
    let points: Vec<(usize, Interval, Symbol)> = view
        .rows(kind)
        .filter_map(|row| {
            let ite = row.ite.ratio.filter(is_finite)?;
            Some((view.index(&row.layer)?, ite, Symbol::of(row)))
        })
        .collect();
    let figures: Vec<Interval> = points.iter().map(|point| point.1).collect();
    let x = Scale::linear(span(&figures), [area.left, area.right]);
    let (colour, line_colour) = match kind {
        VectorKind::Conductance => (CONDUCTANCE, CONDUCTANCE_LINE),
        VectorKind::Activation => (ACTIVATION, ACTIVATION_LINE),
    };
    canvas.panel_title(area, "Efficiency");
    canvas.x_axis(area, &x, "ITE");
    let line: Vec<(f64, f64)> = points
        .iter()
        .map(|(index, ite, _)| (x.at(ite.value), rows.at(*index)))
        .collect();
    canvas.path(&line, line_colour, 0.7);
    for (index, ite, symbol) in points {
        let y = rows.at(index);
        interval(canvas, &x, y, ite, colour);
        canvas.mark((x.at(ite.value), y), 2.2, symbol, colour);
    }
}

fn legend(canvas: &mut Canvas) {
    let mut legend = Legend::above(canvas);
    legend.coloured(2.4, Symbol::DISC, FALLS, "compresses or loses");
    legend.coloured(2.4, Symbol::DISC, RISES, "utilises or expands");
    legend.coloured(
        2.4,
        Symbol::HOLLOW,
        MUTED,
        "preserves, or no role where a figure is saturated",
    );
}
