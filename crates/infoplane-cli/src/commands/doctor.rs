//! `doctor`: what fits and what does not.

use std::io::Write;
use std::process::ExitCode;

use infoplane::doctor::{Diagnosis, Finding, Part, Verdict};

use crate::config;
use crate::flags::DoctorArgs;
use crate::table::printable;

/// Characters of a topic, so that what is said stands in a column.
const TOPIC: usize = 13;

/// Prints a diagnosis; the exit code says whether the analysis can be run.
pub fn doctor(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let shape = (!args.input_shape.is_empty()).then_some(args.input_shape.as_slice());
    let diagnosis = infoplane::doctor::doctor(&config::of_doctor(args), shape);
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&diagnosis)?)?;
    } else {
        print(&mut out, &diagnosis)?;
    }
    Ok(match diagnosis.fits {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(crate::BAD_INPUT),
    })
}

fn print(out: &mut impl Write, diagnosis: &Diagnosis) -> std::io::Result<()> {
    let mut part = None;
    for finding in &diagnosis.findings {
        if part != Some(finding.part) {
            part = Some(finding.part);
            writeln!(out, "{}", heading(finding.part))?;
        }
        line(out, finding)?;
    }
    let verdict = match (diagnosis.fits, diagnosis.findings.iter().any(is_note)) {
        (true, false) => "It fits.",
        (true, true) => "It can be run; what is marked ! is worth a look first.",
        (false, _) => "It can't be run yet: mend what is marked ✗.",
    };
    writeln!(out, "\n{verdict}\nnext      {}", diagnosis.next)
}

fn is_note(finding: &Finding) -> bool {
    finding.verdict == Verdict::Note
}

fn heading(part: Part) -> &'static str {
    match part {
        Part::Model => "model",
        Part::Data => "data",
        Part::Run => "run",
    }
}

fn line(out: &mut impl Write, finding: &Finding) -> std::io::Result<()> {
    let mark = match finding.verdict {
        Verdict::Fits => '✓',
        Verdict::Note => '!',
        Verdict::Fails => '✗',
    };
    let said: Vec<String> = finding.said.lines().map(printable).collect();
    writeln!(
        out,
        "  {mark} {:TOPIC$} {}",
        finding.topic,
        said.join("\n    ")
    )?;
    match &finding.hint {
        Some(hint) => writeln!(out, "    {:TOPIC$} → {}", "", printable(hint)),
        None => Ok(()),
    }
}
