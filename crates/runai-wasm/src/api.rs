//! The functions in plain Rust: text in, JSON out.

use runai_spec::explain::{explain, setting_paths};
use runai_spec::permissions::permissions;
use runai_spec::settings;
use runai_spec::{Context, Resolution, Resolver, Source, Step, rules, schema, snippets};
use runai_syntax::{Format, Tree, convert, edit_to, to_tree};

use crate::arguments::Arguments;
use crate::error::{CallError, convert_error, edit_error, unknown_name};
use crate::report::{needs, object, utf16_edits, utf16_report};

/// The result of a call.
#[derive(Debug, Default)]
struct Output {
    json: String,
    /// A text result, separate from the JSON: escaping it here and parsing it again in JavaScript takes longer than
    /// creating it.
    text: Option<String>,
}

/// Calls `function` with a text and JSON arguments.
///
/// Returns one line of JSON, `{"ok": …}` or `{"error": …}`, followed by the text result, if any.
#[must_use]
pub fn call(function: &str, text: &str, arguments: &str) -> String {
    let output = Tree::from_json(arguments)
        .and_then(|given| Arguments::read(&given).map(|arguments| run(function, text, &arguments)));
    let output = output.unwrap_or_else(|message| Err(CallError::invalid(message)));
    match output {
        Ok(Output { json, text: None }) => format!("{{\"ok\":{json}}}"),
        Ok(Output { json, text: Some(text) }) => format!("{{\"ok\":{json}}}\n{text}"),
        Err(error) => format!("{{\"error\":{}}}", error.tree().to_json()),
    }
}

impl From<Tree<'_>> for Output {
    fn from(value: Tree<'_>) -> Self {
        Self { json: value.to_json(), text: None }
    }
}

fn run(function: &str, text: &str, arguments: &Arguments<'_>) -> Result<Output, CallError<'static>> {
    let format = arguments.format.unwrap_or(Format::Yaml);
    let source = Source { name: "document", text, format };
    let document = || Document::resolve(source, arguments);
    let value = match function {
        "check" => document().report(),
        "convert" => {
            let converted = convert(text, format, arguments.to.unwrap_or(Format::Yaml));
            let text = converted.map_err(|error| convert_error(text, error))?;
            return Ok(Output { json: "{}".to_owned(), text: Some(text) });
        }
        "defaults" => settings::defaults(),
        "edit" => {
            let edits = edit_to(text, format, arguments.pointer, arguments.value);
            let edits = edits.map_err(|error| edit_error(text, error))?;
            utf16_edits(text, edits)
        }
        "explain" => to_tree(&explain(arguments.name).map_err(|nearest| unknown_name(arguments.name, nearest))?),
        "permissions" => needs(&permissions(&document().resolution)),
        "render" => {
            return Ok(document().with_step(|step, document| {
                let steps = document.resolution.step_names().collect();
                let json = object([("steps", steps), ("report", document.report())]).to_json();
                Output { json, text: Some(step.body(document.context)) }
            }));
        }
        "request" => {
            return Ok(document().with_step(|step, document| {
                let curl = step.curl(document.context, document.base_url.as_deref()).into();
                object([("request", step.request_tree(document.context)), ("curl", curl)]).into()
            }));
        }
        "rules" => {
            let rule = |rule: &'static rules::Rule| {
                let severity = rule.severity.as_str();
                object([("code", rule.code.into()), ("severity", severity.into()), ("summary", rule.summary.into())])
            };
            rules::all().map(rule).collect()
        }
        "schema" => {
            let text = schema::text(arguments.name).ok_or_else(|| {
                let help = format!("use one of {}", schema::NAMES.join(", "));
                CallError { help: Some(help), ..unknown_name(arguments.name, None) }
            })?;
            return Ok(Output { json: "{}".to_owned(), text: Some(text) });
        }
        "settings" => {
            let settings = setting_paths().into_iter().filter_map(|path| explain(&path).ok());
            settings.map(|setting| to_tree(&setting)).collect()
        }
        "snippets" => {
            return Ok(document().with_step(|step, document| {
                let base_url = document.base_url.as_deref();
                to_tree(&snippets::all(step, document.context, document.source.format, base_url)).into()
            }));
        }
        "version" => env!("CARGO_PKG_VERSION").into(),
        _ => return Err(unknown_name(function, None)),
    };
    Ok(value.into())
}

/// A resolved document.
struct Document<'t> {
    source: Source<'t>,
    operator: Option<Source<'t>>,
    resolution: Resolution<'t>,
    context: &'t Context,
    step: Option<&'t str>,
    base_url: Option<String>,
}

impl<'t> Document<'t> {
    fn resolve(source: Source<'t>, arguments: &'t Arguments<'t>) -> Self {
        let given = &arguments.context;
        let mut resolver = Resolver::new(source);
        if let Some(kind) = arguments.kind {
            resolver = resolver.kind(kind);
        }
        let operator = given.operator.as_ref();
        let operator = operator.map(|file| Source { name: "operator", text: file.text, format: file.format });
        if let Some(operator) = operator {
            resolver = resolver.operator(operator);
        }
        let resolution = resolver.resolve();
        let written = || Some(resolution.operator()?.runai_base_url.as_ref()?.as_str());
        let base_url = given.base_url.or_else(written).map(str::to_owned);
        Self { source, operator, resolution, context: &given.known, step: given.step, base_url }
    }

    fn report(&self) -> Tree<'static> {
        let kind = self.resolution.kind();
        // The first report is the document's.
        let others = self.resolution.reports().into_iter().skip(1);
        let operator = self.operator.and_then(|operator| {
            let found = others.into_iter().find(|found| found.name == operator.name)?;
            let texts = [(operator.name, operator.text), (self.source.name, self.source.text)];
            Some(utf16_report(&texts, &found.report, None, None))
        });
        let texts: Vec<_> =
            std::iter::once(self.source).chain(self.operator).map(|source| (source.name, source.text)).collect();
        utf16_report(&texts, &self.resolution.report(), kind, operator)
    }

    /// Calls `output` with the step, or returns the report if there is no step.
    fn with_step<'s>(&'s self, output: impl FnOnce(&'s Step, &'s Self) -> Output) -> Output {
        let step = match self.step {
            Some(name) => self.resolution.step_named(name),
            None => self.resolution.step(),
        };
        match step {
            Some(step) => output(step, self),
            None => self.report().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Returns the JSON result and the text result.
    fn call_ok(function: &str, text: &str, arguments: &Value) -> (Value, String) {
        let result = call(function, text, &arguments.to_string());
        let (line, text) = result.split_once('\n').unwrap_or((&result, ""));
        let mut line: Value = serde_json::from_str(line).unwrap();
        assert!(line.get("ok").is_some(), "{line}");
        (line["ok"].take(), text.to_owned())
    }

    fn ok(function: &str, text: &str, arguments: &Value) -> Value {
        call_ok(function, text, arguments).0
    }

    #[test]
    fn appends_text_after_json() {
        let (rendered, body) = call_ok("render", "image: x\ncommand: [y]\n", &json!({"format": "yaml"}));
        assert_eq!((&rendered["report"]["ok"], &rendered["steps"]), (&json!(true), &json!([])));
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["spec"]["image"], "x");
        let (_, converted) = call_ok("convert", "{\"a\":\n1}", &json!({"format": "json", "to": "yaml"}));
        assert_eq!(converted, "a: 1\n");
        let (_, schema) = call_ok("schema", "", &json!({"name": "step"}));
        assert_eq!(serde_json::from_str::<Value>(&schema).unwrap()["type"], "object");
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
    fn fixes_and_related_places_count_utf16_units() {
        let text = "# 🚀é\nimage: x\ncommand: [y]\nsettings: {cpu_core_limit: 1, gpu_portion: 0.5}\n";
        let operator = json!({"text": "# é🚀\ncpu_core_request: 2\n", "format": "yaml"});
        let report = ok("check", text, &json!({"format": "yaml", "context": {"operator": operator}}));
        let found =
            |code: &str| report["diagnostics"].as_array().unwrap().iter().find(|it| it["code"] == code).unwrap();
        let fix = &found("unknown-key")["fixes"][0];
        let edit = json!({"path": "document", "from": 58, "to": 69, "insert": "gpu_portion_request"});
        assert_eq!(fix["edits"], json!([edit]), "{fix}");
        assert_eq!((&fix["applicability"], &found("unknown-key")["tags"]), (&json!("safe"), &json!([])));
        let related = &found("limit-below-request")["related"][0];
        assert_eq!((&related["path"], &related["from"], &related["to"]), (&json!("operator"), &json!(24), &json!(25)));
    }

    #[test]
    fn returns_report_of_invalid_document() {
        for function in ["render", "request", "snippets"] {
            let report = ok(function, "bad: 1\n", &json!({"format": "yaml"}));
            assert_eq!(report["ok"], false, "{report}");
        }
    }

    #[test]
    fn reports_operator_file_separately() {
        let operator = json!({"text": "cpu_core_request: x\n", "format": "yaml"});
        let report = ok("render", "{}", &json!({"context": {"operator": operator}}));
        assert_eq!(report["operator"]["diagnostics"][0]["path"], "/cpu_core_request", "{report}");
    }

    #[test]
    fn rejects_unknown_names() {
        let error_code = |function, arguments| {
            let result: Value = serde_json::from_str(&call(function, "", arguments)).unwrap();
            result["error"]["code"].as_str().map(str::to_owned)
        };
        assert_eq!(error_code("explain", r#"{"name": "unknown-keys"}"#).as_deref(), Some("unknown-name"));
        assert_eq!(error_code("schema", r#"{"name": "no-such"}"#).as_deref(), Some("unknown-name"));
        assert_eq!(error_code("no-such", "{}").as_deref(), Some("unknown-name"));
        assert_eq!(error_code("check", r#"{"no": 1}"#).as_deref(), Some("invalid-argument"));
        assert_eq!(error_code("edit", r#"{"pointer": "x"}"#).as_deref(), Some("invalid-pointer"));
    }
}
