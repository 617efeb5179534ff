//! What was computed, exactly.

use infoplane_plane::VectorKind;
use serde_json::Value;

use super::Section;
use crate::text::{count, escape, integer, number, plural};
use crate::view::RunView;

/// The works whose definitions are used, with the address of each.
const REFERENCES: [(&str, &str); 5] = [
    (
        "Baazzouz, J. and Dabounou, J. (2024). Enhancing Neural Network Interpretability Through \
         Conductance-Based Information Plane Analysis. arXiv 2408.14681.",
        "https://arxiv.org/abs/2408.14681",
    ),
    (
        "Dhamdhere, K., Sundararajan, M. and Yan, Q. (2018). How Important Is a Neuron? \
         arXiv 1805.12233.",
        "https://arxiv.org/abs/1805.12233",
    ),
    (
        "Shrikumar, A., Su, J. and Kundaje, A. (2018). Computationally Efficient Measures of \
         Internal Neuron Importance. arXiv 1807.09946.",
        "https://arxiv.org/abs/1807.09946",
    ),
    (
        "Goldfeld, Z. et al. (2019). Estimating Information Flow in Deep Neural Networks. \
         arXiv 1810.05728.",
        "https://arxiv.org/abs/1810.05728",
    ),
    (
        "Geiger, B. C. (2020). On Information Plane Analyses of Neural Network Classifiers: \
         A Review. arXiv 2003.09671.",
        "https://arxiv.org/abs/2003.09671",
    ),
];

pub(crate) fn section(view: &RunView<'_>) -> Section {
    Section {
        id: "methods",
        entry: "Methods",
        title: "Methods",
        body: [
            provenance(view),
            conductance(view),
            information(view),
            efficiency(),
            configuration(&view.manifest.config),
            references(),
        ]
        .concat(),
    }
}

fn provenance(view: &RunView<'_>) -> String {
    let (manifest, plane) = (view.manifest, view.plane);
    let (model, data, hardware) = (&manifest.model, &manifest.data, &manifest.hardware);
    let shape: Vec<String> = model.input_shape.iter().map(usize::to_string).collect();
    let mut entries = vec![
        (
            "Network",
            format!(
                "<bdi>{}</bdi>: input {}, {}, {}",
                escape(&model.name),
                shape.join("&nbsp;×&nbsp;"),
                plural(model.n_outputs, "output"),
                integer(model.n_parameters) + " parameters"
            ),
        ),
        (
            "Model SHA-256",
            format!("<code>{}</code>", escape(&model.sha256)),
        ),
        (
            "Data",
            format!(
                "<bdi>{}</bdi> ({}), {}; {} analysed",
                escape(&data.name),
                escape(&data.kind),
                plural(data.n_samples, "sample"),
                integer(plane.n as u64)
            ),
        ),
        (
            "Data fingerprint",
            format!(
                "<code>{}</code> (SHA-256 over the samples’ names, sizes and labels)",
                escape(&data.fingerprint)
            ),
        ),
        ("Preprocessing", escape(&data.preprocessing)),
    ];
    if view.labelled() {
        entries.push((
            "Label",
            format!(
                "{}: {} present, {} samples at the median and {} at the least; \
                 H(Y) = {} bits<details><summary>names</summary><p><bdi>{}</bdi></p></details>",
                escape(&plane.label.kind),
                plane.label.n_classes,
                count(plane.label.median_per_class),
                plane.label.min_per_class,
                number(plane.label.entropy),
                plane
                    .label
                    .names
                    .iter()
                    .map(|name| escape(name))
                    .collect::<Vec<_>>()
                    .join("</bdi>, <bdi>")
            ),
        ));
    }
    let cuts = view.layers.iter().filter(|layer| layer.cut).count();
    entries.push((
        "Layers",
        format!(
            "{}, of which {cuts} are cut layers (every path from input to output crosses them)",
            plural(view.layers.len(), "layer")
        ),
    ));
    entries.push((
        "Program",
        format!(
            "infoplane {}; {}, {}, kernels {}",
            escape(&manifest.infoplane),
            escape(&hardware.cpu),
            plural(hardware.n_cpus, "processor"),
            escape(&hardware.simd)
        ),
    ));
    definition_list(&entries)
}

fn conductance(view: &RunView<'_>) -> String {
    let setting = |key: &str| {
        setting(&view.manifest.config, key)
            .map(|value| format!("<code>{}</code>", escape(&plain(value))))
    };
    let mut settings = vec![format!(
        "target <code>{}</code>",
        escape(&view.plane.target)
    )];
    for (key, words) in [
        ("baseline", "baseline x′"),
        ("quadrature", "quadrature"),
        ("steps", "steps"),
        ("tolerance", "tolerance"),
        ("reduce", "reduction"),
        ("seed", "seed"),
    ] {
        if let Some(value) = setting(key) {
            settings.push(format!("{words} {value}"));
        }
    }
    let steps = &view.plane.steps;
    format!(
        "<h3>Conductance</h3>\n\
         <p>For a layer with values h(α) and gradients g(α) = ∂F<sub>t</sub>/∂h along the straight \
         path x(α) = x′ + α (x − x′), the conductance is C = ∫₀¹ g(α) ⊙ (dh/dα) dα (Dhamdhere et \
         al. 2018, in the computable form of Shrikumar et al. 2018). The integral is taken \
         as <span class=\"formula\">C = Σ<sub>j</sub> ½ (g<sub>j</sub> + g<sub>j+1</sub>) ⊙ \
         (h<sub>j+1</sub> − h<sub>j</sub>)</span> over the quadrature’s nodes, save for the \
         quadrature <code>captum</code>, which takes g<sub>j</sub> alone at Gauss–Legendre nodes. \
         F<sub>t</sub> is the target’s logit. A sample’s vector holds one number a channel, summed \
         over positions; its activation vector is the mean over positions.</p>\n\
         <p>Here: {}. Path steps a sample: {} at the least, {} at the median, {} on average, {} at \
         the most.</p>\n",
        settings.join(", "),
        count(steps.min),
        count(steps.median),
        number(steps.mean),
        count(steps.max)
    )
}

fn information(view: &RunView<'_>) -> String {
    let resolution = &view.plane.resolution;
    let widest = view
        .rows(VectorKind::Conductance)
        .map(|row| row.dimensions)
        .max()
        .unwrap_or(0);
    format!(
        "<h3>Information</h3>\n\
         <p>In a deterministic network I(X;C) is infinite or log₂ N whatever the layer, so what is \
         measured is the information that passes a channel of stated noise (Goldfeld et al. 2019; \
         Geiger 2020). Estimator <code>{}</code>: Z are the layer’s N = {} vectors, centred and \
         rotated to their principal components (at most {widest} kept here); C̃ = Z + σε with \
         σ² = τ² · tr Cov(Z) and ε standard normal. Then</p>\n\
         <p class=\"formula\">I(X;C̃) = h(C̃) − (d/2) log₂(2πe σ²)<br>\
         I(C̃;Y) = h(C̃) − Σ<sub>y</sub> p(y) h(C̃ | Y = y)</p>\n\
         <p>where h is the entropy of the Gaussian mixture centred on the samples, by Monte Carlo. \
         It is estimated once with each sample’s own centre in the mixture and once without; the \
         two errors have opposite signs, the value is their middle, and the two are reported as \
         the bracket. {} X is uniform on the samples, so I(X;C̃) ≤ log₂ N = {} bits and \
         I(C̃;Y) ≤ H(Y). Intervals are 95&nbsp;%, by subsampling without replacement. The null of \
         I(C;Y) is its value under permuted labels. A figure too near its ceiling is marked \
         saturated; one whose bracket is wider than {} bits is flagged; neither ranks a layer.</p>\n",
        escape(view.estimator),
        integer(view.plane.n as u64),
        escape(&resolution.reason),
        number((view.plane.n.max(1) as f64).log2()),
        number(resolution.bracket_limit)
    )
}

fn efficiency() -> String {
    "<h3>Information Transformation Efficiency</h3>\n\
     <dl class=\"methods\">\
     <div><dt><code>ratio</code></dt><dd>I(C;Y) / I(X;C); the default</dd></div>\
     <div><dt><code>normalized</code></dt><dd>[I(C;Y)/H(Y)] / [I(X;C)/log₂ N]</dd></div>\
     <div><dt><code>incremental</code></dt><dd>ΔI(C;Y) / |ΔI(X;C)| from the previous cut layer; \
     undefined where the interval of the denominator holds 0</dd></div></dl>\n"
        .to_owned()
}

fn configuration(config: &Value) -> String {
    let mut leaves = Vec::new();
    collect_leaves(config, String::new(), &mut leaves);
    let rows: String = leaves
        .iter()
        .map(|(key, value)| {
            format!(
                "<tr><th scope=\"row\" class=\"text\"><bdi>{}</bdi></th>\
                 <td class=\"text\"><bdi>{}</bdi></td></tr>",
                escape(key),
                escape(value)
            )
        })
        .collect();
    format!(
        "<h3>Configuration</h3>\n<details><summary>Every setting of the run ({})</summary>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Settings\">\
         <table class=\"compact\"><tbody>{rows}</tbody></table></div></details>\n",
        leaves.len()
    )
}

fn references() -> String {
    let items: String = REFERENCES
        .iter()
        .map(|(work, address)| {
            format!(
                "<li>{} <a href=\"{address}\" rel=\"noreferrer\">{}</a></li>",
                escape(work),
                address.trim_start_matches("https://")
            )
        })
        .collect();
    format!("<h3>References</h3>\n<ul class=\"references\">{items}</ul>\n")
}

fn definition_list(entries: &[(&str, String)]) -> String {
    let items: String = entries
        .iter()
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n"))
        .collect();
    format!("<dl class=\"methods\">{items}</dl>\n")
}

/// The first value under `key`, at any depth of the configuration.
fn setting<'v>(config: &'v Value, key: &str) -> Option<&'v Value> {
    match config {
        Value::Object(map) => map
            .get(key)
            .filter(|value| !value.is_null())
            .or_else(|| map.values().find_map(|value| setting(value, key))),
        _ => None,
    }
}

/// Every leaf of the configuration with its dotted path; an array of plain values is one leaf.
fn collect_leaves(value: &Value, path: String, leaves: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                collect_leaves(child, path, leaves);
            }
        }
        _ => leaves.push((path, plain(value))),
    }
}

/// A value as text: strings without quotes, an object as its keys and values.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| format!("{key} {}", plain(value)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}
