//! Python: ZenML's step operator, and NVIDIA's SDK.

use serde_json::{Map, Value as Json};

use super::{Snippet, missing};
use crate::print::quoted;
use crate::render::Context;
use crate::resolve::Step;
use crate::ser::to_value;
use crate::settings::StepSettings;

/// Settings whose values are objects of a class of their own in ZenML.
const CLASSES: [(&str, &str); 10] = [
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

/// A step of a ZenML pipeline with these settings; what has its default is left out.
pub(super) fn zenml(step: &Step) -> Snippet {
    let settings = members(step.settings());
    let defaults = members(&StepSettings::default());
    let written: Vec<_> = settings.iter().filter(|(key, value)| defaults.get(*key) != Some(value)).collect();
    let class = |key: &str| CLASSES.iter().find(|(setting, _)| *setting == key).map(|(_, class)| *class);

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

    let environment: Map<String, Json> =
        step.environment().iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let (docker, docker_import) = if environment.is_empty() {
        (String::new(), "")
    } else {
        let environment = literal(&Json::Object(environment), 12);
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
        notes.push("the secret for pulling images belongs to the step operator: `image_pull_secret_name`".to_owned());
    }
    Snippet { id: "zenml", title: "Python, ZenML", language: "python", text, notes }
}

/// The request with NVIDIA's SDK, whose models check it.
pub(super) fn runapy(step: &Step, context: &Context, base_url: Option<&str>) -> Snippet {
    let mut body = to_value(&step.render(context, None));
    // The SDK fills in what is missing here, and leaves alone what is said to be nothing.
    for claim in body.pointer_mut("/spec/storage/pvc").and_then(Json::as_array_mut).into_iter().flatten() {
        if let Some(modes) = claim.pointer_mut("/claimInfo/accessModes").and_then(Json::as_object_mut) {
            for mode in ["readWriteOnce", "readOnlyMany", "readWriteMany"] {
                modes.entry(mode).or_insert(Json::Null);
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
    Snippet { id: "runapy", title: "Python, runapy", language: "python", text, notes: missing(step, context) }
}

fn members(settings: &StepSettings) -> Map<String, Json> {
    match to_value(settings) {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}

/// One object, or a list of them.
fn objects(class: &str, value: &Json) -> String {
    match value {
        Json::Array(items) => {
            let items = items.iter().map(|item| format!("        {},\n", object(class, item, 8)));
            format!("[\n{}    ]", items.collect::<String>())
        }
        one => object(class, one, 4),
    }
}

fn object(class: &str, value: &Json, indent: usize) -> String {
    let members = value.as_object().into_iter().flatten();
    let inner = " ".repeat(indent + 4);
    let arguments = members.map(|(key, value)| format!("{inner}{key}={},\n", literal(value, indent + 4)));
    let arguments: String = arguments.collect();
    if arguments.is_empty() { format!("{class}()") } else { format!("{class}(\n{arguments}{})", " ".repeat(indent)) }
}

/// A value as Python writes it; its first line is indented by `indent`.
fn literal(value: &Json, indent: usize) -> String {
    const WIDTH: usize = 88;
    let flat = flat(value);
    if indent + flat.len() <= WIDTH || value.is_string() || value.is_number() {
        return flat;
    }
    let (inner, outer) = (" ".repeat(indent + 4), " ".repeat(indent));
    match value {
        Json::Array(items) => {
            let items = items.iter().map(|item| format!("{inner}{},\n", literal(item, indent + 4)));
            format!("[\n{}{outer}]", items.collect::<String>())
        }
        Json::Object(members) => {
            let members = members.iter();
            let members =
                members.map(|(key, value)| format!("{inner}{}: {},\n", quoted(key), literal(value, indent + 4)));
            format!("{{\n{}{outer}}}", members.collect::<String>())
        }
        _ => flat,
    }
}

fn flat(value: &Json) -> String {
    match value {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => quoted(text),
        Json::Array(items) => format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(", ")),
        Json::Object(members) => {
            let members = members.iter().map(|(key, value)| format!("{}: {}", quoted(key), flat(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A name for a function.
fn identifier(name: &str) -> String {
    const KEYWORDS: [&str; 35] = [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
        "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
        "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
    ];
    // The names that the program uses itself.
    const TAKEN: [&str; 2] = ["settings", "step"];
    let word: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let starts = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts || KEYWORDS.contains(&word.as_str()) || TAKEN.contains(&word.as_str()) {
        format!("step_{word}")
    } else {
        word
    }
}
