//! SARIF 2.1.0, for code scanners.

use std::io;

use runai_spec::rules::{self, Severity};
use runai_spec::{Applicability, Fix, FixEdit, Related};
use serde_json::{Value, json};

use super::CheckedFile;

/// Prints all diagnostics.
pub(crate) fn print(checked: &[CheckedFile]) -> io::Result<()> {
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
            let lines = Positions::new(&file.shown);
            file.report.diagnostics.iter().map(move |found| {
                let text = match &found.help {
                    Some(help) => format!("{}: {help}", found.message),
                    None => found.message.clone(),
                };
                let mut result = json!({
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
                });
                let related: Vec<_> = found.related.iter().map(|other| related(other, file, &lines)).collect();
                let fixes = found.fixes.iter().filter(|fix| fix.applicability != Applicability::DisplayOnly);
                let fixes: Vec<_> = fixes.map(|fix| fix_of(fix, &lines)).collect();
                if !related.is_empty() {
                    result["relatedLocations"] = related.into();
                }
                if !fixes.is_empty() {
                    result["fixes"] = fixes.into();
                }
                if !found.tags.is_empty() {
                    result["properties"] = json!({"tags": found.tags});
                }
                result
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

/// Converts a related location. Only locations in the same file have lines.
fn related(other: &Related, file: &CheckedFile, lines: &Positions<'_>) -> Value {
    let region = if other.path == file.path {
        lines.region(other.offset, other.end_offset)
    } else {
        json!({"byteOffset": other.offset, "byteLength": other.end_offset - other.offset})
    };
    json!({
        "physicalLocation": {"artifactLocation": {"uri": uri(&other.path)}, "region": region},
        "message": {"text": other.message},
    })
}

fn fix_of(fix: &Fix, lines: &Positions<'_>) -> Value {
    let replacement = |edit: &FixEdit| {
        let mut replacement = json!({"deletedRegion": lines.region(edit.offset, edit.end_offset)});
        if !edit.insert.is_empty() {
            replacement["insertedContent"] = json!({"text": edit.insert});
        }
        replacement
    };
    let path = fix.edits.first().map_or("", |edit| &edit.path);
    json!({
        "description": {"text": fix.title},
        "artifactChanges": [{
            "artifactLocation": {"uri": uri(path)},
            "replacements": fix.edits.iter().map(replacement).collect::<Vec<_>>(),
        }],
    })
}

/// Converts offsets to lines and columns.
struct Positions<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
}

impl<'t> Positions<'t> {
    fn new(text: &'t str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, line_starts }
    }

    /// Returns the line and column of an offset, from 1; columns count characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let before = self.text.get(self.line_starts[line - 1]..offset).unwrap_or_default();
        (line, before.trim_start_matches('\u{feff}').chars().count() + 1)
    }

    fn region(&self, offset: usize, end_offset: usize) -> Value {
        let ((line, column), (end_line, end_column)) = (self.position(offset), self.position(end_offset));
        json!({
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
            "byteOffset": offset,
            "byteLength": end_offset - offset,
        })
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Note => "note",
        Severity::Warning => "warning",
    }
}

/// Returns the path as a URI reference.
fn uri(path: &str) -> String {
    let parts: Vec<_> = path.split('/').map(runai_api::request::encode_component).collect();
    parts.join("/")
}
