//! The default estimator on Gaussian class clusters: the sweep over every τ, and one estimate with
//! its interval and null.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use infoplane_estimators::tasks::GaussianClusters;
use infoplane_estimators::{GaussianChannelParams, Labels, Samples};

fn gaussian_channel(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gaussian-channel");
    group.sample_size(10);
    for (per_class, width) in [(90, 64), (300, 16), (300, 64)] {
        let (vectors, classes) = GaussianClusters::new(10, width, 0.5, 1).sample(per_class, 2);
        let n = 10 * per_class;
        let samples = Samples::new(&vectors, n, width).expect("finite samples");
        let labels = Labels::new(&classes).expect("labels");
        let channel = GaussianChannelParams::default().check().expect("defaults");
        let layer = channel.prepare(samples, Some(&labels)).expect("a layer");
        let taus = [0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0];
        group.bench_function(format!("sweep of 7, {n} × {width}"), |b| {
            b.iter(|| channel.sweep(&layer, &taus));
        });
        group.bench_function(format!("estimate, {n} × {width}"), |b| {
            b.iter(|| channel.estimate(&layer, 0.3));
        });
    }
    group.finish();
}

criterion_group!(benches, gaussian_channel);
criterion_main!(benches);
