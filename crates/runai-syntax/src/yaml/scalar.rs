//! Scalars: their source text, and their values in the core schema.

use std::borrow::Cow;

use crate::{Value, float};

/// Removes the comment after a quoted scalar. The comment may contain quotes.
pub(crate) fn without_comment(raw: &str, quote: char) -> &str {
    let text = raw_scalar(raw);
    let Some(inner) = text.strip_prefix(quote) else {
        return &raw[..raw.rfind(quote).map_or(raw.len(), |at| at + 1)];
    };
    let mut rest = inner.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c == '\\' && quote == '"' {
            rest.next();
        } else if c == quote && (quote == '"' || rest.next_if(|(_, next)| *next == quote).is_none()) {
            return &raw[..=raw.len() - inner.len() + at];
        }
    }
    raw
}

/// Borrows the text from the source if it has no escapes. The parser copies all scalars, which would cost memory in each
/// clone of the tree.
pub(super) fn borrowed<'t>(text: Cow<'t, str>, raw: &'t str) -> Cow<'t, str> {
    if text == raw { Cow::Borrowed(raw) } else { text }
}

/// Removes the tag and anchor of a scalar.
pub(super) fn raw_scalar(raw: &str) -> &str {
    let mut raw = raw;
    while raw.starts_with(['!', '&']) {
        raw = raw.split_once([' ', '\n', '\t']).map_or("", |(_, rest)| rest.trim_start());
    }
    raw
}

/// Returns the value of a plain scalar in the core schema, unless it is a string.
#[must_use]
pub fn core<'t>(text: &str, raw: &'t str) -> Option<Value<'t>> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true, raw)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false, raw)),
        ".nan" | ".NaN" | ".NAN" => return Some(Value::Float(f64::NAN, raw)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(Value::Float(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }, raw));
    }
    let radix = |digits: &str, radix: u32, prefix: &str| {
        (text.starts_with(prefix) && !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix)))
            .then(|| i64::from_str_radix(digits, radix).map_or(Value::BigInt(raw), |value| Value::Int(value, raw)))
    };
    if let Some(value) = text.strip_prefix("0o").and_then(|digits| radix(digits, 8, "0o")) {
        return Some(value);
    }
    if let Some(value) = text.strip_prefix("0x").and_then(|digits| radix(digits, 16, "0x")) {
        return Some(value);
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(Value::BigInt(raw), |value| Value::Int(value, raw)));
    }
    is_float(unsigned).then(|| float::parse(text).map_or(Value::BigInt(raw), |value| Value::Float(value, raw)))
}

/// Whether `text` is a float of the core schema without sign: `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`.
fn is_float(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (text, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    mantissa_fits && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}
