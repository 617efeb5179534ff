//! The reader of CIFAR's binary batches.

#![no_main]

use infoplane_fuzz::data::open_and_load;
use infoplane_fuzz::memory::{MIB, at_most};
use infoplane_fuzz::scratch::Scratch;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let scratch = Scratch::new("data_batch_1.bin");
    let path = scratch.write(bytes);
    at_most(64 * MIB + 16 * bytes.len(), || open_and_load(path));
});
