//! How far the middle of `gaussian-channel`'s bracket is from the truth, and what would be nearer.
//!
//! Gaussian class clusters over dimensions, numbers of classes, samples a class and τ; the truth of
//! I(C̃;Y) is that of the true densities (20,000 draws). Beside the middle stand
//! - `first` and `second`: 2 · middle − h and (4 · middle − h)/3, with h the mean of the middle over
//!   the two halves of each class, which take off an error of order 1/N and of order 1/N²;
//! - `weight`: the weight of the own-center end in the mix that would have been right.
//!
//! A summary by the bracket's width follows.
//!
//! Run with `cargo run --release -p infoplane-estimators --example bracket_study [draws]`.

use infoplane_estimators::tasks::GaussianClusters;
use infoplane_estimators::{GaussianChannelParams, Labels, Samples};

struct Case {
    dimensions: usize,
    n_classes: usize,
    per_class: usize,
    tau: f64,
    spread: f64,
}

/// Left-out end, own-center end, middle.
fn ends(vectors: &[f32], classes: &[u32], dimensions: usize, tau: f64, seed: u64) -> [f64; 3] {
    let n = classes.len();
    let samples = Samples::new(vectors, n, dimensions).expect("finite samples");
    let labels = Labels::new(classes).expect("labels");
    let channel = GaussianChannelParams {
        tau,
        seed,
        ..Default::default()
    };
    let channel = channel.check().expect("parameters in their range");
    let layer = channel.prepare(samples, Some(&labels)).expect("a layer");
    let points = channel.sweep(&layer, &[tau]).expect("a τ in its range");
    let label = points[0].label.expect("two samples a class");
    [label.bracket[0], label.bracket[1], label.value]
}

fn total_variance(vectors: &[f32], width: usize) -> f64 {
    let n = (vectors.len() / width) as f64;
    (0..width)
        .map(|k| {
            let column = || vectors.iter().skip(k).step_by(width).map(|&v| f64::from(v));
            let mean = column().sum::<f64>() / n;
            column().map(|v| (v - mean).powi(2)).sum::<f64>() / n
        })
        .sum()
}

/// truth, left out, own, middle, halves' middle.
fn measure(case: &Case, draw: u64) -> [f64; 5] {
    let d = case.dimensions;
    let task = GaussianClusters::new(case.n_classes, d, case.spread, 100 + draw);
    let (vectors, classes) = task.sample(case.per_class, 200 + draw);
    let noise = case.tau * case.tau * total_variance(&vectors, d);
    let truth = task.label_information(noise, 20_000, 300 + draw);
    let [left_out, own, middle] = ends(&vectors, &classes, d, case.tau, draw);
    let mut halves = 0.0;
    for side in 0..2 {
        let rows: Vec<usize> = (0..classes.len()).filter(|i| i % 2 == side).collect();
        let half_vectors: Vec<f32> = rows
            .iter()
            .flat_map(|&i| &vectors[i * d..(i + 1) * d])
            .copied()
            .collect();
        let half_classes: Vec<u32> = rows.iter().map(|&i| classes[i]).collect();
        // The channel is that of the whole sample.
        let scale = (noise / (case.tau * case.tau) / total_variance(&half_vectors, d)).sqrt();
        halves += 0.5 * ends(&half_vectors, &half_classes, d, case.tau * scale, draw)[2];
    }
    [truth, left_out, own, middle, halves]
}

fn main() {
    let draws: u64 = std::env::args()
        .nth(1)
        .and_then(|argument| argument.parse().ok())
        .unwrap_or(3);
    println!(
        "| d | classes × samples | τ | spread | truth | left out | own | middle | error | first | second | weight |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    // Width of the bracket; errors of the middle, of `first` and of `second`.
    let mut errors: Vec<(f64, [f64; 3])> = Vec::new();
    for (n_classes, per_class) in [(2, 100), (10, 20), (10, 90), (50, 6), (50, 18), (150, 6)] {
        for dimensions in [2, 5, 20, 50] {
            for tau in [0.2, 0.3, 0.5, 1.0] {
                for spread in [0.5, 0.0] {
                    let case = Case {
                        dimensions,
                        n_classes,
                        per_class,
                        tau,
                        spread,
                    };
                    let mut mean = [0.0; 5];
                    for draw in 0..draws {
                        for (sum, value) in mean.iter_mut().zip(measure(&case, draw)) {
                            *sum += value / draws as f64;
                        }
                    }
                    let [truth, left_out, own, middle, halves] = mean;
                    let error = [middle, 2.0 * middle - halves, (4.0 * middle - halves) / 3.0]
                        .map(|value| value - truth);
                    println!(
                        "| {dimensions} | {n_classes} × {per_class} | {tau} | {spread} | {truth:.3} | {left_out:.3} | {own:.3} | {middle:.3} | {:+.3} | {:+.3} | {:+.3} | {:.2} |",
                        error[0],
                        error[1],
                        error[2],
                        (truth - left_out) / (own - left_out)
                    );
                    errors.push((own - left_out, error));
                }
            }
        }
    }
    summarise(&errors);
}

/// Root mean square and largest errors by the width of the bracket.
fn summarise(errors: &[(f64, [f64; 3])]) {
    println!();
    println!("| bracket (bits) | cases | middle: rms, largest | first | second |");
    println!("|---|---|---|---|---|");
    let edges = [0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, f64::INFINITY];
    for range in edges.windows(2) {
        let within: Vec<[f64; 3]> = errors
            .iter()
            .filter(|(width, _)| range[0] <= *width && *width < range[1])
            .map(|(_, error)| *error)
            .collect();
        let cell = |which: usize| {
            let square: f64 = within.iter().map(|e| e[which].powi(2)).sum();
            let largest = within.iter().map(|e| e[which].abs()).fold(0.0, f64::max);
            format!("{:.3}, {largest:.3}", (square / within.len() as f64).sqrt())
        };
        println!(
            "| {} to {} | {} | {} | {} | {} |",
            range[0],
            range[1],
            within.len(),
            cell(0),
            cell(1),
            cell(2)
        );
    }
}
