//! `attribute` and `predict`: preprocessed arrays in, an archive out.

use std::io::Write;
use std::sync::atomic::AtomicBool;

use infoplane::{Reduction, Unreached};

use crate::config;
use crate::flags::{AttributeArgs, PredictArgs, ReduceArg};
use crate::progress::ProgressView;
use crate::table::Table;

pub fn attribute(args: &AttributeArgs) -> anyhow::Result<()> {
    let reduction = match args.reduce {
        ReduceArg::Channels => Reduction::Channels,
        ReduceArg::Positions => Reduction::Positions,
        ReduceArg::None => Reduction::None,
    };
    let mut view = ProgressView::new();
    let summary = infoplane::attribute(
        &config::of_attribute(args),
        &args.inputs,
        &args.raw,
        reduction,
        &mut |progress| view.show(progress),
        // An archive is written in the end or not at all, so a signal may end the program at once.
        &AtomicBool::new(false),
    )?;
    view.finish();
    let mut out = std::io::stdout().lock();
    if args.json {
        let layers: Vec<serde_json::Value> = summary
            .layers
            .iter()
            .map(|(name, cut, error)| {
                serde_json::json!({"layer": name, "cut": cut, "largest_relative_error": error})
            })
            .collect();
        let object = serde_json::json!({
            "raw": args.raw,
            "n": summary.n,
            "steps": [summary.steps.0, summary.steps.1],
            "evaluated": summary.evaluated,
            "unreached": summary.unreached.map(|unreached| unreached.n),
            "layers": layers,
        });
        writeln!(out, "{object:#}")?;
        return Ok(());
    }
    let mut table = Table::new(&["layer", "cut", "largest completeness error>"]);
    for (name, cut, error) in &summary.layers {
        table.row(vec![
            name.clone(),
            if *cut { "cut" } else { "branch" }.to_string(),
            error.map_or_else(
                || "–".to_string(),
                |error| format!("{:.2} %", 100.0 * error),
            ),
        ]);
    }
    table.print(&mut out)?;
    let steps = match summary.steps {
        (low, high) if low == high => format!("{low} steps each"),
        (low, high) => format!("{low} to {high} steps"),
    };
    writeln!(
        out,
        "\n{} sample{}, {steps}; written to {}",
        summary.n,
        if summary.n == 1 { "" } else { "s" },
        args.raw.display()
    )?;
    if let Some(Unreached {
        n: n @ 1..,
        tolerance,
        max_steps,
        largest,
    }) = summary.unreached
    {
        writeln!(
            out,
            "{n} of them did not come within the tolerance of {} % in {max_steps} steps; the largest error is {:.2} %",
            100.0 * tolerance,
            100.0 * largest
        )?;
    }
    print_model_notes(&mut out, &summary.model_notes)?;
    Ok(())
}

/// Says how the model was read, where a person should know.
pub fn print_model_notes(out: &mut impl Write, notes: &[String]) -> std::io::Result<()> {
    notes
        .iter()
        .try_for_each(|note| writeln!(out, "Of the network: {note}."))
}

pub fn predict(args: &PredictArgs) -> anyhow::Result<()> {
    let predictions = infoplane::predict(&config::of_predict(args), &args.inputs, &args.raw)?;
    let logits = &predictions.logits;
    let mut out = std::io::stdout().lock();
    let best: Vec<(usize, f32)> = logits
        .rows()
        .into_iter()
        .map(|row| {
            let best = infoplane::argmax(row.as_slice().unwrap_or_default());
            (best, row[best])
        })
        .collect();
    if args.json {
        let rows: Vec<serde_json::Value> = best
            .iter()
            .map(|(unit, logit)| serde_json::json!({"predicted": unit, "logit": logit}))
            .collect();
        let object = serde_json::json!({"raw": args.raw, "n": best.len(), "samples": rows});
        writeln!(out, "{object:#}")?;
        return Ok(());
    }
    let mut table = Table::new(&["sample>", "predicted unit>", "logit>"]);
    for (index, (unit, logit)) in best.iter().enumerate().take(20) {
        table.row(vec![
            index.to_string(),
            unit.to_string(),
            format!("{logit:.4}"),
        ]);
    }
    table.print(&mut out)?;
    if best.len() > 20 {
        writeln!(out, "… and {} more", best.len() - 20)?;
    }
    writeln!(
        out,
        "\n{} × {} logits written to {}",
        logits.nrows(),
        logits.ncols(),
        args.raw.display()
    )?;
    print_model_notes(&mut out, &predictions.model_notes)?;
    Ok(())
}
