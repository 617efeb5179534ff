//! The program `infoplane`: parses, calls, prints.

mod commands;
mod config;
#[cfg(feature = "hub")]
mod download;
mod flags;
mod interrupt;
mod progress;
mod table;

use std::process::ExitCode;

use clap::Parser;
use flags::{Cli, Command};
use interrupt::Interrupt;

/// Exit code of bad usage or input.
const BAD_INPUT: u8 = 2;
/// Exit code of an interrupted run.
const INTERRUPTED: u8 = 130;

/// A mistake in how the program was called.
#[derive(Debug)]
pub struct UsageError(pub String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(cli.verbose);
    let interrupt = Interrupt::install();
    #[cfg(feature = "hub")]
    let downloads = download::show();
    let result = call(&cli.command, &interrupt);
    #[cfg(feature = "hub")]
    downloads.clear();
    match result {
        Ok(code) => code,
        Err(error) => {
            if is_broken_pipe(&error) {
                return ExitCode::SUCCESS;
            }
            eprintln!("infoplane: {}", message(&error));
            ExitCode::from(exit_code(&error))
        }
    }
}

fn call(command: &Command, interrupt: &Interrupt) -> anyhow::Result<ExitCode> {
    match command {
        Command::Doctor(args) => return commands::doctor::doctor(args),
        Command::Demo(args) => commands::run::demo(args, interrupt),
        Command::Run(args) => commands::run::run(args, interrupt),
        Command::Series(args) => commands::series::series(args, interrupt),
        Command::Attribute(args) => commands::arrays::attribute(args),
        Command::Ablate(args) => commands::ablate::ablate(args, interrupt),
        Command::Plane(args) => commands::stored::plane(args),
        Command::Report(args) => commands::stored::report(args),
        Command::Layers(args) => commands::layers::layers(args),
        Command::Predict(args) => commands::arrays::predict(args),
        Command::Mi(args) => commands::information::mi(args),
        Command::Selftest(args) => commands::selftest::selftest(args),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<UsageError>() {
        return BAD_INPUT;
    }
    match error.downcast_ref::<infoplane::Error>() {
        Some(
            infoplane::Error::Interrupted { .. } | infoplane::Error::AblationInterrupted { .. },
        ) => INTERRUPTED,
        Some(error) if error.is_input_error() => BAD_INPUT,
        _ => 1,
    }
}

/// An error with its causes, but for those that it tells by itself.
fn message(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::WARN,
        1 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level)
        .with_target(false)
        .without_time()
        .init();
}
