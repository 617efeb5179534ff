//! Estimators that are fitted, with intervals and nulls as the plane makes them.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use infoplane_estimators::tasks::GaussianClusters;
use infoplane_estimators::{
    About, Estimator, Labels, Pair, ProbeParams, RenyiParams, Resampling, Samples,
};

const CLASSES: usize = 10;
const WIDTH: usize = 32;

fn learned(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("learned");
    group.sample_size(10);
    let estimators: [Box<dyn Estimator>; 2] = [
        Box::new(ProbeParams::default().check().expect("defaults")),
        Box::new(RenyiParams::default().check().expect("defaults")),
    ];
    let resampling = Resampling {
        subsamples: 20,
        permutations: 10,
        seed: 0,
    };
    for n in [600, 2_000] {
        let clusters = GaussianClusters::new(CLASSES, WIDTH, 0.5, 1);
        let (data, classes) = clusters.sample(n / CLASSES, 2);
        let labels = Labels::new(&classes).expect("labels");
        let samples = Samples::new(&data, n, WIDTH).expect("finite samples");
        let pair = Pair::new(samples, About::Classes(&labels)).expect("a pair");
        for estimator in &estimators {
            let name = estimator.name();
            group.bench_function(format!("{name}, point, {n} × {WIDTH}"), |b| {
                b.iter(|| estimator.point(&pair, 0));
            });
            group.bench_function(format!("{name}, estimate, {n} × {WIDTH}"), |b| {
                b.iter(|| estimator.estimate(&pair, &resampling));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, learned);
criterion_main!(benches);
