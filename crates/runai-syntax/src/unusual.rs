//! Invisible characters, and characters that look like others.

use std::borrow::Cow;

/// A character that is probably unintended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusual {
    /// The character.
    pub character: char,
    /// The name: `a no-break space`.
    pub name: &'static str,
    /// The replacement.
    pub instead: &'static str,
}

/// Returns the first unusual character of a text. Typographic quotes and dashes are unusual only at the start or end.
#[must_use]
pub fn find(text: &str) -> Option<Unusual> {
    let at_an_end = |c: char| text.starts_with(c) || text.ends_with(c);
    text.chars().find_map(|c| {
        let (name, instead, anywhere) = named(c)?;
        (anywhere || at_an_end(c)).then_some(Unusual { character: c, name, instead })
    })
}

/// Returns the name and replacement of an unusual character, and whether it is unusual anywhere in a text.
fn named(c: char) -> Option<(&'static str, &'static str, bool)> {
    Some(match c {
        '\u{a0}' => ("a no-break space", "a space", true),
        '\u{2007}' | '\u{202f}' => ("a narrow no-break space", "a space", true),
        '\u{3000}' => ("an ideographic space", "a space", true),
        '\u{2000}'..='\u{2006}' | '\u{2008}'..='\u{200a}' => ("a typographic space", "a space", true),
        '\u{200b}' => ("a zero-width space", "nothing", true),
        '\u{200c}' | '\u{200d}' => ("a zero-width joiner", "nothing", false),
        '\u{2060}' => ("a word joiner", "nothing", true),
        '\u{feff}' => ("a byte order mark", "nothing", true),
        '\u{ad}' => ("a soft hyphen", "nothing", true),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => ("a text direction mark", "nothing", true),
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => ("a typographic quote", "`\"`", false),
        '\u{2018}' | '\u{2019}' | '\u{201a}' => ("a typographic quote", "`'`", false),
        '\u{2010}' | '\u{2011}' | '\u{2212}' => ("a typographic hyphen", "`-`", false),
        '\u{2013}' | '\u{2014}' => ("a typographic dash", "`-` or `--`", false),
        _ => return None,
    })
}

impl Unusual {
    /// Returns the help text.
    #[must_use]
    pub fn help(self) -> String {
        let Self { character, name, instead } = self;
        let code = u32::from(character);
        if instead == "nothing" {
            format!("remove {name} (U+{code:04X})")
        } else {
            format!("write {instead} instead of {name} (U+{code:04X})")
        }
    }
}

/// Replaces unusual characters by plain ones.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if find(text).is_none() {
        return text.into();
    }
    let plain = text.chars().filter_map(|c| match named(c) {
        Some((_, "nothing", _)) => None,
        Some((_, "a space", _)) => Some(' '),
        Some((_, "`\"`", _)) => Some('"'),
        Some((_, "`'`", _)) => Some('\''),
        Some(_) => Some('-'),
        None => Some(c),
    });
    Cow::Owned(plain.collect::<String>().trim().to_owned())
}

/// Whether a character is part of a word. To avoid std's large tables of letters, all non-ASCII characters are, except
/// unusual ones and whitespace.
#[must_use]
pub fn is_word_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii() && !c.is_whitespace() && !c.is_control() && named(c).is_none()
}

/// Escapes backslashes and invisible characters.
#[must_use]
pub fn visible(text: &str) -> String {
    let is_visible = |c: char| c != '\\' && !c.is_control() && (c.is_ascii() || !is_invisible(c));
    let escape = |c: char| if is_visible(c) { c.to_string() } else { c.escape_default().to_string() };
    text.chars().map(escape).collect()
}

fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || named(c).is_some_and(|(_, instead, _)| instead == "nothing" || instead == "a space")
        || matches!(c, '\u{2066}'..='\u{2069}' | '\u{fff0}'..='\u{ffff}' | '\u{e000}'..='\u{f8ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_unusual_characters() {
        let help = |text| find(text).map(Unusual::help).unwrap_or_default();
        assert_eq!(help("a\u{a0}b"), "write a space instead of a no-break space (U+00A0)");
        assert_eq!(help("a\u{200b}"), "remove a zero-width space (U+200B)");
        assert_eq!(help("\u{201c}a\u{201d}"), "write `\"` instead of a typographic quote (U+201C)");
        assert_eq!(help("\u{2013}epochs"), "write `-` or `--` instead of a typographic dash (U+2013)");
        for text in ["it\u{2019}s fine", "a \u{2013} b", "é", "日本", "\u{1f469}\u{200d}\u{1f52c}"] {
            assert_eq!(find(text), None, "{text}");
        }
        assert_eq!(plain("\u{a0}gpu_devices\u{200b}_request"), "gpu_devices_request");
    }
}
