//! The reader of tar archives of image folders, and what is in them.

#![no_main]

use infoplane_fuzz::data::open_and_load;
use infoplane_fuzz::memory::{MIB, at_most};
use infoplane_fuzz::scratch::Scratch;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let scratch = Scratch::new("fuzzed.tar");
    let path = scratch.write(bytes);
    at_most(2048 * MIB, || open_and_load(path));
});
