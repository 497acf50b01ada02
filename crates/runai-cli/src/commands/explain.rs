//! `runai-step explain`

use std::fmt::Write as _;

use runai_spec::explain::{Explanation, explain as look_up, setting_paths};
use runai_spec::rules;
use runai_syntax::Tree;
use serde_json::json;

use crate::args::{ExplainArgs, ResultFormat};
use crate::exit::Exit;
use crate::output;

/// Explains a rule or a setting, or lists all of them.
pub(crate) fn explain(args: &ExplainArgs) -> Exit {
    let Some(name) = &args.name else { return list(args.format) };
    let explanation = match look_up(name) {
        Ok(explanation) => explanation,
        Err(near) => {
            let hint = near.map_or_else(
                || "`runai-step explain` lists all rules and settings".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            output::error(&format!("unknown rule or setting `{name}`\nhint: {hint}"));
            return Exit::NotFound;
        }
    };
    let printed = output::result(args.format, &explanation, || output::line(text(&explanation).trim_end()));
    output::exit_of(&printed)
}

fn list(format: ResultFormat) -> Exit {
    let all: Vec<_> = rules::all()
        .map(|rule| json!({"code": rule.code, "severity": rule.severity, "summary": rule.summary}))
        .collect();
    let printed = output::result(format, &json!({"rules": all, "settings": setting_paths()}), || {
        let mut text = String::from("Rules\n");
        let width = rules::all().map(|rule| rule.code.len()).max().unwrap_or(0);
        for rule in rules::all() {
            let _ = writeln!(text, "  {:width$}  {:7}  {}", rule.code, rule.severity.as_str(), rule.summary);
        }
        text.push_str("\nSettings\n");
        for path in setting_paths() {
            let _ = writeln!(text, "  {path}");
        }
        output::line(text.trim_end())
    });
    output::exit_of(&printed)
}

fn text(explanation: &Explanation) -> String {
    match explanation {
        Explanation::Rule { code, severity, summary, docs, valid, invalid } => format!(
            "{code} ({})\n{summary}\n\n{docs}\n\nValid:\n{}\nInvalid:\n{}",
            severity.as_str(),
            indented(valid),
            indented(invalid)
        ),
        Explanation::Setting { path, description, value, default, unit, api, example, fields } => {
            let mut text = format!("{path}\n\n{description}\n\nvalue    {value}\n");
            let mut row = |name: &str, value: &str| {
                let _ = writeln!(text, "{name:8} {value}");
            };
            if let Some(default) = default {
                row("default", &plain_text(default));
            }
            if let Some(unit) = unit {
                row("unit", unit);
            }
            row("example", &plain_text(example));
            if let Some(api) = api {
                row("becomes", api);
            }
            if !fields.is_empty() {
                row("settings", &fields.join(", "));
            }
            text
        }
    }
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut lines, line| {
        let _ = writeln!(lines, "    {line}");
        lines
    })
}

fn plain_text(value: &Tree<'_>) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
