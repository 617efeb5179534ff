//! The reader of Parquet files with images or tables. A run of a few bytes stands for many values, so
//! that some memory is allowed whatever the file's length.

#![no_main]

use infoplane_fuzz::data::open_and_load;
use infoplane_fuzz::memory::{MIB, at_most};
use infoplane_fuzz::scratch::Scratch;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let scratch = Scratch::new("fuzzed.parquet");
    let path = scratch.write(bytes);
    at_most(2048 * MIB + 4096 * bytes.len(), || open_and_load(path));
});
