//! Commands and programs that submit a step: what stands beside the request body.
//!
//! They are made of the step alone, so they say what is sent, wherever a setting came from.

mod python;
mod runai;

use runai_api::command::{shell_join, shell_quote};
use runai_syntax::{Format, Tree};
use serde::Serialize;

use crate::render::{Context, parts};
use crate::resolve::Step;

pub use self::python::ZENML_CLASSES;

/// A command or program that does what the document says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Snippet {
    /// A stable word for it: `curl`, `runai-step`, `runai`, `zenml`, `runapy`.
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it is written in: `shell` or `python`.
    pub language: &'static str,
    /// The snippet itself.
    pub text: String,
    /// What it cannot say, and what to know before running it.
    pub notes: Vec<String>,
}

/// All snippets of a step.
///
/// `format` is the language of the document, for the name of its file; `base_url` is the control plane, the shell's
/// `$RUNAI_BASE_URL` without one.
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

/// The commands of this project's own program, which read the document from a file.
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
        notes.push("write the command into the file: no option sets it".to_owned());
    }
    Snippet { id: "runai-step", title: "runai-step", language: "shell", text, notes }
}

/// What stands as `<…>` in a request, and has to be filled in.
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
