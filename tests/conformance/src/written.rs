//! Hand-written cases from YAML files: lists of maps with `name` and `settings`, `step` or `operator`.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Value, json};

use crate::case::{Case, CaseKind, Intent, raw};

/// Reads the cases of every file in `folder`, sorted by file name.
pub(crate) fn read(folder: &Path) -> Result<Vec<Case>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        files.push(entry?.path());
    }
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let place = file.display();
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read `{place}`"))?;
        let Value::Array(written) = yaml(&text).with_context(|| format!("cannot parse `{place}`"))? else {
            bail!("`{place}` is not a list of cases");
        };
        for one in written {
            cases.push(case(&one).with_context(|| format!("in `{place}`: {one}"))?);
        }
    }
    Ok(cases)
}

fn case(written: &Value) -> Result<Case> {
    let Some(map) = written.as_object() else { bail!("expected a map") };
    if let Some(key) = map.keys().find(|key| !["name", "operator", "settings", "step"].contains(&key.as_str())) {
        bail!("unknown key `{key}`");
    }
    let Some(name) = map.get("name").and_then(Value::as_str) else { bail!("missing `name`") };
    let operator = map.get("operator").cloned();
    let (kind, document) = match (map.get("settings"), map.get("step"), &operator) {
        (Some(settings), None, None) => (CaseKind::Settings, settings.clone()),
        (Some(settings), None, Some(_)) => (CaseKind::Merged, settings.clone()),
        (None, Some(step), None) => (CaseKind::Step, step.clone()),
        (None, None, Some(_)) => (CaseKind::Operator, json!({})),
        _ => bail!("expected `settings`, `step`, `operator`, or `settings` and `operator`"),
    };
    Ok(Case { name: name.to_owned(), intent: Intent::Written, kind, document, operator, paths: Vec::new() })
}

/// Parses YAML without anchors and tags. Plain scalars are read as JSON; numbers keep their text.
fn yaml(text: &str) -> Result<Value> {
    let mut events = Parser::new_from_str(text);
    loop {
        match next(&mut events)? {
            Event::DocumentStart(_) => {
                let event = next(&mut events)?;
                return node(event, &mut events);
            }
            Event::StreamEnd => bail!("empty document"),
            _ => {}
        }
    }
}

fn next<'t>(events: &mut Parser<'t, StrInput<'t>>) -> Result<Event<'t>> {
    match events.next_event() {
        Some(event) => Ok(event?.0),
        None => Ok(Event::StreamEnd),
    }
}

fn node<'t>(event: Event<'t>, events: &mut Parser<'t, StrInput<'t>>) -> Result<Value> {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => Ok(match text.as_ref() {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number if number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && is_number(number) => raw(number),
            text => Value::String(text.to_owned()),
        }),
        Event::Scalar(text, ..) => Ok(Value::String(text.into_owned())),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match next(events)? {
                    Event::SequenceEnd => return Ok(Value::Array(items)),
                    event => items.push(node(event, events)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut map = Map::new();
            loop {
                let key = match next(events)? {
                    Event::MappingEnd => return Ok(Value::Object(map)),
                    Event::Scalar(key, ..) => key.into_owned(),
                    event => bail!("unexpected key {event:?}"),
                };
                let event = next(events)?;
                map.insert(key, node(event, events)?);
            }
        }
        event => bail!("unexpected {event:?}"),
    }
}

/// Returns whether the text is a JSON number of any size.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let zero_first = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    text.parse::<f64>().is_ok() && !zero_first && !digits.ends_with('.') && text != "-"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::text;

    #[test]
    fn reads_written_cases() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        assert!(read(&folder).unwrap().len() > 100);
    }

    #[test]
    fn preserves_number_text() {
        let value = yaml("{a: 1e400, b: 2.50, c: '1', d: 0644, e: [null, true, ~], f: -0}").unwrap();
        assert_eq!(text(&value), r#"{"a":1e400,"b":2.50,"c":"1","d":"0644","e":[null,true,"~"],"f":-0}"#);
    }
}
