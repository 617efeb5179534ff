//! Does the plane's estimator deserve to be its default? `plane_study DIR TAU [GROUPS.csv:COLUMN]` reads
//! the conductance vectors of a finished run and prints, by layer, I(X;C) and I(C;Y) of
//! `gaussian-channel` and of other families; then whether any figure is saturated, whether
//! I(C;Y) ≤ I(X;C) within the intervals, how stable the ranking of layers by ITE is over halves of the
//! samples, and how far families agree in their ranking (Kendall's τ).

use infoplane::data::{ClassIndex, group_map};
use infoplane::estimators::registry;
use infoplane::estimators::{About, Estimate, Labels, Pair, Resampling, Samples};
use infoplane::store::{RunDir, VectorKind};
use serde_json::{Map, json};

type Failure = Box<dyn std::error::Error>;

/// Families that have both informations, and those that have I(C;Y) alone.
const BOTH: [&str; 4] = ["gaussian-channel", "kde", "renyi", "binned"];
const LABEL_ONLY: [&str; 3] = ["ross", "probe", "gaussian"];

/// A family's figures, layer by layer.
struct Column {
    name: &'static str,
    input: Vec<Option<Estimate>>,
    label: Vec<Option<Estimate>>,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (dir, tau, groups) = match arguments.as_slice() {
        [dir, tau] => (dir, tau.parse::<f64>()?, None),
        [dir, tau, groups] => (dir, tau.parse()?, Some(group_map(groups)?)),
        _ => return Err("plane_study DIR TAU [GROUPS.csv:COLUMN]".into()),
    };
    let run = RunDir::open(dir.as_ref())?;
    let class = |label: Option<u32>| {
        let label = label?;
        match &groups {
            None => Some(label),
            Some(groups) => u32::try_from(groups.group_of(ClassIndex(label as usize))?).ok(),
        }
    };
    let classes: Option<Vec<u32>> = run.labels()?.into_iter().map(class).collect();
    let labels = Labels::new(&classes.ok_or("samples without a label")?)?;
    let names: Vec<String> = run
        .manifest()
        .model
        .layers
        .iter()
        .map(|layer| layer.name.clone())
        .collect();
    let mut columns: Vec<Column> = BOTH
        .into_iter()
        .chain(LABEL_ONLY)
        .map(|name| Column {
            name,
            input: Vec::new(),
            label: Vec::new(),
        })
        .collect();
    for name in &names {
        let vectors = run.vectors(name, VectorKind::Conductance)?;
        let samples = Samples::new(&vectors.data, vectors.n, vectors.width)?;
        for column in &mut columns {
            let own = matches!(column.name, "gaussian-channel" | "kde");
            let parameters = match own {
                true => Map::from_iter([("tau".to_owned(), json!(tau))]),
                false => Map::new(),
            };
            let estimator = registry::family(column.name)?.build(parameters)?;
            let resampling = Resampling {
                subsamples: if column.name == "gaussian-channel" {
                    50
                } else {
                    0
                },
                permutations: 0,
                seed: 0,
            };
            let estimate = |about| {
                let pair = Pair::new(samples, about).ok()?;
                estimator.estimate(&pair, &resampling).ok()
            };
            let input = BOTH
                .contains(&column.name)
                .then(|| estimate(About::Identity));
            column.input.push(input.flatten());
            column.label.push(estimate(About::Classes(&labels)));
        }
        eprintln!("{name}");
    }
    println!(
        "{} samples, H(Y) = {:.3} bits, τ = {tau}\n",
        run.labels()?.len(),
        labels.entropy()
    );
    table(&names, &columns);
    verdicts(&columns);
    Ok(())
}

/// I(X;C) and I(C;Y) in bits; s where saturated.
fn table(names: &[String], columns: &[Column]) {
    let head: Vec<&str> = columns.iter().map(|column| column.name).collect();
    println!("| layer | {} |", head.join(" | "));
    println!("|---|{}", "---|".repeat(columns.len()));
    let show = |estimate: &Option<Estimate>| match estimate {
        Some(e) => format!("{:.2}{}", e.value, if e.saturated { "s" } else { "" }),
        None => "–".to_owned(),
    };
    for (layer, name) in names.iter().enumerate() {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| {
                format!(
                    "{} / {}",
                    show(&column.input[layer]),
                    show(&column.label[layer])
                )
            })
            .collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    println!();
}

fn verdicts(columns: &[Column]) {
    let channel = &columns[0];
    let pairs: Vec<(&Estimate, &Estimate)> = channel
        .input
        .iter()
        .zip(&channel.label)
        .filter_map(|(input, label)| Some((input.as_ref()?, label.as_ref()?)))
        .collect();
    let saturated = pairs
        .iter()
        .filter(|(x, y)| x.saturated || y.saturated)
        .count();
    let ordered = pairs.iter().filter(|(x, y)| y.ci[0] <= x.ci[1]).count();
    println!("saturated layers: {saturated} of {}", pairs.len());
    println!(
        "I(C;Y) ≤ I(X;C) within intervals: {ordered} of {}",
        pairs.len()
    );
    let whole: Vec<f64> = pairs.iter().map(|(x, y)| y.value / x.value).collect();
    let halves = pairs
        .iter()
        .map(|(x, _)| x.subsamples.len())
        .min()
        .unwrap_or(0);
    let stability: f64 = (0..halves)
        .map(|half| {
            let ite: Vec<f64> = pairs
                .iter()
                .map(|(x, y)| y.subsamples[half] / x.subsamples[half])
                .collect();
            kendall(&whole, &ite)
        })
        .sum::<f64>()
        / halves as f64;
    println!("ranking by ITE, halves against all: mean Kendall τ {stability:.3}");
    let label = |column: &Column| -> Vec<f64> {
        let values = column
            .label
            .iter()
            .map(|e| e.as_ref().map_or(f64::NAN, |e| e.value));
        values.collect()
    };
    for other in &columns[1..] {
        let by_label = kendall(&label(channel), &label(other));
        let ites: Option<Vec<f64>> = other
            .input
            .iter()
            .zip(&other.label)
            .map(|(x, y)| Some(y.as_ref()?.value / x.as_ref()?.value))
            .collect();
        match ites {
            Some(ites) => println!(
                "agreement with {}: by I(C;Y) {by_label:.3}, by ITE {:.3}",
                other.name,
                kendall(&whole, &ites)
            ),
            None => println!("agreement with {}: by I(C;Y) {by_label:.3}", other.name),
        }
    }
}

/// Kendall's τ-b.
fn kendall(a: &[f64], b: &[f64]) -> f64 {
    let (mut sum, mut in_a, mut in_b) = (0.0, 0.0, 0.0);
    for i in 0..a.len() {
        for j in 0..i {
            let sign = |values: &[f64]| match values[i] - values[j] {
                d if d > 0.0 => 1.0,
                d if d < 0.0 => -1.0,
                _ => 0.0,
            };
            let (s, t): (f64, f64) = (sign(a), sign(b));
            sum += s * t;
            in_a += s * s;
            in_b += t * t;
        }
    }
    sum / f64::sqrt(in_a * in_b)
}
