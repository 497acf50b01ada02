//! Rules of the step file around its settings: name, image, environment.

use super::{Example, Judge, rules};
use crate::name::sanitize;
use crate::settings::Environment;

rules! {
    /// The image is in a registry of this very machine. The cluster's nodes have a machine of that name too, but not that
    /// registry.
    LOCAL_IMAGE {
        code: "local-image",
        severity: Warning,
        summary: "the image is on this machine's registry",
        valid: Example::Yaml("image: registry.example.com/train:4\ncommand: [train]\n"),
        invalid: Example::Yaml("image: localhost:5000/train:4\ncommand: [train]\n"),
    }

    /// A variable of the environment looks like a password, token or key. Environment variables are part of the request in
    /// plain text, and everyone who may see the workload sees them. Put it into a Secret and mount it with
    /// `secret_mounts`.
    PLAIN_TEXT_SECRET {
        code: "plain-text-secret",
        severity: Warning,
        summary: "a secret stands in the environment in plain text",
        valid: Example::Yaml("image: train:4\ncommand: [train]\nenvironment: {WANDB_MODE: offline}\n"),
        invalid: Example::Yaml("image: train:4\ncommand: [train]\nenvironment: {WANDB_API_KEY: not-a-real-key}\n"),
    }

    /// The name of a workload has lowercase letters, digits and dashes, with a letter first. The name of the step is
    /// brought into that form, so the workload will be called otherwise.
    UNUSUAL_STEP_NAME {
        code: "unusual-step-name",
        severity: Warning,
        summary: "the workload cannot have the name of the step",
        valid: Example::Yaml("name: train-resnet\nimage: train:4\ncommand: [train]\n"),
        invalid: Example::Yaml("name: Train ResNet\nimage: train:4\ncommand: [train]\n"),
    }
}

pub(crate) fn check(name: Option<&str>, image: Option<&str>, environment: &Environment, judge: &mut Judge<'_, '_>) {
    if let Some(name) = name.filter(|_| !judge.broken(&["name"])) {
        let sanitized = sanitize(name);
        if sanitized != name {
            let message = match sanitized.as_str() {
                "" => format!("`name` is `{name}`, in which nothing can be part of a workload's name"),
                _ => format!("`name` is `{name}`; the workload's name will begin with `{sanitized}`"),
            };
            judge
                .report(&UNUSUAL_STEP_NAME, "name", message)
                .advise("write lowercase letters, digits and dashes, with a letter first");
        }
    }
    if let Some(image) = image.filter(|image| is_local(image) && !judge.broken(&["image"])) {
        judge
            .report(&LOCAL_IMAGE, "image", format!("`image` is `{image}`, which the cluster cannot pull"))
            .advise("push the image to a registry that the cluster reaches");
    }
    for (name, value) in environment.iter() {
        if value.is_empty() || !names_a_secret(name) {
            continue;
        }
        let path = format!("environment/{}", crate::document::escape(name));
        if !judge.broken(&[&path]) {
            judge
                .report(&PLAIN_TEXT_SECRET, &path, format!("`{name}` looks like a secret, and is sent in plain text"))
                .advise("put it into a Kubernetes Secret and mount that with `secret_mounts`");
        }
    }
}

/// Whether the registry of the image is this machine's.
fn is_local(image: &str) -> bool {
    let Some((registry, _)) = image.split_once('/') else { return false };
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Whether a variable of this name usually holds a secret.
pub(crate) fn names_a_secret(name: &str) -> bool {
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
        // Alone it is the working directory of a shell.
        "PWD" => !before.is_empty(),
        _ => SECRETS.iter().any(|secret| last.ends_with(secret)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "WANDB_API_KEY",
            "hf_token",
            "DB_PASSWORD",
            "AWS_SECRET_ACCESS_KEY",
            "SECRET",
            "PGPASSWORD",
            "MYSQL_PWD",
            "registry.password",
            "api-key",
            "openaiApiKey",
            "KAGGLE_KEY",
            "AZURE_STORAGE_KEY",
            "GOOGLE_CREDENTIALS",
        ] {
            assert!(names_a_secret(name), "{name}");
        }
        for name in [
            "WANDB_MODE",
            "TOKENIZERS_PARALLELISM",
            "PWD",
            "OLDPWD",
            "KEY",
            "SORT_KEY",
            "MAX_TOKENS",
            "PASSWORD_FILE",
            "HF_TOKEN_PATH",
            "_",
            "",
        ] {
            assert!(!names_a_secret(name), "{name}");
        }
    }

    #[test]
    fn only_registries_of_this_machine_are_local() {
        for image in ["localhost/a", "localhost:5000/a:1", "127.0.0.1:5000/a", "[::1]:5000/a"] {
            assert!(is_local(image), "{image}");
        }
        for image in ["localhost", "python:3.12", "registry.example.com/localhost:1", "localhost.example.com/a"] {
            assert!(!is_local(image), "{image}");
        }
    }
}
