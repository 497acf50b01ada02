//! Finds secret values in request bodies.

use serde_json::Value as Json;

/// A secret value of a request body, which must not be shown in messages and logs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretValue<'a> {
    /// The value.
    pub text: &'a str,
    /// Whether the value is a credential, by its name or its position in a URL. Otherwise it is an environment value.
    pub is_credential: bool,
}

/// Returns the secret values of a request body: the environment of the workload, members that are named like a secret,
/// and credentials in URLs.
///
/// An environment is a list of `{"name": …, "value": …}` or an object, in the member `environmentVariables`.
#[must_use]
pub fn secret_values(body: &Json) -> Vec<SecretValue<'_>> {
    let mut found = Vec::new();
    collect_values(body, &mut found);
    found
}

fn collect_values<'a>(value: &'a Json, found: &mut Vec<SecretValue<'a>>) {
    match value {
        Json::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    // `secret` is the name of a Kubernetes Secret.
                    Some(text) if names_a_secret(name) && name != "secret" => {
                        found.push(SecretValue { text, is_credential: true });
                    }
                    _ => {}
                }
                if name == "environmentVariables" {
                    collect_environment(member, found);
                }
                collect_values(member, found);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| collect_values(item, found)),
        Json::String(text) => {
            found.extend(url_credentials(text).map(|text| SecretValue { text, is_credential: true }));
        }
        _ => {}
    }
}

fn collect_environment<'a>(environment: &'a Json, found: &mut Vec<SecretValue<'a>>) {
    let listed = environment.as_array().into_iter().flatten().filter_map(|variable| {
        let value = variable.get("value")?.as_str()?;
        Some((variable.get("name").and_then(Json::as_str).unwrap_or_default(), value))
    });
    let mapped = environment.as_object().into_iter().flatten();
    let mapped = mapped.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let secret = |(name, text)| SecretValue { text, is_credential: names_a_secret(name) };
    found.extend(listed.chain(mapped).map(secret));
}

/// Returns the passwords in the URLs of a text, or the user names of URLs without a password.
fn url_credentials(text: &str) -> impl Iterator<Item = &str> {
    text.split("://").skip(1).filter_map(|rest| {
        let ends = |c: char| c.is_whitespace() || "/?#\"'".contains(c);
        let (user_info, _) = rest.split(ends).next()?.rsplit_once('@')?;
        Some(user_info.split_once(':').map_or(user_info, |(_, password)| password)).filter(|found| !found.is_empty())
    })
}

/// Returns whether a variable of this name usually contains a secret.
#[must_use]
pub fn names_a_secret(name: &str) -> bool {
    const SECRETS: [&str; 9] =
        ["ACCESSKEY", "APIKEY", "PASSPHRASE", "PASSWD", "PASSWORD", "PRIVATEKEY", "SECRET", "SECRETKEY", "TOKEN"];
    let name = name.to_ascii_uppercase();
    let mut words = name.rsplit(|c: char| !c.is_ascii_alphanumeric());
    let (last, before) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match last {
        "CREDENTIALS" => true,
        "KEY" => matches!(
            before,
            "ACCESS"
                | "ACCOUNT"
                | "API"
                | "AUTH"
                | "ENCRYPTION"
                | "KAGGLE"
                | "MASTER"
                | "PRIVATE"
                | "SECRET"
                | "SIGNING"
                | "STORAGE"
        ),
        // `PWD` is the working directory of a shell.
        "PWD" => !before.is_empty(),
        _ => SECRETS.iter().any(|secret| last.ends_with(secret)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_secret_values() {
        let body = serde_json::json!({
            "name": "fit",
            "spec": {
                "args": "clone https://me:canary-1@host/a and ssh://canary-2@host \"https://host/@x\"",
                "environmentVariables": [
                    {"name": "MODE", "value": "canary-3"},
                    {"name": "HF_TOKEN", "value": "canary-4"},
                    {"name": "FROM", "secret": {"name": "kept", "key": "kept"}}
                ],
                "storage": {"secretVolume": [{"secret": "kept", "mountPath": "/kept"}]}
            },
            "password": "canary-5",
            "environmentVariables": {"A": "canary-6"}
        });
        let mut found: Vec<_> =
            secret_values(&body).into_iter().map(|secret| (secret.text, secret.is_credential)).collect();
        found.sort_unstable();
        let expected = [("1", true), ("2", true), ("3", false), ("4", true), ("5", true), ("6", false)]
            .map(|(n, is)| (format!("canary-{n}"), is));
        assert_eq!(found, expected.each_ref().map(|(text, is)| (text.as_str(), *is)));
    }
}
