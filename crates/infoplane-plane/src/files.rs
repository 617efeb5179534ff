//! `plane.json`, `plane.csv` and `plane.parquet`.

use std::path::Path;

use infoplane_store::{Column, ColumnData, write_atomically, write_table};

use crate::controls::write_controls;
use crate::families::OWN;
use crate::{Figure, Interval, PlaneError, PlaneResult, PlaneRow};

/// Version of `plane.json`'s layout.
pub const PLANE_FORMAT: u32 = 2;

/// Writes `plane.json`, `plane.csv` and `plane.parquet` into `folder`, and `controls.csv` where there are
/// controls, each whole or not at all. The
/// same result gives the same bytes.
///
/// The two tables hold [`PlaneResult::rows`] with nested entries flattened: `mi_x_value`,
/// `mi_x_ci_low`, `mi_x_ci_high`, `mi_x_bracket_low`, …, `ite_ratio_value`, `ite_ratio_ci_low`, …; an
/// entry that is absent is empty (csv) or null (parquet).
///
/// # Errors
/// [`PlaneError::Store`] when a file can't be written.
pub fn write_plane(folder: &Path, result: &PlaneResult) -> Result<(), PlaneError> {
    let encode = |file: &'static str| move |reason: String| PlaneError::Encode { file, reason };
    let mut json = serde_json::to_vec_pretty(result)
        .map_err(|error| encode("plane.json")(error.to_string()))?;
    json.push(b'\n');
    write_atomically(&folder.join("plane.json"), &json)?;
    let columns = columns(result);
    let csv = csv(&columns, result.rows.len()).map_err(encode("plane.csv"))?;
    write_atomically(&folder.join("plane.csv"), &csv)?;
    write_table(&folder.join("plane.parquet"), &columns)?;
    if let Some(controls) = &result.controls {
        write_controls(folder, controls)?;
    }
    Ok(())
}

fn columns(result: &PlaneResult) -> Vec<Column> {
    let rows = &result.rows;
    let mut table = Table {
        rows,
        columns: Vec::new(),
    };
    table.text("layer", |row| row.layer.clone());
    table.integer("depth", |row| row.depth);
    table.bool("cut", |row| Some(row.cut));
    table.text("kind", |row| row.kind.to_string());
    table.text("estimator", |row| row.estimator.clone());
    table.text("label", |row| row.label.clone());
    table.text("target", |_| result.target.clone());
    table.float("tau", |row| {
        (row.estimator == OWN).then_some(result.resolution.tau)
    });
    table.integer("n", |row| row.n);
    table.integer("width", |row| row.width);
    table.integer("dimensions", |row| row.dimensions);
    table.figure("mi_x", |row| row.mi_x.as_ref());
    table.figure("mi_y", |row| row.mi_y.as_ref());
    table.interval("ite_ratio", |row| row.ite.ratio);
    table.interval("ite_normalized", |row| row.ite.normalized);
    table.interval("ite_incremental", |row| row.ite.incremental);
    table.columns
}

struct Table<'a> {
    rows: &'a [PlaneRow],
    columns: Vec<Column>,
}

impl Table<'_> {
    fn push(&mut self, name: &str, data: ColumnData) {
        self.columns.push(Column {
            name: name.to_owned(),
            data,
        });
    }

    fn text(&mut self, name: &str, get: impl Fn(&PlaneRow) -> String) {
        let data = self.rows.iter().map(|row| Some(get(row))).collect();
        self.push(name, ColumnData::Text(data));
    }

    fn integer(&mut self, name: &str, get: impl Fn(&PlaneRow) -> usize) {
        let data = self.rows.iter().map(|row| i64::try_from(get(row)).ok());
        self.push(name, ColumnData::Integer(data.collect()));
    }

    fn bool(&mut self, name: &str, get: impl Fn(&PlaneRow) -> Option<bool>) {
        let data = self.rows.iter().map(get).collect();
        self.push(name, ColumnData::Bool(data));
    }

    fn float(&mut self, name: &str, get: impl Fn(&PlaneRow) -> Option<f64>) {
        let data = self.rows.iter().map(get).collect();
        self.push(name, ColumnData::Float(data));
    }

    fn figure(&mut self, name: &str, get: impl Fn(&PlaneRow) -> Option<&Figure>) {
        let mut float = |part: &str, of: &dyn Fn(&Figure) -> Option<f64>| {
            self.float(&format!("{name}_{part}"), |row| get(row).and_then(of));
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
        let unit = self
            .rows
            .iter()
            .map(|row| get(row).map(|figure| figure.unit.clone()));
        let unit = ColumnData::Text(unit.collect());
        self.push(&format!("{name}_unit"), unit);
        self.bool(&format!("{name}_saturated"), |row| {
            get(row).map(|figure| figure.saturated)
        });
        self.bool(&format!("{name}_flagged"), |row| {
            get(row).map(|figure| figure.flagged)
        });
    }

    fn interval(&mut self, name: &str, get: impl Fn(&PlaneRow) -> Option<Interval>) {
        self.float(&format!("{name}_value"), |row| get(row).map(|i| i.value));
        self.float(&format!("{name}_ci_low"), |row| get(row).map(|i| i.ci[0]));
        self.float(&format!("{name}_ci_high"), |row| get(row).map(|i| i.ci[1]));
    }
}

pub(crate) fn csv(columns: &[Column], n_rows: usize) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = columns.iter().map(|column| &column.name);
    writer
        .write_record(names)
        .map_err(|error| error.to_string())?;
    for row in 0..n_rows {
        let cells = columns.iter().map(|column| cell(&column.data, row));
        writer
            .write_record(cells)
            .map_err(|error| error.to_string())?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

/// Numbers in the fewest digits that read back the same.
fn cell(data: &ColumnData, row: usize) -> String {
    fn shown<T: ToString>(entries: &[Option<T>], row: usize) -> String {
        let entry = entries.get(row).and_then(Option::as_ref);
        entry.map(T::to_string).unwrap_or_default()
    }
    match data {
        ColumnData::Float(entries) => shown(entries, row),
        ColumnData::Integer(entries) => shown(entries, row),
        ColumnData::Bool(entries) => shown(entries, row),
        ColumnData::Text(entries) => shown(entries, row),
    }
}
