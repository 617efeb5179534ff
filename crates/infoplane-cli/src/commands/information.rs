//! `mi`: mutual information of two variables.

use std::io::Write;

use infoplane::data::VariableKind;
use infoplane::estimators::Null;
use infoplane::{InformationRequest, InformationResult, LoadedPair};
use serde_json::{Map, Value, json};

use crate::UsageError;
use crate::flags::{KindArg, MiArgs, UnitArg};
use crate::table::Table;

/// A unit and what one bit is in it.
struct Unit {
    name: &'static str,
    per_bit: f64,
}

pub fn mi(args: &MiArgs) -> anyhow::Result<()> {
    let unit = match args.units {
        UnitArg::Bits => Unit {
            name: "bits",
            per_bit: 1.0,
        },
        UnitArg::Nats => Unit {
            name: "nats",
            per_bit: std::f64::consts::LN_2,
        },
    };
    let request = InformationRequest {
        first: args.x.clone(),
        first_kind: kind(args.x_kind),
        second: args.y.clone(),
        second_kind: kind(args.y_kind),
        estimator: args.estimator.clone(),
        parameters: parameters(&args.set)?,
        subsamples: args.subsamples,
        permutations: args.null,
        seed: args.seed,
        drop_missing: args.drop_missing,
    };
    let pair = LoadedPair::read(&request)?;
    let mut out = std::io::stdout().lock();
    if let Some(values) = &args.sweep {
        let points = pair.sweep(&request, values)?;
        if args.json {
            let points: Vec<Value> = points
                .iter()
                .map(|(parameter, value, result)| {
                    let mut object = object(result, &unit);
                    object.insert(parameter.clone(), json!(value));
                    Value::Object(object)
                })
                .collect();
            let object =
                json!({"x": args.x, "y": args.y, "remarks": pair.remarks, "sweep": points});
            writeln!(out, "{object:#}")?;
            return Ok(());
        }
        head(&mut out, args, &pair)?;
        sweep_table(&points, &unit).print(&mut out)?;
        return Ok(());
    }
    let result = pair.estimate(&request)?;
    if args.json {
        let mut object = object(&result, &unit);
        object.insert("x".to_owned(), json!(args.x));
        object.insert("y".to_owned(), json!(args.y));
        object.insert("remarks".to_owned(), json!(pair.remarks));
        writeln!(out, "{:#}", Value::Object(object))?;
        return Ok(());
    }
    head(&mut out, args, &pair)?;
    show(&mut out, &result, &unit)?;
    Ok(())
}

fn kind(kind: KindArg) -> VariableKind {
    match kind {
        KindArg::Auto => VariableKind::Auto,
        KindArg::Numbers => VariableKind::Numbers,
        KindArg::Classes => VariableKind::Classes,
    }
}

/// `NAME=VALUE` each; a value that is no JSON is text.
fn parameters(settings: &[String]) -> anyhow::Result<Map<String, Value>> {
    let parse = |setting: &String| {
        let (name, value) = setting
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| UsageError(format!("--set {setting}: expected NAME=VALUE")))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok((name.to_owned(), value))
    };
    settings.iter().map(parse).collect()
}

fn head(out: &mut impl Write, args: &MiArgs, pair: &LoadedPair) -> std::io::Result<()> {
    let [x, y] = pair.describe();
    let mut table = Table::new(&["", ""]);
    table.row(vec!["x".to_owned(), format!("{}: {x}", args.x)]);
    table.row(vec!["y".to_owned(), format!("{}: {y}", args.y)]);
    for remark in &pair.remarks {
        table.row(vec!["note".to_owned(), remark.clone()]);
    }
    table.print_rows(out)?;
    writeln!(out)
}

fn show(out: &mut impl Write, result: &InformationResult, unit: &Unit) -> std::io::Result<()> {
    let estimate = &result.estimate;
    let figure = |bits: f64| format!("{:.4}", bits * unit.per_bit);
    let interval = |[low, high]: [f64; 2]| match low.is_finite() && high.is_finite() {
        true => format!("[{}, {}]", figure(low), figure(high)),
        false => "none".to_owned(),
    };
    let mut table = Table::new(&["", ""]);
    let mut row = |name: &str, value: String| table.row(vec![name.to_owned(), value]);
    row(
        "I(X;Y)",
        format!("{} {}", figure(estimate.value), unit.name),
    );
    row("95 % interval", interval(estimate.ci));
    if estimate.bracket[0] < estimate.bracket[1] {
        row("bracket", interval(estimate.bracket));
    }
    if let Some(null) = &estimate.null {
        row(
            "null",
            format!(
                "mean {}, 95th percentile {}, p = {:.3}",
                figure(null.mean),
                figure(null.p95),
                null.p_value
            ),
        );
    }
    let saturated = match estimate.saturated {
        true => ": SATURATED, the value says nothing but that it is large",
        false => "",
    };
    row(
        "ceiling",
        format!("{}{saturated}", figure(estimate.ceiling)),
    );
    for (name, entropy) in ["H(X)", "H(Y)"].into_iter().zip(result.entropies) {
        if let Some(entropy) = entropy {
            row(name, format!("{} {}", figure(entropy), unit.name));
        }
    }
    row("samples", result.n.to_string());
    let parameters: Vec<String> = result
        .parameters
        .iter()
        .map(|(name, value)| format!("{name} {}", plain(value)))
        .collect();
    row(
        "estimator",
        match parameters.as_slice() {
            [] => result.estimator.clone(),
            _ => format!("{} ({})", result.estimator, parameters.join(", ")),
        },
    );
    table.print_rows(out)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn sweep_table(points: &[(String, f64, InformationResult)], unit: &Unit) -> Table {
    let mut table = Table::new(&[
        "scale",
        "value>",
        "I(X;Y)>",
        "low>",
        "high>",
        "null>",
        "p>",
        "ceiling>",
        "saturated",
    ]);
    for (parameter, value, result) in points {
        let estimate = &result.estimate;
        let figure = |bits: f64| match bits.is_finite() {
            true => format!("{:.4}", bits * unit.per_bit),
            false => "–".to_owned(),
        };
        let null = |of: fn(&Null) -> f64| estimate.null.as_ref().map(of);
        table.row(vec![
            format!("{} {parameter}", result.estimator),
            value.to_string(),
            figure(estimate.value),
            figure(estimate.ci[0]),
            figure(estimate.ci[1]),
            null(|null| null.mean).map_or_else(|| "–".to_owned(), figure),
            null(|null| null.p_value).map_or_else(|| "–".to_owned(), |p| format!("{p:.3}")),
            figure(estimate.ceiling),
            if estimate.saturated { "yes" } else { "" }.to_owned(),
        ]);
    }
    table
}

/// One estimate: the estimator's own parameters lie beside the fixed keys.
fn object(result: &InformationResult, unit: &Unit) -> Map<String, Value> {
    let estimate = &result.estimate;
    let scaled = |bits: f64| json!(bits * unit.per_bit);
    let pair = |[low, high]: [f64; 2]| json!([scaled(low), scaled(high)]);
    let mut object: Map<String, Value> = result.parameters.clone().into_iter().collect();
    let permuted = estimate.null.as_ref().map(|&Null { mean, p95, p_value }| {
        json!({"mean": scaled(mean), "p95": scaled(p95), "p_value": p_value})
    });
    let fixed = [
        ("mi", scaled(estimate.value)),
        ("unit", json!(unit.name)),
        ("ci", pair(estimate.ci)),
        ("bracket", pair(estimate.bracket)),
        ("monte_carlo_error", scaled(estimate.monte_carlo_error)),
        ("null", json!(permuted)),
        ("ceiling", scaled(estimate.ceiling)),
        ("saturated", json!(estimate.saturated)),
        (
            "entropy",
            json!(
                result
                    .entropies
                    .map(|side| side.map(|bits| bits * unit.per_bit))
            ),
        ),
        ("n", json!(result.n)),
        ("estimator", json!(result.estimator)),
    ];
    object.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
    object
}
