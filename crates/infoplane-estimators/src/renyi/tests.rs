use super::*;
use crate::tasks;
use crate::tasks::GaussianClusters;

fn renyi(change: impl FnOnce(&mut RenyiParams)) -> Renyi {
    let mut params = RenyiParams::default();
    change(&mut params);
    params.check().unwrap()
}

fn clusters(n_classes: usize, per_class: usize) -> (Vec<f32>, Labels) {
    let (vectors, classes) = GaussianClusters::new(n_classes, 3, 2.0, 1).sample(per_class, 2);
    (vectors, Labels::new(&classes).unwrap())
}

/// Clusters far apart have kernels of ones in blocks: eigenvalues are the classes' shares.
#[test]
fn clusters_far_apart_have_the_entropy_of_their_shares() {
    let vectors: Vec<f64> = (0..80).map(|i| f64::from(i % 8 / 2) * 100.0).collect();
    let classes: Vec<u32> = (0..80).map(|i| i % 8 / 2).collect();
    let labels = Labels::new(&classes).unwrap();
    let samples = Samples::from_f64(&vectors, 80, 1).unwrap();
    for alpha in [0.5, 1.0, 1.01, 2.0, 5.0] {
        let estimator = renyi(|p| {
            p.alpha = alpha;
            p.width = Some(0.02);
        });
        for about in [
            About::Identity,
            About::Classes(&labels),
            About::Vectors(samples),
        ] {
            let pair = Pair::new(samples, about).unwrap();
            let found = estimator.point(&pair, 0).unwrap();
            // Rounding leaves eigenvalues of 1e−17, of which small orders make much.
            let tolerance = if alpha < 1.0 { 1e-5 } else { 1e-9 };
            assert!((found.value - 2.0).abs() < tolerance, "{alpha}: {found:?}");
            assert!(!found.saturated);
        }
    }
}

/// Of order 2 the entropy is −log₂ of the kernel's mean square, without eigenvalues.
#[test]
fn order_two_agrees_with_the_frobenius_norm() {
    let (vectors, labels) = clusters(3, 30);
    let samples = Samples::new(&vectors, 90, 3).unwrap();
    let estimator = renyi(|p| {
        p.alpha = 2.0;
        p.width = Some(0.4);
    });
    let scaled = Scaled::new(samples, 64).unwrap().unwrap();
    let (mut all, mut within) = (0.0, 0.0);
    for (i, a) in scaled.data.chunks_exact(3).enumerate() {
        for (j, b) in scaled.data.chunks_exact(3).enumerate() {
            let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
            let share = (-square / 0.16).exp() / 8_100.0;
            all += share;
            within += if labels.dense()[i] == labels.dense()[j] {
                share
            } else {
                0.0
            };
        }
    }
    let expected = -all.log2() + 3.0_f64.log2() + within.log2();
    let pair = Pair::new(samples, About::Classes(&labels)).unwrap();
    let found = estimator.point(&pair, 0).unwrap();
    assert!((found.value - expected).abs() < 1e-9);
}

#[test]
fn landmarks_bracket_the_exact_figure_and_come_near() {
    let (vectors, labels) = clusters(4, 200);
    let samples = Samples::new(&vectors, 800, 3).unwrap();
    for about in [
        About::Identity,
        About::Classes(&labels),
        About::Vectors(samples),
    ] {
        let pair = Pair::new(samples, about).unwrap();
        let exact = renyi(|p| p.width = Some(0.5)).point(&pair, 0).unwrap();
        let estimator = renyi(|p| {
            p.width = Some(0.5);
            p.exact_limit = 100;
            p.landmarks = 120;
        });
        let found = estimator.point(&pair, 3).unwrap();
        let [low, high] = found.bracket.unwrap();
        assert!(low <= exact.value + 1e-9 && exact.value <= high + 1e-9);
        assert!(high - low > 1e-6, "the approximation has an error");
        // The middle is far nearer than the bounds, which allow for anything.
        assert!((found.value - exact.value).abs() < 0.1 * (high - low));
    }
}

#[test]
fn alignment_finds_the_clusters_size() {
    // Spreads of 1 around means some 30 apart: in units of the whole, about a thirtieth.
    let (vectors, classes) = GaussianClusters::new(6, 2, 20.0, 3).sample(40, 4);
    let labels = Labels::new(&classes).unwrap();
    let samples = Samples::new(&vectors, 240, 2).unwrap();
    let pair = Pair::new(samples, About::Classes(&labels)).unwrap();
    let found = renyi(|_| {}).point(&pair, 0).unwrap();
    assert!((found.value - 6.0_f64.log2()).abs() < 0.2, "{found:?}");
    assert!(found.value <= found.ceiling + 1e-9);
}

#[test]
fn order_scale_and_sides_change_nothing_and_dependence_raises_the_figure() {
    let named = |name: &str| tasks::all().into_iter().find(|t| t.name == name).unwrap();
    let data = named("normal-1").sample(150, 1);
    let (other, _) = data.other.clone().unwrap();
    let estimator = renyi(|_| {});
    let between = |a: &[f64], b: &[f64]| {
        let first = Samples::from_f64(a, 150, 1).unwrap();
        let second = Samples::from_f64(b, 150, 1).unwrap();
        let pair = Pair::new(first, About::Vectors(second)).unwrap();
        estimator.point(&pair, 0).unwrap().value
    };
    let expected = between(&data.vectors, &other);
    let reversed = |v: &[f64]| v.iter().rev().copied().collect::<Vec<f64>>();
    let moved: Vec<f64> = data.vectors.iter().map(|v| 5.0 - 2.0 * v).collect();
    for found in [
        between(&reversed(&data.vectors), &reversed(&other)),
        between(&moved, &other),
        between(&other, &data.vectors),
    ] {
        assert!((found - expected).abs() < 1e-9);
    }
    assert!(expected > between(&data.vectors, &reversed(&other)) + 0.2);
}

#[test]
fn bad_cases_are_treated() {
    let constant = vec![1.5; 30];
    let varied: Vec<f64> = (0..30).map(f64::from).collect();
    let estimator = renyi(|_| {});
    let pair = |data| {
        let samples = Samples::from_f64(data, 30, 1).unwrap();
        Pair::new(samples, About::Identity).unwrap()
    };
    assert_eq!(estimator.point(&pair(&constant), 0).unwrap().value, 0.0);
    let narrow = renyi(|p| p.width = Some(0.001));
    assert!(narrow.point(&pair(&varied), 0).unwrap().saturated);
    let one = Labels::new(&[1; 30]).unwrap();
    let samples = Samples::from_f64(&varied, 30, 1).unwrap();
    let found = Pair::new(samples, About::Classes(&one)).unwrap();
    assert!(estimator.point(&found, 0).unwrap().value.abs() < 1e-9);
    let refused = |change: fn(&mut RenyiParams)| {
        let mut params = RenyiParams::default();
        change(&mut params);
        match params.check().unwrap_err() {
            EstimatorError::Parameter { name, .. } => name,
            other => panic!("{other}"),
        }
    };
    assert_eq!(refused(|p| p.alpha = 0.0), "alpha");
    assert_eq!(refused(|p| p.width = Some(-1.0)), "width");
    assert_eq!(refused(|p| p.exact_limit = 30_000), "exact_limit");
    assert_eq!(refused(|p| p.landmarks = 3), "landmarks");
}

/// Sharing spectra must not change the null. Halves alone have the scale and, by the rule of Scott, the
/// width of half as many samples, so they agree roughly.
#[test]
fn shared_spectra_give_what_single_estimates_give() {
    let (vectors, labels) = clusters(4, 40);
    let samples = Samples::new(&vectors, 160, 3).unwrap();
    let resampling = Resampling {
        subsamples: 12,
        permutations: 9,
        seed: 5,
    };
    for (estimator, about) in [
        (renyi(|_| {}), About::Classes(&labels)),
        (renyi(|p| p.width = Some(0.3)), About::Classes(&labels)),
        (renyi(|_| {}), About::Identity),
    ] {
        let pair = Pair::new(samples, about).unwrap();
        let found = estimator.estimate(&pair, &resampling).unwrap();
        let single = crate::estimator::resampled(&estimator, &pair, &resampling).unwrap();
        assert_eq!(found.value, single.value);
        assert_eq!(found.chosen, single.chosen);
        assert_eq!(found.ceiling, single.ceiling);
        assert_eq!(found.null.is_some(), single.null.is_some());
        if let (Some(found), Some(single)) = (found.null, single.null) {
            assert!((found.mean - single.mean).abs() < 1e-9);
            assert!((found.p95 - single.p95).abs() < 1e-9);
            assert_eq!(found.p_value, single.p_value);
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        assert_eq!(found.subsamples.len(), 12);
        let apart = mean(&found.subsamples) - mean(&single.subsamples);
        assert!(apart.abs() < 0.3, "{apart}");
    }
}

/// The null of two vectors is that of the figures of permuted pairs, of which two spectra are known.
#[test]
fn permuted_vectors_are_pairs_of_their_own() {
    let task = tasks::all()
        .into_iter()
        .find(|t| t.name == "normal-dense-2");
    let data = task.unwrap().sample(120, 1);
    let pair = data.pair().unwrap();
    let estimator = renyi(|_| {});
    let resampling = Resampling {
        subsamples: 6,
        permutations: 5,
        seed: 3,
    };
    let found = estimator.estimate(&pair, &resampling).unwrap();
    let point = estimator.point(&pair, 3).unwrap();
    assert_eq!(found.value, point.value);

    let all: Vec<usize> = (0..120).collect();
    let orders = crate::resample::random_permutations(120, 5, 3);
    let values = orders.iter().map(|order| {
        let permuted = crate::pair::OwnedPair::gather(&pair, &all, order);
        estimator.point(&permuted.as_pair(), 3).unwrap().value
    });
    let mean = values.sum::<f64>() / 5.0;
    assert!((found.null.unwrap().mean - mean).abs() < 1e-9);
}
