//! Controls of a run: the same run with one thing changed, each in a directory of its own.
//!
//! `controls/NAME` of the run directory is an ordinary run, which goes on where it stopped; `controls/
//! index.json` says what there is. The figures are made from the stored vectors with the plane's.

mod index;
mod shuffle;
mod stored;
mod subset;
mod variants;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use infoplane_plane::ControlKind;
use infoplane_store::RunDir;

pub(crate) use shuffle::shuffle;
pub(crate) use stored::compare;

use crate::error::Error;
use crate::progress::{Phase, Progress};
use crate::run::Run;
use index::{Index, IndexOmitted};
use variants::{Planned, plan};

/// Folder of the controls in a run directory.
const FOLDER: &str = "controls";

/// Makes the controls of a stored run that are not there yet: `kinds`, on `n_samples` of its samples.
/// Those made before stay.
pub(crate) fn make(
    run: &Run,
    stored: &RunDir,
    out: &Path,
    (kinds, n_samples, seed): (&[ControlKind], usize, u64),
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
) -> Result<(), Error> {
    let folder = out.join(FOLDER);
    let before = Index::read(&folder, stored)?;
    let mut index = Index::new(stored, n_samples, seed);
    let planned = plan(run, kinds, n_samples, seed, &mut index)?;
    let total: u64 = planned.iter().map(|planned| planned.n_samples()).sum();
    let (mut before_this, mut resumed_before) = (0, 0);
    for Planned { case, run } in planned {
        let Some(run) = run else {
            index.cases.push(case);
            continue;
        };
        let n = run.manifest().data.n_samples as u64;
        // Without a report of progress there was nothing left to do.
        let mut resumed = n;
        let made = run.attribute(
            &folder.join(&case.name),
            &mut |own| {
                resumed = own.resumed;
                progress(&Progress {
                    phase: Phase::Controls,
                    done: before_this + own.done,
                    total,
                    resumed: resumed_before + own.resumed,
                    skipped: own.skipped,
                });
            },
            stop,
        );
        match made {
            Ok(_) => index.cases.push(case),
            // A changed network may give numbers that are none: a finding, not a failure.
            Err(Error::NothingAnalysed { first, .. }) => index.omitted.push(IndexOmitted {
                kind: case.kind,
                reason: format!(
                    "{}: no sample could be analysed; the first was {first}",
                    case.name
                ),
            }),
            Err(error) => return Err(error),
        }
        before_this += n;
        resumed_before += resumed;
    }
    index.keep_others(before, kinds);
    index.write(&folder)
}

impl Planned {
    fn n_samples(&self) -> u64 {
        let run = self.run.as_ref();
        run.map_or(0, |run| run.manifest().data.n_samples as u64)
    }
}
