//! Pages of several runs and of a series: what they say of differences, and any text in them stays text.

mod fixture;

use fixture::page::markup;
use infoplane_plane::{
    Accuracy, CheckpointInfo, LabelSummary, PathFigure, PathPoint, PlaneResult, SERIES_FORMAT,
    SeriesOrder, SeriesPath, SeriesResult, VectorKind,
};
use infoplane_report::{ComparedRun, ReportInput, write_comparison, write_series_report};
use infoplane_store::RunManifest;
use proptest::prelude::*;

type Run = (RunManifest, PlaneResult);

fn compared(runs: &[(&str, &Run)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("both.html");
    let runs: Vec<ComparedRun<'_>> = runs
        .iter()
        .map(|&(name, (manifest, plane))| ComparedRun {
            name,
            input: ReportInput::new(manifest, plane),
        })
        .collect();
    write_comparison(&file, &runs).unwrap();
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn what_differs_is_said_with_what_follows_from_it() {
    let one = fixture::resnet20();
    let mut other = fixture::resnet20();
    let same = markup(&compared(&[("a", &one), ("b", &other)]));
    assert!(same.contains("differ in nothing"), "{same}");
    assert!(
        same.contains("a and b: the two rank layers alike"),
        "{same}"
    );
    assert!(!same.contains("do not compare") && !same.contains("apart from the first run\""));
    other.1.resolution.tau *= 2.0;
    other.1.n += 1;
    other.1.label.kind = "group".to_owned();
    other
        .1
        .rows
        .iter_mut()
        .for_each(|row| row.label = "group".to_owned());
    other.0.model.sha256 = "0123456789abcdef".to_owned();
    let page = markup(&compared(&[("a", &one), ("b", &other)]));
    for said in [
        "differ in: weights, samples, label, noise τ",
        "Their figures do not compare",
        "Their labels differ",
        "Their numbers of samples differ",
        "<strong>0123456789ab</strong>",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

fn series(text: &str) -> SeriesResult {
    let figure = PathFigure {
        value: 1.0,
        ci: [0.5, 1.5],
        saturated: false,
        flagged: false,
    };
    let point = PathPoint {
        mi_x: Some(figure),
        mi_y: Some(figure),
    };
    let checkpoint = |name: &str| CheckpointInfo {
        name: name.to_owned(),
        run: name.to_owned(),
        sha256: String::new(),
        accuracy: Some(Accuracy {
            correct: 1,
            labelled: 2,
        }),
    };
    SeriesResult {
        format: SERIES_FORMAT,
        n: 2,
        label: LabelSummary {
            names: vec![text.to_owned()],
            ..fixture::resnet20().1.label
        },
        target: text.to_owned(),
        order: SeriesOrder::Given,
        tau: 0.5,
        flagged: true,
        reason: text.to_owned(),
        checkpoints: vec![checkpoint("first"), checkpoint(text)],
        ranges: Vec::new(),
        paths: vec![SeriesPath {
            layer: text.to_owned(),
            depth: 1,
            cut: true,
            kind: VectorKind::Conductance,
            estimator: text.to_owned(),
            label: text.to_owned(),
            points: vec![point, point],
            fitting: None,
            compression: None,
        }],
    }
}

fn series_page(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = write_series_report(folder.path(), &series(text)).unwrap();
    std::fs::read_to_string(file).unwrap()
}

fn comparison_page(text: &str) -> String {
    let mut run = fixture::resnet20();
    let replaced = run.1.rows[0].layer.clone();
    for row in run.1.rows.iter_mut().filter(|row| row.layer == replaced) {
        row.layer = text.to_owned();
    }
    run.0.model.name = text.to_owned();
    run.0.data.name = text.to_owned();
    run.1.target = text.to_owned();
    compared(&[(text, &run), ("other", &fixture::resnet20())])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_leaves_the_elements_alone(
        text in "(\\PC|[<>&\"'/=\\-!\\n\\t\u{202e}\u{2028}]|</?script[ />]|<!--){1,16}",
    ) {
        let counts = |page: &str| {
            let markup = markup(page);
            ["<", ">", "\"", "<img", "<svg"].map(|part| markup.matches(part).count())
        };
        prop_assert_eq!(counts(&series_page("plain")), counts(&series_page(&text)));
        prop_assert_eq!(counts(&comparison_page("plain")), counts(&comparison_page(&text)));
    }
}
