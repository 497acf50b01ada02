//! SARIF 2.1.0, which code scanners read.

use std::io;

use runai_spec::rules::{self, Severity};
use serde_json::{Value, json};

use super::Checked;

/// Prints what was found.
pub(crate) fn print(checked: &[Checked]) -> io::Result<()> {
    let all: Vec<_> = rules::all().collect();
    let descriptors: Vec<Value> = all
        .iter()
        .map(|rule| {
            json!({
                "id": rule.code,
                "shortDescription": {"text": rule.summary},
                "fullDescription": {"text": rule.docs()},
                "defaultConfiguration": {"level": level(rule.severity)},
            })
        })
        .collect();
    let results: Vec<Value> = checked
        .iter()
        .flat_map(|file| {
            let all = &all;
            file.report.diagnostics.iter().map(move |found| {
                let text = match &found.help {
                    Some(help) => format!("{}: {help}", found.message),
                    None => found.message.clone(),
                };
                json!({
                    "ruleId": found.code,
                    "ruleIndex": all.iter().position(|rule| rule.code == found.code),
                    "level": level(found.severity),
                    "message": {"text": text},
                    "locations": [{
                        "physicalLocation": {
                            "artifactLocation": {"uri": uri(&file.path)},
                            "region": {
                                "startLine": found.line,
                                "startColumn": found.column,
                                "endLine": found.end_line,
                                "endColumn": found.end_column,
                                "byteOffset": found.offset,
                                "byteLength": found.end_offset - found.offset,
                            },
                        },
                        "logicalLocations": [{"fullyQualifiedName": found.path}],
                    }],
                })
            })
        })
        .collect();
    super::json_pretty(&json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "runai-step",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": descriptors,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Note => "note",
        Severity::Warning => "warning",
    }
}

/// The path as a URI reference.
fn uri(path: &str) -> String {
    let parts: Vec<_> = path.split('/').map(runai_api::request::encode_component).collect();
    parts.join("/")
}
