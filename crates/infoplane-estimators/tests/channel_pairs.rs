//! `gaussian-channel` behind the trait that every family shares.

mod common;

use common::{assert_near, labels, samples, total_variance};
use infoplane_estimators::tasks::{GaussianClusters, GaussianVectors};
use infoplane_estimators::{
    About, Estimator, EstimatorError, GaussianChannel, GaussianChannelParams, InformationEstimator,
    Pair, Resampling, Samples,
};

fn channel(tau: f64) -> GaussianChannel {
    GaussianChannelParams {
        tau,
        ..Default::default()
    }
    .check()
    .unwrap()
}

fn estimate(
    estimator: &dyn Estimator,
    pair: &Pair<'_>,
    resampling: &Resampling,
) -> infoplane_estimators::Estimate {
    estimator.estimate(pair, resampling).unwrap()
}

#[test]
fn both_traits_give_the_same_bits() {
    let (vectors, classes) = GaussianClusters::new(5, 4, 1.0, 1).sample(40, 2);
    let (vectors, labels) = (samples(&vectors, 4), labels(&classes));
    let estimator = channel(0.3);
    let both = estimator.information(vectors, Some(&labels)).unwrap();
    let resampling = Resampling {
        subsamples: 50,
        permutations: 100,
        seed: 0,
    };
    let pair = Pair::new(vectors, About::Classes(&labels)).unwrap();
    assert_eq!(
        estimate(&estimator, &pair, &resampling),
        both.label.unwrap()
    );
    let point = estimator.point(&pair, 0).unwrap();
    assert_eq!(
        point.value,
        estimate(&estimator, &pair, &resampling).value,
        "the point is the estimate's value"
    );
}

#[test]
fn resampling_is_honoured() {
    let (vectors, classes) = GaussianClusters::new(3, 4, 1.0, 1).sample(40, 2);
    let (vectors, labels) = (samples(&vectors, 4), labels(&classes));
    let estimator = channel(0.3);
    for about in [
        About::Classes(&labels),
        About::Identity,
        About::Vectors(vectors),
    ] {
        let pair = Pair::new(vectors, about).unwrap();
        let none = Resampling {
            subsamples: 0,
            permutations: 0,
            seed: 3,
        };
        let found = estimate(&estimator, &pair, &none);
        assert!(found.subsamples.is_empty() && found.null.is_none());
        assert_eq!(found.ci, [f64::NEG_INFINITY, f64::INFINITY]);
        let some = Resampling {
            subsamples: 7,
            permutations: 4,
            seed: 4,
        };
        let other = estimate(&estimator, &pair, &some);
        assert_eq!(other.subsamples.len(), 7);
        assert!(other.value != found.value, "the seed moves the noise");
        let has_null = !matches!(about, About::Identity);
        assert_eq!(other.null.is_some(), has_null);
    }
}

/// Behind noise of τ² tr Cov on each side, jointly Gaussian vectors stay Gaussian: with unit variance
/// and correlation r, ρ = r/(1 + d τ²), and I = −½ log₂ (1 − ρ²) a correlated coordinate.
#[test]
fn two_gaussian_vectors_have_the_closed_form_behind_their_noise() {
    let n = 2_000;
    for (d, r, tau) in [
        (1, 0.9_f64, 0.1),
        (1, 0.9, 0.5),
        (3, 0.8, 0.3),
        (3, 0.0, 0.3),
    ] {
        let unit = GaussianVectors {
            variances: vec![1.0; 2 * d],
        };
        let raw = unit.sample(n, 5);
        let mut first = Vec::new();
        let mut second = Vec::new();
        for row in raw.chunks_exact(2 * d) {
            for k in 0..d {
                let (x, own) = (f64::from(row[k]), f64::from(row[d + k]));
                first.push(x);
                second.push(r * x + (1.0 - r * r).sqrt() * own);
            }
        }
        let pair = Pair::new(
            Samples::from_f64(&first, n, d).unwrap(),
            About::Vectors(Samples::from_f64(&second, n, d).unwrap()),
        )
        .unwrap();
        let swapped = Pair::new(
            Samples::from_f64(&second, n, d).unwrap(),
            About::Vectors(Samples::from_f64(&first, n, d).unwrap()),
        )
        .unwrap();
        let rho = r / (1.0 + d as f64 * tau * tau);
        let truth = -0.5 * d as f64 * (1.0 - rho * rho).log2();
        let found = channel(tau).point(&pair, 0).unwrap();
        let name = format!("{d}-d, r {r}, τ {tau}");
        println!("{name}: {truth:.3} {found:?}");
        assert_near(&name, found.value, truth, 0.08);
        let [low, high] = found.bracket.unwrap();
        assert!(low - 0.05 < truth && truth < high + 0.05, "{low} {high}");
        assert!(!found.saturated);
        let back = channel(tau).point(&swapped, 0).unwrap();
        let error = found.monte_carlo_error.unwrap() + back.monte_carlo_error.unwrap();
        assert_near("the other way round", back.value, found.value, 5.0 * error);
    }
}

#[test]
fn independent_vectors_stay_within_their_null() {
    let unit = GaussianVectors {
        variances: vec![1.0; 4],
    };
    let (first, second) = (unit.sample(250, 1), unit.sample(250, 2));
    let pair = Pair::new(samples(&first, 4), About::Vectors(samples(&second, 4))).unwrap();
    let found = estimate(&channel(0.5), &pair, &Resampling::default());
    let null = found.null.unwrap();
    assert!(null.p_value > 0.03, "{found:?}");
    assert!(found.ci[0] < null.mean && null.mean < found.ci[1]);
}

#[test]
fn classes_of_one_sample_and_constant_sides_are_treated() {
    let unit = GaussianVectors {
        variances: vec![1.0; 2],
    };
    let vectors = unit.sample(30, 1);
    let alone = labels(&(0..30).collect::<Vec<u32>>());
    let pair = Pair::new(samples(&vectors, 2), About::Classes(&alone)).unwrap();
    assert!(matches!(
        channel(0.3).point(&pair, 0),
        Err(EstimatorError::LoneClasses {
            classes: 30,
            samples: 30
        })
    ));
    let constant = vec![2.0_f32; 30];
    let pair = Pair::new(samples(&vectors, 2), About::Vectors(samples(&constant, 1))).unwrap();
    let found = channel(0.3).point(&pair, 0).unwrap();
    assert_eq!((found.value, found.saturated), (0.0, false));
}

/// h(C̃) of Gaussian vectors, at their own scale.
#[test]
fn entropy_is_that_of_the_noisy_vectors() {
    let task = GaussianVectors {
        variances: vec![4.0, 1.0],
    };
    let vectors = task.sample(3_000, 5);
    let tau = 0.3;
    let noise = tau * tau * total_variance(&vectors, 2);
    let truth: f64 = [4.0, 1.0]
        .iter()
        .map(|v| 0.5 * (std::f64::consts::TAU * std::f64::consts::E * (v + noise)).log2())
        .sum();
    let found = channel(tau).entropy(samples(&vectors, 2), 0).unwrap();
    assert_near("entropy", found, truth, 0.05);
}
