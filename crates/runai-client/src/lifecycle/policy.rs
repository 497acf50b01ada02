//! What the user set about waiting.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The interval between polls when the user sets none (`monitoring_interval` of the operator configuration).
pub const DEFAULT_MONITORING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a workload must be absent from the lists of live and of deleted workloads until it counts as vanished,
/// when the policy says nothing else.
pub const DEFAULT_VANISH_AFTER: Duration = Duration::from_mins(5);

/// What the user set about waiting.
///
/// ```
/// use std::time::Duration;
///
/// use runai_client::lifecycle::WaitPolicy;
///
/// let policy = WaitPolicy::default().pending_timeout(Duration::from_hours(1)).delete_on_failure(true);
/// assert_eq!(policy.workload_timeout, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WaitPolicy {
    /// Longest present wait in the queue; then the workload is suspended. Waits before a preemption do not count.
    pub pending_timeout: Option<Duration>,
    /// Longest time to be running, over all runs; then the workload is suspended.
    pub workload_timeout: Option<Duration>,
    /// Whether a failed or timed-out workload is deleted.
    pub delete_on_failure: bool,
    /// Interval between polls while nothing changes.
    pub monitoring_interval: Duration,
    /// How long a workload that was seen must be absent, while its project answers, until it counts as vanished.
    pub vanish_after: Duration,
}

impl WaitPolicy {
    /// Sets the longest wait in the queue; `None` for any.
    #[must_use]
    pub fn pending_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        Self { pending_timeout: timeout.into(), ..self }
    }

    /// Sets the longest time to be running; `None` for any.
    #[must_use]
    pub fn workload_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        Self { workload_timeout: timeout.into(), ..self }
    }

    /// Sets whether a failed or timed-out workload is deleted.
    #[must_use]
    pub const fn delete_on_failure(mut self, delete: bool) -> Self {
        self.delete_on_failure = delete;
        self
    }

    /// Sets the interval between polls while nothing changes.
    #[must_use]
    pub const fn monitoring_interval(mut self, interval: Duration) -> Self {
        self.monitoring_interval = interval;
        self
    }

    /// Sets how long a workload must be absent until it counts as vanished.
    #[must_use]
    pub const fn vanish_after(mut self, time: Duration) -> Self {
        self.vanish_after = time;
        self
    }
}

impl Default for WaitPolicy {
    fn default() -> Self {
        Self {
            pending_timeout: None,
            workload_timeout: None,
            delete_on_failure: false,
            monitoring_interval: DEFAULT_MONITORING_INTERVAL,
            vanish_after: DEFAULT_VANISH_AFTER,
        }
    }
}
