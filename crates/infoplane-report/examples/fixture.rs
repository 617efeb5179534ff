//! Writes reports of made-up results, for looking at: `cargo run --example fixture -- OUT`.

#[path = "../tests/fixture/mod.rs"]
mod fixture;

use std::path::PathBuf;

use infoplane_report::{ReportInput, ReportOptions, write_report};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(
        std::env::args_os()
            .nth(1)
            .unwrap_or_else(|| "fixture".into()),
    );
    let runs = [
        ("resnet20", fixture::resnet20()),
        ("deep", fixture::deep()),
        ("hostile", fixture::hostile()),
        ("unlabelled", fixture::unlabelled()),
        ("flagged", fixture::flagged()),
    ];
    for (name, (manifest, plane)) in runs {
        let ablation = fixture::views::ablation(&plane.rows);
        let input = ReportInput::new(&manifest, &plane).with_ablation(Some(&ablation));
        let files = write_report(&out.join(name), &input, &ReportOptions::default())?;
        println!("{}", files.html.display());
    }
    Ok(())
}
