//! The figures of stored controls beside their run's.

use std::path::Path;

use infoplane_data::kept_indices;
use infoplane_plane::{
    Against, ClassGroups, ControlCase, ControlsResult, LabelInput, OmittedControl, PlaneInput,
    PlaneOptions, compare_controls,
};
use infoplane_store::RunDir;

use super::index::{Index, IndexCase};
use super::variants::label_word;
use super::{FOLDER, shuffle};
use crate::error::Error;

/// A run with its samples' ids.
struct Opened<'a> {
    input: PlaneInput<'a>,
    ids: Vec<String>,
}

impl<'a> Opened<'a> {
    fn new(
        run: &'a RunDir,
        (groups, against): (Option<&ClassGroups>, &[Against]),
    ) -> Result<Opened<'a>, Error> {
        let target = run.manifest().config["target"]
            .as_str()
            .unwrap_or("predicted");
        // The plane's own label is the first.
        let own = &against[..against.len().min(1)];
        Ok(Opened {
            input: PlaneInput::from_run(run, target, groups, own)?,
            ids: run.ids()?,
        })
    }

    /// At most `limit` samples, spread evenly.
    fn spread(&self, limit: usize) -> Opened<'_> {
        let samples = kept_indices(self.ids.len(), Some(limit));
        Opened {
            input: self.input.restricted(&samples),
            ids: samples
                .iter()
                .map(|&sample| self.ids[sample].clone())
                .collect(),
        }
    }
}

/// Compares the controls of a stored run with it; `None` where it has none. A control that is not
/// complete is among the omitted.
///
/// # Errors
/// Where a control can't be read, or belongs to another run.
pub(crate) fn compare(
    stored: &RunDir,
    out: &Path,
    labels: (Option<&ClassGroups>, &[Against]),
    options: &PlaneOptions,
) -> Result<Option<ControlsResult>, Error> {
    let folder = out.join(FOLDER);
    let Some(index) = Index::read(&folder, stored)? else {
        return Ok(None);
    };
    let mut omitted: Vec<OmittedControl> = index
        .omitted
        .iter()
        .map(|omitted| OmittedControl {
            kind: omitted.kind,
            reason: omitted.reason.clone(),
        })
        .collect();
    let mut runs: Vec<(&IndexCase, Option<RunDir>)> = Vec::new();
    for case in &index.cases {
        let run = match case.own_run {
            true => Some(RunDir::open(&folder.join(&case.name))?),
            false => None,
        };
        match &run {
            Some(run) if !run.is_complete() => omitted.push(OmittedControl {
                kind: case.kind,
                reason: format!(
                    "{} is not complete; the same run goes on with it",
                    case.name
                ),
            }),
            _ => runs.push((case, run)),
        }
    }
    let whole = Opened::new(stored, labels)?;
    let cases = runs
        .iter()
        .map(|(case, run)| {
            let Opened { input, ids } = match run {
                Some(run) => Opened::new(run, labels)?,
                None => with_shuffled_labels(whole.spread(index.n_samples), index.seed),
            };
            Ok(ControlCase {
                name: case.name.clone(),
                kind: case.kind,
                change: case.change.clone(),
                whole: case.whole,
                input,
                ids,
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let result = compare_controls(&whole.input, &whole.ids, &cases, omitted, options)?;
    Ok(Some(result))
}

fn with_shuffled_labels(mut run: Opened<'_>, seed: u64) -> Opened<'_> {
    if let Some(LabelInput { values, .. }) = &mut run.input.label {
        shuffle(values, &label_word(seed));
    }
    run
}
