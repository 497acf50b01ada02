//! Scalars: their text, and what they mean in the core schema.

use std::borrow::Cow;

use crate::{Value, float};

/// A quoted scalar, behind which a comment may have quotes of its own.
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

/// The text as a part of the document, where it stands there as it is: the parser copies all scalars, and a copy costs
/// memory again wherever the tree is cloned.
pub(super) fn borrowed<'t>(text: Cow<'t, str>, raw: &'t str) -> Cow<'t, str> {
    if text == raw { Cow::Borrowed(raw) } else { text }
}

/// The text of a scalar behind its tag and anchor.
pub(super) fn raw_scalar(raw: &str) -> &str {
    let mut raw = raw;
    while raw.starts_with(['!', '&']) {
        raw = raw.split_once([' ', '\n', '\t']).map_or("", |(_, rest)| rest.trim_start());
    }
    raw
}

/// What a plain scalar means in the core schema, unless it is a string.
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

/// The core schema's float without its sign: `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`.
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
