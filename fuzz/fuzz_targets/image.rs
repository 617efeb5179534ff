//! The decoders of images, in a folder as users have them. An image may have 178,956,970 pixels, as with Pillow.

#![no_main]

use infoplane_fuzz::data::open_and_load;
use infoplane_fuzz::memory::{MIB, at_most};
use infoplane_fuzz::scratch::Scratch;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let scratch = Scratch::new("class/fuzzed.png");
    scratch.write(bytes);
    at_most(2048 * MIB, || open_and_load(scratch.folder()));
});
