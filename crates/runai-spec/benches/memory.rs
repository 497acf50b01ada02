//! How much memory the core takes from text to body: allocations, and the most that is held at once.
//!
//! Prints one line of JSON a case. `cargo xtask bench` runs it; alone it is
//! `cargo bench --package runai-spec --bench memory`.
#![expect(clippy::print_stdout, reason = "its output is what `cargo xtask bench` reads")]

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
    // What is made once a process is not what a text costs.
    body(text, format);
    let profiler = dhat::Profiler::builder().testing().build();
    black_box(body(text, format));
    let stats = dhat::HeapStats::get();
    drop(profiler);
    let (bytes, allocations, peak) = (text.len(), stats.total_blocks, stats.max_bytes);
    println!(r#"{{"case":"{case}","bytes":{bytes},"allocations":{allocations},"peak":{peak}}}"#);
}
