//! The reader of `.safetensors`.

#![no_main]

mod common;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common::read_everything(bytes.to_vec()));
