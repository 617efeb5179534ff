//! The mean absolute error of each estimator on each task, over draws of the task.
//!
//! Prints a markdown table in nats, estimators by column, and with `--json FILE` writes an array of
//! objects with `task`, `truth`, `n`, `estimator`, `mean_absolute_error`, `mean_error` (nats), `saturated`
//! (share of the draws that were flagged) and `seconds` (mean of one estimate). Where the truth is
//! infinite the table shows the share that was flagged.
//!
//! Run with `cargo run --release -p infoplane-estimators --example accuracy_study -- [--n 10000]
//! [--seeds 10] [--tasks a,b] [--estimators a,b] [--json FILE]`; a task or estimator is taken when
//! its name starts with one of those given, or is one of them where they end with `$`.
#![allow(missing_docs)]

use std::time::Instant;

use infoplane_estimators::registry::FAMILIES;
use infoplane_estimators::tasks::{self, OtherSide, Task};
use infoplane_estimators::{About, ColumnScale, Estimator, EstimatorError, Ksg1Params};
use serde_json::{Map, json};

type Failure = Box<dyn std::error::Error>;

/// Above this many coordinates a draw takes more memory than a study should.
const MANY_COORDINATES: usize = 5_000;

/// A column of the table.
type Column = (&'static str, Box<dyn Estimator>);

/// Every family as it is by default, and `ksg1` with columns divided by their deviations.
fn estimators() -> Result<Vec<Column>, Failure> {
    let mut columns: Vec<Column> = Vec::new();
    for family in FAMILIES {
        columns.push((family.name, family.build(Map::new())?));
    }
    let raw = Ksg1Params {
        scale: ColumnScale::Deviation,
        ..Default::default()
    };
    columns.push(("raw-ksg1", Box::new(raw.check()?)));
    Ok(columns)
}

struct Options {
    n: usize,
    seeds: u64,
    tasks: String,
    estimators: String,
    json: Option<String>,
}

/// Errors of one estimator on one task.
#[derive(Default)]
struct Cell {
    errors: Vec<f64>,
    saturated: usize,
    seconds: f64,
}

impl Cell {
    fn mean(&self, of: impl Fn(f64) -> f64) -> f64 {
        self.errors.iter().copied().map(of).sum::<f64>() / self.errors.len() as f64
    }

    fn flagged(&self) -> f64 {
        self.saturated as f64 / self.errors.len() as f64
    }

    /// Error, and a star where draws were flagged.
    fn text(&self, truth: f64) -> String {
        if self.errors.is_empty() {
            return "–".to_owned();
        }
        if truth.is_infinite() {
            return format!("{:.0} %", 100.0 * self.flagged());
        }
        let star = if self.saturated > 0 { "*" } else { "" };
        format!("{:.3}{star}", self.mean(f64::abs))
    }
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    let estimators: Vec<_> = estimators()?
        .into_iter()
        .filter(|(name, _)| wanted(&options.estimators, name))
        .collect();
    println!(
        "N = {}, {} draws, mean absolute error in nats",
        options.n, options.seeds
    );
    println!();
    let names: Vec<&str> = estimators.iter().map(|(name, _)| *name).collect();
    println!("| task | truth | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(names.len()));
    let mut rows = Vec::new();
    for task in tasks::all() {
        if !wanted(&options.tasks, &task.name) {
            continue;
        }
        let cells = measure(&task, &options, &estimators)?;
        let truth = task.truth * std::f64::consts::LN_2;
        let texts: Vec<String> = cells.iter().map(|cell| cell.text(truth)).collect();
        println!("| {} | {truth:.3} | {} |", task.name, texts.join(" | "));
        for (name, cell) in names.iter().zip(&cells) {
            if !cell.errors.is_empty() {
                rows.push(json!({
                    "task": task.name,
                    "truth": truth,
                    "n": options.n,
                    "estimator": name,
                    "mean_absolute_error": cell.mean(f64::abs),
                    "mean_error": cell.mean(|error| error),
                    "saturated": cell.flagged(),
                    "seconds": cell.seconds / cell.errors.len() as f64,
                }));
            }
        }
    }
    if let Some(path) = options.json {
        std::fs::write(path, serde_json::to_string_pretty(&rows)?)?;
    }
    Ok(())
}

fn measure(
    task: &Task,
    options: &Options,
    estimators: &[(&'static str, Box<dyn Estimator>)],
) -> Result<Vec<Cell>, Failure> {
    let mut cells: Vec<Cell> = estimators.iter().map(|_| Cell::default()).collect();
    let other = match task.other {
        OtherSide::Vectors(width) => width,
        OtherSide::Classes(_) => 1,
    };
    let n = if task.width + other > MANY_COORDINATES {
        options.n.min(2_000)
    } else {
        options.n
    };
    for seed in 0..options.seeds {
        let data = task.sample(n, 100 + seed);
        let pair = data.pair()?;
        for (cell, (_, estimator)) in cells.iter_mut().zip(estimators) {
            let start = Instant::now();
            match estimator.point(&pair, seed) {
                Ok(point) => {
                    cell.errors
                        .push((point.value - task.truth) * std::f64::consts::LN_2);
                    cell.saturated += usize::from(point.saturated);
                    cell.seconds += start.elapsed().as_secs_f64();
                }
                // Not for this kind of pair.
                Err(EstimatorError::Unsupported { .. }) => {}
                Err(error) => {
                    let about = match pair.about() {
                        About::Vectors(_) => "vectors",
                        _ => "classes",
                    };
                    return Err(format!("{} about {about}: {error}", estimator.name()).into());
                }
            }
        }
    }
    Ok(cells)
}

fn wanted(list: &str, name: &str) -> bool {
    list.is_empty()
        || list.split(',').any(|part| match part.strip_suffix('$') {
            Some(whole) => name == whole,
            None => name.starts_with(part),
        })
}

fn options() -> Result<Options, Failure> {
    let mut options = Options {
        n: 10_000,
        seeds: 10,
        tasks: String::new(),
        estimators: String::new(),
        json: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or("each option takes a value")?;
        match name.as_str() {
            "--n" => options.n = value.parse()?,
            "--seeds" => options.seeds = value.parse()?,
            "--tasks" => options.tasks = value,
            "--estimators" => options.estimators = value,
            "--json" => options.json = Some(value),
            other => return Err(format!("no option {other}").into()),
        }
    }
    Ok(options)
}
