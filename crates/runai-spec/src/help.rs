//! Help texts for invalid values.
//!
//! A suggestion ("write …", "quote it") keeps the meaning that the value has in Kubernetes, and is valid.

use std::borrow::Cow;

use runai_api::command;
use runai_api::quantity::Amount;
use runai_syntax::emit::yaml::flow;
use runai_syntax::yaml::core;
use runai_syntax::yaml::key_without_space;
use runai_syntax::{Text, Tree, Value, float, unusual};

use crate::setting_schema::{Kind, Range, SettingSchema};

/// Messages list the values of enums with up to this many values.
pub(crate) const MANY_VALUES: usize = 8;
/// The unit of a list of command line tokens.
pub(crate) const TOKENS: &str = "tokens";
/// The maximum length of a value in a message, in characters.
const SHOWN: usize = 60;

pub(crate) fn bounds(range: &Range) -> String {
    match (range.min, range.exclusive_min, range.max) {
        (Some(min), _, Some(max)) => format!("write a number from {min} to {max}"),
        (Some(min), _, None) => format!("write {min} or more"),
        (None, Some(min), _) => format!("write a number above {min}"),
        _ => "write a number".to_owned(),
    }
}

pub(crate) fn expected(schema: &SettingSchema) -> String {
    match &schema.kind {
        Kind::Bool => "a boolean".to_owned(),
        Kind::Enum(values) if values.len() <= MANY_VALUES => {
            format!("one of {}", list(values.iter().copied()))
        }
        Kind::Enum(_) | Kind::String(_) => "a string".to_owned(),
        Kind::Int(_) => "an integer".to_owned(),
        Kind::List { .. } => "a list".to_owned(),
        Kind::Map { .. } | Kind::Struct(_) => "a map".to_owned(),
        Kind::Number(_) => "a number".to_owned(),
        Kind::ScalarText => "a string, number or boolean".to_owned(),
    }
}

pub(crate) fn describe(value: &Value<'_>, secret: bool) -> String {
    match value {
        Value::Null => "`null`".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a map".to_owned(),
        _ if secret => "of another type".to_owned(),
        Value::Bool(_, raw) => format!("the boolean `{raw}`"),
        Value::Int(_, raw) | Value::BigInt(raw) | Value::Float(_, raw) => format!("the number `{raw}`"),
        Value::DateTime(raw) => format!("the date `{raw}`"),
        Value::String(text) => format!("the string `{}`", shorten(&text.text)),
    }
}

/// Returns the help for a value that YAML 1.1 and 1.2 parse differently: its meaning in YAML 1.1, and how to quote it.
pub(crate) fn yaml11(value: &Value<'_>) -> Option<String> {
    let (raw, meaning) = match value {
        Value::Bool(value, raw) => (*raw, format!("`{value}`")),
        Value::Int(value, raw) => (*raw, format!("the number {value}")),
        Value::Float(value, raw) => (*raw, format!("the number {value}")),
        Value::DateTime(raw) => (*raw, "a date".to_owned()),
        _ => return None,
    };
    let same = match (core(raw, raw), value) {
        (Some(Value::Bool(one, _)), Value::Bool(two, _)) => one == *two,
        (Some(Value::Int(one, _)), Value::Int(two, _)) => one == *two,
        (Some(Value::Float(..)), Value::Float(..)) => true,
        _ => false,
    };
    (!same && !raw.is_empty()).then(|| format!("YAML 1.1 reads `{raw}` as {meaning}; quote it: `\"{raw}\"`"))
}

/// Returns the help for a value of the wrong type. `unit` is the setting's.
pub(crate) fn wrong_type(value: &Value<'_>, schema: &SettingSchema, unit: Option<&str>, zenml: bool) -> String {
    let example = brief(&schema.example());
    match (&schema.kind, value) {
        (_, Value::String(text)) if let Some(found) = unusual::find(&text.text) => found.help(),
        (Kind::Map { .. } | Kind::Struct(_), Value::String(Text { text, plain: true }))
            if let Some((key, value)) = key_without_space(text) =>
        {
            format!("add a space after the `:`: `{key}: {value}`")
        }
        (Kind::ScalarText, Value::Null) => "write `\"\"` for an empty value".to_owned(),
        (_, Value::Null) => "remove the key to use the default".to_owned(),
        (Kind::Bool, Value::String(Text { text, plain })) => match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" | "true" if *plain => format!("write `true`; `{text}` is a boolean in YAML 1.1 only"),
            "no" | "off" | "n" | "false" if *plain => format!("write `false`; `{text}` is a boolean in YAML 1.1 only"),
            "true" | "yes" | "on" | "1" => "write `true`, without quotes".to_owned(),
            "false" | "no" | "off" | "0" => "write `false`, without quotes".to_owned(),
            _ => "write `true` or `false`".to_owned(),
        },
        (Kind::Bool, Value::Int(0, _)) => "write `false`".to_owned(),
        (Kind::Bool, Value::Int(1, _)) => "write `true`".to_owned(),
        (Kind::Bool, _) => "write `true` or `false`".to_owned(),
        (Kind::Int(_) | Kind::Number(_), Value::String(Text { text, .. })) => number(text, schema, unit, &example),
        (Kind::Int(_), Value::Float(..)) => "write an integer".to_owned(),
        (Kind::String(string), Value::Int(..) | Value::Float(..) | Value::BigInt(_)) => match (string.text, raw(value))
        {
            (Some(text), raw) if text.name == "memory" => memory(raw).unwrap_or_else(|| text.help.to_owned()),
            (Some(text), _) if text.name == "file-mode" => file_mode(value).unwrap_or_else(|| text.help.to_owned()),
            _ if zenml && let Some(help) = yaml11(value) => help,
            (Some(text), raw) if !(text.matches)(raw) => text.help.to_owned(),
            (_, raw) => format!("quote it: `\"{raw}\"`"),
        },
        (Kind::String(string), Value::Bool(_, raw) | Value::DateTime(raw)) => match string.text {
            _ if zenml && let Some(help) = yaml11(value) => help,
            Some(text) if !(text.matches)(raw) => text.help.to_owned(),
            _ => format!("quote it: `\"{raw}\"`"),
        },
        (Kind::ScalarText, Value::DateTime(raw)) => format!("quote it: `\"{raw}\"`"),
        (Kind::List { item, .. }, Value::String(Text { text, .. })) => match listed(text, item, unit) {
            Some(items) => format!("write a list: `{}`", flow(&Tree::List(items))),
            None => format!("write a list, such as `{example}`"),
        },
        (Kind::List { item, .. }, Value::Map(_)) if !matches!(item.kind, Kind::String(_)) => {
            "put a `-` before each item".to_owned()
        }
        (Kind::Enum(_) | Kind::ScalarText, _) => format!("write {}", expected(schema)),
        _ => format!("write {}, such as `{example}`", expected(schema)),
    }
}

/// Splits a string into the items of a list: a command by the rules of a shell, other strings at commas and whitespace.
fn listed(text: &str, item: &SettingSchema, unit: Option<&str>) -> Option<Vec<Tree<'static>>> {
    if !matches!(item.kind, Kind::String(_)) || text.trim().is_empty() {
        return None;
    }
    let owned = |words: Vec<String>| Some(words.into_iter().map(Tree::from).collect());
    if unit == Some(TOKENS) {
        return match command::words(text) {
            Some(words) => owned(words),
            None => owned(vec!["bash".to_owned(), "-c".to_owned(), text.trim().to_owned()]),
        };
    }
    let words = text.split([',', ' ', '\n', '\t']).filter(|word| !word.is_empty());
    owned(words.map(str::to_owned).collect())
}

/// Returns the help for a string instead of a number: a quoted number, a duration, or a Kubernetes quantity.
fn number(text: &str, schema: &SettingSchema, unit: Option<&str>, example: &str) -> String {
    let (whole, range) = match &schema.kind {
        Kind::Int(range) => (true, range),
        Kind::Number(range) => (false, range),
        _ => return format!("write a number, such as `{example}`"),
    };
    let fits = |value: f64| (!whole || value.fract() == 0.0 && value.abs() < 9.0e15) && fits(value, range);
    let bare = text.replace('_', "");
    let (value, help) = if let Some(value) = float::parse(&bare) {
        let whole_text = whole && bare.parse::<i64>().is_err();
        let written = if whole_text { value.to_string() } else { bare.clone() };
        let why = match (bare == text, whole_text) {
            (true, true) => "",
            (true, false) => " without quotes",
            (false, _) => "; only YAML 1.1 allows underscores in numbers",
        };
        (value, format!("write `{written}`{why}"))
    } else if let Some(Value::Int(value, raw)) = core(text, text) {
        #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
        (value as f64, format!("write `{value}`; YAML 1.1 reads `{raw}` as a string"))
    } else if unit == Some("seconds") {
        match seconds(text) {
            #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
            Some(seconds) => (seconds as f64, format!("write `{seconds}`, in seconds")),
            None => return format!("write a number, such as `{example}`"),
        }
    } else if let Some(amount) = Amount::parse(text) {
        (value_of(&amount), format!("write `{}`", value_of(&amount)))
    } else {
        return format!("write a number, such as `{example}`");
    };
    if fits(value) { help } else { bounds(range) }
}

/// Whether a number is in a range.
pub(crate) fn fits(value: f64, range: &Range) -> bool {
    range.min.is_none_or(|min| value >= min)
        && range.exclusive_min.is_none_or(|min| value > min)
        && range.max.is_none_or(|max| value <= max)
}

/// Parses a duration such as `1h30m`, in seconds.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let factor = match &rest[..letters] {
            "s" | "sec" | "seconds" => 1,
            "m" | "min" | "minutes" => 60,
            "h" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86_400,
            _ => return None,
        };
        rest = rest[letters..].trim_start();
        sum = sum.checked_add(number.checked_mul(factor)?)?;
    }
    Some(sum)
}

/// Returns the help for a file mode that is a number. Kubernetes reads numbers as decimal; digits that are no decimal mode
/// are taken as octal.
fn file_mode(value: &Value<'_>) -> Option<String> {
    let Value::Int(number, raw) = value else { return None };
    let quoted = |mode: i64| format!("`\"{mode:04o}\"`");
    let as_octal = |digits: &str| i64::from_str_radix(digits, 8).ok().filter(|mode| (0..=0o777).contains(mode));
    if let Some(mode) = raw.strip_prefix("0o").or_else(|| raw.strip_prefix('0')).and_then(as_octal) {
        return Some(format!("quote it: {}", quoted(mode)));
    }
    match ((0..=0o777).contains(number).then_some(*number), as_octal(raw)) {
        // The decimal modes in Kubernetes' documentation.
        (Some(mode), _) if matches!(mode, 256 | 288 | 292 | 384 | 416 | 420 | 493 | 511) => {
            Some(format!("write {}; `{raw}` is decimal", quoted(mode)))
        }
        (Some(decimal), Some(octal)) => {
            Some(format!("write {} if `{raw}` is decimal, or {} if it is octal", quoted(decimal), quoted(octal)))
        }
        (Some(mode), None) => Some(format!("write {}; `{raw}` is decimal", quoted(mode))),
        (None, Some(mode)) => Some(format!("quote it: {}", quoted(mode))),
        (None, None) => None,
    }
}

/// Returns the help for an amount of memory in the notation of Kubernetes or Docker.
pub(crate) fn memory(text: &str) -> Option<String> {
    let bare = text.trim().replace('_', "");
    let number = bare.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = bare[number.len()..].trim_start();
    let number = number.trim_end();
    let is_number = Amount::parse(number).is_some() && !number.starts_with(['+', '.']) && !number.ends_with('.');
    let write = |unit: &str| is_number.then(|| format!("write `{number}{unit}`"));
    match unit {
        "k" | "kb" | "KB" | "kB" => return write("K"),
        "mb" | "MB" => return write("M"),
        "gb" | "GB" | "Gb" => return write("G"),
        "tb" | "TB" | "Tb" => return write("T"),
        "ki" | "kib" | "KiB" | "KI" | "KIB" | "Kib" => return write("Ki"),
        "mi" | "mib" | "MiB" | "MI" | "MIB" | "Mib" => return write("Mi"),
        "gi" | "gib" | "GiB" | "GI" | "GIB" | "Gib" => return write("Gi"),
        "ti" | "tib" | "TiB" | "TI" | "TIB" | "Tib" => return write("Ti"),
        // Not a unit in Kubernetes; a power of 1024 in Docker.
        "g" => return is_number.then(|| format!("write `{number}Gi` or `{number}G`")),
        "t" => return is_number.then(|| format!("write `{number}Ti` or `{number}T`")),
        "m" => {
            return is_number.then(|| "use `M` or `Mi`; in Kubernetes, `m` is a thousandth".to_owned());
        }
        "" | "K" | "M" | "G" | "T" | "P" | "E" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei" => {}
        _ if unit.starts_with(['e', 'E']) => {}
        _ => return None,
    }
    let bytes = value_of(&Amount::parse(&bare)?);
    let written = amount(bytes)?;
    Some(match unit {
        // Less than 1 MB is rarely intended.
        "" if bytes < 1e6 => {
            format!("write `{written}`, or add the intended unit; Kubernetes reads a plain number as bytes")
        }
        "" => format!("write `{written}`; Kubernetes reads a plain number as bytes"),
        _ => format!("write `{written}`"),
    })
}

/// Returns the amount as a float. `Amount::to_f64` would bring std's table of powers of five into the browser package.
pub(crate) fn value_of(amount: &Amount) -> f64 {
    float::parse(&amount.to_decimal()).unwrap_or(0.0)
}

/// Returns the help for a name with dots, which Kubernetes allows for most objects.
pub(crate) fn dotted_name(text: &str) -> Option<String> {
    let is_part = |part: &str| part.parse::<crate::settings::ObjectName>().is_ok();
    (text.contains('.') && text.split('.').all(is_part))
        .then(|| "rename the object; the official SDK and ZenML reject names with dots".to_owned())
}

/// Formats a number of bytes with a supported unit.
pub(crate) fn amount(bytes: f64) -> Option<String> {
    if !(bytes.fract() == 0.0 && (0.0..9.0e18).contains(&bytes)) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and within bounds")]
    let bytes = bytes as u64;
    let units: [(&str, u64); 8] = [
        ("Ti", 1 << 40),
        ("T", 1_000_000_000_000),
        ("Gi", 1 << 30),
        ("G", 1_000_000_000),
        ("Mi", 1 << 20),
        ("M", 1_000_000),
        ("Ki", 1 << 10),
        ("K", 1000),
    ];
    let exact = units.iter().find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    Some(match exact {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None if bytes == 0 => "0K".to_owned(),
        None => {
            let text = format!("{}.{:03}", bytes / 1000, bytes % 1000);
            format!("{}K", text.trim_end_matches('0').trim_end_matches('.'))
        }
    })
}

pub(crate) fn raw<'t>(value: &Value<'t>) -> &'t str {
    match value {
        Value::Bool(_, raw) | Value::Int(_, raw) | Value::Float(_, raw) | Value::BigInt(raw) | Value::DateTime(raw) => {
            raw
        }
        _ => "",
    }
}

pub(crate) fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Formats a value on one line of YAML.
pub(crate) fn brief(value: &Tree<'_>) -> String {
    match value {
        Tree::Text(text) if text.is_empty() || float::parse(text).is_some() => format!("\"{text}\""),
        Tree::Text(text) => text.to_string(),
        Tree::List(items) => format!("[{}]", items.iter().map(brief).collect::<Vec<_>>().join(", ")),
        Tree::Map(map) => {
            let entries: Vec<_> = map.iter().map(|(key, value)| format!("{key}: {}", brief(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_json(),
    }
}

pub(crate) fn shorten(text: &str) -> Cow<'_, str> {
    let line = unusual::visible(text);
    if line.chars().count() <= SHOWN {
        return line.into();
    }
    let start: String = line.chars().take(SHOWN).collect();
    format!("{start}…").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_memory_units() {
        for (text, help) in [
            ("8589934592", "write `8Gi`; Kubernetes reads a plain number as bytes"),
            ("1e3", "write `1K`, or add the intended unit; Kubernetes reads a plain number as bytes"),
            ("1500", "write `1.5K`, or add the intended unit; Kubernetes reads a plain number as bytes"),
            ("1", "write `0.001K`, or add the intended unit; Kubernetes reads a plain number as bytes"),
            ("2P", "write `2000T`"),
            ("1Ei", "write `1048576Ti`"),
            ("8GB", "write `8G`"),
            ("8 GiB", "write `8Gi`"),
            ("512k", "write `512K`"),
            ("1_000", "write `1K`, or add the intended unit; Kubernetes reads a plain number as bytes"),
        ] {
            assert_eq!(memory(text).as_deref(), Some(help), "{text}");
        }
        assert!(memory("500m").unwrap().contains("thousandth"));
        assert_eq!(memory("lots"), None);
    }

    #[test]
    fn prefers_decimal_file_modes() {
        let help = |number, raw| file_mode(&Value::Int(number, raw)).unwrap();
        assert_eq!(help(420, "420"), "write `\"0644\"`; `420` is decimal");
        assert_eq!(help(644, "644"), "quote it: `\"0644\"`");
        assert_eq!(help(644, "0644"), "quote it: `\"0644\"`");
        assert_eq!(help(420, "0o644"), "quote it: `\"0644\"`");
        assert_eq!(help(400, "400"), "write `\"0620\"` if `400` is decimal, or `\"0400\"` if it is octal");
    }

    #[test]
    fn parses_durations() {
        assert_eq!(seconds("1h"), Some(3600));
        assert_eq!(seconds("1h30m"), Some(5400));
        assert_eq!(seconds("90"), None);
        assert_eq!(seconds("1w"), None);
    }
}
