//! The reader of tables: manifests and features.

#![no_main]

use infoplane_fuzz::data::open_and_load;
use infoplane_fuzz::memory::{MIB, at_most};
use infoplane_fuzz::scratch::Scratch;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let scratch = Scratch::new("fuzzed.csv");
    let path = scratch.write(bytes);
    at_most(64 * MIB + 1024 * bytes.len(), || open_and_load(path));
});
