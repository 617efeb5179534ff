//! A plane on a terminal.

use std::io::Write;

use infoplane::{Figure, Interval, PlaneResult, SkippedSample, VectorKind};

use crate::table::Table;

/// Unreadable samples that are named one by one.
const NAMED_SKIPS: usize = 10;

pub fn print(
    out: &mut impl Write,
    plane: &PlaneResult,
    skipped: &[SkippedSample],
) -> std::io::Result<()> {
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
        let rows: Vec<_> = plane.rows.iter().filter(|row| row.kind == kind).collect();
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
            let flags = [Some(&row.mi_x), row.mi_y.as_ref()];
            let distrust = flags
                .iter()
                .flatten()
                .find_map(|figure| note(figure))
                .unwrap_or_default();
            table.row(vec![
                row.layer.clone(),
                if row.cut { "" } else { "branch" }.to_string(),
                format!("{:.2}", row.mi_x.value),
                ends(row.mi_x.ci),
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
    match plane.critical.first() {
        Some(first) => writeln!(out, "highest ITE: {} ({})", first.layer, first.evidence)?,
        None => writeln!(out, "no layer can be ranked")?,
    }
    for warning in &plane.warnings {
        writeln!(out, "note: {warning}")?;
    }
    self::skipped(out, skipped)
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
