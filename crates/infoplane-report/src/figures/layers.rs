//! Profiles over the depth: one row a layer, in network order, with intervals.

use infoplane_plane::{PlaneRow, VectorKind};

use super::canvas::{Anchor, Area, Canvas, Look};
use super::font::{fitted, text_width};
use super::scale::Scale;
use super::style::{
    ACTIVATION, ACTIVATION_LINE, CONDUCTANCE, CONDUCTANCE_LINE, GRID, MUTED, SINGLE_COLUMN, SMALL,
};
use super::{Symbol, kind_name};
use crate::view::RunView;

const TOP: f64 = 20.0;
const RIGHT: f64 = 8.0;
const BELOW: f64 = 26.0;
/// Widest column of layer names.
const NAMES: f64 = 88.0;
/// Column of their numbers.
const NUMBERS: f64 = 22.0;

/// A row's value and interval, where it has one.
type Quantity = fn(&PlaneRow) -> Option<(f64, [f64; 2])>;

/// ITE `ratio` by layer, both kinds.
pub(super) fn efficiency(view: &RunView<'_>) -> Option<String> {
    profile(view, "ITE = I(C;Y) / I(X;C)", |row| {
        row.ite.ratio.map(|ite| (ite.value, ite.ci))
    })
}

/// I(X;C) by layer, both kinds: what a run without labels has.
pub(super) fn information(view: &RunView<'_>) -> Option<String> {
    profile(view, "I(X;C), bits", |row| {
        row.mi_x.as_ref().map(|figure| (figure.value, figure.ci))
    })
}

fn profile(view: &RunView<'_>, name: &str, quantity: Quantity) -> Option<String> {
    let series = [
        (VectorKind::Conductance, CONDUCTANCE, CONDUCTANCE_LINE, -1.3),
        (VectorKind::Activation, ACTIVATION, ACTIVATION_LINE, 1.3),
    ];
    let ends: Vec<f64> = series
        .iter()
        .flat_map(|(kind, ..)| view.rows(*kind))
        .filter_map(quantity)
        .flat_map(|(value, ci)| [value, ci[0], ci[1]])
        .filter(|end| end.is_finite())
        .collect();
    if ends.is_empty() {
        return None;
    }
    let low = ends.iter().copied().fold(0.0, f64::min);
    let high = ends.iter().copied().fold(0.0, f64::max);
    let rows = LayerRows::new(view, SINGLE_COLUMN, TOP);
    let area = rows.area(RIGHT);
    let x = Scale::linear([low, high], [area.left, area.right]);
    let title = format!("{name} by layer");
    let mut canvas = Canvas::new(
        SINGLE_COLUMN,
        area.bottom + BELOW,
        &title,
        "One row a layer from input to output; bars are 95 % intervals.",
    );
    legend(&mut canvas, view);
    rows.names(&mut canvas, view, area);
    canvas.x_axis(area, &x, name);
    for (kind, colour, line_colour, offset) in series {
        let points: Vec<(f64, f64, [f64; 2], Symbol)> = view
            .rows(kind)
            .filter_map(|row| {
                let (value, ci) = quantity(row)?;
                let y = rows.at(view.index(&row.layer)?) + offset;
                Some((x.at(value), y, ci.map(|end| x.at(end)), Symbol::of(row)))
            })
            .collect();
        let line: Vec<(f64, f64)> = points.iter().map(|(px, py, _, _)| (*px, *py)).collect();
        canvas.path(&line, line_colour, 0.7);
        for (px, py, ci, symbol) in points {
            canvas.line((ci[0], py), (ci[1], py), colour, 0.8);
            canvas.mark((px, py), 2.2, symbol, colour);
        }
    }
    Some(canvas.finish())
}

/// The rows of a profile: where each layer's line is, and how much room the names need.
pub(super) struct LayerRows {
    width: f64,
    top: f64,
    row_height: f64,
    names_width: f64,
    count: usize,
}

impl LayerRows {
    /// Rows for every layer in a figure of this width.
    pub(super) fn new(view: &RunView<'_>, width: f64, top: f64) -> Self {
        let names_width = view
            .layers
            .iter()
            .map(|layer| text_width(&layer.short, SMALL))
            .fold(20.0, f64::max)
            .min(NAMES);
        let count = view.layers.len();
        Self {
            width,
            top,
            row_height: if count > 36 { 8.4 } else { 10.0 },
            names_width,
            count,
        }
    }

    /// The area right of the names.
    pub(super) fn area(&self, right: f64) -> Area {
        Area {
            left: 6.0 + self.names_width + NUMBERS,
            top: self.top,
            right: self.width - right,
            bottom: self.top + self.row_height * self.count.max(1) as f64 + 2.0,
        }
    }

    /// `count` areas side by side right of the names, as wide as each other.
    pub(super) fn panels(&self, right: f64, count: usize, gap: f64) -> Vec<Area> {
        let all = self.area(right);
        let count = count.max(1);
        let width = (all.width() - gap * (count - 1) as f64) / count as f64;
        (0..count)
            .map(|index| {
                let left = all.left + index as f64 * (width + gap);
                Area {
                    left,
                    right: left + width,
                    ..all
                }
            })
            .collect()
    }

    /// The middle of a layer's row.
    pub(super) fn at(&self, index: usize) -> f64 {
        self.top + self.row_height * (index as f64 + 0.5) + 1.0
    }

    /// Draws a guide line a layer.
    pub(super) fn guides(&self, canvas: &mut Canvas, area: Area) {
        for index in 0..self.count {
            let y = self.at(index);
            canvas.line((area.left, y), (area.right, y), GRID, 0.4);
        }
    }

    /// Draws the names and a guide line a layer.
    pub(super) fn names(&self, canvas: &mut Canvas, view: &RunView<'_>, area: Area) {
        self.guides(canvas, area);
        for (index, layer) in view.layers.iter().enumerate() {
            let y = self.at(index);
            let text = fitted(&layer.short, SMALL, self.names_width);
            let look = if layer.cut {
                Look::label()
            } else {
                Look::tick()
            };
            canvas.text((area.left - NUMBERS, y + 2.1), &text, Anchor::End, look);
            let number = if layer.cut {
                layer.ordinal.to_string()
            } else {
                format!("◇ {}", layer.ordinal)
            };
            canvas.text(
                (area.left - 4.0, y + 2.1),
                &number,
                Anchor::End,
                Look::tick(),
            );
        }
    }
}

fn legend(canvas: &mut Canvas, view: &RunView<'_>) {
    let mut left = 8.0;
    let kinds = [
        (VectorKind::Conductance, CONDUCTANCE),
        (VectorKind::Activation, ACTIVATION),
    ];
    let mut entry = |canvas: &mut Canvas, symbol: Symbol, colour: &str, text: &str| {
        canvas.mark((left, 9.0), 2.4, symbol, colour);
        canvas.text((left + 5.0, 11.2), text, Anchor::Start, Look::label());
        left += text_width(text, SMALL) + 16.0;
    };
    for (kind, colour) in kinds {
        if view.rows(kind).next().is_some() {
            let symbol = Symbol::DISC;
            entry(canvas, symbol, colour, kind_name(kind));
        }
    }
    if view.layers.iter().any(|layer| !layer.cut) {
        let symbol = Symbol {
            cut: false,
            trusted: true,
        };
        entry(canvas, symbol, MUTED, "branch layer");
    }
    if view
        .plane
        .own_rows()
        .any(|row| !crate::view::is_trusted(row))
    {
        let symbol = Symbol {
            cut: true,
            trusted: false,
        };
        entry(canvas, symbol, MUTED, "not to be ranked");
    }
}
