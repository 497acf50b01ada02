//! Faults: what goes wrong between client and control plane, and in what the control plane answers.

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
    world::fits,
};

/// A fault: which requests it applies to, when, how often, and what goes wrong.
///
/// All times are simulated. `seed` determines every random choice: the same requests in the same order get the same
/// faults.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Fault {
    /// The number of matching requests that pass first.
    pub after: u32,
    /// The purpose of the requests; any when not given.
    pub endpoint: Option<Endpoint>,
    /// Seconds from when it is added to when it begins; 0 when not given.
    #[serde(deserialize_with = "numbers::optional_seconds")]
    pub from: Option<f64>,
    /// What goes wrong.
    pub kind: FaultKind,
    /// The method of the requests, such as `POST`; any when not given.
    pub method: Option<String>,
    /// The path of the requests; `*` stands for any text, and for all paths when not given.
    pub path: Option<String>,
    /// The probability for each matching request, from 0 to 1.
    #[serde(deserialize_with = "numbers::probability")]
    pub probability: f64,
    /// Its length in seconds; unlimited when not given.
    #[serde(deserialize_with = "numbers::optional_seconds")]
    pub seconds: Option<f64>,
    /// Determines every random choice.
    pub seed: u64,
    /// The most requests that it applies to; unlimited when not given.
    pub times: Option<u32>,
}

impl Default for Fault {
    /// 503 for every request.
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

    /// Returns the preset `hostile`: all kinds of faults, each with a small probability or in a short window.
    ///
    /// Clients that retry succeed, with one exception: a workload that is suspended may stay in the phase
    /// Stopping ([`FaultKind::StuckStopping`]). Windows are in the first 15 minutes of simulated time.
    #[must_use]
    pub fn hostile(seed: u64) -> Vec<Self> {
        hostile::hostile(seed)
    }

    /// Restricts it to requests with this method and path; `*` stands for any text in the path.
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

    /// Sets how much simulated time passes before it begins.
    #[must_use]
    pub fn starting_after(mut self, time: Duration) -> Self {
        self.from = Some(time.as_secs_f64());
        self
    }

    /// Sets how much simulated time it lasts.
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
    /// How often faults of each kind were applied.
    applied: BTreeMap<&'static str, u64>,
    set: Vec<Set>,
}

#[derive(Debug)]
struct Set {
    fault: Fault,
    from: Timestamp,
    /// For a rate limit: requests in the current period, and the start of that.
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
    /// The source of random choices about this request.
    pub(crate) random: Random,
    /// When the fault began.
    pub(crate) since: Timestamp,
    /// For a rate limit: the time until more requests pass.
    pub(crate) wait: Duration,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault, now: Timestamp) {
        let duration = |seconds: Option<f64>| seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
        let from = later(now, duration(fault.from).unwrap_or_default());
        self.set.push(Set {
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
        self.set.clear();
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.set.iter().map(|set| set.fault.clone()).collect()
    }

    pub(crate) fn applied(&self) -> BTreeMap<&'static str, u64> {
        self.applied.clone()
    }

    /// Returns the faults that apply to this request: all, but only the first of those that replace the answer.
    pub(crate) fn inject(&mut self, method: &str, path: &str, now: Timestamp) -> Vec<Injection> {
        self.set.retain(|set| set.until.is_none_or(|until| now < until));
        let mut injections: Vec<Injection> = Vec::new();
        let mut has_replacement = false;
        for set in &mut self.set {
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

impl Set {
    fn covers(&self, method: &str, path: &str, now: Timestamp) -> bool {
        let Fault { endpoint, method: wanted, path: pattern, .. } = &self.fault;
        self.from <= now
            && wanted.as_ref().is_none_or(|it| it.eq_ignore_ascii_case(method))
            && pattern.as_ref().is_none_or(|it| fits(it, path))
            && endpoint.is_none_or(|it| it.covers(method, path))
    }

    /// Decides whether it applies to the next matching request.
    fn draw(&mut self, now: Timestamp) -> Option<Injection> {
        let number = self.seen;
        self.seen = number.saturating_add(1);
        // One draw per request, so that choices about one request do not shift those about the next.
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
    fn a_fault_strikes_whom_and_when_it_should() {
        let now = Timestamp::UNIX_EPOCH;
        let mut faults = Faults::default();
        faults.add(Fault { after: 1, ..Fault::new(FaultKind::Reset).on("post", "/api/*").times(2) }, now);
        let mut strike = |method: &str, path: &str| !faults.inject(method, path, now).is_empty();
        assert!(!strike("GET", "/api/x") && !strike("POST", "/other"));
        assert_eq!([(); 4].map(|()| strike("POST", "/api/x")), [false, true, true, false]);
    }

    #[test]
    fn a_fault_ends_with_its_time() {
        let now = Timestamp::UNIX_EPOCH;
        let mut faults = Faults::default();
        faults.add(Fault::new(FaultKind::Reset).lasting(Duration::from_secs(10)), now);
        assert_eq!(faults.inject("GET", "/", later(now, Duration::from_secs(9))).len(), 1);
        assert!(faults.inject("GET", "/", later(now, Duration::from_secs(10))).is_empty());
        assert!(faults.list().is_empty());
    }

    #[test]
    fn faults_are_written_as_they_are_read() {
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
    fn a_window_begins_and_ends() {
        let now = Timestamp::UNIX_EPOCH;
        let mut faults = Faults::default();
        let window = Fault::new(FaultKind::Reset);
        faults.add(window.starting_after(Duration::from_secs(10)).lasting(Duration::from_secs(5)), now);
        let mut strikes = |seconds| !faults.inject("GET", "/", later(now, Duration::from_secs(seconds))).is_empty();
        let found = [0, 9, 10, 14, 15].map(&mut strikes);
        assert_eq!(found, [false, false, true, true, false]);
    }

    #[test]
    fn chance_follows_the_seed_and_the_probability() {
        let now = Timestamp::UNIX_EPOCH;
        let run = |probability, seed| {
            let mut faults = Faults::default();
            faults.add(Fault::new(FaultKind::Reset).by_chance(probability, seed), now);
            (0..1000).map(|_| !faults.inject("GET", "/", now).is_empty()).collect::<Vec<_>>()
        };
        let struck = |probability| run(probability, 1).into_iter().filter(|struck| *struck).count();
        assert_eq!((struck(0.0), struck(1.0)), (0, 1000));
        assert!((150..250).contains(&struck(0.2)), "{}", struck(0.2));
        assert_eq!(run(0.2, 1), run(0.2, 1));
        assert_ne!(run(0.2, 1), run(0.2, 2));
    }

    #[test]
    fn faults_that_replace_the_answer_come_alone_and_others_together() {
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
    fn a_rate_limit_lets_so_many_pass_in_each_period() {
        let now = Timestamp::UNIX_EPOCH;
        let mut faults = Faults::default();
        faults.add(Fault::new(FaultKind::RateLimit { requests: 2, seconds: 10.0 }), now);
        let mut wait = |seconds| {
            let struck = faults.inject("GET", "/", later(now, Duration::from_secs(seconds)));
            struck.first().map(|it| it.wait.as_secs())
        };
        assert_eq!([0, 1, 3, 9, 10].map(&mut wait), [None, None, Some(7), Some(1), None]);
    }

    #[test]
    fn wrong_faults_are_refused_with_the_member_and_a_way_out() {
        for (text, expected) in [
            (r#"{"probability": 1.5}"#, "the probability is 1.5, must be between 0 and 1"),
            (r#"{"probability": -0.1}"#, "the probability is -0.1, must be between 0 and 1"),
            (r#"{"seconds": -1}"#, "-1 seconds, must be between 0 and 1000000000"),
            (r#"{"from": -1}"#, "-1 seconds"),
            (r#"{"seed": -1}"#, "invalid value: integer `-1`, expected u64"),
            (r#"{"window": 1}"#, "unknown field `window`"),
            (r#"{"endpoint": "lists"}"#, "unknown variant `lists`"),
            (r#"{"kind": "rset"}"#, "unknown kind of fault `rset`, did you mean `reset`?"),
            (r#"{"kind": {"latencyy": {"seconds": 1}}}"#, "did you mean `latency`?"),
            (r#"{"kind": "earthquake"}"#, "unknown kind of fault `earthquake`, expected one of clockSkew, "),
            (r#"{"kind": {"lag": {"seconds": -2}}}"#, "`lag.seconds`: -2 seconds, must be"),
            (r#"{"kind": {"lag": {"second": 2}}}"#, "unknown field `second`"),
            (r#"{"kind": {"rateLimit": {"requests": 1, "seconds": 0}}}"#, "0 seconds, must be more"),
            (r#"{"kind": {"status": {"status": 7}}}"#, "the status is 7, must be between 200 and 599"),
            (r#"{"kind": {"lateEffect": {"answer": "never", "delay": 1}}}"#, "unknown variant `never`"),
            (r#"{"kind": {"lag": {}}}"#, "missing field `seconds`"),
            (r#"{"kind": 7}"#, "expected"),
        ] {
            let error = serde_json::from_str::<Fault>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn every_kind_is_part_of_the_hostile_preset() {
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
