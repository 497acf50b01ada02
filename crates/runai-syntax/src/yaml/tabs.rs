//! Tabs between a colon and a value: YAML 1.2 allows them, but `saphyr-parser` rejects them.

use super::input::{Offsets, events_with_blanks};

/// Returns the offsets of the tabs that the parser must read as spaces.
pub(crate) fn tabs_after_colons(text: &str) -> Vec<usize> {
    let mut blanks = Vec::new();
    while text.contains(":\t") && blanks.len() <= MAX_TABS {
        let rejected = events_with_blanks(text, blanks.clone()).find_map(Result::err);
        let rejected = rejected.filter(|error| error.info().starts_with("':' must be followed"));
        let Some(error) = rejected else { break };
        let found = tabs_before(text, Offsets::new(text).byte(error.marker().index()));
        if found.is_empty() {
            break;
        }
        blanks.extend(found);
    }
    blanks
}

/// The maximum number of tabs after colons that are read as spaces. Each takes another pass.
const MAX_TABS: usize = 200;

/// Returns the offsets of the tabs between a colon and an offset.
fn tabs_before(body: &str, at: usize) -> Vec<usize> {
    let gap = body[..at].bytes().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    (at - gap..at).filter(|at| body.as_bytes()[*at] == b'\t').collect()
}
