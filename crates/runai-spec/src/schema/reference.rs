//! Renders the reference of all settings.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::explain::{Explanation, explain};

/// The groups of settings in the order of the page: the `x-group` of the declaration, and the title.
const GROUPS: [(&str, &str); 9] = [
    ("gpu", "GPU"),
    ("cpu", "CPU and memory"),
    ("scheduling", "Scheduling"),
    ("storage", "Storage"),
    ("security", "Security"),
    ("network", "Network"),
    ("lifecycle", "Lifecycle"),
    ("metadata", "Metadata"),
    ("connection", "Connection"),
];

/// Returns the reference of all settings of a step and of the operator file, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = "# Settings\n\n`cargo xtask schema` generates this page from the declarations in `crates/runai-spec/src/settings`.\n\
        In a step file, step settings belong below `settings:`. In an operator file, they are defaults for every step.\n"
        .to_owned();
    let operator = super::value("operator").unwrap_or_default();
    let mut settings: Vec<_> = operator["properties"].as_object().into_iter().flatten().collect();
    settings.sort_unstable_by_key(|(name, _)| *name);
    for (group, title) in GROUPS {
        let _ = write!(page, "\n## {title}\n");
        for (name, property) in &settings {
            if property["x-group"] == group {
                setting(&mut page, name, property);
            }
        }
    }
    page
}

fn setting(page: &mut String, name: &str, property: &Json) {
    let _ = write!(page, "\n### {name}\n\n{}\n\n", property["description"].as_str().unwrap_or_default());
    if let Ok(Explanation::Setting { value, default, unit, api, example, fields, .. }) = explain(name) {
        let _ = writeln!(page, "- Value: {value}");
        for (what, fact) in [
            ("Unit", unit),
            ("Default", default.map(|default| format!("`{default}`"))),
            ("Sent as", api.map(|api| format!("`{api}`"))),
        ] {
            if let Some(fact) = fact {
                let _ = writeln!(page, "- {what}: {fact}");
            }
        }
        let _ = writeln!(page, "- Example: `{example}`");
        if !fields.is_empty() {
            let _ = write!(page, "\n| key | value | description |\n|---|---|---|\n");
        }
        for field in fields {
            rows(page, &format!("{name}.{field}"), &field);
        }
    }
}

/// Writes the row of a key, and those of its nested keys.
fn rows(page: &mut String, path: &str, shown: &str) {
    let Ok(Explanation::Setting { description, value, fields, .. }) = explain(path) else { return };
    let cell = description.replace("\n\n", "<br>").replace('\n', " ").replace('|', "\\|");
    let _ = writeln!(page, "| `{shown}` | {value} | {cell} |");
    for field in fields {
        rows(page, &format!("{path}.{field}"), &format!("{shown}.{field}"));
    }
}
