//! How well the rankings of the layers by noise and estimator agree: Kendall's τ_b of each two.

use infoplane_plane::{RankStability, RankedBy};

use super::canvas::{Anchor, Canvas, Look};
use super::font::{clipped, text_width};
use super::heat::Grid;
use super::legend::Legend;
use super::style::{DOUBLE_COLUMN, SINGLE_COLUMN, SMALL, agreement_colour};
use crate::text::number;
use crate::view::RunView;

/// Highest and widest cell.
const CELL: (f64, f64) = (26.0, 13.0);
const TOP: f64 = 34.0;
/// Widest column of the rankings' names.
const NAMES: f64 = 76.0;
const GAP: f64 = 14.0;

/// The figure, where at least two rankings are compared.
pub(super) fn figure(view: &RunView<'_>) -> Option<String> {
    let found: Vec<&RankStability> = view
        .plane
        .stability
        .iter()
        .filter(|found| found.rankings.len() > 1)
        .collect();
    let most = found.iter().map(|found| found.rankings.len()).max()?;
    let names = found
        .iter()
        .flat_map(|found| &found.rankings)
        .map(|name| text_width(name, SMALL))
        .fold(0.0, f64::max)
        .min(NAMES);
    let width = if found.len() > 1 {
        DOUBLE_COLUMN
    } else {
        SINGLE_COLUMN
    };
    let panel = (width - 12.0 - GAP * (found.len() - 1) as f64) / found.len() as f64;
    let cell = (((panel - names - 6.0) / most as f64).min(CELL.0), CELL.1);
    let bottom = TOP + names + 6.0 + cell.1 * most as f64;
    let mut canvas = Canvas::new(
        width,
        bottom + 14.0,
        "Agreement of the layers' rankings",
        "Kendall's rank correlation between the rankings of the layers by every noise and estimator.",
    );
    let mut legend = Legend::above(&mut canvas);
    let colour = |step: u16| agreement_colour(f64::from(step) / 15.5 - 1.0);
    legend.gradient(
        "−1, turned round",
        32,
        colour,
        "1, equal order (Kendall's τ)",
    );
    for (position, found) in found.iter().enumerate() {
        let left = 6.0 + position as f64 * (panel + GAP);
        matrix(&mut canvas, found, (left, names), cell);
        halves(&mut canvas, found, (left, bottom + 9.0));
    }
    Some(canvas.finish())
}

fn matrix(canvas: &mut Canvas, found: &RankStability, (left, names): (f64, f64), cell: (f64, f64)) {
    let title = match found.by {
        RankedBy::Ite => "Layers ranked by ITE",
        RankedBy::MiY => "Layers ranked by I(C;Y)",
    };
    canvas.text((left, TOP - 6.0), title, Anchor::Start, Look::title());
    let grid = Grid {
        left: left + names + 4.0,
        top: TOP + names + 4.0,
        cell,
    };
    grid.fill(canvas, &found.kendall, agreement_colour);
    for (index, name) in found.rankings.iter().enumerate() {
        let name = clipped(name, SMALL, names);
        let row = grid.area(index, 0);
        let middle = (row.top + row.bottom) / 2.0 + 2.1;
        canvas.text((grid.left - 3.0, middle), &name, Anchor::End, Look::label());
        let column = grid.area(0, index);
        let middle = (column.left + column.right) / 2.0 + 2.1;
        let at = (middle, grid.top - 3.0);
        canvas.text(at, &name, Anchor::Start, Look::label().turned());
    }
    for (row, values) in found.kendall.iter().enumerate() {
        for (column, value) in values.iter().enumerate() {
            let area = grid.area(row, column);
            let at = ((area.left + area.right) / 2.0, area.bottom - 4.0);
            let text = value.map_or_else(
                || "–".to_owned(),
                |value| format!("{value:.2}").replace('-', "−"),
            );
            if text_width(&text, SMALL) < cell.0 {
                let dark = value.is_some_and(|value| value.abs() > 0.7);
                let look = if dark {
                    Look::label().white()
                } else {
                    Look::label()
                };
                canvas.text(at, &text, Anchor::Middle, look);
            }
        }
    }
}

fn halves(canvas: &mut Canvas, found: &RankStability, at: (f64, f64)) {
    if let Some(halves) = found.halves {
        let text = format!(
            "half of the samples against all: {} on average, {} or more in 95 %",
            number(halves.mean),
            number(halves.p05)
        );
        canvas.text(at, &text, Anchor::Start, Look::tick());
    }
}
