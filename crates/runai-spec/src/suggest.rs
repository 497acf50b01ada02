//! Suggestions for misspelled names.

use strsim::damerau_levenshtein;

/// Returns the name in `known` that is nearest to `word`, ignoring case, dashes and plurals.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    Names::new(known).nearest(word)
}

/// Known names, prepared for several searches.
pub(crate) struct Names<'k>(Vec<Name<'k>>);

struct Name<'k> {
    text: &'k str,
    folded: String,
    /// The length of `folded`, in characters.
    length: usize,
}

impl<'k> Names<'k> {
    pub(crate) fn new(names: impl IntoIterator<Item = &'k str>) -> Self {
        let prepared = names.into_iter().map(|name| {
            let folded = fold(name);
            Name { text: name, length: folded.chars().count(), folded }
        });
        Self(prepared.collect())
    }

    /// Returns the name that is nearest to `word`.
    pub(crate) fn nearest(&self, word: &str) -> Option<&'k str> {
        let folded = fold(word);
        let length = folded.chars().count();
        let allowed = (length / 3).max(1);
        let near = self.0.iter().filter_map(|known| {
            // A prefix or suffix of a long name: `gpu_portion` for `gpu_portion_request`.
            let part = folded.len() >= 5 && (known.folded.starts_with(&folded) || known.folded.ends_with(&folded));
            // A lower bound of the distance, which is expensive to compute.
            if !part && length.abs_diff(known.length) > allowed {
                return None;
            }
            let distance = damerau_levenshtein(&folded, &known.folded);
            let rank = if part { distance.min(allowed) } else { distance };
            // Prefer a request over its limit.
            (rank <= allowed).then_some((rank, !known.text.ends_with("_request"), distance, known.text))
        });
        near.min().map(|(_, _, _, name)| name)
    }
}

/// Normalizes a name: `GPU-DevicesRequests` and `gpu_devices_request` fold to the same string.
fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len() + 4);
    let mut after_lower = false;
    for c in word.chars() {
        if c.is_ascii_uppercase() && after_lower {
            folded.push('_');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        match c {
            '-' | ' ' | '.' => folded.push('_'),
            _ => folded.push(c.to_ascii_lowercase()),
        }
    }
    let singular = folded.strip_suffix('s').map_or(folded.len(), str::len);
    folded.truncate(singular);
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_nearest_name() {
        let known =
            ["gpu_devices_request", "gpu_portion_request", "gpu_portion_limit", "node_pools", "labels", "effect"];
        for (word, meant) in [
            ("gpu_device_request", Some("gpu_devices_request")),
            ("gpu-devices-request", Some("gpu_devices_request")),
            ("gpuDevicesRequest", Some("gpu_devices_request")),
            ("GPU_DEVICES_REQUEST", Some("gpu_devices_request")),
            ("node_pool", Some("node_pools")),
            ("label", Some("labels")),
            ("gpu_portion", Some("gpu_portion_request")),
            ("effct", Some("effect")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
