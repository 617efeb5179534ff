//! A plane on a terminal.

use std::io::Write;

use infoplane::{Figure, Finished, Interval, PlaneResult, RankedBy, SkippedSample, VectorKind};

use crate::table::Table;

/// Unreadable samples that are named one by one.
const NAMED_SKIPS: usize = 10;

pub fn print(out: &mut impl Write, done: &Finished) -> std::io::Result<()> {
    let plane = &done.plane;
    if let Some(accuracy) = plane.accuracy {
        let share = 100.0 * accuracy.correct as f64 / accuracy.labelled.max(1) as f64;
        writeln!(
            out,
            "accuracy  {} of {} ({share:.1} %)",
            accuracy.correct, accuracy.labelled
        )?;
    }
    let label = &plane.label;
    if label.n_classes > 0 {
        writeln!(
            out,
            "labels    {} {}, {} to {:.0} samples each (fewest, median), H(Y) = {:.3} bits",
            label.n_classes,
            if label.kind == "group" {
                "groups"
            } else {
                "classes"
            },
            label.min_per_class,
            label.median_per_class,
            label.entropy
        )?;
    }
    writeln!(
        out,
        "channel   τ = {}: {}",
        plane.resolution.tau, plane.resolution.reason
    )?;
    writeln!(
        out,
        "steps     median {:.0}, {:.0} to {:.0}\n",
        plane.steps.median, plane.steps.min, plane.steps.max
    )?;
    for kind in [VectorKind::Conductance, VectorKind::Activation] {
        let rows: Vec<_> = plane.own_rows().filter(|row| row.kind == kind).collect();
        if rows.is_empty() {
            continue;
        }
        let title = match kind {
            VectorKind::Conductance => "conductance",
            VectorKind::Activation => "activation",
        };
        let mut table = Table::new(&[
            title,
            "",
            "I(X;C) bits>",
            "95 %>",
            "I(C;Y) bits>",
            "95 %>",
            "ITE>",
            "95 %>",
            "",
        ]);
        for row in rows {
            let flags = [row.mi_x.as_ref(), row.mi_y.as_ref()];
            let distrust = flags
                .iter()
                .flatten()
                .find_map(|figure| note(figure))
                .unwrap_or_default();
            table.row(vec![
                row.layer.clone(),
                if row.cut { "" } else { "branch" }.to_string(),
                row.mi_x
                    .as_ref()
                    .map_or_else(dash, |x| format!("{:.2}", x.value)),
                row.mi_x.as_ref().map_or_else(dash, |x| ends(x.ci)),
                row.mi_y
                    .as_ref()
                    .map_or_else(dash, |y| format!("{:.2}", y.value)),
                row.mi_y.as_ref().map_or_else(dash, |y| ends(y.ci)),
                row.ite
                    .ratio
                    .map_or_else(dash, |ite| format!("{:.2}", ite.value)),
                row.ite
                    .ratio
                    .map_or_else(dash, |ite: Interval| ends(ite.ci)),
                distrust.to_string(),
            ]);
        }
        table.print(out)?;
        writeln!(out)?;
    }
    print_roles(out, plane)?;
    print_judgements(out, plane)?;
    let mut ranked = plane.critical.iter();
    match ranked.find(|layer| !done.outputs.contains(&layer.layer)) {
        Some(first) => writeln!(out, "highest ITE: {} ({})", first.layer, first.evidence)?,
        None => writeln!(out, "no layer can be ranked")?,
    }
    if let Some(evidence) = &plane.ablation {
        writeln!(out, "ablation: {}", evidence.sentence)?;
    }
    print_controls(out, plane)?;
    for warning in &plane.warnings {
        writeln!(out, "note: {warning}")?;
    }
    skipped(out, &done.skipped)
}

/// What each cut layer does to the information, and how few channels carry the label's.
fn print_roles(out: &mut impl Write, plane: &PlaneResult) -> std::io::Result<()> {
    let roles: Vec<_> = plane
        .roles
        .iter()
        .filter(|role| role.kind == VectorKind::Conductance)
        .collect();
    if roles.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&[
        "conductance",
        "role",
        "ΔI(X;C) bits>",
        "95 %>",
        "ΔI(C;Y) bits>",
        "95 %>",
        "channels that carry 90 %>",
    ]);
    for role in roles {
        let names: Vec<String> = role.roles.iter().map(ToString::to_string).collect();
        let channels = plane.channels.iter().find(|view| view.layer == role.to);
        let carry = channels.map_or_else(dash, |view| match view.reach {
            Some(reach) => format!("{reach} of {}", view.n_channels),
            None => format!("over {} of {}", view.chosen.len(), view.n_channels),
        });
        table.row(vec![
            role.to.clone(),
            if names.is_empty() {
                "undecided".to_owned()
            } else {
                names.join(", ")
            },
            format!("{:+.2}", role.mi_x_change.value),
            ends(role.mi_x_change.ci),
            role.mi_y_change
                .map_or_else(dash, |change| format!("{:+.2}", change.value)),
            role.mi_y_change.map_or_else(dash, |change| ends(change.ci)),
            carry,
        ]);
    }
    table.print(out)?;
    writeln!(out)
}

/// Checks of theory, and the ranking's stability.
fn print_judgements(out: &mut impl Write, plane: &PlaneResult) -> std::io::Result<()> {
    for check in &plane.checks {
        writeln!(
            out,
            "{}: {} ({})",
            check.verdict, check.prediction, check.evidence
        )?;
    }
    for stability in &plane.stability {
        let by = match stability.by {
            RankedBy::Ite => "ITE",
            RankedBy::MiY => "I(C;Y)",
        };
        let Some(halves) = stability.halves else {
            continue;
        };
        write!(
            out,
            "ranking by {by}: halves of the samples agree with all by τ = {:.2} (5th percentile {:.2})",
            halves.mean, halves.p05
        )?;
        let own = format!("τ = {}", plane.resolution.tau);
        let own = stability.rankings.iter().position(|name| *name == own);
        let families = stability.rankings.iter().enumerate();
        for (index, name) in families.filter(|(_, name)| !name.starts_with('τ')) {
            let agreement = own.and_then(|own| stability.kendall.get(own)?.get(index).copied()?);
            if let Some(agreement) = agreement {
                write!(out, "; {name} {agreement:.2}")?;
            }
        }
        writeln!(out)?;
    }
    if !plane.checks.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

/// Each control's verdict with its figures.
fn print_controls(out: &mut impl Write, plane: &PlaneResult) -> std::io::Result<()> {
    let Some(controls) = &plane.controls else {
        return Ok(());
    };
    let flagged = if controls.flagged { ", too fine" } else { "" };
    writeln!(out, "controls, at τ = {}{flagged}:", controls.tau)?;
    for control in &controls.controls {
        let verdict = control
            .verdict
            .map_or_else(|| "stage".to_owned(), |v| v.to_string());
        let accuracy = control.accuracy.map_or_else(String::new, |accuracy| {
            let share = 100.0 * accuracy.correct as f64 / accuracy.labelled.max(1) as f64;
            format!("; accuracy {share:.1} %")
        });
        let (change, evidence) = (&control.change, &control.evidence);
        writeln!(
            out,
            "  {verdict}: {change} ({} samples): {evidence}{accuracy}",
            control.n
        )?;
    }
    for omitted in &controls.omitted {
        writeln!(
            out,
            "  not made: {}: {}",
            omitted.kind.name(),
            omitted.reason
        )?;
    }
    writeln!(out)
}

/// Counts the skipped samples and names the first of them.
pub fn skipped(out: &mut impl Write, skipped: &[SkippedSample]) -> std::io::Result<()> {
    if skipped.is_empty() {
        return Ok(());
    }
    let plural = if skipped.len() == 1 { "" } else { "s" };
    writeln!(out, "skipped {} sample{plural}:", skipped.len())?;
    for sample in skipped.iter().take(NAMED_SKIPS) {
        writeln!(out, "  {}: {}", sample.id, sample.reason)?;
    }
    if skipped.len() > NAMED_SKIPS {
        writeln!(out, "  … and {} more", skipped.len() - NAMED_SKIPS)?;
    }
    Ok(())
}

fn note(figure: &Figure) -> Option<&'static str> {
    match (figure.saturated, figure.flagged) {
        (true, _) => Some("saturated"),
        (false, true) => Some("not to be trusted"),
        (false, false) => None,
    }
}

fn ends(ci: [f64; 2]) -> String {
    format!("{:.2}–{:.2}", ci[0], ci[1])
}

fn dash() -> String {
    "–".to_string()
}
