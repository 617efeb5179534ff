//! The controls: what was changed, what had to happen, what did.

use infoplane_plane::{ControlResult, ControlsResult, Interval};

use super::charts::chart;
use super::{Section, scroll};
use crate::text::{count, escape, number};
use crate::view::RunView;

/// The section, where the run has controls.
pub(crate) fn section(view: &RunView<'_>) -> Option<Section> {
    let controls = view.plane.controls.as_ref()?;
    let flagged = if controls.flagged {
        " <span class=\"mark\">◇</span> Even this τ is too fine for so few samples."
    } else {
        ""
    };
    Some(Section {
        id: "controls",
        entry: "Controls",
        title: "Controls",
        body: format!(
            "<p class=\"lead\">The same analysis with one thing changed, on samples shared with the \
             result, at τ&nbsp;=&nbsp;{}.{flagged} What should destroy the finding must destroy it; what should \
             not matter must leave the layers' ranking as it is.</p>\n{}{}{}",
            number(controls.tau),
            verdicts(controls),
            if controls.controls.is_empty() {
                String::new()
            } else {
                chart("controls-chart")
            },
            layers(view, controls)
        ),
    })
}

fn verdicts(controls: &ControlsResult) -> String {
    let made = controls.controls.iter().map(verdict_row);
    let omitted = controls.omitted.iter().map(|omitted| {
        format!(
            "<tr><th scope=\"row\" class=\"text\">{}</th><td class=\"text\">not made</td><td></td>\
             <td class=\"text\" colspan=\"2\">{}</td></tr>",
            omitted.kind.name(),
            escape(&omitted.reason)
        )
    });
    let rows: String = made.chain(omitted).collect();
    scroll(
        "Controls and verdicts",
        &format!(
            "<table class=\"prose\"><caption>What was changed, and whether it came out as it must</caption>\
             <thead><tr><th scope=\"col\" class=\"text\">change</th><th scope=\"col\" class=\"text\">verdict</th>\
             <th scope=\"col\">samples</th><th scope=\"col\" class=\"text\">what must happen</th>\
             <th scope=\"col\" class=\"text\">what did</th></tr></thead><tbody>{rows}</tbody></table>"
        ),
    )
}

fn verdict_row(control: &ControlResult) -> String {
    let (verdict, expectation) = match control.verdict {
        Some(verdict) => (verdict.to_string(), control.expectation.as_str()),
        None => ("a stage on the way".to_owned(), ""),
    };
    format!(
        "<tr><th scope=\"row\" class=\"text\">{}</th><td class=\"text\">{verdict}</td><td>{}</td>\
         <td class=\"text\">{}</td><td class=\"text\">{}</td></tr>",
        escape(&control.change),
        count(control.n as f64),
        escape(expectation),
        escape(&control.evidence)
    )
}

/// I(C;Y) of every layer in every control, beside that of the run on the same samples.
fn layers(view: &RunView<'_>, controls: &ControlsResult) -> String {
    let Some(first) = controls.controls.first() else {
        return String::new();
    };
    if first.layers.iter().all(|row| row.mi_y.is_none()) {
        return String::new();
    }
    let heads: String = controls
        .controls
        .iter()
        .map(|control| {
            format!(
                "<th scope=\"col\" title=\"{}\">{}</th>",
                escape(&control.change),
                escape(&control.name)
            )
        })
        .collect();
    let rows: String = first
        .layers
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let shown = view
                .index(&row.layer)
                .map(|index| view.layers[index].shown.as_str());
            let changed = controls.controls.iter().map(|control| {
                let row = control.layers.get(index);
                cell(row.and_then(|row| row.changed_mi_y))
            });
            format!(
                "<tr><th scope=\"row\" class=\"text\"><bdi>{}</bdi></th>{}{}</tr>",
                escape(shown.unwrap_or(&row.layer)),
                cell(row.mi_y),
                changed.collect::<String>()
            )
        })
        .collect();
    scroll(
        "I(C;Y) of the controls by layer",
        &format!(
            "<table class=\"compact\"><caption>I(C;Y) of the conductances in bits, of the result and of each control; \
             <code>controls.csv</code> holds intervals and the other figures</caption><thead><tr>\
             <th scope=\"col\" class=\"text\">layer</th><th scope=\"col\">result</th>{heads}</tr></thead>\
             <tbody>{rows}</tbody></table>"
        ),
    )
}

fn cell(figure: Option<Interval>) -> String {
    match figure {
        Some(figure) => format!(
            "<td title=\"{} to {} (95 %)\">{}</td>",
            number(figure.ci[0]),
            number(figure.ci[1]),
            number(figure.value)
        ),
        None => "<td>–</td>".to_owned(),
    }
}
