//! How often the nominal 95 % interval covers the truth, on tasks of low dimension.
//!
//! For each estimator and task, in bits: the share of repetitions whose interval holds the truth, the
//! share whose interval by scatter alone does, the mean error, the standard deviation of the estimates, the
//! standard deviation that the intervals by scatter imply (their half width over 1.96), and the mean half
//! width of the intervals.
//!
//! - `binned` is held against the information of its own partition with the edges of the whole law
//!   (plug-in estimate of two million samples); it is below the task's.
//! - `gaussian-channel` is held against its channel's closed form or true densities.
//!
//! Run with `cargo run --release -p infoplane-estimators --example coverage_study -- [--n 800]
//! [--repetitions 200] [--only PART]`; PART is a part of `estimator task`.
#![allow(missing_docs)]

use infoplane_estimators::tasks::{self, GaussianClusters, GaussianVectors, Task};
use infoplane_estimators::{
    About, BinnedParams, Correction, Estimate, Estimator, GaoParams, GaussianChannelParams,
    GaussianParams, Ksg1Params, Ksg2Params, KsgExtrapolatedParams, Labels, Pair, Resampling,
    RossParams, Samples, subsampling_interval,
};

type Failure = Box<dyn std::error::Error>;

const CONTINUOUS: &[&str] = &[
    "independent-1",
    "normal-1",
    "normal-cdf-1",
    "half-cube-1",
    "asinh-1",
    "wiggly-1",
    "swiss-roll",
    "additive-uniform-0.1",
    "additive-uniform-0.75",
    "student-1-1",
    "asinh-student-1-1",
    "normal-dense-2",
    "normal-sparse-2",
    "normal-dense-3",
    "spiral-sparse-3",
    "student-2-2",
    "student-3-3",
];
const GAUSSIAN: &[&str] = &[
    "independent-1",
    "normal-1",
    "normal-dense-2",
    "normal-sparse-2",
    "normal-dense-3",
    "normal-dense-5",
    "normal-sparse-10",
];
const CLASSES: &[&str] = &[
    "independent-1-classes-2",
    "mixture-1",
    "mixture-2",
    "gao-uniform-5-classes",
];
const MIXTURES: &[&str] = &["independent-1-classes-2", "mixture-1", "mixture-2"];
const MIXED: &[&str] = &["gao-uniform-5", "zero-inflated-poisson"];
const BINNED: &[&str] = &[
    "independent-1",
    "normal-1",
    "additive-uniform-0.75",
    "zero-inflated-poisson",
    "mixture-1",
    "mixture-2",
];

struct Options {
    n: usize,
    repetitions: u64,
    only: String,
}

/// What the repetitions of one estimator on one task found.
#[derive(Default)]
struct Row {
    covered: usize,
    covered_by_scatter: usize,
    /// Estimate less truth.
    errors: Vec<f64>,
    implied: f64,
    half_width: f64,
    /// Mean estimate on the halves less the estimate.
    halves: f64,
}

impl Row {
    fn add(&mut self, estimate: &Estimate, truth: f64) {
        let scatter = subsampling_interval(estimate.value, &estimate.subsamples);
        let holds = |[low, high]: [f64; 2]| usize::from(low <= truth && truth <= high);
        self.covered += holds(estimate.ci);
        self.covered_by_scatter += holds(scatter);
        self.errors.push(estimate.value - truth);
        self.implied += 0.5 * (scatter[1] - scatter[0]) / 1.96;
        self.half_width += 0.5 * (estimate.ci[1] - estimate.ci[0]);
        let halves = &estimate.subsamples;
        self.halves += halves.iter().sum::<f64>() / halves.len() as f64 - estimate.value;
    }

    fn print(&self, estimator: &str, task: &str, truth: f64) {
        let count = self.errors.len() as f64;
        let mean = self.errors.iter().sum::<f64>() / count;
        let square: f64 = self.errors.iter().map(|e| (e - mean).powi(2)).sum();
        println!(
            "| {estimator} | {task} | {truth:.3} | {:.1} % | {:.1} % | {mean:+.4} | {:.4} | {:.4} | {:.4} | {:+.4} |",
            100.0 * self.covered as f64 / count,
            100.0 * self.covered_by_scatter as f64 / count,
            (square / (count - 1.0)).sqrt(),
            self.implied / count,
            self.half_width / count,
            self.halves / count,
        );
    }
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    println!(
        "N = {}, {} repetitions, bits",
        options.n, options.repetitions
    );
    println!();
    println!(
        "| estimator | task | truth | coverage | by scatter | mean error | deviation | implied | half width | halves |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let all = tasks::all();
    let task = |name: &str| all.iter().find(|task| task.name == name);
    let binned = BinnedParams::default().check()?;
    let of_tasks: [(Box<dyn Estimator>, Vec<&str>); 8] = [
        (Box::new(Ksg1Params::default().check()?), CONTINUOUS.into()),
        (
            Box::new(KsgExtrapolatedParams::default().check()?),
            CONTINUOUS.into(),
        ),
        (Box::new(Ksg2Params::default().check()?), CONTINUOUS.into()),
        (
            Box::new(GaoParams::default().check()?),
            [CONTINUOUS, MIXED, CLASSES].concat(),
        ),
        (Box::new(RossParams::default().check()?), CLASSES.into()),
        (
            Box::new(GaussianParams::default().check()?),
            [GAUSSIAN, MIXTURES].concat(),
        ),
        (Box::new(binned), BINNED.into()),
        (
            Box::new(
                BinnedParams {
                    bins: 5,
                    ..Default::default()
                }
                .check()?,
            ),
            BINNED.into(),
        ),
    ];
    for (index, (estimator, names)) in of_tasks.iter().enumerate() {
        for name in names {
            let task = task(name).ok_or("a task of the library")?;
            let label = if index == 7 {
                "binned, 5 bins"
            } else {
                estimator.name()
            };
            if !format!("{label} {name}").contains(&options.only) {
                continue;
            }
            let truth = if estimator.name() == "binned" {
                of_partition(task, if index == 7 { 5 } else { 10 })?
            } else {
                task.truth
            };
            row_of_task(&options, estimator.as_ref(), task, truth)?.print(label, name, truth);
        }
    }
    channel(&options)
}

fn row_of_task(
    options: &Options,
    estimator: &dyn Estimator,
    task: &Task,
    truth: f64,
) -> Result<Row, Failure> {
    let mut row = Row::default();
    for repetition in 0..options.repetitions {
        let data = task.sample(options.n, 10_000 + repetition);
        let estimate = estimator.estimate(&data.pair()?, &halves_only(repetition))?;
        row.add(&estimate, truth);
    }
    Ok(row)
}

/// The information of quantile bins, from so many samples that edges and shares are those of the law.
fn of_partition(task: &Task, bins: usize) -> Result<f64, Failure> {
    let data = task.sample(2_000_000, 1);
    let estimator = BinnedParams {
        bins,
        correction: Some(Correction::None),
        ..Default::default()
    };
    Ok(estimator.check()?.point(&data.pair()?, 0)?.value)
}

fn halves_only(seed: u64) -> Resampling {
    Resampling {
        permutations: 0,
        seed,
        ..Default::default()
    }
}

/// The channel's noise follows from each sample, and so does the truth.
fn channel(options: &Options) -> Result<(), Failure> {
    let wanted = |name: &str| format!("gaussian-channel {name}").contains(&options.only);
    for tau in [0.2, 0.5] {
        let estimator = GaussianChannelParams {
            tau,
            ..Default::default()
        }
        .check()?;
        let vectors = GaussianVectors {
            variances: vec![1.0, 0.5, 0.25],
        };
        let name = format!("3-dimensional Gaussian, τ {tau}, identity");
        if wanted(&name) {
            let (mut row, mut truths) = (Row::default(), 0.0);
            for seed in 0..options.repetitions {
                let data = vectors.sample(options.n, seed);
                let truth = vectors.channel_information(tau * tau * total_variance(&data, 3));
                let samples = Samples::new(&data, options.n, 3)?;
                let pair = Pair::new(samples, About::Identity)?;
                row.add(
                    &Estimator::estimate(&estimator, &pair, &halves_only(seed))?,
                    truth,
                );
                truths += truth / options.repetitions as f64;
            }
            row.print("gaussian-channel", &name, truths);
        }
        for (classes, dimensions) in [(4, 3), (10, 10)] {
            let name = format!("{classes} clusters in {dimensions} dimensions, τ {tau}, classes");
            if !wanted(&name) {
                continue;
            }
            let (mut row, mut truths) = (Row::default(), 0.0);
            for seed in 0..options.repetitions {
                let clusters = GaussianClusters::new(classes, dimensions, 1.0, seed);
                let (data, labels) = clusters.sample(options.n / classes, 1_000 + seed);
                let noise = tau * tau * total_variance(&data, dimensions);
                let truth = clusters.label_information(noise, 9_000, seed);
                let labels = Labels::new(&labels)?;
                let samples = Samples::new(&data, labels.n_samples(), dimensions)?;
                let pair = Pair::new(samples, About::Classes(&labels))?;
                row.add(
                    &Estimator::estimate(&estimator, &pair, &halves_only(seed))?,
                    truth,
                );
                truths += truth / options.repetitions as f64;
            }
            row.print("gaussian-channel", &name, truths);
        }
    }
    Ok(())
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

fn options() -> Result<Options, Failure> {
    let mut options = Options {
        n: 800,
        repetitions: 200,
        only: String::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or("each option takes a value")?;
        match name.as_str() {
            "--n" => options.n = value.parse()?,
            "--repetitions" => options.repetitions = value.parse()?,
            "--only" => options.only = value,
            other => return Err(format!("no option {other}").into()),
        }
    }
    Ok(options)
}
