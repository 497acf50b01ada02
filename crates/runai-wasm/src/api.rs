//! The functions, natively: texts in, JSON out.

use runai_spec::explain::{explain, setting_paths};
use runai_spec::permissions::permissions;
use runai_spec::settings;
use runai_spec::{Context, Resolution, Resolver, Source, Step, rules, schema, snippets};
use runai_syntax::{Format, Tree, convert, edit_to, to_tree};

use crate::arguments::Arguments;
use crate::error::{CallError, not_converted, not_edited, unknown};
use crate::report::{needs, object, page_edits, page_report};

/// What a call gives.
#[derive(Debug, Default)]
struct Answer {
    json: String,
    /// A text beside it, which stands for itself: as part of the JSON it would be escaped here and read again there, which
    /// takes longer than making it.
    text: Option<String>,
}

/// Calls `function` with a text and its other arguments, which are JSON.
///
/// The answer is a line of JSON: `{"ok": …}` or `{"error": …}`. Behind the line may stand a text, up to the end.
#[must_use]
pub fn call(function: &str, text: &str, arguments: &str) -> String {
    let answer = Tree::from_json(arguments)
        .and_then(|given| Arguments::read(&given).map(|arguments| answer(function, text, &arguments)));
    let answer = answer.unwrap_or_else(|message| Err(CallError::invalid(message)));
    match answer {
        Ok(Answer { json, text: None }) => format!("{{\"ok\":{json}}}"),
        Ok(Answer { json, text: Some(text) }) => format!("{{\"ok\":{json}}}\n{text}"),
        Err(refusal) => format!("{{\"error\":{}}}", refusal.tree().to_json()),
    }
}

impl From<Tree<'_>> for Answer {
    fn from(answer: Tree<'_>) -> Self {
        Self { json: answer.to_json(), text: None }
    }
}

fn answer(function: &str, text: &str, arguments: &Arguments<'_>) -> Result<Answer, CallError<'static>> {
    let format = arguments.format.unwrap_or(Format::Yaml);
    let source = Source { name: "document", text, format };
    let document = || Document::resolve(source, arguments);
    let answer = match function {
        "check" => document().report(),
        "convert" => {
            let converted = convert(text, format, arguments.to.unwrap_or(Format::Yaml));
            let text = converted.map_err(|error| not_converted(text, error))?;
            return Ok(Answer { json: "{}".to_owned(), text: Some(text) });
        }
        "defaults" => settings::defaults(),
        "edit" => {
            let edits = edit_to(text, format, arguments.pointer, arguments.value);
            let edits = edits.map_err(|error| not_edited(text, error))?;
            page_edits(text, edits)
        }
        "explain" => to_tree(&explain(arguments.name).map_err(|nearest| unknown(arguments.name, nearest))?),
        "permissions" => needs(&permissions(&document().resolution)),
        "render" => {
            return Ok(document().with_step(|step, document| {
                let steps = document.resolution.step_names().collect();
                let json = object([("steps", steps), ("report", document.report())]).to_json();
                Answer { json, text: Some(step.body(document.context)) }
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
                let help = format!("there are {}", schema::NAMES.join(", "));
                CallError { help: Some(help), ..unknown(arguments.name, None) }
            })?;
            return Ok(Answer { json: "{}".to_owned(), text: Some(text) });
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
        _ => return Err(unknown(function, None)),
    };
    Ok(answer.into())
}

/// A document on its way to an answer.
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
        // The document comes first, whatever was found in it.
        let others = self.resolution.reports().into_iter().skip(1);
        let operator = self.operator.and_then(|operator| {
            let found = others.into_iter().find(|found| found.name == operator.name)?;
            let texts = [(operator.name, operator.text), (self.source.name, self.source.text)];
            Some(page_report(&texts, &found.report, None, None))
        });
        let texts: Vec<_> =
            std::iter::once(self.source).chain(self.operator).map(|source| (source.name, source.text)).collect();
        page_report(&texts, &self.resolution.report(), kind, operator)
    }

    /// What `answer` makes of the step, or the report that says why there is none.
    fn with_step<'s>(&'s self, answer: impl FnOnce(&'s Step, &'s Self) -> Answer) -> Answer {
        let step = match self.step {
            Some(name) => self.resolution.step_named(name),
            None => self.resolution.step(),
        };
        match step {
            Some(step) => answer(step, self),
            None => self.report().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What is told, and the text beside it.
    fn both(function: &str, text: &str, arguments: &Value) -> (Value, String) {
        let answer = call(function, text, &arguments.to_string());
        let (line, text) = answer.split_once('\n').unwrap_or((&answer, ""));
        let mut line: Value = serde_json::from_str(line).unwrap();
        assert!(line.get("ok").is_some(), "{line}");
        (line["ok"].take(), text.to_owned())
    }

    fn ok(function: &str, text: &str, arguments: &Value) -> Value {
        both(function, text, arguments).0
    }

    #[test]
    fn a_text_stands_behind_the_line_of_the_answer() {
        let (rendered, body) = both("render", "image: x\ncommand: [y]\n", &json!({"format": "yaml"}));
        assert_eq!((&rendered["report"]["ok"], &rendered["steps"]), (&json!(true), &json!([])));
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["spec"]["image"], "x");
        let (_, converted) = both("convert", "{\"a\":\n1}", &json!({"format": "json", "to": "yaml"}));
        assert_eq!(converted, "a: 1\n");
        let (_, schema) = both("schema", "", &json!({"name": "step"}));
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
