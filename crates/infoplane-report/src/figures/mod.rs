//! Figures for print: each is drawn once as SVG, and the PNG is a rendering of that SVG.
//!
//! Lengths are points (1/72 inch). Widths are those of a journal's single (89 mm) and double
//! (183 mm) column; text is 6 to 8 points.

mod canvas;
mod completeness;
mod font;
mod labels;
mod layers;
mod plane;
mod png;
mod resolution;
mod scale;
mod style;

pub use png::PngError;
pub(crate) use png::Rasteriser;

use infoplane_plane::{PlaneRow, VectorKind};

use crate::view::{RunView, is_trusted};

/// A figure as SVG.
pub(crate) struct Figure {
    /// File name without its ending.
    pub(crate) name: &'static str,
    /// The whole SVG file.
    pub(crate) svg: String,
}

/// Every figure that the result has data for.
pub(crate) fn all(view: &RunView<'_>) -> Vec<Figure> {
    let drawn = [
        ("plane", plane::both(view)),
        (
            "plane_conductance",
            plane::single(view, VectorKind::Conductance),
        ),
        (
            "plane_activation",
            plane::single(view, VectorKind::Activation),
        ),
        ("ite", layers::efficiency(view)),
        ("information", layers::information(view)),
        ("completeness", completeness::figure(view)),
        ("resolution", resolution::figure(view)),
    ];
    drawn
        .into_iter()
        .filter_map(|(name, svg)| svg.map(|svg| Figure { name, svg }))
        .collect()
}

/// The symbol of a layer: its shape tells cut from branch, its filling whether to trust it.
#[derive(Debug, Clone, Copy)]
struct Symbol {
    cut: bool,
    trusted: bool,
}

impl Symbol {
    fn of(row: &PlaneRow) -> Self {
        Self {
            cut: row.cut,
            trusted: is_trusted(row),
        }
    }
}

fn kind_name(kind: VectorKind) -> &'static str {
    match kind {
        VectorKind::Conductance => "Conductance",
        VectorKind::Activation => "Activation",
    }
}
