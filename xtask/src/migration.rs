//! The tables of `docs/migration.md`: every field of the ZenML classes, what it becomes, and where it behaves differently.
//!
//! Fields and members come from the schemas; only what differs is said here.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use runai_spec::schema;
use runai_spec::snippets::ZENML_CLASSES;
use serde_json::{Map, Value};

/// The page `text` with its tables as they should be; what stands around them is left alone.
pub(crate) fn page(text: &str) -> Result<String> {
    let settings = properties("settings")?;
    let mut operator = properties("operator")?;
    operator.retain(|key, _| !settings.contains_key(key));
    let page = replaced(text, "settings", &settings_table(&settings))?;
    let page = replaced(&page, "nested", &nested_table(&settings))?;
    replaced(&page, "operator", &operator_table(&operator))
}

fn properties(name: &str) -> Result<Map<String, Value>> {
    let schema = schema::value(name).with_context(|| format!("there is no schema `{name}`"))?;
    let mut properties = schema["properties"].as_object().cloned().unwrap_or_default();
    properties.retain(|key, _| key != "$schema");
    properties.sort_keys();
    Ok(properties)
}

/// `text` with `table` between the marks of this name.
fn replaced(text: &str, name: &str, table: &str) -> Result<String> {
    let begin = format!("<!-- cargo xtask schema: {name} -->\n");
    let found = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = found.with_context(|| format!("the page has no marks of the table `{name}`"))?;
    Ok(format!("{before}{begin}\n{table}\n{END}{after}"))
}

fn settings_table(settings: &Map<String, Value>) -> String {
    let row = |(key, property): (&String, &Value)| {
        let sent = property["x-api"].as_str().map_or_else(|| "not sent".to_owned(), |member| format!("`{member}`"));
        format!("| [`{key}`](settings.md#{key}) | {sent} | {} |\n", note(key))
    };
    let rows: String = settings.iter().map(row).collect();
    format!("| field, and key here | sent as | what differs |\n|---|---|---|\n{rows}")
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
    format!("| field | key here | sent as | what differs |\n|---|---|---|---|\n{rows}")
}

/// A row for each field below `path`, and for those of its maps.
fn nested(rows: &mut String, class: &str, prefix: &str, path: &str, schema: &Value) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        // The API's own spelling of a key that has one more.
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
    format!("| field, and key here | variable | what differs |\n|---|---|---|\n{rows}")
}

fn note(path: &str) -> &'static str {
    NOTES.iter().find(|(of, _)| *of == path).map_or("", |(_, note)| note)
}

const END: &str = "<!-- end of the table -->\n";

/// What differs, by the path of the setting.
const NOTES: [(&str, &str); 34] = [
    (
        "annotations",
        "keys need the form that Kubernetes wants; no `zenml.io/…` annotation is added; merged with the operator's key by key",
    ),
    ("client_id", "only needed by commands that connect"),
    ("client_secret", "better in the variable or in `client_secret_file`; a secret in the file gets a warning"),
    ("client_secret_file", "only here: a file that holds nothing but the secret"),
    ("cluster_name", "ZenML warns if the project is in another cluster, and goes on there; here that is refused"),
    ("completions", "more than one gets a warning: the step runs several times"),
    ("cpu_core_limit", "refused below `cpu_core_request`"),
    ("cpu_memory_limit", "refused below `cpu_memory_request`"),
    ("delete_on_failure", "never deletes a workload that someone stopped, or one that could not be seen"),
    ("extended_resources", "merged with the operator's key by key"),
    ("external_urls[].authorized_groups", "refused together with `authorized_users`"),
    ("external_urls[].authorized_users", "refused together with `authorized_groups`"),
    ("gpu_devices_request", "with `0`, no other GPU member is sent; ZenML sends a portion of 1.0 all the same"),
    ("gpu_memory_limit", "not sent with `portion`; refused below `gpu_memory_request`"),
    ("gpu_memory_request", "not sent with `portion`"),
    ("gpu_portion_limit", "not sent with `memory`"),
    ("gpu_portion_request", "not sent with `memory`; ZenML sends 1.0"),
    ("labels", "keys and values need the form that Kubernetes wants; merged with the operator's key by key"),
    (
        "monitoring_interval",
        "looks come sooner after a change, and are at most 30 s apart while the control plane is away",
    ),
    ("parallelism", "more than one gets a warning: the step runs several times"),
    (
        "pending_timeout",
        "counts all phases before running, of the present wait in the queue; a restart does not set it back",
    ),
    ("priority_class", "refused if empty; a name that the API does not know, such as `train`, gets a warning"),
    ("project_name", "found by its exact name; ZenML looks at the first page of a search"),
    ("pvc_mounts[].claim_info", "checked; takes both spellings, `storage_class` and `storageClass`, but not at once"),
    ("pvc_mounts[].existing_pvc", "`null` is refused"),
    ("runai_base_url", "plain `http` only to this machine, unless it is allowed with `--allow-http`"),
    ("security_context", "merged with the operator's key by key"),
    ("security_context.seccomp_profile_type", "`Localhost` gets a warning: Run:ai does not support it yet"),
    ("token_command", "only here: a command that prints a bearer token, for accounts without a client secret"),
    ("tolerations", "an unknown key gets a warning; ZenML drops it in silence"),
    ("tolerations[].key", "only left out with `operator: Exists`"),
    ("tolerations[].value", "refused with `operator: Exists`"),
    ("workload_template_id", "refused if empty; an id that is no UUID gets a warning"),
    ("workload_timeout", "counts the time of running alone, over all runs; ZenML counts from when it begins to wait"),
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::workspace;

    #[test]
    fn every_note_is_about_a_setting_and_stands_in_a_table() {
        let marks =
            ["settings", "nested", "operator"].map(|name| format!("<!-- cargo xtask schema: {name} -->\n{END}"));
        let page = page(&marks.concat()).unwrap();
        for (path, note) in NOTES {
            let has = |line: &&str| line.contains(&format!("`{path}`")) && line.ends_with(&format!("| {note} |"));
            assert_eq!(page.lines().filter(has).count(), 1, "{path}");
        }
        assert!(NOTES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn every_setting_that_holds_others_has_its_class() {
        let settings = properties("settings").unwrap();
        let holds =
            |property: &Value| property["properties"].is_object() || property["items"]["properties"].is_object();
        let holders: Vec<&str> = settings.iter().filter(|(_, it)| holds(it)).map(|(key, _)| key.as_str()).collect();
        assert_eq!(holders, ZENML_CLASSES.map(|(key, _)| key));
    }

    #[test]
    fn the_step_file_on_the_page_is_the_example() {
        let read = |file: &str| fs::read_to_string(workspace::root().join(file)).unwrap().replace("\r\n", "\n");
        let example = read("examples/advanced.runai.yaml");
        let lines: Vec<_> = example.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(read("docs/migration.md").contains(&format!("```yaml\n{}\n```", lines.join("\n"))));
    }

    #[test]
    fn a_page_without_marks_is_an_error() {
        assert!(page("# Coming from ZenML\n").unwrap_err().to_string().contains("`settings`"));
    }
}
