//! `run --shard`: one machine's share of a run.

use std::io::Write;
use std::path::Path;

use infoplane::{RunConfig, ShardDone};
use serde_json::json;

use crate::commands::summary;

/// Prints what was computed and what is left to do. `config` is that of the run.
pub fn print(out: &mut impl Write, config: &RunConfig, done: &ShardDone) -> anyhow::Result<()> {
    let dir = config.out.as_deref().unwrap_or(Path::new("."));
    writeln!(
        out,
        "shard     {}: {} of {} samples",
        done.shard,
        count(done.parts.len(), "part"),
        done.n_samples
    )?;
    summary::skipped(out, &done.skipped)?;
    let plane = plane_command(dir, config);
    if done.missing.is_empty() {
        writeln!(out, "next      all parts of the run are here: {plane}")?;
    } else {
        writeln!(
            out,
            "next      {} of the run still missing here; copy the files of the other shards' samples \
             folders\n          into {}, then {plane}",
            count(done.missing.len(), "part"),
            dir.join("samples").display()
        )?;
    }
    Ok(())
}

/// The same as one JSON object.
pub fn print_json(out: &mut impl Write, done: &ShardDone) -> anyhow::Result<()> {
    let object = json!({
        "shard": done.shard,
        "parts": done.parts,
        "n_samples": done.n_samples,
        "skipped": done.skipped,
        "missing_parts": done.missing,
    });
    writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
    Ok(())
}

fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// The command that makes the plane with the settings of this run, which `run.json` does not hold.
fn plane_command(dir: &Path, config: &RunConfig) -> String {
    let settings = [
        ("groups", config.groups.clone()),
        ("tau", config.tau.map(|tau| tau.to_string())),
        ("seed", config.seed.map(|seed| seed.to_string())),
    ];
    let settings: String = settings
        .into_iter()
        .filter_map(|(name, value)| Some(format!(" --{name} {}", value?)))
        .collect();
    format!("infoplane plane {}{settings}", dir.display())
}
