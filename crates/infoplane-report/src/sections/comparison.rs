//! The page that compares runs: sentences, the table of runs, charts, and every layer side by side.

use super::charts::chart;
use super::summary::answer;
use super::{Section, scroll};
use crate::comparison::{NamedRun, agreement, conductance, differences, facts};
use crate::text::{escape, interval, number};
use crate::view::overlap;

/// The first screen.
pub(crate) fn summary(runs: &[NamedRun<'_>]) -> String {
    format!(
        "<div class=\"answers\">{}{}</div>\n",
        answer("What is compared", &differences(runs)),
        answer("What comes out", &agreement(runs))
    )
}

/// The sections, in page order.
pub(crate) fn sections(runs: &[NamedRun<'_>]) -> Vec<Section> {
    vec![
        Section {
            id: "plane",
            entry: "Plane",
            title: "Information planes",
            body: format!(
                "<p class=\"lead\">Each run is a path from input to output, with its own colour and mark. Bars are \
                 95&nbsp;% intervals; hollow marks are saturated or flagged. A click selects the layers of one name \
                 in all runs.</p>\n{}",
                chart("comparison-plane")
            ),
        },
        Section {
            id: "depth",
            entry: "Depth",
            title: "Along the depth",
            body: format!(
                "<p class=\"lead\">The same figures by a layer's place among the analysed ones, so that networks of \
                 different depth can be laid over each other.</p>\n{}",
                chart("comparison-depth")
            ),
        },
        Section {
            id: "runs",
            entry: "Runs",
            title: "The runs",
            body: runs_table(runs),
        },
        Section {
            id: "table",
            entry: "Layers",
            title: "ITE by layer and run",
            body: layers_table(runs),
        },
    ]
}

fn head(runs: &[NamedRun<'_>], first: &str) -> String {
    let names: String = runs
        .iter()
        .map(|run| format!("<th scope=\"col\"><bdi>{}</bdi></th>", escape(&run.name)))
        .collect();
    format!("<thead><tr><th scope=\"col\" class=\"text\">{first}</th>{names}</tr></thead>")
}

fn runs_table(runs: &[NamedRun<'_>]) -> String {
    let of_runs: Vec<_> = runs.iter().map(facts).collect();
    let count = of_runs.first().map_or(0, Vec::len);
    let rows: String = (0..count)
        .map(|index| {
            let first = &of_runs[0][index];
            let cells: String = of_runs
                .iter()
                .map(|facts| {
                    let value = escape(&facts[index].1);
                    let shown = if facts[index].1 == first.1 {
                        value
                    } else {
                        format!("<strong>{value}</strong>")
                    };
                    format!("<td class=\"text\"><bdi>{shown}</bdi></td>")
                })
                .collect();
            format!(
                "<tr><th scope=\"row\" class=\"text\">{}</th>{cells}</tr>",
                first.0
            )
        })
        .collect();
    let note = "<p class=\"note\">What differs from the first run is set in bold.</p>\n";
    let table = format!(
        "<table><caption>What each run is made of</caption>{}<tbody>{rows}</tbody></table>",
        head(runs, "")
    );
    format!("{note}{}", scroll("The runs", &table))
}

/// Layers in the order of the first run that has them.
fn layer_names<'a>(runs: &'a [NamedRun<'_>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for layer in runs.iter().flat_map(|run| &run.view.layers) {
        if !names.contains(&layer.name.as_str()) {
            names.push(&layer.name);
        }
    }
    names
}

fn layers_table(runs: &[NamedRun<'_>]) -> String {
    let rows: String = layer_names(runs)
        .into_iter()
        .map(|name| {
            let ratios: Vec<_> = runs
                .iter()
                .map(|run| conductance(run, name).and_then(|row| row.ite.ratio))
                .collect();
            let first = ratios.first().copied().flatten();
            let cells: String = ratios
                .iter()
                .map(|ratio| match ratio {
                    Some(ratio) => {
                        let apart = first.is_some_and(|first| !overlap(first.ci, ratio.ci));
                        let mark = if apart {
                            " <span class=\"mark\" title=\"apart from the first run\">≠</span>"
                        } else {
                            ""
                        };
                        format!("<td>{} {}{mark}</td>", number(ratio.value), interval(ratio.ci))
                    }
                    None => "<td>–</td>".to_owned(),
                })
                .collect();
            let name = escape(name);
            format!(
                "<tr data-name=\"{name}\"><th scope=\"row\" class=\"text\"><bdi class=\"layer\">{name}</bdi></th>{cells}</tr>"
            )
        })
        .collect();
    let table = format!(
        "<table><caption>ITE of the conductances with 95&nbsp;% intervals</caption>{}<tbody>{rows}</tbody></table>",
        head(runs, "layer")
    );
    format!(
        "<p class=\"note\"><span class=\"mark\">≠</span> marks intervals that lie apart from the first run's. Layers \
         are matched by name.</p>\n{}",
        scroll("ITE by layer and run", &table)
    )
}
