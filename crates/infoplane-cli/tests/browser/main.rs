//! Reports in a real browser: headless Chromium opens them, points at them, and clicks.
//!
//! Screenshots at three widths are left in cargo's folder for temporary files of tests
//! (`target/tmp/report-*.png`).
#![allow(missing_docs)]
#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;

mod chromium;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chromium::Chromium;
use common::{assert_says, demo_asset, refuse, shared, succeed};
use serde_json::json;

/// A phone, a tablet and a desk.
const WIDTHS: [u32; 3] = [390, 768, 1400];

/// A browser with an error for whatever a page should not do.
struct Page {
    browser: Chromium,
}

impl Page {
    fn open(browser: Chromium, report: &Path) -> Self {
        let mut page = Self { browser };
        page.browser.open(report, 1400);
        page.expect_peace("opened");
        page
    }

    /// No request, and no complaint on the console.
    #[track_caller]
    fn expect_peace(&self, after: &str) {
        assert_eq!(self.browser.requests(), [""; 0], "{after}");
        assert_eq!(self.browser.complaints(), [""; 0], "{after}");
    }

    #[track_caller]
    fn count(&mut self, selector: &str) -> u64 {
        let count = format!("document.querySelectorAll({}).length", json!(selector));
        self.browser.evaluate(&count).as_u64().unwrap()
    }

    fn text(&mut self, selector: &str) -> String {
        let text = format!("document.querySelector({}).textContent", json!(selector));
        self.browser.evaluate(&text).as_str().unwrap().to_owned()
    }

    /// Nothing reaches beyond the right edge, at any width; pictures of each.
    fn fits_every_width(&mut self, name: &str) {
        for width in WIDTHS {
            self.browser.resize(width);
            let reach = self
                .browser
                .evaluate("document.documentElement.scrollWidth");
            assert!(
                reach.as_u64() <= Some(u64::from(width)),
                "{name} at {width}: the page is {reach} wide"
            );
            let picture = BASE64.decode(self.browser.screenshot()).unwrap();
            let file = format!("report-{name}-{width}.png");
            std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(file), picture).unwrap();
        }
        self.browser.resize(1400);
        self.expect_peace("resized");
    }

    /// A point of the plane tells its layer's figures, and selects it all over the page.
    fn points_answer(&mut self) {
        let point = "document.querySelector('#plane .point')";
        let place = self.browser.place_of(point);
        self.browser.point_at(place);
        let tooltip = self.text("#tooltip");
        for part in ["I(X;", "bits"] {
            assert!(
                tooltip.contains(part),
                "no `{part}` in the tooltip `{tooltip}`"
            );
        }
        self.browser.click(place);
        assert_eq!(self.count("body.has-selection"), 1);
        let layer = self.browser.evaluate(&format!("{point}.dataset.layer"));
        let marked = format!(".selected[data-layer={layer}]");
        assert!(
            self.count(&marked) > 2,
            "the selection shows in one place only"
        );
        assert_eq!(
            self.count(&format!(".selected:not([data-layer={layer}])")),
            0
        );
        let place = self.browser.place_of(point);
        self.browser.click(place);
        assert_eq!(self.count("body.has-selection"), 0);
        self.browser.evaluate(&format!("{point}.focus()"));
        let before = self
            .browser
            .evaluate("document.activeElement.dataset.layer");
        self.browser.press("ArrowRight");
        let after = self
            .browser
            .evaluate("document.activeElement.dataset.layer");
        assert_ne!(before, after, "an arrow key did not step to the next point");
        self.expect_peace("pointed at and clicked");
    }

    /// Every choice of every control can be made, and every list of choices changes something.
    fn switches_work(&mut self) {
        let controls = self.browser.evaluate(
            "[...document.querySelectorAll('main select')].map((control) => control.options.length)",
        );
        for (index, options) in controls.as_array().unwrap().iter().enumerate() {
            let options = options.as_u64().unwrap();
            let mut seen = std::collections::BTreeSet::new();
            for option in (0..options).rev() {
                let shown = self.browser.evaluate(&format!(
                    "(() => {{ const control = document.querySelectorAll('main select')[{index}]; \
                     control.selectedIndex = {option}; \
                     control.dispatchEvent(new Event('input', {{ bubbles: true }})); \
                     control.dispatchEvent(new Event('change', {{ bubbles: true }})); \
                     return control.closest('section').innerHTML; }})()"
                ));
                seen.insert(shown.as_str().unwrap().to_owned());
            }
            assert!(
                options < 2 || seen.len() > 1,
                "choice {index} changes nothing"
            );
            self.expect_peace("chosen");
        }
        let radios =
            "[...document.querySelectorAll('main input[type=radio], main input[type=checkbox]')]";
        let count = self.browser.evaluate(&format!("{radios}.length"));
        for index in 0..count.as_u64().unwrap() {
            self.browser.evaluate(&format!("{radios}[{index}].click()"));
        }
        self.expect_peace("switched");
    }

    fn check(mut self, name: &str) {
        self.points_answer();
        self.switches_work();
        self.fits_every_width(name);
    }
}

#[test]
fn the_report_of_the_demo_works() {
    let Some(browser) = Chromium::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), ["demo", "--out", "demo", "--ablate"]);
    Page::open(browser, &folder.path().join("demo/report.html")).check("demo");
}

/// Two runs of one network whose baselines differ.
#[test]
fn a_comparison_of_runs_works() {
    let Some(browser) = Chromium::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let model = demo_asset("network.onnx").display().to_string();
    let data = demo_asset("digits.npz").display().to_string();
    for baseline in ["zero", "blur"] {
        let inputs = [
            "run",
            "--model",
            &model,
            "--data",
            &data,
            "--baseline",
            baseline,
            "--out",
            baseline,
        ];
        let short = "--limit 160 --quadrature graded --steps 4 --tau 0.5";
        succeed(folder.path(), inputs.into_iter().chain(short.split(' ')));
    }
    let alone = refuse(folder.path(), ["report", "zero", "--compare"]);
    assert_says(&alone, &["two run directories"]);
    succeed(
        folder.path(),
        ["report", "zero", "blur", "--compare", "--out", "both.html"],
    );
    let mut page = Page::open(browser, &folder.path().join("both.html"));
    let summary = page.text("#summary");
    assert_says(
        &summary,
        &["differ in: baseline", "zero: highest ITE at", "Spearman"],
    );
    page.check("comparison");
}

/// The demo's training, with its slider over the checkpoints.
#[test]
fn the_page_of_a_series_works() {
    let Some(browser) = Chromium::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let series =
        "series --demo --out series --limit 120 --layers stem,block3.0,logits --steps 4 --tau 0.5";
    succeed(folder.path(), series.split(' '));
    let mut page = Page::open(browser, &folder.path().join("series/report.html"));
    assert_says(&page.text("#series-time"), &["epoch-060", "8 of 8"]);
    let place = "document.querySelector('#plane .point').getAttribute('aria-label')";
    let end = page.browser.evaluate(place);
    let earlier = page
        .browser
        .place_of("document.querySelector('#series-time button')");
    page.browser.click(earlier);
    assert_says(&page.text("#series-time"), &["7 of 8"]);
    assert_ne!(page.browser.evaluate(place), end);
    page.check("series");
}

#[test]
fn the_report_of_a_squeezenet_run_works() {
    let (Some(model), Some(data)) = (shared("models/squeezenet1_1.onnx"), shared("data/imagenet"))
    else {
        return;
    };
    let Some(browser) = Chromium::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let groups = format!("{}:group", data.join("classes.csv").display());
    let data: PathBuf = data.join("val");
    let arguments = [
        "run",
        "--limit",
        "40",
        "--quadrature",
        "graded",
        "--steps",
        "8",
        "--out",
        "run",
    ];
    let inputs = [
        "--model",
        model.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
    ];
    let others = [
        "--groups",
        &groups,
        "--estimator",
        "gaussian-channel,kde",
        "--against",
        "groups,predicted",
    ];
    succeed(folder.path(), [&arguments[..], &inputs, &others].concat());
    Page::open(browser, &folder.path().join("run/report.html")).check("squeezenet");
}
