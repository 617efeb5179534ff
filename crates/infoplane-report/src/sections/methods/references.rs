//! The works whose definitions are used.

use crate::text::escape;
use crate::view::RunView;

/// A work, its address, and whether a result uses it.
type Work = (&'static str, &'static str, fn(&RunView<'_>) -> bool);

const WORKS: [Work; 10] = [
    (
        "Baazzouz, J. and Dabounou, J. (2024). Enhancing Neural Network Interpretability Through \
         Conductance-Based Information Plane Analysis. arXiv 2408.14681.",
        "https://arxiv.org/abs/2408.14681",
        always,
    ),
    (
        "Dhamdhere, K., Sundararajan, M. and Yan, Q. (2018). How Important Is a Neuron? \
         arXiv 1805.12233.",
        "https://arxiv.org/abs/1805.12233",
        always,
    ),
    (
        "Shrikumar, A., Su, J. and Kundaje, A. (2018). Computationally Efficient Measures of \
         Internal Neuron Importance. arXiv 1807.09946.",
        "https://arxiv.org/abs/1807.09946",
        always,
    ),
    (
        "Goldfeld, Z. et al. (2019). Estimating Information Flow in Deep Neural Networks. \
         arXiv 1810.05728.",
        "https://arxiv.org/abs/1810.05728",
        always,
    ),
    (
        "Geiger, B. C. (2020). On Information Plane Analyses of Neural Network Classifiers: \
         A Review. arXiv 2003.09671.",
        "https://arxiv.org/abs/2003.09671",
        always,
    ),
    (
        "Tishby, N. and Zaslavsky, N. (2015). Deep Learning and the Information Bottleneck Principle. \
         arXiv 1503.02406.",
        "https://arxiv.org/abs/1503.02406",
        |view| !view.plane.checks.is_empty(),
    ),
    (
        "Shwartz-Ziv, R. and Tishby, N. (2017). Opening the Black Box of Deep Neural Networks via \
         Information. arXiv 1703.00810.",
        "https://arxiv.org/abs/1703.00810",
        |view| !view.plane.checks.is_empty(),
    ),
    (
        "Fleuret, F. (2004). Fast Binary Feature Selection with Conditional Mutual Information. \
         Journal of Machine Learning Research 5:1531.",
        "https://www.jmlr.org/papers/v5/fleuret04a.html",
        |view| !view.plane.channels.is_empty(),
    ),
    (
        "Adebayo, J. et al. (2018). Sanity Checks for Saliency Maps. arXiv 1810.03292.",
        "https://arxiv.org/abs/1810.03292",
        |view| view.plane.controls.is_some(),
    ),
    (
        "Kolchinsky, A. and Tracey, B. D. (2017). Estimating Mixture Entropy with Pairwise Distances. \
         arXiv 1706.02419.",
        "https://arxiv.org/abs/1706.02419",
        |view| {
            view.plane
                .rows
                .iter()
                .any(|row| row.estimator.starts_with("kde"))
        },
    ),
];

fn always(_: &RunView<'_>) -> bool {
    true
}

pub(super) fn html(view: &RunView<'_>) -> String {
    let items: String = WORKS
        .iter()
        .filter(|(_, _, used)| used(view))
        .map(|(work, address, _)| {
            format!(
                "<li>{} <a href=\"{address}\" rel=\"noreferrer\">{}</a></li>",
                escape(work),
                address.trim_start_matches("https://")
            )
        })
        .collect();
    format!("<h3>References</h3>\n<ul class=\"references\">{items}</ul>\n")
}
