//! `ablation.json` and `ablation.csv`.

use std::path::Path;

use infoplane_store::{RunDir, write_atomically};

use super::result::{AblationResult, CurvePoint, LayerAblation, Measures};
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
    let encode = |file: &'static str| move |reason: String| PlaneError::Encode { file, reason };
    let mut json =
        serde_json::to_vec_pretty(result).map_err(|error| encode(JSON)(error.to_string()))?;
    json.push(b'\n');
    let table = table(result).map_err(|error| encode(CSV)(error.to_string()))?;
    write_atomically(&folder.join(JSON), &json)?;
    write_atomically(&folder.join(CSV), &table)?;
    Ok(())
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

fn table(result: &AblationResult) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut header: Vec<String> = [
        "layer",
        "depth",
        "cut",
        "channels",
        "n_channels",
        "fraction",
    ]
    .map(str::to_owned)
    .into();
    for measure in ["accuracy", "agreement", "target_logit", "cross_entropy"] {
        header.extend(["", "_ci_low", "_ci_high"].map(|end| format!("{measure}{end}")));
    }
    writer.write_record(&header)?;
    for layer in &result.layers {
        for point in &layer.curve {
            writer.write_record(record(layer, point, "top", &point.top))?;
            writer.write_record(record(layer, point, "control", &point.control))?;
        }
    }
    Ok(writer.into_inner()?)
}

fn record(
    layer: &LayerAblation,
    point: &CurvePoint,
    channels: &str,
    measures: &Measures,
) -> Vec<String> {
    let mut cells = vec![
        layer.layer.clone(),
        layer.depth.to_string(),
        layer.cut.to_string(),
        channels.to_owned(),
        point.n_channels.to_string(),
        point.fraction.to_string(),
    ];
    let all = [
        measures.accuracy,
        Some(measures.agreement),
        Some(measures.target_logit),
        Some(measures.cross_entropy),
    ];
    cells.extend(all.into_iter().flat_map(|measure: Option<Interval>| {
        let numbers = measure.map(|m| [m.value, m.ci[0], m.ci[1]]);
        match numbers {
            Some(numbers) => numbers.map(|number| number.to_string()),
            None => Default::default(),
        }
    }));
    cells
}
