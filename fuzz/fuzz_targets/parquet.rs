//! The reader of image parquet files. A page's header says how large its content is, at most 2 GiB, and the `parquet`
//! crate takes it at its word.

#![no_main]

use infoplane_fuzz::data::open_and_load;
use infoplane_fuzz::memory::{MIB, at_most};
use infoplane_fuzz::scratch::Scratch;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let scratch = Scratch::new("fuzzed.parquet");
    let path = scratch.write(bytes);
    at_most(4096 * MIB, || open_and_load(path));
});
