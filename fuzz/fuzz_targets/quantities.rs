//! See `runai_fuzz::quantities`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| runai_fuzz::quantities(data));
