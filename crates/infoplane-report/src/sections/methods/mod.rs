//! What was computed, exactly.

mod command;
mod conductance;
mod evidence;
mod families;
mod information;
mod provenance;
mod references;

use serde_json::Value;

use super::Section;
use crate::text::escape;
use crate::view::RunView;

pub(crate) fn section(view: &RunView<'_>) -> Section {
    Section {
        id: "methods",
        entry: "Methods",
        title: "Methods",
        body: [
            provenance::html(view),
            command::html(view),
            conductance::html(view),
            information::html(view),
            families::html(view),
            evidence::html(view),
            configuration(&view.manifest.config),
            references::html(view),
        ]
        .concat(),
    }
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
