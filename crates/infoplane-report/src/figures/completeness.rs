//! Completeness error by cut layer: median, 95th percentile and largest over the samples.

use super::Symbol;
use super::canvas::{Anchor, Area, Canvas, Look};
use super::layers::LayerRows;
use super::scale::Scale;
use super::style::{CONDUCTANCE, INK, SINGLE_COLUMN};
use crate::view::RunView;

/// Errors smaller than this are drawn here: a logarithmic axis has no zero.
const SMALLEST: f64 = 1e-7;

/// The figure, where the result has completeness errors.
pub(super) fn figure(view: &RunView<'_>) -> Option<String> {
    let drawn: Vec<(usize, [f64; 3])> = view
        .plane
        .completeness
        .iter()
        .filter_map(|row| {
            let values = [row.relative.median, row.relative.p95, row.relative.max];
            let finite = values.iter().all(|value| value.is_finite());
            let index = view.index(&row.layer)?;
            finite.then(|| (index, values.map(|value| value.max(SMALLEST))))
        })
        .collect();
    if drawn.is_empty() {
        return None;
    }
    let low = drawn
        .iter()
        .map(|(_, v)| v[0])
        .fold(f64::INFINITY, f64::min);
    let high = drawn.iter().map(|(_, v)| v[2]).fold(0.0, f64::max);
    let decades = [
        10f64.powf(low.log10().floor()),
        10f64.powf(high.log10().ceil()),
    ];
    let rows = LayerRows::new(view, SINGLE_COLUMN, 20.0);
    let area = rows.area(10.0);
    let x = Scale::logarithmic(decades, [area.left, area.right]);
    let mut canvas = Canvas::new(
        SINGLE_COLUMN,
        area.bottom + 26.0,
        "Relative completeness error by cut layer",
        "Median, 95th percentile and largest over the samples; branch layers have none.",
    );
    legend(&mut canvas);
    rows.names(&mut canvas, view, area);
    canvas.x_axis(area, &x, "|Σ C − ΔF| / |ΔF|");
    for (index, [median, p95, max]) in drawn {
        let y = rows.at(index);
        canvas.line((x.at(median), y), (x.at(max), y), CONDUCTANCE, 0.8);
        tick(&mut canvas, (x.at(p95), y), 3.0);
        tick(&mut canvas, (x.at(max), y), 1.6);
        canvas.mark((x.at(median), y), 2.2, Symbol::DISC, CONDUCTANCE);
    }
    Some(canvas.finish())
}

fn tick(canvas: &mut Canvas, (x, y): (f64, f64), half: f64) {
    let area = Area {
        left: x - 0.5,
        top: y - half,
        right: x + 0.5,
        bottom: y + half,
    };
    canvas.rectangle(area, if half > 2.0 { INK } else { CONDUCTANCE });
}

fn legend(canvas: &mut Canvas) {
    canvas.mark((8.0, 9.0), 2.4, Symbol::DISC, CONDUCTANCE);
    canvas.text((13.0, 11.2), "median", Anchor::Start, Look::label());
    tick(canvas, (48.0, 9.0), 3.0);
    canvas.text(
        (52.0, 11.2),
        "95th percentile",
        Anchor::Start,
        Look::label(),
    );
    canvas.line((106.0, 9.0), (116.0, 9.0), CONDUCTANCE, 0.8);
    tick(canvas, (116.0, 9.0), 1.6);
    canvas.text(
        (120.0, 11.2),
        "largest sample",
        Anchor::Start,
        Look::label(),
    );
}
