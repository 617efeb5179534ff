//! `selftest`: does this build compute right?

use std::io::Write;

use infoplane::{
    GradientCheck, InformationTrial, Model, TrialResult, check_gradients, try_estimators,
};
use serde_json::json;

use crate::config;
use crate::flags::SelftestArgs;
use crate::progress::CountView;
use crate::table::Table;

pub fn selftest(args: &SelftestArgs) -> anyhow::Result<()> {
    let gradients = match args.mi {
        true => None,
        false => Some(check_gradients(&model(args)?)?),
    };
    let view = CountView::new("estimates");
    let results = try_estimators(
        &InformationTrial {
            full: args.full,
            estimator: args.estimator.clone(),
            task: args.task.clone(),
        },
        &|done, total| view.show(done, total),
    )?;
    view.finish();
    let mut out = std::io::stdout().lock();
    if args.json {
        let object = json!({"gradients": gradients, "estimates": results, "unit": "nats"});
        writeln!(out, "{object:#}")?;
    } else {
        if let Some(checks) = &gradients {
            gradient_table(checks).print(&mut out)?;
            writeln!(out)?;
        }
        estimate_table(&results).print(&mut out)?;
        if let Some(result) = results.first() {
            writeln!(
                out,
                "\nMean absolute error in nats at {} samples, {} draw{}; s: flagged as saturated; \
                 –: the family has no answer.",
                result.n,
                result.draws,
                if result.draws == 1 { "" } else { "s" }
            )?;
        }
    }
    match gradients.iter().flatten().find(|check| !check.passed) {
        Some(check) => anyhow::bail!(
            "at layer {} the gradient is {} % off the difference",
            check.layer,
            100.0 * check.error
        ),
        None => Ok(()),
    }
}

fn model(args: &SelftestArgs) -> Result<Model, infoplane::Error> {
    match &args.network.model {
        Some(_) => Model::from_config(&config::of_selftest(args)),
        None => Model::demo(),
    }
}

fn gradient_table(checks: &[GradientCheck]) -> Table {
    let mut table = Table::new(&["layer", "gradient>", "difference>", "apart>", ""]);
    for check in checks {
        table.row(vec![
            check.layer.clone(),
            format!("{:.5}", check.gradient),
            format!("{:.5}", check.difference),
            format!("{:.3} %", 100.0 * check.error),
            if check.passed { "ok" } else { "FAILED" }.to_owned(),
        ]);
    }
    table
}

/// A row a task, a column an estimator.
fn estimate_table(results: &[TrialResult]) -> Table {
    let mut estimators: Vec<&'static str> = Vec::new();
    for result in results {
        if !estimators.contains(&result.estimator) {
            estimators.push(result.estimator);
        }
    }
    let columns: Vec<&'static str> = ["task", "truth>"]
        .into_iter()
        .chain(estimators.iter().copied())
        .collect();
    let mut table = Table::right_from(&columns, 1);
    let mut rest = results;
    while let Some(first) = rest.first() {
        let n = rest
            .iter()
            .take_while(|result| result.task == first.task)
            .count();
        let (task, others) = rest.split_at(n);
        rest = others;
        let mut row = vec![
            first.task.clone(),
            first
                .truth
                .map_or_else(|| "∞".to_owned(), |truth| format!("{truth:.3}")),
        ];
        row.extend(estimators.iter().map(|name| {
            let Some(result) = task.iter().find(|result| result.estimator == *name) else {
                return "–".to_owned();
            };
            let flag = if result.n_saturated * 2 > result.draws {
                "s"
            } else {
                ""
            };
            match result.error {
                Some(error) => format!("{error:.3}{flag}"),
                None => format!("{:.2}{flag}", result.value),
            }
        }));
        table.row(row);
    }
    table
}
