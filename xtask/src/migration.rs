//! The tables of `docs/migration.md`: every field of the ZenML classes, its request member, and its differences.
//!
//! Fields and members come from the schemas; only the differences are written here.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use runai_spec::schema;
use runai_spec::snippets::ZENML_CLASSES;
use serde_json::{Map, Value};

/// Returns the page `text` with regenerated tables.
pub(crate) fn page(text: &str) -> Result<String> {
    let settings = properties("settings")?;
    let mut operator = properties("operator")?;
    operator.retain(|key, _| !settings.contains_key(key));
    let page = replace_table(text, "settings", &settings_table(&settings))?;
    let page = replace_table(&page, "nested", &nested_table(&settings))?;
    replace_table(&page, "operator", &operator_table(&operator))
}

fn properties(name: &str) -> Result<Map<String, Value>> {
    let schema = schema::value(name).with_context(|| format!("unknown schema `{name}`"))?;
    let mut properties = schema["properties"].as_object().cloned().unwrap_or_default();
    properties.retain(|key, _| key != "$schema");
    properties.sort_keys();
    Ok(properties)
}

/// Replaces the table between the markers `name`.
fn replace_table(text: &str, name: &str, table: &str) -> Result<String> {
    let begin = format!("<!-- cargo xtask schema: {name} -->\n");
    let found = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = found.with_context(|| format!("missing markers of table `{name}`"))?;
    Ok(format!("{before}{begin}\n{table}\n{END}{after}"))
}

fn settings_table(settings: &Map<String, Value>) -> String {
    let row = |(key, property): (&String, &Value)| {
        let sent = property["x-api"].as_str().map_or_else(|| "not sent".to_owned(), |member| format!("`{member}`"));
        format!("| [`{key}`](settings.md#{key}) | {sent} | {} |\n", note(key))
    };
    let rows: String = settings.iter().map(row).collect();
    format!("| field and key | sent as | differences |\n|---|---|---|\n{rows}")
}

fn nested_table(settings: &Map<String, Value>) -> String {
    let mut rows = String::new();
    for (key, class) in ZENML_CLASSES {
        let property = &settings[key];
        match &property["items"] {
            Value::Null => nested(&mut rows, class, "", key, property),
            items => nested(&mut rows, class, "", &format!("{key}[]"), items),
        }
    }
    format!("| field | key | sent as | differences |\n|---|---|---|---|\n{rows}")
}

/// Appends a row for each field below `path`, including nested fields.
fn nested(rows: &mut String, class: &str, prefix: &str, path: &str, schema: &Value) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        // Skip the API's spelling of a key with two spellings.
        if key.contains(|c: char| c.is_ascii_uppercase()) {
            continue;
        }
        let (field, path) = (format!("{prefix}{key}"), format!("{path}.{key}"));
        let sent = property["x-api"].as_str().unwrap_or_default();
        // Writing into a string cannot fail.
        let _ = writeln!(rows, "| `{class}.{field}` | `{path}` | `{sent}` | {} |", note(&path));
        let items = &property["items"];
        let (inner, mark) = if items.is_null() { (property, "") } else { (items, "[]") };
        nested(rows, class, &format!("{field}{mark}."), &format!("{path}{mark}"), inner);
    }
}

fn operator_table(operator: &Map<String, Value>) -> String {
    let row = |key: &String| {
        let name = key.strip_prefix("runai_").unwrap_or(key).to_ascii_uppercase();
        format!("| [`{key}`](settings.md#{key}) | `{}{name}` | {} |\n", runai_spec::VARIABLE_PREFIX, note(key))
    };
    let rows: String = operator.keys().map(row).collect();
    format!("| field and key | variable | differences |\n|---|---|---|\n{rows}")
}

fn note(path: &str) -> &'static str {
    NOTES.iter().find(|(of, _)| *of == path).map_or("", |(_, note)| note)
}

const END: &str = "<!-- end of the table -->\n";

/// The differences, by the path of the setting.
const NOTES: [(&str, &str); 34] = [
    (
        "annotations",
        "keys must have Kubernetes' syntax; no `zenml.io/…` annotation is added; merged with the operator's by key",
    ),
    ("client_id", "required only by commands that connect"),
    ("client_secret", "prefer the variable or `client_secret_file`; a secret in the file gets a warning"),
    ("client_secret_file", "only in runai-step: a file that contains only the secret"),
    ("cluster_name", "a project in another cluster is rejected; ZenML warns and submits to that cluster"),
    ("completions", "a value above 1 gets a warning: the step runs several times"),
    ("cpu_core_limit", "rejected below `cpu_core_request`"),
    ("cpu_memory_limit", "rejected below `cpu_memory_request`"),
    ("delete_on_failure", "never deletes a workload that someone else suspended or that could not be observed"),
    ("extended_resources", "merged with the operator's by key"),
    ("external_urls[].authorized_groups", "rejected together with `authorized_users`"),
    ("external_urls[].authorized_users", "rejected together with `authorized_groups`"),
    ("gpu_devices_request", "with `0`, no other GPU member is sent; ZenML also sends a portion of 1.0"),
    ("gpu_memory_limit", "not sent with `portion`; rejected below `gpu_memory_request`"),
    ("gpu_memory_request", "not sent with `portion`"),
    ("gpu_portion_limit", "not sent with `memory`"),
    ("gpu_portion_request", "not sent with `memory`; ZenML sends 1.0"),
    ("labels", "keys and values must have Kubernetes' syntax; merged with the operator's by key"),
    (
        "monitoring_interval",
        "polls are more frequent after a change, and at most 30 s apart while the control plane is unavailable",
    ),
    ("parallelism", "a value above 1 gets a warning: the step runs several times"),
    (
        "pending_timeout",
        "counts all phases before running, only for the current time in the queue; continues after a restart",
    ),
    ("priority_class", "rejected if empty; a name that the API does not know, such as `train`, gets a warning"),
    ("project_name", "looked up by exact name; ZenML uses the first page of a search"),
    ("pvc_mounts[].claim_info", "validated; accepts either spelling, `storage_class` or `storageClass`, not both"),
    ("pvc_mounts[].existing_pvc", "`null` is rejected"),
    ("runai_base_url", "plain `http` only to loopback addresses, unless allowed with `--allow-http`"),
    ("security_context", "merged with the operator's by key"),
    ("security_context.seccomp_profile_type", "`Localhost` gets a warning: Run:ai does not support it yet"),
    ("token_command", "only in runai-step: a command that prints a bearer token, for accounts without a client secret"),
    ("tolerations", "an unknown key gets a warning; ZenML ignores it"),
    ("tolerations[].key", "optional only with `operator: Exists`"),
    ("tolerations[].value", "rejected with `operator: Exists`"),
    ("workload_template_id", "rejected if empty; an ID that is not a UUID gets a warning"),
    ("workload_timeout", "counts only running time, over all runs; ZenML counts from the start of the wait"),
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::workspace;

    #[test]
    fn notes_match_table_rows() {
        let markers =
            ["settings", "nested", "operator"].map(|name| format!("<!-- cargo xtask schema: {name} -->\n{END}"));
        let page = page(&markers.concat()).unwrap();
        for (path, note) in NOTES {
            let has = |line: &&str| line.contains(&format!("`{path}`")) && line.ends_with(&format!("| {note} |"));
            assert_eq!(page.lines().filter(has).count(), 1, "{path}");
        }
        assert!(NOTES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn nested_settings_have_classes() {
        let settings = properties("settings").unwrap();
        let is_nested =
            |property: &Value| property["properties"].is_object() || property["items"]["properties"].is_object();
        let nested: Vec<&str> = settings.iter().filter(|(_, it)| is_nested(it)).map(|(key, _)| key.as_str()).collect();
        assert_eq!(nested, ZENML_CLASSES.map(|(key, _)| key));
    }

    #[test]
    fn page_contains_the_example() {
        let read = |file: &str| fs::read_to_string(workspace::root().join(file)).unwrap().replace("\r\n", "\n");
        let example = read("examples/advanced.runai.yaml");
        let lines: Vec<_> = example.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(read("docs/migration.md").contains(&format!("```yaml\n{}\n```", lines.join("\n"))));
    }

    #[test]
    fn rejects_page_without_markers() {
        assert!(page("# Migrating from ZenML\n").unwrap_err().to_string().contains("`settings`"));
    }
}
