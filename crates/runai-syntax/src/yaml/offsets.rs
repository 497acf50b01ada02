//! Places of the YAML parser, in bytes.

use super::characters::events_with_blanks;

/// The parser counts characters; spans count bytes.
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

/// Offsets of tabs between a colon and a value. The parser refuses them, YAML 1.2 does not.
pub(crate) fn tabs_behind_colons(text: &str) -> Vec<usize> {
    let mut blanks = Vec::new();
    while text.contains(":\t") && blanks.len() <= MAX_TABS {
        let refused = events_with_blanks(text, blanks.clone()).find_map(Result::err);
        let refused = refused.filter(|error| error.info().starts_with("':' must be followed"));
        let Some(error) = refused else { break };
        let found = tabs_before(text, Offsets::new(text).byte(error.marker().index()));
        if found.is_empty() {
            break;
        }
        blanks.extend(found);
    }
    blanks
}

/// Most tabs behind colons that are read as blanks: each costs another pass.
const MAX_TABS: usize = 200;

/// Offsets of the tabs between a colon and a place.
fn tabs_before(body: &str, at: usize) -> Vec<usize> {
    let gap = body[..at].bytes().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    (at - gap..at).filter(|at| body.as_bytes()[*at] == b'\t').collect()
}
