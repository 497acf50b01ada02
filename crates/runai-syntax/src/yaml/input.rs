//! An input for `saphyr-parser` over a text in memory, and byte offsets of its markers.
//!
//! It solves two problems of `saphyr-parser` 0.3, and does not depend on the rest of this crate, so it can be contributed
//! upstream:
//!
//! * A `Marker` counts characters, while a slice of a `&str` and every editor count bytes. [`Offsets`] converts them; a
//!   `Marker` with the offset in bytes, which an input knows, would replace it and its table for texts beyond ASCII.
//! * `StrInput` decodes a character at each access, and reserves room for 128 more in each scalar.
//!   [`Characters`] caches the current character, reads ASCII as bytes, and reserves 16.
//!
//! Reading some tabs as spaces ([`events_with_blanks`]) is a workaround: YAML 1.2 allows a tab after a colon.

use saphyr_parser::input::{is_blank_or_breakz, is_breakz, is_flow};
use saphyr_parser::{Input, Parser};

/// The events of a text.
pub(crate) type Events<'t> = Parser<'t, Characters<'t>>;

/// Returns the events of a text. The parser reads the tabs at `blanks` as spaces.
pub(crate) fn events_with_blanks(text: &str, blanks: Vec<usize>) -> Events<'_> {
    Parser::new(Characters { text, at: 0, here: character(text, 0), blanks })
}

pub(crate) struct Characters<'t> {
    text: &'t str,
    at: usize,
    /// The character at `at`.
    here: char,
    /// Offsets of tabs that are read as spaces, in order.
    blanks: Vec<usize>,
}

impl Characters<'_> {
    fn character(&self, at: usize) -> char {
        match character(self.text, at) {
            '\t' if self.blanks.binary_search(&at).is_ok() => ' ',
            c => c,
        }
    }
}

/// Returns the character at an offset, or NUL after the end of the text.
fn character(text: &str, at: usize) -> char {
    match text.as_bytes().get(at) {
        Some(byte) if byte.is_ascii() => char::from(*byte),
        _ => longer(text, at),
    }
}

#[cold]
fn longer(text: &str, at: usize) -> char {
    text[at.min(text.len())..].chars().next().unwrap_or_default()
}

/// The lookahead of the parser, and the capacity that it reserves in a scalar, in characters.
const AHEAD: usize = 16;
const BYTE_ORDER_MARK: char = '\u{feff}';

impl Input for Characters<'_> {
    /// The whole text is in memory.
    fn lookahead(&mut self, _: usize) {}

    fn buflen(&self) -> usize {
        AHEAD
    }

    fn bufmaxlen(&self) -> usize {
        AHEAD
    }

    fn raw_read_ch(&mut self) -> char {
        let read = self.here;
        self.skip();
        read
    }

    fn raw_read_non_breakz_ch(&mut self) -> Option<char> {
        (!is_breakz(self.here) && self.here != BYTE_ORDER_MARK).then(|| self.raw_read_ch())
    }

    fn skip(&mut self) {
        self.at += self.here.len_utf8();
        self.here = self.character(self.at);
    }

    fn skip_n(&mut self, count: usize) {
        (0..count).for_each(|_| self.skip());
    }

    fn peek(&self) -> char {
        self.here
    }

    fn peek_nth(&self, n: usize) -> char {
        let mut at = self.at;
        let mut there = self.here;
        for _ in 0..n {
            at += there.len_utf8();
            there = self.character(at);
        }
        there
    }

    fn peek_opt(&self) -> Option<char> {
        (self.at < self.text.len()).then_some(self.here)
    }

    /// Like the default, but faster, because few characters depend on the next one.
    fn next_can_be_plain_scalar(&self, in_flow: bool) -> bool {
        match self.here {
            ':' => {
                let next = self.peek_nth(1);
                !(is_blank_or_breakz(next) || in_flow && is_flow(next))
            }
            c => c != BYTE_ORDER_MARK && !(in_flow && is_flow(c)),
        }
    }
}

/// Byte offsets of characters.
pub(crate) struct Offsets(Option<Vec<u32>>);

impl Offsets {
    pub(crate) fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self(None);
        }
        let offsets = text.char_indices().map(|(offset, _)| offset).chain(std::iter::once(text.len()));
        Self(Some(offsets.map(|offset| u32::try_from(offset).unwrap_or(u32::MAX)).collect()))
    }

    pub(crate) fn byte(&self, index: usize) -> usize {
        match &self.0 {
            None => index,
            Some(offsets) => offsets.get(index).or(offsets.last()).map_or(0, |offset| *offset as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(text: &str) -> Events<'_> {
        events_with_blanks(text, Vec::new())
    }

    /// Asserts that the parser's `StrInput` has the same events, spans or error.
    fn check(text: &str) {
        let (mut own, mut other) = (events(text), Parser::new_from_str(text));
        loop {
            let event = own.next_event();
            assert_eq!(event, other.next_event(), "{text:?}");
            if !matches!(event, Some(Ok(_))) {
                return;
            }
        }
    }

    proptest! {
        #[test]
        fn events_equal_those_of_str_input(
            text in "([a-zé🚀0-9]{0,3}|[-?:,#&*!|>@'\"\\[\\]{}]|: |- |# |\\|\n|>-\n|\n| |  |\t|\r\n|---|\\.\\.\\.|&a|\\*a|!!str |\u{feff}|\\x00){0,40}",
        ) {
            check(&text);
        }

        /// A separate test, because `StrInput` counts bytes in directives, and characters elsewhere.
        #[test]
        fn directives_equal_those_of_str_input(text in "(%|%YAML |%TAG |1\\.2|![a-z]?|[a-z]| |\n|---|#){0,16}\n?(---)?[ a-z]*") {
            check(&text);
        }
    }

    /// The parser uses this method only for inputs without lookahead.
    #[test]
    fn reads_characters_up_to_break() {
        for (text, line) in [("é🚀a\nb", "é🚀a"), ("a\u{feff}", "a"), ("ab", "ab"), ("", "")] {
            let mut input = Characters { text, at: 0, here: character(text, 0), blanks: Vec::new() };
            let read: String = std::iter::from_fn(|| input.raw_read_non_breakz_ch()).collect();
            assert_eq!(read, line);
            let rest: String = (0..text.len()).map(|_| input.raw_read_ch()).collect();
            assert_eq!(format!("{read}{}", rest.trim_end_matches('\0')), text);
        }
    }

    #[test]
    fn counts_directives_in_characters() {
        let error = events("%é").find_map(Result::err).unwrap();
        assert_eq!(error.marker().index(), 2);
    }
}
