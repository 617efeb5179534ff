//! `controls.csv`: one row a control and layer.

use std::path::Path;

use infoplane_store::write_atomically;

use super::{ControlResult, ControlRow, ControlsResult};
use crate::{Interval, PlaneError};

const FILE: &str = "controls.csv";

/// The figures of a row that have an interval.
type Column = (&'static str, fn(&ControlRow) -> Option<Interval>);

const COLUMNS: [Column; 9] = [
    ("mi_x", |row| Some(row.mi_x)),
    ("mi_y", |row| row.mi_y),
    ("ite", |row| row.ite),
    ("changed_mi_x", |row| Some(row.changed_mi_x)),
    ("changed_mi_y", |row| row.changed_mi_y),
    ("changed_ite", |row| row.changed_ite),
    ("mi_y_difference", |row| row.mi_y_difference),
    ("rank_correlation", |row| row.rank_correlation),
    ("relative_difference", |row| row.relative_difference),
];

/// Writes `controls.csv` into `folder`, whole or not at all.
pub(crate) fn write_controls(folder: &Path, result: &ControlsResult) -> Result<(), PlaneError> {
    let table = table(result).map_err(|reason| PlaneError::Encode { file: FILE, reason })?;
    Ok(write_atomically(&folder.join(FILE), &table)?)
}

fn table(result: &ControlsResult) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let figures = COLUMNS
        .iter()
        .flat_map(|(name, _)| ["value", "ci_low", "ci_high"].map(|part| format!("{name}_{part}")));
    let heads = ["control", "kind", "layer", "depth", "n", "tau"];
    let heads = heads.into_iter().map(str::to_owned).chain(figures);
    let as_text = |error: csv::Error| error.to_string();
    writer.write_record(heads).map_err(as_text)?;
    for control in &result.controls {
        for row in &control.layers {
            writer
                .write_record(cells(result, control, row))
                .map_err(as_text)?;
        }
    }
    writer.into_inner().map_err(|error| error.to_string())
}

/// A figure that is absent is empty.
fn cells(result: &ControlsResult, control: &ControlResult, row: &ControlRow) -> Vec<String> {
    let mut cells = vec![
        control.name.clone(),
        control.kind.name().to_owned(),
        row.layer.clone(),
        row.depth.to_string(),
        control.n.to_string(),
        result.tau.to_string(),
    ];
    for (_, get) in COLUMNS {
        let numbers = get(row).map(|found| [found.value, found.ci[0], found.ci[1]]);
        match numbers {
            Some(numbers) => cells.extend(numbers.map(|number| number.to_string())),
            None => cells.extend(std::iter::repeat_n(String::new(), 3)),
        }
    }
    cells
}
