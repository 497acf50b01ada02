//! Candidates for replacing invalid values.

use runai_api::command;
use runai_api::quantity::Amount;
use runai_syntax::yaml::core;
use runai_syntax::{Map, Node, Span, Text, Tree, Value, float, unusual};

use super::Applicability::{self, DisplayOnly, Safe, Unsafe};
use crate::help::{self, TOKENS};
use crate::setting_schema::{Kind, Range, SettingSchema};
use crate::settings::TextType;
use crate::suggest::nearest;

/// A possible replacement.
pub(crate) type Candidate = (Tree<'static>, Applicability);

fn safe(value: impl Into<Tree<'static>>) -> Vec<Candidate> {
    vec![(value.into(), Safe)]
}

/// Returns the candidates for a value of the wrong type, the most likely first. Not every candidate is valid.
pub(crate) fn of_other_type(value: &Value<'_>, schema: &SettingSchema, unit: Option<&str>) -> Vec<Candidate> {
    match (&schema.kind, value) {
        (_, Value::String(Text { text, .. })) if unusual::find(text).is_some() => {
            let plain = unusual::plain(text);
            let plain = plain.trim_matches(['"', '\'']);
            let value = core(plain, plain).unwrap_or_else(|| Value::String(Text { text: plain.into(), plain: false }));
            let read = Tree::from(&Node { value, span: Span::default() }).into_owned();
            let text = Tree::from(plain.to_owned());
            vec![(read, Safe), (text, Safe)]
        }
        (Kind::Bool, Value::String(Text { text, .. })) => match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" | "true" | "1" => safe(true),
            "no" | "off" | "n" | "false" | "0" => safe(false),
            _ => Vec::new(),
        },
        (Kind::Bool, Value::Int(0, _)) => safe(false),
        (Kind::Bool, Value::Int(1, _)) => safe(true),
        (Kind::Int(_), Value::String(Text { text, .. })) => number(text, true, unit),
        (Kind::Number(_), Value::String(Text { text, .. })) => number(text, false, unit),
        (Kind::String(string), Value::Int(..) | Value::Float(..) | Value::BigInt(_)) => {
            let raw = help::raw(value);
            match string.text {
                Some(text) if text.name == "memory" => memory(raw),
                Some(text) if text.name == "file-mode" => file_modes(value),
                _ => safe(raw.to_owned()),
            }
        }
        (Kind::String(_), Value::Bool(_, raw)) | (Kind::String(_) | Kind::ScalarText, Value::DateTime(raw)) => {
            safe((*raw).to_owned())
        }
        (Kind::ScalarText, Value::Null) => vec![(String::new().into(), Unsafe)],
        (Kind::Enum(values), Value::Bool(..) | Value::Int(..) | Value::Float(..)) => {
            let raw = help::raw(value);
            values.iter().filter(|value| value.eq_ignore_ascii_case(raw)).map(|value| ((*value).into(), Safe)).collect()
        }
        (Kind::List { .. }, Value::String(Text { text, .. })) => items(text, schema, unit),
        (Kind::List { .. }, Value::Map(_)) => safe(Tree::List(vec![owned(value)])),
        (Kind::List { item, .. }, Value::Int(..) | Value::Float(..) | Value::Bool(..)) => {
            let item = match item.kind {
                Kind::String(_) => help::raw(value).to_owned().into(),
                _ => owned(value),
            };
            safe(Tree::List(vec![item]))
        }
        (Kind::Map { .. }, Value::List(items)) => pairs(items).into_iter().map(|map| (map, Safe)).collect(),
        _ => Vec::new(),
    }
}

fn owned(value: &Value<'_>) -> Tree<'static> {
    let node = Node { value: value.clone(), span: Span::default() };
    Tree::from(&node).into_owned()
}

/// Returns the candidates for a string with an invalid format.
pub(crate) fn of_text(text: &str, text_type: &TextType) -> Vec<Candidate> {
    if unusual::find(text).is_some() {
        let plain = unusual::plain(text).into_owned();
        return vec![(plain.trim_matches(['"', '\'']).to_owned().into(), Safe), (plain.into(), Safe)];
    }
    let trimmed = text.trim();
    match text_type.name {
        "memory" => memory(text),
        "absolute-path" => vec![(format!("/{}", trimmed.trim_start_matches("./")).into(), Unsafe)],
        "base-url" if !trimmed.contains("://") => vec![(format!("https://{trimmed}").into(), Unsafe)],
        "file-mode" => match trimmed.strip_prefix("0o").unwrap_or(trimmed).trim_start_matches('0') {
            digits if digits.len() <= 3 && !digits.is_empty() => safe(format!("{digits:0>4}")),
            _ => Vec::new(),
        },
        name if name.ends_with("object-name") && !text.contains('.') => {
            let dashed: String = trimmed.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
            vec![(dashed.to_ascii_lowercase().trim_matches('-').to_owned().into(), Unsafe)]
        }
        name if name.starts_with("label") => {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
            let dashed: String = trimmed.chars().map(|c| if fits(c) { c } else { '-' }).collect();
            vec![(dashed.trim_matches(['-', '_', '.']).to_owned().into(), Unsafe)]
        }
        _ if trimmed != text => vec![(trimmed.to_owned().into(), Unsafe)],
        _ => Vec::new(),
    }
}

/// Returns the candidates for an unknown value of an enum.
pub(crate) fn of_enum(text: &str, values: &[&'static str]) -> Vec<Candidate> {
    match nearest(&unusual::plain(text), values.iter().copied()) {
        Some(near) => safe(near.to_owned()),
        None if values.len() <= MAX_VALUES => values.iter().map(|value| ((*value).into(), Unsafe)).collect(),
        None => Vec::new(),
    }
}

/// All values of an enum are candidates if there are at most this many.
const MAX_VALUES: usize = 3;

/// Returns the candidates for a number with a leading zero: its values in YAML 1.1 and 1.2.
pub(crate) fn of_leading_zero(raw: &str) -> Vec<Candidate> {
    let read = |radix| i64::from_str_radix(raw, radix).ok();
    match (read(8), read(10)) {
        (Some(octal), Some(decimal)) if octal != decimal => vec![(octal.into(), Unsafe), (decimal.into(), Unsafe)],
        (_, decimal) => decimal.into_iter().flat_map(safe).collect(),
    }
}

/// Returns the number nearest to `value` in a range.
pub(crate) fn of_range(value: f64, range: &Range) -> Option<Candidate> {
    let bound = match (range.min, range.max) {
        (Some(min), _) if value < min => min,
        (_, Some(max)) if value > max => max,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "bounds are small")]
    let bound = if bound.fract() == 0.0 && bound.abs() < 9.0e15 { Tree::Int(bound as i64) } else { bound.into() };
    Some((bound, Unsafe))
}

/// Returns the candidates for a string instead of a number: quoted, with a unit, or in YAML 1.1 notation.
fn number(text: &str, whole: bool, unit: Option<&str>) -> Vec<Candidate> {
    let bare = text.trim().replace('_', "");
    let value = |value: f64| -> Tree<'static> {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within bounds")]
        if value.fract() == 0.0 && value.abs() < 9.0e15 && (whole || !bare.contains('.')) {
            Tree::Int(value as i64)
        } else {
            value.into()
        }
    };
    if let Some(number) = float::parse(&bare) {
        return safe(value(number));
    }
    if let Some(Value::Int(number, _)) = core(text, text) {
        return safe(number);
    }
    if unit == Some("seconds") {
        return help::seconds(text)
            .and_then(|seconds| i64::try_from(seconds).ok())
            .into_iter()
            .flat_map(safe)
            .collect();
    }
    Amount::parse(text).map(|amount| value(help::value_of(&amount))).into_iter().flat_map(safe).collect()
}

/// Returns the candidates for an amount of memory in the notation of Kubernetes or Docker.
fn memory(text: &str) -> Vec<Candidate> {
    let bare = text.trim().replace('_', "");
    let number = bare.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = bare[number.len()..].trim_start();
    let number = number.trim_end();
    let write = |unit: &str, applicability| (Tree::from(format!("{number}{unit}")), applicability);
    match unit {
        "k" | "kb" | "KB" | "kB" => vec![write("K", Safe)],
        "mb" | "MB" => vec![write("M", Safe)],
        "gb" | "GB" | "Gb" => vec![write("G", Safe)],
        "tb" | "TB" | "Tb" => vec![write("T", Safe)],
        "ki" | "kib" | "KiB" | "KI" | "KIB" | "Kib" => vec![write("Ki", Safe)],
        "mi" | "mib" | "MiB" | "MI" | "MIB" | "Mib" => vec![write("Mi", Safe)],
        "gi" | "gib" | "GiB" | "GI" | "GIB" | "Gib" => vec![write("Gi", Safe)],
        "ti" | "tib" | "TiB" | "TI" | "TIB" | "Tib" => vec![write("Ti", Safe)],
        "g" => vec![write("Gi", Unsafe), write("G", Unsafe)],
        "t" => vec![write("Ti", Unsafe), write("T", Unsafe)],
        "m" => Vec::new(),
        _ => {
            let Some(bytes) = Amount::parse(&bare).map(|amount| help::value_of(&amount)) else { return Vec::new() };
            let Some(written) = help::amount(bytes) else { return Vec::new() };
            if unit.is_empty() && bytes < 1e6 {
                // Less than 1 MB is rarely intended.
                vec![write("Gi", DisplayOnly), (written.into(), DisplayOnly)]
            } else {
                safe(written)
            }
        }
    }
}

/// Returns the candidates for a file mode that is a number, which Kubernetes reads as decimal.
fn file_modes(value: &Value<'_>) -> Vec<Candidate> {
    let Value::Int(number, raw) = value else { return Vec::new() };
    let text = |mode: i64| Tree::from(format!("{mode:04o}"));
    let as_octal = |digits: &str| i64::from_str_radix(digits, 8).ok().filter(|mode| (0..=0o777).contains(mode));
    if let Some(mode) = raw.strip_prefix("0o").or_else(|| raw.strip_prefix('0')).and_then(as_octal) {
        return safe(text(mode));
    }
    let decimal = Some(*number).filter(|mode| (0..=0o777).contains(mode));
    match (decimal, as_octal(raw)) {
        (Some(mode), _) if matches!(mode, 256 | 288 | 292 | 384 | 416 | 420 | 493 | 511) => safe(text(mode)),
        (Some(decimal), Some(octal)) => vec![(text(decimal), Unsafe), (text(octal), Unsafe)],
        (Some(mode), None) | (None, Some(mode)) => safe(text(mode)),
        (None, None) => Vec::new(),
    }
}

/// Splits a string into a list: a command by the rules of a shell, other strings at commas and whitespace.
fn items(text: &str, schema: &SettingSchema, unit: Option<&str>) -> Vec<Candidate> {
    let Kind::List { item, .. } = &schema.kind else { return Vec::new() };
    if text.trim().is_empty() {
        return Vec::new();
    }
    let list = |words: Vec<String>| Tree::List(words.into_iter().map(Tree::from).collect());
    if !matches!(item.kind, Kind::String(_) | Kind::Enum(_) | Kind::ScalarText) {
        return Vec::new();
    }
    if unit == Some(TOKENS) {
        let script = || vec!["bash".to_owned(), "-c".to_owned(), text.trim().to_owned()];
        return vec![match command::words(text) {
            Some(words) => (list(words), Safe),
            None => (list(script()), Unsafe),
        }];
    }
    let words: Vec<_> = text.split([',', ' ', '\n', '\t']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let applicability = if words.len() == 1 { Safe } else { Unsafe };
    vec![(list(words), applicability)]
}

/// Converts a list of `NAME=value`, or of maps with `name` and `value`, to a map.
fn pairs(items: &[Node<'_>]) -> Option<Tree<'static>> {
    let mut map: Vec<(std::borrow::Cow<'static, str>, Tree<'static>)> = Vec::new();
    for item in items {
        let (name, value) = match &item.value {
            Value::String(text) => {
                let (name, value) = text.text.split_once('=')?;
                (name.to_owned(), Tree::from(value.to_owned()))
            }
            Value::Map(Map(entries)) if entries.len() == 2 => {
                let find = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
                (find("name")?.as_str()?.to_owned(), owned(&find("value")?.value))
            }
            _ => return None,
        };
        if name.is_empty() || map.iter().any(|(known, _)| *known == name) {
            return None;
        }
        map.push((name.into(), value));
    }
    (!map.is_empty()).then_some(Tree::Map(map))
}
