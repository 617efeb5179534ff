//! `series`: checkpoints of one training, and the paths of their layers.

use std::io::Write;

use infoplane::plane_parts::{Phase, SeriesOrder, SeriesPath};
use infoplane::{FinishedSeries, RunConfig, Series, SeriesResult};

use crate::config;
use crate::flags::SeriesArgs;
use crate::interrupt::Interrupt;
use crate::progress::ProgressView;
use crate::table::Table;

/// Where the demo's series goes by default.
const DEMO_OUT: &str = "infoplane-demo-series";

pub fn series(args: &SeriesArgs, interrupt: &Interrupt) -> anyhow::Result<()> {
    let given = config::of_series(args)?;
    let dir = given.out.clone().unwrap_or_else(|| DEMO_OUT.into());
    let series = of(args, given);
    let mut view = ProgressView::new();
    let done = series.finish(
        &mut |at| {
            interrupt.at(&at.progress);
            view.entitle(&format!(
                "checkpoint {} of {}",
                at.checkpoint + 1,
                at.n_checkpoints
            ));
            view.show(&at.progress);
        },
        interrupt.stop(),
    );
    view.finish();
    let done = done?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&done.result)?)?;
        return Ok(());
    }
    print(&mut out, &done)?;
    writeln!(out, "\nseries    {}", dir.join("series.json").display())?;
    writeln!(out, "report    {}", done.report.display())?;
    for figure in &done.figures {
        if figure.extension().is_some_and(|ending| ending == "svg") {
            writeln!(out, "figure    {}", figure.display())?;
        }
    }
    Ok(())
}

fn of(args: &SeriesArgs, given: RunConfig) -> Series {
    if args.demo {
        let out = given.out.clone().unwrap_or_else(|| DEMO_OUT.into());
        return Series::demo(out.clone()).configure(|config| {
            *config = given;
            config.out = Some(out);
        });
    }
    let series = Series::from_config(given, args.models.clone(), args.weights_series.clone());
    match args.as_given {
        true => series.as_given(),
        false => series,
    }
}

fn print(out: &mut impl Write, done: &FinishedSeries) -> std::io::Result<()> {
    let result = &done.result;
    describe(out, result)?;
    if done.n_skipped > 0 {
        writeln!(
            out,
            "skipped   {} samples, at every checkpoint",
            done.n_skipped
        )?;
    }
    writeln!(out)?;
    table(result).print(out)?;
    writeln!(
        out,
        "\nFitting: the largest rise of I(·;Y) from the first checkpoint; compression: the largest fall of I(X;·) to the last.\n\
         Intervals are of 95 % for each layer, and account for the maximum having been picked among the checkpoints."
    )
}

fn describe(out: &mut impl Write, result: &SeriesResult) -> std::io::Result<()> {
    let order = match result.order {
        SeriesOrder::Natural => "by the numbers in their names",
        SeriesOrder::Given => "as given",
    };
    let n = result.checkpoints.len();
    let names: Vec<&str> = result.checkpoints.iter().map(|c| c.name.as_str()).collect();
    writeln!(
        out,
        "series    {n} checkpoints, {order}: {}",
        names.join(", ")
    )?;
    let shares: Vec<String> = result
        .checkpoints
        .iter()
        .filter_map(|checkpoint| {
            let accuracy = checkpoint.accuracy?;
            let share = accuracy.correct as f64 / accuracy.labelled.max(1) as f64;
            Some(format!("{:.1}", 100.0 * share))
        })
        .collect();
    if !shares.is_empty() {
        writeln!(out, "accuracy  {} %", shares.join(", "))?;
    }
    writeln!(out, "samples   {}, target {}", result.n, result.target)?;
    writeln!(
        out,
        "noise     {}; the same at every checkpoint",
        result.reason
    )
}

fn table(result: &SeriesResult) -> Table {
    let mut table = Table::new(&[
        "layer",
        "kind",
        "estimator",
        "Y",
        "fitting",
        "ΔI(·;Y) bits>",
        "95 %>",
        "up to",
        "compression",
        "ΔI(X;·) bits>",
        "95 %>",
        "from",
    ]);
    for path in &result.paths {
        table.row(row(result, path));
    }
    table
}

fn row(result: &SeriesResult, path: &SeriesPath) -> Vec<String> {
    let name = |index: usize| {
        let checkpoint = result.checkpoints.get(index);
        checkpoint.map_or_else(dash, |checkpoint| checkpoint.name.clone())
    };
    let phase = |phase: &Option<Phase>, end: fn(&Phase) -> usize| match phase {
        None => [dash(), dash(), dash(), dash()],
        Some(phase) => [
            phase.verdict.to_string(),
            format!("{:+.2}", phase.change.value),
            format!("{:+.2} to {:+.2}", phase.change.ci[0], phase.change.ci[1]),
            name(end(phase)),
        ],
    };
    let mut cells = vec![
        path.layer.clone(),
        path.kind.to_string(),
        path.estimator.clone(),
        path.label.clone(),
    ];
    cells.extend(phase(&path.fitting, |phase| phase.to));
    cells.extend(phase(&path.compression, |phase| phase.from));
    cells
}

fn dash() -> String {
    "–".to_owned()
}
