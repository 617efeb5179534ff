//! What can go wrong, and whether the user's input was at fault.

use std::path::PathBuf;

use infoplane_attribution::{AttributionError, QuadratureError};
use infoplane_data::DataError;
use infoplane_engine::EngineError;
use infoplane_estimators::EstimatorError;
use infoplane_graph::GraphError;
use infoplane_plane::PlaneError;
use infoplane_report::ReportError;
use infoplane_store::StoreError;

/// An error of an analysis.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The model, of a kind that does not name its file.
    #[error("{model}: {source}")]
    Model {
        /// Its file, or the architecture's name.
        model: String,
        /// What is wrong with it.
        source: GraphError,
    },
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file of the Hugging Face hub.
    #[cfg(feature = "hub")]
    #[error(transparent)]
    Hub(#[from] infoplane_hub::HubError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The attribution.
    #[error(transparent)]
    Attribution(#[from] AttributionError),
    /// The quadrature.
    #[error(transparent)]
    Quadrature(#[from] QuadratureError),
    /// The run directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plane.
    #[error(transparent)]
    Plane(#[from] PlaneError),
    /// An estimate.
    #[error(transparent)]
    Estimator(#[from] EstimatorError),
    /// The report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A setting that does not fit the others.
    #[error("{0}")]
    Setting(String),
    /// A sample could not be read, and that was to be an error.
    #[error("sample {id}: {reason} (reading is strict; without --strict such samples are skipped)")]
    Sample {
        /// The sample.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No sample could be analysed.
    #[error("none of the {n} samples could be analysed; the first was {first}")]
    NothingAnalysed {
        /// Number of samples.
        n: u64,
        /// The first sample with its reason.
        first: String,
    },
    /// A file could not be written.
    #[error("cannot write {}: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The run was asked to stop. What was finished is kept, and the same run goes on from there.
    #[error("stopped after {done} of {total} samples; the same command goes on from there")]
    Interrupted {
        /// Samples that are stored.
        done: u64,
        /// Samples of the run.
        total: u64,
    },
    /// An ablation was asked to stop. Nothing of it is kept.
    #[error("stopped after {done} of {total} ablated samples; the same command begins it again")]
    AblationInterrupted {
        /// Samples that were ablated.
        done: u64,
        /// Samples to ablate.
        total: u64,
    },
}

impl Error {
    /// Whether the input or the usage is at fault, rather than the machine.
    pub fn is_input_error(&self) -> bool {
        match self {
            Error::Store(error) | Error::Plane(PlaneError::Store(error)) => {
                !matches!(error, StoreError::Io { .. } | StoreError::Encode { .. })
            }
            #[cfg(feature = "hub")]
            Error::Hub(error) => error.is_input_error(),
            Error::Write { .. }
            | Error::Interrupted { .. }
            | Error::AblationInterrupted { .. }
            | Error::Report(_) => false,
            _ => true,
        }
    }
}
