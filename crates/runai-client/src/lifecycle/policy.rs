//! What the user set about waiting.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The interval between polls when the user sets none (`monitoring_interval` of the operator configuration).
pub const DEFAULT_MONITORING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a workload must be absent from the lists of live and of deleted workloads until it counts as vanished,
/// when the policy says nothing else.
pub const DEFAULT_VANISH_AFTER: Duration = Duration::from_mins(5);

/// What the user set about waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
