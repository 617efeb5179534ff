//! What the layers tell of each class: a heat map of classes by layers.

use infoplane_plane::{ClassRow, VectorKind};

use super::canvas::{Anchor, Canvas, Look};
use super::font::{clipped, text_width};
use super::heat::Grid;
use super::legend::Legend;
use super::style::{DOUBLE_COLUMN, SINGLE_COLUMN, SMALL, amount_colour};
use crate::text::{number, visible};
use crate::view::RunView;

const TOP: f64 = 26.0;
/// Highest row, and lowest one that still has a name.
const ROW: (f64, f64) = (9.0, 6.3);
/// Classes of a block; more stand in a second one beside it.
const BLOCK: usize = 100;
/// Classes at most: those whose bits differ most over the layers.
const MOST: usize = 2 * BLOCK;
/// Widest column of class names.
const NAMES: f64 = 74.0;
const GAP: f64 = 12.0;

/// A class and its bits by layer.
struct Class<'a> {
    name: &'a str,
    bits: Vec<Option<f64>>,
}

impl Class<'_> {
    /// Least and greatest bits.
    fn ends(&self) -> [f64; 2] {
        let bits = self.bits.iter().flatten().filter(|bits| bits.is_finite());
        bits.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &bits| {
            [low.min(bits), high.max(bits)]
        })
    }
}

/// The figure, where there are figures by class for vectors of this kind.
pub(super) fn figure(view: &RunView<'_>, kind: VectorKind) -> Option<String> {
    let layers: Vec<(usize, &ClassRow)> = view
        .plane
        .classes
        .iter()
        .filter(|row| row.kind == kind)
        .filter_map(|row| Some((view.index(&row.layer)?, row)))
        .collect();
    let (classes, left_out) = shown(view, &layers);
    if classes.is_empty() || layers.is_empty() {
        return None;
    }
    let highest = classes
        .iter()
        .map(|class| class.ends()[1])
        .fold(f64::MIN_POSITIVE, f64::max);
    let blocks = classes.len().div_ceil(BLOCK);
    let in_block = classes.len().div_ceil(blocks);
    let width = if blocks > 1 || layers.len() > 20 {
        DOUBLE_COLUMN
    } else {
        SINGLE_COLUMN
    };
    let names = classes
        .iter()
        .map(|class| text_width(&visible(class.name), SMALL))
        .fold(8.0, f64::max)
        .min(NAMES);
    let block = (width - 12.0 - GAP * (blocks - 1) as f64) / blocks as f64;
    let row = (620.0 / in_block as f64).clamp(ROW.1, ROW.0);
    let cell = ((block - names - 4.0) / layers.len() as f64, row);
    let bottom = TOP + 8.0 + row * in_block as f64;
    let mut canvas = Canvas::new(
        width,
        bottom + 12.0,
        &format!("What the layers' {kind}s tell of each class"),
        "Divergence of a class's vectors from those of all samples, in bits; one row a class, one column a layer.",
    );
    let mut legend = Legend::above(&mut canvas);
    let colour = |step: u16| amount_colour(f64::from(step) / 31.0);
    legend.gradient("0", 32, colour, &format!("{} bits", number(highest)));
    for (position, classes) in classes.chunks(in_block).enumerate() {
        let left = 6.0 + position as f64 * (block + GAP);
        let grid = Grid {
            left: left + names + 4.0,
            top: TOP + 8.0,
            cell,
        };
        let bits: Vec<Vec<Option<f64>>> = classes.iter().map(|class| class.bits.clone()).collect();
        grid.fill(&mut canvas, &bits, |bits| amount_colour(bits / highest));
        for (index, class) in classes.iter().enumerate() {
            let area = grid.area(index, 0);
            let at = (grid.left - 3.0, (area.top + area.bottom) / 2.0 + 2.1);
            let name = clipped(&visible(class.name), SMALL, names);
            canvas.text(at, &name, Anchor::End, Look::label());
        }
        heads(&mut canvas, view, &grid, &layers);
    }
    let note = match left_out {
        0 => "columns: layers by number, from input to output".to_owned(),
        _ => format!(
            "columns: layers by number; the {MOST} of {} classes that differ most over the layers",
            classes.len() + left_out
        ),
    };
    canvas.text((6.0, bottom + 8.0), &note, Anchor::Start, Look::tick());
    Some(canvas.finish())
}

/// The classes to draw, in their order, and how many are left out.
fn shown<'a>(view: &RunView<'a>, layers: &[(usize, &ClassRow)]) -> (Vec<Class<'a>>, usize) {
    let mut classes: Vec<(usize, Class<'a>)> = view
        .plane
        .label
        .names
        .iter()
        .enumerate()
        .map(|(position, name)| {
            let bits = layers
                .iter()
                .map(|(_, row)| row.bits.get(position).copied().flatten())
                .collect();
            (position, Class { name, bits })
        })
        .collect();
    let left_out = classes.len().saturating_sub(MOST);
    let range = |class: &Class<'_>| class.ends()[1] - class.ends()[0];
    if left_out > 0 {
        classes.sort_by(|(_, a), (_, b)| range(b).total_cmp(&range(a)));
        classes.truncate(MOST);
        classes.sort_by_key(|(position, _)| *position);
    }
    (
        classes.into_iter().map(|(_, class)| class).collect(),
        left_out,
    )
}

/// Numbers of the layers over the columns, as many as there is room for.
fn heads(canvas: &mut Canvas, view: &RunView<'_>, grid: &Grid, layers: &[(usize, &ClassRow)]) {
    let widest = text_width(&view.layers.len().to_string(), SMALL) + 2.0;
    let every = (widest / grid.cell.0).ceil().max(1.0) as usize;
    for (column, (index, _)) in layers.iter().enumerate().step_by(every) {
        let area = grid.area(0, column);
        let at = ((area.left + area.right) / 2.0, grid.top - 3.0);
        let number = (index + 1).to_string();
        canvas.text(at, &number, Anchor::Middle, Look::tick());
    }
}
