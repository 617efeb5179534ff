//! What was analysed: network, data, layers, program, machine.

use super::definition_list;
use crate::text::{count, escape, integer, number, plural};
use crate::view::{LayerView, RunView};

pub(super) fn html(view: &RunView<'_>) -> String {
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
    if !data.features.is_empty() {
        let names: Vec<String> = data.features.iter().map(|name| escape(name)).collect();
        entries.push((
            "Features",
            format!(
                "{}<details><summary>names</summary><p><bdi>{}</bdi></p></details>",
                plural(names.len(), "column"),
                names.join("</bdi>, <bdi>")
            ),
        ));
    }
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
            "{}, of which {cuts} are cut layers (every path from input to output crosses them)\
             <details><summary>names</summary><p>{}</p></details>",
            plural(view.layers.len(), "layer"),
            view.layers.iter().map(layer).collect::<Vec<_>>().join("; ")
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
    entries.push(("Seeds", seeds(view)));
    definition_list(&entries)
}

/// A layer with its operator and shape, and whether it lies on a branch.
fn layer(layer: &LayerView) -> String {
    let shape = layer.shape.iter().flatten();
    let shape: Vec<String> = shape.map(usize::to_string).collect();
    let operator = layer.operator.as_deref().unwrap_or("unknown operator");
    format!(
        "<bdi>{}</bdi> ({}{}{})",
        escape(&layer.name),
        escape(operator),
        if shape.is_empty() {
            String::new()
        } else {
            format!(", {}", shape.join("&nbsp;×&nbsp;"))
        },
        if layer.cut { "" } else { ", branch" }
    )
}

/// The seeds of everything random.
fn seeds(view: &RunView<'_>) -> String {
    let seed =
        |value: Option<u64>| value.map_or_else(|| "unknown".to_owned(), |seed| seed.to_string());
    let run = view.manifest.config["seed"].as_u64();
    let information = view.plane.settings.as_ref().map(|settings| settings.seed);
    let mut seeds = format!("run {}; estimates {}", seed(run), seed(information.or(run)));
    if let Some(ablation) = view.ablation {
        seeds.push_str(&format!("; ablation {}", ablation.settings.seed));
    }
    seeds
}
