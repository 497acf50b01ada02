//! Test cases for both implementations.

use runai_spec::{Context, Kind, Resolver, Source};

use runai_syntax::Format;
use serde_json::{Map, Value, json};

/// A document to compare.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Description of the case.
    pub(crate) name: String,
    /// The origin of the case and its expected validity.
    pub(crate) intent: Intent,
    pub(crate) kind: CaseKind,
    /// The settings or the step file; empty settings for an operator file.
    pub(crate) document: Value,
    /// The operator file.
    pub(crate) operator: Option<Value>,
    /// The settings that it is about, as the schema calls them: `pvc_mounts.path`; of a run configuration, the pointers of
    /// blocks that no step runs with.
    pub(crate) paths: Vec<String>,
}

/// The origin of a document and its expected validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// With one error.
    Broken,
    /// Unknown: merging two valid documents may give an invalid one.
    Open,
    Valid,
    /// Written by hand.
    Written,
}

/// The kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaseKind {
    /// Settings with an operator file.
    Merged,
    /// An operator file.
    Operator,
    /// A ZenML run configuration: see `runs`.
    Run,
    Settings,
    Step,
}

/// The core's result.
#[derive(Clone, Debug, Default)]
pub(crate) struct CoreResult {
    pub(crate) errors: Vec<Found>,
    pub(crate) body: Option<Value>,
}

/// An error of the core.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) code: String,
    /// JSON pointer in the document.
    pub(crate) path: String,
    /// The value at the pointer.
    pub(crate) value: Option<Value>,
    pub(crate) message: String,
}

/// A number that `serde_json` cannot hold (or would write otherwise) is a string with this before it, and is written as it
/// is. Turning its feature for that on would turn it on for the whole workspace.
const RAW: char = '\u{1}';

/// Returns a number given as source text.
pub(crate) fn raw(number: &str) -> Value {
    Value::String(format!("{RAW}{number}"))
}

/// Returns the source text of a number from [`raw`].
pub(crate) fn as_raw(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix(RAW)
}

/// Returns the JSON text of a value.
pub(crate) fn text(value: &Value) -> String {
    const OPENING: &str = "\"\\u0001";
    let written = value.to_string();
    let mut parts = written.split(OPENING);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once('"').unwrap_or((part, ""));
        text.push_str(number);
        text.push_str(rest);
    }
    text
}

impl Case {
    /// Returns the request line for the reference process.
    pub(crate) fn question(&self, id: usize) -> String {
        let context = context();
        let context = json!({
            "name": context.name, "image": context.image, "command": context.command,
            "project_id": context.project_id, "cluster_id": context.cluster_id,
        });
        let key = if self.kind == CaseKind::Step { "step" } else { "settings" };
        let operator = self.operator.as_ref().map(|operator| format!(",\"operator\":{}", text(operator)));
        format!(
            "{{\"id\":{id},\"context\":{context},\"{key}\":{}{}}}",
            text(&self.document),
            operator.unwrap_or_default()
        )
    }

    /// Returns the case as JSON, for failure files.
    pub(crate) fn shown(&self) -> String {
        let mut shown = Map::new();
        shown.insert("name".to_owned(), self.name.clone().into());
        let key = if self.kind == CaseKind::Step { "step" } else { "settings" };
        if self.kind != CaseKind::Operator {
            shown.insert(key.to_owned(), self.document.clone());
        }
        shown.extend(self.operator.clone().map(|operator| ("operator".to_owned(), operator)));
        text(&Value::Object(shown))
    }

    /// The core's result.
    pub(crate) fn run_core(&self) -> CoreResult {
        let document = text(&self.document);
        let operator = self.operator.as_ref().map(text);
        let json = |name: &'static str, text| Source { name, text, format: Format::Json };
        let kind = if self.kind == CaseKind::Step { Kind::Step } else { Kind::Settings };
        let mut resolver = Resolver::new(json("document", &document)).kind(kind);
        if let Some(operator) = &operator {
            resolver = resolver.operator(json("operator", operator));
        }
        let resolution = resolver.resolve();
        let errors: Vec<Found> = resolution
            .diagnostics()
            .iter()
            .filter(|finding| finding.is_error())
            .map(|finding| {
                let from = if finding.span.source.0 == 0 { Some(&self.document) } else { self.operator.as_ref() };
                Found {
                    code: finding.rule.code.to_owned(),
                    path: finding.path.clone(),
                    value: from.and_then(|from| from.pointer(&finding.path)).cloned(),
                    message: finding.message.clone(),
                }
            })
            .collect();
        if let (CaseKind::Operator, Some(operator)) = (self.kind, &operator) {
            let alone = Resolver::new(json("operator", operator)).kind(Kind::Operator).resolve();
            assert_eq!(
                alone.has_errors(),
                !errors.is_empty(),
                "an operator file has the same verdict alone: {operator}"
            );
        }
        let mut context = context();
        if self.kind == CaseKind::Step {
            (context.image, context.command) = (None, None);
        }
        let body = resolution.step().map(|step| {
            let body = serde_json::to_value(step.render(&context));
            body.unwrap_or_else(|error| panic!("invalid JSON in a body: {error}"))
        });
        CoreResult { errors, body }
    }
}

/// Returns the facts for the request that are not in the document.
pub(crate) fn context() -> Context {
    Context {
        name: Some("train-1".to_owned()),
        image: Some("python:3.12".to_owned()),
        command: Some(["python", "-m", "train", "--name", "it's \"me\""].map(str::to_owned).to_vec()),
        project_id: Some("4500001".to_owned()),
        cluster_id: Some("71f69d83-ba66-4822-adf5-55ce55efd210".to_owned()),
        ..Context::default()
    }
}
