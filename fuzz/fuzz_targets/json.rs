//! See `runai_fuzz::json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| runai_fuzz::json(data));
