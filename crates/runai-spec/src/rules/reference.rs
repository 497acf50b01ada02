//! The page of all rules: each under a heading of its own, with what the check says about its wrong example.

use std::fmt::Write as _;

use super::{Example, Rule, Severity, groups};

/// The reference of all rules, in Markdown. The heading of a rule is its code, so that `#unknown-key` leads to it.
#[must_use]
pub fn reference() -> String {
    let mut page = "# Rules\n\n`cargo xtask schema` makes this page from the rules in `crates/runai-spec/src/rules`.\n\n\
        A file with an **error** cannot be used. A **warning** is about what will be accepted and is probably not meant; it keeps\n\
        nothing from being sent. A **note** is about what cannot be known yet. `runai-step explain CODE` says the same in a terminal.\n\n\
        | rule | | what is wrong |\n|---|---|---|\n"
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
    let _ = write!(page, "\n```text\n{}```\n", findings(rule));
    example(page, "Right", &rule.valid);
}

fn example(page: &mut String, heading: &str, example: &Example) {
    let _ = match example {
        Example::Made(what, _) => writeln!(page, "\n{heading}: {what}."),
        Example::Substituted(text) | Example::Yaml(text) => write!(page, "\n{heading}:\n\n```yaml\n{text}```\n"),
    };
}

/// What the check finds in the wrong example, a line each. What it finds beside the rule is another rule's affair.
fn findings(rule: &'static Rule) -> String {
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
