//! The roles of the cut layers, and the checks of what theory predicts.

use infoplane_plane::CheckVerdict;

use super::Section;
use super::charts::chart;
use crate::text::{escape, with_names};
use crate::view::RunView;

/// The section of the roles, where the network has cut layers to step between.
pub(crate) fn roles(view: &RunView<'_>) -> Option<Section> {
    (!view.plane.roles.is_empty()).then(|| Section {
        id: "roles",
        entry: "Roles",
        title: "Efficiency and role of the layers",
        body: format!(
            "<p class=\"lead\">What the step from one cut layer to the next does: it <em>compresses</em> where \
             I(X;C) falls, <em>expands</em> where it rises, <em>utilises</em> where I(C;Y) rises, <em>loses</em> where \
             it falls, and <em>preserves</em> where neither moves beyond its interval. Bars are 95&nbsp;% intervals \
             of the change, of subsamples that both layers share.</p>\n{}",
            chart("roles-chart")
        ),
    })
}

/// The section of the checks, where any was made.
pub(crate) fn checks(view: &RunView<'_>) -> Option<Section> {
    let checks = &view.plane.checks;
    if checks.is_empty() {
        return None;
    }
    let rows: String = checks
        .iter()
        .map(|check| {
            format!(
                "<tr><th scope=\"row\" class=\"text\">{}</th><td class=\"text verdict\">{}</td>\
                 <td class=\"text\">{}</td></tr>",
                escape(&check.prediction),
                verdict(check.verdict),
                with_names(&check.evidence)
            )
        })
        .collect();
    let steps = if checks.iter().any(|check| !check.steps.is_empty()) {
        chart("checks-chart")
    } else {
        String::new()
    };
    Some(Section {
        id: "checks",
        entry: "Checks",
        title: "Checks of the bottleneck’s predictions",
        body: format!(
            "<p class=\"lead\">What information-bottleneck theory predicts, tested on these figures. A prediction \
             <em>holds</em> only where the intervals, widened for all steps at once, leave no room for more than \
             5&nbsp;% of the largest figure the other way; it is <em>violated</em> where an interval lies wholly on \
             the other side, and else <em>undecided</em>. Data processing does not bind conductances, and even \
             activations see the channel’s noise in their own scale only, so a violated check is a finding about \
             these figures and no contradiction of a theorem.</p>\n\
             <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Predictions and verdicts\">\
             <table class=\"prose\"><caption>Predictions and what became of them</caption><thead><tr>\
             <th scope=\"col\" class=\"text\">prediction</th><th scope=\"col\" class=\"text\">verdict</th>\
             <th scope=\"col\" class=\"text\">evidence</th></tr></thead><tbody>{rows}</tbody></table></div>\n{steps}"
        ),
    })
}

/// The verdict with a sign of its own, so that it is not told by words alone.
fn verdict(verdict: CheckVerdict) -> String {
    let sign = match verdict {
        CheckVerdict::Holds => "✓",
        CheckVerdict::Violated => "✗",
        CheckVerdict::Undecided => "?",
    };
    format!("<span aria-hidden=\"true\">{sign}</span> {verdict}")
}
