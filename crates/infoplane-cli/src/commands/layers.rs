//! `layers`: what can be analysed in a network.

use std::io::Write;

use anyhow::Context;
use infoplane::engine::StepTime;
use infoplane::{Layer, LayerChoice, Model, PlanSummary};

use crate::UsageError;
use crate::commands::arrays::print_model_notes;
use crate::config;
use crate::flags::LayersArgs;
use crate::table::{Table, short_count};

pub fn layers(args: &LayersArgs) -> anyhow::Result<()> {
    let model = Model::from_config(&config::of_layers(args))?;
    let shape = if args.input_shape.is_empty() {
        model.graph().usual_sample_shape().ok_or_else(|| {
            UsageError(
                "the network leaves its input shape free; give one with --input-shape, as 3,224,224"
                    .to_string(),
            )
        })?
    } else {
        args.input_shape.clone()
    };
    let shaped = model.shaped(&shape)?;
    let all = model.layers(&shaped, &LayerChoice::All)?;
    let chosen = model.layers(&shaped, &LayerChoice::Default)?;
    if args.plan {
        let plan = model.plan(&shape, &chosen, 17, args.exact)?;
        let times = args.time.then(|| plan.time_steps(TIMED_PASSES));
        return print_plan(&plan.summary(), times.as_deref(), args.json);
    }
    let rows = segments(&all, &chosen, args.all);
    let mut out = std::io::stdout().lock();
    if args.json {
        let rows: Vec<serde_json::Value> = rows
            .iter()
            .map(|row| {
                serde_json::json!({
                    "layer": row.layer.name,
                    "operator": row.layer.operator,
                    "shape": row.layer.shape,
                    "depth": row.layer.depth,
                    "parameters": row.parameters,
                    "flops": row.flops,
                    "cut": row.layer.cut,
                    "chosen": row.chosen,
                })
            })
            .collect();
        let text = serde_json::to_string_pretty(&rows).context("the table")?;
        writeln!(out, "{text}")?;
        return Ok(());
    }
    let mut table = Table::new(&[
        "layer",
        "operator",
        "shape",
        "depth>",
        "parameters>",
        "FLOPs>",
        "",
        "chosen",
    ]);
    for row in &rows {
        let dims: Vec<String> = row.layer.shape.iter().map(ToString::to_string).collect();
        table.row(vec![
            row.layer.name.clone(),
            row.layer.operator.to_string(),
            dims.join("×"),
            row.layer.depth.to_string(),
            short_count(row.parameters),
            short_count(row.flops),
            if row.layer.cut { "cut" } else { "branch" }.to_string(),
            if row.chosen { "yes" } else { "" }.to_string(),
        ]);
    }
    table.print(&mut out)?;
    let since = if args.all {
        ""
    } else {
        " (since the layer above)"
    };
    writeln!(
        out,
        "\n{} of {} layers are analysed by default; parameters and FLOPs a sample are those of the operators that make a layer{since}.",
        chosen.len(),
        all.len()
    )?;
    writeln!(
        out,
        "Only at a cut layer does conductance sum to the whole output difference; at a branch it sums to that branch's share."
    )?;
    print_model_notes(&mut out, model.graph().notes())?;
    Ok(())
}

struct Row<'a> {
    layer: &'a Layer,
    chosen: bool,
    parameters: u64,
    flops: u64,
}

/// One row a listed layer, with what was spent since the row above.
fn segments<'a>(all: &'a [Layer], chosen: &[Layer], list_all: bool) -> Vec<Row<'a>> {
    let (mut parameters, mut flops) = (0, 0);
    let mut rows = Vec::new();
    for layer in all {
        parameters += layer.parameters;
        flops += layer.flops;
        let is_chosen = chosen.iter().any(|other| other.value == layer.value);
        if is_chosen || list_all {
            rows.push(Row {
                layer,
                chosen: is_chosen,
                parameters: std::mem::take(&mut parameters),
                flops: std::mem::take(&mut flops),
            });
        }
    }
    rows
}

/// Passes of which `--time` takes the median.
const TIMED_PASSES: usize = 5;

fn print_plan(plan: &PlanSummary, times: Option<&[StepTime]>, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    // Milliseconds a row, forward and backward.
    let times: Option<Vec<[f64; 2]>> = times.map(|times| {
        let of_row = |time: std::time::Duration| time.as_secs_f64() * 1e3 / plan.batch as f64;
        times
            .iter()
            .map(|time| [of_row(time.forward), of_row(time.backward)])
            .collect()
    });
    if json {
        let steps: Vec<serde_json::Value> = plan
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| {
                let time = times.as_ref().map(|times| times[index]);
                serde_json::json!({
                    "node": step.node,
                    "kernel": step.kernel,
                    "output_len": step.output_len,
                    "flops": step.flops,
                    "saved_bytes": step.saved_bytes,
                    "constant_bytes": step.constant_bytes,
                    "backward": step.backward,
                    "forward_ms": time.map(|[forward, _]| forward),
                    "backward_ms": time.map(|[_, backward]| backward),
                })
            })
            .collect();
        let object = serde_json::json!({
            "batch": plan.batch,
            "simd": plan.simd.name(),
            "constant_bytes": plan.constant_bytes,
            "worker_bytes": plan.worker_bytes,
            "steps": steps,
        });
        writeln!(out, "{object:#}")?;
        return Ok(());
    }
    let mut table = Table::new(&[
        "node",
        "kernel",
        "elements>",
        "FLOPs>",
        "saved bytes>",
        "constant bytes>",
        "backward",
        if times.is_some() { "ms forward>" } else { "" },
        if times.is_some() { "ms backward>" } else { "" },
    ]);
    for (index, step) in plan.steps.iter().enumerate() {
        let time = |pass: usize| match &times {
            Some(times) => format!("{:.3}", times[index][pass]),
            None => String::new(),
        };
        table.row(vec![
            step.node.clone(),
            step.kernel.to_string(),
            short_count(step.output_len as u64),
            short_count(step.flops),
            short_count(step.saved_bytes as u64),
            short_count(step.constant_bytes as u64),
            if step.backward { "yes" } else { "" }.to_string(),
            time(0),
            time(1),
        ]);
    }
    table.print(&mut out)?;
    writeln!(
        out,
        "\n{} rows at once with {} kernels; {:.1} MB of constants, {:.1} MB for each worker.",
        plan.batch,
        plan.simd.name(),
        plan.constant_bytes as f64 / 1e6,
        plan.worker_bytes as f64 / 1e6
    )?;
    Ok(())
}
