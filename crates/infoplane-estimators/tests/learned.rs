//! `sliced`, `infonce`, `probe` and `latent`: known truth, independence, and the same bits whatever the
//! number of threads.
#![allow(missing_docs)]

use infoplane_estimators::tasks::{self, Task};
use infoplane_estimators::{
    About, Estimator, EstimatorError, InfoNceParams, LatentParams, Pair, ProbeParams, Samples,
    SlicedParams,
};

fn task(name: &str) -> Task {
    let mut all = tasks::all();
    let position = all.iter().position(|task| task.name == name).unwrap();
    all.swap_remove(position)
}

fn estimators() -> [Box<dyn Estimator>; 4] {
    [
        Box::new(SlicedParams::default().check().unwrap()),
        Box::new(InfoNceParams::default().check().unwrap()),
        Box::new(ProbeParams::default().check().unwrap()),
        Box::new(LatentParams::default().check().unwrap()),
    ]
}

/// The value in bits.
fn value(estimator: &dyn Estimator, task: &Task, n: usize, seed: u64) -> f64 {
    let data = task.sample(n, seed);
    estimator.point(&data.pair().unwrap(), seed).unwrap().value
}

#[test]
fn lower_bounds_come_near_the_truth_from_below() {
    let [_, infonce, probe, latent] = estimators();
    for (estimator, name, n, least) in [
        (&infonce, "normal-1", 2_000, 0.75),
        (&latent, "normal-1", 2_000, 0.75),
        (&probe, "mixture-1", 2_000, 0.9),
        (&latent, "mixture-1", 2_000, 0.9),
        (&probe, "image-784-diagonal", 1_000, 0.9),
    ] {
        let task = task(name);
        let found = value(estimator.as_ref(), &task, n, 3);
        let share = found / task.truth;
        assert!(
            (least..1.12).contains(&share),
            "{} on {name}: {found:.3} of {:.3}",
            estimator.name(),
            task.truth
        );
    }
}

#[test]
fn slices_of_single_columns_are_the_columns() {
    let [sliced, ..] = estimators();
    let task = task("normal-1");
    let found = value(sliced.as_ref(), &task, 2_000, 1);
    assert!(
        (found - task.truth).abs() < 0.1,
        "{found} for {}",
        task.truth
    );
}

#[test]
fn independent_sides_tell_nothing_of_each_other() {
    for estimator in &estimators() {
        for name in ["independent-5", "independent-5-classes-10"] {
            let data = task(name).sample(1_000, 5);
            match estimator.point(&data.pair().unwrap(), 0) {
                Ok(point) => assert!(point.value.abs() < 0.1, "{}: {point:?}", estimator.name()),
                Err(EstimatorError::Unsupported { .. }) => {}
                Err(error) => panic!("{}: {error}", estimator.name()),
            }
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    for estimator in &estimators() {
        let name = match estimator.name() {
            "probe" => "mixture-2",
            _ => "normal-dense-3",
        };
        let task = task(name);
        let run = |threads| pool(threads).install(|| value(estimator.as_ref(), &task, 400, 2));
        assert_eq!(run(1).to_bits(), run(3).to_bits(), "{}", estimator.name());
    }
}

#[test]
fn bad_cases_are_refused_or_have_their_answer() {
    let x: Vec<f64> = (0..40).map(|i| f64::from(i % 7)).collect();
    let still = vec![1.0; 40];
    let samples = |data| Samples::from_f64(data, 40, 1).unwrap();
    for estimator in &estimators() {
        let identity = Pair::new(samples(&x), About::Identity).unwrap();
        assert!(
            estimator.point(&identity, 0).is_err(),
            "{}",
            estimator.name()
        );
        let constant = Pair::new(samples(&still), About::Vectors(samples(&x))).unwrap();
        match estimator.point(&constant, 0) {
            Ok(point) => assert_eq!(point.value, 0.0, "{}", estimator.name()),
            Err(error) => assert!(
                matches!(error, EstimatorError::Unsupported { .. }),
                "{error}"
            ),
        }
    }
    assert!(
        ProbeParams {
            folds: 1,
            ..Default::default()
        }
        .check()
        .is_err()
    );
    assert!(
        LatentParams {
            dimensions: 0,
            ..Default::default()
        }
        .check()
        .is_err()
    );
    assert!(
        SlicedParams {
            dimensions: 9,
            ..Default::default()
        }
        .check()
        .is_err()
    );
    assert!(
        InfoNceParams {
            batch: 1,
            ..Default::default()
        }
        .check()
        .is_err()
    );
}
