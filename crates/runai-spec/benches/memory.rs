//! Measures the memory of parsing, checking and rendering: the number of allocations and the peak in bytes.
//!
//! Prints one line of JSON per case. `cargo xtask bench` runs it, or
//! `cargo bench --package runai-spec --bench memory`.
#![expect(clippy::print_stdout, reason = "`cargo xtask bench` parses the output")]

mod common;

use std::hint::black_box;

use runai_syntax::Format;

use common::{MOUNTS, TEXTS, body, with_mounts};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() {
    for (name, text, format) in TEXTS {
        measure(&format!("body/{name}"), text, format);
    }
    for count in MOUNTS {
        measure(&format!("mounts/{count}"), &with_mounts(count), Format::Yaml);
    }
}

fn measure(case: &str, text: &str, format: Format) {
    // Excludes allocations that happen once per process.
    body(text, format);
    let profiler = dhat::Profiler::builder().testing().build();
    black_box(body(text, format));
    let stats = dhat::HeapStats::get();
    drop(profiler);
    let (bytes, allocations, peak) = (text.len(), stats.total_blocks, stats.max_bytes);
    println!(r#"{{"case":"{case}","bytes":{bytes},"allocations":{allocations},"peak":{peak}}}"#);
}
