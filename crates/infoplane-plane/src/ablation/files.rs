//! `ablation.json` and `ablation.csv`.

use std::path::Path;

use infoplane_store::RunDir;

use super::result::{AblationResult, CurvePoint, LayerAblation, Measures};
use crate::table::{Table, write_json};
use crate::{Interval, PlaneError};

/// Version of `ablation.json`'s layout.
pub const ABLATION_FORMAT: u32 = 1;

const JSON: &str = "ablation.json";
const CSV: &str = "ablation.csv";

/// Writes `ablation.json` and `ablation.csv` into `folder`, each whole or not at all. The same result
/// gives the same bytes.
///
/// The table has one row for each layer, number of replaced channels and choice of channels (`top`:
/// highest mean |conductance|; `control`: random): `layer`, `depth`, `cut`, `channels`, `n_channels`,
/// `fraction`, then each measure with the ends of its interval. What is absent is empty.
///
/// # Errors
/// [`PlaneError::Store`] when a file can't be written.
pub fn write_ablation(folder: &Path, result: &AblationResult) -> Result<(), PlaneError> {
    let rows = rows(result);
    write_json(folder, JSON, result)?;
    table(&rows).write_csv(folder, CSV)
}

/// The ablation of a run in the run's directory `folder`; `None` where there is none.
///
/// # Errors
/// [`PlaneError::Ablation`] where the file can't be read, has another layout or belongs to another run.
pub fn read_ablation(folder: &Path, run: &RunDir) -> Result<Option<AblationResult>, PlaneError> {
    let path = folder.join(JSON);
    let refuse = |reason: String| {
        Err(PlaneError::Ablation(format!(
            "{} {reason}; remove it, or write it again with `infoplane ablate {}`",
            path.display(),
            folder.display()
        )))
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return refuse(format!("can't be read: {error}")),
    };
    // Another layout may have other fields, so its version is read first.
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    match serde_json::from_slice::<Format>(&bytes) {
        Err(error) => return refuse(format!("is no result of an ablation: {error}")),
        Ok(Format { format }) if format != ABLATION_FORMAT => {
            return refuse(format!(
                "has layout version {format}, and this infoplane reads version {ABLATION_FORMAT}"
            ));
        }
        Ok(_) => {}
    }
    let result: AblationResult = match serde_json::from_slice(&bytes) {
        Ok(result) => result,
        Err(error) => return refuse(format!("is no result of an ablation: {error}")),
    };
    if result.run != run.identity() {
        return refuse("belongs to another run".to_owned());
    }
    Ok(Some(result))
}

/// A layer with so many channels replaced, which ones, and the measures then.
type Row<'a> = (
    &'a LayerAblation,
    &'a CurvePoint,
    &'static str,
    &'a Measures,
);

fn rows(result: &AblationResult) -> Vec<Row<'_>> {
    let points = result
        .layers
        .iter()
        .flat_map(|layer| layer.curve.iter().map(move |point| (layer, point)));
    points
        .flat_map(|(layer, point)| {
            [("top", &point.top), ("control", &point.control)]
                .map(|(channels, measures)| (layer, point, channels, measures))
        })
        .collect()
}

fn table<'a, 'r>(rows: &'a [Row<'r>]) -> Table<'a, Row<'r>> {
    let mut table = Table::new(rows);
    table.text("layer", |(layer, ..)| Some(layer.layer.clone()));
    table.integer("depth", |(layer, ..)| Some(layer.depth));
    table.bool("cut", |(layer, ..)| Some(layer.cut));
    table.text("channels", |(_, _, channels, _)| {
        Some((*channels).to_owned())
    });
    table.integer("n_channels", |(_, point, ..)| Some(point.n_channels));
    table.float("fraction", |(_, point, ..)| Some(point.fraction));
    measure(&mut table, "accuracy", |measures| measures.accuracy);
    measure(&mut table, "agreement", |measures| Some(measures.agreement));
    measure(&mut table, "target_logit", |measures| {
        Some(measures.target_logit)
    });
    measure(&mut table, "cross_entropy", |measures| {
        Some(measures.cross_entropy)
    });
    table
}

fn measure(
    table: &mut Table<'_, Row<'_>>,
    name: &str,
    get: impl Fn(&Measures) -> Option<Interval>,
) {
    table.float(name, |row| Some(get(row.3)?.value));
    table.float(&format!("{name}_ci_low"), |row| Some(get(row.3)?.ci[0]));
    table.float(&format!("{name}_ci_high"), |row| Some(get(row.3)?.ci[1]));
}
