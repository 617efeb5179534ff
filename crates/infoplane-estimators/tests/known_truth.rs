//! `gaussian-channel` on tasks of known truth: closed forms, and the table of Gaussian class clusters.

mod common;

use common::{assert_near, covers, labels, samples, total_variance};
use infoplane_estimators::tasks::{GaussianClusters, GaussianVectors};
use infoplane_estimators::{GaussianChannel, GaussianChannelParams, InformationEstimator};

fn channel(tau: f64, seed: u64) -> GaussianChannel {
    GaussianChannelParams {
        tau,
        seed,
        ..Default::default()
    }
    .check()
    .unwrap()
}

#[test]
fn gaussian_vectors_pass_half_the_log_determinant() {
    let tasks = [
        (vec![1.0], 0.1, 0.02),
        (vec![2.0, 0.5], 0.2, 0.03),
        (vec![1.0, 1.0, 1.0, 0.3, 0.1], 0.5, 0.05),
        (vec![0.05; 20], 0.7, 0.05),
    ];
    for (variances, tau, tolerance) in tasks {
        let task = GaussianVectors { variances };
        let width = task.variances.len();
        let vectors = task.sample(3_000, 11);
        let noise_variance = tau * tau * total_variance(&vectors, width);
        let truth = task.channel_information(noise_variance);
        let found = channel(tau, 0)
            .information(samples(&vectors, width), None)
            .unwrap();
        assert_near(
            &format!("{width}-d, τ {tau}"),
            found.input.value,
            truth,
            tolerance,
        );
        assert!(!found.input.saturated && !found.input.is_flagged());
    }
}

/// One row of the table.
struct ClusterRow {
    n_classes: usize,
    per_class: usize,
    tau: f64,
    spread: f64,
    published: [f64; 3],
    /// Largest error of the middle; `None` where the bracket must refuse the figure.
    middle_within: f64,
}

/// Class means have a spread of 0.5 in each of 20 coordinates, vectors of a class one of 1. The
/// published figures come from other draws of means and vectors, whose scatter is about 0.06. The
/// truth is that of the true densities of the draw at hand; at τ 0.3 it is below the published one,
/// which is itself an estimate from 9,000 samples and reads up to 0.1 too high.
#[test]
fn gaussian_class_clusters_reproduce_the_published_table() {
    let row = |n_classes, per_class, tau, spread, published, middle_within| ClusterRow {
        n_classes,
        per_class,
        tau,
        spread,
        published,
        middle_within,
    };
    let rows = [
        row(10, 90, 0.3, 0.5, [1.434, 0.363, 0.899], 0.09),
        row(50, 18, 0.5, 0.5, [0.830, 0.127, 0.479], 0.06),
        row(150, 6, 0.5, 0.5, [1.257, -0.337, 0.460], 0.06),
        row(150, 6, 0.5, 0.0, [1.063, -1.109, -0.023], 0.06),
        row(100, 50, 0.3, 0.5, [2.155, 0.149, 1.152], 0.13),
        row(100, 50, 0.3, 0.0, [1.713, -1.383, 0.165], 0.2),
        row(150, 6, 0.3, 0.5, [3.657, -2.008, 0.824], 0.4),
    ];
    println!("classes × samples, τ: truth, own center, left out, middle");
    for row in rows {
        let mut mean = [0.0; 4];
        for draw in 0..3 {
            let task = GaussianClusters::new(row.n_classes, 20, row.spread, 100 + draw);
            let (vectors, classes) = task.sample(row.per_class, 200 + draw);
            let estimator = channel(row.tau, draw);
            let layer = estimator
                .prepare(samples(&vectors, 20), Some(&labels(&classes)))
                .unwrap();
            let point = estimator.sweep(&layer, &[row.tau]).unwrap()[0];
            let label = point.label.unwrap();
            let noise_variance = row.tau * row.tau * total_variance(&vectors, 20);
            let truth = task.label_information(noise_variance, 9_000, 300 + draw);
            let [left_out, own] = label.bracket;
            for (sum, value) in mean.iter_mut().zip([truth, own, left_out, label.value]) {
                *sum += value / 3.0;
            }
        }
        let name = format!(
            "{} × {}, τ {}, spread {}",
            row.n_classes, row.per_class, row.tau, row.spread
        );
        let [truth, own, left_out, middle] = mean;
        println!("{name}: {truth:.3} {own:.3} {left_out:.3} {middle:.3}");
        for (what, found, published) in [
            ("own center", own, row.published[0]),
            ("left out", left_out, row.published[1]),
            ("middle", middle, row.published[2]),
        ] {
            assert_near(&format!("{name}, {what}"), found, published, 0.1);
        }
        assert_near(&format!("{name}, middle"), middle, truth, row.middle_within);
        assert!(left_out <= truth && truth <= own, "{name}");
    }
}

#[test]
fn clusters_far_apart_tell_their_class_and_nothing_else() {
    let (per_class, n_classes) = (50, 8);
    let mut vectors = Vec::new();
    let mut classes = Vec::new();
    for i in 0..per_class * n_classes {
        let class = i % n_classes;
        let mut vector = [0.0_f32; 8];
        vector[class] = 1.0;
        vectors.extend(vector);
        classes.push(class as u32);
    }
    let found = channel(0.05, 0)
        .information(samples(&vectors, 8), Some(&labels(&classes)))
        .unwrap();
    let label = found.label.unwrap();
    assert_near("own center: H(Y)", label.bracket[0], 3.0, 1e-9);
    // Left out, each class has one center less: log₂ (399/49).
    assert_near(
        "left out",
        label.bracket[1],
        (399.0_f64 / 49.0).log2(),
        1e-9,
    );
    assert_near("I(X;C) is I(C;Y)", found.input.value, label.value, 1e-9);
    assert!(
        !label.saturated,
        "both ends lie at H(Y): the class is resolved"
    );
    assert!(label.null.unwrap().p_value < 0.02);
}

#[test]
fn independent_labels_stay_within_their_null() {
    let task = GaussianVectors {
        variances: vec![1.0; 5],
    };
    let vectors = task.sample(600, 5);
    let classes: Vec<u32> = (0..600).map(|i| i % 10).collect();
    let found = channel(0.5, 3)
        .information(samples(&vectors, 5), Some(&labels(&classes)))
        .unwrap();
    let label = found.label.unwrap();
    let null = label.null.unwrap();
    assert_near("null", null.mean, 0.0, 0.02);
    assert!(null.p_value > 0.05 && label.value < null.p95, "{label:?}");
    assert!(covers(&label, 0.0), "{label:?}");
}

#[test]
fn more_dimensions_than_samples_saturate_at_a_fine_resolution() {
    let task = GaussianVectors {
        variances: vec![1.0; 300],
    };
    let vectors = task.sample(100, 5);
    let found = channel(0.05, 0)
        .information(samples(&vectors, 300), None)
        .unwrap();
    assert!(found.input.saturated && found.input.is_flagged());
    assert!(found.input.bracket[0] <= found.input.ceiling + 1e-9);
    assert_eq!(found.dimensions, 64);
    assert!(
        (0.64..1.0).contains(&found.variance_kept),
        "{}",
        found.variance_kept
    );
}

/// Coverage of the nominal 95 % interval where the truth is known.
#[test]
fn intervals_cover_the_truth() {
    let repetitions = 100;
    let input_task = GaussianVectors {
        variances: vec![1.0, 0.5, 0.25],
    };
    let mut input_covered = 0;
    let mut label_covered = 0;
    for seed in 0..repetitions {
        let vectors = input_task.sample(300, seed);
        let tau = 0.5;
        let truth = input_task.channel_information(tau * tau * total_variance(&vectors, 3));
        let found = channel(tau, seed)
            .information(samples(&vectors, 3), None)
            .unwrap();
        input_covered += usize::from(covers(&found.input, truth));

        let task = GaussianClusters::new(4, 3, 1.5, seed);
        let (vectors, classes) = task.sample(75, 1_000 + seed);
        let noise_variance = tau * tau * total_variance(&vectors, 3);
        let truth = task.label_information(noise_variance, 9_000, seed);
        let estimator = GaussianChannelParams {
            tau,
            seed,
            permutations: 0,
            ..Default::default()
        }
        .check()
        .unwrap();
        let found = estimator
            .information(samples(&vectors, 3), Some(&labels(&classes)))
            .unwrap();
        label_covered += usize::from(covers(&found.label.unwrap(), truth));
    }
    println!("coverage in {repetitions}: I(X;C) {input_covered}, I(C;Y) {label_covered}");
    for covered in [input_covered, label_covered] {
        assert!((88..=100).contains(&covered), "{covered} of {repetitions}");
    }
}
