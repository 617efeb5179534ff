//! The page of a series: what was followed, the planes with their slider, and the phases.

use infoplane_plane::{Phase, PhaseVerdict, SeriesPath, SeriesResult, VectorKind};

use super::charts::chart;
use super::{Section, scroll};
use crate::series::order_words;
use crate::text::{escape, integer, interval, number};

/// The first screen: facts, and how many layers have which phase.
pub(crate) fn summary(result: &SeriesResult) -> String {
    let facts: String = [
        (
            "Checkpoints",
            format!(
                "{}, {}",
                result.checkpoints.len(),
                order_words(result.order)
            ),
        ),
        ("Samples", integer(result.n as u64)),
        ("Attributed output", escape(&result.target)),
        ("Noise τ", number(result.tau)),
    ]
    .iter()
    .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>"))
    .collect();
    let own = result
        .paths
        .first()
        .map(|path| (&path.estimator, &path.label));
    let counted: String = [VectorKind::Conductance, VectorKind::Activation]
        .iter()
        .map(|&kind| {
            let paths: Vec<&SeriesPath> = result
                .paths
                .iter()
                .filter(|path| path.kind == kind && Some((&path.estimator, &path.label)) == own)
                .collect();
            let fitting = verdicts(paths.iter().filter_map(|path| path.fitting.as_ref()));
            let compression = verdicts(paths.iter().filter_map(|path| path.compression.as_ref()));
            format!(
                "<p>By {kind}s of {} layers: fitting, a rise of I(·;Y), {fitting}; compression, a fall of I(X;·), \
                 {compression}.</p>",
                paths.len()
            )
        })
        .collect();
    format!(
        "<dl class=\"facts\">{facts}</dl>\n<div class=\"answers\"><section class=\"answer\"><h2>Phases</h2>{counted}\
         <p>A verdict is for its layer alone: among twenty layers without a phase, one is expected to seem to have \
         one.</p></section><section class=\"answer\"><h2>The noise</h2><p>{}{}</p></section></div>\n",
        escape(&result.reason),
        if result.flagged {
            " Even this τ leaves brackets that are too wide."
        } else {
            ""
        }
    )
}

fn verdicts<'a>(phases: impl Iterator<Item = &'a Phase>) -> String {
    let mut counts = [0_usize; 3];
    for phase in phases {
        counts[match phase.verdict {
            PhaseVerdict::Holds => 0,
            PhaseVerdict::None => 1,
            PhaseVerdict::Undecided => 2,
        }] += 1;
    }
    let [holds, none, undecided] = counts;
    format!("holds in {holds}, is absent in {none}, undecided in {undecided}")
}

/// The sections, in page order.
pub(crate) fn sections(result: &SeriesResult) -> Vec<Section> {
    vec![
        Section {
            id: "plane",
            entry: "Plane",
            title: "The plane during training",
            body: format!(
                "<p class=\"lead\">Each path is a layer from the first checkpoint to the last, coloured by its place in \
                 the network; the points are where the layers are at the chosen checkpoint. Hollow points are saturated \
                 or flagged.</p>\n<div class=\"reading\" id=\"series-time\"></div>\n{}",
                chart("series-plane")
            ),
        },
        Section {
            id: "phases",
            entry: "Phases",
            title: "Fitting and compression",
            body: phases(result),
        },
    ]
}

fn phases(result: &SeriesResult) -> String {
    let rows: String = result
        .paths
        .iter()
        .map(|path| {
            let name = escape(&path.layer);
            format!(
                "<tr data-name=\"{name}\"><th scope=\"row\" class=\"text\"><bdi class=\"layer\">{name}</bdi></th>\
                 <td class=\"text\">{}</td><td class=\"text\">{}</td><td class=\"text\">{}</td>{}{}</tr>",
                path.kind,
                escape(&path.estimator),
                escape(&path.label),
                cells(result, path.fitting.as_ref()),
                cells(result, path.compression.as_ref())
            )
        })
        .collect();
    let phase_head = |name: &str| {
        format!(
            "<th scope=\"col\" class=\"text\">{name}</th><th scope=\"col\">bits</th>\
             <th scope=\"col\" class=\"text\">from, to</th>"
        )
    };
    let table = format!(
        "<table><caption>The largest rise of I(·;Y) from the first checkpoint, and the largest fall of I(X;·) to the last, \
         with 95&nbsp;% intervals that allow for its being the largest</caption><thead><tr>\
         <th scope=\"col\" class=\"text\">layer</th><th scope=\"col\" class=\"text\">vectors</th>\
         <th scope=\"col\" class=\"text\">estimator</th><th scope=\"col\" class=\"text\">label</th>{}{}</tr></thead>\
         <tbody>{rows}</tbody></table>",
        phase_head("fitting"),
        phase_head("compression")
    );
    scroll("Fitting and compression by layer", &table)
}

fn cells(result: &SeriesResult, phase: Option<&Phase>) -> String {
    let Some(phase) = phase else {
        return "<td class=\"text\">–</td><td>–</td><td class=\"text\">–</td>".to_owned();
    };
    let name = |index: usize| {
        let checkpoint = result.checkpoints.get(index);
        checkpoint.map_or_else(String::new, |checkpoint| escape(&checkpoint.name))
    };
    format!(
        "<td class=\"text\">{}</td><td>{} {}</td><td class=\"text\"><bdi>{}</bdi>, <bdi>{}</bdi></td>",
        phase.verdict,
        number(phase.change.value),
        interval(phase.change.ci),
        name(phase.from),
        name(phase.to)
    )
}
