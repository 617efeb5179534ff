//! The first screen: what was run, what the result says, and the warnings.

use crate::findings::{Findings, Sentence};
use crate::text::{escape, integer, number};
use crate::view::RunView;

/// The header's facts and the three answers.
pub(crate) fn html(view: &RunView<'_>) -> String {
    let findings = Findings::from_view(view);
    let answers = [
        ("Which layers matter most", &findings.importance),
        ("How sure that is", &findings.sureness),
        ("What to distrust", &findings.distrust),
    ]
    .map(|(title, sentences)| answer(title, sentences))
    .concat();
    let picture = if view.plane.rows.is_empty() {
        String::new()
    } else {
        format!(
            "<section class=\"glance\"><h2>{}</h2><div class=\"chart\" id=\"glance-chart\"></div></section>\n",
            if view.labelled() {
                "The network by transformation efficiency"
            } else {
                "The network by what its layers keep of the input"
            }
        )
    };
    format!(
        "{}{picture}<div class=\"answers\">{answers}</div>\n{}",
        facts(view),
        warnings(&view.plane.warnings)
    )
}

fn facts(view: &RunView<'_>) -> String {
    let plane = view.plane;
    let mut facts = vec![
        ("Network", escape(&view.manifest.model.name)),
        ("Data", escape(&view.manifest.data.name)),
        ("Samples", integer(plane.n as u64)),
        ("Layers", view.layers.len().to_string()),
        ("Attributed output", escape(&plane.target)),
        ("Noise τ", number(plane.resolution.tau)),
    ];
    if view.labelled() {
        let names = if plane.label.kind == "class" {
            "classes"
        } else {
            "groups"
        };
        facts.push((
            "Label",
            format!(
                "{} {names}, H(Y) = {} bits",
                plane.label.n_classes,
                number(plane.label.entropy)
            ),
        ));
    }
    if let Some(accuracy) = plane.accuracy {
        let share = if accuracy.labelled == 0 {
            String::new()
        } else {
            format!(
                " ({:.1}\u{a0}%)",
                100.0 * accuracy.correct as f64 / accuracy.labelled as f64
            )
        };
        facts.push((
            "Accuracy",
            format!(
                "{} of {}{share}",
                integer(accuracy.correct as u64),
                integer(accuracy.labelled as u64)
            ),
        ));
    }
    let items: String = facts
        .iter()
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd><bdi>{value}</bdi></dd></div>"))
        .collect();
    format!("<dl class=\"facts\">{items}</dl>\n")
}

pub(super) fn answer(title: &str, sentences: &[Sentence]) -> String {
    let items: String = sentences
        .iter()
        .map(|sentence| format!("<p>{}</p>", sentence.html()))
        .collect();
    format!("<section class=\"answer\"><h2>{title}</h2>{items}</section>\n")
}

fn warnings(warnings: &[String]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    let items: String = warnings
        .iter()
        .map(|warning| format!("<li><bdi>{}</bdi></li>", escape(warning)))
        .collect();
    format!(
        "<aside class=\"warnings\" role=\"note\" aria-labelledby=\"warnings-title\">\
         <h2 id=\"warnings-title\">Warnings</h2><ul>{items}</ul></aside>\n"
    )
}
