//! How many path steps the samples took.

use super::canvas::{Area, Canvas};
use super::scale::Scale;
use super::style::{CONDUCTANCE, SINGLE_COLUMN};
use crate::view::RunView;

/// The figure, where samples took different numbers of steps.
pub(super) fn figure(view: &RunView<'_>) -> Option<String> {
    let counts = &view.plane.step_counts;
    let (first, last) = (counts.first()?, counts.last()?);
    if counts.len() < 2 {
        return None;
    }
    let gap = counts
        .windows(2)
        .map(|pair| f64::from(pair[1].steps - pair[0].steps))
        .fold(4.0, f64::min);
    let half = 0.45 * gap;
    let most = counts.iter().map(|count| count.samples).max()?;
    let area = Area {
        left: 36.0,
        top: 8.0,
        right: SINGLE_COLUMN - 8.0,
        bottom: 110.0,
    };
    let span = [f64::from(first.steps) - gap, f64::from(last.steps) + gap];
    let x = Scale::linear(span, [area.left, area.right]);
    let y = Scale::linear([0.0, most as f64], [area.bottom, area.top]);
    let mut canvas = Canvas::new(
        SINGLE_COLUMN,
        area.bottom + 26.0,
        "Path steps",
        "Samples by the number of path steps they took.",
    );
    canvas.x_axis(area, &x, "path steps");
    canvas.y_axis(area, &y, "samples");
    for count in counts {
        let steps = f64::from(count.steps);
        let bar = Area {
            left: x.at(steps - half),
            top: y.at(count.samples as f64),
            right: x.at(steps + half),
            bottom: area.bottom,
        };
        canvas.rectangle(bar, CONDUCTANCE);
    }
    Some(canvas.finish())
}
