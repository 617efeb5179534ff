//! Panels of figures with intervals about 0, one row a layer.

use infoplane_plane::Interval;

use super::Symbol;
use super::canvas::{Anchor, Area, Canvas, Look};
use super::font::text_width;
use super::layers::LayerRows;
use super::scale::Scale;
use super::style::{MUTED, SHADE, SMALL};

/// One layer's change.
pub(super) struct Change {
    /// Index of the layer.
    pub(super) index: usize,
    pub(super) figure: Interval,
    pub(super) colour: &'static str,
    pub(super) hollow: bool,
    /// What it is called, or nothing.
    pub(super) word: String,
}

/// The side of 0 that a prediction excludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excluded {
    Rises,
    Falls,
}

/// Draws changes with a line at 0; each word stands on the other side of 0 than its change.
pub(super) fn panel(
    canvas: &mut Canvas,
    rows: &LayerRows,
    area: Area,
    (name, changes): (&str, &[Change]),
    excluded: Option<Excluded>,
) {
    let words = changes
        .iter()
        .map(|change| text_width(&change.word, SMALL))
        .fold(0.0, f64::max);
    let figures: Vec<Interval> = changes.iter().map(|change| change.figure).collect();
    let domain = with_room(span(&figures), (words + 8.0) / area.width());
    let x = Scale::linear(domain, [area.left, area.right]);
    let zero = x.at(0.0);
    let shaded = match excluded {
        Some(Excluded::Rises) => Some(Area { left: zero, ..area }),
        Some(Excluded::Falls) => Some(Area {
            right: zero,
            ..area
        }),
        None => None,
    };
    if let Some(shaded) = shaded {
        canvas.rectangle(shaded, SHADE);
    }
    canvas.x_axis(area, &x, name);
    canvas.line((zero, area.top), (zero, area.bottom), MUTED, 0.6);
    for change in changes {
        let y = rows.at(change.index);
        let symbol = Symbol {
            cut: true,
            trusted: !change.hollow,
        };
        interval(canvas, &x, y, change.figure, change.colour);
        canvas.mark((x.at(change.figure.value), y), 2.2, symbol, change.colour);
        let (at, anchor) = if change.figure.value < 0.0 {
            (zero + 4.0, Anchor::Start)
        } else {
            (zero - 4.0, Anchor::End)
        };
        canvas.text((at, y + 2.1), &change.word, anchor, Look::label());
    }
}

/// The line of a figure's interval.
pub(super) fn interval(canvas: &mut Canvas, x: &Scale, y: f64, figure: Interval, colour: &str) {
    let [low, high] = figure.ci.map(|end| x.at(end));
    canvas.line((low, y), (high, y), colour, 0.8);
}

/// Whether a figure and its interval can be drawn.
pub(super) fn is_finite(figure: &Interval) -> bool {
    figure.value.is_finite() && figure.ci.iter().all(|end| end.is_finite())
}

/// The span of figures and their intervals, with 0 in it.
pub(super) fn span(figures: &[Interval]) -> [f64; 2] {
    let ends = figures
        .iter()
        .flat_map(|figure| [figure.value, figure.ci[0], figure.ci[1]]);
    ends.fold([0.0, 0.0], |[low, high]: [f64; 2], end| {
        [low.min(end), high.max(end)]
    })
}

/// The span with at least `share` of it on either side of 0 that has anything opposite.
fn with_room([low, high]: [f64; 2], share: f64) -> [f64; 2] {
    let share = share.min(0.45);
    let least = share / (1.0 - share);
    [low.min(-high * least), high.max(-low * least)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_their_share_on_the_other_side() {
        let [low, high] = with_room([-3.0, 0.1], 0.25);
        assert!((high / (high - low) - 0.25).abs() < 1e-12);
        assert_eq!(with_room([-1.0, 1.0], 0.25), [-1.0, 1.0]);
    }
}
