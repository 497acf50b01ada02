//! See `runai_fuzz::commands`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| runai_fuzz::commands(data));
