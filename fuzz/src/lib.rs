//! What the fuzz targets share: how much memory a reader took, and files made of fuzzed bytes.

pub mod data;
pub mod memory;
pub mod scratch;
pub mod weights;
