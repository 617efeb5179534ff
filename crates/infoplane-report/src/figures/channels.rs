//! Channel concentration: how few channels carry a layer's information about the label.

use infoplane_plane::ChannelView;

use super::Symbol;
use super::canvas::{Anchor, Area, Canvas, Look};
use super::font::text_width;
use super::layers::LayerRows;
use super::legend::Legend;
use super::scale::Scale;
use super::style::{
    CONDUCTANCE, CONDUCTANCE_LINE, DOUBLE_COLUMN, FAINT, INK, SINGLE_COLUMN, SMALL, depth_colour,
};
use crate::view::RunView;

const TOP: f64 = 34.0;
/// Room for the axis of the curves between the two panels.
const GAP: f64 = 44.0;
/// Room for the curves' numbers.
const RIGHT: f64 = 16.0;
/// Lowest panel of curves.
const CURVES: f64 = 130.0;
/// Share of the whole layer's I(C;Y) that counts as carrying it.
const REACHED: f64 = 0.9;

/// The figure, where channels were looked at.
pub(super) fn figure(view: &RunView<'_>) -> Option<String> {
    let views: Vec<(usize, &ChannelView)> = view
        .plane
        .channels
        .iter()
        .filter_map(|channels| Some((view.index(&channels.layer)?, channels)))
        .collect();
    if views.is_empty() {
        return None;
    }
    let rows = LayerRows::new(view, SINGLE_COLUMN, TOP);
    let concentration = rows.area(4.0);
    let curves = Area {
        left: SINGLE_COLUMN + GAP,
        top: TOP,
        right: DOUBLE_COLUMN - RIGHT,
        bottom: (TOP + CURVES).max(concentration.bottom.min(TOP + 2.0 * CURVES)),
    };
    let mut canvas = Canvas::new(
        DOUBLE_COLUMN,
        concentration.bottom.max(curves.bottom) + 26.0,
        "Channel concentration",
        "Left: the share of a layer's channels that carry 90 % of its I(C;Y). Right: the share of it that the first chosen channels carry.",
    );
    legend(&mut canvas, &views);
    rows.names(&mut canvas, view, concentration);
    draw_concentration(&mut canvas, &rows, concentration, &views);
    draw_curves(&mut canvas, view, curves, &views);
    Some(canvas.finish())
}

fn draw_concentration(
    canvas: &mut Canvas,
    rows: &LayerRows,
    area: Area,
    views: &[(usize, &ChannelView)],
) {
    let x = Scale::linear([0.0, 1.0], [area.left, area.right]);
    canvas.panel_title(area, "Concentration");
    canvas.x_axis(area, &x, "share of the layer's channels");
    for &(index, channels) in views {
        let y = rows.at(index);
        let n_channels = channels.n_channels.max(1) as f64;
        let least = channels.chosen.len() as f64 / n_channels;
        let at = x.at(channels.concentration.unwrap_or(least));
        canvas.line((area.left, y), (at, y), CONDUCTANCE_LINE, 1.6);
        let symbol = Symbol {
            trusted: channels.concentration.is_some(),
            ..Symbol::DISC
        };
        canvas.mark((at, y), 2.2, symbol, CONDUCTANCE);
        let text = match channels.reach {
            Some(reach) => format!("{reach} of {}", channels.n_channels),
            None => format!("> {} of {}", channels.chosen.len(), channels.n_channels),
        };
        let width = text_width(&text, SMALL);
        if at + 5.0 + width < area.right {
            canvas.text((at + 5.0, y + 2.1), &text, Anchor::Start, Look::tick());
        } else {
            let behind = Area {
                left: at - 6.0 - width,
                top: y - 3.0,
                right: at - 4.0,
                bottom: y + 3.0,
            };
            canvas.rectangle(behind, "#ffffff");
            canvas.text((at - 5.0, y + 2.1), &text, Anchor::End, Look::tick());
        }
    }
}

fn draw_curves(
    canvas: &mut Canvas,
    view: &RunView<'_>,
    area: Area,
    views: &[(usize, &ChannelView)],
) {
    let curves: Vec<(usize, Vec<(f64, f64)>)> = views
        .iter()
        .filter(|(_, channels)| channels.whole > 0.0)
        .map(|&(index, channels)| {
            let share = |mi_y: f64| mi_y / channels.whole;
            let points = channels.curve.iter();
            let points = points.map(|point| (point.channels as f64, share(point.mi_y)));
            (
                index,
                points.filter(|(_, share)| share.is_finite()).collect(),
            )
        })
        .collect();
    let points = || curves.iter().flat_map(|(_, points)| points);
    let most = points().map(|point| point.0).fold(2.0, f64::max);
    let [low, high] = points().fold([0.0, 1.0], |[low, high]: [f64; 2], &(_, share)| {
        [low.min(share), high.max(share)]
    });
    let x = Scale::logarithmic([1.0, most], [area.left + 4.0, area.right]);
    let y = Scale::linear([low, high], [area.bottom, area.top]);
    canvas.panel_title(area, "The first channels chosen");
    canvas.y_axis(area, &y, "share of the layer's I(C;Y)");
    doubling_axis(canvas, area, &x, most);
    let reached = y.at(REACHED);
    canvas.dashed((area.left, reached), (area.right, reached), INK);
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for (index, points) in &curves {
        let colour = depth_colour(*index, view.layers.len());
        let at: Vec<(f64, f64)> = points.iter().map(|p| (x.at(p.0), y.at(p.1))).collect();
        canvas.path(&at, &colour, 0.9);
        for &point in &at {
            canvas.mark(point, 1.4, Symbol::DISC, &colour);
        }
        let Some(&end) = at.last() else { continue };
        let covered =
            |other: &(f64, f64)| (other.0 - end.0).abs() < 10.0 && (other.1 - end.1).abs() < SMALL;
        if !taken.iter().any(covered) {
            let number = (index + 1).to_string();
            canvas.text(
                (end.0 + 3.0, end.1 + 2.1),
                &number,
                Anchor::Start,
                Look::label(),
            );
            taken.push(end);
        }
    }
}

/// Powers of two under `area`.
fn doubling_axis(canvas: &mut Canvas, area: Area, x: &Scale, most: f64) {
    let ticks = std::iter::successors(Some(1.0), |tick| Some(tick * 2.0));
    for tick in ticks.take_while(|tick| *tick <= most) {
        let at = x.at(tick);
        canvas.line((at, area.bottom), (at, area.bottom + 2.5), FAINT, 0.6);
        let label = format!("{tick}");
        canvas.text(
            (at, area.bottom + 9.5),
            &label,
            Anchor::Middle,
            Look::tick(),
        );
    }
    let (left, right) = ((area.left, area.bottom), (area.right, area.bottom));
    canvas.line(left, right, FAINT, 0.7);
    let middle = ((area.left + area.right) / 2.0, area.bottom + 20.0);
    canvas.text(middle, "channels chosen", Anchor::Middle, Look::text());
}

fn legend(canvas: &mut Canvas, views: &[(usize, &ChannelView)]) {
    let hollow = Symbol {
        trusted: false,
        ..Symbol::DISC
    };
    let mut legend = Legend::above(canvas);
    legend.coloured(
        2.4,
        Symbol::DISC,
        CONDUCTANCE,
        "channels that carry 90 % of I(C;Y)",
    );
    if views
        .iter()
        .any(|(_, channels)| channels.concentration.is_none())
    {
        legend.coloured(2.4, hollow, CONDUCTANCE, "more than were chosen");
    }
    legend.left = SINGLE_COLUMN + GAP;
    legend.depth(24);
}
