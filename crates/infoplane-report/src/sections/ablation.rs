//! The ablation: what the channels of highest conductance are worth, beside the plane's ranking.

use infoplane_plane::{AblationEvidence, Interval, LayerEvidence};

use super::Section;
use super::charts::chart;
use crate::text::{count, escape, interval, number, with_names};
use crate::view::RunView;

/// The section, where the run has an ablation.
pub(crate) fn section(view: &RunView<'_>) -> Option<Section> {
    let ablation = view.plane.ablation.as_ref()?;
    let rows: String = ablation
        .layers
        .iter()
        .map(|layer| row(view, layer))
        .collect();
    let omitted: String = ablation
        .omitted
        .iter()
        .map(|omitted| {
            format!(
                "<p class=\"note\">Not ablated: <bdi class=\"layer\">{}</bdi> ({}).</p>\n",
                escape(&omitted.layer),
                escape(&omitted.reason)
            )
        })
        .collect();
    let curves = view
        .ablation
        .map_or_else(String::new, |_| chart("ablation-chart"));
    Some(Section {
        id: "ablation",
        entry: "Ablation",
        title: "Ablation",
        body: format!(
            "<p class=\"lead\">{} {}</p>\n{curves}\
             <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Effect of ablation by layer\">\
             <table class=\"compact\"><caption>Effect: area over the deletion curve of the cross-entropy, in {} a \
             sample, of the channels of highest mean |conductance| less that of as many random ones; \
             <code>ablation.csv</code> holds the curves</caption><thead><tr>\
             <th scope=\"col\" class=\"text\">layer</th><th scope=\"col\">effect</th>\
             <th scope=\"col\">ITE</th><th scope=\"col\" class=\"text\">critical by</th></tr></thead>\
             <tbody>{rows}</tbody></table></div>\n{omitted}",
            with_names(&ablation.sentence),
            how(ablation),
            escape(&ablation.unit)
        ),
    })
}

fn how(ablation: &AblationEvidence) -> String {
    let replaced = match ablation.replace.as_str() {
        "mean" => "their mean over the samples at each position",
        _ => "zeros",
    };
    format!(
        "{} samples were ablated: channels were replaced by {replaced}, and the network ran on from there; {} \
         random draws are the control.",
        count(ablation.n as f64),
        count(ablation.draws as f64)
    )
}

fn row(view: &RunView<'_>, layer: &LayerEvidence) -> String {
    let shown = view
        .index(&layer.layer)
        .map(|index| view.layers[index].shown.as_str());
    let verdict = layer
        .verdict
        .map_or("not ranked", |verdict| verdict.words());
    format!(
        "<tr><th scope=\"row\" class=\"text\"><bdi>{}</bdi></th><td>{}</td><td>{}</td>\
         <td class=\"text\">{verdict}</td></tr>",
        escape(shown.unwrap_or(&layer.layer)),
        cell(Some(layer.effect)),
        cell(layer.ite)
    )
}

fn cell(figure: Option<Interval>) -> String {
    figure.map_or_else(
        || "–".to_owned(),
        |figure| {
            format!(
                "{} <span class=\"interval\">{}</span>",
                number(figure.value),
                interval(figure.ci)
            )
        },
    )
}
