//! Faults: errors in transport, responses and effects of requests.

mod endpoint;
mod hostile;
mod kind;
mod numbers;
mod random;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) use self::kind::KINDS;
pub(crate) use self::random::Random;
pub use self::{
    endpoint::Endpoint,
    kind::{ConflictWording, Damage, FaultKind, LateAnswer, SpecChange, TotalsChange},
};
use crate::{
    clock::{between, later},
    world::pattern_matches,
};

/// A fault: its kind, and the requests that it applies to.
///
/// All times are simulated. `seed` determines every random choice: the same requests in the same order get the same
/// faults.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Fault {
    /// Number of matching requests that pass first.
    pub after: u32,
    /// The purpose of the requests; any by default.
    pub endpoint: Option<Endpoint>,
    /// Delay in seconds before it starts; 0 by default.
    #[serde(deserialize_with = "numbers::optional_seconds")]
    pub from: Option<f64>,
    /// The kind.
    pub kind: FaultKind,
    /// The method of the requests, such as `POST`; any by default.
    pub method: Option<String>,
    /// The path of the requests, where `*` matches any text; any path by default.
    pub path: Option<String>,
    /// The probability for each matching request, from 0 to 1.
    #[serde(deserialize_with = "numbers::probability")]
    pub probability: f64,
    /// Its duration in seconds; unlimited by default.
    #[serde(deserialize_with = "numbers::optional_seconds")]
    pub seconds: Option<f64>,
    /// Determines every random choice.
    pub seed: u64,
    /// Maximum number of requests that it applies to; unlimited by default.
    pub times: Option<u32>,
}

impl Default for Fault {
    /// Returns 503 for every request.
    fn default() -> Self {
        Self {
            after: 0,
            endpoint: None,
            from: None,
            kind: FaultKind::default(),
            method: None,
            path: None,
            probability: 1.0,
            seconds: None,
            seed: 0,
            times: None,
        }
    }
}

impl Fault {
    /// Returns a fault that applies to every request.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Returns the preset `hostile`: all kinds of faults with small probabilities or in short windows.
    ///
    /// Clients that retry succeed, except that a suspended workload may stay in the phase Stopping
    /// ([`FaultKind::StuckStopping`]). Windows are in the first 15 minutes of simulated time.
    #[must_use]
    pub fn hostile(seed: u64) -> Vec<Self> {
        hostile::hostile(seed)
    }

    /// Restricts it to requests with this method and path, where `*` matches any text.
    #[must_use]
    pub fn on(mut self, method: impl Into<String>, path: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self.path = Some(path.into());
        self
    }

    /// Restricts it to requests with this purpose.
    #[must_use]
    pub fn at(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Restricts it to this many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Sets the delay in simulated time before it starts.
    #[must_use]
    pub fn starting_after(mut self, time: Duration) -> Self {
        self.from = Some(time.as_secs_f64());
        self
    }

    /// Sets its duration in simulated time.
    #[must_use]
    pub fn lasting(mut self, time: Duration) -> Self {
        self.seconds = Some(time.as_secs_f64());
        self
    }

    /// Sets its probability, from 0 to 1, and the seed of its random choices.
    #[must_use]
    pub fn by_chance(mut self, probability: f64, seed: u64) -> Self {
        self.probability = probability;
        self.seed = seed;
        self
    }
}

/// The active faults, and how often each has been applied.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Number of requests that each kind was applied to.
    applied: BTreeMap<&'static str, u64>,
    active: Vec<ActiveFault>,
}

#[derive(Debug)]
struct ActiveFault {
    fault: Fault,
    from: Timestamp,
    /// For a rate limit: requests in the current period, and its start.
    passed: Option<(u32, Timestamp)>,
    random: Random,
    /// Matching requests so far.
    seen: u32,
    /// Requests that it was applied to.
    applied: u32,
    until: Option<Timestamp>,
}

/// A fault that applies to a request.
#[derive(Clone, Debug)]
pub(crate) struct Injection {
    pub(crate) kind: FaultKind,
    /// Random numbers for this request.
    pub(crate) random: Random,
    /// Start of the fault.
    pub(crate) since: Timestamp,
    /// For a rate limit: the time until more requests pass.
    pub(crate) wait: Duration,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault, now: Timestamp) {
        let duration = |seconds: Option<f64>| seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
        let from = later(now, duration(fault.from).unwrap_or_default());
        self.active.push(ActiveFault {
            until: duration(fault.seconds).map(|it| later(from, it)),
            from,
            passed: None,
            random: Random::new(fault.seed),
            fault,
            seen: 0,
            applied: 0,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.active.iter().map(|set| set.fault.clone()).collect()
    }

    pub(crate) fn applied(&self) -> BTreeMap<&'static str, u64> {
        self.applied.clone()
    }

    /// Returns the faults that apply to a request, with at most one that replaces the response.
    pub(crate) fn inject(&mut self, method: &str, path: &str, now: Timestamp) -> Vec<Injection> {
        self.active.retain(|set| set.until.is_none_or(|until| now < until));
        let mut injections: Vec<Injection> = Vec::new();
        let mut has_replacement = false;
        for set in &mut self.active {
            let replaces = set.fault.kind.replaces();
            if (replaces && has_replacement) || !set.covers(method, path, now) {
                continue;
            }
            if let Some(injection) = set.draw(now) {
                has_replacement |= replaces;
                *self.applied.entry(injection.kind.name()).or_default() += 1;
                injections.push(injection);
            }
        }
        injections
    }
}

impl ActiveFault {
    fn covers(&self, method: &str, path: &str, now: Timestamp) -> bool {
        let Fault { endpoint, method: wanted, path: pattern, .. } = &self.fault;
        self.from <= now
            && wanted.as_ref().is_none_or(|it| it.eq_ignore_ascii_case(method))
            && pattern.as_ref().is_none_or(|it| pattern_matches(it, path))
            && endpoint.is_none_or(|it| it.covers(method, path))
    }

    /// Decides whether it applies to the next matching request.
    fn draw(&mut self, now: Timestamp) -> Option<Injection> {
        let number = self.seen;
        self.seen = number.saturating_add(1);
        // One seed per request, so that choices about one request do not affect the next.
        let mut random = Random::new(self.random.next());
        let Fault { after, kind, probability, times, .. } = &self.fault;
        if number < *after || times.is_some_and(|times| self.applied >= times) || random.unit() >= *probability {
            return None;
        }
        let mut wait = Duration::ZERO;
        if let FaultKind::RateLimit { requests, seconds } = *kind {
            let period = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            let (passed, begun) = self.passed.filter(|(_, begun)| between(*begun, now) < period).unwrap_or((0, now));
            if passed < requests {
                self.passed = Some((passed + 1, begun));
                return None;
            }
            wait = period.saturating_sub(between(begun, now));
        }
        self.applied = self.applied.saturating_add(1);
        Some(Injection { kind: kind.clone(), random, since: self.from, wait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applies_to_matching_requests() {
        let now = Timestamp::UNIX_EPOCH;
        let mut faults = Faults::default();
        faults.add(Fault { after: 1, ..Fault::new(FaultKind::Reset).on("post", "/api/*").times(2) }, now);
        let mut applies = |method: &str, path: &str| !faults.inject(method, path, now).is_empty();
        assert!(!applies("GET", "/api/x") && !applies("POST", "/other"));
        assert_eq!([(); 4].map(|()| applies("POST", "/api/x")), [false, true, true, false]);
    }

    #[test]
    fn ends_after_duration() {
        let now = Timestamp::UNIX_EPOCH;
        let mut faults = Faults::default();
        faults.add(Fault::new(FaultKind::Reset).lasting(Duration::from_secs(10)), now);
        assert_eq!(faults.inject("GET", "/", later(now, Duration::from_secs(9))).len(), 1);
        assert!(faults.inject("GET", "/", later(now, Duration::from_secs(10))).is_empty());
        assert!(faults.list().is_empty());
    }

    #[test]
    fn faults_round_trip() {
        for text in [
            r#"{"kind":"reset"}"#,
            r#"{"kind":{"status":{"status":429,"retryAfter":"7"}},"times":3}"#,
            r#"{"kind":{"clockSkew":{"seconds":-90.0}},"path":"/api/*"}"#,
            r#"{"kind":{"slowBytes":{"delay":5}},"seconds":2.5}"#,
        ] {
            let fault: Fault = serde_json::from_str(text).unwrap();
            let again = serde_json::from_value(serde_json::to_value(&fault).unwrap()).unwrap();
            assert_eq!(fault, again);
        }
        for fault in Fault::hostile(7) {
            let again = serde_json::from_value(serde_json::to_value(&fault).unwrap()).unwrap();
            assert_eq!(fault, again);
        }
    }

    #[test]
    fn applies_within_window() {
        let now = Timestamp::UNIX_EPOCH;
        let mut faults = Faults::default();
        let window = Fault::new(FaultKind::Reset);
        faults.add(window.starting_after(Duration::from_secs(10)).lasting(Duration::from_secs(5)), now);
        let mut applies = |seconds| !faults.inject("GET", "/", later(now, Duration::from_secs(seconds))).is_empty();
        let found = [0, 9, 10, 14, 15].map(&mut applies);
        assert_eq!(found, [false, false, true, true, false]);
    }

    #[test]
    fn chance_follows_seed() {
        let now = Timestamp::UNIX_EPOCH;
        let run = |probability, seed| {
            let mut faults = Faults::default();
            faults.add(Fault::new(FaultKind::Reset).by_chance(probability, seed), now);
            (0..1000).map(|_| !faults.inject("GET", "/", now).is_empty()).collect::<Vec<_>>()
        };
        let count = |probability| run(probability, 1).into_iter().filter(|applied| *applied).count();
        assert_eq!((count(0.0), count(1.0)), (0, 1000));
        assert!((150..250).contains(&count(0.2)), "{}", count(0.2));
        assert_eq!(run(0.2, 1), run(0.2, 1));
        assert_ne!(run(0.2, 1), run(0.2, 2));
    }

    #[test]
    fn applies_one_replacement_per_request() {
        let now = Timestamp::UNIX_EPOCH;
        let mut faults = Faults::default();
        for kind in [FaultKind::MissingDate, FaultKind::Reset, FaultKind::LostAnswer, FaultKind::EmptyList] {
            faults.add(Fault::new(kind).times(1), now);
        }
        let mut kinds = || faults.inject("GET", "/", now).into_iter().map(|it| it.kind).collect::<Vec<_>>();
        assert_eq!(kinds(), [FaultKind::MissingDate, FaultKind::Reset, FaultKind::EmptyList]);
        assert_eq!(kinds(), [FaultKind::LostAnswer]);
    }

    #[test]
    fn limits_rate_per_period() {
        let now = Timestamp::UNIX_EPOCH;
        let mut faults = Faults::default();
        faults.add(Fault::new(FaultKind::RateLimit { requests: 2, seconds: 10.0 }), now);
        let mut wait = |seconds| {
            let applied = faults.inject("GET", "/", later(now, Duration::from_secs(seconds)));
            applied.first().map(|it| it.wait.as_secs())
        };
        assert_eq!([0, 1, 3, 9, 10].map(&mut wait), [None, None, Some(7), Some(1), None]);
    }

    #[test]
    fn rejects_invalid_faults() {
        for (text, expected) in [
            (r#"{"probability": 1.5}"#, "invalid probability 1.5: must be between 0 and 1"),
            (r#"{"probability": -0.1}"#, "invalid probability -0.1: must be between 0 and 1"),
            (r#"{"seconds": -1}"#, "invalid duration -1 s: must be between 0 and 1000000000"),
            (r#"{"from": -1}"#, "invalid duration -1 s"),
            (r#"{"seed": -1}"#, "invalid value: integer `-1`, expected u64"),
            (r#"{"window": 1}"#, "unknown field `window`"),
            (r#"{"endpoint": "lists"}"#, "unknown variant `lists`"),
            (r#"{"kind": "rset"}"#, "unknown kind of fault `rset`, did you mean `reset`?"),
            (r#"{"kind": {"latencyy": {"seconds": 1}}}"#, "did you mean `latency`?"),
            (r#"{"kind": "earthquake"}"#, "unknown kind of fault `earthquake`, expected one of clockSkew, "),
            (r#"{"kind": {"lag": {"seconds": -2}}}"#, "`lag.seconds`: invalid duration -2 s: must be"),
            (r#"{"kind": {"lag": {"second": 2}}}"#, "unknown field `second`"),
            (r#"{"kind": {"rateLimit": {"requests": 1, "seconds": 0}}}"#, "invalid duration 0 s: must be more than 0"),
            (r#"{"kind": {"status": {"status": 7}}}"#, "invalid status 7: must be between 200 and 599"),
            (r#"{"kind": {"lateEffect": {"answer": "never", "delay": 1}}}"#, "unknown variant `never`"),
            (r#"{"kind": {"lag": {}}}"#, "missing field `seconds`"),
            (r#"{"kind": 7}"#, "expected"),
        ] {
            let error = serde_json::from_str::<Fault>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn hostile_preset_has_all_kinds() {
        let faults = Fault::hostile(1);
        let mut names: Vec<&str> = faults.iter().map(|fault| fault.kind.name()).collect();
        for (fault, name) in faults.iter().zip(&names) {
            let written = serde_json::to_value(&fault.kind).unwrap();
            assert!(written == *name || written.get(name).is_some(), "{written} {name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names, KINDS);
        assert_eq!(Fault::hostile(1), Fault::hostile(1));
        assert_ne!(Fault::hostile(1), Fault::hostile(2));
    }
}
