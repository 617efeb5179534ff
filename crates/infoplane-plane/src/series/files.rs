//! `series.json`, `series.csv` and `series.parquet`.

use std::path::Path;

use super::{PathFigure, PathPoint, Phase, SeriesPath, SeriesResult};
use crate::table::{Table, write_json};
use crate::{Interval, PlaneError};

/// Version of `series.json`'s layout.
pub const SERIES_FORMAT: u32 = 1;

/// Writes `series.json`, `series.csv` and `series.parquet` into `folder`, each whole or not at all. The
/// same result gives the same bytes.
///
/// The two tables hold a row for each path and checkpoint: the checkpoint's position and name, the path's
/// layer, kind, estimator and label, both figures (`mi_x_value`, `mi_x_ci_low`, …), and the path's phases
/// (`fitting_change_value`, …), repeated on each of its rows.
///
/// # Errors
/// [`PlaneError::Store`] when a file can't be written.
pub fn write_series(folder: &Path, result: &SeriesResult) -> Result<(), PlaneError> {
    write_json(folder, "series.json", result)?;
    let rows = rows(result);
    let table = table(&rows);
    table.write_csv(folder, "series.csv")?;
    table.write_parquet(folder, "series.parquet")
}

/// A path at a checkpoint.
struct Row<'a> {
    checkpoint: usize,
    name: &'a str,
    tau: f64,
    path: &'a SeriesPath,
    point: &'a PathPoint,
}

fn rows(result: &SeriesResult) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for path in &result.paths {
        let named = path.points.iter().zip(&result.checkpoints).enumerate();
        rows.extend(named.map(|(checkpoint, (point, info))| Row {
            checkpoint,
            name: &info.name,
            tau: result.tau,
            path,
            point,
        }));
    }
    rows
}

fn table<'a, 'r>(rows: &'a [Row<'r>]) -> Table<'a, Row<'r>> {
    let mut table = Table::new(rows);
    table.integer("checkpoint", |row| Some(row.checkpoint));
    table.text("name", |row| Some(row.name.to_owned()));
    table.text("layer", |row| Some(row.path.layer.clone()));
    table.integer("depth", |row| Some(row.path.depth));
    table.bool("cut", |row| Some(row.path.cut));
    table.text("kind", |row| Some(row.path.kind.to_string()));
    table.text("estimator", |row| Some(row.path.estimator.clone()));
    table.text("label", |row| Some(row.path.label.clone()));
    table.float("tau", |row| {
        (row.path.estimator == crate::families::OWN).then_some(row.tau)
    });
    figure(&mut table, "mi_x", |row| row.point.mi_x);
    figure(&mut table, "mi_y", |row| row.point.mi_y);
    phase(&mut table, "fitting", |path| path.fitting.as_ref());
    phase(&mut table, "compression", |path| path.compression.as_ref());
    table
}

fn figure<'r>(
    table: &mut Table<'_, Row<'r>>,
    name: &str,
    get: impl Fn(&Row<'r>) -> Option<PathFigure>,
) {
    table.interval(name, |row| {
        get(row).map(|figure| Interval {
            value: figure.value,
            ci: figure.ci,
        })
    });
    table.bool(&format!("{name}_saturated"), |row| {
        Some(get(row)?.saturated)
    });
    table.bool(&format!("{name}_flagged"), |row| Some(get(row)?.flagged));
}

fn phase(table: &mut Table<'_, Row<'_>>, name: &str, get: impl Fn(&SeriesPath) -> Option<&Phase>) {
    table.integer(&format!("{name}_from"), |row| Some(get(row.path)?.from));
    table.integer(&format!("{name}_to"), |row| Some(get(row.path)?.to));
    table.interval(&format!("{name}_change"), |row| Some(get(row.path)?.change));
    table.text(&format!("{name}_verdict"), |row| {
        Some(get(row.path)?.verdict.to_string())
    });
}
