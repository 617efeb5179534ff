//! Estimators that learn or project: `probe`, `infonce`, `latent` and `sliced`.
#![allow(missing_docs)]

use infoplane_estimators::{
    About, Estimator, InfoNceParams, Labels, LatentParams, Pair, ProbeParams, Resampling, Samples,
    SlicedParams,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

fn normals(count: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| StandardNormal.sample(&mut rng))
        .collect()
}

fn vectors(data: &[f64], width: usize) -> Samples<'_> {
    Samples::from_f64(data, data.len() / width, width).unwrap()
}

/// The first `pairs` of `width` coordinates are correlated by `r` with their partner.
fn correlated(n: usize, width: usize, pairs: usize, r: f64, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let x = normals(n * width, seed);
    let mut y = normals(n * width, seed + 77);
    for (i, y) in y.iter_mut().enumerate().filter(|(i, _)| i % width < pairs) {
        *y = r * x[i] + (1.0 - r * r).sqrt() * *y;
    }
    (x, y)
}

fn classes(n: usize, count: u32) -> Vec<u32> {
    (0..n as u32).map(|i| i % count).collect()
}

fn of_classes() -> Vec<Box<dyn Estimator>> {
    vec![
        Box::new(ProbeParams::default().check().unwrap()),
        Box::new(LatentParams::default().check().unwrap()),
        Box::new(InfoNceParams::default().check().unwrap()),
    ]
}

fn of_vectors() -> Vec<Box<dyn Estimator>> {
    vec![
        Box::new(LatentParams::default().check().unwrap()),
        Box::new(InfoNceParams::default().check().unwrap()),
        Box::new(
            SlicedParams {
                projections: 16,
                ..Default::default()
            }
            .check()
            .unwrap(),
        ),
    ]
}

fn value(estimator: &dyn Estimator, x: Samples<'_>, about: About<'_>) -> f64 {
    estimator
        .point(&Pair::new(x, about).unwrap(), 3)
        .unwrap()
        .value
}

/// Bumps of two widths anywhere in an image: one bit, which no pixel and no linear map shows.
#[test]
fn one_bit_in_many_dimensions_is_found() {
    let (n, side) = (700, 28);
    let classes = classes(n, 2);
    let labels = Labels::new(&classes).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let noise = normals(n * side * side, 5);
    let mut images = Vec::with_capacity(n * side * side);
    for &class in &classes {
        let place: [f64; 2] = [rng.random_range(0.2..0.8), rng.random_range(0.2..0.8)];
        let width = if class == 0 { 0.08 } else { 0.16 };
        for pixel in 0..side * side {
            let at = [pixel / side, pixel % side].map(|p| p as f64 / side as f64);
            let square = (at[0] - place[0]).powi(2) + (at[1] - place[1]).powi(2);
            let value = (-0.5 * square / (width * width)).exp();
            images.push(value + 0.1 * noise[images.len()]);
        }
    }
    for estimator in &of_classes()[..2] {
        let found = value(
            &**estimator,
            vectors(&images, side * side),
            About::Classes(&labels),
        );
        assert!((found - 1.0).abs() < 0.07, "{}: {found}", estimator.name());
    }
}

#[test]
fn class_information_nears_the_truth_from_below() {
    // Four classes at the corners of a square, in 10 dimensions; truth by quadrature of one
    // coordinate, twice: classes N(±1, 1) share 0.4861 bits.
    let n = 2_000;
    let classes = classes(n, 4);
    let labels = Labels::new(&classes).unwrap();
    let mut x = normals(n * 10, 1);
    for (row, class) in x.chunks_mut(10).zip(&classes) {
        row[0] += 2.0 * f64::from(class % 2) - 1.0;
        row[1] += 2.0 * f64::from(class / 2) - 1.0;
    }
    for (estimator, lost) in of_classes().iter().zip([0.06, 0.15, 0.25]) {
        let found = value(&**estimator, vectors(&x, 10), About::Classes(&labels));
        let truth = 2.0 * 0.4861;
        let name = estimator.name();
        assert!(
            found > truth - lost && found < truth + 0.05,
            "{name}: {found} of {truth}"
        );
    }
}

#[test]
fn nothing_is_found_where_there_is_nothing() {
    let n = 600;
    let (x, y) = correlated(n, 20, 0, 0.0, 9);
    let classes = classes(n, 5);
    let labels = Labels::new(&classes).unwrap();
    let about = [About::Classes(&labels), About::Vectors(vectors(&y, 20))];
    for (about, estimators) in about.into_iter().zip([of_classes(), of_vectors()]) {
        for estimator in estimators {
            let found = value(&*estimator, vectors(&x, 20), about);
            assert!(found.abs() < 0.08, "{}: {found}", estimator.name());
        }
    }
}

#[test]
fn vectors_that_share_little_of_much_are_found() {
    let (x, y) = correlated(3_000, 20, 2, 0.9, 2);
    let truth = -(1.0 - 0.81_f64).log2();
    for (estimator, lost) in of_vectors()[..2].iter().zip([0.5, 0.9]) {
        let found = value(
            &**estimator,
            vectors(&x, 20),
            About::Vectors(vectors(&y, 20)),
        );
        let name = estimator.name();
        assert!(
            found > truth - lost && found < truth + 0.05,
            "{name}: {found} of {truth}"
        );
    }
}

/// Of two dimensions each, projected to one, the correlation of the slices is r cos(a − b) for
/// angles a and b, and the information −½ log₂(1 − r² cos²): its mean by the trapezoid rule.
#[test]
fn sliced_information_of_normals_is_the_mean_over_angles() {
    let r: f64 = 0.95;
    let steps = 1_000;
    let truth = (0..steps)
        .map(|i| {
            let cosine = (std::f64::consts::TAU * f64::from(i) / f64::from(steps)).cos();
            -0.5 * (1.0 - (r * cosine).powi(2)).log2() / f64::from(steps)
        })
        .sum::<f64>();
    let (x, y) = correlated(2_000, 2, 2, r, 8);
    let sliced = SlicedParams {
        projections: 400,
        ..Default::default()
    }
    .check()
    .unwrap();
    let pair = Pair::new(vectors(&x, 2), About::Vectors(vectors(&y, 2))).unwrap();
    let found = sliced.point(&pair, 0).unwrap();
    let error = found.monte_carlo_error.unwrap();
    assert!(error > 0.01 && error < 0.05, "{error}");
    assert!(
        (found.value - truth).abs() < 3.0 * error + 0.02,
        "{} of {truth}",
        found.value
    );
}

#[test]
fn threads_do_not_change_the_bits_and_seeds_do() {
    let (x, y) = correlated(300, 5, 3, 0.8, 1);
    let classes = classes(300, 3);
    let labels = Labels::new(&classes).unwrap();
    let about = [About::Classes(&labels), About::Vectors(vectors(&y, 5))];
    for (about, estimators) in about.into_iter().zip([of_classes(), of_vectors()]) {
        for estimator in estimators {
            let pair = Pair::new(vectors(&x, 5), about).unwrap();
            let by = |threads: usize, seed: u64| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| estimator.point(&pair, seed).unwrap().value.to_bits())
            };
            assert_eq!(by(1, 5), by(3, 5), "{}", estimator.name());
        }
    }
    let sliced = of_vectors().remove(2);
    let pair = Pair::new(vectors(&x, 5), About::Vectors(vectors(&y, 5))).unwrap();
    assert_ne!(
        sliced.point(&pair, 1).unwrap().value,
        sliced.point(&pair, 2).unwrap().value
    );
}

#[test]
fn a_contrastive_bound_near_its_batch_is_flagged() {
    let x = normals(2_000, 4);
    let small = InfoNceParams {
        batch: 8,
        rounds: 30,
        ..Default::default()
    }
    .check()
    .unwrap();
    let pair = Pair::new(vectors(&x, 1), About::Vectors(vectors(&x, 1))).unwrap();
    let found = small.point(&pair, 0).unwrap();
    assert!(found.ceiling <= 3.0 && found.value > 2.0, "{}", found.value);
    assert!(found.value <= found.ceiling + 1e-9);
    // The ceiling hides the truth, which is infinite.
    assert_eq!(found.saturated, found.value >= 0.95 * found.ceiling);
}

#[test]
fn bad_cases_are_stated() {
    let (x, _) = correlated(60, 2, 0, 0.0, 1);
    let constant = vec![1.5; 120];
    let few = Resampling {
        subsamples: 3,
        permutations: 2,
        seed: 0,
    };
    let two = classes(60, 2);
    let labels = Labels::new(&two).unwrap();
    let one = Labels::new(&[7; 60]).unwrap();
    // A class of one sample, which some fold never trains on.
    let mut rare = two.clone();
    rare[5] = 9;
    let rare = Labels::new(&rare).unwrap();
    for estimator in of_classes() {
        let name = estimator.name();
        assert_eq!(
            value(&*estimator, vectors(&constant, 2), About::Classes(&labels)),
            0.0
        );
        assert!(
            value(&*estimator, vectors(&x, 2), About::Classes(&one)).abs() < 1e-6,
            "{name}"
        );
        assert!(
            value(&*estimator, vectors(&x, 2), About::Classes(&rare)).is_finite(),
            "{name}"
        );
        let pair = Pair::new(vectors(&x, 2), About::Classes(&labels)).unwrap();
        assert!(estimator.estimate(&pair, &few).unwrap().null.is_some());
    }
    let tiny = vectors(&x[..16], 2);
    for estimator in of_vectors() {
        let about = About::Vectors(vectors(&constant, 2));
        assert_eq!(value(&*estimator, vectors(&x, 2), about), 0.0);
        let identity = Pair::new(vectors(&x, 2), About::Identity).unwrap();
        assert!(estimator.point(&identity, 0).is_err());
        if estimator.name() == "infonce" {
            let pair = Pair::new(tiny, About::Vectors(tiny)).unwrap();
            assert!(
                estimator
                    .point(&pair, 0)
                    .unwrap_err()
                    .to_string()
                    .contains("too few")
            );
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
        SlicedParams {
            dimensions: 0,
            ..Default::default()
        }
        .check()
        .is_err()
    );
    assert!(
        InfoNceParams {
            weight_decay: f64::NAN,
            ..Default::default()
        }
        .check()
        .is_err()
    );
}

/// Halves of the held-out terms stand for fits on other samples: the interval must be about as wide as
/// the scatter of estimates on fresh draws.
#[test]
fn the_interval_of_probe_is_as_wide_as_its_scatter() {
    let (n, repetitions) = (400, 24);
    let classes = classes(n, 4);
    let labels = Labels::new(&classes).unwrap();
    let resampling = Resampling {
        subsamples: 40,
        permutations: 0,
        seed: 1,
    };
    let estimator = ProbeParams::default().check().unwrap();
    let (mut values, mut half_widths) = (Vec::new(), 0.0);
    for seed in 0..repetitions {
        let mut x = normals(n * 3, 100 + seed);
        for (row, class) in x.chunks_mut(3).zip(&classes) {
            row[0] += 1.5 * f64::from(class % 2);
            row[1] += 1.5 * f64::from(class / 2);
        }
        let pair = Pair::new(vectors(&x, 3), About::Classes(&labels)).unwrap();
        let found = estimator.estimate(&pair, &resampling).unwrap();
        assert_eq!(found.value, estimator.point(&pair, 1).unwrap().value);
        half_widths += 0.5 * (found.ci[1] - found.ci[0]) / repetitions as f64;
        values.push(found.value);
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let deviation = (square / (values.len() - 1) as f64).sqrt();
    let ratio = half_widths / (1.96 * deviation);
    assert!((0.6..1.7).contains(&ratio), "{ratio}");
}
