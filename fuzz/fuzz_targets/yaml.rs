//! See `runai_fuzz::yaml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| runai_fuzz::yaml(data));
