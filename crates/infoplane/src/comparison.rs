//! Several finished runs on one page.

use std::path::{Path, PathBuf};

use infoplane_plane::PlaneResult;
use infoplane_report::{ComparedRun, ReportInput, write_comparison};
use infoplane_store::RunDir;

use crate::analysis::read_plane;
use crate::error::Error;

/// Writes a page that compares runs, from their `plane.json`, into `file`. A run goes by its directory's
/// name, and by its path where two have the same.
///
/// # Errors
/// For fewer than two directories, one that is no finished run, and a file that cannot be written.
pub fn compare(dirs: &[PathBuf], file: &Path) -> Result<(), Error> {
    if dirs.len() < 2 {
        return Err(Error::Setting(
            "a comparison takes two run directories or more".to_owned(),
        ));
    }
    let runs: Result<Vec<(RunDir, PlaneResult)>, Error> = dirs
        .iter()
        .map(|dir| Ok((RunDir::open(dir)?, read_plane(dir)?)))
        .collect();
    let names = names(dirs);
    let runs = runs?;
    let compared: Vec<ComparedRun<'_>> = runs
        .iter()
        .zip(&names)
        .map(|((stored, plane), name)| ComparedRun {
            name,
            input: ReportInput::new(stored.manifest(), plane),
        })
        .collect();
    Ok(write_comparison(file, &compared)?)
}

fn names(dirs: &[PathBuf]) -> Vec<String> {
    let last = |dir: &PathBuf| {
        dir.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let short: Vec<Option<String>> = dirs.iter().map(last).collect();
    dirs.iter()
        .zip(&short)
        .map(|(dir, name)| match name {
            Some(own) if short.iter().filter(|other| *other == name).count() == 1 => own.clone(),
            _ => dir.display().to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn runs_of_one_name_go_by_their_paths() {
        let dirs = ["runs/a", "runs/b", "old/a", ".."].map(Into::into);
        assert_eq!(names(&dirs), ["runs/a", "b", "old/a", ".."]);
    }
}
