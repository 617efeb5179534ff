//! `ablate`: what the channels of highest conductance are worth to a stored run's network.

use std::io::Write;

use infoplane::plane_parts::{
    AblationEvidence, CurvePoint, LayerAblation, LayerEvidence, Measures,
};
use infoplane::{AblationRequest, AblationResult, Interval};
use serde_json::json;

use crate::flags::{AblateArgs, ReplaceArg};
use crate::interrupt::Interrupt;
use crate::progress::ProgressView;
use crate::table::Table;

pub fn ablate(args: &AblateArgs, interrupt: &Interrupt) -> anyhow::Result<()> {
    let request = request(args);
    let mut view = ProgressView::new();
    let done = infoplane::ablate(
        &args.dir,
        &request,
        &mut |progress| view.show(progress),
        interrupt.stop(),
    );
    view.finish();
    let done = done?;
    let mut out = std::io::stdout().lock();
    let evidence = done
        .plane
        .as_ref()
        .and_then(|plane| plane.ablation.as_ref());
    if args.json {
        let critical = done.plane.as_ref().map(|plane| &plane.critical);
        let object = json!({"ablation": done.result, "plane": evidence, "critical": critical});
        writeln!(out, "{object:#}")?;
        return Ok(());
    }
    describe(&mut out, &done.result)?;
    table(&done.result, evidence).print(&mut out)?;
    for omitted in &done.result.omitted {
        writeln!(out, "not ablated: {} ({})", omitted.layer, omitted.reason)?;
    }
    writeln!(
        out,
        "\nArea over the deletion curve of the cross-entropy, in bits a sample: what replacing the channels of \
         highest\nmean |conductance| costs (top), as many random ones (random), and the difference with its 95 % \
         interval.\nKept: the share of predictions that stay as they were with {} % of the channels replaced.",
        100.0 * shown_fraction(&done.result)
    )?;
    match evidence {
        Some(evidence) => writeln!(out, "\n{}", evidence.sentence)?,
        None => writeln!(
            out,
            "\nThere is no plane yet to compare with: infoplane plane {}",
            args.dir.display()
        )?,
    }
    writeln!(
        out,
        "\nablation  {}",
        args.dir.join("ablation.json").display()
    )?;
    if let Some(report) = &done.report {
        writeln!(out, "report    {}", report.display())?;
    }
    Ok(())
}

fn request(args: &AblateArgs) -> AblationRequest {
    let mut request = AblationRequest {
        seed: args.seed,
        model: args.network.model.clone(),
        weights: args.network.weights.clone(),
        data: args.data.clone(),
        classes: args.classes.clone(),
        labels: args.labels.clone(),
        threads: args.threads,
        ..AblationRequest::default()
    };
    let settings = &mut request.settings;
    if !args.fractions.is_empty() {
        settings.fractions.clone_from(&args.fractions);
    }
    settings.draws = args.draws.unwrap_or(settings.draws);
    settings.limit = args.limit.unwrap_or(settings.limit);
    settings.replace = match args.replace {
        ReplaceArg::Mean => infoplane::Replacement::Mean,
        ReplaceArg::Zero => infoplane::Replacement::Zero,
    };
    request
}

fn describe(out: &mut impl Write, result: &AblationResult) -> std::io::Result<()> {
    let by = match result.n_mean {
        0 => "by zeros".to_owned(),
        n => format!("by their mean over {n} samples at each position"),
    };
    writeln!(
        out,
        "ablation  {} of {} samples, spread evenly; channels replaced {by}; {} random draws",
        result.n, result.n_run, result.settings.draws
    )?;
    let intact = &result.intact;
    let accuracy = intact.accuracy.map_or_else(String::new, |accuracy| {
        format!("accuracy {:.1} %, ", 100.0 * accuracy.value)
    });
    writeln!(
        out,
        "unchanged {accuracy}target logit {:.2}, cross-entropy {:.3} bits\n",
        intact.target_logit.value, intact.cross_entropy.value
    )
}

fn table(result: &AblationResult, evidence: Option<&AblationEvidence>) -> Table {
    let mut table = Table::new(&[
        "layer",
        "",
        "channels>",
        "top>",
        "random>",
        "effect>",
        "95 %>",
        "kept, top>",
        "random>",
        "ITE>",
        "critical by",
    ]);
    for layer in &result.layers {
        let own = evidence.and_then(|evidence| {
            let mut layers = evidence.layers.iter();
            layers.find(|own| own.layer == layer.layer)
        });
        let wanted = shown_fraction(result);
        let shown = layer.curve.iter().min_by(|a, b| {
            let distance = |fraction: f64| (fraction - wanted).abs();
            distance(a.fraction).total_cmp(&distance(b.fraction))
        });
        table.row(row(layer, own, shown));
    }
    table
}

fn row(
    layer: &LayerAblation,
    evidence: Option<&LayerEvidence>,
    shown: Option<&CurvePoint>,
) -> Vec<String> {
    let area = layer.area.cross_entropy;
    let share = |measures: Option<&Measures>| {
        measures.map_or_else(dash, |m| format!("{:.0} %", 100.0 * m.agreement.value))
    };
    vec![
        layer.layer.clone(),
        if layer.cut { "" } else { "branch" }.to_owned(),
        layer.n_channels.to_string(),
        format!("{:.3}", area.top.value),
        format!("{:.3}", area.control.value),
        format!("{:+.3}", area.effect.value),
        ends(area.effect),
        share(shown.map(|point| &point.top)),
        share(shown.map(|point| &point.control)),
        evidence
            .and_then(|own| own.ite)
            .map_or_else(dash, |ite| format!("{:.2}", ite.value)),
        match evidence.map(|own| own.verdict) {
            Some(Some(verdict)) => verdict.words().to_owned(),
            Some(None) => "not ranked".to_owned(),
            None => String::new(),
        },
    ]
}

/// The largest fraction up to a quarter that was tried, or the smallest there is.
fn shown_fraction(result: &AblationResult) -> f64 {
    let fractions = &result.settings.fractions;
    let below = fractions.iter().rev().find(|fraction| **fraction <= 0.25);
    below.or(fractions.first()).copied().unwrap_or(1.0)
}

fn dash() -> String {
    "–".to_owned()
}

fn ends(interval: Interval) -> String {
    format!("{:+.3} to {:+.3}", interval.ci[0], interval.ci[1])
}
