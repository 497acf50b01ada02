//! Resolves plain scalars of YAML 1.1 like PyYAML's `SafeLoader`.

use std::fmt::Write as _;

use crate::{Value, float};

/// Why PyYAML cannot construct a plain scalar.
pub type Unconstructable = &'static str;

/// Returns the value of a plain scalar, or `None` if it is a string. `raw` is its source text.
///
/// # Errors
///
/// Scalars that PyYAML rejects, such as `2024-13-01`, which looks like a date.
pub fn scalar<'t>(text: &str, raw: &'t str) -> Result<Option<Value<'t>>, Unconstructable> {
    Ok(Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true, raw),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false, raw),
        "=" => return Err("a bare `=` has no value"),
        _ if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => return Ok(None),
        _ if is_float(text) => {
            let value = float_value(text).ok_or("invalid number")?;
            Value::Float(value, raw)
        }
        _ if is_int(text) => match int_value(text) {
            Some(Int::Small(value)) => Value::Int(value, raw),
            Some(Int::Large) => Value::BigInt(raw),
            None => return Err("invalid number"),
        },
        _ => match timestamp(text) {
            Some(time) if time.is_valid() => Value::DateTime(raw),
            Some(_) => return Err("invalid date"),
            None => return Ok(None),
        },
    }))
}

/// Returns the end of `[0-9][0-9_]*` from `start`.
fn digits(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if !bytes.get(start)?.is_ascii_digit() {
        return None;
    }
    let more = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'_').count();
    Some(start + more)
}

/// Returns the end of `(:[0-5]?[0-9])+` from `start`.
fn sexagesimal(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start;
    while bytes.get(at) == Some(&b':') {
        let first = bytes.get(at + 1).copied().filter(u8::is_ascii_digit)?;
        let second = bytes.get(at + 2).is_some_and(u8::is_ascii_digit);
        if second && first > b'5' {
            return None;
        }
        at += if second { 3 } else { 2 };
    }
    (at > start).then_some(at)
}

fn without_sign(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

/// Returns the text after the digits of a fraction.
fn fraction(rest: &str) -> &str {
    rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_')
}

fn is_float(text: &str) -> bool {
    let unsigned = without_sign(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    // The sign of an exponent is not optional.
    let exponent = |rest: &str| {
        rest.is_empty()
            || rest
                .strip_prefix(['e', 'E'])
                .and_then(|rest| rest.strip_prefix(['-', '+']))
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if let Some(rest) = text.strip_prefix('.') {
        return rest.starts_with(|c: char| c.is_ascii_digit()) && exponent(fraction(rest));
    }
    let Some(end) = digits(unsigned, 0) else { return false };
    if let Some(rest) = unsigned[end..].strip_prefix('.') {
        return exponent(fraction(rest));
    }
    sexagesimal(unsigned, end)
        .and_then(|end| unsigned[end..].strip_prefix('.'))
        .is_some_and(|rest| fraction(rest).is_empty())
}

fn is_int(text: &str) -> bool {
    let unsigned = without_sign(text);
    let all = |digits: &str, is_digit: fn(&u8) -> bool| {
        !digits.is_empty() && digits.bytes().all(|byte| byte == b'_' || is_digit(&byte))
    };
    if let Some(rest) = unsigned.strip_prefix("0b") {
        return all(rest, |byte| matches!(byte, b'0' | b'1'));
    }
    if let Some(rest) = unsigned.strip_prefix("0x") {
        return all(rest, u8::is_ascii_hexdigit);
    }
    if unsigned == "0" || unsigned.strip_prefix('0').is_some_and(|rest| all(rest, |byte| matches!(byte, b'0'..=b'7'))) {
        return true;
    }
    if unsigned.starts_with('0') {
        return false;
    }
    match digits(unsigned, 0) {
        Some(end) => end == unsigned.len() || sexagesimal(unsigned, end) == Some(unsigned.len()),
        None => false,
    }
}

enum Int {
    /// More than 64 bits.
    Large,
    Small(i64),
}

fn int_value(text: &str) -> Option<Int> {
    let bare = text.replace('_', "");
    let unsigned = without_sign(&bare);
    let (digits, radix) = if let Some(digits) = unsigned.strip_prefix("0b") {
        (digits, 2)
    } else if let Some(digits) = unsigned.strip_prefix("0x") {
        (digits, 16)
    } else if unsigned.starts_with('0') && unsigned != "0" {
        (unsigned, 8)
    } else {
        (unsigned, 10)
    };
    let negative = bare.starts_with('-');
    let magnitude = if unsigned.contains(':') {
        unsigned.split(':').try_fold(0_i128, |sum, part| sum.checked_mul(60)?.checked_add(part.parse::<i128>().ok()?))
    } else if digits.is_empty() {
        return None;
    } else {
        i128::from_str_radix(digits, radix).ok()
    };
    let signed = magnitude.map(|magnitude| if negative { -magnitude } else { magnitude });
    Some(signed.and_then(|value| i64::try_from(value).ok()).map_or(Int::Large, Int::Small))
}

fn float_value(text: &str) -> Option<f64> {
    let bare = text.replace('_', "").to_ascii_lowercase();
    let unsigned = without_sign(&bare);
    let sign = if bare.starts_with('-') { -1.0 } else { 1.0 };
    let value = match unsigned {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ if unsigned.contains(':') => {
            let parts = unsigned.split(':').map(float::parse).collect::<Option<Vec<_>>>()?;
            parts.into_iter().fold(0.0, |sum, part| sum * 60.0 + part)
        }
        _ => float::parse(unsigned)?,
    };
    Some(sign * value)
}

/// A date, or a date with a time.
pub struct Timestamp {
    year: u32,
    month: u32,
    day: u32,
    time: Option<Time>,
}

struct Time {
    hour: u32,
    minute: u32,
    second: u32,
    microsecond: u32,
    /// The offset from UTC in minutes, if there is one.
    offset: Option<i32>,
}

impl Timestamp {
    fn is_valid(&self) -> bool {
        let leap = self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let days = match self.month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        let time = self.time.as_ref().is_none_or(|time| {
            let in_a_day = time.offset.is_none_or(|offset| offset.abs() < 24 * 60);
            time.hour < 24 && time.minute < 60 && time.second < 60 && in_a_day
        });
        self.year > 0 && (1..=days).contains(&self.day) && time
    }

    /// Formats the timestamp like Python's `str`.
    #[must_use]
    pub fn python(&self) -> String {
        let Self { year, month, day, time } = self;
        let mut text = format!("{year:04}-{month:02}-{day:02}");
        if let Some(Time { hour, minute, second, microsecond, offset }) = time {
            let _ = write!(text, " {hour:02}:{minute:02}:{second:02}");
            if *microsecond > 0 {
                let _ = write!(text, ".{microsecond:06}");
            }
            if let Some(offset) = offset {
                let sign = if *offset < 0 { '-' } else { '+' };
                let _ = write!(text, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60);
            }
        }
        text
    }

    /// Formats the timestamp like Python's `repr`, without time zone.
    #[must_use]
    pub fn python_repr(&self) -> String {
        let Self { year, month, day, time } = self;
        match time {
            None => format!("datetime.date({year}, {month}, {day})"),
            Some(Time { hour, minute, second, microsecond, .. }) => {
                let tail = match (second, microsecond) {
                    (0, 0) => String::new(),
                    (second, 0) => format!(", {second}"),
                    (second, microsecond) => format!(", {second}, {microsecond}"),
                };
                format!("datetime.datetime({year}, {month}, {day}, {hour}, {minute}{tail})")
            }
        }
    }
}

/// Parses a date or time in PyYAML's format, without checking that the date exists.
#[must_use]
pub fn timestamp(text: &str) -> Option<Timestamp> {
    let mut cursor = Cursor { text, at: 0 };
    let year = cursor.number(4, 4)?;
    cursor.expect('-')?;
    let (month, month_digits) = cursor.counted(1, 2)?;
    cursor.expect('-')?;
    let (day, day_digits) = cursor.counted(1, 2)?;
    if cursor.rest().is_empty() {
        return (month_digits == 2 && day_digits == 2).then_some(Timestamp { year, month, day, time: None });
    }
    if cursor.expect('T').or_else(|| cursor.expect('t')).is_none() {
        let blanks = cursor.blanks();
        if blanks == 0 {
            return None;
        }
    }
    let hour = cursor.number(1, 2)?;
    cursor.expect(':')?;
    let minute = cursor.number(2, 2)?;
    cursor.expect(':')?;
    let second = cursor.number(2, 2)?;
    let mut microsecond = 0;
    if cursor.expect('.').is_some() {
        let digits = cursor.rest().bytes().take_while(u8::is_ascii_digit).count();
        let fraction: String = cursor.rest()[..digits].chars().chain("000000".chars()).take(6).collect();
        microsecond = fraction.parse().ok()?;
        cursor.at += digits;
    }
    let mut offset = None;
    if !cursor.rest().is_empty() {
        cursor.blanks();
        if cursor.expect('Z').is_some() {
            offset = Some(0);
        } else {
            let sign = if cursor.expect('-').is_some() { -1 } else { cursor.expect('+').map(|()| 1)? };
            let hours = i32::try_from(cursor.number(1, 2)?).ok()?;
            let minutes = if cursor.expect(':').is_some() { i32::try_from(cursor.number(2, 2)?).ok()? } else { 0 };
            offset = Some(sign * (hours * 60 + minutes));
        }
    }
    let time = Some(Time { hour, minute, second, microsecond, offset });
    cursor.rest().is_empty().then_some(Timestamp { year, month, day, time })
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn expect(&mut self, c: char) -> Option<()> {
        self.rest().starts_with(c).then(|| self.at += c.len_utf8())
    }

    fn blanks(&mut self) -> usize {
        let blanks = self.rest().bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.at += blanks;
        blanks
    }

    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        self.counted(least, most).map(|(number, _)| number)
    }

    fn counted(&mut self, least: usize, most: usize) -> Option<(u32, usize)> {
        let digits = self.rest().bytes().take(most).take_while(u8::is_ascii_digit).count();
        let number = self.rest()[..digits].parse().ok().filter(|_| digits >= least)?;
        self.at += digits;
        Some((number, digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match scalar(text, text) {
            Err(_) => "rejected".to_owned(),
            Ok(None) => "str".to_owned(),
            Ok(Some(Value::Null)) => "None".to_owned(),
            Ok(Some(Value::Bool(value, _))) => value.to_string(),
            Ok(Some(Value::Int(value, _))) => format!("int {value}"),
            Ok(Some(Value::Float(value, _))) => format!("float {value}"),
            Ok(Some(Value::BigInt(_))) => "big".to_owned(),
            Ok(Some(Value::DateTime(text))) => timestamp(text).unwrap().python(),
            Ok(Some(_)) => "other".to_owned(),
        }
    }

    /// The expected values are those of `yaml.safe_load` of PyYAML 6.0.4.
    #[test]
    fn resolves_scalars_like_pyyaml() {
        for (text, meaning) in [
            ("NO", "false"),
            ("on", "true"),
            ("y", "str"),
            ("yEs", "str"),
            ("1_000", "int 1000"),
            ("1e3", "str"),
            ("1.0e3", "str"),
            ("1.0e+3", "float 1000"),
            ("0o4", "str"),
            ("010", "int 8"),
            ("08", "str"),
            ("0b11", "int 3"),
            ("0x_1F", "int 31"),
            ("0b_", "rejected"),
            ("1:30", "int 90"),
            ("12:30:45", "int 45045"),
            ("1:60", "str"),
            ("190:20:30.15", "float 685230.15"),
            ("-.5", "str"),
            (".5", "float 0.5"),
            ("+.inf", "float inf"),
            ("-.nan", "str"),
            ("1.", "float 1"),
            ("99999999999999999999", "big"),
            ("2024-01-02", "2024-01-02"),
            ("2024-1-2", "str"),
            ("2024-1-2 3:04:05", "2024-01-02 03:04:05"),
            ("2024-13-45", "rejected"),
            ("2023-02-29", "rejected"),
            ("2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.100000-05:00"),
            ("2024-01-02T03:04:05Z", "2024-01-02 03:04:05+00:00"),
            ("=", "rejected"),
            ("=x", "str"),
            ("-", "str"),
            ("", "None"),
        ] {
            assert_eq!(shown(text), meaning, "{text}");
        }
    }
}
