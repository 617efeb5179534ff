//! One file a group of commands.

pub mod arrays;
pub mod layers;
pub mod run;
pub mod stored;
mod summary;
