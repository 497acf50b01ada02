//! Renders the reference of all rules, with the diagnostics of each invalid example.

use std::fmt::Write as _;

use super::{Example, Rule, Severity, groups};

/// Returns the reference of all rules, in Markdown. The heading of a rule is its code, so `#unknown-key` links to it.
#[must_use]
pub fn reference() -> String {
    let mut page =
        "# Rules\n\n`cargo xtask schema` generates this page from the rules in `crates/runai-spec/src/rules`.\n\n\
        * An **error** prevents rendering and submitting.\n\
        * A **warning** reports a valid file that is probably not intended. It does not prevent submitting.\n\
        * A **note** reports a value that cannot be checked yet.\n\n\
        | rule | severity | problem |\n|---|---|---|\n"
            .to_owned();
    for rule in super::all() {
        let Rule { code, severity, summary, .. } = rule;
        let _ = writeln!(page, "| [`{code}`](#{code}) | {} | {summary} |", severity.as_str());
    }
    for (title, rules) in groups() {
        let _ = write!(page, "\n## {title}\n");
        for rule in rules {
            section(&mut page, rule);
        }
    }
    page
}

fn section(page: &mut String, rule: &'static Rule) {
    let severity = match rule.severity {
        Severity::Error => "Error",
        Severity::Note => "Note",
        Severity::Warning => "Warning",
    };
    let _ = write!(page, "\n### {}\n\n{severity}: {}.\n\n{}\n", rule.code, rule.summary, rule.docs());
    example(page, "Wrong", &rule.invalid);
    let _ = write!(page, "\n```text\n{}```\n", diagnostics(rule));
    example(page, "Right", &rule.valid);
}

fn example(page: &mut String, heading: &str, example: &Example) {
    let _ = match example {
        Example::Generated(what, _) => writeln!(page, "\n{heading}: {what}."),
        Example::Substituted(text) | Example::Yaml(text) => write!(page, "\n{heading}:\n\n```yaml\n{text}```\n"),
    };
}

/// Returns the diagnostics of the rule in its invalid example, one per line. Diagnostics of other rules are left out.
fn diagnostics(rule: &'static Rule) -> String {
    let mut lines = String::new();
    for found in rule.invalid.check().diagnostics.iter().filter(|found| found.code == rule.code) {
        let (line, column, severity) = (found.line, found.column, found.severity.as_str());
        let _ = writeln!(lines, "{line}:{column} {severity}[{}]: {}", found.code, found.message);
        if let Some(help) = &found.help {
            let _ = writeln!(lines, "help: {help}");
        }
    }
    lines
}
