//! The `Document` class in plain Rust: JSON arguments and results, places in UTF-16 code units.

use std::fmt::Write as _;

use runai_spec::{Document, Kind, Location, MemberSource, Source};
use runai_syntax::{Edit, Format, Tree, convert, to_tree};

use crate::arguments::{self, CallContext, format, text, unknown_argument};
use crate::error::{CallError, convert_error, edit_error};
use crate::report::{count, needs, object, utf16_edits, utf16_fix, utf16_report};
use crate::utf16;

/// Name of the document in reports.
const DOCUMENT: &str = "document";
/// Name of the operator file in reports.
const OPERATOR: &str = "operator";

/// Members of an analysis, in order.
const PARTS: [&str; 8] = ["diagnostics", "kind", "values", "body", "steps", "sourceMap", "inactive", "permissions"];

/// A document, with the URL of its control plane, whose methods take and return JSON.
#[derive(Debug)]
pub struct JsonDocument {
    document: Document,
    base_url: Option<String>,
}

/// The result or error of a call, as JSON.
type JsonResult = Result<String, String>;

/// An analysis. The body is separate to avoid escaping it here and parsing it again in JavaScript.
#[derive(Debug)]
pub struct Analysis {
    /// The other members, as JSON.
    pub json: String,
    /// The body, if it was requested and the text has no errors.
    pub body: Option<String>,
}

impl JsonDocument {
    /// Returns a document with a text. Arguments have the forms of the package's types.
    ///
    /// # Errors
    ///
    /// A call error as JSON, if an argument is invalid.
    pub fn new(
        text: &str,
        format: Option<&str>,
        kind: Option<&str>,
        operator: Option<&str>,
        facts: Option<&str>,
    ) -> Result<Self, String> {
        let format = format.map_or(Ok(Format::Yaml), |name| arguments::format("format", &Tree::from(name)));
        let format = format.map_err(invalid)?;
        let kind: Option<Kind> =
            kind.map(str::parse).transpose().map_err(|error| invalid(format!("`kind`: {error}")))?;
        let document = Document::new(Source { name: DOCUMENT, text, format }).with_kind(kind);
        let mut document = Self { document, base_url: None };
        document.set_operator(operator)?;
        document.set_facts(facts)?;
        Ok(document)
    }

    /// Replaces the text.
    pub fn set_text(&mut self, text: &str) {
        self.document.set_text(text);
    }

    /// Applies edits.
    ///
    /// # Errors
    ///
    /// A call error as JSON, if they do not fit the text.
    pub fn apply(&mut self, edits: &str) -> Result<(), String> {
        let given = Tree::from_json(edits).map_err(invalid)?;
        let mut offsets = Vec::new();
        let mut inserts = Vec::new();
        for edit in given.items() {
            for key in ["from", "to"] {
                let offset = match edit.get(key) {
                    Some(Tree::Int(offset)) => usize::try_from(*offset).ok(),
                    _ => None,
                };
                offsets.push(offset.ok_or_else(|| invalid(format!("edit without offset `{key}`")))?);
            }
            inserts.push(edit.get("insert").and_then(Tree::as_str).unwrap_or_default().to_owned());
        }
        let places = utf16::offsets(self.document.text(), &offsets);
        let places = places.ok_or_else(|| invalid("edit outside the text".to_owned()))?;
        let edits = places.chunks(2).zip(inserts).map(|(at, insert)| Edit { from: at[0], to: at[1], insert });
        let edits: Vec<_> = edits.collect();
        if self.document.apply(&edits) { Ok(()) } else { Err(invalid("edits overlap or are not sorted".to_owned())) }
    }

    /// Replaces the operator file: `{"text", "format"}`.
    ///
    /// # Errors
    ///
    /// A call error as JSON, if the value has another form.
    pub fn set_operator(&mut self, operator: Option<&str>) -> Result<(), String> {
        let given = operator.map(Tree::from_json).transpose().map_err(invalid)?;
        let operator = match given.as_ref().filter(|given| !matches!(given, Tree::Null)) {
            Some(given) => {
                let part = |key| given.get(key).ok_or_else(|| format!("missing `{key}` in `operator`"));
                let read = || {
                    let format: Format = format("format", part("format")?)?;
                    Ok(Source { name: OPERATOR, text: text("text", part("text")?)?, format })
                };
                Some(read().map_err(invalid)?)
            }
            None => None,
        };
        if operator.is_some() || self.document.operator().is_some() {
            self.document.set_operator(operator);
        }
        Ok(())
    }

    /// Replaces the facts that are not in the text.
    ///
    /// # Errors
    ///
    /// A call error as JSON, if a member is unknown or has another type.
    pub fn set_facts(&mut self, facts: Option<&str>) -> Result<(), String> {
        let given = facts.map_or(Ok(Tree::Null), Tree::from_json).map_err(invalid)?;
        let context = CallContext::read(&given).map_err(invalid)?;
        if context.operator.is_some() {
            return Err(invalid(unknown_argument("operator")));
        }
        self.base_url = context.base_url.map(str::to_owned);
        self.document.set_step(context.step.map(str::to_owned));
        self.document.set_context(context.known);
        Ok(())
    }

    /// Returns the analysis of the text, or the named parts of it.
    ///
    /// # Errors
    ///
    /// A call error as JSON, if a part is unknown.
    pub fn analysis(&self, parts: Option<&str>) -> Result<Analysis, String> {
        let given = parts.map_or(Ok(Tree::Null), Tree::from_json).map_err(invalid)?;
        let wanted: Vec<&str> = match &given {
            Tree::List(items) => items.iter().filter_map(Tree::as_str).collect(),
            _ => PARTS.to_vec(),
        };
        if let Some(unknown) = wanted.iter().find(|part| !PARTS.contains(part)) {
            return Err(invalid(format!("unknown part `{unknown}`, expected one of {}", PARTS.join(", "))));
        }
        let mut json = String::from("{");
        let mut put = |name: &str, value: &str| {
            let separator = if json.len() > 1 { "," } else { "" };
            let _ = write!(json, "{separator}\"{name}\":{value}");
        };
        let mut body = None;
        for part in wanted {
            match part {
                "diagnostics" => {
                    let report = self.report();
                    for (name, value) in report.entries().iter().filter(|(name, _)| name != "kind") {
                        put(name, &value.to_json());
                    }
                }
                "kind" => put("kind", &Tree::from(self.document.kind().map(Kind::as_str)).to_json()),
                "values" => match self.document.values() {
                    Ok(values) if values.trim().is_empty() => put("values", "null"),
                    Ok(values) => put("values", values.trim_end()),
                    Err(_) if self.is_empty() => put("values", "null"),
                    Err(error) => put("unreadable", &Tree::from(error.to_string()).to_json()),
                },
                "body" => {
                    body = self.document.body().map(str::to_owned);
                    if body.is_none() {
                        put("body", "null");
                    }
                }
                "steps" => put("steps", &self.document.resolution().step_names().collect::<Tree<'_>>().to_json()),
                "sourceMap" => put("sourceMap", &self.source_map().to_json()),
                "inactive" => put("inactive", &self.inactive().to_json()),
                _ => put("permissions", &needs(self.document.permissions()).to_json()),
            }
        }
        json.push('}');
        Ok(Analysis { json, body })
    }

    /// Returns whether the text is empty except for comments.
    fn is_empty(&self) -> bool {
        let diagnostics = &self.document.report().diagnostics;
        !diagnostics.is_empty() && diagnostics.iter().all(|found| found.code == "empty-document")
    }

    fn texts(&self) -> Vec<(&str, &str)> {
        let sources = std::iter::once(self.document.source()).chain(self.document.operator());
        sources.map(|source| (source.name, source.text)).collect()
    }

    fn report(&self) -> Tree<'static> {
        let texts = self.texts();
        let operator = self.document.operator_report().map(|report| {
            let texts: Vec<_> = texts.iter().rev().copied().collect();
            utf16_report(&texts, report, None, None)
        });
        utf16_report(&texts, self.document.report(), None, operator)
    }

    fn source_map(&self) -> Tree<'static> {
        let Some(map) = self.document.source_map() else { return Tree::Null };
        let mut places: Vec<Option<(usize, usize)>> = vec![None; map.members.len()];
        for (name, text) in self.texts() {
            let own = |source: &MemberSource| source.place.as_ref().filter(|place| place.name == name).cloned();
            let found: Vec<_> =
                map.members.iter().enumerate().filter_map(|(index, source)| Some((index, own(source)?))).collect();
            let offsets: Vec<usize> = found.iter().flat_map(|(_, place)| [place.offset, place.end_offset]).collect();
            for ((index, _), at) in found.iter().zip(utf16::places(text, &offsets).chunks(2)) {
                places[*index] = Some((at[0], at[1]));
            }
        }
        let member = |(source, place): (&MemberSource, Option<(usize, usize)>)| {
            let name = source.place.as_ref().map(|place| place.name.clone());
            let place = place.zip(name).map_or(Tree::Null, |((from, to), name)| {
                object([("path", name.into()), ("from", count(from)), ("to", count(to))])
            });
            object([
                ("member", source.member.clone().into()),
                ("setting", source.setting.clone().into()),
                ("source", to_tree(&source.source)),
                ("place", place),
            ])
        };
        map.members.iter().zip(places).map(member).collect()
    }

    fn inactive(&self) -> Tree<'static> {
        let steps = self.document.inactive().iter();
        let settings = steps.flat_map(|found| found.settings.iter().map(|setting| (found.step.clone(), setting)));
        let settings = settings.map(|(step, setting)| {
            let (path, because) = (setting.path.clone().into(), setting.because.clone().into());
            object([("step", step.into()), ("path", path), ("because", because)])
        });
        settings.collect()
    }

    /// Returns the smallest edits that set the value at a JSON pointer, or remove it.
    ///
    /// # Errors
    ///
    /// A call error as JSON, if the text has no place for the value.
    pub fn edit(&self, pointer: &str, value: Option<&str>) -> JsonResult {
        let value = value.map(Tree::from_json).transpose().map_err(invalid)?;
        let value = value.as_ref().filter(|value| !matches!(value, Tree::Null));
        let text = self.document.text();
        let edits = self.document.edit(pointer, value).map_err(|error| edit_error(text, error).tree().to_json())?;
        Ok(utf16_edits(text, edits).to_json())
    }

    /// Converts the values to another format.
    ///
    /// # Errors
    ///
    /// A call error as JSON, if the text does not parse or the format cannot express a value.
    pub fn convert(&self, to: &str) -> JsonResult {
        let to = format("to", &Tree::from(to)).map_err(invalid)?;
        let Source { text, format, .. } = self.document.source();
        convert(text, format, to).map_err(|error| convert_error(text, error).tree().to_json())
    }

    /// Returns the first fix of the diagnostic with a code and a JSON pointer, or `null`.
    #[must_use]
    pub fn fix(&self, code: &str, pointer: &str) -> String {
        let Some(fix) = self.document.fix(code, pointer) else { return "null".to_owned() };
        let offsets: Vec<_> = fix.edits.iter().flat_map(|edit| [edit.offset, edit.end_offset]).collect();
        let mut places = utf16::places(self.document.text(), &offsets).into_iter();
        utf16_fix(fix, &mut || count(places.next().unwrap_or_default())).to_json()
    }

    /// Returns commands and programs that submit the step; `null` if the text has errors.
    #[must_use]
    pub fn snippets(&self) -> String {
        let operator = self.document.resolution().operator();
        let written = operator.and_then(|operator| Some(operator.runai_base_url.as_ref()?.as_str()));
        let snippets = self.document.snippets(self.base_url.as_deref().or(written));
        snippets.map_or_else(|| "null".to_owned(), |snippets| to_tree(&snippets).to_json())
    }

    /// Returns where the value at a JSON pointer is written or would be inserted; `null` if the text has no place for it.
    #[must_use]
    pub fn locate(&self, pointer: &str) -> String {
        let (from, to, written) = match self.document.locate(pointer) {
            Some(Location::Written { offset, end_offset }) => (offset, end_offset, true),
            Some(Location::Insertion { offset }) => (offset, offset, false),
            _ => return "null".to_owned(),
        };
        let places = utf16::places(self.document.text(), &[from, to]);
        object([("from", count(places[0])), ("to", count(places[1])), ("written", written.into())]).to_json()
    }
}

fn invalid(message: String) -> String {
    CallError::invalid(message).tree().to_json()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::call;

    const STEP: &str = "image: é🚀\ncommand: [a]\nsettings:\n  gpu_portion: 0.5 # half\n";

    fn document(text: &str) -> JsonDocument {
        JsonDocument::new(text, None, None, None, None).unwrap()
    }

    fn analysis(document: &JsonDocument) -> Value {
        let Analysis { json, body } = document.analysis(None).unwrap();
        let mut found: Value = serde_json::from_str(&json).unwrap();
        if let Some(body) = body {
            found["body"] = body.into();
        }
        found
    }

    #[test]
    fn analysis_matches_functions() {
        let operator = json!({"text": "# é\ncpu_core_request: 2\n", "format": "yaml"});
        for text in [STEP, "image: x\ncommand: [y]\n", "", "# only\n", "a: [", "cpu_core_limit: 1\n"] {
            let document = JsonDocument::new(text, None, None, Some(&operator.to_string()), None).unwrap();
            let found = analysis(&document);
            let context = json!({"format": "yaml", "context": {"operator": operator}}).to_string();
            let ok = |function| -> Value {
                let result = call(function, text, &context);
                serde_json::from_str::<Value>(result.lines().next().unwrap()).unwrap()["ok"].take()
            };
            let report = ok("check");
            for member in ["ok", "diagnostics", "kind", "operator"] {
                assert_eq!(found.get(member).unwrap_or(&Value::Null), report.get(member).unwrap_or(&Value::Null));
            }
            assert_eq!(found["permissions"], ok("permissions"));
            let rendered = call("render", text, &context);
            let body = rendered.split_once('\n').map(|(_, body)| Value::from(body)).unwrap_or_default();
            assert_eq!(found["body"], body);
            assert_eq!(found["sourceMap"].is_null(), body.is_null());
            assert_eq!(found.get("values").is_none(), text == "a: [", "{found}");
        }
    }

    #[test]
    fn places_count_utf16_units() {
        let mut document = document(STEP);
        let fix: Value = serde_json::from_str(&document.fix("unknown-key", "/settings/gpu_portion")).unwrap();
        assert_eq!(fix["title"], "Rename `gpu_portion` to `gpu_portion_request`");
        document.apply(&fix["edits"].to_string()).unwrap();
        let found = analysis(&document);
        assert_eq!(found["values"]["settings"]["gpu_portion_request"], 0.5);
        let text: Vec<u16> = document.document.text().encode_utf16().collect();
        let slice = |place: &Value| {
            let at = |key: &str| usize::try_from(place[key].as_u64().unwrap()).unwrap();
            String::from_utf16(&text[at("from")..at("to")]).unwrap()
        };
        let members = found["sourceMap"].as_array().unwrap();
        let member = members.iter().find(|it| it["member"] == "/spec/compute/gpuPortionRequest").unwrap();
        assert_eq!((&member["setting"], &member["source"]), (&json!("/gpu_portion_request"), &json!("document")));
        assert_eq!((slice(&member["place"]).as_str(), &member["place"]["path"]), ("0.5", &json!("document")));
        let place: Value = serde_json::from_str(&document.locate("/settings/gpu_portion_request")).unwrap();
        assert_eq!((slice(&place).as_str(), &place["written"]), ("0.5", &json!(true)));
        let edits = document.edit("/settings/gpu_portion_request", Some("0.25")).unwrap();
        document.apply(&edits).unwrap();
        assert!(document.document.text().contains("gpu_portion_request: 0.25 # half"));
        let inactive = analysis(&document)["inactive"][0].take();
        assert_eq!(inactive["path"], "/gpu_memory_request", "{inactive}");
    }

    #[test]
    fn rejects_invalid_arguments() {
        let code = |error: String| serde_json::from_str::<Value>(&error).unwrap()["code"].take();
        let error = JsonDocument::new("", Some("xml"), None, None, None).unwrap_err();
        assert_eq!(code(error), "invalid-argument");
        let mut document = document(STEP);
        assert_eq!(code(document.set_facts(Some("{\"no\": 1}")).unwrap_err()), "invalid-argument");
        assert_eq!(code(document.analysis(Some("[\"no\"]")).unwrap_err()), "invalid-argument");
        assert_eq!(code(document.edit("x", Some("1")).unwrap_err()), "invalid-pointer");
        // Within a character, past the end, and without offsets.
        for edits in ["[{\"from\": 9, \"to\": 9, \"insert\": \"x\"}]", "[{\"from\": 0, \"to\": 999}]", "[{}]"] {
            assert_eq!(code(document.apply(edits).unwrap_err()), "invalid-argument", "{edits}");
        }
        assert_eq!(document.document.text(), STEP);
        assert_eq!(*document.document.context(), runai_spec::Context::default());
    }
}
