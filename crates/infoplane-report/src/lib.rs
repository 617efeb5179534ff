//! The HTML report and the figures of a run.
//!
//! [`write_report`] writes `report.html`, one file that works offline and makes no network request,
//! and the figures for print under `figures/`. [`Findings`] holds the report's first sentences for
//! those who want them elsewhere.
//!
//! Text from outside (layer, file and class names, reasons, warnings) reaches the page in two ways
//! only: through one escape function, or inside one block of JSON from which the page's scripts
//! take it as text.

mod assets;
mod comparison;
mod data;
mod figures;
mod findings;
mod input;
mod labels;
mod network;
mod page;
mod samples;
mod sections;
mod series;
mod text;
mod view;

use std::fs;
use std::path::{Path, PathBuf};

use infoplane_store::{StoreError, write_atomically};

pub use comparison::{ComparedRun, write_comparison};
pub use figures::{FigureFormat, PngError};
pub use findings::{Findings, Sentence};
pub use input::ReportInput;
pub use network::output_layers;
pub use series::{write_series_figures, write_series_report};

use figures::Rasteriser;
use samples::SamplesView;
use view::RunView;

/// What a report looks like.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReportOptions {
    /// The page's title; `Information plane of <model>` where absent.
    pub title: Option<String>,
    /// Whether the figures are written beside the page.
    pub figures: bool,
    /// The kinds of file that each figure is written as.
    pub formats: Vec<FigureFormat>,
    /// Resolution of the PNG figures, in pixels an inch: 30 to 1200.
    pub figure_dpi: u32,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            title: None,
            figures: true,
            formats: FigureFormat::ALL.to_vec(),
            figure_dpi: 300,
        }
    }
}

/// The files of a written report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFiles {
    /// `report.html`.
    pub html: PathBuf,
    /// `figures/*.svg` and `figures/*.png`, in the order of [`ReportOptions::formats`] for each figure.
    pub figures: Vec<PathBuf>,
}

/// Why a report was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A folder could not be made.
    #[error("cannot create the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] StoreError),
    /// The result could not be put into the page.
    #[error("the result cannot be written as JSON into the report")]
    Json(#[from] serde_json::Error),
    /// A sample's picture could not be encoded.
    #[error("a sample's picture cannot be written as PNG into the report")]
    Picture(#[from] image::ImageError),
    /// A figure could not be rendered.
    #[error("figure `{name}` cannot be rendered as PNG")]
    Figure {
        /// The figure's file name without its ending.
        name: String,
        /// What was wrong.
        #[source]
        source: PngError,
    },
}

/// Writes `report.html` and `figures/` of a run into `dir`, replacing what is there. Each file is
/// written whole or not at all.
///
/// The same result gives the same bytes.
///
/// # Errors
///
/// Where a file cannot be written, or `figure_dpi` is out of range.
pub fn write_report(
    dir: &Path,
    input: &ReportInput<'_>,
    options: &ReportOptions,
) -> Result<ReportFiles, ReportError> {
    let mut view = RunView::new(input);
    if let Some(kept) = view.kept {
        view.samples = SamplesView::new(input.manifest, kept)?;
    }
    create_folder(dir)?;
    let html = dir.join("report.html");
    let page = page::html(&view, options.title.as_deref())?;
    write_atomically(&html, page.as_bytes())?;
    let figures = if options.figures {
        write_drawn(&dir.join("figures"), options, figures::all(&view))?
    } else {
        Vec::new()
    };
    Ok(ReportFiles { html, figures })
}

/// Writes figures into a folder, each in every format that is asked for; PNG is rendered from the SVG.
fn write_drawn(
    dir: &Path,
    options: &ReportOptions,
    figures: Vec<figures::Figure>,
) -> Result<Vec<PathBuf>, ReportError> {
    create_folder(dir)?;
    let rasteriser = Rasteriser::new(options.figure_dpi);
    let mut files = Vec::new();
    for figure in figures {
        for format in &options.formats {
            let bytes = match format {
                FigureFormat::Svg => figure.svg.clone().into_bytes(),
                FigureFormat::Png => {
                    rasteriser
                        .render(&figure.svg)
                        .map_err(|source| ReportError::Figure {
                            name: figure.name.to_string(),
                            source,
                        })?
                }
            };
            let path = dir.join(format!("{}.{}", figure.name, format.name()));
            write_atomically(&path, &bytes)?;
            files.push(path);
        }
    }
    Ok(files)
}

fn create_folder(path: &Path) -> Result<(), ReportError> {
    fs::create_dir_all(path).map_err(|source| ReportError::Folder {
        path: path.to_owned(),
        source,
    })
}
