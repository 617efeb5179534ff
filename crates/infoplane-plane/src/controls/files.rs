//! `controls.csv`: one row a control and layer.

use std::path::Path;

use super::{ControlResult, ControlRow, ControlsResult};
use crate::PlaneError;
use crate::table::Table;

/// Writes `controls.csv` into `folder`, whole or not at all.
pub(crate) fn write_controls(folder: &Path, result: &ControlsResult) -> Result<(), PlaneError> {
    let controls = result.controls.iter();
    let rows: Vec<(&ControlResult, &ControlRow)> = controls
        .flat_map(|control| control.layers.iter().map(move |row| (control, row)))
        .collect();
    let mut table = Table::new(&rows);
    table.text("control", |(control, _)| Some(control.name.clone()));
    table.text("kind", |(control, _)| Some(control.kind.name().to_owned()));
    table.text("layer", |(_, row)| Some(row.layer.clone()));
    table.integer("depth", |(_, row)| Some(row.depth));
    table.integer("n", |(control, _)| Some(control.n));
    table.float("tau", |_| Some(result.tau));
    table.interval("mi_x", |(_, row)| Some(row.mi_x));
    table.interval("mi_y", |(_, row)| row.mi_y);
    table.interval("ite", |(_, row)| row.ite);
    table.interval("changed_mi_x", |(_, row)| Some(row.changed_mi_x));
    table.interval("changed_mi_y", |(_, row)| row.changed_mi_y);
    table.interval("changed_ite", |(_, row)| row.changed_ite);
    table.interval("mi_y_difference", |(_, row)| row.mi_y_difference);
    table.interval("rank_correlation", |(_, row)| row.rank_correlation);
    table.interval("relative_difference", |(_, row)| row.relative_difference);
    table.write_csv(folder, "controls.csv")
}
