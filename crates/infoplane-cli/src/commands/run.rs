//! `run` and `demo`: the whole job.

use std::io::Write;

use infoplane::{Analysis, Progress, Run};

use crate::commands::summary;
use crate::config;
use crate::flags::{DemoArgs, RunArgs};
use crate::interrupt::Interrupt;
use crate::progress::ProgressView;
use crate::table::short_count;

pub fn run(args: &RunArgs, interrupt: &Interrupt) -> anyhow::Result<()> {
    let analysis = Analysis::from_config(config::of_run(args)?);
    let run = analysis.prepare()?;
    for note in run.notes() {
        tracing::warn!("{note}");
    }
    finish(&analysis, &run, args.json, interrupt)?;
    Ok(())
}

pub fn demo(args: &DemoArgs, interrupt: &Interrupt) -> anyhow::Result<()> {
    let analysis = Analysis::demo(&args.out);
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

fn finish(analysis: &Analysis, run: &Run, json: bool, interrupt: &Interrupt) -> anyhow::Result<()> {
    if !json {
        describe(run)?;
    }
    let mut view = ProgressView::new();
    let mut show = |progress: &Progress| {
        interrupt.at(progress);
        view.show(progress);
    };
    let done = analysis.finish(run, &mut show, interrupt.stop());
    view.finish();
    let done = done?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&done.plane)?)?;
        return Ok(());
    }
    summary::print(&mut out, &done.plane, &done.skipped)?;
    writeln!(out, "\nreport    {}", done.report.display())?;
    Ok(())
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
    writeln!(
        out,
        "data      {}, {} samples, {}",
        data.name, data.n_samples, data.preprocessing
    )?;
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
