//! Tasks whose information is known, for checking the estimators.

mod clusters;
mod gaussian;

pub use clusters::GaussianClusters;
pub use gaussian::GaussianVectors;
