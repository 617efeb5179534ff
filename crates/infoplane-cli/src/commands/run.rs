//! `run` and `demo`: the whole job.

use std::io::Write;

use infoplane::{Analysis, Progress, Run, RunConfig};

use crate::commands::{shard, summary};
use crate::config;
use crate::flags::{DemoArgs, RunArgs};
use crate::interrupt::Interrupt;
use crate::progress::ProgressView;
use crate::table::short_count;

pub fn run(args: &RunArgs, interrupt: &Interrupt) -> anyhow::Result<()> {
    let config = config::of_run(args)?;
    let analysis = Analysis::from_config(config.clone());
    let run = analysis.prepare()?;
    for note in run.notes() {
        tracing::warn!("{note}");
    }
    if config.shard.is_some() {
        return finish_shard(&analysis, &run, (&config, args.json), interrupt);
    }
    finish(&analysis, &run, args.json, interrupt)?;
    Ok(())
}

pub fn demo(args: &DemoArgs, interrupt: &Interrupt) -> anyhow::Result<()> {
    let analysis = Analysis::demo(&args.out).configure(|config| {
        config.ablate = args.ablate;
        config::controls(config, &args.controls);
        config::figures(config, &args.figures);
        config.keep_maps = args.keep_maps.or(config.keep_maps);
    });
    let run = analysis.prepare()?;
    finish(&analysis, &run, args.json, interrupt)?;
    if !args.json {
        println!(
            "\nThis was the embedded default: a small residual network and handwritten digits it was not \
             trained on.\nThe report shows the information plane (how much of the input each layer keeps, \
             and how much\nof the label), the efficiency of every layer, and how far each figure can be \
             trusted.\nNext: infoplane run --model net.onnx --data images/ --out runs/net"
        );
    }
    Ok(())
}

/// Does `work` with its progress shown. As soon as it gets under way the run is described, unless the
/// output is to be JSON; a run that is refused is not.
fn with_progress<T>(
    run: &Run,
    json: bool,
    interrupt: &Interrupt,
    work: impl FnOnce(&mut dyn FnMut(&Progress)) -> Result<T, infoplane::Error>,
) -> anyhow::Result<T> {
    let mut view = ProgressView::new();
    let mut described = json.then_some(Ok(()));
    let done = work(&mut |progress| {
        described.get_or_insert_with(|| describe(run));
        interrupt.at(progress);
        view.show(progress);
    });
    view.finish();
    let done = done?;
    described.unwrap_or_else(|| describe(run))?;
    Ok(done)
}

fn finish(analysis: &Analysis, run: &Run, json: bool, interrupt: &Interrupt) -> anyhow::Result<()> {
    let done = with_progress(run, json, interrupt, |progress| {
        analysis.finish(run, progress, interrupt.stop())
    })?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&done.plane)?)?;
        return Ok(());
    }
    summary::print(&mut out, &done)?;
    writeln!(out, "\nreport    {}", done.report.display())?;
    Ok(())
}

fn finish_shard(
    analysis: &Analysis,
    run: &Run,
    (config, json): (&RunConfig, bool),
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let done = with_progress(run, json, interrupt, |progress| {
        analysis.finish_shard(run, progress, interrupt.stop())
    })?;
    let mut out = std::io::stdout().lock();
    if json {
        return shard::print_json(&mut out, &done);
    }
    shard::print(&mut out, config, &done)
}

fn describe(run: &Run) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let manifest = run.manifest();
    let (model, data) = (&manifest.model, &manifest.data);
    let n_cut = model.layers.iter().filter(|layer| layer.cut).count();
    writeln!(
        out,
        "model     {}, {} parameters, input {:?}, {} outputs",
        model.name,
        short_count(model.n_parameters),
        model.input_shape,
        model.n_outputs
    )?;
    for note in run.model_notes() {
        writeln!(out, "          {note}")?;
    }
    writeln!(
        out,
        "data      {}, {} samples, {}",
        data.name, data.n_samples, data.preprocessing
    )?;
    writeln!(out, "labels    {}", run.labelling())?;
    writeln!(
        out,
        "layers    {}, of which {n_cut} are cut layers",
        model.layers.len()
    )?;
    writeln!(
        out,
        "sweep     target {}, baseline {}, {}",
        manifest.config["target"].as_str().unwrap_or_default(),
        run.baseline_name(),
        run.quadrature()
    )
}
