//! Python programs with ZenML's step operator and NVIDIA's SDK.

use runai_syntax::emit::quoted;
use runai_syntax::{Format, Tree};

use super::{Snippet, missing};
use crate::resolve::Step;
use crate::settings::StepSettings;
use crate::settings::fields::ToTree as _;

/// Settings whose values are objects in ZenML, and their classes.
pub const ZENML_CLASSES: [(&str, &str); 10] = [
    ("config_map_mounts", "RunAIConfigMapMountSettings"),
    ("external_urls", "RunAIExternalURLSettings"),
    ("host_path_mounts", "RunAIHostPathMountSettings"),
    ("nfs_mounts", "RunAINFSMountSettings"),
    ("ports", "RunAIPortSettings"),
    ("pvc_mounts", "RunAIPVCMountSettings"),
    ("s3_mounts", "RunAIS3MountSettings"),
    ("secret_mounts", "RunAISecretMountSettings"),
    ("security_context", "RunAISecurityContextSettings"),
    ("tolerations", "RunAITolerationSettings"),
];

/// Returns a step of a ZenML pipeline with these settings. Defaults are omitted.
pub(super) fn zenml(step: &Step) -> Snippet {
    let settings = step.settings().tree();
    let defaults = StepSettings::default();
    let defaults = defaults.tree();
    let written: Vec<_> = settings.entries().iter().filter(|(key, value)| defaults.get(key) != Some(value)).collect();
    let class = |key: &str| ZENML_CLASSES.iter().find(|(setting, _)| *setting == key).map(|(_, class)| *class);

    let mut imports: Vec<&str> = written.iter().filter_map(|(key, _)| class(key)).collect();
    imports.push("RunAIStepOperatorSettings");
    imports.sort_unstable();
    let imports = match imports.as_slice() {
        [one] => one.to_string(),
        all => format!("(\n    {},\n)", all.join(",\n    ")),
    };
    let arguments = written.iter().map(|(key, value)| {
        let value = match class(key) {
            Some(class) => objects(class, value),
            None => literal(value, 4),
        };
        format!("    {key}={value},\n")
    });
    let arguments: String = arguments.collect();
    let arguments = if arguments.is_empty() { String::new() } else { format!("\n{arguments}") };

    let environment = step.environment();
    let (docker, docker_import) = if environment.is_empty() {
        (String::new(), "")
    } else {
        let environment = literal(&environment.tree(), 12);
        let docker = format!("\n        \"docker\": DockerSettings(environment={environment}),");
        (docker, "from zenml.config import DockerSettings\n")
    };
    let function = step.name().map_or_else(|| "train".to_owned(), identifier);
    let text = format!(
        "from zenml import step\n{docker_import}from zenml.integrations.runai.flavors import {imports}\n\n\
         settings = RunAIStepOperatorSettings({arguments})\n\n\n\
         @step(\n    step_operator=\"runai\",\n    settings={{\n        \"step_operator\": settings,{docker}\n    }},\n)\n\
         def {function}() -> None: ...\n"
    );
    let mut notes = vec!["ZenML builds the image and the command itself".to_owned()];
    if step.image_pull_secret().is_some() {
        notes.push("set `image_pull_secret_name` of the step operator".to_owned());
    }
    Snippet { id: "zenml", title: "Python, ZenML", language: "python", text, notes }
}

/// Returns a program that sends the request with NVIDIA's SDK.
pub(super) fn runapy(mut body: Tree<'_>, base_url: Option<&str>) -> Snippet {
    let notes = missing(&body);
    // The SDK replaces missing access modes by defaults, but keeps nulls.
    let claims = ["spec", "storage", "pvc"].into_iter().try_fold(&mut body, Tree::get_mut);
    if let Some(Tree::List(claims)) = claims {
        for claim in claims {
            if let Some(Tree::Map(modes)) = claim.get_mut("claimInfo").and_then(|claim| claim.get_mut("accessModes")) {
                for mode in ["readWriteOnce", "readOnlyMany", "readWriteMany"] {
                    if !modes.iter().any(|(own, _)| own == mode) {
                        modes.push((mode.into(), Tree::Null));
                    }
                }
            }
        }
    }
    let base_url = base_url.map_or_else(|| "os.environ[\"RUNAI_BASE_URL\"]".to_owned(), quoted);
    let text = format!(
        "import os\n\nfrom runai.api_client import ApiClient\nfrom runai.configuration import Configuration\n\
         from runai.models import TrainingCreationRequest\nfrom runai.runai_client import RunaiClient\n\n\
         request = TrainingCreationRequest.model_validate(\n    {}\n)\n\n\
         configuration = Configuration(\n    client_id=os.environ[\"RUNAI_CLIENT_ID\"],\n    \
         client_secret=os.environ[\"RUNAI_CLIENT_SECRET\"],\n    runai_base_url={base_url},\n)\n\
         client = RunaiClient(ApiClient(configuration))\n\
         response = client.workloads.trainings.create_training1(training_creation_request=request)\n\
         print(response.data)\n",
        literal(&body, 4)
    );
    Snippet { id: "runapy", title: "Python, runapy", language: "python", text, notes }
}

/// Returns an object, or a list of objects, as source code.
fn objects(class: &str, value: &Tree<'_>) -> String {
    match value {
        Tree::List(items) => {
            let items = items.iter().map(|item| format!("        {},\n", object(class, item, 8)));
            format!("[\n{}    ]", items.collect::<String>())
        }
        one => object(class, one, 4),
    }
}

fn object(class: &str, value: &Tree<'_>, indent: usize) -> String {
    let inner = " ".repeat(indent + 4);
    let arguments =
        value.entries().iter().map(|(key, value)| format!("{inner}{key}={},\n", literal(value, indent + 4)));
    let arguments: String = arguments.collect();
    if arguments.is_empty() { format!("{class}()") } else { format!("{class}(\n{arguments}{})", " ".repeat(indent)) }
}

/// Returns a value as a Python literal whose first line is indented by `indent`.
fn literal(value: &Tree<'_>, indent: usize) -> String {
    const WIDTH: usize = 88;
    let flat = flat(value);
    if indent + flat.len() <= WIDTH || value.is_scalar() {
        return flat;
    }
    let (inner, outer) = (" ".repeat(indent + 4), " ".repeat(indent));
    match value {
        Tree::List(items) => {
            let items = items.iter().map(|item| format!("{inner}{},\n", literal(item, indent + 4)));
            format!("[\n{}{outer}]", items.collect::<String>())
        }
        Tree::Map(members) => {
            let members = members.iter();
            let members =
                members.map(|(key, value)| format!("{inner}{}: {},\n", quoted(key), literal(value, indent + 4)));
            format!("{{\n{}{outer}}}", members.collect::<String>())
        }
        _ => flat,
    }
}

fn flat(value: &Tree<'_>) -> String {
    match value {
        Tree::Null => "None".to_owned(),
        Tree::Bool(true) => "True".to_owned(),
        Tree::Bool(false) => "False".to_owned(),
        Tree::Text(text) => quoted(text),
        Tree::List(items) => format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(", ")),
        Tree::Map(members) => {
            let members = members.iter().map(|(key, value)| format!("{}: {}", quoted(key), flat(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        number => number.word(Format::Json).unwrap_or_default().into_owned(),
    }
}

/// Converts a name to a Python identifier.
fn identifier(name: &str) -> String {
    const KEYWORDS: [&str; 35] = [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
        "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
        "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
    ];
    // Names that the generated program uses.
    const TAKEN: [&str; 2] = ["settings", "step"];
    let word: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let starts = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts || KEYWORDS.contains(&word.as_str()) || TAKEN.contains(&word.as_str()) {
        format!("step_{word}")
    } else {
        word
    }
}
