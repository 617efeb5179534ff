//! What must hold of the views beside the plane: their sections, figures and data.

mod fixture;

use fixture::page::without_figures;
use fixture::views;
use infoplane_plane::{AblationResult, InformationSettings, PlaneResult};
use infoplane_report::{FigureFormat, ReportInput, ReportOptions, write_report};
use infoplane_store::{RunManifest, SourceInfo};

fn page(manifest: &RunManifest, plane: &PlaneResult, ablation: Option<&AblationResult>) -> String {
    without_figures(&ReportInput::new(manifest, plane).with_ablation(ablation))
}

/// Figures by file name.
fn figures(
    manifest: &RunManifest,
    plane: &PlaneResult,
    formats: &[FigureFormat],
) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let mut options = ReportOptions::default();
    options.formats = formats.to_vec();
    let ablation = views::ablation(&plane.rows);
    let input = ReportInput::new(manifest, plane).with_ablation(Some(&ablation));
    let files = write_report(folder.path(), &input, &options).unwrap();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(path).unwrap();
        (name, String::from_utf8_lossy(&bytes).into_owned())
    };
    files.figures.iter().map(read).collect()
}

#[test]
fn every_view_has_a_section_a_navigation_entry_and_a_chart() {
    let (manifest, plane) = fixture::resnet20();
    let ablation = views::ablation(&plane.rows);
    let page = page(&manifest, &plane, Some(&ablation));
    for view in [
        "roles",
        "checks",
        "stability",
        "classes",
        "channels",
        "ablation",
        "controls",
    ] {
        assert!(page.contains(&format!("href=\"#{view}\"")), "{view}");
        assert!(page.contains(&format!("<section id=\"{view}\"")), "{view}");
        let chart = format!("<div class=\"chart\" id=\"{view}-chart\">");
        assert!(page.contains(&chart), "{view}");
        assert!(
            page.contains(&format!("section(\"{view}-chart\"")),
            "{view}"
        );
    }
    assert!(page.contains("<div class=\"chart\" id=\"steps-chart\">"));
}

#[test]
fn views_without_data_are_not_there() {
    let (manifest, mut plane) = fixture::unlabelled();
    plane.ablation = None;
    plane.controls = None;
    plane.step_counts.truncate(1);
    let page = page(&manifest, &plane, None);
    for view in ["stability", "classes", "channels", "ablation", "controls"] {
        assert!(!page.contains(&format!("<section id=\"{view}\"")), "{view}");
    }
    assert!(!page.contains("id=\"steps-chart\""));
}

#[test]
fn checks_are_told_with_verdict_and_evidence() {
    let (manifest, plane) = fixture::hostile();
    let page = page(&manifest, &plane, None);
    for part in [
        "I(X;·) of the conductances does not rise</th>",
        "<span aria-hidden=\"true\">✗</span> violated",
        "<span aria-hidden=\"true\">?</span> undecided",
        "the largest is <bdi class=\"layer\">&lt;script&gt;",
        "no contradiction of a theorem",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn the_page_holds_the_deletion_curves() {
    let (manifest, plane) = fixture::resnet20();
    let ablation = views::ablation(&plane.rows);
    let page = page(&manifest, &plane, Some(&ablation));
    let curves = serde_json::to_string(&ablation).unwrap();
    assert!(page.contains(&curves));
}

#[test]
fn every_view_has_figures_in_the_formats_asked_for() {
    let (manifest, plane) = fixture::resnet20();
    let names = |formats: &[FigureFormat]| -> Vec<String> {
        let files = figures(&manifest, &plane, formats);
        files.into_iter().map(|(name, _)| name).collect()
    };
    let svg = names(&[FigureFormat::Svg]);
    assert!(svg.iter().all(|name| name.ends_with(".svg")), "{svg:?}");
    for view in [
        "roles_conductance",
        "roles_activation",
        "checks_conductance",
        "stability",
        "classes_conductance",
        "classes_activation",
        "channels",
        "ablation",
        "ablation_cross_entropy",
        "ablation_accuracy",
        "ablation_agreement",
        "ablation_target_logit",
        "controls",
        "steps",
    ] {
        assert!(svg.contains(&format!("{view}.svg")), "{view}");
    }
    let both = names(&FigureFormat::ALL);
    assert_eq!(both.len(), 2 * svg.len());
    assert!(names(&[]).is_empty());
}

#[test]
fn figures_hold_no_broken_number_and_fit_their_page() {
    for (manifest, plane) in [fixture::deep(), fixture::hostile(), fixture::unlabelled()] {
        for (name, svg) in figures(&manifest, &plane, &[FigureFormat::Svg]) {
            assert!(!svg.contains("NaN") && !svg.contains("\"inf"), "{name}");
            assert!(!svg.contains("<script") && !svg.contains("<img"), "{name}");
            let height = svg.split("height=\"").nth(1).unwrap();
            let height: f64 = height[..height.find("mm").unwrap()].parse().unwrap();
            assert!(height < 257.0, "{name} is {height} mm high");
        }
    }
}

#[test]
fn two_hundred_classes_of_sixty_four_layers_stay_on_a_page() {
    let (manifest, mut plane) = fixture::deep();
    plane.label.names = (0..300).map(|class| format!("class {class}")).collect();
    plane.classes = views::classes(&plane.rows, 300);
    let figures = figures(&manifest, &plane, &[FigureFormat::Svg]);
    let (_, svg) = figures
        .iter()
        .find(|(name, _)| name == "classes_conductance.svg")
        .unwrap();
    assert!(svg.contains("the 200 of 300 classes"));
    assert!(svg.contains(">class 298<") && !svg.contains(">class 1<"));
}

#[test]
fn methods_give_the_command_that_repeats_the_run() {
    let (mut manifest, mut plane) = fixture::resnet20();
    plane.controls = None;
    manifest.config = serde_json::json!({
        "layers": ["stem", "layer3.2"],
        "target": "predicted",
        "baseline": "zero",
        "quadrature": {"rule": "adaptive", "tolerance": 0.02, "max_steps": 64, "initial_steps": 12, "knee": 0.15},
        "exact": true,
        "preprocess": {"resize": 256, "interpolation": "bilinear", "crop": null, "scale": 127.5, "mean": [0.48500001430511475], "std": [0.5], "colours": "bgr"},
        "limit": 500,
        "per_class": 9,
        "shuffle": true,
        "label_column": "y",
        "seed": 7,
    });
    manifest.source = Some(SourceInfo {
        model: "my net.onnx".into(),
        weights: None,
        data: "images".into(),
        classes: Some("index".into()),
        labels: Some("val.txt".into()),
    });
    let mut ablation = views::ablation(&plane.rows);
    ablation.settings.seed = 7;
    let expected = "infoplane run --model &#39;my net.onnx&#39; --data images --classes index --labels val.txt --out DIR --layers stem,layer3.2 \
        --target predicted --baseline zero --quadrature adaptive --tolerance 0.02 --max-steps 64 --exact \
        --resize 256 --crop 0 --interpolation bilinear --scale 127.5 --mean 0.485 --std 0.5 --bgr --limit 500 --per-class 9 --shuffle --label-column y --seed 7 \
        --estimator kde --ablate<";
    let written = page(&manifest, &plane, Some(&ablation));
    assert!(written.contains(expected), "{}", command(&written));

    // What was asked of `plane` or `ablate` later, with other settings, are commands of their own.
    ablation.settings.draws = 9;
    plane.settings = Some(InformationSettings {
        groups: Some("groups.csv:coarse".to_owned()),
        tau: Some(0.5),
        seed: 8,
        ..InformationSettings::default()
    });
    let written = page(&manifest, &plane, Some(&ablation));
    for part in [
        "--limit 500 --seed 7</bdi>",
        "infoplane plane DIR --groups groups.csv:coarse --tau 0.5 --seed 8<",
        "infoplane ablate DIR --fractions 0.05,0.1,0.2,0.4,0.7,1 --draws 9 --replace mean --limit 500 --seed 7<",
    ] {
        assert!(written.contains(part), "{part}: {}", command(&written));
    }
}

fn command(page: &str) -> &str {
    let start = page.find("class=\"commands\"").unwrap();
    &page[start..start + 900]
}

#[test]
fn methods_state_every_estimator_with_its_parameters() {
    let (manifest, mut plane) = fixture::resnet20();
    let mut row = plane.rows[0].clone();
    row.estimator = "binned:bins=30".to_owned();
    plane.rows.push(row);
    let page = page(&manifest, &plane, None);
    for part in [
        "<code>binned:bins=30</code>",
        "bins <code>30</code>",
        "correction <code>miller-madow</code>",
        "4 draws a sample",
        "50 random halves",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn the_table_tells_rows_of_several_labels_apart() {
    let (manifest, mut plane) = fixture::resnet20();
    assert!(!page(&manifest, &plane, None).contains("title=\"What Y is\""));
    let mut row = plane.rows[0].clone();
    row.label = "predicted".to_owned();
    plane.rows.push(row);
    let page = page(&manifest, &plane, None);
    assert!(page.contains("title=\"What Y is\""));
    assert!(page.contains("<td class=\"text\">predicted</td>"));
    assert_eq!(page.matches("<tr data-ordinal=").count(), plane.rows.len());
}
