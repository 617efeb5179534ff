//! Layers whose figures only repeat those of an earlier one.

use infoplane_plane::{PlaneRow, VectorKind};

use crate::view::RunView;

/// Figures that differ by no more bits than this differ by rounding.
const ROUNDING: f64 = 1e-4;

/// Layers whose conductances are those of an earlier layer, as a mean over positions leaves them: the
/// later one's name after the earlier one's.
pub(super) struct Repeats<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Repeats<'a> {
    pub(super) fn new(view: &RunView<'a>) -> Self {
        let rows: Vec<&PlaneRow> = view.rows(VectorKind::Conductance).collect();
        let pairs = rows.iter().enumerate().filter_map(|(index, row)| {
            let first = rows[..index].iter().find(|first| is_same(first, row))?;
            Some((first.layer.as_str(), row.layer.as_str()))
        });
        Self(pairs.collect())
    }

    /// Whether a layer repeats an earlier one.
    pub(super) fn has(&self, layer: &str) -> bool {
        self.0.iter().any(|(_, repeat)| *repeat == layer)
    }

    /// The layers that repeat this one.
    pub(super) fn of(&self, layer: &str) -> Vec<&'a str> {
        let own = self.0.iter().filter(|(first, _)| *first == layer);
        own.map(|(_, repeat)| *repeat).collect()
    }
}

fn is_same(first: &PlaneRow, row: &PlaneRow) -> bool {
    let pairs = [(&first.mi_x, &row.mi_x), (&first.mi_y, &row.mi_y)];
    first.width == row.width
        && pairs.iter().all(|pair| match pair {
            (Some(first), Some(row)) => (first.value - row.value).abs() < ROUNDING,
            _ => false,
        })
}
