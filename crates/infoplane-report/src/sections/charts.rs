//! The sections whose charts the page's scripts draw.

use super::Section;
use crate::text::{count, escape, number, percent};
use crate::view::RunView;

/// The chart sections, in page order.
pub(crate) fn sections(view: &RunView<'_>) -> Vec<Section> {
    let mut sections = vec![plane(view), network(view), layers(view), resolution(view)];
    if !view.plane.completeness.is_empty() {
        sections.push(completeness(view));
    }
    sections
}

/// A container that a script fills, with what is said where scripts do not run.
pub(super) fn chart(id: &str) -> String {
    format!(
        "<div class=\"chart\" id=\"{id}\"><noscript>This chart needs JavaScript; the table below \
         and the folder <code>figures</code> hold the same values.</noscript></div>\n"
    )
}

fn plane(view: &RunView<'_>) -> Section {
    let intro = if view.labelled() {
        "<p class=\"lead\">Each point is a layer: how much of the input its vector keeps \
         (horizontal) and how much it tells about the label (vertical), both through the same noisy \
         channel. The line follows the network from input to output. Bars are 95&nbsp;% intervals; \
         thin rays join points of equal ITE. Hollow points are saturated or flagged; diamonds lie \
         on a branch.</p>\n"
    } else {
        "<p class=\"lead\">The samples have no labels, so there is no I(C;Y) and no plane; the \
         chart shows how much of the input each layer's vector keeps.</p>\n"
    };
    Section {
        id: "plane",
        entry: "Plane",
        title: "Information plane",
        body: format!(
            "{intro}<div id=\"reading\" class=\"reading\" role=\"group\" \
             aria-label=\"Figures shown in the charts\"></div>\n{}",
            chart("plane-chart")
        ),
    }
}

fn network(view: &RunView<'_>) -> Section {
    let joined = if view.network.known {
        "Lines and arcs are the paths of the network's graph that meet no other analysed layer; an arc is \
         a skip connection."
    } else {
        "The run does not say how its layers hang together, so they are drawn as a chain, which they may \
         not be."
    };
    Section {
        id: "network",
        entry: "Network",
        title: "The network",
        body: format!(
            "<p class=\"lead\">The analysed layers from input to output. The higher a block is filled and \
             the stronger its colour, the larger the figure. {joined}</p>\n{}",
            chart("network-chart")
        ),
    }
}

fn layers(view: &RunView<'_>) -> Section {
    let intro = if view.labelled() {
        "<p class=\"lead\">Information Transformation Efficiency, ITE&nbsp;=&nbsp;I(C;Y)&nbsp;/&nbsp;I(X;C): \
         of the information a layer carries, the share that is about the label. Layers run from \
         input to output; where two intervals overlap, their order is undecided.</p>\n"
    } else {
        "<p class=\"lead\">Layers run from input to output. Without labels ITE is undefined.</p>\n"
    };
    Section {
        id: "layers",
        entry: "Layers",
        title: if view.labelled() {
            "Transformation efficiency by layer"
        } else {
            "Information by layer"
        },
        body: format!("{intro}{}", chart("layers-chart")),
    }
}

fn resolution(view: &RunView<'_>) -> Section {
    let resolution = &view.plane.resolution;
    let rows: String = resolution
        .sweep
        .iter()
        .map(|step| {
            let chosen = step.tau == resolution.tau;
            let verdict = if chosen && resolution.flagged {
                "chosen, flagged"
            } else if chosen {
                "chosen"
            } else if step.widest_bracket > resolution.bracket_limit {
                "refused"
            } else {
                "valid"
            };
            format!(
                "<tr{}><th scope=\"row\">{}</th><td>{}</td><td class=\"text\"><bdi>{}</bdi></td>\
                 <td class=\"text\">{verdict}</td></tr>",
                if chosen { " class=\"chosen\"" } else { "" },
                number(step.tau),
                number(step.widest_bracket),
                escape(&step.widest_at)
            )
        })
        .collect();
    Section {
        id: "resolution",
        entry: "Resolution",
        title: "Resolution: what the noise τ changes",
        body: format!(
            "<p class=\"lead\">The same vectors through channels of different noise, relative to \
             the layer's whole standard deviation. {} A layer that stands out at every valid τ \
             stands out whatever the resolution.</p>\n{}\
             <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Noise levels tried\">\
             <table class=\"compact\"><caption>Noise levels tried; a bracket wider than {} bits \
             refuses one</caption><thead><tr><th scope=\"col\">τ</th>\
             <th scope=\"col\">widest bracket (bits)</th><th scope=\"col\" class=\"text\">where</th>\
             <th scope=\"col\" class=\"text\">verdict</th></tr></thead><tbody>{rows}</tbody></table></div>\n",
            escape(&resolution.reason),
            chart("resolution-chart"),
            number(resolution.bracket_limit)
        ),
    }
}

fn completeness(view: &RunView<'_>) -> Section {
    let steps = &view.plane.steps;
    let worst = view
        .worst_completeness()
        .map(|row| {
            format!(
                " The largest 95th percentile is {} at <bdi class=\"layer\">{}</bdi>.",
                percent(row.relative.p95),
                escape(&row.layer)
            )
        })
        .unwrap_or_default();
    Section {
        id: "completeness",
        entry: "Completeness",
        title: "Completeness and steps",
        body: format!(
            "<p class=\"lead\">At a cut layer conductance must sum to the whole output difference, \
             Σ&nbsp;C&nbsp;=&nbsp;F(x)&nbsp;−&nbsp;F(x′). The relative error over the samples says \
             how well the path integral converged.{worst} Samples took {} path steps at the \
             median, {} at the 95th percentile, {} to {} in all.</p>\n{}{}",
            count(steps.median),
            count(steps.p95),
            count(steps.min),
            count(steps.max),
            chart("completeness-chart"),
            if view.plane.step_counts.len() > 1 {
                chart("steps-chart")
            } else {
                String::new()
            }
        ),
    }
}
