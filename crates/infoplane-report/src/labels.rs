//! Labels for axes: layer names without the parts that every name shares or an exporter adds.

use std::collections::HashSet;

use crate::text::visible;

/// Characters an axis label may have.
const LIMIT: usize = 26;

/// One label a layer, given its name and the operator that makes it. A part is dropped only where
/// names that differ still differ without it; what is still too long keeps its end, which is what
/// tells layers apart.
pub(crate) fn axis_labels(layers: &[(&str, Option<&str>)]) -> Vec<String> {
    let names: Vec<String> = layers
        .iter()
        .map(|(name, _)| visible(name).into_owned())
        .collect();
    let labels = if_distinct(&names, |name, _| {
        let name = name.strip_prefix('/').unwrap_or(name);
        name.strip_suffix("_output_0").unwrap_or(name).to_owned()
    });
    let labels = if_distinct(&labels, |label, index| {
        let operator = layers.get(index).and_then(|(_, operator)| *operator);
        match (label.rsplit_once('/'), operator) {
            (Some((path, last)), Some(operator)) if last == operator => path.to_owned(),
            _ => label.to_owned(),
        }
    });
    let shared = shared_path(&labels);
    labels
        .iter()
        .map(|label| shortened(label.get(shared..).unwrap_or(label)))
        .collect()
}

/// The changed labels where none became empty or equal to another, else the labels as they were.
fn if_distinct(labels: &[String], change: impl Fn(&str, usize) -> String) -> Vec<String> {
    let changed: Vec<String> = labels
        .iter()
        .enumerate()
        .map(|(index, label)| change(label, index))
        .collect();
    let distinct: HashSet<&String> = changed.iter().collect();
    let before: HashSet<&String> = labels.iter().collect();
    if distinct.len() == before.len() && changed.iter().all(|label| !label.is_empty()) {
        changed
    } else {
        labels.to_vec()
    }
}

/// Bytes of the path, up to and with its last `/`, that all labels begin with.
fn shared_path(labels: &[String]) -> usize {
    let [first, rest @ ..] = labels else {
        return 0;
    };
    if rest.is_empty() {
        return 0;
    }
    first
        .match_indices('/')
        .map(|(at, _)| at + 1)
        .take_while(|end| {
            let path = &first[..*end];
            rest.iter().all(|label| label.starts_with(path))
        })
        .last()
        .unwrap_or(0)
}

fn shortened(label: &str) -> String {
    let length = label.chars().count();
    if length <= LIMIT {
        return label.to_owned();
    }
    let tail: String = label.chars().skip(length - (LIMIT - 1)).collect();
    format!("…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_share_and_exporters_add_is_dropped() {
        let labels = axis_labels(&[
            ("/features/block0/relu_1/Relu_output_0", Some("Relu")),
            ("/features/block1/Concat_output_0", Some("Concat")),
        ]);
        assert_eq!(labels, ["block0/relu_1", "block1"]);
        assert_eq!(axis_labels(&[("layer1.0", None)]), ["layer1.0"]);
    }

    #[test]
    fn names_that_differ_keep_labels_that_differ() {
        let names = [
            ("/a/Relu_output_0", Some("Relu")),
            ("/a/Conv_output_0", Some("Conv")),
            ("a/Conv", Some("Conv")),
            ("/", None),
        ];
        let labels = axis_labels(&names);
        let distinct: HashSet<&String> = labels.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{labels:?}");
    }

    #[test]
    fn long_labels_keep_their_end() {
        let long = format!("{}.conv2", "block".repeat(20));
        let labels = axis_labels(&[(long.as_str(), None), ("x", None)]);
        assert!(labels[0].starts_with('…') && labels[0].ends_with(".conv2"));
        assert_eq!(labels[0].chars().count(), LIMIT);
    }
}
