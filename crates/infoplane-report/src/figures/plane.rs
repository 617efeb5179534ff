//! The information plane: I(X;C) across, I(C;Y) upwards, layers joined in network order.

use infoplane_plane::{PlaneRow, VectorKind};

use super::canvas::{Anchor, Area, Canvas, Look};
use super::font::{fitted, text_width};
use super::labels;
use super::legend::Legend;
use super::scale::Scale;
use super::style::{DOUBLE_COLUMN, FAINT, GRID, MUTED, SINGLE_COLUMN, SMALL, depth_colour};
use super::{Symbol, kind_name};
use crate::text::number;
use crate::view::{RunView, is_trusted};

const RADIUS: f64 = 2.6;
const TOP: f64 = 18.0;
const LEFT: f64 = 36.0;
const RIGHT: f64 = 8.0;
const GAP: f64 = 20.0;
const BELOW: f64 = 26.0;
const KEY_LINE: f64 = 8.6;
/// Rays that may be drawn, as ITE.
const RAYS: [f64; 10] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// One layer on one plane.
struct Point {
    index: usize,
    x: f64,
    y: f64,
    x_ends: [f64; 2],
    y_ends: [f64; 2],
    symbol: Symbol,
}

/// Conductance and activation side by side on shared axes, two columns wide.
pub(super) fn both(view: &RunView<'_>) -> Option<String> {
    let kinds = [VectorKind::Conductance, VectorKind::Activation];
    draw(view, &kinds, DOUBLE_COLUMN, 178.0)
}

/// One plane, one column wide.
pub(super) fn single(view: &RunView<'_>, kind: VectorKind) -> Option<String> {
    draw(view, &[kind], SINGLE_COLUMN, 170.0)
}

fn draw(view: &RunView<'_>, kinds: &[VectorKind], width: f64, panel: f64) -> Option<String> {
    let series: Vec<(VectorKind, Vec<Point>)> = kinds
        .iter()
        .map(|kind| (*kind, points(view, *kind)))
        .filter(|(_, points)| !points.is_empty())
        .collect();
    let all = || series.iter().flat_map(|(_, points)| points);
    all().next()?;
    let x_domain = domain(all().flat_map(|p| [p.x, p.x_ends[0], p.x_ends[1]]));
    let y_domain = domain(all().flat_map(|p| [p.y, p.y_ends[0], p.y_ends[1]]));

    let count = series.len() as f64;
    let panel_width = (width - LEFT - RIGHT - GAP * (count - 1.0)) / count;
    let frames: Vec<(Area, Scale, Scale)> = (0..series.len())
        .map(|index| {
            let left = LEFT + index as f64 * (panel_width + GAP);
            let area = Area {
                left,
                top: TOP,
                right: left + panel_width,
                bottom: TOP + panel,
            };
            let x = Scale::linear(x_domain, [area.left, area.right]);
            let y = Scale::linear(y_domain, [area.bottom, area.top]);
            (area, x, y)
        })
        .collect();

    let names: Vec<String> = view.layers.iter().map(|l| l.short.clone()).collect();
    let named = series
        .iter()
        .zip(&frames)
        .all(|((_, points), frame)| placed(view, points, &names, frame).len() == points.len());
    let numbers: Vec<String> = (1..=names.len()).map(|n| n.to_string()).collect();
    let texts = if named { &names } else { &numbers };

    let key = Key::new(view, width - 12.0);
    let key_height = if named { 0.0 } else { key.height() };
    let legend_height = if width > SINGLE_COLUMN + 1.0 {
        13.0
    } else {
        22.0
    };
    let height = TOP + panel + BELOW + legend_height + key_height;
    let mut canvas = Canvas::new(
        width,
        height,
        &format!("Information plane of {}", view.manifest.model.name),
        "Mutual information of each layer with the input, across, and with the label, upwards.",
    );
    for (index, ((kind, points), frame)) in series.iter().zip(&frames).enumerate() {
        panel_of(&mut canvas, view, *kind, points, frame, texts, index == 0);
    }
    legend(&mut canvas, view, width, TOP + panel + BELOW + 6.0);
    if !named {
        key.draw(&mut canvas, TOP + panel + BELOW + legend_height);
    }
    Some(canvas.finish())
}

fn points(view: &RunView<'_>, kind: VectorKind) -> Vec<Point> {
    view.rows(kind)
        .filter_map(|row: &PlaneRow| {
            let (mi_x, mi_y) = (row.mi_x.as_ref()?, row.mi_y.as_ref()?);
            let point = Point {
                index: view.index(&row.layer)?,
                x: mi_x.value,
                y: mi_y.value,
                x_ends: mi_x.ci,
                y_ends: mi_y.ci,
                symbol: Symbol::of(row),
            };
            (point.x.is_finite() && point.y.is_finite()).then_some(point)
        })
        .collect()
}

/// The span of the values, from 0 where they start near it.
fn domain(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [low, high] = values
        .filter(|value| value.is_finite())
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
            [low.min(value), high.max(value)]
        });
    let near_zero = low > 0.0 && low < 0.4 * high;
    [if near_zero { 0.0 } else { low }, high]
}

fn placed(
    view: &RunView<'_>,
    points: &[Point],
    texts: &[String],
    (area, x, y): &(Area, Scale, Scale),
) -> Vec<labels::Placed> {
    let at: Vec<(f64, f64)> = points.iter().map(|p| (x.at(p.x), y.at(p.y))).collect();
    let own: Vec<String> = points
        .iter()
        .map(|point| texts.get(point.index).cloned().unwrap_or_default())
        .collect();
    labels::place(&at, &own, &priority(view, points), RADIUS, *area)
}

/// First the named critical layers, then the ends of the network, then the rest in order.
fn priority(view: &RunView<'_>, points: &[Point]) -> Vec<usize> {
    let position = |layer: usize| points.iter().position(|point| point.index == layer);
    let mut order: Vec<usize> = view
        .plane
        .critical
        .iter()
        .take(3)
        .filter_map(|critical| position(view.index(&critical.layer)?))
        .collect();
    for index in [0, points.len().saturating_sub(1)]
        .into_iter()
        .chain(0..points.len())
    {
        if !order.contains(&index) {
            order.push(index);
        }
    }
    order
}

fn panel_of(
    canvas: &mut Canvas,
    view: &RunView<'_>,
    kind: VectorKind,
    points: &[Point],
    frame: &(Area, Scale, Scale),
    texts: &[String],
    first: bool,
) {
    let (area, x, y) = frame;
    let symbol = if kind == VectorKind::Conductance {
        "C"
    } else {
        "A"
    };
    canvas.text(
        (area.left, TOP - 7.0),
        kind_name(kind),
        Anchor::Start,
        Look::title(),
    );
    canvas.x_axis(*area, x, &format!("I(X;{symbol}), bits"));
    canvas.y_axis(*area, y, if first { "I(C;Y), bits" } else { "" });
    rays(canvas, *area, x, y);
    ceilings(canvas, view, frame);

    let at = |point: &Point| (x.at(point.x), y.at(point.y));
    let line: Vec<(f64, f64)> = points.iter().map(at).collect();
    canvas.path(&line, "#9aa2ab", 0.8);
    let colour = |point: &Point| depth_colour(point.index, view.layers.len());
    for point in points {
        let (px, py) = at(point);
        let colour = colour(point);
        canvas.line(
            (x.at(point.x_ends[0]), py),
            (x.at(point.x_ends[1]), py),
            &colour,
            0.7,
        );
        canvas.line(
            (px, y.at(point.y_ends[0])),
            (px, y.at(point.y_ends[1])),
            &colour,
            0.7,
        );
    }
    for point in points {
        canvas.mark(at(point), RADIUS, point.symbol, &colour(point));
    }
    for label in placed(view, points, texts, frame) {
        if let Some(text) = points.get(label.index).and_then(|p| texts.get(p.index)) {
            canvas.text(label.at, text, label.anchor, Look::label());
        }
    }
}

/// Rays of equal ITE through the origin, as many as stay apart where they leave the panel.
fn rays(canvas: &mut Canvas, area: Area, x: &Scale, y: &Scale) {
    let ([x_low, x_high], [y_low, y_high]) = (x.domain(), y.domain());
    let mut exits: Vec<(f64, f64)> = Vec::new();
    for slope in RAYS {
        let start_x = x_low.max(y_low / slope).max(0.0);
        let end_x = x_high.min(y_high / slope);
        if end_x <= start_x {
            continue;
        }
        let end = (x.at(end_x), y.at(end_x * slope));
        if exits
            .iter()
            .any(|e| (e.0 - end.0).hypot(e.1 - end.1) < 22.0)
        {
            continue;
        }
        exits.push(end);
        let start = (x.at(start_x), y.at(start_x * slope));
        canvas.line(start, end, GRID, 0.6);
        let top = end.1 <= area.top + 0.5;
        let (at, anchor) = if top {
            ((end.0, area.top - 2.0), Anchor::Middle)
        } else {
            ((end.0 - 1.0, end.1 - 2.0), Anchor::End)
        };
        if !(top && at.0 < area.left + 62.0) {
            canvas.text(at, &format!("{slope}"), anchor, Look::tick());
        }
    }
}

fn ceilings(canvas: &mut Canvas, view: &RunView<'_>, (area, x, y): &(Area, Scale, Scale)) {
    let log_n = (view.plane.n.max(1) as f64).log2();
    if log_n <= x.domain()[1] {
        canvas.dashed((x.at(log_n), area.top), (x.at(log_n), area.bottom), MUTED);
    }
    let entropy = view.plane.label.entropy;
    if entropy <= y.domain()[1] {
        canvas.dashed(
            (area.left, y.at(entropy)),
            (area.right, y.at(entropy)),
            MUTED,
        );
    }
}

/// Depth, symbols and ceilings, in one line where the figure is wide.
fn legend(canvas: &mut Canvas, view: &RunView<'_>, width: f64, top: f64) {
    let baseline = top + 4.0;
    let mut legend = Legend {
        canvas,
        left: 6.0,
        baseline,
    };
    legend.depth(24);
    legend.left += 4.0;
    let rows = || view.plane.own_rows();
    let symbols = [
        (
            rows().any(|row| !row.cut),
            Symbol {
                cut: false,
                trusted: true,
            },
            "branch",
        ),
        (
            rows().any(|row| !is_trusted(row)),
            Symbol {
                cut: true,
                trusted: false,
            },
            "saturated or flagged",
        ),
    ];
    for (shown, symbol, text) in symbols {
        if shown {
            legend.mark(RADIUS, symbol, text);
        }
    }
    let plane = view.plane;
    let wide = width > SINGLE_COLUMN + 1.0;
    let baseline = if wide { baseline } else { baseline + 9.0 };
    canvas.text(
        (width - RIGHT, baseline),
        &format!(
            "grey rays: equal ITE; τ = {}, log₂ N = {}, H(Y) = {}",
            number(plane.resolution.tau),
            number((plane.n.max(1) as f64).log2()),
            number(plane.label.entropy)
        ),
        Anchor::End,
        Look::tick(),
    );
}

/// Numbers and names of the layers, in columns.
struct Key {
    entries: Vec<(Symbol, String)>,
    columns: usize,
    width: f64,
}

impl Key {
    fn new(view: &RunView<'_>, width: f64) -> Self {
        let entries: Vec<(Symbol, String)> = view
            .layers
            .iter()
            .map(|layer| {
                let symbol = Symbol {
                    cut: layer.cut,
                    trusted: true,
                };
                (symbol, format!("{} {}", layer.ordinal, layer.short))
            })
            .collect();
        let widest = entries
            .iter()
            .map(|(_, text)| text_width(text, SMALL))
            .fold(20.0, f64::max);
        let columns = ((width / (widest + 14.0)) as usize).clamp(2, 8);
        Self {
            entries,
            columns,
            width,
        }
    }

    fn rows(&self) -> usize {
        self.entries.len().div_ceil(self.columns)
    }

    fn height(&self) -> f64 {
        self.rows() as f64 * KEY_LINE + 6.0
    }

    fn draw(&self, canvas: &mut Canvas, top: f64) {
        canvas.line((6.0, top), (6.0 + self.width, top), FAINT, 0.5);
        let column_width = self.width / self.columns as f64;
        let rows = self.rows().max(1);
        for (index, (symbol, text)) in self.entries.iter().enumerate() {
            let left = 6.0 + (index / rows) as f64 * column_width;
            let baseline = top + 9.0 + (index % rows) as f64 * KEY_LINE;
            let colour = depth_colour(index, self.entries.len());
            canvas.mark((left + 2.5, baseline - 2.2), 2.0, *symbol, &colour);
            let text = fitted(text, SMALL, column_width - 10.0);
            canvas.text((left + 7.0, baseline), &text, Anchor::Start, Look::label());
        }
    }
}
