//! Formats values like Python's `str`, as ZenML does for the environment of a pipeline.

use std::fmt::Write as _;

use runai_syntax::yaml::yaml11::{Timestamp, timestamp};
use runai_syntax::{Map, Node, Value};

/// Returns `str(value)`.
pub(super) fn str(node: &Node<'_>) -> String {
    match &node.value {
        Value::String(text) => text.text.to_string(),
        Value::DateTime(raw) => timestamp(raw).map_or_else(|| (*raw).to_owned(), |time: Timestamp| time.python()),
        _ => repr(node),
    }
}

/// Returns `repr(value)`.
fn repr(node: &Node<'_>) -> String {
    match &node.value {
        Value::Null => "None".to_owned(),
        Value::Bool(value, _) => if *value { "True" } else { "False" }.to_owned(),
        Value::Int(value, _) => value.to_string(),
        Value::BigInt(raw) => large(raw),
        Value::Float(value, _) => float(*value),
        Value::DateTime(raw) => timestamp(raw).map_or_else(|| (*raw).to_owned(), |time| time.python_repr()),
        Value::String(text) => quoted(&text.text),
        Value::List(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Map(Map(entries)) => {
            let entry = |key: &str, value| format!("{}: {}", quoted(key), repr(value));
            let entries: Vec<_> = entries.iter().map(|of| entry(&of.key, &of.value)).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Formats a decimal number of more than 64 bits.
fn large(raw: &str) -> String {
    raw.replace('_', "").trim_start_matches('+').to_owned()
}

/// Formats a float: the shortest text that parses to the same number, with an exponent where Python uses one.
fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            c if c == quote => shown.extend(['\\', c]),
            c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => {
                let _ = write!(shown, "\\x{:02x}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use runai_syntax::{Dialect, Format, SourceId, parse_in};

    /// The expected values are those of Python 3 with PyYAML 6.0.4.
    #[test]
    fn formats_values_like_python() {
        for (text, shown) in [
            ("yes", "True"),
            ("1_000", "1000"),
            ("1.50", "1.5"),
            ("0.00001", "1e-05"),
            ("1.0e+20", "1e+20"),
            ("1.5e-7", "1.5e-07"),
            ("-0.0", "-0.0"),
            (".inf", "inf"),
            ("123456789012345680.0", "1.2345678901234568e+17"),
            ("[1, a, null, 1.5, true]", "[1, 'a', None, 1.5, True]"),
            ("{a: it's}", "{'a': \"it's\"}"),
            ("[\"a\\nb\"]", "['a\\nb']"),
            ("2024-01-02", "2024-01-02"),
            ("[2024-01-02]", "[datetime.date(2024, 1, 2)]"),
            ("+99999999999999999999", "99999999999999999999"),
        ] {
            let (root, _) = parse_in(text, Format::Yaml, SourceId(0), Dialect::PyYaml).unwrap();
            assert_eq!(str(&root), shown, "{text}");
        }
    }
}
