//! Seconds of one `renyi` estimate, for comparison with other programs on the same numbers.
//!
//! Run with `cargo run --release -p infoplane-estimators --example renyi_speed [samples]`.

use std::time::Instant;

use infoplane_estimators::tasks::GaussianClusters;
use infoplane_estimators::{About, Estimator, Labels, Pair, RenyiParams, Samples};

fn main() {
    let n: usize = std::env::args()
        .nth(1)
        .and_then(|argument| argument.parse().ok())
        .unwrap_or(2_000);
    let (vectors, classes) = GaussianClusters::new(10, 32, 0.5, 1).sample(n / 10, 2);
    let labels = Labels::new(&classes).expect("labels");
    let samples = Samples::new(&vectors, classes.len(), 32).expect("finite samples");
    let estimator = RenyiParams::default().check().expect("defaults");
    for about in [
        About::Identity,
        About::Classes(&labels),
        About::Vectors(samples),
    ] {
        let pair = Pair::new(samples, about).expect("as many on both sides");
        let start = Instant::now();
        let point = estimator.point(&pair, 0).expect("an estimate");
        println!(
            "{} samples about {}: {:.4} bits {:?} in {:.2} s",
            classes.len(),
            about.kind(),
            point.value,
            point.bracket,
            start.elapsed().as_secs_f64()
        );
    }
}
