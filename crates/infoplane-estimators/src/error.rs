//! What can be wrong with samples, labels and parameters.

use thiserror::Error;

use crate::Labels;

/// Why an estimate can't be made.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum EstimatorError {
    /// The data slice does not hold `n_samples × width` numbers.
    #[error("{found} numbers do not make {n_samples} vectors of length {width}")]
    Shape {
        /// Numbers given.
        found: usize,
        /// Vectors announced.
        n_samples: usize,
        /// Length announced.
        width: usize,
    },
    /// Vectors of length zero.
    #[error("vectors have length 0; an estimate needs at least one coordinate")]
    NoCoordinates,
    /// Fewer samples than the estimate and its interval need.
    #[error("{found} samples are too few; at least {minimum} are needed")]
    TooFewSamples {
        /// Samples given.
        found: usize,
        /// Samples needed.
        minimum: usize,
    },
    /// A NaN or infinite coordinate.
    #[error("sample {sample}, coordinate {coordinate} is {value}; every number must be finite")]
    NotFinite {
        /// Index of the sample.
        sample: usize,
        /// Index of the coordinate.
        coordinate: usize,
        /// The offending value.
        value: f64,
    },
    /// As many labels as samples are needed.
    #[error("{labels} labels for {samples} samples; every sample needs one label")]
    LabelCount {
        /// Labels given.
        labels: usize,
        /// Samples given.
        samples: usize,
    },
    /// As many samples on one side as on the other are needed.
    #[error("{first} samples on one side and {second} on the other; each needs its partner")]
    PairCount {
        /// Samples on the first side.
        first: usize,
        /// Samples on the second side.
        second: usize,
    },
    /// The family has no such figure.
    #[error("{estimator} has no estimate of {what}; {instead}")]
    Unsupported {
        /// The estimator.
        estimator: &'static str,
        /// What was asked for, in words.
        what: &'static str,
        /// What can be done.
        instead: &'static str,
    },
    /// Hardly any class has two samples.
    #[error(
        "{classes} classes in {samples} samples leave too few classes of two samples; merge classes \
         or add samples"
    )]
    LoneClasses {
        /// Classes given.
        classes: usize,
        /// Samples given.
        samples: usize,
    },
    /// No family of this name.
    #[error("there is no estimator `{name}`{}; there are {}", meant(nearest), known.join(", "))]
    UnknownEstimator {
        /// The name given.
        name: String,
        /// The nearest of the names there are, where one is near.
        nearest: Option<&'static str>,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// Parameters that a family does not have, or that are outside of their range.
    #[error("{estimator}: {reason}")]
    Parameters {
        /// The estimator.
        estimator: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A parameter outside of its range.
    #[error("parameter {name} is {value}; it must be {allowed}")]
    Parameter {
        /// The parameter's name.
        name: &'static str,
        /// The value given.
        value: String,
        /// The values allowed, in words.
        allowed: &'static str,
    },
    /// The eigendecomposition of a covariance or kernel did not converge.
    #[error("the eigendecomposition of a symmetric {size} × {size} matrix did not converge")]
    Eigendecomposition {
        /// Rows of the matrix.
        size: usize,
    },
    /// The worker threads could not be started.
    #[error("could not start {threads} worker threads: {reason}")]
    Threads {
        /// Threads asked for.
        threads: usize,
        /// The system's reason.
        reason: String,
    },
}

impl EstimatorError {
    pub(crate) fn lone(labels: &Labels) -> Self {
        Self::LoneClasses {
            classes: labels.n_classes(),
            samples: labels.n_samples(),
        }
    }
}

fn meant(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (nearest: `{name}`)"))
}
