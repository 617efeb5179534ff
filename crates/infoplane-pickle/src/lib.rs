//! Reads pickles as data: a stack machine with an allow-list of opcodes and of names, which executes
//! nothing.
//!
//! What a pickle would have Python call is left as a [`Object::Call`] with its arguments, for a reader
//! that knows the name to make something of. Objects live in one list and hold each other by index, so
//! that neither deep nesting nor cycles can exhaust the stack. Texts and bytes are borrowed from the file;
//! no length in the file is believed before that many bytes are there.
#![forbid(unsafe_code)]

mod machine;
mod objects;
mod problem;

pub use machine::load;
pub use objects::{Id, Object, Pickle};
pub use problem::PickleProblem;
