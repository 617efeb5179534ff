//! The page and the figures of a series of checkpoints.

use std::path::{Path, PathBuf};

use infoplane_plane::{SeriesOrder, SeriesPath, SeriesResult};
use infoplane_store::write_atomically;
use serde::Serialize;

use crate::data::script_safe;
use crate::figures::series;
use crate::labels::axis_labels;
use crate::page::Page;
use crate::sections::series::{sections, summary};
use crate::text::visible;
use crate::{ReportError, ReportOptions, create_folder, write_drawn};

/// The page's own scripts, in order.
const SCRIPTS: &[&str] = &[
    include_str!("../page/base.js"),
    include_str!("../page/layer.js"),
    include_str!("../page/format.js"),
    include_str!("../page/theme.js"),
    include_str!("../page/points.js"),
    include_str!("../page/series.js"),
];

/// A layer of the series, as the page names it.
#[derive(Serialize)]
struct Layer<'a> {
    name: &'a str,
    shown: String,
    short: String,
}

#[derive(Serialize)]
struct SeriesData<'a> {
    format: u32,
    series: &'a SeriesResult,
    layers: Vec<Layer<'a>>,
}

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

/// Writes `report.html` of a series into `dir`: the layers' paths with a slider over the checkpoints, and the
/// phases. The same result gives the same bytes.
///
/// # Errors
///
/// Where the file cannot be written.
pub fn write_series_report(dir: &Path, result: &SeriesResult) -> Result<PathBuf, ReportError> {
    let names = layer_names(&result.paths);
    let unknown: Vec<(&str, Option<&str>)> = names.iter().map(|name| (*name, None)).collect();
    let layers = names
        .iter()
        .zip(axis_labels(&unknown))
        .map(|(name, short)| Layer {
            name,
            shown: visible(name).into_owned(),
            short,
        })
        .collect();
    let data = SeriesData {
        format: 1,
        series: result,
        layers,
    };
    let page = Page {
        title: format!("A training in {} checkpoints", result.checkpoints.len()),
        summary: summary(result),
        sections: sections(result),
        data: script_safe(&serde_json::to_string(&data)?),
        scripts: SCRIPTS,
    };
    create_folder(dir)?;
    let file = dir.join("report.html");
    write_atomically(&file, page.html().as_bytes())?;
    Ok(file)
}

/// Layers in network order.
fn layer_names(paths: &[SeriesPath]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for path in paths {
        if !names.contains(&path.layer.as_str()) {
            names.push(&path.layer);
        }
    }
    names
}

/// By what the checkpoints are ordered, in words.
pub(crate) fn order_words(order: SeriesOrder) -> &'static str {
    match order {
        SeriesOrder::Natural => "by the numbers in their names",
        SeriesOrder::Given => "as given",
    }
}
