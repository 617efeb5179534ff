//! The table of every figure. Its rows are static HTML, so it prints and works without scripts;
//! the page's script adds sorting and copying.

use infoplane_plane::{Figure, Interval, PlaneRow, VectorKind};

use super::Section;
use crate::text::{escape, interval, number};
use crate::view::RunView;

const COLUMNS: [(&str, &str, bool); 16] = [
    ("#", "Position in the network", false),
    ("Layer", "Layer", true),
    ("Vector", "Which of the layer's vectors", true),
    ("Estimator", "Estimator", true),
    ("Label", "What Y is", true),
    ("Place", "Cut layer or branch", true),
    ("Width", "Length of the vector", false),
    ("Kept", "Principal components kept", false),
    ("I(X;C)", "Bits, with 95 % interval", false),
    ("bracket", "Bracket of I(X;C), bits", false),
    ("I(C;Y)", "Bits, with 95 % interval", false),
    ("bracket", "Bracket of I(C;Y), bits", false),
    (
        "null p",
        "Share of label permutations at or above I(C;Y)",
        false,
    ),
    ("ITE", "I(C;Y) / I(X;C), with 95 % interval", false),
    ("normalized", "[I(C;Y)/H(Y)] / [I(X;C)/log₂ N]", false),
    (
        "incremental",
        "ΔI(C;Y) / |ΔI(X;C)| from the previous cut layer",
        false,
    ),
];

/// The columns that are left out where all rows say the same.
const ESTIMATOR: usize = 3;
const LABEL: usize = 4;

pub(crate) fn section(view: &RunView<'_>) -> Section {
    let rows = &view.plane.rows;
    let estimators = rows.iter().any(|row| row.estimator != view.estimator);
    let labels = rows.iter().any(|row| row.label != rows[0].label);
    let shown = |column: &usize| match *column {
        ESTIMATOR => estimators,
        LABEL => labels,
        _ => true,
    };
    let estimator = if estimators {
        String::new()
    } else {
        format!("Estimator <code>{}</code>. ", escape(view.estimator))
    };
    let head: String = COLUMNS
        .iter()
        .enumerate()
        .filter(|(column, _)| shown(column))
        .map(|(_, column)| column)
        .map(|(name, title, text)| {
            format!(
                "<th scope=\"col\"{} title=\"{}\"><span>{}</span></th>",
                if *text { " class=\"text\"" } else { "" },
                escape(title),
                escape(name)
            )
        })
        .collect();
    let rows: String = rows.iter().map(|row| html(view, row, shown)).collect();
    Section {
        id: "table",
        entry: "Table",
        title: "Every figure",
        body: format!(
            "<p class=\"lead\">{estimator}Information in bits. Choose a column's name to sort by it. \
             <span class=\"mark\">▲</span> marks a saturated figure, <span class=\"mark\">◇</span> \
             one whose bracket is too wide; an undefined figure is shown as “–”.</p>\n\
             <div class=\"tools\" id=\"table-tools\"></div>\n\
             <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Every figure\">\
             <table id=\"figures-table\"><caption class=\"hidden\">Every figure of every layer</caption>\
             <thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>\n"
        ),
    }
}

fn html(view: &RunView<'_>, row: &PlaneRow, shown: impl Fn(&usize) -> bool) -> String {
    let ordinal = view.index(&row.layer).map_or(0, |index| index + 1);
    let kind = match row.kind {
        VectorKind::Conductance => "conductance",
        VectorKind::Activation => "activation",
    };
    let cells = [
        numeric(ordinal as f64, &ordinal.to_string()),
        format!(
            "<th scope=\"row\" class=\"text\"><bdi class=\"layer\">{}</bdi></th>",
            escape(&row.layer)
        ),
        format!("<td class=\"text\">{kind}</td>"),
        format!("<td class=\"text\">{}</td>", escape(&row.estimator)),
        format!("<td class=\"text\">{}</td>", escape(&row.label)),
        format!(
            "<td class=\"text\">{}</td>",
            if row.cut { "cut" } else { "branch" }
        ),
        numeric(row.width as f64, &row.width.to_string()),
        numeric(row.dimensions as f64, &row.dimensions.to_string()),
        row.mi_x.as_ref().map_or_else(undefined, figure),
        row.mi_x.as_ref().map_or_else(undefined, bracket),
        row.mi_y.as_ref().map_or_else(undefined, figure),
        row.mi_y.as_ref().map_or_else(undefined, bracket),
        row.mi_y
            .as_ref()
            .and_then(|figure| figure.null)
            .map_or_else(undefined, |null| {
                numeric(null.p_value, &number(null.p_value))
            }),
        ratio(row.ite.ratio),
        ratio(row.ite.normalized),
        ratio(row.ite.incremental),
    ];
    let cells: String = cells
        .into_iter()
        .enumerate()
        .filter(|(column, _)| shown(column))
        .map(|(_, cell)| cell)
        .collect();
    format!("<tr data-ordinal=\"{ordinal}\">{cells}</tr>\n")
}

fn numeric(value: f64, text: &str) -> String {
    format!("<td data-value=\"{value}\">{text}</td>")
}

fn undefined() -> String {
    "<td>–</td>".to_owned()
}

fn figure(figure: &Figure) -> String {
    let saturated = if figure.saturated {
        " <abbr class=\"mark\" title=\"saturated\">▲</abbr>"
    } else {
        ""
    };
    let flagged = if figure.flagged {
        " <abbr class=\"mark\" title=\"bracket too wide\">◇</abbr>"
    } else {
        ""
    };
    format!(
        "<td data-value=\"{}\">{}&nbsp;<span class=\"interval\">{}</span>{saturated}{flagged}</td>",
        figure.value,
        number(figure.value),
        interval(figure.ci)
    )
}

fn bracket(figure: &Figure) -> String {
    let width = figure.bracket[1] - figure.bracket[0];
    format!(
        "<td data-value=\"{width}\"><span class=\"interval\">{}</span></td>",
        interval(figure.bracket)
    )
}

fn ratio(value: Option<Interval>) -> String {
    value.map_or_else(undefined, |ite| {
        format!(
            "<td data-value=\"{}\">{}&nbsp;<span class=\"interval\">{}</span></td>",
            ite.value,
            number(ite.value),
            interval(ite.ci)
        )
    })
}
