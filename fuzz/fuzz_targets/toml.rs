//! See `runai_fuzz::toml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| runai_fuzz::toml(data));
