//! What must hold of every family behind the trait.
#![allow(missing_docs)]

use infoplane_estimators::tasks::{self, Task};
use infoplane_estimators::{
    About, BinnedParams, Correction, Estimator, GaussianChannelParams, GaussianParams, KdeParams,
    Pair, Partition, RenyiParams, Resampling,
};

fn families() -> Vec<Box<dyn Estimator>> {
    let k_means = BinnedParams {
        partition: Partition::KMeans,
        correction: Some(Correction::ChaoShen),
        ..Default::default()
    };
    let landmarks = RenyiParams {
        exact_limit: 50,
        landmarks: 40,
        ..Default::default()
    };
    vec![
        Box::new(GaussianChannelParams::default().check().unwrap()),
        Box::new(KdeParams::default().check().unwrap()),
        Box::new(GaussianParams::default().check().unwrap()),
        Box::new(BinnedParams::default().check().unwrap()),
        Box::new(k_means.check().unwrap()),
        Box::new(RenyiParams::default().check().unwrap()),
        Box::new(landmarks.check().unwrap()),
    ]
}

fn task(name: &str) -> Task {
    tasks::all().into_iter().find(|t| t.name == name).unwrap()
}

const FEW: Resampling = Resampling {
    subsamples: 20,
    permutations: 19,
    seed: 5,
};

#[test]
fn threads_change_no_bit() {
    let vectors = task("normal-dense-3").sample(130, 1);
    let classes = task("mixture-2").sample(130, 1);
    for family in families() {
        for data in [&vectors, &classes] {
            let pair = data.pair().unwrap();
            let [one, three] = [1, 3].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                let pool = pool.build().unwrap();
                pool.install(|| family.estimate(&pair, &FEW).unwrap())
            });
            assert_eq!(one, three, "{}", family.name());
        }
    }
}

/// The null is the reference: some families do not read 0 without dependence.
#[test]
fn independent_pairs_are_told_from_dependent_ones() {
    for family in families() {
        for (independent, dependent) in [
            ("independent-1", "normal-1"),
            ("independent-1-classes-2", "mixture-1"),
        ] {
            let data = task(independent).sample(200, 3);
            let found = family.estimate(&data.pair().unwrap(), &FEW).unwrap();
            let null = found.null.unwrap();
            let name = family.name();
            assert!(null.p_value > 0.05, "{name} {independent} {found:?}");
            let data = task(dependent).sample(200, 3);
            let found = family.estimate(&data.pair().unwrap(), &FEW).unwrap();
            let null = found.null.unwrap();
            assert_eq!(null.p_value, 0.05, "{name} {dependent} {found:?}");
            assert!(found.value > null.p95 && found.value <= found.ceiling);
            assert!(!found.saturated && found.ci[0] < found.value);
        }
    }
}

#[test]
fn replicates_too_small_for_a_family_leave_a_figure() {
    let data = task("mixture-2").sample(8, 2);
    for family in families() {
        // An error is an answer too; a panic is not.
        if let Ok(found) = family.estimate(&data.pair().unwrap(), &FEW) {
            assert!(!found.value.is_nan(), "{}", family.name());
        }
        let pair = data.pair().unwrap();
        let identity = Pair::new(pair.vectors(), About::Identity).unwrap();
        if let Ok(found) = family.estimate(&identity, &FEW) {
            assert!(found.null.is_none() && !found.value.is_nan());
        }
    }
}

#[test]
fn duplicates_and_outliers_give_finite_figures() {
    let mut data = task("normal-dense-3").sample(60, 2);
    data.vectors.copy_within(0..90, 90);
    data.vectors[7] = 1e12;
    for family in families() {
        let found = family.point(&data.pair().unwrap(), 0).unwrap();
        assert!(found.value.is_finite(), "{} {found:?}", family.name());
    }
}

#[test]
fn layers_with_more_units_than_samples_are_flagged_where_the_figure_is_a_ceiling() {
    let data = task("deterministic-tanh").sample(60, 2);
    let pair = data.pair().unwrap();
    for name in ["gaussian", "binned"] {
        let family = families().into_iter().find(|f| f.name() == name).unwrap();
        assert!(family.point(&pair, 0).unwrap().saturated, "{name}");
    }
}
