//! `series.json`, `series.csv` and `series.parquet`.

use std::path::Path;

use infoplane_store::{Column, ColumnData, write_atomically, write_table};

use super::{PathFigure, PathPoint, Phase, SeriesPath, SeriesResult};
use crate::PlaneError;
use crate::files::csv;

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
    let encode = |file: &'static str| move |reason: String| PlaneError::Encode { file, reason };
    let mut json = serde_json::to_vec_pretty(result)
        .map_err(|error| encode("series.json")(error.to_string()))?;
    json.push(b'\n');
    write_atomically(&folder.join("series.json"), &json)?;
    let rows = rows(result);
    let columns = columns(&rows);
    let csv = csv(&columns, rows.len()).map_err(encode("series.csv"))?;
    write_atomically(&folder.join("series.csv"), &csv)?;
    write_table(&folder.join("series.parquet"), &columns)?;
    Ok(())
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

fn columns(rows: &[Row<'_>]) -> Vec<Column> {
    let mut table = Table {
        rows,
        columns: Vec::new(),
    };
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
    table.figure("mi_x", |row| row.point.mi_x);
    table.figure("mi_y", |row| row.point.mi_y);
    table.phase("fitting", |row| row.path.fitting.as_ref());
    table.phase("compression", |row| row.path.compression.as_ref());
    table.columns
}

struct Table<'a> {
    rows: &'a [Row<'a>],
    columns: Vec<Column>,
}

impl Table<'_> {
    fn push(&mut self, name: &str, data: ColumnData) {
        self.columns.push(Column {
            name: name.to_owned(),
            data,
        });
    }

    fn text(&mut self, name: &str, get: impl Fn(&Row<'_>) -> Option<String>) {
        self.push(name, ColumnData::Text(self.rows.iter().map(get).collect()));
    }

    fn integer(&mut self, name: &str, get: impl Fn(&Row<'_>) -> Option<usize>) {
        let numbers = self.rows.iter().map(|row| i64::try_from(get(row)?).ok());
        self.push(name, ColumnData::Integer(numbers.collect()));
    }

    fn bool(&mut self, name: &str, get: impl Fn(&Row<'_>) -> Option<bool>) {
        self.push(name, ColumnData::Bool(self.rows.iter().map(get).collect()));
    }

    fn float(&mut self, name: &str, get: impl Fn(&Row<'_>) -> Option<f64>) {
        self.push(name, ColumnData::Float(self.rows.iter().map(get).collect()));
    }

    fn figure(&mut self, name: &str, get: impl Fn(&Row<'_>) -> Option<PathFigure>) {
        self.float(&format!("{name}_value"), |row| Some(get(row)?.value));
        self.float(&format!("{name}_ci_low"), |row| Some(get(row)?.ci[0]));
        self.float(&format!("{name}_ci_high"), |row| Some(get(row)?.ci[1]));
        self.bool(&format!("{name}_saturated"), |row| {
            Some(get(row)?.saturated)
        });
        self.bool(&format!("{name}_flagged"), |row| Some(get(row)?.flagged));
    }

    fn phase(&mut self, name: &str, get: impl for<'r> Fn(&'r Row<'_>) -> Option<&'r Phase>) {
        self.integer(&format!("{name}_from"), |row| Some(get(row)?.from));
        self.integer(&format!("{name}_to"), |row| Some(get(row)?.to));
        self.float(&format!("{name}_change_value"), |row| {
            Some(get(row)?.change.value)
        });
        self.float(&format!("{name}_change_ci_low"), |row| {
            Some(get(row)?.change.ci[0])
        });
        self.float(&format!("{name}_change_ci_high"), |row| {
            Some(get(row)?.change.ci[1])
        });
        self.text(&format!("{name}_verdict"), |row| {
            Some(get(row)?.verdict.to_string())
        });
    }
}
