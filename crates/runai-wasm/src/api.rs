//! The functions, natively: texts in, JSON out.

use runai_spec::explain::{explain, setting_paths};
use runai_spec::permissions::permissions;
use runai_spec::settings;
use runai_spec::{
    Context, Diagnostic, Fix, Kind, Related, Report, Resolution, Resolver, Source, Step, rules, schema, snippets,
};
use runai_syntax::{ConvertError, EditError, Format, SyntaxError, Tree, convert, edit_to, to_tree};

use crate::utf16;

/// What a call may say beside the text.
#[derive(Debug, Default)]
struct Arguments<'a> {
    /// Language of the text.
    format: Option<Format>,
    /// Language to convert to.
    to: Option<Format>,
    /// What is known beside the text.
    context: PageContext<'a>,
    /// Kind of the document; by its keys without one.
    kind: Option<Kind>,
    /// JSON pointer of the value to edit.
    pointer: &'a str,
    /// The value to set; none removes.
    value: Option<&'a Tree<'a>>,
    /// A rule, setting or schema.
    name: &'a str,
}

/// What is known beside the text of a document.
#[derive(Debug, Default)]
struct PageContext<'a> {
    known: Context,
    operator: Option<Operator<'a>>,
    step: Option<&'a str>,
    base_url: Option<&'a str>,
}

/// The operator file under the document.
#[derive(Debug)]
struct Operator<'a> {
    text: &'a str,
    format: Format,
}

/// What a call gives.
#[derive(Debug, Default)]
struct Answer {
    json: String,
    /// A text beside it, which stands for itself: as part of the JSON it would be escaped here and read again there, which
    /// takes longer than making it.
    text: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Default)]
struct Refusal<'t> {
    code: &'static str,
    message: String,
    help: Option<String>,
    path: Option<String>,
    report: Option<Box<Tree<'t>>>,
}

/// Calls `function` with a text and its other arguments, which are JSON.
///
/// The answer is a line of JSON: `{"ok": …}` or `{"error": …}`. Behind the line may stand a text, up to the end.
#[must_use]
pub fn call(function: &str, text: &str, arguments: &str) -> String {
    let answer = Tree::from_json(arguments)
        .and_then(|given| Arguments::read(&given).map(|arguments| answer(function, text, &arguments)));
    let answer = answer.unwrap_or_else(|message| {
        let help = Some("see the types of the package".to_owned());
        Err(Refusal { code: "invalid-argument", message, help, ..Refusal::default() })
    });
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

impl<'a> Arguments<'a> {
    fn read(given: &'a Tree<'a>) -> Result<Self, String> {
        let mut arguments = Self::default();
        for (key, value) in given.entries().iter().filter(|(_, value)| !matches!(value, Tree::Null)) {
            match &**key {
                "context" => arguments.context = PageContext::read(value)?,
                "format" => arguments.format = Some(format(key, value)?),
                "kind" => arguments.kind = Some(text(key, value)?.parse().map_err(|error| format!("`kind`: {error}"))?),
                "name" => arguments.name = text(key, value)?,
                "pointer" => arguments.pointer = text(key, value)?,
                "to" => arguments.to = Some(format(key, value)?),
                "value" => arguments.value = Some(value),
                _ => return Err(unknown_argument(key)),
            }
        }
        Ok(arguments)
    }
}

impl<'a> PageContext<'a> {
    fn read(given: &'a Tree<'a>) -> Result<Self, String> {
        let mut context = Self::default();
        let known = &mut context.known;
        for (key, value) in given.entries().iter().filter(|(_, value)| !matches!(value, Tree::Null)) {
            match &**key {
                "base_url" => context.base_url = Some(text(key, value)?),
                "cluster_id" => known.cluster_id = Some(text(key, value)?.to_owned()),
                "command" => {
                    let tokens = value.items().iter().map(|token| text(key, token).map(str::to_owned));
                    known.command = Some(tokens.collect::<Result<_, _>>()?);
                }
                "environment" => {
                    let plain = |value: &Tree<'_>| value.as_str().map_or_else(|| value.to_json(), str::to_owned);
                    let variables = value.entries().iter().map(|(name, value)| (name.to_string(), plain(value)));
                    known.environment = variables.collect();
                }
                "image" => known.image = Some(text(key, value)?.to_owned()),
                "name" => known.name = Some(text(key, value)?.to_owned()),
                "operator" => {
                    let part = |key| value.get(key).ok_or_else(|| format!("`operator` has no `{key}`"));
                    let (text, format) = (text("text", part("text")?)?, format("format", part("format")?)?);
                    context.operator = Some(Operator { text, format });
                }
                "project_id" => known.project_id = Some(text(key, value)?.to_owned()),
                "step" => context.step = Some(text(key, value)?),
                _ => return Err(unknown_argument(key)),
            }
        }
        Ok(context)
    }
}

fn text<'a>(key: &str, value: &'a Tree<'a>) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| format!("`{key}` is no text"))
}

fn format(key: &str, value: &Tree<'_>) -> Result<Format, String> {
    match text(key, value)? {
        "json" => Ok(Format::Json),
        "toml" => Ok(Format::Toml),
        "yaml" => Ok(Format::Yaml),
        other => Err(format!("`{key}` is `{other}`, not `json`, `toml` or `yaml`")),
    }
}

fn unknown_argument(key: &str) -> String {
    format!("there is no argument `{key}`")
}

/// An object; what is null is left out.
fn object<'t, const N: usize>(members: [(&'static str, Tree<'t>); N]) -> Tree<'t> {
    let members = members.into_iter().filter(|(_, value)| !matches!(value, Tree::Null));
    Tree::Map(members.map(|(key, value)| (key.into(), value)).collect())
}

fn answer(function: &str, text: &str, arguments: &Arguments<'_>) -> Result<Answer, Refusal<'static>> {
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
            let offsets: Vec<usize> = edits.iter().flat_map(|edit| [edit.from, edit.to]).collect();
            let places = utf16::places(text, &offsets);
            let edit = |(edit, at): (runai_syntax::Edit, &[usize])| {
                object([("from", count(at[0])), ("to", count(at[1])), ("insert", edit.insert.into())])
            };
            edits.into_iter().zip(places.chunks(2)).map(edit).collect()
        }
        "explain" => to_tree(&explain(arguments.name).map_err(|nearest| unknown(arguments.name, nearest))?),
        "permissions" => {
            let document = document();
            let permissions = permissions(&document.resolution);
            let role = to_tree(&permissions.role_request("runai-step", |_| None));
            object([("permissions", to_tree(&permissions)), ("sets", to_tree(&permissions.sets())), ("role", role)])
        }
        "render" => {
            return Ok(document().with_step(|step, document| {
                let steps = document.resolution.step_names().collect();
                let json = object([("steps", steps), ("report", document.report())]).to_json();
                Answer { json, text: Some(step.body_pretty(document.context)) }
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
                Refusal { help: Some(help), ..unknown(arguments.name, None) }
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

/// A report with places as an editor in the browser counts them, and the one of the operator file. `texts` are the texts
/// that places may be in, by their names; that of the report comes first.
fn page_report(
    texts: &[(&str, &str)],
    report: &Report,
    kind: Option<Kind>,
    operator: Option<Tree<'static>>,
) -> Tree<'static> {
    let (name, text) = texts.first().copied().unwrap_or_default();
    let mut offsets = Vec::new();
    for found in &report.diagnostics {
        offsets.extend([found.offset, found.end_offset]);
        offsets
            .extend(found.related.iter().filter(|other| other.path == name).flat_map(|it| [it.offset, it.end_offset]));
        let edits = found.fixes.iter().flat_map(|fix| &fix.edits);
        offsets.extend(edits.flat_map(|edit| [edit.offset, edit.end_offset]));
    }
    let mut places = utf16::places(text, &offsets).into_iter();
    let mut place = || count(places.next().unwrap_or_default());
    let diagnostic = |diagnostic: &Diagnostic| {
        let (start, end) = (place(), place());
        let related = diagnostic.related.iter().map(|other| {
            let (from, to) = if other.path == name { (place(), place()) } else { elsewhere(texts, other) };
            let (path, message) = (other.path.clone().into(), other.message.clone().into());
            object([("path", path), ("from", from), ("to", to), ("message", message)])
        });
        let related: Tree<'static> = related.collect();
        let fixes: Tree<'static> = diagnostic.fixes.iter().map(|fix| page_fix(fix, &mut place)).collect();
        let mut found = to_tree(diagnostic);
        if let Tree::Map(members) = &mut found {
            members.retain(|(key, _)| !matches!(&**key, "related" | "fixes"));
            members.extend([
                ("utf16_offset".into(), start),
                ("utf16_end_offset".into(), end),
                ("related".into(), related),
                ("fixes".into(), fixes),
            ]);
        }
        found
    };
    let diagnostics: Tree<'static> = report.diagnostics.iter().map(diagnostic).collect();
    object([
        ("ok", report.ok.into()),
        ("kind", kind.map(Kind::as_str).into()),
        ("diagnostics", diagnostics),
        ("operator", operator.unwrap_or(Tree::Null)),
    ])
}

/// The place of something in another text.
fn elsewhere(texts: &[(&str, &str)], other: &Related) -> (Tree<'static>, Tree<'static>) {
    let text = texts.iter().find(|(name, _)| *name == other.path).map_or("", |(_, text)| text);
    let places = utf16::places(text, &[other.offset, other.end_offset]);
    (count(places[0]), count(places[1]))
}

fn page_fix(fix: &Fix, place: &mut impl FnMut() -> Tree<'static>) -> Tree<'static> {
    let edits = fix.edits.iter().map(|edit| {
        let (from, to) = (place(), place());
        object([("path", edit.path.clone().into()), ("from", from), ("to", to), ("insert", edit.insert.clone().into())])
    });
    let edits: Tree<'static> = edits.collect();
    let (title, applicability) = (fix.title.clone().into(), fix.applicability.as_str().into());
    object([("title", title), ("applicability", applicability), ("edits", edits)])
}

fn count(number: usize) -> Tree<'static> {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

impl<'t> Refusal<'t> {
    fn tree(self) -> Tree<'t> {
        object([
            ("code", self.code.into()),
            ("message", self.message.into()),
            ("help", self.help.into()),
            ("path", self.path.into()),
            ("report", self.report.map_or(Tree::Null, |report| *report)),
        ])
    }
}

fn not_converted(text: &str, error: ConvertError) -> Refusal<'static> {
    let (code, message, help) = (error.code(), error.to_string(), Some(error.help().to_owned()));
    let (path, report) = match error {
        ConvertError::NotInFormat { path, .. } => (Some(path), None),
        ConvertError::Unreadable { error, .. } => (None, Some(Box::new(syntax_report(text, error)))),
        _ => (None, None),
    };
    Refusal { code, message, help, path, report }
}

fn not_edited(text: &str, error: EditError) -> Refusal<'static> {
    let help = match &error {
        EditError::InvalidPointer { .. } => "write `/settings/gpu_portion_request`",
        error => error.help(),
    };
    let (code, message, help) = (error.code(), error.to_string(), Some(help.to_owned()));
    let (path, report) = match error {
        EditError::Aliased { path }
        | EditError::NoPlace { path }
        | EditError::NotAContainer { path }
        | EditError::NotInFormat { path, .. }
        | EditError::Unsafe { path } => (Some(path), None),
        EditError::Unreadable { error, .. } => (None, Some(Box::new(syntax_report(text, error)))),
        _ => (None, None),
    };
    Refusal { code, message, help, path, report }
}

fn syntax_report(text: &str, error: SyntaxError) -> Tree<'static> {
    page_report(&[("document", text)], &Report::of_syntax_error(text, error), None, None)
}

fn unknown(word: &str, nearest: Option<String>) -> Refusal<'static> {
    let help = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
    Refusal { code: "unknown-name", message: format!("there is nothing called `{word}`"), help, ..Refusal::default() }
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
