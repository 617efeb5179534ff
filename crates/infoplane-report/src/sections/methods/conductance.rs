//! How conductances were computed.

use super::{plain, setting};
use crate::text::{count, escape, number, percent};
use crate::view::RunView;

pub(super) fn html(view: &RunView<'_>) -> String {
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
        ("reduce", "reduction"),
        ("seed", "seed"),
    ] {
        if let Some(value) = setting(key) {
            settings.push(format!("{words} {value}"));
        }
    }
    let steps = &view.plane.steps;
    let words: String = [target(view), baseline(view), quadrature(view)].concat();
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
         the most. {words}</p>\n",
        settings.join(", "),
        count(steps.min),
        count(steps.median),
        number(steps.mean),
        count(steps.max)
    )
}

/// What the target is, and what follows of it.
fn target(view: &RunView<'_>) -> String {
    match view.plane.target.as_str() {
        "predicted" => "The target is the class of each sample’s highest logit. ".to_owned(),
        "label" => {
            "The target is the true class, so the label leaks into the conductance and I(C;Y) is \
                    inflated. "
                .to_owned()
        }
        unit => format!(
            "The target is output unit {} for all samples. ",
            escape(unit)
        ),
    }
}

/// Where the path starts.
fn baseline(view: &RunView<'_>) -> String {
    let name = view.manifest.config["baseline"]
        .as_str()
        .unwrap_or_default();
    if let Some(value) = view.manifest.config["path_at"].as_str() {
        return inner_path(value, name);
    }
    match name {
        "zero" => "The baseline is zero in the network’s normalised input space, which for images is the mean \
                   colour and not black. "
            .to_owned(),
        "black" => "The baseline is a black image. ".to_owned(),
        "mean" => "The baseline is the mean of up to 1,000 of the samples, spread evenly. ".to_owned(),
        blur if blur.starts_with("blur") => "The baseline is each sample’s own Gaussian blur. ".to_owned(),
        _ => String::new(),
    }
}

/// What it means that the path runs at an inner value.
fn inner_path(value: &str, baseline: &str) -> String {
    let start = match baseline {
        "zero" => "zero there".to_owned(),
        other => format!(
            "what the network makes there of the baseline <code>{}</code>",
            escape(other)
        ),
    };
    format!(
        "The path runs at the inner value <code>{}</code>: x is that value’s content for the sample, and x′ is \
         {start}. What does not depend on it keeps the sample’s content along the path, and F<sub>t</sub>(x′) is \
         the logit with this one value at its baseline. ",
        escape(value)
    )
}

/// Where the nodes lie, and when a path is fine enough.
fn quadrature(view: &RunView<'_>) -> String {
    let rule = &view.manifest.config["quadrature"];
    let figure = |key: &str| rule[key].as_f64().map(number).unwrap_or_default();
    match rule["rule"].as_str() {
        Some("adaptive") => format!(
            "The adaptive rule starts with {} intervals whose density falls with the square of the distance from \
             the baseline beyond α = {}, and splits those of the largest completeness error over the cut layers \
             until the sample’s relative error is within {} or it has {} intervals.",
            count(rule["initial_steps"].as_f64().unwrap_or_default()),
            figure("knee"),
            percent(rule["tolerance"].as_f64().unwrap_or(f64::NAN)),
            count(rule["max_steps"].as_f64().unwrap_or_default())
        ),
        Some("hyperbolic") => format!(
            "The density of the nodes falls with the square of the distance from the baseline beyond α = {}.",
            figure("knee")
        ),
        Some("graded") => format!(
            "Nodes are α<sub>j</sub> = (j/n)<sup>{}</sup>.",
            figure("power")
        ),
        Some("trapezoid") => "Nodes are α<sub>j</sub> = j/n.".to_owned(),
        Some("captum") => "Nodes and rule are those of Captum’s LayerConductance.".to_owned(),
        _ => String::new(),
    }
}
