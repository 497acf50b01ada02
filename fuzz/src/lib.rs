//! Fuzz targets, their seeds, and the limits on time and memory.
//!
//! `cargo xtask fuzz` runs the targets under libFuzzer. `tests/seeded.rs` runs them on the seeds and a fixed number of
//! mutations. A target panics if an invariant is violated.

mod documents;
mod limits;
mod seeds;
mod settings;

use runai_api::command::{shell_join, shell_quote, split};
use runai_api::quantity::Amount;
use runai_api::wire;
use runai_spec::settings::Memory;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use documents::{json, toml, yaml};
pub use seeds::{dictionary, seeds};
pub use settings::settings;

use limits::limited;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the target and of its binary.
    pub name: &'static str,
    /// Panics if an invariant is violated for the input.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 7] = [
    Target { name: "bodies", run: bodies },
    Target { name: "commands", run: commands },
    Target { name: "json", run: json },
    Target { name: "quantities", run: quantities },
    Target { name: "settings", run: settings },
    Target { name: "toml", run: toml },
    Target { name: "yaml", run: yaml },
];

/// Maximum length of an input, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;

/// Deserializes arbitrary responses; valid ones round-trip.
pub fn bodies(data: &[u8]) {
    round_trip::<wire::TrainingCreationRequest>(data);
    round_trip::<wire::Training>(data);
    round_trip::<wire::WorkloadList>(data);
    round_trip::<wire::Workload>(data);
    round_trip::<wire::EventList>(data);
    round_trip::<wire::HistoryList>(data);
    round_trip::<wire::ProjectList>(data);
    round_trip::<wire::NodePoolList>(data);
    round_trip::<Vec<wire::Cluster>>(data);
    round_trip::<wire::ErrorBody>(data);
    round_trip::<wire::HttpResponse>(data);
    round_trip::<wire::OAuthError>(data);
}

fn round_trip<T: DeserializeOwned + PartialEq + Serialize + std::fmt::Debug>(data: &[u8]) {
    let Ok(read) = limited(|| serde_json::from_slice::<T>(data)) else { return };
    let written = serde_json::to_value(&read).expect("what was read can be written");
    let again: T = serde_json::from_value(written).expect("what was written can be read");
    assert_eq!(again, read);
}

/// Splits a joined command into its original tokens.
///
/// # Panics
///
/// An invariant is violated.
pub fn commands(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // Arguments cannot contain NUL, so it separates the tokens.
    let tokens: Vec<&str> = text.split('\0').collect();
    let (joined, (command, args)) = limited(|| (shell_join(&tokens), split(&tokens)));
    assert_eq!(shlex::split(&joined).expect("quotes are closed"), tokens);
    let parts = [Some(&command), args.as_ref()].into_iter().flatten();
    let again: Vec<String> = parts.flat_map(|part| shlex::split(part).expect("quotes are closed")).collect();
    assert_eq!(again, tokens);
    for token in tokens {
        let quoted = shell_quote(token);
        assert_eq!(shlex::split(&quoted).expect("quotes are closed"), [token]);
    }
}

/// Checks that amounts are ordered, match their nearest floats, and exist for every accepted memory setting.
///
/// # Panics
///
/// An invariant is violated.
pub fn quantities(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (one, other) = text.split_once(' ').unwrap_or((&text, ""));
    let (a, b) = limited(|| (Amount::parse(one), Amount::parse(other)));
    if one.parse::<Memory>().is_ok() {
        assert!(a.is_some(), "`{one}` is a memory setting and no amount");
    }
    let (Some(a), Some(b)) = (a, b) else { return };
    let order = limited(|| a.cmp(&b));
    assert_eq!(order, b.cmp(&a).reverse());
    assert_eq!(order.is_eq(), a == b);
    assert_eq!(a.is_zero(), a <= Amount::parse("0").expect("zero is an amount"));
    let (x, y) = limited(|| (a.to_f64(), b.to_f64()));
    assert!(order.is_le() && x <= y || order.is_ge() && x >= y, "{a:?} {b:?}");
}
