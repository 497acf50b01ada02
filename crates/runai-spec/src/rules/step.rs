//! Rules of a step's name, image and environment, and of strings in any document.

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
    /// An image reference must follow the grammar of the OCI distribution project: `[host[:port]/]name[:tag][@digest]`, with
    /// the name in lowercase. Otherwise the pod stays in `InvalidImageName`.
    INVALID_IMAGE {
        code: "invalid-image",
        severity: Warning,
        summary: "invalid image reference",
        valid: Example::Yaml("image: nvcr.io/nvidia/pytorch:24.01-py3\ncommand: [train]\n"),
        invalid: Example::Yaml("image: nvcr.io/nvidia/PyTorch:24.01-py3\ncommand: [train]\n"),
    }

    /// Names of environment variables consist of letters, digits, `_`, `-` and `.`, and do not start with a digit. Kubernetes
    /// before 1.34 rejects pods with other names. All versions reject names that contain `=`.
    INVALID_VARIABLE_NAME {
        code: "invalid-variable-name",
        severity: Warning,
        summary: "invalid environment variable name",
        valid: Example::Yaml("image: train:4\ncommand: [train]\nenvironment: {SEPARATION_4K: \"1\"}\n"),
        invalid: Example::Yaml("image: train:4\ncommand: [train]\nenvironment: {4K_SEPARATION: \"1\"}\n"),
    }

    /// The string contains an invisible character, or one that looks like another: a no-break space, a zero-width space,
    /// typographic quotes or a typographic dash. Word processors and web pages insert them, and programs do not treat them
    /// as the plain character.
    UNUSUAL_CHARACTER {
        code: "unusual-character",
        severity: Warning,
        summary: "lookalike or invisible character",
        valid: Example::Yaml("image: train:4\ncommand: [train, --epochs, \"10\"]\n"),
        invalid: Example::Yaml("image: train:4\ncommand: [train, –epochs, \"10\"]\n"),
    }

    /// `${NAME}` is replaced in ZenML run configurations only. In other files it is sent unchanged, and Kubernetes does not
    /// replace it, either. It is fine in a command that a shell runs.
    LITERAL_PLACEHOLDER {
        code: "literal-placeholder",
        severity: Warning,
        summary: "`${NAME}` that is not replaced",
        valid: Example::Yaml("image: train:4\ncommand: [bash, -c, \"train $HOME\"]\n"),
        invalid: Example::Yaml("image: train:4\ncommand: [train]\nsettings: {working_dir: \"${HOME}\"}\n"),
    }

    /// The image's registry is this machine. On a node of the cluster, the same name refers to the node itself.
    LOCAL_IMAGE {
        code: "local-image",
        severity: Warning,
        summary: "image in a local registry",
        valid: Example::Yaml("image: registry.example.com/train:4\ncommand: [train]\n"),
        invalid: Example::Yaml("image: localhost:5000/train:4\ncommand: [train]\n"),
    }

    /// An environment variable looks like a password, token or key. Environment variables are sent as plain text, and
    /// everyone with access to the workload can read them. Store the value in a Secret, and mount it with `secret_mounts`.
    PLAIN_TEXT_SECRET {
        code: "plain-text-secret",
        severity: Warning,
        summary: "plain-text secret in `environment`",
        valid: Example::Yaml("image: train:4\ncommand: [train]\nenvironment: {WANDB_MODE: offline}\n"),
        invalid: Example::Yaml("image: train:4\ncommand: [train]\nenvironment: {WANDB_API_KEY: not-a-real-key}\n"),
    }

    /// A workload's name consists of lowercase letters, digits and dashes, and starts with a letter. Other step names are
    /// converted, so the workload has a different name.
    UNUSUAL_STEP_NAME {
        code: "unusual-step-name",
        severity: Warning,
        summary: "step name that is not a workload name",
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
    if let Some(name) = name.filter(|_| !context.is_invalid(&["name"])) {
        let sanitized = sanitize(name);
        let room = MAX_NAME_LENGTH - SubmissionId::LENGTH - 1;
        let kept = sanitized[..sanitized.len().min(room)].trim_end_matches('-');
        if sanitized.len() > room {
            let message =
                format!("`name` has {} characters; a submission's name begins with `{kept}`", name.chars().count());
            context
                .report(&UNUSUAL_STEP_NAME, "name", message)
                .with_help(format!(
                    "write up to {room} characters; the submission's id extends the name to {MAX_NAME_LENGTH}"
                ))
                .with_value("name", kept.to_owned(), Unsafe);
        } else if sanitized != name {
            let message = match sanitized.as_str() {
                "" => format!("`name` is `{name}`, which contains no character of a workload name"),
                _ => format!("`name` is `{name}`; the workload's name will begin with `{sanitized}`"),
            };
            let reported = context
                .report(&UNUSUAL_STEP_NAME, "name", message)
                .with_help("write lowercase letters, digits and dashes, starting with a letter");
            // The workload gets this name in any case.
            if !sanitized.is_empty() {
                reported.with_value("name", sanitized, Safe);
            }
        }
    }
    if let Some(image) = image.filter(|image| is_local(image) && !context.is_invalid(&["image"])) {
        context
            .report(&LOCAL_IMAGE, "image", format!("`image` is `{image}`, which the cluster cannot pull"))
            .with_help("push the image to a registry that the cluster can reach");
    }
    if let Some(Err(why)) = image.filter(|image| !image.is_empty() && !context.is_invalid(&["image"])).map(image::check)
    {
        let (what, help) = why.message_and_help();
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
        if is_secret_reference(value) && !context.is_invalid(&[&path]) {
            let message = format!("`{name}` refers to a ZenML secret, which is not resolved here");
            context.report(&SECRET_REFERENCE, &path, message).with_help(REFERENCE_HELP);
        } else if names_a_secret(name) && may_be_a_secret(name, value) && !context.is_invalid(&[&path]) {
            let mount = secret_mount(name, &path, context);
            context
                .report(&PLAIN_TEXT_SECRET, &path, format!("`{name}` looks like a secret, but is sent as plain text"))
                .with_help("store it in a Kubernetes Secret, and mount the Secret with `secret_mounts`")
                .with_tag(Tag::Secret)
                .with_fix(mount)
                .with_removal(&path, DisplayOnly);
        }
    }
}

/// Returns the fix that replaces a step file's variable by a mount of a Secret, whose name is a guess.
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
        if fits || name.is_empty() || placeholders::has(name) || context.is_invalid(&[&path]) {
            continue;
        }
        let message = format!("`{name}` is not a valid environment variable name");
        let help = if name.contains('=') {
            "separate name and value by `:`, not by `=`"
        } else {
            "write letters, digits, `_`, `-` and `.`, not starting with a digit"
        };
        let reported = context.report(&INVALID_VARIABLE_NAME, &path, message).with_help(help);
        let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let plain = if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("_{plain}") } else { plain };
        if !environment.0.contains_key(&plain) {
            reported.with_renamed_key(&path, &plain, Unsafe);
        }
    }
}

/// Reports placeholders in a document in which they are not replaced. Commands are skipped: a shell may replace them.
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
        let message = format!("`${{{name}}}` in `{key}` is not replaced");
        context
            .report(&LITERAL_PLACEHOLDER, &path, message)
            .with_help("write the value itself; `${…}` is replaced in ZenML run configurations only");
    }
}

/// Reports invisible characters, and those that look like others.
pub(crate) fn unusual_characters(context: &mut RuleContext<'_, '_>) {
    let mut found = Vec::new();
    texts(context.root, "", &mut |path, text| {
        let plain = || unusual::plain(text).into_owned();
        found.extend(unusual::find(text).map(|unusual| (path.to_owned(), unusual, plain())));
    });
    for (path, unusual, plain) in found.into_iter().filter(|(path, ..)| !path.is_empty()) {
        if !context.is_invalid(&[&path]) {
            let message = format!("`{}` contains {}", key_of(&path), unusual.name);
            context
                .report(&UNUSUAL_CHARACTER, &path, message)
                .with_help(unusual.help())
                .with_value(&path, plain, Unsafe);
        }
    }
}

/// Calls `visit` with the path and text of each string in a value.
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

/// Returns the key of the value at a path, or of the list that contains it.
fn key_of(path: &str) -> &str {
    path.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or(path)
}

/// Whether the value of a variable with a secret's name may be a secret. Paths, special tokens of language models and
/// booleans are not.
fn may_be_a_secret(name: &str, value: &str) -> bool {
    const TOKENS: [&str; 13] =
        ["BEGIN", "BOS", "CLS", "END", "EOS", "FIM", "IMAGE", "MASK", "PAD", "SEP", "START", "STOP", "UNK"];
    let is_path = value.starts_with(['/', '~']) && !value.contains(char::is_whitespace)
        || value.starts_with("./")
        || value.starts_with("file:");
    let is_model_token = value.starts_with('<') && value.ends_with('>')
        || value.starts_with('[') && value.ends_with(']')
        || name
            .to_ascii_uppercase()
            .strip_suffix("_TOKEN")
            .is_some_and(|name| name.rsplit('_').next().is_some_and(|word| TOKENS.contains(&word)));
    let is_switch =
        matches!(value.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "none");
    !value.is_empty() && !is_path && !is_model_token && !is_switch
}

/// Whether the registry of the image is a loopback host.
fn is_local(image: &str) -> bool {
    let Some((registry, _)) = image.split_once('/') else { return false };
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_secret_names() {
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
    fn excludes_paths_tokens_and_booleans() {
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
    fn recognizes_local_registries() {
        for image in ["localhost/a", "localhost:5000/a:1", "127.0.0.1:5000/a", "[::1]:5000/a"] {
            assert!(is_local(image), "{image}");
        }
        for image in ["localhost", "python:3.12", "registry.example.com/localhost:1", "localhost.example.com/a"] {
            assert!(!is_local(image), "{image}");
        }
    }
}
