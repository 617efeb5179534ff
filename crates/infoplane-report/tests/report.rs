//! What must hold of a written report, whatever the result says.

mod fixture;

use fixture::page::{embedded, markup, without_figures};
use infoplane_plane::PlaneResult;
use infoplane_report::{Findings, ReportError, ReportInput, ReportOptions, write_report};
use infoplane_store::{LayerEdge, RunManifest};
use proptest::prelude::*;

fn page(manifest: &RunManifest, plane: &PlaneResult) -> String {
    without_figures(&ReportInput::new(manifest, plane))
}

/// What stands between `<` and `>`.
fn tags(markup: &str) -> impl Iterator<Item = &str> {
    markup
        .split('<')
        .skip(1)
        .map(|rest| &rest[..rest.find('>').unwrap()])
}

fn every_fixture() -> Vec<(RunManifest, PlaneResult)> {
    vec![
        fixture::resnet20(),
        fixture::deep(),
        fixture::hostile(),
        fixture::unlabelled(),
        fixture::flagged(),
    ]
}

/// Escaped as the page must, written independently of the code under test.
fn shown(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[test]
fn embedded_data_parses_back_to_the_result() {
    for (manifest, plane) in every_fixture() {
        let data = embedded(&page(&manifest, &plane));
        let text = |value: &serde_json::Value| value.to_string();
        let reparsed = |json: String| serde_json::from_str::<serde_json::Value>(&json).unwrap();
        let expected = reparsed(serde_json::to_string(&plane).unwrap());
        assert_eq!(text(&data["plane"]), text(&expected));
        let expected = reparsed(serde_json::to_string(&manifest).unwrap());
        assert_eq!(text(&data["manifest"]), text(&expected));
        let parsed: PlaneResult = serde_json::from_value(data["plane"].clone()).unwrap();
        assert_eq!(parsed.rows.len(), plane.rows.len());
    }
}

#[test]
fn every_layer_is_named_in_the_table() {
    let (manifest, plane) = fixture::deep();
    let page = page(&manifest, &plane);
    for row in &plane.rows {
        let cell = format!("<bdi class=\"layer\">{}</bdi>", shown(&row.layer));
        assert!(page.contains(&cell), "{}", row.layer);
    }
    assert_eq!(page.matches("<tr data-ordinal=").count(), plane.rows.len());
}

#[test]
fn nothing_in_the_page_makes_a_request() {
    for (manifest, plane) in every_fixture() {
        let page = page(&manifest, &plane);
        let markup = markup(&page);
        for tag in tags(&markup) {
            for request in ["link", "img", "iframe", "object", "embed", "video", "audio"] {
                assert!(
                    !tag.starts_with(request) && !tag.contains(" src"),
                    "<{tag}>"
                );
            }
            let allowed =
                tag.starts_with("a href=\"https://") || tag.starts_with("meta http-equiv");
            assert!(allowed || !tag.contains("http"), "<{tag}>");
        }
        let style = &page[page.find("<style>").unwrap()..page.find("</style>").unwrap()];
        assert!(
            !style.contains("http")
                && style.matches("url(").count() == style.matches("url(data:").count()
        );
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn security_policy_lists_the_hash_of_every_script() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let (manifest, plane) = fixture::hostile();
    let page = page(&manifest, &plane);
    let scripts: Vec<&str> = page
        .split("<script>")
        .skip(1)
        .map(|rest| &rest[..rest.find("</script>").unwrap()])
        .collect();
    assert_eq!(scripts.len(), 4);
    for script in scripts {
        let digest = sha2::Sha256::digest(script.as_bytes());
        let hash = base64::engine::general_purpose::STANDARD.encode(digest);
        assert!(page.contains(&format!("'sha256-{hash}'")));
    }
}

#[test]
fn text_from_outside_stays_text() {
    let (manifest, plane) = fixture::hostile();
    let markup = markup(&page(&manifest, &plane));
    for smuggled in [
        "<script>document",
        "<img",
        "<b>",
        "<style>*",
        "\" onmouseover",
        "</title><script>",
    ] {
        assert!(!markup.contains(smuggled), "{smuggled}");
    }
    assert!(!markup.contains('\u{202e}'));
    assert!(markup.contains("‹U+202E›") && markup.contains("‹U+000A›"));
    assert!(markup.contains(&shown(&plane.resolution.reason)));
}

#[test]
fn methods_state_what_was_computed() {
    let (manifest, plane) = fixture::resnet20();
    let page = page(&manifest, &plane);
    for stated in [
        manifest.model.sha256.as_str(),
        &manifest.data.fingerprint,
        &manifest.data.preprocessing,
        "<code>predicted</code>",
        "<code>zero</code>",
        "seed <code>7</code>",
        "arXiv 1805.12233",
        "arXiv 1807.09946",
        "arXiv 1810.05728",
        "arXiv 2408.14681",
    ] {
        assert!(page.contains(stated), "{stated}");
    }
}

#[test]
fn the_network_is_drawn_from_the_manifests_edges() {
    let (mut manifest, plane) = fixture::resnet20();
    let chained = page(&manifest, &plane);
    assert!(markup(&chained).contains("drawn as a chain"));
    assert_eq!(embedded(&chained)["network"]["known"], false);
    let names: Vec<Option<String>> = std::iter::once(None)
        .chain(
            manifest
                .model
                .layers
                .iter()
                .map(|layer| Some(layer.name.clone())),
        )
        .chain([None])
        .collect();
    manifest.model.edges = names
        .windows(2)
        .map(|ends| LayerEdge {
            from: ends[0].clone(),
            to: ends[1].clone(),
            fewest_products: 0,
            most_products: 2,
        })
        .collect();
    let joined = page(&manifest, &plane);
    assert!(!markup(&joined).contains("drawn as a chain"));
    let network = &embedded(&joined)["network"];
    assert_eq!(network["known"], true);
    assert_eq!(
        network["edges"][3],
        serde_json::json!({"from": 3, "to": 4, "skip": "identity"})
    );
}

#[test]
fn a_result_without_labels_speaks_of_the_input_only() {
    let (manifest, plane) = fixture::unlabelled();
    let findings = Findings::new(&manifest, &plane);
    assert!(findings.importance[0].to_string().contains("no labels"));
    let page = page(&manifest, &plane);
    assert!(!page.contains(">Accuracy<") && page.contains("there is no I(C;Y) and no plane"));
}

#[test]
fn an_empty_result_still_has_a_report() {
    let (manifest, mut plane) = fixture::resnet20();
    plane.rows.clear();
    plane.critical.clear();
    plane.completeness.clear();
    plane.resolution.sweep.clear();
    plane.stability.clear();
    plane.step_counts.clear();
    plane.checks.clear();
    plane.controls = None;
    let folder = tempfile::tempdir().unwrap();
    let files = write_report(
        folder.path(),
        &ReportInput::new(&manifest, &plane),
        &ReportOptions::default(),
    )
    .unwrap();
    assert!(files.figures.is_empty(), "{:?}", files.figures);
}

#[test]
fn figures_are_named_files_of_print_width_and_same_bytes() {
    let (manifest, plane) = fixture::hostile();
    let write = || {
        let folder = tempfile::tempdir().unwrap();
        let files = write_report(
            folder.path(),
            &ReportInput::new(&manifest, &plane),
            &ReportOptions::default(),
        )
        .unwrap();
        let read = |path: &std::path::PathBuf| {
            (
                std::path::Path::file_name(path).unwrap().to_owned(),
                std::fs::read(path).unwrap(),
            )
        };
        let left: Vec<_> = std::fs::read_dir(folder.path().join("figures"))
            .unwrap()
            .collect();
        assert_eq!(left.len(), files.figures.len(), "no temporary file stays");
        files.figures.iter().map(read).collect::<Vec<_>>()
    };
    let files = write();
    assert_eq!(files, write());
    for name in ["plane", "network", "ite", "completeness", "resolution"] {
        for ending in ["svg", "png"] {
            assert!(
                files
                    .iter()
                    .any(|(file, _)| *file == *format!("{name}.{ending}"))
            );
        }
    }
    for (name, bytes) in &files {
        let name = name.to_string_lossy();
        if name.ends_with(".png") {
            assert!(bytes.starts_with(b"\x89PNG"));
            let width = u32::from_be_bytes(bytes[16..20].try_into().unwrap());
            let narrow = [
                "plane_",
                "ite",
                "information",
                "completeness",
                "steps",
                "classes_",
            ];
            let expected = if narrow.iter().any(|start| name.starts_with(start)) {
                1051
            } else {
                2161
            };
            assert_eq!(width, expected, "{name}");
        } else {
            let svg = std::str::from_utf8(bytes).unwrap();
            assert!(!svg.contains("<script") && !svg.contains("<img") && !svg.contains("<b>"));
        }
    }
}

#[test]
fn an_impossible_resolution_is_refused() {
    let (manifest, plane) = fixture::resnet20();
    let folder = tempfile::tempdir().unwrap();
    let mut options = ReportOptions::default();
    options.figure_dpi = 0;
    let error = write_report(
        folder.path(),
        &ReportInput::new(&manifest, &plane),
        &options,
    )
    .unwrap_err();
    assert!(matches!(error, ReportError::Figure { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any text as a layer, model, class or file name, reason or warning: the page keeps its
    /// elements, and its data keeps the text.
    #[test]
    fn any_text_leaves_the_pages_elements_alone(
        text in "(\\PC|[<>&\"'/=\\-!\\n\\r\\t\u{0}\u{202e}\u{2028}]|</?script[ />]|<!--|]]>){0,24}",
    ) {
        let (plain_manifest, plain_plane) = named("plain");
        let (manifest, plane) = named(&text);
        let (plain, page) = (page(&plain_manifest, &plain_plane), page(&manifest, &plane));
        let tags = |page: &str| {
            let markup = markup(page);
            (markup.matches('<').count(), markup.matches('>').count(), markup.matches('"').count())
        };
        prop_assert_eq!(tags(&plain), tags(&page));
        let data = embedded(&page);
        prop_assert_eq!(data["plane"]["rows"][0]["layer"].as_str(), Some(text.as_str()));
        prop_assert_eq!(data["manifest"]["model"]["name"].as_str(), Some(text.as_str()));
    }
}

/// A result that holds `text` wherever text can stand.
fn named(text: &str) -> (RunManifest, PlaneResult) {
    let (mut manifest, mut plane) = fixture::resnet20();
    let replaced = plane.rows[0].layer.clone();
    let rename = |name: &mut String| {
        if *name == replaced {
            *name = text.to_owned();
        }
    };
    plane.rows.iter_mut().for_each(|row| rename(&mut row.layer));
    plane
        .critical
        .iter_mut()
        .for_each(|layer| rename(&mut layer.layer));
    plane
        .completeness
        .iter_mut()
        .for_each(|row| rename(&mut row.layer));
    manifest
        .model
        .layers
        .iter_mut()
        .for_each(|layer| rename(&mut layer.name));
    for step in &mut plane.resolution.sweep {
        step.widest_at = text.to_owned();
        step.points
            .iter_mut()
            .for_each(|point| rename(&mut point.layer));
    }
    plane.resolution.reason = text.to_owned();
    plane.warnings = vec![text.to_owned()];
    plane.label.kind = text.to_owned();
    plane.label.names = vec![text.to_owned()];
    manifest.infoplane = text.to_owned();
    manifest.config = serde_json::json!({"baseline": text, text: [text]});
    manifest.model.name = text.to_owned();
    manifest.model.sha256 = text.to_owned();
    manifest.data.name = text.to_owned();
    manifest.data.kind = text.to_owned();
    manifest.data.fingerprint = text.to_owned();
    manifest.data.preprocessing = text.to_owned();
    manifest.hardware.cpu = text.to_owned();
    manifest.hardware.simd = text.to_owned();
    (manifest, plane)
}

#[test]
fn controls_are_shown_with_their_verdicts() {
    let (manifest, plane) = fixture::resnet20();
    let page = markup(&page(&manifest, &plane));
    for part in [
        "href=\"#controls\"",
        "weights changed</th><td class=\"text\">a stage on the way",
        "steps changed</th><td class=\"text\">as expected",
        "target</th><td class=\"text\">not made",
        "Even this τ is too fine",
        "I(C;Y) of the conductances in bits",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let (manifest, mut plane) = fixture::resnet20();
    plane.controls = None;
    assert!(!self::page(&manifest, &plane).contains("id=\"controls\""));
}

#[test]
fn ablation_is_shown_with_its_verdicts() {
    let (manifest, plane) = fixture::resnet20();
    let page = markup(&page(&manifest, &plane));
    for part in [
        "href=\"#ablation\"",
        "500 samples were ablated",
        "Not ablated: <bdi class=\"layer\">linear</bdi> (it is the network&#39;s &lt;output&gt;)",
        "not ranked",
        "ablation only",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let (manifest, mut plane) = fixture::resnet20();
    plane.ablation = None;
    assert!(!self::page(&manifest, &plane).contains("id=\"ablation\""));
}
