//! Rules of the step file around its settings: name, image, environment.

use runai_api::name::{MAX_NAME_LENGTH, SubmissionId, sanitize};
use runai_api::secrets::names_a_secret;
use runai_syntax::{Node, Span, Tree, Value, escape, unusual};

use super::zenml::{REFERENCE_HELP, SECRET_REFERENCE};
use super::{Example, RuleContext, rules};
use crate::diagnostic::Tag;
use crate::fix::Applicability::{DisplayOnly, Safe, Unsafe};
use crate::fix::{Change, FixPlan, Target};
use crate::image;
use crate::resolve::SETTINGS_KEY;
use crate::settings::Environment;
use crate::zenml::keys::is_secret_reference;
use crate::zenml::placeholders;

rules! {
    /// The image is no reference by the grammar of the OCI distribution project: `[host[:port]/]name[:tag][@digest]`, the name
    /// in lowercase. No container runtime pulls it, so the workload stays in `InvalidImageName`.
    INVALID_IMAGE {
        code: "invalid-image",
        severity: Warning,
        summary: "invalid image reference",
        valid: Example::Yaml("image: nvcr.io/nvidia/pytorch:24.01-py3\ncommand: [train]\n"),
        invalid: Example::Yaml("image: nvcr.io/nvidia/PyTorch:24.01-py3\ncommand: [train]\n"),
    }

    /// Names of environment variables have letters, digits, `_`, `-` and `.`, and no digit first. Kubernetes before 1.34 refuses
    /// a pod with any other name, and a `=` is refused by every version.
    INVALID_VARIABLE_NAME {
        code: "invalid-variable-name",
        severity: Warning,
        summary: "invalid name of an environment variable",
        valid: Example::Yaml("image: train:4\ncommand: [train]\nenvironment: {SEPARATION_4K: \"1\"}\n"),
        invalid: Example::Yaml("image: train:4\ncommand: [train]\nenvironment: {4K_SEPARATION: \"1\"}\n"),
    }

    /// The text has a character in it that looks like another one, or like nothing: a no-break space, a zero-width space,
    /// typographic quotes around it, a dash in front of it. It comes from a word processor or a web page, and programs do not
    /// take it for the plain one.
    UNUSUAL_CHARACTER {
        code: "unusual-character",
        severity: Warning,
        summary: "character that looks like another one",
        valid: Example::Yaml("image: train:4\ncommand: [train, --epochs, \"10\"]\n"),
        invalid: Example::Yaml("image: train:4\ncommand: [train, –epochs, \"10\"]\n"),
    }

    /// `${NAME}` is replaced in ZenML run configurations only. In every other file it is sent as it stands: neither this
    /// program nor Kubernetes replaces it. In a command that a shell runs it is fine.
    LITERAL_PLACEHOLDER {
        code: "literal-placeholder",
        severity: Warning,
        summary: "`${NAME}` that nothing replaces",
        valid: Example::Yaml("image: train:4\ncommand: [bash, -c, \"train $HOME\"]\n"),
        invalid: Example::Yaml("image: train:4\ncommand: [train]\nsettings: {working_dir: \"${HOME}\"}\n"),
    }

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

pub(crate) fn check(
    name: Option<&str>,
    image: Option<&str>,
    environment: &Environment,
    context: &mut RuleContext<'_, '_>,
) {
    if let Some(name) = name.filter(|_| !context.broken(&["name"])) {
        let sanitized = sanitize(name);
        let room = MAX_NAME_LENGTH - SubmissionId::LENGTH - 1;
        let kept = sanitized[..sanitized.len().min(room)].trim_end_matches('-');
        if sanitized.len() > room {
            let message =
                format!("`name` has {} characters; a submission's name begins with `{kept}`", name.chars().count());
            context
                .report(&UNUSUAL_STEP_NAME, "name", message)
                .with_help(format!(
                    "write up to {room} characters; with the id of its submission a name has up to {MAX_NAME_LENGTH}"
                ))
                .with_value("name", kept.to_owned(), Unsafe);
        } else if sanitized != name {
            let message = match sanitized.as_str() {
                "" => format!("`name` is `{name}`, in which nothing can be part of a workload's name"),
                _ => format!("`name` is `{name}`; the workload's name will begin with `{sanitized}`"),
            };
            let reported = context
                .report(&UNUSUAL_STEP_NAME, "name", message)
                .with_help("write lowercase letters, digits and dashes, with a letter first");
            // The workload has this name anyway.
            if !sanitized.is_empty() {
                reported.with_value("name", sanitized, Safe);
            }
        }
    }
    if let Some(image) = image.filter(|image| is_local(image) && !context.broken(&["image"])) {
        context
            .report(&LOCAL_IMAGE, "image", format!("`image` is `{image}`, which the cluster cannot pull"))
            .with_help("push the image to a registry that the cluster reaches");
    }
    if let Some(Err(why)) = image.filter(|image| !image.is_empty() && !context.broken(&["image"])).map(image::check) {
        let (what, help) = why.words();
        let written = image.unwrap_or_default();
        let reported =
            context.report(&INVALID_IMAGE, "image", format!("`image` is `{written}`, which {what}")).with_help(help);
        if let Some(fixed) = why.fixed(written) {
            reported.with_value("image", fixed, Unsafe);
        }
    }
    variable_names(environment, context);
    for (name, value) in environment.iter() {
        let path = format!("environment/{}", escape(name));
        if is_secret_reference(value) && !context.broken(&[&path]) {
            let message = format!("`{name}` refers to a secret of ZenML, which is not resolved here");
            context.report(&SECRET_REFERENCE, &path, message).with_help(REFERENCE_HELP);
        } else if names_a_secret(name) && may_be_a_secret(name, value) && !context.broken(&[&path]) {
            let mount = secret_mount(name, &path, context);
            context
                .report(&PLAIN_TEXT_SECRET, &path, format!("`{name}` looks like a secret, and is sent in plain text"))
                .with_help("put it into a Kubernetes Secret and mount that with `secret_mounts`")
                .with_tag(Tag::Secret)
                .with_fix(mount)
                .with_removal(&path, DisplayOnly);
        }
    }
}

/// Mounts a Secret in place of a variable of a step file. Only its owner knows the name of the Secret.
fn secret_mount(name: &str, path: &str, context: &RuleContext<'_, '_>) -> Option<FixPlan> {
    let variable = context.target(path).filter(|_| !context.shared && context.base.is_empty())?;
    let text = |text: &str| Tree::from(text.to_owned());
    let secret = sanitize(name);
    let secret = if secret.is_empty() { "my-secret".to_owned() } else { secret };
    let mount = vec![("secret".into(), text(&secret)), ("mount_path".into(), text("/etc/secrets"))];
    let mounts = Target::at(format!("/{SETTINGS_KEY}/secret_mounts/-"), Span::default());
    let changes = vec![Change::Remove(variable), Change::Set(mounts, Tree::Map(mount))];
    Some(FixPlan::new(format!("Replace `{name}` by a mount of a Secret"), DisplayOnly, changes))
}

fn variable_names(environment: &Environment, context: &mut RuleContext<'_, '_>) {
    for (name, _) in environment.iter() {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let fits = name.bytes().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit());
        let path = format!("environment/{}", escape(name));
        if fits || name.is_empty() || placeholders::has(name) || context.broken(&[&path]) {
            continue;
        }
        let message = format!("`{name}` is no name of an environment variable that every Kubernetes takes");
        let help = if name.contains('=') {
            "write the value behind the `:`, not behind a `=`"
        } else {
            "write letters, digits, `_`, `-` and `.`, with no digit first"
        };
        let reported = context.report(&INVALID_VARIABLE_NAME, &path, message).with_help(help);
        let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let plain = if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("_{plain}") } else { plain };
        if !environment.0.contains_key(&plain) {
            reported.with_renamed_key(&path, &plain, Unsafe);
        }
    }
}

/// Reports placeholders in a document in which nothing replaces them. Commands are left to their shells.
pub(crate) fn literal_placeholders(context: &mut RuleContext<'_, '_>) {
    let mut found = Vec::new();
    texts(context.root, "", &mut |path, text| {
        let first = path.split('/').next().unwrap_or_default();
        if !matches!(first, "command" | "image") {
            found.extend(placeholders::names(text).next().map(|name| (path.to_owned(), name.to_owned())));
        }
    });
    for (path, name) in found {
        let key = key_of(&path);
        let message = format!("`${{{name}}}` in `{key}` is sent as it stands");
        context
            .report(&LITERAL_PLACEHOLDER, &path, message)
            .with_help("write the value itself; `${…}` is replaced in ZenML run configurations only");
    }
}

/// Reports characters that look like others.
pub(crate) fn unusual_characters(context: &mut RuleContext<'_, '_>) {
    let mut found = Vec::new();
    texts(context.root, "", &mut |path, text| {
        let plain = || unusual::plain(text).into_owned();
        found.extend(unusual::find(text).map(|unusual| (path.to_owned(), unusual, plain())));
    });
    for (path, unusual, plain) in found.into_iter().filter(|(path, ..)| !path.is_empty()) {
        if !context.broken(&[&path]) {
            let message = format!("`{}` has {} in it", key_of(&path), unusual.name);
            context
                .report(&UNUSUAL_CHARACTER, &path, message)
                .with_help(unusual.help())
                .with_value(&path, plain, Unsafe);
        }
    }
}

/// Calls `visit` with each text in and below a value, and its path.
fn texts(node: &Node<'_>, path: &str, visit: &mut dyn FnMut(&str, &str)) {
    let below = |segment: &str| if path.is_empty() { segment.to_owned() } else { format!("{path}/{segment}") };
    match &node.value {
        Value::String(text) => visit(path, &text.text),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &below(&index.to_string()), visit);
            }
        }
        Value::Map(map) => {
            for entry in &map.0 {
                let path = below(&escape(&entry.key));
                texts(&entry.value, &path, visit);
            }
        }
        _ => {}
    }
}

/// The key of the value at a path, or of the list that it is in.
fn key_of(path: &str) -> &str {
    path.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or(path)
}

/// Whether a value of a variable that is called like a secret may be one: paths, special tokens of a language model and
/// switches are not.
fn may_be_a_secret(name: &str, value: &str) -> bool {
    const TOKENS: [&str; 13] =
        ["BEGIN", "BOS", "CLS", "END", "EOS", "FIM", "IMAGE", "MASK", "PAD", "SEP", "START", "STOP", "UNK"];
    let is_path = value.starts_with(['/', '~']) && !value.contains(char::is_whitespace)
        || value.starts_with("./")
        || value.starts_with("file:");
    let of_a_model = value.starts_with('<') && value.ends_with('>')
        || value.starts_with('[') && value.ends_with(']')
        || name
            .to_ascii_uppercase()
            .strip_suffix("_TOKEN")
            .is_some_and(|name| name.rsplit('_').next().is_some_and(|word| TOKENS.contains(&word)));
    let is_switch =
        matches!(value.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "none");
    !value.is_empty() && !is_path && !of_a_model && !is_switch
}

/// Whether the registry of the image is this machine's.
fn is_local(image: &str) -> bool {
    let Some((registry, _)) = image.split_once('/') else { return false };
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
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
    fn paths_tokens_and_switches_are_no_secrets() {
        for (name, value) in [
            ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/secrets/key.json"),
            ("EOS_TOKEN", "</s>"),
            ("PAD_TOKEN", "x"),
            ("USE_AUTH_TOKEN", "true"),
            ("HF_TOKEN", ""),
        ] {
            assert!(names_a_secret(name) && !may_be_a_secret(name, value), "{name}");
        }
        for (name, value) in [("HF_TOKEN", "hf_abc"), ("API_KEY", "a/b"), ("PASSWORD", "12")] {
            assert!(may_be_a_secret(name, value), "{name}");
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
