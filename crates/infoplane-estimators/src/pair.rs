//! What an estimate is about: vectors, and what they may tell about.

use crate::{EstimatorError, Labels, Samples};

/// What vectors may carry information about.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// Other vectors, one a sample.
    Vectors(Samples<'a>),
    /// The class of each sample.
    Classes(&'a Labels),
    /// Which of the samples it is: the input X of a network, uniform on the samples. Only families
    /// that put a channel, a kernel or a partition between have an answer that is not log₂ N.
    Identity,
}

impl About<'_> {
    /// In words, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            About::Vectors(_) => "vectors",
            About::Classes(_) => "classes",
            About::Identity => "the sample's identity",
        }
    }
}

/// Vectors and what they may tell about, as many of one as of the other.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    vectors: Samples<'a>,
    about: About<'a>,
}

impl<'a> Pair<'a> {
    /// Pairs vectors with vectors, classes, or the samples' identity.
    ///
    /// # Errors
    /// When the two sides differ in number.
    pub fn new(vectors: Samples<'a>, about: About<'a>) -> Result<Self, EstimatorError> {
        let samples = vectors.n_samples();
        match about {
            About::Vectors(other) if other.n_samples() != samples => {
                Err(EstimatorError::PairCount {
                    first: samples,
                    second: other.n_samples(),
                })
            }
            About::Classes(labels) if labels.n_samples() != samples => {
                Err(EstimatorError::LabelCount {
                    labels: labels.n_samples(),
                    samples,
                })
            }
            _ => Ok(Self { vectors, about }),
        }
    }

    /// The vectors.
    pub fn vectors(&self) -> Samples<'a> {
        self.vectors
    }

    /// What they may tell about.
    pub fn about(&self) -> About<'a> {
        self.about
    }

    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        self.vectors.n_samples()
    }
}

/// A pair's numbers, taken from some of the samples of another in some order.
#[derive(Debug, Clone)]
pub(crate) struct OwnedPair {
    vectors: Vec<f64>,
    n_samples: usize,
    width: usize,
    about: OwnedAbout,
}

#[derive(Debug, Clone)]
enum OwnedAbout {
    Vectors(Vec<f64>, usize),
    Classes(Labels),
    Identity,
}

impl OwnedPair {
    /// Sample `i` has the vector of sample `vectors[i]` and the other side of sample `about[i]`.
    pub(crate) fn gather(pair: &Pair<'_>, vectors: &[usize], about: &[usize]) -> Self {
        debug_assert_eq!(vectors.len(), about.len());
        Self {
            vectors: pair.vectors.gather(vectors),
            n_samples: vectors.len(),
            width: pair.vectors.width(),
            about: match pair.about {
                About::Vectors(other) => OwnedAbout::Vectors(other.gather(about), other.width()),
                About::Classes(labels) => OwnedAbout::Classes(labels.gather(about)),
                About::Identity => OwnedAbout::Identity,
            },
        }
    }

    pub(crate) fn as_pair(&self) -> Pair<'_> {
        Pair {
            vectors: Samples::checked(&self.vectors, self.n_samples, self.width),
            about: match &self.about {
                OwnedAbout::Vectors(data, width) => {
                    About::Vectors(Samples::checked(data, self.n_samples, *width))
                }
                OwnedAbout::Classes(labels) => About::Classes(labels),
                OwnedAbout::Identity => About::Identity,
            },
        }
    }
}
