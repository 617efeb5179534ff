//! Figures for print: each is drawn once as SVG, and the PNG is a rendering of that SVG.
//!
//! Lengths are points (1/72 inch). Widths are those of a journal's single (89 mm) and double
//! (183 mm) column; text is 6 to 8 points.

mod ablation;
mod canvas;
mod changes;
mod channels;
mod checks;
mod classes;
mod completeness;
mod controls;
mod font;
mod format;
mod heat;
mod labels;
mod layers;
mod legend;
mod network;
mod plane;
mod png;
mod resolution;
mod roles;
mod samples;
mod scale;
mod series;
mod stability;
mod steps;
mod style;

pub use format::FigureFormat;
pub use png::PngError;
pub(crate) use png::Rasteriser;

use std::borrow::Cow;

use infoplane_plane::{PlaneRow, SeriesResult, VectorKind};

use crate::view::{RunView, is_trusted};

use ablation::Measure;

/// A figure as SVG.
pub(crate) struct Figure {
    /// File name without its ending.
    pub(crate) name: Cow<'static, str>,
    /// The whole SVG file.
    pub(crate) svg: String,
}

/// Every figure that the result has data for.
pub(crate) fn all(view: &RunView<'_>) -> Vec<Figure> {
    use VectorKind::{Activation, Conductance};
    let drawn = [
        ("plane", plane::both(view)),
        ("plane_conductance", plane::single(view, Conductance)),
        ("plane_activation", plane::single(view, Activation)),
        ("network", network::figure(view)),
        ("ite", layers::efficiency(view)),
        ("information", layers::information(view)),
        ("completeness", completeness::figure(view)),
        ("resolution", resolution::figure(view)),
        ("steps", steps::figure(view)),
        ("roles_conductance", roles::figure(view, Conductance)),
        ("roles_activation", roles::figure(view, Activation)),
        ("checks_conductance", checks::figure(view, Conductance)),
        ("checks_activation", checks::figure(view, Activation)),
        ("stability", stability::figure(view)),
        ("classes_conductance", classes::figure(view, Conductance)),
        ("classes_activation", classes::figure(view, Activation)),
        ("channels", channels::figure(view)),
        ("ablation", ablation::damage(view)),
        (
            "ablation_cross_entropy",
            ablation::curves(view, Measure::CrossEntropy),
        ),
        (
            "ablation_accuracy",
            ablation::curves(view, Measure::Accuracy),
        ),
        (
            "ablation_agreement",
            ablation::curves(view, Measure::Agreement),
        ),
        (
            "ablation_target_logit",
            ablation::curves(view, Measure::TargetLogit),
        ),
        ("controls", controls::figure(view)),
        ("samples", samples::figure(view)),
    ];
    drawn
        .into_iter()
        .filter_map(|(name, svg)| {
            svg.map(|svg| Figure {
                name: name.into(),
                svg,
            })
        })
        .collect()
}

/// The figures of a series: its paths by kind, estimator and label, in the order of the paths.
pub(crate) fn series(result: &SeriesResult) -> Vec<Figure> {
    let mut drawn: Vec<(VectorKind, &str, &str)> = Vec::new();
    for path in &result.paths {
        let key = (path.kind, path.estimator.as_str(), path.label.as_str());
        if !drawn.contains(&key) {
            drawn.push(key);
        }
    }
    let Some(&(_, own, own_label)) = drawn.first() else {
        return Vec::new();
    };
    let name = |(kind, estimator, label): (VectorKind, &str, &str)| {
        let mut name = format!("series_{kind}");
        for part in [
            (estimator != own).then_some(estimator),
            (label != own_label).then_some(label),
        ] {
            let Some(part) = part else { continue };
            name.push('_');
            name.extend(
                part.chars()
                    .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }),
            );
        }
        name
    };
    drawn
        .into_iter()
        .filter_map(|key| {
            let svg = series::paths(result, key)?;
            let name = name(key).into();
            Some(Figure { name, svg })
        })
        .collect()
}

/// The symbol of a layer: its shape tells cut from branch, its filling whether to trust it.
#[derive(Debug, Clone, Copy)]
struct Symbol {
    cut: bool,
    trusted: bool,
}

impl Symbol {
    /// What stands for no layer in particular.
    const DISC: Self = Self {
        cut: true,
        trusted: true,
    };
    /// The same, of a figure that decides nothing.
    const HOLLOW: Self = Self {
        trusted: false,
        ..Self::DISC
    };

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
