//! An input for `saphyr-parser` over a text in memory, and its places in bytes.
//!
//! It fills two gaps of `saphyr-parser` 0.3, and needs nothing else of this crate, so that both can be sent upstream:
//!
//! * A `Marker` counts characters, while a slice of a `&str` and every editor count bytes. [`Offsets`] converts them; a
//!   `Marker` with the offset in bytes, which an input knows, would replace it and its table for texts beyond ASCII.
//! * `StrInput` decodes a character each time that it is looked at, and reserves room for 128 more in each scalar.
//!   [`Characters`] keeps the character at hand, reads ASCII as bytes, and reserves 16.
//!
//! Reading some tabs as blanks ([`events_with_blanks`]) is only a workaround: YAML 1.2 allows a tab behind a colon.

use saphyr_parser::input::{is_blank_or_breakz, is_breakz, is_flow};
use saphyr_parser::{Input, Parser};

/// The events of a text.
pub(crate) type Events<'t> = Parser<'t, Characters<'t>>;

/// The events of a text, in which the parser reads the tabs at `blanks` as blanks.
pub(crate) fn events_with_blanks(text: &str, blanks: Vec<usize>) -> Events<'_> {
    Parser::new(Characters { text, at: 0, here: character(text, 0), blanks })
}

pub(crate) struct Characters<'t> {
    text: &'t str,
    at: usize,
    /// The character at `at`.
    here: char,
    /// Offsets of tabs that are read as blanks, in order.
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

/// The character at an offset. What is behind the text is for the parser a NUL.
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

/// How many characters the parser may look at together, and how many more it makes room for in a scalar.
const AHEAD: usize = 16;
const BYTE_ORDER_MARK: char = '\u{feff}';

impl Input for Characters<'_> {
    /// All of the text is there.
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

    /// As it would be by itself, but that few characters depend on the next one.
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

/// The offsets in bytes of the characters that the parser counts.
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

    /// The parser's own input gives the same events, at the same places, or the same error.
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
        fn events_are_those_of_the_parsers_own_input(
            text in "([a-zé🚀0-9]{0,3}|[-?:,#&*!|>@'\"\\[\\]{}]|: |- |# |\\|\n|>-\n|\n| |  |\t|\r\n|---|\\.\\.\\.|&a|\\*a|!!str |\u{feff}|\\x00){0,40}",
        ) {
            check(&text);
        }

        /// Apart, because the parser's own input counts the bytes of a directive, and the characters of all else.
        #[test]
        fn directives_are_those_of_the_parsers_own_input(text in "(%|%YAML |%TAG |1\\.2|![a-z]?|[a-z]| |\n|---|#){0,16}\n?(---)?[ a-z]*") {
            check(&text);
        }
    }

    /// The parser reads so only from an input that has nothing to look ahead at.
    #[test]
    fn characters_are_read_one_by_one_up_to_a_break() {
        for (text, line) in [("é🚀a\nb", "é🚀a"), ("a\u{feff}", "a"), ("ab", "ab"), ("", "")] {
            let mut input = Characters { text, at: 0, here: character(text, 0), blanks: Vec::new() };
            let read: String = std::iter::from_fn(|| input.raw_read_non_breakz_ch()).collect();
            assert_eq!(read, line);
            let rest: String = (0..text.len()).map(|_| input.raw_read_ch()).collect();
            assert_eq!(format!("{read}{}", rest.trim_end_matches('\0')), text);
        }
    }

    #[test]
    fn a_directive_is_counted_in_characters() {
        let error = events("%é").find_map(Result::err).unwrap();
        assert_eq!(error.marker().index(), 2);
    }
}
