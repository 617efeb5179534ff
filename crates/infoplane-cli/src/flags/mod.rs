//! The command line as it is typed. Nothing past this module asks what a flag meant.

use clap::{Parser, Subcommand};

mod runs;
mod shared;
mod tools;

pub use runs::{
    AblateArgs, AttributeArgs, DemoArgs, PlaneArgs, ReduceArg, ReplaceArg, ReportArgs, RunArgs,
    SeriesArgs,
};
pub use shared::{
    AttributionArgs, ControlArgs, FigureArgs, ImageArgs, InformationArgs, NetworkArgs,
};
pub use tools::{DoctorArgs, KindArg, LayersArgs, MiArgs, PredictArgs, SelftestArgs, UnitArg};

/// Shows which layers of a trained network carry the information that decides its output.
#[derive(Debug, Parser)]
#[command(
    name = "infoplane",
    version,
    about,
    long_about = "Shows which layers of a trained network carry the information that decides its \
                  output.\n\nFor every hidden layer it computes the layer conductance (Dhamdhere et \
                  al. 2018) of real samples, estimates the mutual information of those conductances \
                  with the input and with the label, places the layers on the information plane, and \
                  scores their Information Transformation Efficiency (ITE).",
    after_help = "Start with `infoplane demo`, then `infoplane run --model net.onnx --data images/ \
                  --out runs/net`.\nExit codes: 0 done, 1 failed, 2 bad usage or input, 130 \
                  interrupted (the run resumes)."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Say more on stderr (twice: everything)
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole job on an embedded network and data set, in seconds, without a download
    Demo(DemoArgs),
    /// Conductance, information, plane and report of a network on a data set
    Run(Box<RunArgs>),
    /// Checkpoints of one training: the way of each layer through the plane, fitting and compression
    Series(Box<SeriesArgs>),
    /// Conductance of already preprocessed arrays, into an .npz archive
    Attribute(Box<AttributeArgs>),
    /// Information, efficiency and critical layers again, from a run's stored vectors
    Plane(PlaneArgs),
    /// What the channels of highest conductance are worth: replaced, against as many random ones
    Ablate(Box<AblateArgs>),
    /// The report of a run again, or a page that compares runs
    Report(ReportArgs),
    /// The layers of a network: name, operator, shape, parameters, cut or not, chosen or not
    Layers(LayersArgs),
    /// Do a network and a data set fit infoplane and each other, and what to run next
    Doctor(Box<DoctorArgs>),
    /// A plain forward pass over already preprocessed arrays
    Predict(PredictArgs),
    /// Mutual information of two variables from arrays or tables
    Mi(Box<MiArgs>),
    /// Does this build compute right? Gradients against differences, estimators against known truth
    Selftest(SelftestArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
