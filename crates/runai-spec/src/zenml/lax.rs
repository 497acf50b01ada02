//! Converts values like pydantic's lax mode, which ZenML's settings classes use.

use runai_syntax::{Value, float};

use crate::setting_schema::{Kind, SettingSchema};

/// Returns the value that pydantic converts `value` to, or `None` if pydantic does not convert it.
pub(crate) fn converted<'t>(value: &Value<'t>, schema: &SettingSchema) -> Option<Value<'t>> {
    match (&schema.kind, value) {
        (Kind::Bool, value) => boolean(value).map(|value| Value::Bool(value, if value { "true" } else { "false" })),
        (Kind::Int(_), Value::Bool(value, raw)) => Some(Value::Int(i64::from(*value), raw)),
        (Kind::Int(_), Value::String(text)) => {
            let written = match &text.text {
                std::borrow::Cow::Borrowed(text) => text,
                std::borrow::Cow::Owned(_) => "",
            };
            integer(&text.text).map(|value| Value::Int(value, written))
        }
        (Kind::Number(_), Value::Bool(value, raw)) => Some(Value::Float(f64::from(u8::from(*value)), raw)),
        (Kind::Number(_), Value::String(text)) => {
            let written = match &text.text {
                std::borrow::Cow::Borrowed(text) => text,
                std::borrow::Cow::Owned(_) => "",
            };
            number(&text.text).map(|value| Value::Float(value, written))
        }
        _ => None,
    }
}

/// Converts a value to a boolean like pydantic.
pub(super) fn boolean(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(value, _) => Some(*value),
        Value::Int(0, _) => Some(false),
        Value::Int(1, _) => Some(true),
        Value::Float(value, _) if *value == 0.0 => Some(false),
        #[expect(clippy::float_cmp, reason = "only exactly 1.0 is true")]
        Value::Float(value, _) if *value == 1.0 => Some(true),
        Value::String(text) => match text.text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
            "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Removes underscores, which must be between two digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let between = |(at, _): (usize, &str)| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    text.match_indices('_').all(between).then(|| text.replace('_', ""))
}

fn integer(text: &str) -> Option<i64> {
    let text = without_underscores(text.trim())?;
    let whole = match text.split_once('.') {
        // A fraction of zeros is accepted.
        Some((whole, zeros)) => (!zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0')).then_some(whole)?,
        None => &text,
    };
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| whole.parse().ok())?
}

fn number(text: &str) -> Option<f64> {
    let text = without_underscores(text.trim())?.to_ascii_lowercase();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let value = match unsigned {
        "inf" | "infinity" => f64::INFINITY,
        "nan" => f64::NAN,
        _ if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => float::parse(unsigned)?,
        _ => return None,
    };
    Some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values are those of `RunAIStepOperatorSettings` of ZenML 0.98 with pydantic 2.
    #[test]
    fn converts_strings_like_pydantic() {
        for (text, value) in [
            ("1_0", Some(10)),
            (" 1.00 ", Some(1)),
            ("+1", Some(1)),
            ("-0", Some(0)),
            ("007", Some(7)),
            ("1.", None),
            ("1__0", None),
            ("_1", None),
            ("1e0", None),
            ("0x4", None),
            ("0o4", None),
            ("", None),
        ] {
            assert_eq!(integer(text), value, "{text:?}");
        }
        for (text, value) in [
            ("1e3", Some(1000.0)),
            (" 1.5 ", Some(1.5)),
            ("1_000", Some(1000.0)),
            ("1.", Some(1.0)),
            (".5", Some(0.5)),
            ("1e+3", Some(1000.0)),
            ("inf", Some(f64::INFINITY)),
            ("1__0", None),
            ("0x1", None),
            ("", None),
        ] {
            assert_eq!(number(text), value, "{text:?}");
        }
    }
}
