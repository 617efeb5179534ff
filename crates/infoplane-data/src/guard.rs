//! Readers of other crates that panic on some broken files.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs such a reader; a panic is an error of the file.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // What `read` borrows is not used again after a panic.
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err("the file is broken: its parts contradict each other".into()))
}
