//! The page: one file that holds its data, its style, its fonts and its scripts.
//!
//! A content security policy forbids every request, and allows only the scripts whose hashes it
//! lists, so text that slipped through escaping could still neither load nor run anything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::assets;
use crate::data::embedded_json;
use crate::sections::{
    Section, ablation, charts, controls, label, methods, roles, samples, summary, table,
};
use crate::text::escape;
use crate::view::RunView;

/// Sets the theme before the first paint.
const EARLY_SCRIPT: &str = include_str!("../page/early.js");

/// The page's own scripts, in order; each section's is one file.
const PAGE_SCRIPTS: &[&str] = &[
    include_str!("../page/base.js"),
    include_str!("../page/layer.js"),
    include_str!("../page/core.js"),
    include_str!("../page/format.js"),
    include_str!("../page/theme.js"),
    include_str!("../page/points.js"),
    include_str!("../page/selection.js"),
    include_str!("../page/reading.js"),
    include_str!("../page/plane.js"),
    include_str!("../page/network-layout.js"),
    include_str!("../page/network.js"),
    include_str!("../page/layers.js"),
    include_str!("../page/resolution.js"),
    include_str!("../page/completeness.js"),
    include_str!("../page/steps.js"),
    include_str!("../page/profile.js"),
    include_str!("../page/changes.js"),
    include_str!("../page/roles.js"),
    include_str!("../page/checks.js"),
    include_str!("../page/heat.js"),
    include_str!("../page/stability.js"),
    include_str!("../page/classes.js"),
    include_str!("../page/channels.js"),
    include_str!("../page/ablation.js"),
    include_str!("../page/controls.js"),
    include_str!("../page/samples.js"),
    include_str!("../page/table.js"),
    include_str!("../page/start.js"),
];

/// What differs between pages.
pub(crate) struct Page {
    pub(crate) title: String,
    /// Markup below the title.
    pub(crate) summary: String,
    pub(crate) sections: Vec<Section>,
    /// The JSON that the scripts read, safe inside its element.
    pub(crate) data: String,
    /// The page's own scripts, in order.
    pub(crate) scripts: &'static [&'static str],
}

/// Writes the whole page of a run.
pub(crate) fn html(view: &RunView<'_>, title: Option<&str>) -> Result<String, serde_json::Error> {
    let title = title.map_or_else(
        || format!("Information plane of {}", view.manifest.model.name),
        str::to_owned,
    );
    let mut sections = charts::sections(view);
    sections.extend(roles::roles(view));
    sections.extend(roles::checks(view));
    sections.extend(label::stability(view));
    sections.extend(label::classes(view));
    sections.extend(label::channels(view));
    sections.extend(samples::section(view));
    sections.extend(ablation::section(view));
    sections.extend(controls::section(view));
    sections.push(table::section(view));
    sections.push(methods::section(view));
    let page = Page {
        title,
        summary: summary::html(view),
        sections,
        data: embedded_json(view)?,
        scripts: PAGE_SCRIPTS,
    };
    Ok(page.html())
}

impl Page {
    /// The page as one file.
    pub(crate) fn html(&self) -> String {
        let scripts = [
            EARLY_SCRIPT.to_owned(),
            assets::D3.to_owned(),
            assets::PLOT.to_owned(),
            format!(
                "(() => {{\n\"use strict\";\n{}}})();\n",
                self.scripts.concat()
            ),
        ];
        let hashes: Vec<String> = scripts
            .iter()
            .map(|script| {
                format!(
                    "'sha256-{}'",
                    BASE64.encode(Sha256::digest(script.as_bytes()))
                )
            })
            .collect();
        let policy = format!(
            "default-src 'none'; script-src {}; style-src 'unsafe-inline'; font-src data:; \
             img-src data:; base-uri 'none'; form-action 'none'",
            hashes.join(" ")
        );
        let [early, d3, plot, own] = &scripts;
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"generator\" content=\"infoplane {version}\">\n\
             <title>{title}</title>\n<style>\n{fonts}{style}</style>\n<script>{early}</script>\n</head>\n\
             <body>\n<a class=\"skip\" href=\"#summary\">Skip to the findings</a>\n\
             <header class=\"top\"><p class=\"brand\">infoplane</p>\
             <nav aria-label=\"Sections\"><ul>{navigation}</ul></nav>\
             <div id=\"theme\"></div></header>\n\
             <main>\n<section id=\"summary\" aria-labelledby=\"title\">\
             <h1 id=\"title\"><bdi>{title}</bdi></h1>\n{summary}</section>\n{body}</main>\n\
             <footer>{licences}</footer>\n\
             <script type=\"application/json\" id=\"infoplane-data\">{data}</script>\n\
             <script>{d3}</script>\n<script>{plot}</script>\n<script>{own}</script>\n\
             </body>\n</html>\n",
            version = escape(env!("CARGO_PKG_VERSION")),
            title = escape(&self.title),
            fonts = font_faces(),
            style = concat!(
                include_str!("../page/report.css"),
                include_str!("../page/views.css")
            ),
            navigation = self
                .sections
                .iter()
                .map(navigation_entry)
                .collect::<String>(),
            summary = self.summary,
            body = self.sections.iter().map(section_html).collect::<String>(),
            licences = licences(),
            data = self.data,
        )
    }
}

fn navigation_entry(section: &Section) -> String {
    format!("<li><a href=\"#{}\">{}</a></li>", section.id, section.entry)
}

fn section_html(section: &Section) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{}</h2>\n{}</section>\n",
        section.title,
        section.body,
        id = section.id
    )
}

fn font_faces() -> String {
    [(assets::INTER_REGULAR, 400), (assets::INTER_SEMIBOLD, 600)]
        .iter()
        .map(|(bytes, weight)| {
            format!(
                "@font-face{{font-family:\"Inter\";font-weight:{weight};font-style:normal;\
                 src:url(data:font/ttf;base64,{}) format(\"truetype\")}}\n",
                BASE64.encode(bytes)
            )
        })
        .collect()
}

fn licences() -> String {
    let blocks: String = [
        ("D3 (ISC)", assets::D3_LICENCE),
        ("Observable Plot (ISC)", assets::PLOT_LICENCE),
        ("Inter (SIL Open Font License 1.1)", assets::INTER_LICENCE),
    ]
    .iter()
    .map(|(name, text)| {
        let lines: Vec<String> = text.lines().map(escape).collect();
        format!("<h3>{name}</h3><pre>{}</pre>", lines.join("\n"))
    })
    .collect();
    format!(
        "<p>Written by infoplane {}. This page is one file: it makes no network request.</p>\
         <details><summary>Licences of what it embeds</summary>{blocks}</details>",
        escape(env!("CARGO_PKG_VERSION"))
    )
}
