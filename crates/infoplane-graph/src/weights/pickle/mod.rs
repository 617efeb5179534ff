//! Reads pickles as data: a stack machine with an allow-list of opcodes and of names, which executes
//! nothing.
//!
//! Objects live in one list and hold each other by index, so that neither deep nesting nor cycles can
//! exhaust the stack. Texts are borrowed from the file; no length in the file is believed before that
//! many bytes are there.

mod globals;
mod machine;
mod objects;
mod rebuild;

pub(super) use globals::StorageKind;
pub(super) use machine::load;
pub(super) use objects::{Id, Object, Pickle, StorageRef};
