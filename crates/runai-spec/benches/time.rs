//! Measures the time of parsing, checking and rendering, for an example and for files of growing size.
//!
//! `cargo xtask bench` compares it with the reference implementations, or run `cargo bench --package runai-spec --bench time`.
#![expect(clippy::print_stdout, reason = "an iteration of `cold` prints its result")]

mod common;

use std::env;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use runai_spec::{Resolver, Source};
use runai_syntax::Format;

use common::{MOUNTS, TEXTS, body, with_mounts};

fn example(criterion: &mut Criterion) {
    let bodies = TEXTS.map(|(_, text, format)| body(text, format));
    assert!(bodies.iter().all(|other| *other == bodies[0]), "the bodies differ");
    let mut group = criterion.benchmark_group("body");
    for (name, text, format) in TEXTS {
        group.bench_function(name, |bencher| bencher.iter(|| body(black_box(text), format)));
    }
    group.finish();
    let mut group = criterion.benchmark_group("check");
    for (name, text, format) in TEXTS {
        group.bench_function(name, |bencher| bencher.iter(|| check(black_box(text), format)));
    }
    group.finish();
}

/// Checks a text without errors, and returns the number of warnings.
fn check(text: &str, format: Format) -> usize {
    let report = Resolver::new(Source { name: "step", text, format }).resolve().report();
    assert!(report.ok, "the text has no errors");
    report.diagnostics.len()
}

fn mounts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mounts");
    group.sample_size(20);
    for count in MOUNTS {
        let text = with_mounts(count);
        assert_eq!(check(&text, Format::Yaml), 0);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_with_input(BenchmarkId::from_parameter(count), &text, |bencher, text| {
            bencher.iter(|| body(black_box(text), Format::Yaml));
        });
    }
    group.finish();
}

/// Measures the first text of a process, which includes initialization. Each iteration starts this program again, which
/// prints the time for its first text.
fn cold(criterion: &mut Criterion) {
    let program = env::current_exe().expect("the path of this program");
    let first = || {
        let output = Command::new(&program).arg(FIRST).output().expect("this program starts");
        let nanos = String::from_utf8_lossy(&output.stdout).trim().parse().expect("it prints a number");
        Duration::from_nanos(nanos)
    };
    let mut group = criterion.benchmark_group("cold");
    group.sample_size(20);
    group.bench_function("json", |bencher| bencher.iter_custom(|turns| (0..turns).map(|_| first()).sum()));
    group.finish();
}

/// The argument that makes this program one iteration of [`cold`].
const FIRST: &str = "--first-text";

criterion_group!(benches, example, mounts, cold);

fn main() {
    if env::args().any(|arg| arg == FIRST) {
        let (_, text, format) = TEXTS[0];
        let start = Instant::now();
        black_box(body(text, format));
        println!("{}", start.elapsed().as_nanos());
        return;
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
