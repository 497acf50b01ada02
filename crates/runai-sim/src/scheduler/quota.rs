//! What a project may take of a node pool.

use super::cluster::{Placement, TOLERANCE, tidy};
use crate::world::Quota;

/// Amounts of what has a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Amounts {
    pub(crate) cpu_cores: f64,
    pub(crate) gpus: f64,
    /// Bytes; has no quota, but is shown.
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

    /// Never less than nothing: sums of fractions must come back to nothing.
    fn minus(self, other: Self) -> Self {
        let less = |one: f64, other: f64| if one - other < TOLERANCE { 0.0 } else { one - other };
        Self {
            cpu_cores: less(self.cpu_cores, other.cpu_cores),
            gpus: less(self.gpus, other.gpus),
            memory: less(self.memory, other.memory),
        }
    }
}

/// What the workloads of a project hold in a node pool.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) all: Amounts,
    /// The part that cannot be pushed aside.
    pub(crate) firm: Amounts,
}

impl Usage {
    pub(super) fn add(&mut self, amounts: Amounts, preemptible: bool) {
        self.all = self.all.plus(amounts);
        if !preemptible {
            self.firm = self.firm.plus(amounts);
        }
    }

    pub(super) fn remove(&mut self, amounts: Amounts, preemptible: bool) {
        self.all = self.all.minus(amounts);
        if !preemptible {
            self.firm = self.firm.minus(amounts);
        }
    }
}

/// Why a quota is in the way, in the API's words.
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

/// Whether a project may take `more`, or why not.
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
            let (asked, held, limit) = (tidy(more), tidy(held), tidy(limit));
            let text = format!("asks for {asked} {what}, the project has {held} of at most {limit}");
            return Err((QuotaReason::OverLimit, text));
        }
    }
    if preemptible {
        return Ok(());
    }
    for (what, deserved, held, more) in [
        ("GPUs", quota.gpus, usage.firm.gpus, more.gpus),
        ("CPU cores", quota.cpu_cores, usage.firm.cpu_cores, more.cpu_cores),
    ] {
        if let Some(deserved) = deserved.filter(|deserved| more > 0.0 && held + more > deserved + TOLERANCE) {
            let (asked, held, deserved) = (tidy(more), tidy(held), tidy(deserved));
            let text = format!(
                "asks for {asked} {what} that cannot be taken back, the project has {held} of its quota of {deserved}"
            );
            return Err((QuotaReason::NonPreemptibleOverQuota, text));
        }
    }
    Ok(())
}

/// Whether the project stays inside its quota with `more`.
pub(super) fn within(quota: &Quota, usage: &Usage, more: Amounts) -> bool {
    let inside = |deserved: Option<f64>, held: f64, more: f64| {
        more <= 0.0 || deserved.is_none_or(|deserved| held + more <= deserved + TOLERANCE)
    };
    inside(quota.gpus, usage.all.gpus, more.gpus) && inside(quota.cpu_cores, usage.all.cpu_cores, more.cpu_cores)
}

/// Whether the project holds more than its quota.
pub(super) fn is_over(quota: &Quota, usage: &Usage) -> bool {
    let over = |deserved: Option<f64>, held: f64| deserved.is_some_and(|deserved| held > deserved + TOLERANCE);
    over(quota.gpus, usage.all.gpus) || over(quota.cpu_cores, usage.all.cpu_cores)
}

/// How much of its share a project has; the project with the least comes first.
///
/// Up to its quota that is the part of the quota, beyond it what it has on top, by its weight.
pub(super) fn share(quota: &Quota, usage: &Usage, whole_pool: f64) -> f64 {
    let deserved = quota.gpus.unwrap_or(whole_pool);
    let held = usage.all.gpus;
    if held + TOLERANCE < deserved {
        held / deserved
    } else if held <= TOLERANCE {
        // Entitled to nothing, and has nothing.
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

    fn holding(all: f64, firm: f64) -> Usage {
        Usage { all: gpus(all), firm: gpus(firm) }
    }

    #[test]
    fn what_cannot_be_taken_back_stays_inside_the_quota() {
        let quota = Quota { gpus: Some(2.0), ..Quota::default() };
        admit(&quota, &holding(5.0, 1.0), gpus(1.0), false).unwrap();
        admit(&quota, &holding(5.0, 2.0), gpus(1.0), true).unwrap();
        let (reason, text) = admit(&quota, &holding(5.0, 2.0), gpus(0.5), false).unwrap_err();
        assert_eq!(reason.as_str(), "NonPreemptibleOverQuota");
        assert_eq!(text, "asks for 0.5 GPUs that cannot be taken back, the project has 2 of its quota of 2");
        admit(&quota, &holding(5.0, 2.0), gpus(0.0), false).unwrap();
    }

    #[test]
    fn nobody_goes_over_a_limit() {
        let quota = Quota { gpus: Some(1.0), gpu_limit: Some(2.0), ..Quota::default() };
        admit(&quota, &holding(1.0, 0.0), gpus(1.0), true).unwrap();
        let (reason, text) = admit(&quota, &holding(1.5, 0.0), gpus(1.0), true).unwrap_err();
        assert_eq!(reason.as_str(), "OverLimit");
        assert_eq!(text, "asks for 1 GPUs, the project has 1.5 of at most 2");
    }

    #[test]
    fn those_with_the_least_of_their_share_come_first() {
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
