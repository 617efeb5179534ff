//! The figures of a series of checkpoints.

use std::path::{Path, PathBuf};

use infoplane_plane::SeriesResult;

use crate::figures::series;
use crate::{ReportError, ReportOptions, write_drawn};

/// Writes the figures of a series into `figures/` of `dir`: `series_conductance` and `series_activation`, and
/// for each other estimator and label `series_conductance_<estimator>` and so on, those for which there are
/// both informations. Each is an SVG, followed by its PNG.
///
/// The same result gives the same bytes.
///
/// # Errors
///
/// Where a file cannot be written.
pub fn write_series_figures(
    dir: &Path,
    result: &SeriesResult,
) -> Result<Vec<PathBuf>, ReportError> {
    let options = ReportOptions::default();
    write_drawn(&dir.join("figures"), &options, series(result))
}
