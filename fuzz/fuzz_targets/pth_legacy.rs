//! The reader of `torch.save`'s older format, and of pickles.

#![no_main]

/// What such a file begins with.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let rest = bytes.strip_prefix(MAGIC).unwrap_or(bytes);
    infoplane_fuzz::weights::read_everything(&[MAGIC, rest].concat());
});
