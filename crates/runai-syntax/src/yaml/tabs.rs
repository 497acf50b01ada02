//! Tabs between a colon and a value: YAML 1.2 allows them, `saphyr-parser` refuses them.

use super::input::{Offsets, events_with_blanks};

/// Returns the offsets of the tabs that the parser must read as blanks.
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
