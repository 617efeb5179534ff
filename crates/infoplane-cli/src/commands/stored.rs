//! `plane` and `report`: a run's stored vectors, without the network.

use std::io::Write;

use infoplane::RunConfig;

use crate::commands::summary;
use crate::config;
use crate::flags::{PlaneArgs, ReportArgs};
use crate::progress::ProgressView;

pub fn plane(args: &PlaneArgs) -> anyhow::Result<()> {
    let mut settings = RunConfig::default();
    config::information(&mut settings, &args.information);
    config::figures(&mut settings, &args.figures);
    let mut view = ProgressView::new();
    let done = infoplane::plane(&args.dir, &settings, &mut |progress| view.show(progress));
    view.finish();
    let done = done?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&done.plane)?)?;
        return Ok(());
    }
    summary::print(&mut out, &done)?;
    writeln!(out, "\nreport    {}", done.report.display())?;
    Ok(())
}

pub fn report(args: &ReportArgs) -> anyhow::Result<()> {
    if args.compare {
        infoplane::compare(&args.dirs, &args.out)?;
        println!("report    {}", args.out.display());
        return Ok(());
    }
    let mut settings = RunConfig::default();
    config::figures(&mut settings, &args.figures);
    for dir in &args.dirs {
        let report = infoplane::report(dir, &settings)?;
        println!("report    {}", report.display());
    }
    Ok(())
}
