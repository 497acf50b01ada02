//! Targets that resolve generated, mostly valid settings.

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use runai_spec::explain::{Explanation, explain, setting_paths};
use runai_spec::{Context, Kind, Resolution, Resolver, Source};
use runai_syntax::Format;
use serde_json::{Map, Value, json};

use crate::documents::check;

/// Checks that settings resolve alike in JSON and in YAML, which includes JSON.
///
/// # Panics
///
/// An invariant is violated.
pub fn settings(data: &[u8]) {
    let mut choices = Unstructured::new(data);
    let Ok((kind, document)) = document(&mut choices) else { return };
    let text = document.to_string();
    let resolver = |format| Resolver::new(Source { name: "fuzz", text: &text, format }).kind(kind);
    let as_json = check(&text, &resolver(Format::Json));
    let as_yaml = check(&text, &resolver(Format::Yaml));
    assert_eq!(verdict(&as_json), verdict(&as_yaml), "{text}");
    let body = |resolution: &Resolution<'_>| resolution.step().map(|step| step.render(&Context::default()));
    assert_eq!(body(&as_json), body(&as_yaml), "{text}");
}

/// Returns the diagnostics without their spans, which differ between the formats.
fn verdict(resolution: &Resolution<'_>) -> Vec<(&'static str, String)> {
    let report = resolution.report();
    let mut found: Vec<_> = report.diagnostics.into_iter().map(|found| (found.code, found.path)).collect();
    found.sort();
    found
}

/// A setting, an example value, and nested settings.
struct Declared {
    name: String,
    example: Value,
    fields: Vec<Declared>,
}

static DECLARED: LazyLock<Vec<Declared>> = LazyLock::new(|| {
    let paths = setting_paths();
    paths.iter().filter(|path| !path.contains('.')).map(|path| declared(path)).collect()
});

fn declared(path: &str) -> Declared {
    let Ok(Explanation::Setting { example, fields, .. }) = explain(path) else {
        panic!("`{path}` is a setting and is not explained");
    };
    Declared {
        name: path.rsplit('.').next().unwrap_or(path).to_owned(),
        example: (&example).into(),
        fields: fields
            .iter()
            .filter(|_| path != "settings")
            .map(|field| declared(&format!("{path}.{field}")))
            .collect(),
    }
}

fn document(u: &mut Unstructured<'_>) -> Result<(Kind, Value)> {
    let mut settings = Map::new();
    for _ in 0..u.int_in_range(0..=12)? {
        let declared = u.choose(&DECLARED)?;
        settings.insert(key(u, &declared.name)?, value(u, declared)?);
    }
    let settings = Value::Object(settings);
    Ok(match u.int_in_range(0..=3)? {
        0 => (Kind::Step, json!({"image": "python:3.12", "command": ["train"], "settings": settings})),
        1 => (Kind::Operator, settings),
        2 => (Kind::Zenml, json!({"settings": {"step_operator": settings}})),
        _ => (Kind::Settings, settings),
    })
}

/// Returns mostly valid names. Keys are short, because YAML limits them to one line and 1024 characters.
fn key(u: &mut Unstructured<'_>, name: &str) -> Result<String> {
    if u.ratio(9, 10)? { Ok(name.to_owned()) } else { Ok(u.arbitrary::<&str>()?.chars().take(40).collect()) }
}

fn value(u: &mut Unstructured<'_>, declared: &Declared) -> Result<Value> {
    match u.int_in_range(0..=4)? {
        0 => anything(u, 3),
        1 | 2 if !declared.fields.is_empty() => {
            let mut map = Map::new();
            for _ in 0..u.int_in_range(0..=6)? {
                let field = u.choose(&declared.fields)?;
                map.insert(key(u, &field.name)?, value(u, field)?);
            }
            let map = Value::Object(map);
            Ok(if declared.example.is_array() { json!([map]) } else { map })
        }
        1 => Ok(match &declared.example {
            Value::String(text) => Value::String(format!("{text}{}", u.arbitrary::<&str>()?)),
            Value::Number(_) => number(u)?,
            Value::Array(_) => json!([anything(u, 2)?]),
            Value::Object(_) => json!({key(u, "team")?: anything(u, 1)?}),
            other => other.clone(),
        }),
        _ => Ok(declared.example.clone()),
    }
}

fn number(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match u.int_in_range(0..=3)? {
        0 => json!(u.arbitrary::<f64>()?),
        1 => json!(u.arbitrary::<u64>()?),
        2 => json!(u.arbitrary::<i64>()?),
        _ => json!(u.int_in_range(-2..=9)?),
    })
}

fn anything(u: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    Ok(match u.int_in_range(0..=if depth == 0 { 3 } else { 5 })? {
        0 => Value::Null,
        1 => Value::Bool(u.arbitrary()?),
        2 => number(u)?,
        3 => Value::String(u.arbitrary::<&str>()?.to_owned()),
        4 => (0..u.int_in_range(0..=3)?).map(|_| anything(u, depth - 1)).collect::<Result<_>>()?,
        _ => {
            let entry = |u: &mut Unstructured<'_>| Ok((key(u, "name")?, anything(u, depth - 1)?));
            Value::Object((0..u.int_in_range(0..=3)?).map(|_| entry(u)).collect::<Result<_>>()?)
        }
    })
}
