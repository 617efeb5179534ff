//! The estimators beside the plane's own: formula and parameters of each.

use infoplane_plane::{OTHER_PERMUTATIONS, OTHER_SUBSAMPLES, estimator_parameters};

use super::plain;
use crate::text::escape;
use crate::view::RunView;

/// What each family takes for I(C;Y) (and, after a semicolon, for I(X;C)), and where that comes from.
const FORMULAS: [(&str, &str); 10] = [
    (
        "kde",
        "the channel’s mixtures by pairwise bounds, −⟨log₂ ⟨exp(−|z_i − z_j|²/8σ²)⟩⟩ from below and with 2σ² from \
         above; the value is their middle (Kolchinsky and Tracey 2017, Entropy 19:361)",
    ),
    (
        "ross",
        "ψ(N) + ⟨ψ(k_i)⟩ − ⟨ψ(N_y)⟩ − ⟨ψ(m_i)⟩ by nearest neighbours within the class; I(X;C) is infinite \
         (Ross 2014, PLoS ONE 9:e87357)",
    ),
    (
        "gao",
        "log N + ⟨ψ(k̃_i) − ψ(n_x + 1) − ψ(n_y + 1)⟩ by nearest neighbours with atoms; I(X;C) is infinite \
         (Gao et al. 2017, arXiv 1709.06212)",
    ),
    (
        "renyi",
        "S_α(A) + S_α(B) − S_α(A ∘ B) with S_α = 1/(1 − α) log₂ Σ λ^α over the eigenvalues of kernel matrices; \
         I(X;C) is S_α(A) (Sánchez Giraldo et al. 2015, IEEE Trans. Inf. Theory 61:535)",
    ),
    (
        "binned",
        "H(A) + H(Y) − H(A, Y) of the cells A that the vectors fall into, by counts with a correction; I(X;C) is \
         H(A) (Shwartz-Ziv and Tishby 2017, arXiv 1703.00810)",
    ),
    (
        "gaussian",
        "⟨log₂ p(y|c)/p(y)⟩ under Gaussian classes of one covariance; the linear reference; I(X;C) has no closed \
         form",
    ),
    (
        "sliced",
        "the mean of ross over random projections, a dependence of its own (Goldfeld and Greenewald 2021, \
         arXiv 2110.05279)",
    ),
    (
        "infonce",
        "⟨log B − log Σ_j exp(f(x_i, y_j) − f(x_i, y_i))⟩ with a critic judged on samples it never met; a lower \
         bound (van den Oord et al. 2018, arXiv 1807.03748)",
    ),
    (
        "probe",
        "H(Y) less the held-out cross-entropy of a small classifier; a lower bound (Barber and Agakov 2003)",
    ),
    (
        "latent",
        "ross on the codes of encoders fitted to other samples (Gowri et al. 2024, arXiv 2409.02732)",
    ),
];

pub(super) fn html(view: &RunView<'_>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for row in &view.plane.rows {
        if row.estimator != view.estimator && !names.contains(&row.estimator.as_str()) {
            names.push(&row.estimator);
        }
    }
    if names.is_empty() {
        return String::new();
    }
    let items: String = names.iter().map(|name| entry(name)).collect();
    format!(
        "<h3>Other estimators</h3>\n<p>Rows of their own in the table, and rankings of their own. Intervals are \
         95&nbsp;%, from {OTHER_SUBSAMPLES} random halves, and nulls from {OTHER_PERMUTATIONS} permutations.</p>\n\
         <dl class=\"methods\">{items}</dl>\n"
    )
}

fn entry(name: &str) -> String {
    let family = name.split(':').next().unwrap_or(name);
    let formula = FORMULAS.iter().find(|(known, _)| *known == family);
    let parameters: Vec<String> = estimator_parameters(name)
        .into_iter()
        .flatten()
        .filter(|(parameter, value)| parameter != "threads" && !value.is_null())
        .map(|(parameter, value)| {
            format!(
                "{} <code>{}</code>",
                escape(&parameter),
                escape(&plain(&value))
            )
        })
        .collect();
    format!(
        "<div><dt><code>{}</code></dt><dd>{}{}</dd></div>\n",
        escape(name),
        formula.map_or_else(String::new, |(_, formula)| escape(formula)),
        if parameters.is_empty() {
            String::new()
        } else {
            format!(". Parameters: {}", parameters.join(", "))
        }
    )
}
