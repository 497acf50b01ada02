//! What goes wrong between client and control plane.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{clock::later, world::fits};

/// Something that goes wrong with requests.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Fault {
    /// How many fitting requests pass before it begins.
    pub after: u32,
    /// What goes wrong.
    pub kind: FaultKind,
    /// The method of the requests, such as `POST`; any when not given.
    pub method: Option<String>,
    /// The path of the requests; `*` stands for any text, and for all paths when not given.
    pub path: Option<String>,
    /// Seconds after which it is over, counted from when it was set up; never when not given.
    pub seconds: Option<f64>,
    /// How many requests it strikes; all when not given.
    pub times: Option<u32>,
}

impl Fault {
    /// A fault that strikes every request.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Only requests with this method and path; `*` stands for any text in the path.
    #[must_use]
    pub fn on(mut self, method: impl Into<String>, path: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self.path = Some(path.into());
        self
    }

    /// Only this many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Only until so much simulated time has passed.
    #[must_use]
    pub fn lasting(mut self, time: Duration) -> Self {
        self.seconds = Some(time.as_secs_f64());
        self
    }
}

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum FaultKind {
    /// The `Date` of the answer is off by so many seconds.
    ClockSkew {
        /// Seconds; negative for a clock that is behind.
        seconds: f64,
    },
    /// It is carried out, and the answer has its status and no body.
    EmptyBody,
    /// The token counts as expired.
    ExpiredToken,
    /// A proxy answers with a page instead.
    Html {
        /// The status.
        status: u16,
    },
    /// It is carried out, and the answer is lost.
    LostAnswer,
    /// The connection breaks before it is carried out.
    Reset,
    /// It is carried out, and the connection breaks in the middle of the answer's body.
    ResetInBody,
    /// The answer's bytes come slowly.
    SlowBytes {
        /// Milliseconds between two bytes.
        delay: u64,
    },
    /// It is answered with an error status, and not carried out.
    Status {
        /// The status.
        status: u16,
        /// The header `Retry-After`: seconds, or whatever text is wanted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
}

impl Default for FaultKind {
    fn default() -> Self {
        Self::Status { status: 503, retry_after: None }
    }
}

/// The faults that are set up, and how often each has struck.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    set: Vec<Set>,
}

#[derive(Debug)]
struct Set {
    fault: Fault,
    /// Fitting requests so far.
    seen: u32,
    until: Option<Timestamp>,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault, now: Timestamp) {
        let lasting = fault.seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
        self.set.push(Set { until: lasting.map(|it| later(now, it)), fault, seen: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.set.clear();
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.set.iter().map(|set| set.fault.clone()).collect()
    }

    /// What goes wrong with this request: the first that fits.
    pub(crate) fn strike(&mut self, method: &str, path: &str, now: Timestamp) -> Option<FaultKind> {
        self.set.retain(|set| set.until.is_none_or(|until| now < until));
        for set in &mut self.set {
            let Fault { after, kind, method: wanted, path: pattern, times, .. } = &set.fault;
            let here = wanted.as_ref().is_none_or(|it| it.eq_ignore_ascii_case(method))
                && pattern.as_ref().is_none_or(|it| fits(it, path));
            if !here {
                continue;
            }
            let number = set.seen;
            set.seen = number.saturating_add(1);
            if number >= *after && times.is_none_or(|times| number - after < times) {
                return Some(kind.clone());
            }
        }
        None
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
        let mut strike = |method: &str, path: &str| faults.strike(method, path, now).is_some();
        assert!(!strike("GET", "/api/x") && !strike("POST", "/other"));
        assert_eq!([(); 4].map(|()| strike("POST", "/api/x")), [false, true, true, false]);
    }

    #[test]
    fn a_fault_ends_with_its_time() {
        let now = Timestamp::UNIX_EPOCH;
        let mut faults = Faults::default();
        faults.add(Fault::new(FaultKind::Reset).lasting(Duration::from_secs(10)), now);
        assert!(faults.strike("GET", "/", later(now, Duration::from_secs(9))).is_some());
        assert!(faults.strike("GET", "/", later(now, Duration::from_secs(10))).is_none());
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
        assert!(serde_json::from_str::<Fault>(r#"{"kind":"nothing"}"#).is_err());
    }
}
