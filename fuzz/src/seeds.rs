//! Seeds and dictionaries.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use runai_spec::explain::{Explanation, explain, setting_paths};
use runai_spec::rules;

use crate::Target;

/// Returns the seeds of a target: the fixtures and examples of the core.
///
/// # Panics
///
/// The fixtures are missing.
#[must_use]
pub fn seeds(target: Target) -> Vec<Vec<u8>> {
    match target.name {
        "bodies" => bodies(),
        "commands" => texts(&["python\0-m\0train\0--name\0it's a $test", "", "\0\0", "'\"'\"'\0\\\n#\t~\0ü"]),
        "quantities" => {
            texts(&["4G 4Gi", "0.5Ki 512", "1e3 1k", "+00.10m .1n", "100E 1e100", "1.2.3 .", "18Ei 1e-100"])
        }
        // The bytes are choices, so any will do.
        "settings" => {
            (0..64_u8).map(|n| (0..=255_u8).map(|i| i.wrapping_mul(n).wrapping_add(n ^ 0x5b)).collect()).collect()
        }
        // Each format uses the seeds of all formats.
        "json" | "toml" | "yaml" => documents(),
        name => panic!("`{name}` has no seeds"),
    }
}

/// Returns words that random bytes rarely form, in the format of libFuzzer's dictionaries.
#[must_use]
pub fn dictionary() -> String {
    let mut words = String::new();
    let mut word = |text: &str| {
        words += "\"";
        for byte in text.bytes() {
            let _ = write!(words, "\\x{byte:02X}");
        }
        words += "\"\n";
    };
    for path in setting_paths() {
        word(path.rsplit('.').next().unwrap_or(&path));
        if let Ok(Explanation::Setting { example, .. }) = explain(&path) {
            word(&example.to_string());
        }
    }
    [
        "step_operator.runai",
        "steps",
        "<<: *",
        "&a ",
        "!!str ",
        "!!float ",
        "\u{feff}",
        "\r\n",
        "|-\n  ",
        "\"\"\"",
        "[[",
    ]
    .into_iter()
    .for_each(word);
    words
}

fn documents() -> Vec<Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/runai-spec/tests/fixtures");
    let mut files: Vec<_> = ["valid", "invalid"]
        .iter()
        .flat_map(|folder| fs::read_dir(fixtures.join(folder)).expect("the core has fixtures"))
        .map(|entry| entry.expect("a folder can be read to its end").path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "snap"))
        .collect();
    files.sort();
    let fixtures = files.iter().map(|file| fs::read(file).expect("a fixture can be read"));
    let examples = rules::all().flat_map(|rule| [rule.valid.bytes(), rule.invalid.bytes()]);
    fixtures.chain(examples).filter(|bytes| bytes.len() <= crate::MAX_LENGTH).collect()
}

/// A file with every member of the API.
fn bodies() -> Vec<Vec<u8>> {
    let every_member = include_bytes!("../../crates/runai-api/src/wire/every-member.json");
    let small = texts(&[
        r#"{"name":"fit","projectId":"1","clusterId":"c","spec":{"image":"a","labels":null,"compute":{"gpuPortionRequest":0.5}}}"#,
        r#"{"next":1,"workloads":[{"id":"a","name":"b","phase":"Running","totalRunningTimeSeconds":4.5}]}"#,
        r#"{"code":400,"message":"no","complianceIssues":[{"field":"compute","details":"d","rule":"max"}]}"#,
        r#"{"error":"invalid_client","error_description":"no"}"#,
    ]);
    small.into_iter().chain([every_member.to_vec()]).collect()
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
