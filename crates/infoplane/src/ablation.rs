//! Ablation of a stored run: opens its model and data again, replaces channels layer by layer, and holds
//! the damage against the plane.

mod measure;
mod reopen;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use infoplane_plane::{
    AblationResult, AblationSettings, PlaneResult, combine, write_ablation, write_plane,
};
use infoplane_report::ReportOptions;
use infoplane_store::RunDir;

pub(crate) use measure::{Subject, measure};

use crate::analysis::{read_plane, report_of};
use crate::config::{DEFAULT_SEED, RunConfig};
use crate::error::Error;
use crate::progress::Progress;

/// How a stored run is ablated.
#[derive(Debug, Clone, Default)]
pub struct AblationRequest {
    /// The ablation's settings; its seed is used where `seed` gives one.
    pub settings: AblationSettings,
    /// Seed of the random channels; the run's own by default.
    pub seed: Option<u64>,
    /// Where the model is now; where `run.json` says by default.
    pub model: Option<PathBuf>,
    /// The weights of a torchvision architecture.
    pub weights: Option<PathBuf>,
    /// Where the data are now.
    pub data: Option<PathBuf>,
    /// The file of class names.
    pub classes: Option<PathBuf>,
    /// The list of labels instead of the one that the run was given.
    pub labels: Option<PathBuf>,
    /// Worker threads; as many as there are processors by default.
    pub threads: Option<usize>,
}

/// An ablated run.
#[derive(Debug, Clone)]
pub struct Ablated {
    /// What was measured, as in `ablation.json`.
    pub result: AblationResult,
    /// The plane with the ablation beside it, where the run directory has a plane.
    pub plane: Option<PlaneResult>,
    /// The report's page, where there is a plane.
    pub report: Option<PathBuf>,
}

/// Ablates the run in `dir`: writes `ablation.json` and `ablation.csv`, and where the plane is there, the
/// plane and the report again with both kinds of evidence.
///
/// # Errors
/// Where `dir` holds no complete run; where its model or data can't be found or are not those of the run;
/// where settings are out of range.
pub fn ablate(
    dir: &Path,
    request: &AblationRequest,
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
) -> Result<Ablated, Error> {
    let mut settings = request.settings.clone().check()?;
    let stored = RunDir::open_exclusively(dir)?;
    let missing = stored.counts().missing();
    if missing > 0 {
        return Err(Error::Setting(format!(
            "the run in {} is not complete: {missing} samples are missing; repeat its command first",
            dir.display()
        )));
    }
    let seed_of_run = || stored.manifest().config["seed"].as_u64();
    settings.seed = request.seed.or_else(seed_of_run).unwrap_or(DEFAULT_SEED);
    let threads = RunConfig {
        threads: request.threads,
        ..RunConfig::default()
    };
    let n_threads = threads.n_threads()?;
    // A plane that can't be read is better found before the work than after it.
    let plane = match dir.join("plane.json").exists() {
        true => Some(read_plane(dir)?),
        false => None,
    };
    let samples = stored.maps()?;
    let reopened = reopen::reopen(dir, stored.manifest(), request)?;
    let subject = Subject {
        model: &reopened.model,
        dataset: reopened.dataset.as_ref(),
        layers: &reopened.layers,
        exact: stored.manifest().config["exact"].as_bool() == Some(true),
        n_threads,
    };
    let result = measure(&subject, &stored, &settings, progress, stop)?;
    write_ablation(dir, &result)?;
    let mut ablated = Ablated {
        result,
        plane: None,
        report: None,
    };
    if let Some(mut plane) = plane {
        combine(&mut plane, &ablated.result);
        write_plane(dir, &plane)?;
        let evidence = (Some(&ablated.result), samples.as_ref());
        let options = ReportOptions::default();
        ablated.report = Some(report_of(&stored, dir, &plane, evidence, &options)?);
        ablated.plane = Some(plane);
    }
    Ok(ablated)
}
