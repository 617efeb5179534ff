//! What must hold of `gaussian-channel` on any input.

mod common;

use common::{assert_near, labels, samples};
use infoplane_estimators::tasks::GaussianClusters;
use infoplane_estimators::{
    EstimatorError, GaussianChannel, GaussianChannelParams, Information, InformationEstimator,
};
use proptest::prelude::*;

fn channel(change: impl FnOnce(&mut GaussianChannelParams)) -> GaussianChannel {
    let mut params = GaussianChannelParams {
        tau: 0.4,
        subsamples: 20,
        permutations: 20,
        ..Default::default()
    };
    change(&mut params);
    params.check().unwrap()
}

fn estimate(vectors: &[f32], width: usize, classes: &[u32]) -> Information {
    channel(|_| {})
        .information(samples(vectors, width), Some(&labels(classes)))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Data processing: what the noisy vectors tell about the class, they tell about the input. With
    /// the own center in the mixture both are informations of true channels, so it holds exactly, up
    /// to the Monte Carlo error of their difference.
    #[test]
    fn label_information_is_at_most_input_information(
        seed in 0_u64..1_000,
        n_classes in 2_usize..12,
        spread in 0.0_f64..4.0,
        tau in 0.05_f64..1.5,
    ) {
        let (vectors, classes) = GaussianClusters::new(n_classes, 4, spread, seed).sample(15, seed + 1);
        let found = channel(|p| p.tau = tau)
            .information(samples(&vectors, 4), Some(&labels(&classes)))
            .unwrap();
        let label = found.label.unwrap();
        let own_difference = found.input.bracket[0] - label.bracket[1];
        prop_assert!(own_difference > -0.1 - label.bracket_width().min(0.0), "{own_difference}");
        // Never above log₂ N but for the control variate, whose mean over the draws is not quite 0.
        let excess = found.input.bracket[0] - found.input.ceiling;
        prop_assert!(excess <= 1e-9 + 4.0 * found.input.monte_carlo_error, "{excess}: {:?}", found.input.bracket);
    }

    #[test]
    fn translation_and_scale_change_nothing(
        seed in 0_u64..1_000,
        shift in -8_i32..8,
        exponent in -40_i32..40,
    ) {
        let (vectors, classes) = GaussianClusters::new(3, 3, 1.0, seed).sample(20, seed + 1);
        // On a grid of 2⁻¹⁰, so that shift and scale round nothing.
        let grid: Vec<f32> = vectors.iter().map(|v| (v * 1024.0).round() / 1024.0).collect();
        let moved: Vec<f32> = grid
            .iter()
            .map(|v| (v + shift as f32) * 2.0_f32.powi(exponent))
            .collect();
        let (before, after) = (estimate(&grid, 3, &classes), estimate(&moved, 3, &classes));
        prop_assert!((before.input.value - after.input.value).abs() < 1e-9);
        prop_assert!((before.label.unwrap().value - after.label.unwrap().value).abs() < 1e-9);
    }
}

#[test]
fn sample_order_matters_within_the_monte_carlo_error_only() {
    let (vectors, classes) = GaussianClusters::new(5, 6, 1.0, 1).sample(100, 2);
    let reversed: Vec<f32> = vectors.rchunks_exact(6).flatten().copied().collect();
    let reversed_classes: Vec<u32> = classes.iter().rev().copied().collect();
    let (first, second) = (
        estimate(&vectors, 6, &classes),
        estimate(&reversed, 6, &reversed_classes),
    );
    let allowed = 5.0 * first.input.monte_carlo_error;
    assert_near("I(X;C)", second.input.value, first.input.value, allowed);
    let (first, second) = (first.label.unwrap(), second.label.unwrap());
    assert_near(
        "I(C;Y)",
        second.value,
        first.value,
        5.0 * first.monte_carlo_error,
    );
}

#[test]
fn rotation_matters_within_the_monte_carlo_error_only() {
    let (vectors, classes) = GaussianClusters::new(5, 2, 1.5, 1).sample(100, 2);
    let (sin, cos) = 0.7_f32.sin_cos();
    let rotated: Vec<f32> = vectors
        .chunks_exact(2)
        .flat_map(|v| [cos * v[0] - sin * v[1], sin * v[0] + cos * v[1]])
        .collect();
    let (first, second) = (
        estimate(&vectors, 2, &classes),
        estimate(&rotated, 2, &classes),
    );
    let allowed = 5.0 * first.input.monte_carlo_error;
    assert_near("I(X;C)", second.input.value, first.input.value, allowed);
}

#[test]
fn dropping_components_without_variance_changes_nothing_but_the_noise_draws() {
    let (vectors, classes) = GaussianClusters::new(4, 3, 1.5, 7).sample(100, 8);
    // The three coordinates spread over 90, with 100 samples of 90 and 400 of 450.
    let wide = |copies: usize| -> Vec<f32> {
        vectors
            .chunks_exact(3)
            .flat_map(|v| v.iter().copied().cycle().take(3 * copies))
            .collect()
    };
    let narrow = estimate(&vectors, 3, &classes);
    for copies in [30, 150] {
        let found = estimate(&wide(copies), 3 * copies, &classes);
        assert_eq!(found.dimensions, 64);
        assert_near("variance kept", found.variance_kept, 1.0, 1e-9);
        let allowed = 6.0 * narrow.input.monte_carlo_error;
        assert_near("I(X;C)", found.input.value, narrow.input.value, allowed);
    }
}

#[test]
fn threads_change_no_bit() {
    let (vectors, classes) = GaussianClusters::new(7, 5, 1.0, 3).sample(40, 4);
    let by_threads: Vec<Information> = [1, 2, 5]
        .map(|threads| {
            channel(|p| p.threads = threads)
                .information(samples(&vectors, 5), Some(&labels(&classes)))
                .unwrap()
        })
        .into();
    assert_eq!(by_threads[0], by_threads[1]);
    assert_eq!(by_threads[0], by_threads[2]);
}

#[test]
fn sweep_and_estimate_agree() {
    let (vectors, classes) = GaussianClusters::new(4, 5, 1.0, 3).sample(40, 4);
    let estimator = channel(|_| {});
    let layer = estimator
        .prepare(samples(&vectors, 5), Some(&labels(&classes)))
        .unwrap();
    let points = estimator.sweep(&layer, &[0.2, 0.4, 0.8]).unwrap();
    let found = estimator.estimate(&layer, 0.4).unwrap();
    assert_eq!(points[1].input, found.input.value);
    assert_eq!(points[1].label.unwrap().value, found.label.unwrap().value);
    assert!(points[0].input > points[1].input && points[1].input > points[2].input);
}

#[test]
fn constant_vectors_carry_nothing() {
    let vectors = vec![0.1_f32; 60];
    let classes: Vec<u32> = (0..20).map(|i| i % 2).collect();
    let found = estimate(&vectors, 3, &classes);
    assert_eq!(found.input.value, 0.0);
    assert_eq!(found.input.ci, [0.0, 0.0]);
    let label = found.label.unwrap();
    assert_eq!((label.value, label.saturated), (0.0, false));
    assert_eq!(label.null.unwrap().p_value, 1.0);
    assert_eq!(found.dimensions, 0);
}

#[test]
fn one_class_has_no_information_to_give() {
    let (vectors, _) = GaussianClusters::new(1, 3, 1.0, 3).sample(40, 4);
    let label = estimate(&vectors, 3, &[4; 40]).label.unwrap();
    assert_near("I(C;Y)", label.value, 0.0, 1e-9);
    assert_eq!((label.ceiling, label.saturated), (0.0, false));
}

#[test]
fn lone_samples_stay_out_of_the_label_information() {
    let (mut vectors, mut classes) = GaussianClusters::new(2, 2, 5.0, 3).sample(50, 4);
    let before = estimate(&vectors, 2, &classes).label.unwrap();
    vectors.extend([0.0, 0.0]);
    classes.push(9);
    let found = estimate(&vectors, 2, &classes);
    assert_eq!(found.n_lone, 1);
    let label = found.label.unwrap();
    assert!(label.value.is_finite() && label.ci[0].is_finite());
    assert_near("I(C;Y)", label.value, before.value, 0.05);

    let all_alone: Vec<u32> = (0..101).collect();
    assert!(estimate(&vectors, 2, &all_alone).label.is_none());
}

#[test]
fn duplicates_and_outliers_give_finite_figures() {
    let mut vectors: Vec<f32> = (0..40).map(|i| (i % 4) as f32).collect();
    vectors[0] = 1e9;
    let classes: Vec<u32> = (0..40).map(|i| i % 2).collect();
    let found = channel(|p| p.tau = 0.001)
        .information(samples(&vectors, 1), Some(&labels(&classes)))
        .unwrap();
    assert!(found.input.value.is_finite() && found.input.ci[1].is_finite());
    assert!(found.input.is_flagged());
}

#[test]
fn bad_parameters_are_refused_by_name() {
    let refused = |change: fn(&mut GaussianChannelParams)| {
        let mut params = GaussianChannelParams::default();
        change(&mut params);
        match params.check().unwrap_err() {
            EstimatorError::Parameter { name, .. } => name,
            other => panic!("{other}"),
        }
    };
    assert_eq!(refused(|p| p.tau = 0.0), "tau");
    assert_eq!(refused(|p| p.tau = f64::NAN), "tau");
    assert_eq!(refused(|p| p.draws = 5), "draws");
    assert_eq!(refused(|p| p.max_components = 0), "max_components");
    assert_eq!(refused(|p| p.subsamples = 3), "subsamples");
    let (vectors, _) = GaussianClusters::new(1, 3, 1.0, 3).sample(40, 4);
    assert_eq!(
        channel(|_| {}).information(samples(&vectors, 3), Some(&labels(&[1; 39]))),
        Err(EstimatorError::LabelCount {
            labels: 39,
            samples: 40
        })
    );
}
