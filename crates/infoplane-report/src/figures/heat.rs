//! Heat maps: a grid of coloured cells.

use std::collections::BTreeMap;

use super::canvas::{Area, Canvas};
use super::style::SHADE;

/// A grid of as many rows and columns as there are values, from its upper left corner.
pub(super) struct Grid {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) cell: (f64, f64),
}

impl Grid {
    /// The area of a cell, short of the gap to its neighbours.
    pub(super) fn area(&self, row: usize, column: usize) -> Area {
        let (width, height) = self.cell;
        let gap = (0.06 * width.min(height)).min(0.5);
        let left = self.left + column as f64 * width;
        let top = self.top + row as f64 * height;
        Area {
            left,
            top,
            right: left + width - gap,
            bottom: top + height - gap,
        }
    }

    /// Fills the cells; those without a value are shaded.
    pub(super) fn fill(
        &self,
        canvas: &mut Canvas,
        values: &[Vec<Option<f64>>],
        colour: impl Fn(f64) -> String,
    ) {
        let mut by_colour: BTreeMap<String, Vec<Area>> = BTreeMap::new();
        for (row, values) in values.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                let fill = match value.filter(|value| value.is_finite()) {
                    Some(value) => colour(value),
                    None => SHADE.to_owned(),
                };
                by_colour
                    .entry(fill)
                    .or_default()
                    .push(self.area(row, column));
            }
        }
        for (fill, areas) in by_colour {
            canvas.rectangles(&areas, &fill);
        }
    }
}
