//! Times the engine and the sweep on a network, so that they can be compared with other programs.
//!
//! Set-up (reading, packing, a first pass) is done before a line `{"ready": …}` is printed. Then every
//! line on stdin makes one timed run, answered by one line of JSON; so another program can run in turn
//! with this one, neither of them timed while the other works. With `--repeats N` there are N runs at
//! once. `scripts/bench_peers.py` is such a program.

mod forward_vjp;
mod network;
mod peak;
mod serve;
mod sweep;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "Times infoplane on a network")]
struct Cli {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// A batch of path nodes forward and back to one layer
    ForwardVjp(forward_vjp::Args),
    /// Conductance of several layers over whole paths
    Sweep(sweep::Args),
    /// The most fused multiply-adds that this machine does
    Peak(peak::Args),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match Cli::parse().mode {
        Mode::ForwardVjp(args) => forward_vjp::run(&args),
        Mode::Sweep(args) => sweep::run(&args),
        Mode::Peak(args) => peak::run(&args),
    }
}
