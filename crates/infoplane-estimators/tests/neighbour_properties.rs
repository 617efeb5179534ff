//! What must hold of the estimators by neighbours: known truth, symmetry, invariance, and a stated
//! treatment of bad cases.
#![allow(missing_docs)]

use infoplane_estimators::{
    About, Estimator, EstimatorError, GaoParams, Ksg1Params, Ksg2Params, Labels, Pair, Point,
    Resampling, RossParams, Samples,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const NAT: f64 = std::f64::consts::LOG2_E;

fn normals(count: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| StandardNormal.sample(&mut rng))
        .collect()
}

/// Pairs of `width` coordinates, each correlated by `r` with its partner.
fn correlated(n: usize, width: usize, r: f64, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let x = normals(n * width, seed);
    let noise = normals(n * width, seed + 1_000_003);
    let y = x
        .iter()
        .zip(noise)
        .map(|(x, e)| r * x + (1.0 - r * r).sqrt() * e)
        .collect();
    (x, y)
}

fn vectors(data: &[f64], width: usize) -> Samples<'_> {
    Samples::from_f64(data, data.len() / width, width).unwrap()
}

fn of_vectors() -> Vec<Box<dyn Estimator>> {
    vec![
        Box::new(Ksg1Params::default().check().unwrap()),
        Box::new(Ksg2Params::default().check().unwrap()),
        Box::new(GaoParams::default().check().unwrap()),
    ]
}

fn of_classes() -> Vec<Box<dyn Estimator>> {
    vec![
        Box::new(RossParams::default().check().unwrap()),
        Box::new(GaoParams::default().check().unwrap()),
    ]
}

fn point(estimator: &dyn Estimator, x: Samples<'_>, y: Samples<'_>) -> Point {
    let pair = Pair::new(x, About::Vectors(y)).unwrap();
    estimator.point(&pair, 0).unwrap()
}

fn point_of_classes(estimator: &dyn Estimator, x: Samples<'_>, classes: &[u32]) -> Point {
    let labels = Labels::new(classes).unwrap();
    estimator
        .point(&Pair::new(x, About::Classes(&labels)).unwrap(), 0)
        .unwrap()
}

#[test]
fn correlated_normals_have_their_closed_form() {
    for (width, r) in [(1, 0.75_f64), (1, 0.95), (2, 0.8), (3, 0.6)] {
        let truth = -0.5 * width as f64 * (1.0 - r * r).ln();
        for estimator in of_vectors() {
            let errors = (0..5).map(|seed| {
                let (x, y) = correlated(4_000, width, r, seed);
                point(&*estimator, vectors(&x, width), vectors(&y, width)).value / NAT - truth
            });
            let error = errors.sum::<f64>() / 5.0;
            let name = estimator.name();
            // ksg2's rectangles and gao's larger k lose more in six dimensions.
            let tolerance = if width == 3 { 0.05 } else { 0.03 };
            assert!(
                error.abs() < tolerance,
                "{name}, {width}, {r}: {error:.4} nats of {truth:.4}"
            );
        }
    }
}

#[test]
fn classes_of_normals_have_the_truth_of_quadrature() {
    // Two classes N(±1, 1): I(X;Y) by the trapezoid rule.
    let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let truth: f64 = (-1000..=1000)
        .map(|i| {
            let x = f64::from(i) / 100.0;
            let (a, b) = (density(x - 1.0), density(x + 1.0));
            let mean = 0.5 * (a + b);
            let term = |p: f64| {
                if p > 0.0 {
                    0.5 * p * (p / mean).ln()
                } else {
                    0.0
                }
            };
            (term(a) + term(b)) / 100.0
        })
        .sum();
    for estimator in of_classes() {
        let errors = (0..5).map(|seed| {
            let classes: Vec<u32> = (0..4_000).map(|i| i % 2).collect();
            let x: Vec<f64> = normals(4_000, seed)
                .iter()
                .zip(&classes)
                .map(|(z, &c)| z + 2.0 * f64::from(c) - 1.0)
                .collect();
            point_of_classes(&*estimator, vectors(&x, 1), &classes).value / NAT - truth
        });
        let error = errors.sum::<f64>() / 5.0;
        assert!(
            error.abs() < 0.01,
            "{}: {error:.4} of {truth:.4}",
            estimator.name()
        );
    }
}

/// Gao et al.'s task: y = 0 with probability 0.15, else Poisson of an exponential x.
///
/// The truth is taken by quadrature. The closed form that is given with the task,
/// 0.85 (2 ln 2 − γ − Σ ln i / 2^i) = 0.2560 nats, is what one knows who sees which zeros are inflated,
/// and only bounds I(X;Y) from above.
#[test]
fn zero_inflated_poisson_has_its_truth() {
    let inflation = 0.15;
    let steps = 20_000;
    let truth: f64 = (0..steps)
        .map(|step| {
            let width = 40.0 / f64::from(steps);
            let mean = (f64::from(step) + 0.5) * width;
            let mut poisson = (-mean).exp();
            let mut sum = 0.0;
            for events in 0..80 {
                let inflated = if events == 0 { inflation } else { 0.0 };
                let given_x = inflated + (1.0 - inflation) * poisson;
                let overall = inflated + (1.0 - inflation) * 0.5_f64.powi(events + 1);
                if given_x > 0.0 {
                    sum += given_x * (given_x / overall).ln();
                }
                poisson *= mean / f64::from(events + 1);
            }
            sum * (-mean).exp() * width
        })
        .sum();
    assert!((truth - 0.2298).abs() < 1e-3, "{truth}");
    let gao = GaoParams::default().check().unwrap();
    let errors = (0..5).map(|seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let x: Vec<f64> = (0..4_000)
            .map(|_| -(1.0 - rng.random::<f64>()).ln())
            .collect();
        let y: Vec<f64> = x
            .iter()
            .map(|&mean| {
                if rng.random::<f64>() < 0.15 {
                    return 0.0;
                }
                let mut product = rng.random::<f64>();
                let mut events = 0.0;
                while product > (-mean).exp() {
                    product *= rng.random::<f64>();
                    events += 1.0;
                }
                events
            })
            .collect();
        point(&gao, vectors(&x, 1), vectors(&y, 1)).value / NAT - truth
    });
    let error = errors.sum::<f64>() / 5.0;
    assert!(error.abs() < 0.02, "{error:.4}");
}

#[test]
fn entropy_of_a_normal_is_its_closed_form_at_any_scale() {
    for (width, scale, tolerance) in [(1, 1.0, 0.02), (2, 1e-3, 0.03), (4, 50.0, 0.06)] {
        let x: Vec<f64> = normals(8_000 * width, 5)
            .iter()
            .map(|z| z * scale)
            .collect();
        let unit = 0.5 * (std::f64::consts::TAU * std::f64::consts::E).ln();
        let truth = width as f64 * (unit + f64::ln(scale));
        for estimator in [&of_vectors()[0], &of_classes()[0]] {
            let found = estimator.entropy(vectors(&x, width), 0).unwrap() / NAT;
            assert!(
                (found - truth).abs() < tolerance,
                "{width}: {found} of {truth}"
            );
        }
    }
}

#[test]
fn sides_can_be_exchanged() {
    let (x, y) = correlated(500, 2, 0.7, 3);
    for estimator in of_vectors() {
        let [there, back] = [(&x, &y), (&y, &x)]
            .map(|(a, b)| point(&*estimator, vectors(a, 2), vectors(b, 2)).value);
        assert_eq!(there, back, "{}", estimator.name());
    }
}

#[test]
fn order_shift_and_scale_of_columns_change_nothing() {
    // On a grid, so that shift and scale round nothing.
    let grid = |v: Vec<f64>| -> Vec<f64> {
        v.iter()
            .map(|v| (v * f64::from(1 << 20)).round() / f64::from(1 << 20))
            .collect()
    };
    let (x, y) = correlated(400, 2, 0.7, 8);
    let (x, y) = (grid(x), grid(y));
    let classes: Vec<u32> = x.chunks(2).map(|v| u32::from(v[0] > 0.3)).collect();
    let order: Vec<usize> = (0..400).map(|i| i * 7 % 400).collect();
    let shuffle = |v: &[f64]| -> Vec<f64> {
        order
            .iter()
            .flat_map(|&i| [v[2 * i], v[2 * i + 1]])
            .collect()
    };
    let changed = |v: &[f64]| -> Vec<f64> {
        shuffle(v)
            .chunks(2)
            .flat_map(|v| [v[0] * 8.0 - 16.0, v[1] / 1024.0 + 2.0])
            .collect()
    };
    for estimator in of_vectors() {
        let plain = point(&*estimator, vectors(&x, 2), vectors(&y, 2));
        let shuffled = point(
            &*estimator,
            vectors(&shuffle(&x), 2),
            vectors(&shuffle(&y), 2),
        );
        assert_eq!(plain.value, shuffled.value);
        let changed = point(
            &*estimator,
            vectors(&changed(&x), 2),
            vectors(&shuffle(&y), 2),
        );
        assert!(
            (plain.value - changed.value).abs() < 1e-9,
            "{}",
            estimator.name()
        );
    }
    for estimator in of_classes() {
        let plain = point_of_classes(&*estimator, vectors(&x, 2), &classes);
        let renamed: Vec<u32> = order.iter().map(|&i| 90 - 4 * classes[i]).collect();
        let changed = point_of_classes(&*estimator, vectors(&changed(&x), 2), &renamed);
        assert!(
            (plain.value - changed.value).abs() < 1e-9,
            "{}",
            estimator.name()
        );
    }
}

#[test]
fn threads_do_not_change_the_bits() {
    let (x, y) = correlated(700, 3, 0.5, 1);
    for estimator in of_vectors() {
        let values = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let found = pool.install(|| {
                let pair = Pair::new(vectors(&x, 3), About::Vectors(vectors(&y, 3))).unwrap();
                let few = Resampling {
                    subsamples: 5,
                    permutations: 5,
                    seed: 1,
                };
                estimator.estimate(&pair, &few).unwrap()
            });
            (found.value, found.ci, found.subsamples)
        });
        assert_eq!(values[0], values[1]);
    }
}

#[test]
fn independence_lies_within_the_interval() {
    let (x, y) = correlated(600, 2, 0.0, 21);
    let few = Resampling {
        subsamples: 20,
        permutations: 19,
        seed: 0,
    };
    for estimator in of_vectors() {
        let pair = Pair::new(vectors(&x, 2), About::Vectors(vectors(&y, 2))).unwrap();
        let found = estimator.estimate(&pair, &few).unwrap();
        assert!(
            found.ci[0] < 0.0 && found.ci[1] > 0.0,
            "{}: {:?}",
            estimator.name(),
            found.ci
        );
        assert!(found.null.unwrap().p_value > 0.05);
        assert!(!found.saturated);
    }
    let classes: Vec<u32> = (0..600).map(|i| i % 3).collect();
    let labels = Labels::new(&classes).unwrap();
    for estimator in of_classes() {
        let pair = Pair::new(vectors(&x, 2), About::Classes(&labels)).unwrap();
        let found = estimator.estimate(&pair, &few).unwrap();
        assert!(
            found.ci[0] < 0.0 && found.ci[1] > 0.0,
            "{}: {:?}",
            estimator.name(),
            found.ci
        );
    }
}

#[test]
fn identical_sides_reach_the_ceiling_and_deterministic_maps_are_flagged() {
    let x = normals(1_000, 2);
    for estimator in of_vectors() {
        assert!(point(&*estimator, vectors(&x, 1), vectors(&x, 1)).value > 6.0);
    }
    let map: Vec<f64> = x.iter().map(|x| x.powi(3) - x).collect();
    let wide = normals(400 * 30, 3);
    let wide_map: Vec<f64> = wide.iter().map(|x| x.tanh()).collect();
    let few = Resampling {
        subsamples: 10,
        permutations: 0,
        seed: 0,
    };
    for estimator in of_vectors() {
        for (a, b, width) in [(&x, &x, 1), (&x, &map, 1), (&wide, &wide_map, 30)] {
            let pair = Pair::new(vectors(a, width), About::Vectors(vectors(b, width))).unwrap();
            let found = estimator.estimate(&pair, &few).unwrap();
            assert!(
                found.saturated,
                "{}, {width}: {}",
                estimator.name(),
                found.value
            );
        }
        let (x, y) = correlated(1_000, 1, 0.9, 4);
        let pair = Pair::new(vectors(&x, 1), About::Vectors(vectors(&y, 1))).unwrap();
        assert!(!estimator.estimate(&pair, &few).unwrap().saturated);
    }
}

#[test]
fn constant_sides_carry_nothing_and_constant_columns_change_nothing() {
    let (x, y) = correlated(300, 1, 0.8, 6);
    let beside: Vec<f64> = x.iter().flat_map(|&x| [x, 7.0]).collect();
    let constant = vec![3.5; 300];
    for estimator in of_vectors() {
        assert_eq!(
            point(&*estimator, vectors(&constant, 1), vectors(&y, 1)).value,
            0.0
        );
        let with = point(&*estimator, vectors(&beside, 2), vectors(&y, 1));
        assert_eq!(
            with.value,
            point(&*estimator, vectors(&x, 1), vectors(&y, 1)).value
        );
        assert_eq!(with.chosen["constant_columns_first"], 1);
    }
    let classes: Vec<u32> = (0..300).map(|i| i % 3).collect();
    for estimator in of_classes() {
        assert_eq!(
            point_of_classes(&*estimator, vectors(&constant, 1), &classes).value,
            0.0
        );
        let one = point_of_classes(&*estimator, vectors(&x, 1), &[4; 300]);
        assert!(one.value.abs() < 1e-12 && !one.saturated, "{}", one.value);
    }
}

#[test]
fn copies_are_counted_as_atoms_and_reported() {
    // Four equally likely places, of which y tells one bit.
    let x: Vec<f64> = (0..400).map(|i| f64::from(i % 4)).collect();
    let y: Vec<f64> = x.iter().map(|x| (x / 2.0).floor()).collect();
    for estimator in of_vectors() {
        let found = point(&*estimator, vectors(&x, 1), vectors(&y, 1));
        assert!(
            (found.value - 1.0).abs() < 0.02,
            "{}: {}",
            estimator.name(),
            found.value
        );
        assert_eq!(found.chosen["tied"], 1.0);
        assert_eq!(found.chosen["repeated_first"], 0.99);
    }
    let classes: Vec<u32> = y.iter().map(|&y| y as u32).collect();
    for estimator in of_classes() {
        let found = point_of_classes(&*estimator, vectors(&x, 1), &classes);
        assert!(
            (found.value - 1.0).abs() < 0.02,
            "{}: {}",
            estimator.name(),
            found.value
        );
        assert_eq!(found.chosen["tied"], 1.0);
    }
}

#[test]
fn what_has_no_answer_is_refused_with_a_reason() {
    let (x, y) = correlated(10, 1, 0.5, 1);
    let pair = Pair::new(vectors(&x, 1), About::Vectors(vectors(&y, 1))).unwrap();
    let large = Ksg1Params {
        k: 10,
        ..Default::default()
    }
    .check()
    .unwrap();
    let refused = EstimatorError::TooFewSamples {
        found: 10,
        minimum: 11,
    };
    assert_eq!(large.point(&pair, 0).unwrap_err(), refused);
    assert!(
        Ksg2Params {
            k: 0,
            ..Default::default()
        }
        .check()
        .is_err()
    );
    let identity = Pair::new(vectors(&x, 1), About::Identity).unwrap();
    for estimator in of_vectors().iter().chain(&of_classes()) {
        let message = estimator.point(&identity, 0).unwrap_err().to_string();
        assert!(
            message.contains("infinite") && message.contains("gaussian-channel"),
            "{message}"
        );
    }
    let alone = Labels::new(&(0..10).collect::<Vec<u32>>()).unwrap();
    let lone = Pair::new(vectors(&x, 1), About::Classes(&alone)).unwrap();
    for estimator in of_classes() {
        assert_eq!(
            estimator.point(&lone, 0).unwrap_err(),
            EstimatorError::LoneClasses {
                classes: 10,
                samples: 10
            }
        );
    }
}

/// `cargo test --release -p infoplane-estimators --test neighbour_properties -- --ignored`
#[test]
#[ignore = "half a minute in release"]
fn mean_absolute_error_at_ten_thousand_samples_is_below_a_twentieth_of_a_nat() {
    let mut worst: Vec<(f64, String)> = Vec::new();
    for (width, truth) in [
        (1, 0.4133),
        (1, 2.0),
        (2, 1.0217),
        (2, 2.0),
        (3, 0.5),
        (3, 2.0),
    ] {
        let r = (1.0 - (-2.0 * truth / width as f64).exp()).sqrt();
        for estimator in of_vectors() {
            let errors = (0..10).map(|seed| {
                let (x, y) = correlated(10_000, width, r, 100 + seed);
                let found = point(&*estimator, vectors(&x, width), vectors(&y, width)).value / NAT;
                (found - truth).abs()
            });
            let error = errors.sum::<f64>() / 10.0;
            println!(
                "{} {width} + {width}, {truth} nats: {error:.4}",
                estimator.name()
            );
            worst.push((error, format!("{} {width} {truth}", estimator.name())));
        }
    }
    for (error, case) in worst.iter().filter(|(_, case)| case.starts_with("ksg1")) {
        assert!(*error <= 0.05, "{case}: {error}");
    }
}

#[test]
#[ignore = "a minute in release"]
fn intervals_cover_the_truth() {
    let resampling = Resampling {
        permutations: 0,
        ..Default::default()
    };
    for (width, r) in [(1, 0.0), (1, 0.75_f64), (2, 0.6)] {
        let truth = -0.5 * width as f64 * (1.0 - r * r).log2();
        for estimator in of_vectors() {
            let covered = (0..200).filter(|&seed| {
                let (x, y) = correlated(500, width, r, 1000 + seed);
                let about = About::Vectors(vectors(&y, width));
                let pair = Pair::new(vectors(&x, width), about).unwrap();
                let found = estimator.estimate(&pair, &resampling).unwrap();
                found.ci[0] <= truth && truth <= found.ci[1]
            });
            let covered = covered.count();
            println!(
                "{} {width} + {width}, r {r}: {covered} of 200",
                estimator.name()
            );
            assert!(
                (176..=198).contains(&covered),
                "{}: {covered}",
                estimator.name()
            );
        }
    }
    // Two classes N(±1, 1): 0.4861 bits.
    for estimator in of_classes() {
        let covered = (0..200).filter(|&seed| {
            let classes: Vec<u32> = (0..500).map(|i| i % 2).collect();
            let labels = Labels::new(&classes).unwrap();
            let mut x = normals(500, 5000 + seed);
            for (x, &class) in x.iter_mut().zip(&classes) {
                *x += 2.0 * f64::from(class) - 1.0;
            }
            let pair = Pair::new(vectors(&x, 1), About::Classes(&labels)).unwrap();
            let found = estimator.estimate(&pair, &resampling).unwrap();
            found.ci[0] <= 0.4861 && 0.4861 <= found.ci[1]
        });
        let covered = covered.count();
        println!("{} two classes: {covered} of 200", estimator.name());
        assert!(
            (176..=198).contains(&covered),
            "{}: {covered}",
            estimator.name()
        );
    }
}
