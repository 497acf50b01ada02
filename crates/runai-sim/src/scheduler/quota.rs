//! Quotas of projects in node pools.

use super::cluster::{Placement, TOLERANCE, rounded};
use crate::world::Quota;

/// Amounts of resources.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Amounts {
    pub(crate) cpu_cores: f64,
    pub(crate) gpus: f64,
    /// Bytes; has no quota, but is reported.
    pub(crate) memory: f64,
}

impl Amounts {
    pub(super) fn of(placement: &Placement) -> Self {
        Self { cpu_cores: placement.cpu_cores(), gpus: placement.gpus(), memory: placement.memory() }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            cpu_cores: self.cpu_cores + other.cpu_cores,
            gpus: self.gpus + other.gpus,
            memory: self.memory + other.memory,
        }
    }

    /// Subtracts; results below the tolerance become 0, so that rounding errors do not accumulate.
    fn minus(self, other: Self) -> Self {
        let less = |one: f64, other: f64| if one - other < TOLERANCE { 0.0 } else { one - other };
        Self {
            cpu_cores: less(self.cpu_cores, other.cpu_cores),
            gpus: less(self.gpus, other.gpus),
            memory: less(self.memory, other.memory),
        }
    }
}

/// The resources used by a project in a node pool.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) all: Amounts,
    /// Resources of non-preemptible workloads.
    pub(crate) non_preemptible: Amounts,
}

impl Usage {
    pub(super) fn add(&mut self, amounts: Amounts, preemptible: bool) {
        self.all = self.all.plus(amounts);
        if !preemptible {
            self.non_preemptible = self.non_preemptible.plus(amounts);
        }
    }

    pub(super) fn remove(&mut self, amounts: Amounts, preemptible: bool) {
        self.all = self.all.minus(amounts);
        if !preemptible {
            self.non_preemptible = self.non_preemptible.minus(amounts);
        }
    }
}

/// Why a quota is exceeded, as the API spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuotaReason {
    NonPreemptibleOverQuota,
    OverLimit,
}

impl QuotaReason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NonPreemptibleOverQuota => "NonPreemptibleOverQuota",
            Self::OverLimit => "OverLimit",
        }
    }
}

/// Checks whether a project may use `more` resources.
pub(super) fn admit(
    quota: &Quota,
    usage: &Usage,
    more: Amounts,
    preemptible: bool,
) -> Result<(), (QuotaReason, String)> {
    for (what, limit, held, more) in [
        ("GPUs", quota.gpu_limit, usage.all.gpus, more.gpus),
        ("CPU cores", quota.cpu_core_limit, usage.all.cpu_cores, more.cpu_cores),
    ] {
        if let Some(limit) = limit.filter(|limit| more > 0.0 && held + more > limit + TOLERANCE) {
            let (asked, held, limit) = (rounded(more), rounded(held), rounded(limit));
            let text = format!("requests {asked} {what}, the project uses {held} of at most {limit}");
            return Err((QuotaReason::OverLimit, text));
        }
    }
    if preemptible {
        return Ok(());
    }
    for (what, deserved, held, more) in [
        ("GPUs", quota.gpus, usage.non_preemptible.gpus, more.gpus),
        ("CPU cores", quota.cpu_cores, usage.non_preemptible.cpu_cores, more.cpu_cores),
    ] {
        if let Some(deserved) = deserved.filter(|deserved| more > 0.0 && held + more > deserved + TOLERANCE) {
            let (asked, held, deserved) = (rounded(more), rounded(held), rounded(deserved));
            let text =
                format!("requests {asked} non-preemptible {what}, the project uses {held} of its quota of {deserved}");
            return Err((QuotaReason::NonPreemptibleOverQuota, text));
        }
    }
    Ok(())
}

/// Whether the project stays within its quota with `more` resources.
pub(super) fn within(quota: &Quota, usage: &Usage, more: Amounts) -> bool {
    let inside = |deserved: Option<f64>, held: f64, more: f64| {
        more <= 0.0 || deserved.is_none_or(|deserved| held + more <= deserved + TOLERANCE)
    };
    inside(quota.gpus, usage.all.gpus, more.gpus) && inside(quota.cpu_cores, usage.all.cpu_cores, more.cpu_cores)
}

/// Whether the project uses more than its quota.
pub(super) fn is_over(quota: &Quota, usage: &Usage) -> bool {
    let over = |deserved: Option<f64>, held: f64| deserved.is_some_and(|deserved| held > deserved + TOLERANCE);
    over(quota.gpus, usage.all.gpus) || over(quota.cpu_cores, usage.all.cpu_cores)
}

/// Returns the used share of a project, which determines the order of projects.
///
/// Up to the quota: the used fraction of the quota. Beyond: 1 plus the over-quota usage divided by its weight.
pub(super) fn share(quota: &Quota, usage: &Usage, whole_pool: f64) -> f64 {
    let deserved = quota.gpus.unwrap_or(whole_pool);
    let held = usage.all.gpus;
    if held + TOLERANCE < deserved {
        held / deserved
    } else if held <= TOLERANCE {
        // No quota and no usage.
        1.0
    } else {
        1.0 + (held - deserved).max(0.0) / quota.over_quota_weight.max(1e-3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpus(gpus: f64) -> Amounts {
        Amounts { gpus, ..Amounts::default() }
    }

    fn holding(all: f64, non_preemptible: f64) -> Usage {
        Usage { all: gpus(all), non_preemptible: gpus(non_preemptible) }
    }

    #[test]
    fn non_preemptible_stays_within_quota() {
        let quota = Quota { gpus: Some(2.0), ..Quota::default() };
        admit(&quota, &holding(5.0, 1.0), gpus(1.0), false).unwrap();
        admit(&quota, &holding(5.0, 2.0), gpus(1.0), true).unwrap();
        let (reason, text) = admit(&quota, &holding(5.0, 2.0), gpus(0.5), false).unwrap_err();
        assert_eq!(reason.as_str(), "NonPreemptibleOverQuota");
        assert_eq!(text, "requests 0.5 non-preemptible GPUs, the project uses 2 of its quota of 2");
        admit(&quota, &holding(5.0, 2.0), gpus(0.0), false).unwrap();
    }

    #[test]
    fn enforces_limit() {
        let quota = Quota { gpus: Some(1.0), gpu_limit: Some(2.0), ..Quota::default() };
        admit(&quota, &holding(1.0, 0.0), gpus(1.0), true).unwrap();
        let (reason, text) = admit(&quota, &holding(1.5, 0.0), gpus(1.0), true).unwrap_err();
        assert_eq!(reason.as_str(), "OverLimit");
        assert_eq!(text, "requests 1 GPUs, the project uses 1.5 of at most 2");
    }

    #[test]
    fn orders_by_used_share() {
        let quota = Quota { gpus: Some(2.0), ..Quota::default() };
        let heavy = Quota { over_quota_weight: 4.0, ..quota.clone() };
        let share = |quota: &Quota, held| share(quota, &holding(held, 0.0), 8.0);
        assert!(share(&quota, 0.0) < share(&quota, 1.0));
        assert!(share(&quota, 1.0) < share(&quota, 2.0));
        assert!(share(&heavy, 4.0) < share(&quota, 3.0));
        assert!(share(&Quota { gpus: Some(0.0), ..Quota::default() }, 0.0) >= 1.0);
        assert!(is_over(&quota, &holding(2.5, 0.0)) && !is_over(&quota, &holding(2.0, 0.0)));
        assert!(within(&quota, &holding(1.0, 0.0), gpus(1.0)) && !within(&quota, &holding(1.5, 0.0), gpus(1.0)));
    }
}
