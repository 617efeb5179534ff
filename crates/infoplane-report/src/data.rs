//! The one block of JSON that the page's scripts read.

use infoplane_plane::{AblationResult, LEAST_CHANGE, PlaneResult};
use infoplane_store::RunManifest;
use serde::Serialize;

use crate::network::Network;
use crate::samples::SamplesView;
use crate::view::{LayerView, RunView};

/// Everything the charts draw. The page holds no other data.
#[derive(Serialize)]
struct ReportData<'a> {
    /// Version of this layout.
    format: u32,
    /// The smallest change in bits that counts as one.
    least_change: f64,
    manifest: &'a RunManifest,
    plane: &'a PlaneResult,
    ablation: Option<&'a AblationResult>,
    layers: &'a [LayerView],
    network: &'a Network,
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<&'a SamplesView>,
}

/// The data as JSON that is safe inside a `<script>` element: no character of it can end the
/// element or open a comment, and it is still the same JSON to a parser.
pub(crate) fn embedded_json(view: &RunView<'_>) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(&ReportData {
        format: 1,
        least_change: LEAST_CHANGE,
        manifest: view.manifest,
        plane: view.plane,
        ablation: view.ablation,
        layers: &view.layers,
        network: &view.network,
        samples: view.samples.as_ref(),
    })?;
    Ok(script_safe(&json))
}

/// Outside strings JSON has none of these characters, so each may become an escape.
pub(crate) fn script_safe(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                safe.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::script_safe;

    #[test]
    fn json_cannot_end_its_script_element() {
        let value = serde_json::json!({"a</script><!--": "<b>&\u{2028}"});
        let safe = script_safe(&value.to_string());
        assert!(!safe.contains(['<', '>', '&', '\u{2028}']));
        let parsed: serde_json::Value = serde_json::from_str(&safe).unwrap();
        assert_eq!(parsed, value);
    }
}
