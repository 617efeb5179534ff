//! One file a group of commands.

pub mod ablate;
pub mod arrays;
pub mod doctor;
pub mod information;
pub mod layers;
pub mod run;
pub mod selftest;
pub mod series;
mod shard;
pub mod stored;
mod summary;
