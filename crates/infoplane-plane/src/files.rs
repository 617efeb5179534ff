//! `plane.json`, `plane.csv` and `plane.parquet`.

use std::path::Path;

use crate::controls::write_controls;
use crate::families::OWN;
use crate::table::{Table, write_json};
use crate::{Figure, PlaneError, PlaneResult, PlaneRow};

/// Version of `plane.json`'s layout.
pub const PLANE_FORMAT: u32 = 2;

/// Writes `plane.json`, `plane.csv` and `plane.parquet` into `folder`, and `controls.csv` where there are
/// controls, each whole or not at all. The same result gives the same bytes.
///
/// The two tables hold [`PlaneResult::rows`] with nested entries flattened: `mi_x_value`,
/// `mi_x_ci_low`, `mi_x_ci_high`, `mi_x_bracket_low`, …, `ite_ratio_value`, `ite_ratio_ci_low`, …; an
/// entry that is absent is empty (csv) or null (parquet).
///
/// # Errors
/// [`PlaneError::Store`] when a file can't be written.
pub fn write_plane(folder: &Path, result: &PlaneResult) -> Result<(), PlaneError> {
    write_json(folder, "plane.json", result)?;
    let table = table(result);
    table.write_csv(folder, "plane.csv")?;
    table.write_parquet(folder, "plane.parquet")?;
    if let Some(controls) = &result.controls {
        write_controls(folder, controls)?;
    }
    Ok(())
}

fn table(result: &PlaneResult) -> Table<'_, PlaneRow> {
    let mut table = Table::new(&result.rows);
    table.text("layer", |row| Some(row.layer.clone()));
    table.integer("depth", |row| Some(row.depth));
    table.bool("cut", |row| Some(row.cut));
    table.text("kind", |row| Some(row.kind.to_string()));
    table.text("estimator", |row| Some(row.estimator.clone()));
    table.text("label", |row| Some(row.label.clone()));
    table.text("target", |_| Some(result.target.clone()));
    table.float("tau", |row| {
        (row.estimator == OWN).then_some(result.resolution.tau)
    });
    table.integer("n", |row| Some(row.n));
    table.integer("width", |row| Some(row.width));
    table.integer("dimensions", |row| Some(row.dimensions));
    figure(&mut table, "mi_x", |row| row.mi_x.as_ref());
    figure(&mut table, "mi_y", |row| row.mi_y.as_ref());
    table.interval("ite_ratio", |row| row.ite.ratio);
    table.interval("ite_normalized", |row| row.ite.normalized);
    table.interval("ite_incremental", |row| row.ite.incremental);
    table
}

fn figure(table: &mut Table<'_, PlaneRow>, name: &str, get: impl Fn(&PlaneRow) -> Option<&Figure>) {
    let mut float = |part: &str, of: &dyn Fn(&Figure) -> Option<f64>| {
        table.float(&format!("{name}_{part}"), |row| get(row).and_then(of));
    };
    float("value", &|figure| Some(figure.value));
    float("ci_low", &|figure| Some(figure.ci[0]));
    float("ci_high", &|figure| Some(figure.ci[1]));
    float("bracket_low", &|figure| Some(figure.bracket[0]));
    float("bracket_high", &|figure| Some(figure.bracket[1]));
    float("ceiling", &|figure| Some(figure.ceiling));
    float("null_mean", &|figure| figure.null.map(|null| null.mean));
    float("null_p95", &|figure| figure.null.map(|null| null.p95));
    float("null_p_value", &|figure| {
        figure.null.map(|null| null.p_value)
    });
    table.text(&format!("{name}_unit"), |row| {
        get(row).map(|figure| figure.unit.clone())
    });
    table.bool(&format!("{name}_saturated"), |row| {
        get(row).map(|figure| figure.saturated)
    });
    table.bool(&format!("{name}_flagged"), |row| {
        get(row).map(|figure| figure.flagged)
    });
}
