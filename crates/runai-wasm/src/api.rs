//! The functions, natively: texts in, JSON out.

use runai_spec::convert::{ConvertError, convert};
use runai_spec::edit::{EditError, edit};
use runai_spec::explain::{explain, setting_paths};
use runai_spec::permissions::permissions;
use runai_spec::settings::{OperatorSettings, StepSettings};
use runai_spec::{
    Context, Diagnostic, Format, Kind, Report, Resolution, Resolver, Source, Step, rules, schema, snippets, to_value,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::utf16;

/// What a call may say beside the text.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Arguments {
    /// Language of the text.
    pub format: Option<Format>,
    /// Language to convert to.
    pub to: Option<Format>,
    /// What is known beside the text.
    pub context: PageContext,
    /// Kind of the document; by its keys without one.
    pub kind: Option<Kind>,
    /// JSON pointer of the value to edit.
    pub pointer: String,
    /// The value to set; none removes.
    pub value: Option<Value>,
    /// A rule, setting or schema.
    pub name: String,
}

/// What is known beside the text of a document.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PageContext {
    name: Option<String>,
    image: Option<String>,
    command: Option<Vec<String>>,
    environment: Option<serde_json::Map<String, Value>>,
    project_id: Option<String>,
    cluster_id: Option<String>,
    operator: Option<Operator>,
    step: Option<String>,
    base_url: Option<String>,
}

/// The operator file under the document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Operator {
    text: String,
    format: Format,
}

/// Why there is no answer.
#[derive(Debug, Default, Serialize)]
struct Refusal {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Box<PageReport>>,
}

/// A diagnostic with its place as an editor in the browser counts it.
#[derive(Debug, Serialize)]
struct PageDiagnostic {
    #[serde(flatten)]
    diagnostic: Diagnostic,
    utf16_offset: usize,
    utf16_end_offset: usize,
}

#[derive(Debug, Serialize)]
struct PageReport {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    diagnostics: Vec<PageDiagnostic>,
    /// What was found in the operator file.
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<Box<Self>>,
}

#[derive(Debug, Serialize)]
struct PageEdit {
    from: usize,
    to: usize,
    insert: String,
}

/// Calls `function` with a text and its other arguments, which are JSON.
///
/// The answer is JSON: `{"ok": …}` or `{"error": …}`.
#[must_use]
pub fn call(function: &str, text: &str, arguments: &str) -> String {
    let answer = match serde_json::from_str::<Arguments>(arguments) {
        Ok(arguments) => answer(function, text, &arguments),
        Err(error) => {
            let help = Some("see the types of the package".to_owned());
            Err(Refusal { code: "invalid-argument", message: error.to_string(), help, ..Refusal::default() })
        }
    };
    match answer {
        Ok(answer) => format!("{{\"ok\":{answer}}}"),
        Err(refusal) => format!("{{\"error\":{}}}", encoded(&refusal)),
    }
}

fn answer(function: &str, text: &str, arguments: &Arguments) -> Result<String, Refusal> {
    let format = arguments.format.unwrap_or(Format::Yaml);
    let source = Source { name: "document", text, format };
    let document = || Document::resolve(source, arguments);
    Ok(match function {
        "check" => encoded(&document().report()),
        "convert" => encoded(
            &convert(text, format, arguments.to.unwrap_or(Format::Yaml)).map_err(|error| not_converted(text, error))?,
        ),
        "defaults" => encoded(&json!({
            "settings": to_value(&StepSettings::default()),
            "operator": to_value(&OperatorSettings::default()),
        })),
        "edit" => {
            let edits = edit(text, format, &arguments.pointer, arguments.value.as_ref());
            let edits = edits.map_err(|error| not_edited(text, error))?;
            let offsets: Vec<usize> = edits.iter().flat_map(|edit| [edit.from, edit.to]).collect();
            let places = utf16::places(text, &offsets);
            let edits = edits.into_iter().zip(places.chunks(2));
            encoded(
                &edits.map(|(edit, at)| PageEdit { from: at[0], to: at[1], insert: edit.insert }).collect::<Vec<_>>(),
            )
        }
        "explain" => encoded(&explain(&arguments.name).map_err(|nearest| unknown(&arguments.name, nearest))?),
        "permissions" => {
            let document = document();
            let permissions = permissions(&document.resolution);
            let role = permissions.role_request("runai-step", |_| None);
            encoded(&json!({"permissions": permissions, "sets": permissions.sets(), "role": role}))
        }
        "render" => document().with_step(|step, document| {
            let body = step.request(&document.context, None).body.unwrap_or_default();
            let text = serde_json::to_string_pretty(&body).unwrap_or_default();
            let steps: Vec<&str> = document.resolution.step_names().collect();
            encoded(&json!({"body": body, "text": text, "steps": steps, "report": document.report()}))
        }),
        "request" => document().with_step(|step, document| {
            let request = step.request(&document.context, None);
            let curl = request.to_curl(document.base_url.as_deref());
            encoded(&json!({"request": request, "curl": curl}))
        }),
        "rules" => {
            let rules = rules::all();
            encoded(
                &rules
                    .map(|rule| json!({"code": rule.code, "severity": rule.severity, "summary": rule.summary}))
                    .collect::<Vec<_>>(),
            )
        }
        "schema" => schema::text(&arguments.name).ok_or_else(|| {
            let help = format!("there are {}", schema::NAMES.join(", "));
            Refusal { help: Some(help), ..unknown(&arguments.name, None) }
        })?,
        "settings" => {
            let settings = setting_paths().into_iter().filter_map(|path| explain(&path).ok());
            encoded(&settings.collect::<Vec<_>>())
        }
        "snippets" => document().with_step(|step, document| {
            encoded(&snippets::all(step, &document.context, document.source.format, document.base_url.as_deref()))
        }),
        "version" => encoded(&env!("CARGO_PKG_VERSION")),
        _ => return Err(unknown(function, None)),
    })
}

/// A document on its way to an answer.
struct Document<'t> {
    source: Source<'t>,
    operator: Option<Source<'t>>,
    resolution: Resolution<'t>,
    context: Context,
    step: Option<&'t str>,
    base_url: Option<String>,
}

impl<'t> Document<'t> {
    fn resolve(source: Source<'t>, arguments: &'t Arguments) -> Self {
        let given = &arguments.context;
        let mut resolver = Resolver::new(source);
        if let Some(kind) = arguments.kind {
            resolver = resolver.kind(kind);
        }
        let operator = given.operator.as_ref();
        let operator = operator.map(|file| Source { name: "operator", text: &file.text, format: file.format });
        if let Some(operator) = operator {
            resolver = resolver.operator(operator);
        }
        let environment = given.environment.iter().flatten();
        let context = Context {
            name: given.name.clone(),
            image: given.image.clone(),
            command: given.command.clone(),
            environment: environment.map(|(name, value)| (name.clone(), plain(value))).collect(),
            project_id: given.project_id.clone(),
            cluster_id: given.cluster_id.clone(),
        };
        let resolution = resolver.resolve();
        let written = || resolution.operator()?.runai_base_url.as_ref().map(|url| url.as_str().to_owned());
        let base_url = given.base_url.clone().or_else(written);
        Self { source, operator, resolution, context, step: given.step.as_deref(), base_url }
    }

    fn report(&self) -> PageReport {
        let mut report = page_report(self.source.text, self.resolution.report());
        report.kind = self.resolution.kind();
        // The document comes first, whatever was found in it.
        let others = self.resolution.reports().into_iter().skip(1);
        report.operator = self.operator.and_then(|operator| {
            let found = others.into_iter().find(|found| found.name == operator.name)?;
            Some(Box::new(page_report(operator.text, found.report)))
        });
        report
    }

    /// What `answer` makes of the step, or the report that says why there is none.
    fn with_step(&self, answer: impl FnOnce(&Step, &Self) -> String) -> String {
        let step = match self.step {
            Some(name) => self.resolution.step_named(name),
            None => self.resolution.step(),
        };
        match step {
            Some(step) => answer(step, self),
            None => encoded(&self.report()),
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn page_report(text: &str, report: Report) -> PageReport {
    let offsets: Vec<usize> = report.diagnostics.iter().flat_map(|found| [found.offset, found.end_offset]).collect();
    let places = utf16::places(text, &offsets);
    let diagnostics = report.diagnostics.into_iter().zip(places.chunks(2)).map(|(diagnostic, at)| PageDiagnostic {
        diagnostic,
        utf16_offset: at[0],
        utf16_end_offset: at[1],
    });
    PageReport { ok: report.ok, kind: None, diagnostics: diagnostics.collect(), operator: None }
}

fn not_converted(text: &str, error: ConvertError) -> Refusal {
    let (code, message, help) = (error.code(), error.to_string(), Some(error.help().to_owned()));
    let (path, report) = match error {
        ConvertError::NotInFormat { path, .. } => (Some(path), None),
        ConvertError::Unreadable(report) => (None, Some(Box::new(page_report(text, report)))),
        _ => (None, None),
    };
    Refusal { code, message, help, path, report }
}

fn not_edited(text: &str, error: EditError) -> Refusal {
    let (code, message, help) = (error.code(), error.to_string(), Some(error.help().to_owned()));
    let (path, report) = match error {
        EditError::Aliased { path }
        | EditError::NoPlace { path }
        | EditError::NotAContainer { path }
        | EditError::NotInFormat { path, .. }
        | EditError::Unsafe { path } => (Some(path), None),
        EditError::Unreadable(report) => (None, Some(Box::new(page_report(text, report)))),
        _ => (None, None),
    };
    Refusal { code, message, help, path, report }
}

fn unknown(word: &str, nearest: Option<String>) -> Refusal {
    let help = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
    Refusal { code: "unknown-name", message: format!("there is nothing called `{word}`"), help, ..Refusal::default() }
}

fn encoded<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| unreachable!("answers are plain values: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(function: &str, text: &str, arguments: &Value) -> Value {
        let answer: Value = serde_json::from_str(&call(function, text, &arguments.to_string())).unwrap();
        answer.get("ok").cloned().unwrap_or_else(|| panic!("{answer}"))
    }

    #[test]
    fn places_count_utf16_units() {
        let report = ok("check", "# 🚀é\nimage: x\nbad: 1\n", &json!({"format": "yaml"}));
        let found = &report["diagnostics"][1];
        assert_eq!((found["path"].as_str(), found["offset"].as_u64()), (Some("/bad"), Some(18)), "{report}");
        assert_eq!((found["utf16_offset"].as_u64(), found["utf16_end_offset"].as_u64()), (Some(15), Some(18)));
        let edits = ok("edit", "a: é🚀\nb: 1\n", &json!({"format": "yaml", "pointer": "/b", "value": 2}));
        assert_eq!(edits, json!([{"from": 10, "to": 11, "insert": "2"}]));
    }

    #[test]
    fn a_document_with_errors_has_a_report_and_no_body() {
        for function in ["render", "request", "snippets"] {
            let report = ok(function, "bad: 1\n", &json!({"format": "yaml"}));
            assert_eq!(report["ok"], false, "{report}");
        }
    }

    #[test]
    fn an_operator_file_has_a_report_of_its_own() {
        let operator = json!({"text": "cpu_core_request: x\n", "format": "yaml"});
        let report = ok("render", "{}", &json!({"context": {"operator": operator}}));
        assert_eq!(report["operator"]["diagnostics"][0]["path"], "/cpu_core_request", "{report}");
    }

    #[test]
    fn what_is_not_known_is_named() {
        let refused = |function, arguments| {
            let answer: Value = serde_json::from_str(&call(function, "", arguments)).unwrap();
            answer["error"]["code"].as_str().map(str::to_owned)
        };
        assert_eq!(refused("explain", r#"{"name": "unknown-keys"}"#).as_deref(), Some("unknown-name"));
        assert_eq!(refused("schema", r#"{"name": "no-such"}"#).as_deref(), Some("unknown-name"));
        assert_eq!(refused("no-such", "{}").as_deref(), Some("unknown-name"));
        assert_eq!(refused("check", r#"{"no": 1}"#).as_deref(), Some("invalid-argument"));
        assert_eq!(refused("edit", r#"{"pointer": "x"}"#).as_deref(), Some("invalid-pointer"));
    }
}
