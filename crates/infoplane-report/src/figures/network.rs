//! The network as a drawing: a block for each layer, filled as high as its ITE, or its I(X;C) where
//! there are no labels.

use infoplane_plane::{VectorKind, Verdict};

use super::Symbol;
use super::canvas::{Anchor, Area, Canvas, Look};
use super::font::{fitted, text_width};
use super::style::{DOUBLE_COLUMN, MUTED, PAPER, SMALL, share_colour};
use crate::network::{Edge, Skip};
use crate::text::number;
use crate::view::{RunView, is_trusted};

/// Left and right of the drawing.
const MARGIN: f64 = 8.0;
/// Above the highest arc: title and legend.
const TOP: f64 = 30.0;
/// A block's height where its column has no other.
const BLOCK: f64 = 34.0;
/// Between blocks of one column.
const GAP: f64 = 4.0;
/// Room of a turned name.
const NAME: f64 = 80.0;
/// Narrowest column with the figure under its block.
const FIGURE_COLUMN: f64 = 17.0;
/// Behind the name of a critical layer.
const MARK: &str = " ●";
/// Radius of the marks of input and output.
const END: f64 = 2.2;
/// Share of the colour that a figure keeps which is not to be taken as it is.
const PALE: f64 = 0.35;
/// Widest column.
const WIDEST_COLUMN: f64 = 60.0;

/// The drawing in a double column.
pub(super) fn figure(view: &RunView<'_>) -> Option<String> {
    let blocks = blocks(view)?;
    let layout = Layout::new(view);
    let quantity = if view.labelled() { "ITE" } else { "I(X;C)" };
    let title = format!("The network by {quantity}");
    let mut canvas = Canvas::new(
        DOUBLE_COLUMN,
        layout.height(),
        &title,
        "Analysed layers from input to output, each a block filled as high as its figure; arcs are skip \
         connections.",
    );
    canvas.text((MARGIN, 10.0), &title, Anchor::Start, Look::title());
    for edge in &view.network.edges {
        layout.draw_edge(&mut canvas, edge);
    }
    layout.draw_ends(&mut canvas);
    let highest = blocks.iter().filter_map(|b| b.value).fold(0.0, f64::max);
    for (index, block) in blocks.iter().enumerate() {
        layout.draw_block(&mut canvas, index, block, highest);
    }
    layout.draw_names(&mut canvas, &blocks);
    let legend = legend(view, quantity, highest, &blocks);
    canvas.text((MARGIN, 20.0), &legend, Anchor::Start, Look::tick());
    Some(canvas.finish())
}

/// What a layer's block shows.
struct Block {
    value: Option<f64>,
    /// False where the figure is saturated, flagged, or that of the network's output.
    plain: bool,
    /// Whether plane and ablation both call it critical.
    critical: bool,
}

fn blocks(view: &RunView<'_>) -> Option<Vec<Block>> {
    let rows: Vec<_> = view.rows(VectorKind::Conductance).collect();
    let blocks: Vec<Block> = view
        .layers
        .iter()
        .map(|layer| {
            let row = rows.iter().find(|row| row.layer == layer.name);
            let ranked = view.plane.critical.iter().find(|c| c.layer == layer.name);
            Block {
                value: row.and_then(|row| {
                    if view.labelled() {
                        row.ite.ratio.map(|ite| ite.value)
                    } else {
                        row.mi_x.as_ref().map(|figure| figure.value)
                    }
                }),
                plain: row.is_some_and(|row| is_trusted(row)) && !(view.labelled() && layer.output),
                critical: ranked.is_some_and(|layer| layer.verdict == Some(Verdict::Both)),
            }
        })
        .collect();
    blocks
        .iter()
        .any(|block| block.value.is_some())
        .then_some(blocks)
}

fn legend(view: &RunView<'_>, quantity: &str, highest: f64, blocks: &[Block]) -> String {
    let mut parts = vec![format!("a full block: {quantity} = {}", number(highest))];
    if !view.network.known {
        parts
            .push("drawn as a chain: the run does not say how its layers hang together".to_owned());
    } else if view.network.edges.iter().any(|edge| has_arc(view, edge)) {
        parts.push("arcs: skip connections, dashed where they have weights".to_owned());
    }
    if blocks.iter().any(|block| block.critical) {
        parts.push("● critical by plane and ablation".to_owned());
    }
    if blocks.iter().any(|block| !block.plain) {
        parts.push("pale: saturated, flagged, or the output".to_owned());
    }
    parts.join("; ")
}

fn has_arc(view: &RunView<'_>, edge: &Edge) -> bool {
    edge.skip != Skip::None || view.network.is_arc(edge)
}

/// Where everything stands.
struct Layout<'a> {
    view: &'a RunView<'a>,
    pitch: f64,
    left: f64,
    /// A block's width and height.
    block: (f64, f64),
    /// Height of the middle line.
    middle: f64,
    /// Half of what the lanes take up.
    half: f64,
    /// Where names begin.
    below: f64,
    /// Whether figures stand under the blocks.
    figures: bool,
}

impl<'a> Layout<'a> {
    fn new(view: &'a RunView<'a>) -> Self {
        let network = &view.network;
        let room = DOUBLE_COLUMN - 2.0 * MARGIN;
        let pitch = (room / network.columns.max(2) as f64).min(WIDEST_COLUMN);
        let lanes = network.places.iter().map(|place| place.lane.abs());
        let widest = 2.0 * lanes.fold(0.0, f64::max) + 1.0;
        let height = (96.0 / widest).clamp(8.0, BLOCK);
        let half = (widest * height + (widest - 1.0) * GAP) / 2.0;
        let arcs = network.edges.iter().filter(|edge| has_arc(view, edge));
        let highest = arcs.map(|edge| rise(view, edge)).fold(0.0, f64::max);
        let middle = TOP + highest + half;
        let figures = pitch >= FIGURE_COLUMN;
        Self {
            view,
            pitch,
            left: MARGIN + (room - pitch * network.columns as f64) / 2.0,
            block: ((pitch * 0.62).min(26.0), height),
            middle,
            half,
            below: middle + half + if figures { 11.0 } else { 4.0 },
            figures,
        }
    }

    fn height(&self) -> f64 {
        let names = (0..self.view.layers.len()).map(|index| text_width(&self.name(index), SMALL));
        self.below + names.fold(20.0, f64::max) + text_width(MARK, SMALL) + 6.0
    }

    /// The middle of a node.
    fn at(&self, node: usize) -> (f64, f64) {
        let place = self.view.network.places[node];
        (
            self.left + self.pitch * (place.column as f64 + 0.5),
            self.middle + place.lane * (self.block.1 + GAP),
        )
    }

    /// Half of a node's width and height.
    fn reach(&self, node: usize) -> (f64, f64) {
        if (1..=self.view.layers.len()).contains(&node) {
            (self.block.0 / 2.0, self.block.1 / 2.0)
        } else {
            (END, END)
        }
    }

    fn draw_edge(&self, canvas: &mut Canvas, edge: &Edge) {
        let (from, to) = (self.at(edge.from), self.at(edge.to));
        let (out, into) = (self.reach(edge.from), self.reach(edge.to));
        if !self.view.network.is_arc(edge) {
            let (start, end) = (from.0 + out.0, to.0 - into.0);
            let half = (end - start) / 2.0;
            let controls = [(start + half, from.1), (end - half, to.1)];
            canvas.curve((start, from.1), controls, (end, to.1), false);
        }
        if has_arc(self.view, edge) {
            let (start, end) = (from.1 - out.1, to.1 - into.1);
            // A cubic curve rises three quarters of the way to its control points.
            let lower = start.max(end);
            let peak = self.middle - self.half - rise(self.view, edge);
            let control = lower + (peak - lower) / 0.75;
            let controls = [(from.0, control), (to.0, control)];
            canvas.curve(
                (from.0, start),
                controls,
                (to.0, end),
                edge.skip == Skip::Weighted,
            );
        }
    }

    fn draw_block(&self, canvas: &mut Canvas, index: usize, block: &Block, highest: f64) {
        let (x, y) = self.at(index + 1);
        let (width, height) = self.block;
        let outline = Area {
            left: x - width / 2.0,
            right: x + width / 2.0,
            top: y - height / 2.0,
            bottom: y + height / 2.0,
        };
        canvas.rectangle(outline, PAPER);
        if let Some(value) = block.value.filter(|_| highest > 0.0) {
            let share = (value / highest).clamp(0.0, 1.0);
            let filled = Area {
                top: outline.bottom - share * height,
                ..outline
            };
            let colour = share_colour(if block.plain { share } else { share * PALE });
            canvas.rectangle(filled, &colour);
        }
        canvas.frame(outline, !block.plain);
        if self.figures && self.is_alone(index + 1) {
            let text = block.value.map_or_else(|| "–".to_owned(), number);
            let at = (x, self.middle + self.half + 7.5);
            canvas.text(at, &text, Anchor::Middle, Look::tick());
        }
    }

    fn is_alone(&self, node: usize) -> bool {
        self.view.network.places[node].lane == 0.0
    }

    fn draw_ends(&self, canvas: &mut Canvas) {
        let last = self.view.network.places.len() - 1;
        for (node, word) in [(0, "input"), (last, "output")] {
            let (x, y) = self.at(node);
            let symbol = Symbol::DISC;
            canvas.mark((x, y), END, symbol, MUTED);
            self.draw_name(canvas, node, word, Look::tick());
        }
    }

    fn draw_names(&self, canvas: &mut Canvas, blocks: &[Block]) {
        for (index, block) in blocks.iter().enumerate() {
            let name = self.name(index);
            if self.is_alone(index + 1) {
                let mark = if block.critical { MARK } else { "" };
                self.draw_name(canvas, index + 1, &format!("{name}{mark}"), Look::label());
            } else {
                let (x, y) = self.at(index + 1);
                let number = (index + 1).to_string();
                canvas.text((x, y + 2.0), &number, Anchor::Middle, Look::label());
            }
        }
    }

    /// A name under a node's column, read upwards.
    fn draw_name(&self, canvas: &mut Canvas, node: usize, name: &str, look: Look) {
        let at = (self.at(node).0 + SMALL * 0.36, self.below);
        canvas.text(at, name, Anchor::End, look.turned());
    }

    fn name(&self, index: usize) -> String {
        let layer = &self.view.layers[index];
        fitted(&format!("{} {}", layer.ordinal, layer.short), SMALL, NAME)
    }
}

/// How far an arc rises above the blocks that it passes.
fn rise(view: &RunView<'_>, edge: &Edge) -> f64 {
    let column = |node: usize| view.network.places[node].column;
    let span = column(edge.to) - column(edge.from);
    (7.0 + 4.0 * (span as f64 - 1.0)).min(48.0)
}
