//! The reader of the zip archives of `torch.save`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| infoplane_fuzz::weights::read_everything(bytes));
