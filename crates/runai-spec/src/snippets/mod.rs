//! Commands and programs that submit a step.
//!
//! They are generated from the resolved step, so they include settings from all sources.

mod python;
mod runai;

use runai_api::command::{shell_join, shell_quote};
use runai_syntax::{Format, Tree};
use serde::Serialize;

use crate::render::{Context, parts};
use crate::resolve::Step;

pub use self::python::ZENML_CLASSES;

/// A command or program that submits a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Snippet {
    /// The stable id: `curl`, `runai-step`, `runai`, `zenml` or `runapy`.
    pub id: &'static str,
    /// The title.
    pub title: &'static str,
    /// The language: `shell` or `python`.
    pub language: &'static str,
    /// The source code.
    pub text: String,
    /// Limitations, and steps before running it.
    pub notes: Vec<String>,
}

/// Returns all snippets of a step.
///
/// `format` is the format of the document, for its file name. `base_url` is the control plane; default: `$RUNAI_BASE_URL`.
///
/// ```
/// use runai_spec::{Context, Resolver, Source, snippets};
/// use runai_syntax::Format;
/// let source = Source { name: "step", text: "image: a\ncommand: [b]\nsettings: {node_pools: [p]}\n", format: Format::Yaml };
/// let resolution = Resolver::new(source).resolve();
/// let all = snippets::all(resolution.step().unwrap(), &Context::default(), Format::Yaml, None);
/// let zenml = all.iter().find(|snippet| snippet.id == "zenml").unwrap();
/// assert!(zenml.text.contains("node_pools=[\"p\"],"));
/// ```
#[must_use]
pub fn all(step: &Step, context: &Context, format: Format, base_url: Option<&str>) -> Vec<Snippet> {
    let text = step.body(context);
    let body = parts(&text);
    vec![
        curl(step, context, base_url, &body),
        runai_step(step, context, format),
        runai::submit(step, context, &body),
        python::zenml(step),
        python::runapy(body, base_url),
    ]
}

fn curl(step: &Step, context: &Context, base_url: Option<&str>, body: &Tree<'_>) -> Snippet {
    let text = step.curl(context, base_url);
    Snippet { id: "curl", title: "curl", language: "shell", text, notes: missing(body) }
}

/// Returns the commands of `runai-step`, which read the document from a file.
fn runai_step(step: &Step, context: &Context, format: Format) -> Snippet {
    let ending = match format {
        Format::Json => "json",
        Format::Toml => "toml",
        Format::Yaml => "yaml",
    };
    let name = step.name().map_or_else(|| "step".to_owned(), |name| runai_api::name::workload_name(Some(name), None));
    let file = format!("{name}.runai.{ending}");
    let mut options: Vec<String> = Vec::new();
    if let Some(block) = step.block() {
        options.extend(["--step".to_owned(), block.to_owned()]);
    }
    for (option, value) in
        [("--name", &context.name), ("--project-id", &context.project_id), ("--cluster-id", &context.cluster_id)]
    {
        if let Some(value) = value {
            options.extend([option.to_owned(), value.clone()]);
        }
    }
    if let Some(image) = &context.image {
        options.extend(["--set".to_owned(), format!("image={image}")]);
    }
    for (name, value) in &context.environment {
        options.extend(["--set".to_owned(), format!("environment.{name}={value}")]);
    }
    let options = if options.is_empty() { String::new() } else { format!(" {}", shell_join(&options)) };
    let file = shell_quote(&file);
    let text = format!("runai-step check {file}\nrunai-step render {file}{options}");
    let mut notes = vec![format!("save the document as {file}")];
    if context.command.is_some() {
        notes.push("write the command to the file; there is no option for it".to_owned());
    }
    Snippet { id: "runai-step", title: "runai-step", language: "shell", text, notes }
}

/// Returns a note about the placeholders in a request.
fn missing(body: &Tree<'_>) -> Vec<String> {
    let image = body.get("spec").and_then(|spec| spec.get("image"));
    let mut gaps = Vec::new();
    for (value, gap) in [
        (body.get("name"), "<name>"),
        (body.get("projectId"), "<project-id>"),
        (body.get("clusterId"), "<cluster-id>"),
        (image, "<image>"),
    ] {
        if value.and_then(Tree::as_str) == Some(gap) {
            gaps.push(format!("`{gap}`"));
        }
    }
    if gaps.is_empty() { Vec::new() } else { vec![format!("fill in {}", gaps.join(", "))] }
}
