//! Estimators by neighbours, where a tree finds them and where all pairs do.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use infoplane_estimators::{
    About, Estimator, GaoParams, Ksg1Params, Ksg2Params, Labels, Pair, RossParams, Samples,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

fn neighbours(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("neighbours");
    group.sample_size(10);
    let n = 10_000;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let classes: Vec<u32> = (0..n as u32).map(|i| i % 10).collect();
    let labels = Labels::new(&classes).expect("labels");
    for width in [1, 2, 10, 30] {
        let mut normals = || -> Vec<f64> {
            (0..n * width)
                .map(|_| StandardNormal.sample(&mut rng))
                .collect()
        };
        let (x, noise) = (normals(), normals());
        let y: Vec<f64> = x
            .iter()
            .zip(noise)
            .map(|(x, e)| 0.8 * x + 0.6 * e)
            .collect();
        let x = Samples::from_f64(&x, n, width).expect("finite samples");
        let y = Samples::from_f64(&y, n, width).expect("finite samples");
        let vectors = Pair::new(x, About::Vectors(y)).expect("a pair");
        let classes = Pair::new(x, About::Classes(&labels)).expect("a pair");
        let estimators: [(Box<dyn Estimator>, &Pair<'_>); 4] = [
            (
                Box::new(Ksg1Params::default().check().expect("defaults")),
                &vectors,
            ),
            (
                Box::new(Ksg2Params::default().check().expect("defaults")),
                &vectors,
            ),
            (
                Box::new(GaoParams::default().check().expect("defaults")),
                &vectors,
            ),
            (
                Box::new(RossParams::default().check().expect("defaults")),
                &classes,
            ),
        ];
        for (estimator, pair) in &estimators {
            group.bench_function(format!("{}, {n} × {width}", estimator.name()), |b| {
                b.iter(|| estimator.point(pair, 0));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, neighbours);
criterion_main!(benches);
