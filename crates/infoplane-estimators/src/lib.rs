//! Mutual information of vectors with the input and with the label, each figure with its interval,
//! bracket, permutation null, ceiling and saturation flag; and the tasks of known truth that the
//! estimators are checked on.
//!
//! [`Samples`] and [`Labels`] are checked once; an [`InformationEstimator`] turns them into an
//! [`Information`]. Every number is in bits and computed in f64.
//!
//! ```
//! use infoplane_estimators::{GaussianChannelParams, InformationEstimator, Labels, Samples};
//!
//! // Two classes far apart on a line: the class is one bit, and the channel passes it.
//! let vectors: Vec<f32> = (0..64).map(|i| if i % 2 == 0 { -1.0 } else { 1.0 }).collect();
//! let classes: Vec<u32> = (0..64).map(|i| i % 2).collect();
//! let samples = Samples::new(&vectors, 64, 1)?;
//! let labels = Labels::new(&classes)?;
//! let estimator = GaussianChannelParams { tau: 0.1, ..Default::default() }.check()?;
//! let information = estimator.information(samples, Some(&labels))?;
//! let about_class = information.label.expect("labels were given");
//! assert!((about_class.value - 1.0).abs() < 0.02);
//! # Ok::<(), infoplane_estimators::EstimatorError>(())
//! ```

pub mod auto;
mod binned;
mod categorical;
mod classes;
mod counts;
mod digamma;
mod distances;
mod error;
mod estimate;
mod estimator;
mod extrapolated;
mod gao;
mod gaussian;
mod gaussian_channel;
mod infonce;
mod kde;
mod ksg;
mod latent;
mod neighbours;
mod network;
mod pair;
mod parallel;
mod principal;
mod probe;
pub mod registry;
mod renyi;
mod resample;
mod ross;
mod samples;
mod sliced;
pub mod tasks;

pub use binned::{Binned, BinnedParams, Partition};
pub use categorical::categorical_information;
pub use counts::Correction;
pub use error::EstimatorError;
pub use estimate::{
    BRACKET_LIMIT, Estimate, Information, InformationEstimator, Null, SATURATION_SHARE,
    ratio_with_interval,
};
pub use estimator::{Estimator, Parameters, Point, Resampling};
pub use gao::{Gao, GaoParams};
pub use gaussian::{Gaussian, GaussianParams, Shrinkage};
pub use gaussian_channel::{
    ChannelPoint, GaussianChannel, GaussianChannelParams, LabelBracket, PreparedLayer,
};
pub use infonce::{InfoNce, InfoNceParams};
pub use kde::{Kde, KdeParams};
pub use ksg::{Ksg1, Ksg1Params, Ksg2, Ksg2Params, KsgExtrapolated, KsgExtrapolatedParams};
pub use latent::{Latent, LatentParams};
pub use neighbours::ColumnScale;
pub use pair::{About, Pair};
pub use probe::{Probe, ProbeParams};
pub use renyi::{Renyi, RenyiParams};
pub use resample::subsampling_interval;
pub use ross::{Ross, RossParams};
pub use samples::{Labels, MIN_SAMPLES, Samples};
pub use sliced::{Sliced, SlicedParams};
