//! Worst-case texts of the maximum length.

use std::fmt::Write;
use std::panic::catch_unwind;

use runai_fuzz::{MAX_LENGTH, TARGETS};

/// One test for all texts, because allocations are measured per process.
#[test]
fn worst_cases_stay_within_limits() {
    let long_name = "x".repeat(1024);
    let texts = [
        ("many unknown keys", map("", "", |n| format!("k{n}: 1"))),
        (
            "many unknown keys below long names",
            map(&format!("{{steps: {{{long_name}: {{settings: {{step_operator: "), "}}}}", |n| format!("k{n}: 1")),
        ),
        ("one long key", format!("{{\"{}\": 1}}", "gpu_portion_request".repeat(MAX_LENGTH / 20))),
        ("one long value", format!("cpu_memory_request: \"{}\"", "9".repeat(MAX_LENGTH - 30))),
        ("a long fraction", format!("cpu_memory_request: 0.{}1G", "0".repeat(MAX_LENGTH - 30))),
        ("a long fraction of nothing", format!("cpu_memory_request: 1.{}G", "0".repeat(MAX_LENGTH - 30))),
        ("a long number", format!("cpu_core_request: 1{}", "0".repeat(MAX_LENGTH - 30))),
        ("many wrong labels", map("{labels: ", "}", |n| format!("-{n}: 1"))),
        ("many secrets", map("{image: a, command: [b], environment: ", "}", |n| format!("A{n}_TOKEN: a"))),
        ("many mounts of nothing", list("pvc_mounts", "{}")),
        ("many mounts at one place", list("pvc_mounts", "{path: /a}")),
        ("many mounts at slashes", list("pvc_mounts", "{path: ////}")),
        ("many ports", list("ports", "{container: 1}")),
        ("many wrong ports", list("ports", "{container: 0}")),
        ("many URLs", list("external_urls", "{container: 1}")),
        ("many tolerations", list("tolerations", "{kay: 1}")),
        ("many pools", list("node_pools", "a")),
        ("many lists", "[".repeat(MAX_LENGTH)),
        ("many lists on one line", "- ".repeat(MAX_LENGTH / 2)),
        ("many maps", "{a: ".repeat(MAX_LENGTH / 4)),
        ("many quotes", "'".repeat(MAX_LENGTH)),
        ("many question marks", "? ".repeat(MAX_LENGTH / 2)),
        ("many colons", ": ".repeat(MAX_LENGTH / 2)),
        ("many tags", "!a ".repeat(MAX_LENGTH / 3)),
        ("many line breaks", "\n".repeat(MAX_LENGTH)),
        ("many secrets that do not parse", "A_TOKEN:".repeat(MAX_LENGTH / 8)),
        ("many byte order marks", "\u{feff}".repeat(MAX_LENGTH / 3)),
        ("many equal keys", "a: 1\n".repeat(MAX_LENGTH / 5)),
        ("many merges", merges()),
        ("many laughs", laughs()),
        ("many tables", (0..MAX_LENGTH / 9).fold(String::new(), |text, n| text + &format!("[a{n}]\n"))),
        ("many dots", format!("a{} = 1", ".a".repeat(MAX_LENGTH / 2 - 4))),
    ];
    let mut failed = Vec::new();
    for (what, text) in texts {
        assert!(text.len() <= MAX_LENGTH, "{what}: {} bytes", text.len());
        for target in TARGETS {
            let input = match target.name {
                "json" => quoted(&text),
                "quantities" => text.split_once(": ").map_or("", |(_, amount)| amount).to_owned(),
                _ => text.clone(),
            };
            if catch_unwind(|| (target.run)(input.as_bytes())).is_err() {
                failed.push(format!("{what}, as {}", target.name));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Returns a one-line map that fills the text, with room for JSON's quotes.
fn map(before: &str, after: &str, entry: impl Fn(usize) -> String) -> String {
    let mut text = format!("{before}{{");
    let mut n = 0;
    while text.len() + n * 4 + after.len() + 100 < MAX_LENGTH {
        let _ = write!(text, "{}{}", if n == 0 { "" } else { ", " }, entry(n));
        n += 1;
    }
    text + "}" + after
}

/// Returns a one-line list that fills the text.
fn list(name: &str, item: &str) -> String {
    let items = vec![item; (MAX_LENGTH - name.len() - 8) / (item.len() + 6)];
    format!("{{{name}: [{}]}}", items.join(", "))
}

fn merges() -> String {
    let keys: Vec<_> = (0..MAX_LENGTH / 24).map(|n| format!("a{n}: 1")).collect();
    format!("a: &a {{{}}}\nb: {{<<: [{}]}}\n", keys.join(", "), vec!["*a"; MAX_LENGTH / 8].join(", "))
}

fn laughs() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..40 {
        let _ = writeln!(text, "a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 9].join(", "));
    }
    text
}

/// Returns the text with JSON's quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() * 2);
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_alphanumeric() || "_-./".contains(c) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            let mark = if word.parse::<u8>().is_ok() { "" } else { "\"" };
            let _ = write!(quoted, "{mark}{word}{mark}");
            word.clear();
        }
        if c != '"' {
            quoted.push(c);
        }
    }
    quoted
}
