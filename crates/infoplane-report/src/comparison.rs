//! Several runs on one page: what differs between them, one plane for all, and every layer side by side.

use std::collections::BTreeSet;
use std::path::Path;

use infoplane_plane::{PlaneRow, RankCorrelation, VectorKind, spearman};
use infoplane_store::write_atomically;
use serde::Serialize;

use crate::data::script_safe;
use crate::findings::Sentence;
use crate::page::Page;
use crate::text::{interval, number, plural, visible};
use crate::view::{LayerView, RunView, is_trusted};
use crate::{ReportError, ReportInput, sections};

/// The page's own scripts, in order.
const SCRIPTS: &[&str] = &[
    include_str!("../page/base.js"),
    include_str!("../page/layer.js"),
    include_str!("../page/format.js"),
    include_str!("../page/theme.js"),
    include_str!("../page/points.js"),
    include_str!("../page/comparison.js"),
];

/// A run of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct ComparedRun<'a> {
    /// What to call it, for people.
    pub name: &'a str,
    /// Its results.
    pub input: ReportInput<'a>,
}

/// A run and the name it goes by.
pub(crate) struct NamedRun<'a> {
    pub(crate) name: String,
    pub(crate) view: RunView<'a>,
}

/// What the page's scripts know of a run.
#[derive(Serialize)]
struct RunData<'a> {
    name: &'a str,
    labelled: bool,
    layers: &'a [LayerView],
    rows: Vec<&'a PlaneRow>,
}

#[derive(Serialize)]
struct ComparisonData<'a> {
    format: u32,
    runs: Vec<RunData<'a>>,
}

/// Writes a page that compares runs, at least one, into `file`, whole or not at all. The same runs
/// give the same bytes.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_comparison(file: &Path, runs: &[ComparedRun<'_>]) -> Result<(), ReportError> {
    let runs: Vec<NamedRun<'_>> = runs
        .iter()
        .map(|run| NamedRun {
            name: visible(run.name).into_owned(),
            view: RunView::new(&run.input),
        })
        .collect();
    let data = ComparisonData {
        format: 1,
        runs: runs
            .iter()
            .map(|run| RunData {
                name: &run.name,
                labelled: run.view.labelled(),
                layers: &run.view.layers,
                rows: run.view.plane.own_rows().collect(),
            })
            .collect(),
    };
    let page = Page {
        title: format!("Comparison of {} runs", runs.len()),
        summary: sections::comparison::summary(&runs),
        sections: sections::comparison::sections(&runs),
        data: script_safe(&serde_json::to_string(&data)?),
        scripts: SCRIPTS,
    };
    write_atomically(file, page.html().as_bytes())?;
    Ok(())
}

/// What a run is made of, as the table of runs shows it.
pub(crate) fn facts(run: &NamedRun<'_>) -> Vec<(&'static str, String)> {
    let (manifest, plane) = (run.view.manifest, run.view.plane);
    let setting = |name: &str| in_words(&manifest.config[name]);
    vec![
        ("network", manifest.model.name.clone()),
        ("weights", manifest.model.sha256.chars().take(12).collect()),
        ("data", manifest.data.name.clone()),
        ("samples", plane.n.to_string()),
        (
            "fingerprint of the samples",
            manifest.data.fingerprint.chars().take(12).collect(),
        ),
        (
            "label",
            format!(
                "{}, {}",
                plane.label.kind,
                plural(plane.label.n_classes, "value")
            ),
        ),
        ("target", plane.target.clone()),
        ("baseline", setting("baseline")),
        ("quadrature", setting("quadrature")),
        ("seed", setting("seed")),
        ("noise τ", number(plane.resolution.tau)),
    ]
}

/// A setting of a run's manifest: its parts by name, or itself.
fn in_words(setting: &serde_json::Value) -> String {
    match setting {
        serde_json::Value::Null => "not stated".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|(name, part)| match name.as_str() {
                    "rule" => in_words(part),
                    _ => format!("{} {}", name.replace('_', " "), in_words(part)),
                })
                .collect();
            parts.join(", ")
        }
        other => other.to_string(),
    }
}

/// What the runs have in common and what they differ in, and what that means for reading them together.
pub(crate) fn differences(runs: &[NamedRun<'_>]) -> Vec<Sentence> {
    let all: Vec<_> = runs.iter().map(facts).collect();
    let Some(first) = all.first() else {
        return Vec::new();
    };
    let differs = |index: usize| all.iter().any(|facts| facts[index].1 != first[index].1);
    let (different, alike): (Vec<usize>, Vec<usize>) =
        (0..first.len()).partition(|&index| differs(index));
    let names = |indices: &[usize]| {
        let names: Vec<&str> = indices.iter().map(|&index| first[index].0).collect();
        names.join(", ")
    };
    let mut sentences = vec![Sentence::new().words(if different.is_empty() {
        "The runs differ in nothing that is stated here.".to_owned()
    } else {
        format!(
            "The runs differ in: {}; they agree in: {}.",
            names(&different),
            if alike.is_empty() {
                "nothing".to_owned()
            } else {
                names(&alike)
            }
        )
    })];
    let taus: BTreeSet<String> = runs
        .iter()
        .map(|run| number(run.view.plane.resolution.tau))
        .collect();
    if taus.len() > 1 {
        let taus: Vec<String> = taus.into_iter().collect();
        sentences.push(Sentence::new().words(format!(
            "Their figures do not compare: bits through channels of different noise (τ = {}) are \
             different quantities. `infoplane plane DIR --tau` gives all runs one τ.",
            taus.join(", ")
        )));
    }
    let labels: BTreeSet<(&str, usize)> = runs
        .iter()
        .map(|run| {
            let label = &run.view.plane.label;
            (label.kind.as_str(), label.n_classes)
        })
        .collect();
    if labels.len() > 1 {
        sentences.push(Sentence::new().words(
            "Their labels differ, so I(·;Y) and ITE are about different questions.".to_owned(),
        ));
    }
    let counts: BTreeSet<usize> = runs.iter().map(|run| run.view.plane.n).collect();
    if counts.len() > 1 {
        sentences.push(Sentence::new().words(
            "Their numbers of samples differ: I(X;·) is bounded by log₂ N, and intervals shrink with N."
                .to_owned(),
        ));
    }
    sentences
}

/// Each run's highest layer, and how alike each pair of runs with common layers ranks them.
pub(crate) fn agreement(runs: &[NamedRun<'_>]) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = runs.iter().map(highest).collect();
    for (index, one) in runs.iter().enumerate() {
        for other in &runs[index + 1..] {
            let Some(RankCorrelation { rho, ci, n }) = spearman(&pairs(one, other)) else {
                continue;
            };
            let ends = ci.map_or_else(String::new, |ci| format!(" {}", interval(ci)));
            let decided = match ci {
                Some([low, _]) if low > 0.0 => "the two rank layers alike",
                Some([_, high]) if high < 0.0 => "the two rank layers in opposite order",
                _ => "whether the two rank layers alike is undecided",
            };
            sentences.push(Sentence::new().words(format!(
                "{} and {}: {decided} by ITE, Spearman's ρ = {}{ends} over {n} layers of the same name.",
                one.name,
                other.name,
                number(rho)
            )));
        }
    }
    sentences
}

fn highest(run: &NamedRun<'_>) -> Sentence {
    let sentence = Sentence::new().words(format!("{}: ", run.name));
    match run.view.ranked().next() {
        Some(first) => sentence
            .words("highest ITE at ".to_owned())
            .layer(&first.layer)
            .words(format!(
                ", {} {}.",
                number(first.ite.value),
                interval(first.ite.ci)
            )),
        None => sentence.words("no layer can be ranked.".to_owned()),
    }
}

/// ITE of the trusted conductances of layers that both runs have, in the first run's order.
fn pairs(one: &NamedRun<'_>, other: &NamedRun<'_>) -> Vec<(f64, f64)> {
    one.view
        .layers
        .iter()
        .filter(|layer| !layer.output)
        .filter_map(|layer| Some((ite(one, &layer.name)?, ite(other, &layer.name)?)))
        .collect()
}

fn ite(run: &NamedRun<'_>, layer: &str) -> Option<f64> {
    let row = conductance(run, layer).filter(|row| is_trusted(row))?;
    Some(row.ite.ratio?.value)
}

/// A layer's conductance row.
pub(crate) fn conductance<'a>(run: &NamedRun<'a>, layer: &str) -> Option<&'a PlaneRow> {
    run.view
        .rows(VectorKind::Conductance)
        .find(|row| row.layer == layer)
}
