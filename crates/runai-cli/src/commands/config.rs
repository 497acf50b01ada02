//! `runai-step config`: shows every configuration value and its source.

use runai_spec::OPERATOR_KEYS;
use runai_spec::explain::{Explanation, explain, setting_paths};
use serde::Serialize;
use serde_json::Value;

use crate::args::ConfigShowArgs;
use crate::config::connect::operator_settings;
use crate::config::credentials::{SECRET_VARIABLE, TOKEN_VARIABLE};
use crate::config::input::Input;
use crate::config::{self, ConfigOverride, SECRET_KEY, operator_variable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Replaces a secret.
const MASK: &str = "********";

/// One value.
#[derive(Serialize)]
struct Row {
    key: String,
    value: Value,
    /// `--flag`, the name of a variable, `file:line`, or `default`.
    from: String,
}

/// Prints the configuration.
pub(crate) fn print(args: &ConfigShowArgs) -> Result<Exit, Failure> {
    let file = config::operator_file(args.remote.config.config.as_deref())?;
    let flags: Vec<_> = args.remote.connect.overrides().into_iter().chain(args.watch.overrides()).collect();
    let overrides: Vec<_> = config::overrides().into_iter().chain(flags).collect();
    let settings = operator_settings(file.as_ref(), &overrides)?;
    let own = serde_json::to_value(&settings).unwrap_or_default();
    let mut rows: Vec<Row> = OPERATOR_KEYS
        .iter()
        .filter(|key| **key != SECRET_KEY)
        .map(|key| {
            let (mut value, mut from) = (own[*key].clone(), origin(key, &overrides, file.as_ref()));
            if *key == "token_command" && value.is_string() {
                // Its arguments may be secrets.
                value = Value::String(MASK.to_owned());
                let is_ignored =
                    !overrides.iter().any(|one| one.key == *key) && file.as_ref().is_some_and(|file| file.found_upward);
                if is_ignored {
                    from.push_str(" (ignored)");
                }
            }
            Row { key: (*key).to_owned(), from: if value.is_null() { "not set".to_owned() } else { from }, value }
        })
        .collect();
    if let Some(path) = &args.remote.connect.client_secret_file {
        rows.retain(|row| row.key != "client_secret_file");
        let value = Value::String(path.display().to_string());
        rows.push(Row { key: "client_secret_file".to_owned(), value, from: "--client-secret-file".to_owned() });
    }
    let from = if std::env::var_os(SECRET_VARIABLE).is_some_and(|secret| !secret.is_empty()) {
        Some(SECRET_VARIABLE.to_owned())
    } else {
        settings.client_secret.as_ref().map(|_| origin(SECRET_KEY, &[], file.as_ref()))
    };
    let value = if from.is_some() { Value::String(MASK.to_owned()) } else { Value::Null };
    rows.push(Row { key: SECRET_KEY.to_owned(), value, from: from.unwrap_or_else(|| "not set".to_owned()) });
    if std::env::var_os(TOKEN_VARIABLE).is_some_and(|token| !token.is_empty()) {
        let value = Value::String(MASK.to_owned());
        rows.push(Row { key: "token".to_owned(), value, from: TOKEN_VARIABLE.to_owned() });
    }
    rows.sort_by(|one, other| one.key.cmp(&other.key));
    rows.extend(defaults_of_steps(file.as_ref()));
    let printed = output::result(args.remote.format, &serde_json::json!({"values": rows}), || {
        let shown = rows.iter().map(|row| [row.key.clone(), shown(&row.value), row.from.clone()]);
        output::line(&output::table(["KEY", "VALUE", "FROM"], shown))
    });
    Ok(output::exit_of(&printed))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns the source that sets a key.
fn origin(key: &str, overrides: &[ConfigOverride], file: Option<&Input>) -> String {
    if let Some(one) = overrides.iter().rev().find(|one| one.key == key) {
        return one.name.clone();
    }
    match file.and_then(|file| in_file(key, file)) {
        Some((_, place)) => place,
        None => "default".to_owned(),
    }
}

/// Returns the value of a key as the file writes it, and its location.
fn in_file(key: &str, file: &Input) -> Option<(String, String)> {
    let (text, line) = file.source().ok()?.written(&format!("/{key}"))?;
    Some((text.to_owned(), format!("{}:{line}", file.name)))
}

/// Returns the defaults of all steps that variables and the file set.
fn defaults_of_steps(file: Option<&Input>) -> Vec<Row> {
    let variables = config::variables();
    let mut rows = Vec::new();
    for path in setting_paths() {
        let is_whole = !path.contains('.') && !OPERATOR_KEYS.contains(&path.as_str());
        if !is_whole || !matches!(explain(&path), Ok(Explanation::Setting { .. })) {
            continue;
        }
        let name = operator_variable(&path);
        if let Some((name, value)) = variables.iter().find(|(variable, _)| *variable == name) {
            rows.push(Row { key: path, value: Value::String(value.clone()), from: name.clone() });
        } else if let Some((text, from)) = file.and_then(|file| in_file(&path, file)) {
            rows.push(Row { key: path, value: Value::String(text), from });
        }
    }
    rows
}
