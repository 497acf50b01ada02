//! The user's wait policy.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Default of [`WaitPolicy::monitoring_interval`](WaitPolicy#structfield.monitoring_interval).
pub const DEFAULT_MONITORING_INTERVAL: Duration = Duration::from_secs(30);

/// Default of [`WaitPolicy::vanish_after`](WaitPolicy#structfield.vanish_after).
pub const DEFAULT_VANISH_AFTER: Duration = Duration::from_mins(5);

/// The timeouts and intervals of a wait.
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
    /// Maximum duration of the current wait in the queue; then the workload is suspended. Waits before a preemption do
    /// not count.
    pub pending_timeout: Option<Duration>,
    /// Maximum time in running phases, over all runs; then the workload is suspended.
    pub workload_timeout: Option<Duration>,
    /// Whether a failed or timed-out workload is deleted.
    pub delete_on_failure: bool,
    /// Interval between polls while the phase does not change.
    pub monitoring_interval: Duration,
    /// How long a workload must be missing from the lists of live and deleted workloads, while its project exists,
    /// before it counts as vanished.
    pub vanish_after: Duration,
}

impl WaitPolicy {
    /// Sets the maximum wait in the queue; `None` for no limit.
    #[must_use]
    pub fn pending_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        Self { pending_timeout: timeout.into(), ..self }
    }

    /// Sets the maximum time in running phases; `None` for no limit.
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

    /// Sets the interval between polls while the phase does not change.
    #[must_use]
    pub const fn monitoring_interval(mut self, interval: Duration) -> Self {
        self.monitoring_interval = interval;
        self
    }

    /// Sets how long a workload must be missing before it counts as vanished.
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
