//! Nominal 95 % intervals cover the truth about as often as they say; `examples/coverage_study` has the
//! whole table, and `known_truth.rs` the channel's.
#![allow(missing_docs)]

use infoplane_estimators::registry::family;
use infoplane_estimators::tasks::{self, Task};
use infoplane_estimators::{BinnedParams, Correction, Estimator, Resampling, subsampling_interval};
use serde_json::{Map, json};

const REPETITIONS: u64 = 60;

fn by_default(name: &str) -> Box<dyn Estimator> {
    family(name).unwrap().build(Map::new()).unwrap()
}

fn task(name: &str) -> Task {
    tasks::all().into_iter().find(|t| t.name == name).unwrap()
}

/// How many intervals hold a truth, with the family's bias and by its scatter alone, and the mean half
/// width of the latter over 1.96 beside the deviation of the estimates.
struct Coverage {
    covered: u64,
    by_scatter: u64,
    ratio: f64,
}

fn coverage(estimator: &dyn Estimator, task: &Task, truth: f64) -> Coverage {
    let (mut covered, mut by_scatter, mut implied, mut values) = (0, 0, 0.0, Vec::new());
    for seed in 0..REPETITIONS {
        let data = task.sample(400, 7_000 + seed);
        let resampling = Resampling {
            subsamples: 40,
            permutations: 0,
            seed,
        };
        let found = estimator
            .estimate(&data.pair().unwrap(), &resampling)
            .unwrap();
        let scatter = subsampling_interval(found.value, &found.subsamples);
        let holds = |[low, high]: [f64; 2]| u64::from(low <= truth && truth <= high);
        covered += holds(found.ci);
        by_scatter += holds(scatter);
        assert!(found.ci[0] <= scatter[0] && scatter[1] <= found.ci[1]);
        implied += 0.5 * (scatter[1] - scatter[0]) / 1.96 / REPETITIONS as f64;
        values.push(found.value);
    }
    let mean = values.iter().sum::<f64>() / REPETITIONS as f64;
    let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Coverage {
        covered,
        by_scatter,
        ratio: implied / (square / (REPETITIONS - 1) as f64).sqrt(),
    }
}

/// With 60 repetitions, a true coverage of 95 % gives fewer than 52 once in 300.
fn assert_covers(name: &str, estimator: &dyn Estimator, task: &Task, truth: f64) {
    let Coverage { covered, ratio, .. } = coverage(estimator, task, truth);
    println!(
        "{name}, {}: {covered} of {REPETITIONS}, {ratio:.2}",
        task.name
    );
    assert!(covered >= 52, "{name}, {}: {covered}", task.name);
    // Neither by chance nor by intervals that are too wide.
    assert!(
        (0.7..1.4).contains(&ratio),
        "{name}, {}: {ratio}",
        task.name
    );
}

#[test]
fn intervals_of_neighbour_estimators_cover_the_truth() {
    for (name, of) in [
        ("ksg1", "normal-1"),
        ("ksg1", "student-1-1"),
        ("ksg2", "half-cube-1"),
        ("ksg-extrapolated", "additive-uniform-0.1"),
        ("ksg-extrapolated", "normal-dense-2"),
        ("ross", "mixture-1"),
        ("gao", "gao-uniform-5"),
        ("gao", "zero-inflated-poisson"),
    ] {
        let estimator = by_default(name);
        let task = task(of);
        assert_covers(name, estimator.as_ref(), &task, task.truth);
    }
}

/// Sharp edges and heavy tails, where bias is twice the scatter and more.
#[test]
fn intervals_of_neighbour_estimators_hold_their_bias() {
    for (name, of) in [
        ("ksg1", "additive-uniform-0.1"),
        ("ksg1", "student-2-2"),
        ("ksg2", "student-2-2"),
        ("gao", "student-2-2"),
    ] {
        let estimator = by_default(name);
        let task = task(of);
        let Coverage {
            covered,
            by_scatter,
            ..
        } = coverage(estimator.as_ref(), &task, task.truth);
        println!("{name}, {of}: {covered} and {by_scatter} of {REPETITIONS}");
        // A true coverage of 88 % gives fewer than 45 once in 300.
        assert!(covered >= 45, "{name}, {of}: {covered}");
        assert!(by_scatter < 36, "{name}, {of}: {by_scatter}");
    }
}

#[test]
fn intervals_of_the_gaussian_form_cover_the_truth() {
    let estimator = by_default("gaussian");
    for of in ["normal-1", "normal-dense-3", "mixture-1"] {
        let task = task(of);
        assert_covers("gaussian", estimator.as_ref(), &task, task.truth);
    }
}

/// The estimate is a square of what was observed, whose slope vanishes at independence.
#[test]
fn intervals_of_the_gaussian_form_cover_independence() {
    let estimator = by_default("gaussian");
    let Coverage { covered, .. } = coverage(estimator.as_ref(), &task("independent-1"), 0.0);
    assert!(covered >= 52, "{covered}");
}

#[test]
fn intervals_of_counts_cover_the_information_of_the_partition() {
    let parameters = Map::from_iter([("bins".to_owned(), json!(4))]);
    let estimator = family("binned").unwrap().build(parameters).unwrap();
    let whole = BinnedParams {
        bins: 4,
        correction: Some(Correction::None),
        ..Default::default()
    };
    for of in ["normal-1", "mixture-1"] {
        let task = task(of);
        let data = task.sample(300_000, 1);
        let whole = whole.clone().check().unwrap();
        let truth = whole.point(&data.pair().unwrap(), 0).unwrap().value;
        assert_covers("binned", estimator.as_ref(), &task, truth);
    }
}
