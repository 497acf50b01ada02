//! Property tests on documents that are generated from the declarations and written in every format.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use runai_api::wire::TrainingCreationRequest;
use runai_spec::explain::{Explanation, explain, setting_paths};
use runai_spec::rules::Severity;
use runai_spec::{Context, Kind, Resolution, Resolver, Source};
use runai_syntax::Format;
use serde_json::{Map, Value, json};

use crate::lines;
use crate::tricky::tricky_text;

const FORMATS: [Format; 3] = [Format::Json, Format::Toml, Format::Yaml];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_formats_are_equivalent((kind, document) in any_document(), style in any::<u64>()) {
        // ZenML parses JSON and YAML as YAML 1.1, which resolves scalars differently.
        prop_assume!(kind != Kind::Zenml);
        let json = print(&document, Format::Json, style);
        let expected = resolve(&json.text, Format::Json, kind);
        for format in [Format::Yaml, Format::Toml] {
            // An empty document is not valid in TOML.
            if format == Format::Toml && (!toml_can_say(&document) || document == json!({})) {
                continue;
            }
            let printed = print(&document, format, style);
            let resolution = resolve(&printed.text, format, kind);
            prop_assert_eq!(verdict(&resolution), verdict(&expected), "{}\n{}", format, printed.text);
            prop_assert_eq!(body(&resolution), body(&expected), "{}\n{}", format, printed.text);
        }
    }

    #[test]
    fn spans_cover_values((kind, document) in any_document(), style in any::<u64>()) {
        for format in FORMATS {
            if format == Format::Toml && !toml_can_say(&document) {
                continue;
            }
            let printed = print(&document, format, style);
            for found in resolve(&printed.text, format, kind).report().diagnostics {
                let text = &printed.text;
                let span = found.offset..found.end_offset;
                prop_assert!(text.get(span.clone()).is_some(), "{:?}\n{}", found, text);
                prop_assert_eq!((found.line, found.column), position(text, found.offset), "{:?}\n{}", found, text);
                prop_assert_eq!((found.end_line, found.end_column), position(text, found.end_offset), "{:?}", found);
                let place = printed.places.get(&found.path);
                let right = match (found.code, place) {
                    // A missing value is reported at its parent.
                    ("missing-key", _) => true,
                    ("unknown-key" | "unknown-toleration-key" | "both-spellings", Some(place)) => span == place.key,
                    (_, Some(place)) => span == place.key || place.value.contains(&span),
                    // A rule may report a default; then the span is that of the nearest parent.
                    (_, None) => printed.around(&found.path).value.contains(&span),
                };
                prop_assert!(right, "{:?}\n{:?}\n{}", found, place, text);
            }
        }
    }

    #[test]
    fn one_invalid_field_is_one_error(
        (kind, document) in valid_document(),
        at in any::<Index>(),
        breakage in any::<Index>(),
        style in any::<u64>(),
    ) {
        // Unescaped characters that JSON allows and PyYAML rejects.
        let unreadable = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
        prop_assume!(kind != Kind::Zenml || !document.to_string().contains(unreadable));
        let mut document = document;
        let before = resolve(&document.to_string(), Format::Json, kind).report();
        let invalid_values = invalid_values(&document, at);
        let (pointer, wrong) = breakage.get(&invalid_values).clone();
        put(&mut document, &pointer, wrong);
        let printed = print(&document, Format::Yaml, style);
        let resolution = resolve(&printed.text, Format::Yaml, kind);
        let report = resolution.report();
        let (errors, warnings): (Vec<_>, Vec<_>) =
            report.diagnostics.iter().partition(|found| found.severity == Severity::Error);
        let errors: BTreeSet<_> = errors.into_iter().map(|found| &found.path).collect();
        prop_assert_eq!(errors, BTreeSet::from([&pointer]), "{}\n{}", printed.text, lines(&report));
        let said_before: BTreeSet<_> = before.diagnostics.iter().map(|found| (&found.code, &found.path)).collect();
        let new = warnings.into_iter().find(|found| !said_before.contains(&(&found.code, &found.path)));
        prop_assert!(new.is_none(), "{:?}\n{}\n{}", new, document, printed.text);
    }

    #[test]
    fn ignores_key_order((kind, document) in any_document(), seed in any::<u64>()) {
        let other = shuffled(&document, &mut Rng(seed));
        let (one, two) = (document.to_string(), other.to_string());
        let (one, two) = (resolve(&one, Format::Json, kind), resolve(&two, Format::Json, kind));
        prop_assert_eq!(verdict(&one), verdict(&two), "{}", other);
        prop_assert_eq!(body(&one).map(sorted), body(&two).map(sorted), "{}", other);
    }

    #[test]
    fn body_deserializes_to_wire_types((kind, document) in valid_document()) {
        let text = document.to_string();
        let resolution = resolve(&text, Format::Json, kind);
        let Some(step) = resolution.step() else { return Ok(()) };
        let rendered = step.render(&Context::default());
        let submission = step.submission(&Context { name: Some("fit".to_owned()), ..Context::default() });
        let named = step.body(&Context { name: Some("fit".to_owned()), ..Context::default() });
        prop_assert_eq!(submission.request().body, Some(named.into()));
        let text = serde_json::to_string(&rendered).unwrap();
        prop_assert_eq!(serde_json::from_str::<TrainingCreationRequest>(&text).unwrap(), rendered);
    }

    #[test]
    fn never_shows_secrets(
        (kind, document) in valid_document(),
        which in 0..4_usize,
        before in tricky_text(),
        style in any::<u64>(),
        cut in any::<Index>(),
    ) {
        let mut document = document;
        let secret = format!("canary{before}canary");
        let hidden = match which {
            0 => json!({"client_secret": secret}),
            1 => json!({"environment": {"MODE": "x", "HF_TOKEN": secret}}),
            2 => json!({"environment": {"DATABASE_PASSWORD": secret, "MODE": "y"}}),
            _ => json!({"runai_base_url": "https://me:canary@host.example"}),
        };
        document.as_object_mut().unwrap().extend(hidden.as_object().unwrap().clone());
        for format in FORMATS {
            let whole = print(&document, format, style).text;
            let cut = (0..=cut.index(whole.len() + 1)).rev().find(|at| whole.is_char_boundary(*at)).unwrap();
            for text in [&whole, &whole[..cut]] {
                let resolution = resolve(text, format, kind);
                for found in resolution.reports() {
                    prop_assert_eq!(found.shown.len(), text.len());
                    prop_assert!(!found.shown.contains("canary"), "{}\n{}", text, found.shown);
                    prop_assert!(!lines(&found.report).contains("canary"), "{}\n{}", text, lines(&found.report));
                }
            }
        }
    }

    #[test]
    fn never_panics_on_any_text(
        text in prop_oneof![any::<String>(), "([a-z_]{1,9}: ?|[\\[\\]{}\"',\\-|>&*!#?<=.0-9 a]|\r?\n *|\u{feff}|é|🚀){0,60}"],
    ) {
        for format in FORMATS {
            for kind in Kind::ALL {
                let resolution = resolve(&text, format, kind);
                for found in resolution.report().diagnostics {
                    prop_assert!(text.get(found.offset..found.end_offset).is_some(), "{:?} {:?}", text, found);
                }
            }
            let source = Source { name: "test", text: &text, format };
            let _ = Resolver::new(source).operator(source).set("--set", "labels.a", &text).resolve();
        }
    }
}

fn resolve(text: &str, format: Format, kind: Kind) -> Resolution<'_> {
    Resolver::new(Source { name: "test", text, format }).kind(kind).resolve()
}

/// Returns the diagnostics of all sources.
fn verdict(resolution: &Resolution<'_>) -> BTreeSet<(&'static str, String)> {
    resolution.report().diagnostics.into_iter().map(|found| (found.code, found.path)).collect()
}

fn body(resolution: &Resolution<'_>) -> Option<Value> {
    resolution.step().map(|step| serde_json::to_value(step.render(&Context::default())).unwrap())
}

/// Computes line and column of a byte by counting characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    // U+FEFF is a byte order mark only at the start.
    let before = text[..offset].strip_prefix('\u{feff}').unwrap_or(&text[..offset]);
    let line = before.rsplit('\n').next().unwrap();
    (text[..offset].matches('\n').count() + 1, line.chars().count() + 1)
}

// Documents.

/// The declaration of a setting.
#[derive(Clone, Debug)]
struct Declared {
    name: String,
    example: Value,
    fields: Vec<Declared>,
    /// Whether every string is valid.
    free: bool,
}

static DECLARED: LazyLock<Vec<Declared>> = LazyLock::new(|| {
    let paths = setting_paths();
    paths.iter().filter(|path| !path.contains('.')).map(|path| declared(path)).collect()
});

fn declared(path: &str) -> Declared {
    let Ok(Explanation::Setting { example, fields, value, .. }) = explain(path) else { panic!("{path}") };
    let fields = fields.iter().filter(|_| path != "settings").map(|field| declared(&format!("{path}.{field}")));
    Declared {
        name: path.rsplit('.').next().unwrap().to_owned(),
        example: (&example).into(),
        fields: fields.collect(),
        free: value.starts_with("a string"),
    }
}

/// Keys of the operator file and of the step file.
const NOT_OF_A_STEP: [&str; 15] = [
    "client_id",
    "client_secret",
    "client_secret_file",
    "cluster_name",
    "command",
    "delete_on_failure",
    "environment",
    "image",
    "image_pull_secret_name",
    "monitoring_interval",
    "name",
    "project_name",
    "runai_base_url",
    "settings",
    "token_command",
];

fn of_a_step() -> Vec<&'static Declared> {
    DECLARED.iter().filter(|declared| !NOT_OF_A_STEP.contains(&declared.name.as_str())).collect()
}

/// Valid settings in a document of any kind.
pub(crate) fn valid_document() -> impl Strategy<Value = (Kind, Value)> {
    let chosen = subsequence(of_a_step(), 1..12).prop_flat_map(|chosen| {
        chosen.into_iter().map(|declared| (Just(declared.name.clone()), valid_value(declared))).collect::<Vec<_>>()
    });
    (chosen.prop_map(|entries| entries.into_iter().collect()), any::<Index>()).prop_filter_map(
        "settings that do not go together",
        |(settings, kind): (Map<String, Value>, Index)| {
            let text = Value::Object(settings.clone()).to_string();
            let fits = resolve(&text, Format::Json, Kind::Settings).report().ok;
            fits.then(|| in_a_document(settings, kind))
        },
    )
}

fn valid_value(declared: &Declared) -> BoxedStrategy<Value> {
    let example = Just(declared.example.clone());
    if declared.free {
        // Required strings are not empty.
        return prop_oneof![example, tricky_text().prop_map(|text| Value::String(format!("{text}x")))].boxed();
    }
    match &declared.example {
        Value::Number(number) if number.is_i64() => prop_oneof![example, (1..60_000_i64).prop_map(Value::from)].boxed(),
        Value::Bool(_) => any::<bool>().prop_map(Value::Bool).boxed(),
        _ => example.boxed(),
    }
}

/// Valid and invalid settings in a document of any kind.
pub(crate) fn any_document() -> impl Strategy<Value = (Kind, Value)> {
    let entry = select(DECLARED.iter().collect::<Vec<_>>())
        .prop_flat_map(|declared| (key(&declared.name), any_value(declared)));
    (prop::collection::vec(entry, 0..10), any::<Index>())
        .prop_map(|(entries, kind)| in_a_document(entries.into_iter().collect(), kind))
}

fn in_a_document(settings: Map<String, Value>, kind: Index) -> (Kind, Value) {
    match kind.index(4) {
        0 => (Kind::Step, json!({"image": "python:3.12", "command": ["python", "train.py"], "settings": settings})),
        1 => (Kind::Operator, Value::Object(settings)),
        2 => (Kind::Zenml, json!({"settings": {"step_operator.runai": settings}})),
        _ => (Kind::Settings, Value::Object(settings)),
    }
}

fn key(name: &str) -> impl Strategy<Value = String> + use<> {
    let name = name.to_owned();
    prop_oneof![8 => Just(name.clone()), 1 => Just(name + "s"), 1 => tricky_text()]
}

fn any_value(declared: &Declared) -> BoxedStrategy<Value> {
    let mut choices = vec![(4, Just(declared.example.clone()).boxed()), (2, anything().boxed())];
    if declared.free {
        choices.push((2, tricky_text().prop_map(Value::String).boxed()));
    }
    if !declared.fields.is_empty() {
        let listed = declared.example.is_array();
        let entry = select(declared.fields.clone()).prop_flat_map(|field| (key(&field.name), any_value(&field)));
        let map = prop::collection::vec(entry, 0..5).prop_map(|entries| Value::Object(entries.into_iter().collect()));
        choices.push((6, map.prop_map(move |map| if listed { json!([map]) } else { map }).boxed()));
    } else if declared.example.is_object() {
        let map = prop::collection::vec((tricky_text(), anything()), 0..3);
        choices.push((4, map.prop_map(|entries| Value::Object(entries.into_iter().collect())).boxed()));
    }
    proptest::strategy::Union::new_weighted(choices).boxed()
}

fn anything() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3..9_i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        select(vec![0.5, -0.0, 1e300, 1.5e-7, 2.0, 0.1]).prop_map(Value::from),
        tricky_text().prop_map(Value::String),
    ];
    scalar.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec((tricky_text(), inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn toml_can_say(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => items.iter().all(toml_can_say),
        Value::Object(map) => map.values().all(toml_can_say),
        _ => true,
    }
}

/// Returns mutations in the setting that `at` selects: a pointer, and the invalid value.
pub(crate) fn invalid_values(document: &Value, at: Index) -> Vec<(String, Value)> {
    let base = ["/settings/step_operator.runai", "/settings", ""]
        .into_iter()
        .find(|base| document.pointer(base).is_some_and(Value::is_object))
        .unwrap();
    let settings = document.pointer(base).unwrap().as_object().unwrap();
    let (name, value) = settings.iter().nth(at.index(settings.len())).unwrap();
    let mut found = vec![(format!("{base}/no_such_key_at_all"), json!(1))];
    break_below(&format!("{base}/{name}"), value, &mut found);
    found
}

fn break_below(pointer: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    let wrong = if matches!(value, Value::Array(_) | Value::Object(_)) { json!(true) } else { json!([[]]) };
    found.push((pointer.to_owned(), wrong));
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| break_below(&format!("{pointer}/{index}"), item, found));
        }
        Value::Object(map) => {
            for (key, value) in map {
                break_below(&format!("{pointer}/{}", escaped(key)), value, found);
            }
        }
        _ => {}
    }
}

pub(crate) fn put(document: &mut Value, pointer: &str, value: Value) {
    if let Some(place) = document.pointer_mut(pointer) {
        *place = value;
    } else {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[key] = value;
    }
}

fn shuffled(value: &Value, rng: &mut Rng) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| shuffled(item, rng)).collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.clone(), shuffled(value, rng))).collect();
            for last in (1..entries.len()).rev() {
                entries.swap(last, rng.below(last + 1));
            }
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

/// Sorts the lists of a body that come from maps.
fn sorted(mut body: Value) -> Value {
    for list in ["labels", "annotations", "environmentVariables", "compute/extendedResources"] {
        if let Some(Value::Array(items)) = body.pointer_mut(&format!("/spec/{list}")) {
            items.sort_by_key(Value::to_string);
        }
    }
    body
}

// Printing.

/// A document in one format, with the spans of its values.
struct Printed {
    text: String,
    /// By JSON pointer.
    places: BTreeMap<String, Place>,
}

#[derive(Clone, Debug)]
struct Place {
    key: Range<usize>,
    value: Stretch,
}

/// The span of a value. A block collection starts before its first part.
#[derive(Clone, Debug)]
struct Stretch {
    earliest: usize,
    latest: usize,
    end: usize,
}

impl Stretch {
    const fn exact(start: usize, end: usize) -> Self {
        Self { earliest: start, latest: start, end }
    }

    fn contains(&self, span: &Range<usize>) -> bool {
        (self.earliest..=self.latest).contains(&span.start) && span.end == self.end
    }
}

impl Printed {
    /// Returns the place of a value, or of its nearest parent.
    fn around(&self, pointer: &str) -> Place {
        let mut pointer = pointer;
        while let Some((parent, _)) = pointer.rsplit_once('/') {
            pointer = parent;
            if let Some(place) = self.places.get(pointer) {
                return place.clone();
            }
        }
        self.places[""].clone()
    }
}

/// Writes a document in a random style: quotes, brackets or lines, line breaks, comments, a byte order mark.
fn print(document: &Value, format: Format, style: u64) -> Printed {
    let mut rng = Rng(style);
    let newline = if rng.below(3) == 0 { "\r\n" } else { "\n" };
    let mut printer = Printer { out: String::new(), places: BTreeMap::new(), rng, newline, format };
    if printer.chance(4) {
        printer.out.push('\u{feff}');
    }
    match (format, document) {
        (Format::Toml, Value::Object(map)) => printer.toml(map),
        (Format::Yaml, Value::Object(map)) if !map.is_empty() && !printer.chance(4) => {
            let start = printer.out.len();
            printer.block("", document, 0);
            printer.close("", start..start, start, printer.out.len());
            let end = printer.places.iter().filter(|(at, _)| !at.is_empty()).map(|(_, place)| place.value.end).max();
            printer.places.get_mut("").unwrap().value.end = end.unwrap();
        }
        _ => printer.inline("", 0..0, document),
    }
    let newline = printer.newline;
    printer.out += newline;
    Printed { text: printer.out, places: printer.places }
}

struct Printer {
    out: String,
    places: BTreeMap<String, Place>,
    rng: Rng,
    newline: &'static str,
    format: Format,
}

impl Printer {
    fn chance(&mut self, one_in: usize) -> bool {
        self.rng.below(one_in) == 0
    }

    fn close(&mut self, pointer: &str, key: Range<usize>, start: usize, end: usize) {
        self.places.insert(pointer.to_owned(), Place { key, value: Stretch::exact(start, end) });
    }

    /// Writes a value on one line, with brackets.
    fn inline(&mut self, pointer: &str, key: Range<usize>, value: &Value) {
        let start = self.out.len();
        match value {
            Value::Array(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.separate(index);
                    self.inline(&format!("{pointer}/{index}"), 0..0, item);
                }
                self.out.push(']');
            }
            Value::Object(map) => {
                self.out.push('{');
                for (index, (key, value)) in map.iter().enumerate() {
                    self.separate(index);
                    let span = self.key(key);
                    self.out += if self.format == Format::Toml { " = " } else { ": " };
                    self.inline(&format!("{pointer}/{}", escaped(key)), span, value);
                }
                self.out.push('}');
            }
            Value::String(text) => self.text(text, false),
            scalar => self.out += &scalar.to_string(),
        }
        self.close(pointer, key, start, self.out.len());
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            let comma = if self.chance(2) { ", " } else { "," };
            self.out += comma;
        }
        // Only JSON ignores line breaks in brackets.
        if self.format == Format::Json && self.chance(3) {
            self.out += self.newline;
            self.out += "\t ";
        }
    }

    fn key(&mut self, key: &str) -> Range<usize> {
        let start = self.out.len();
        self.text(key, true);
        start..self.out.len()
    }

    fn text(&mut self, text: &str, key: bool) {
        let word = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        let (bare, single) = (!self.chance(3), self.chance(2));
        match self.format {
            Format::Yaml if bare && is_plain(text) => self.out += text,
            Format::Yaml if single && !text.contains(|c: char| c.is_control() || c == '\u{feff}') => {
                let _ = write!(self.out, "'{}'", text.replace('\'', "''"));
            }
            Format::Toml if bare && key && word => self.out += text,
            Format::Toml if single && !text.contains(|c: char| c.is_control() || c == '\'') => {
                let _ = write!(self.out, "'{text}'");
            }
            _ => {
                // Escapes characters that only JSON allows unescaped.
                let escape = |c: char| match c {
                    '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{feff}' => format!("\\u{:04x}", u32::from(c)),
                    c => c.to_string(),
                };
                self.out += &serde_json::to_string(text).unwrap().chars().map(escape).collect::<String>();
            }
        }
    }

    /// Writes the parts of a list or map on separate lines. The first line is already indented by `indent`.
    fn block(&mut self, pointer: &str, value: &Value, indent: usize) {
        let lines: Vec<(Option<&str>, String, &Value)> = match value {
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (Some(key.as_str()), format!("{pointer}/{}", escaped(key)), value))
                .collect(),
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, item)| (None, format!("{pointer}/{index}"), item)).collect()
            }
            _ => unreachable!("only lists and maps have parts"),
        };
        for (index, (key, pointer, value)) in lines.into_iter().enumerate() {
            if index > 0 {
                self.out += self.newline;
                if self.chance(8) {
                    self.out += "# ü: {\"";
                    self.out += self.newline;
                }
                self.out += &" ".repeat(indent);
            }
            let span = if let Some(key) = key {
                let span = self.key(key);
                self.out.push(':');
                span
            } else {
                self.out.push('-');
                0..0
            };
            let parts = value.as_array().map(Vec::len).or(value.as_object().map(Map::len)).unwrap_or(0);
            if parts > 0 && !self.chance(3) {
                let start = self.out.len();
                if key.is_some() || self.chance(2) {
                    self.out += self.newline;
                    self.out += &" ".repeat(indent + 2);
                } else {
                    self.out.push(' ');
                }
                let first = self.out.len();
                self.block(&pointer, value, indent + 2);
                let below = format!("{pointer}/");
                let end = self.places.iter().filter(|(at, _)| at.starts_with(&below)).map(|(_, place)| place.value.end);
                let value = Stretch { earliest: start, latest: first, end: end.max().unwrap() };
                self.places.insert(pointer, Place { key: span, value });
            } else {
                self.out.push(' ');
                self.inline(&pointer, span, value);
                if self.chance(6) {
                    self.out += " # 日本 it's \"]}";
                }
            }
        }
    }

    /// Writes pairs, and the last map as a table.
    fn toml(&mut self, map: &Map<String, Value>) {
        let start = self.out.len();
        for (index, (key, value)) in map.iter().enumerate() {
            let last = index + 1 == map.len();
            let pointer = format!("/{}", escaped(key));
            match value {
                Value::Object(table) if last && self.chance(2) => {
                    self.out.push('[');
                    let span = self.key(key);
                    let _ = write!(self.out, "]{}", self.newline);
                    for (key, value) in table {
                        self.pair(&format!("{pointer}/{}", escaped(key)), key, value);
                    }
                    // The end of a table depends on the parser.
                    let value = Stretch { earliest: span.start - 1, latest: span.start, end: span.end + 1 };
                    self.places.insert(pointer, Place { key: span, value });
                }
                _ => self.pair(&pointer, key, value),
            }
        }
        self.close("", 0..0, start, self.out.len());
    }

    fn pair(&mut self, pointer: &str, key: &str, value: &Value) {
        let span = self.key(key);
        self.out += " = ";
        self.inline(pointer, span, value);
        self.out += self.newline;
    }
}

/// Whether a string needs no quotes, even in brackets.
fn is_plain(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(char::is_alphabetic)
        && chars.all(|c| c.is_alphanumeric() || "/._-".contains(c))
        && !matches!(text.to_ascii_lowercase().as_str(), "null" | "true" | "false")
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A random number generator (splitmix64).
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }
}
