//! The steps that the bottleneck's predictions were tested on, with the widened intervals.

use infoplane_plane::{Check, VectorKind};

use super::Symbol;
use super::canvas::Canvas;
use super::changes::{self, Change, Excluded, is_finite};
use super::layers::LayerRows;
use super::legend::Legend;
use super::roles::symbol;
use super::style::{ACTIVATION, CONDUCTANCE, DOUBLE_COLUMN, MUTED, SHADE};
use crate::view::RunView;

const TOP: f64 = 34.0;
const RIGHT: f64 = 8.0;
const GAP: f64 = 16.0;

/// The figure, where a check of vectors of this kind has steps.
pub(super) fn figure(view: &RunView<'_>, kind: VectorKind) -> Option<String> {
    let checks: Vec<(&Check, Excluded)> = view
        .plane
        .checks
        .iter()
        .filter(|check| check.kind == Some(kind) && !check.steps.is_empty())
        .filter_map(|check| Some((check, excluded(check)?)))
        .collect();
    if checks.is_empty() || view.layers.is_empty() {
        return None;
    }
    let rows = LayerRows::new(view, DOUBLE_COLUMN, TOP);
    let panels = rows.panels(RIGHT, checks.len(), GAP);
    let mut canvas = Canvas::new(
        DOUBLE_COLUMN,
        panels[0].bottom + 26.0,
        &format!("Checks of the bottleneck's predictions on {kind}s"),
        "Changes from one cut layer to the next, with intervals widened for all steps at once.",
    );
    legend(&mut canvas);
    rows.names(&mut canvas, view, panels[0]);
    for panel in &panels[1..] {
        rows.guides(&mut canvas, *panel);
    }
    for ((check, excluded), area) in checks.into_iter().zip(panels) {
        let (quantity, words) = match excluded {
            Excluded::Rises => (format!("I(X;{})", symbol(kind)), "does not rise"),
            Excluded::Falls => (format!("I({};Y)", symbol(kind)), "does not fall"),
        };
        let title = format!("{quantity} {words}: {}", check.verdict);
        canvas.panel_title(area, &title);
        let changes = changes(view, check, excluded);
        let name = format!("Δ{quantity}, bits");
        changes::panel(&mut canvas, &rows, area, (&name, &changes), Some(excluded));
    }
    Some(canvas.finish())
}

fn excluded(check: &Check) -> Option<Excluded> {
    match check.name.as_str() {
        "input_falls" => Some(Excluded::Rises),
        "label_kept" => Some(Excluded::Falls),
        _ => None,
    }
}

fn changes(view: &RunView<'_>, check: &Check, excluded: Excluded) -> Vec<Change> {
    let (wrong, word) = match excluded {
        Excluded::Rises => (1.0, "rises"),
        Excluded::Falls => (-1.0, "falls"),
    };
    check
        .steps
        .iter()
        .filter(|step| is_finite(&step.change))
        .filter_map(|step| {
            let against = step.goes_against(wrong);
            let open = !against && step.ends(wrong)[1] > 0.0;
            Some(Change {
                index: view.index(&step.to)?,
                figure: step.change,
                colour: match (against, open) {
                    (true, _) => ACTIVATION,
                    (_, true) => MUTED,
                    _ => CONDUCTANCE,
                },
                hollow: open,
                word: if against { word } else { "" }.to_owned(),
            })
        })
        .collect()
}

fn legend(canvas: &mut Canvas) {
    let mut legend = Legend::above(canvas);
    legend.coloured(
        2.4,
        Symbol::DISC,
        CONDUCTANCE,
        "on the predicted side or at 0",
    );
    legend.coloured(
        2.4,
        Symbol::HOLLOW,
        MUTED,
        "the interval reaches the other side",
    );
    legend.coloured(2.4, Symbol::DISC, ACTIVATION, "wholly on the other side");
    legend.patch(SHADE, "the side the prediction excludes");
}
