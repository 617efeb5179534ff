//! Labels beside points, placed so that none covers another label or a point.

use super::canvas::{Anchor, Area};
use super::font::text_width;
use super::style::SMALL;

/// Distances of a label from its point, in points.
const DISTANCES: [f64; 3] = [4.5, 8.0, 12.0];

/// A label that found a place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    /// Which of the points it belongs to.
    pub(super) index: usize,
    /// Where the text's baseline starts, centres or ends.
    pub(super) at: (f64, f64),
    pub(super) anchor: Anchor,
}

/// Places labels greedily, in the order of `priority`, inside `frame`, off the line that joins the
/// points where there is room beside it; a label without a free place is left out.
pub(super) fn place(
    points: &[(f64, f64)],
    texts: &[String],
    priority: &[usize],
    radius: f64,
    frame: Area,
) -> Vec<Placed> {
    let around = |(x, y): &(f64, f64), reach: f64| Area {
        left: x - reach,
        top: y - reach,
        right: x + reach,
        bottom: y + reach,
    };
    let mut taken: Vec<Area> = points.iter().map(|point| around(point, radius)).collect();
    let line: Vec<Area> = along(points).map(|point| around(&point, 0.5)).collect();
    let mut placed = Vec::new();
    for &index in priority {
        let (Some(point), Some(text)) = (points.get(index), texts.get(index)) else {
            continue;
        };
        let width = text_width(text, SMALL);
        let free =
            |area: &Area| frame.holds(area) && !taken.iter().any(|other| other.overlaps(area));
        let off_line = |area: &Area| !line.iter().any(|other| other.overlaps(area));
        let found = candidates(*point, width, radius)
            .find(|(area, _, _)| free(area) && off_line(area))
            .or_else(|| candidates(*point, width, radius).find(|(area, _, _)| free(area)));
        if let Some((area, at, anchor)) = found {
            taken.push(area);
            placed.push(Placed { index, at, anchor });
        }
    }
    placed
}

/// Points every two lengths along the line through `points`.
fn along(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> + '_ {
    points.windows(2).flat_map(|pair| {
        let (from, to) = (pair[0], pair[1]);
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let steps = ((length / 2.0).ceil().min(2000.0) as usize).max(1);
        (0..=steps).map(move |step| {
            let share = step as f64 / steps as f64;
            (
                from.0 + share * (to.0 - from.0),
                from.1 + share * (to.1 - from.1),
            )
        })
    })
}

/// The places around a point, nearest first: right, left, above, below, then the corners.
fn candidates(
    (x, y): (f64, f64),
    width: f64,
    radius: f64,
) -> impl Iterator<Item = (Area, (f64, f64), Anchor)> {
    let half = SMALL * 0.45;
    let directions: [(f64, f64, Anchor); 8] = [
        (1.0, 0.0, Anchor::Start),
        (-1.0, 0.0, Anchor::End),
        (0.0, -1.0, Anchor::Middle),
        (0.0, 1.0, Anchor::Middle),
        (0.8, -0.8, Anchor::Start),
        (0.8, 0.8, Anchor::Start),
        (-0.8, -0.8, Anchor::End),
        (-0.8, 0.8, Anchor::End),
    ];
    DISTANCES.into_iter().flat_map(move |distance| {
        directions.into_iter().map(move |(dx, dy, anchor)| {
            let reach = distance.max(radius + 1.5);
            // Text is taller than a point is wide, so it needs a little more room above and below.
            let centre_y = y + dy * (reach + if dx == 0.0 { half - 1.0 } else { 0.0 });
            let at_x = x + dx * reach;
            let left = match anchor {
                Anchor::Start => at_x,
                Anchor::Middle => at_x - width / 2.0,
                Anchor::End => at_x - width,
            };
            let area = Area {
                left,
                top: centre_y - half,
                right: left + width,
                bottom: centre_y + half,
            };
            (area, (at_x, centre_y + SMALL * 0.36), anchor)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placed_labels_cover_neither_labels_nor_points() {
        let points: Vec<(f64, f64)> = (0..40)
            .map(|i| (50.0 + 3.0 * f64::from(i), 60.0 + 20.0 * f64::from(i).sin()))
            .collect();
        let texts: Vec<String> = (1..=40).map(|i| i.to_string()).collect();
        let priority: Vec<usize> = (0..40).collect();
        let frame = Area {
            left: 0.0,
            top: 0.0,
            right: 220.0,
            bottom: 120.0,
        };
        let placed = place(&points, &texts, &priority, 2.0, frame);
        assert!(placed.len() > 25, "{} of 40 labels", placed.len());
        let boxes: Vec<Area> = placed
            .iter()
            .map(|label| {
                let width = text_width(&texts[label.index], SMALL);
                let left = match label.anchor {
                    Anchor::Start => label.at.0,
                    Anchor::Middle => label.at.0 - width / 2.0,
                    Anchor::End => label.at.0 - width,
                };
                let middle = label.at.1 - SMALL * 0.36;
                Area {
                    left,
                    top: middle - SMALL * 0.4,
                    right: left + width,
                    bottom: middle + SMALL * 0.4,
                }
            })
            .collect();
        for (index, area) in boxes.iter().enumerate() {
            assert!(boxes[index + 1..].iter().all(|other| !other.overlaps(area)));
            assert!(points.iter().all(|(x, y)| !(area.left < *x
                && *x < area.right
                && area.top < *y
                && *y < area.bottom)));
        }
    }
}
