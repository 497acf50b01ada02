//! Older versions of workloads, for lagging reads.
//!
//! Versions are stored only after a fault needs them, because they cost time and memory.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    time::Duration,
};

use jiff::Timestamp;

use super::{State, Workload};
use crate::scheduler::{PendingReason, Placement};

/// Older versions of workloads.
#[derive(Default)]
pub(super) struct Versions {
    by_index: HashMap<usize, VecDeque<Version>>,
    /// The ends of all versions and their workloads, oldest first.
    ends: VecDeque<(Timestamp, usize)>,
    /// Maximum lag of reads; no version is stored while it is zero.
    reach: Duration,
}

impl Versions {
    /// Drops the versions that ended by `oldest`, which no read shows.
    fn drop_before(&mut self, oldest: Timestamp) {
        while let Some((_, index)) = self.ends.front().copied().filter(|(until, _)| *until <= oldest) {
            self.ends.pop_front();
            if let Entry::Occupied(mut versions) = self.by_index.entry(index) {
                versions.get_mut().pop_front();
                if versions.get().is_empty() {
                    versions.remove();
                }
            }
        }
    }
}

/// A workload before a change.
pub(super) struct Version {
    placement: Option<Placement>,
    pending_reason: Option<PendingReason>,
    until: Timestamp,
    /// Without its records.
    workload: Workload,
}

/// A workload at a point in time.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    index: usize,
    /// The older version, if it is not the current one.
    older: Option<&'a Version>,
    state: &'a State,
    pub(crate) workload: &'a Workload,
}

impl<'a> View<'a> {
    /// Returns the placement of the workload while it has resources.
    pub(crate) fn placement(&self) -> Option<&'a Placement> {
        match self.older {
            Some(older) => older.placement.as_ref(),
            None => self.state.placement(self.index),
        }
    }

    /// Returns why the workload is pending, if it waits for resources.
    pub(crate) fn pending_reason(&self) -> Option<&'a PendingReason> {
        match self.older {
            Some(older) => older.pending_reason.as_ref(),
            None => self.state.pending_reason(self.index),
        }
    }

    /// Returns the message of the workload's phase.
    pub(crate) fn message(&self) -> &'a str {
        self.pending_reason().map_or(self.workload.message.as_str(), |pending_reason| pending_reason.message.as_str())
    }
}

impl State {
    /// Stores versions from now on, for reads that lag by at most `reach`.
    pub(crate) fn keep_versions(&mut self, reach: Duration) {
        self.versions.reach = self.versions.reach.max(reach);
    }

    /// Returns the workload at `at` or now; `None` if it was not yet created.
    pub(crate) fn view(&self, index: usize, at: Option<Timestamp>) -> Option<View<'_>> {
        let current = View { index, older: None, state: self, workload: &self.workloads[index] };
        let Some(at) = at else { return Some(current) };
        if at < current.workload.created_at {
            return None;
        }
        let older = self.versions.by_index.get(&index).and_then(|them| them.iter().find(|it| at < it.until));
        Some(older.map_or(current, |it| View { older: Some(it), workload: &it.workload, ..current }))
    }

    /// Stores the version of a workload before it changes at `at`. Of several changes at the same time, only the
    /// version before the first is visible.
    pub(super) fn remember(&mut self, index: usize, at: Timestamp) {
        if self.versions.reach.is_zero() {
            return;
        }
        self.versions.drop_before(at.checked_sub(self.versions.reach).unwrap_or(Timestamp::MIN));
        let versions = self.versions.by_index.entry(index).or_default();
        if versions.back().is_some_and(|last| last.until == at) {
            return;
        }
        self.versions.ends.push_back((at, index));
        let records = std::mem::take(&mut self.workloads[index].records);
        let workload = self.workloads[index].clone();
        self.workloads[index].records = records;
        // A new placement by the scheduler is part of the change.
        let held = self.scheduler.placement(index).filter(|_| workload.phase.holds_resources());
        versions.push_back(Version {
            placement: held.cloned(),
            pending_reason: self.scheduler.pending_reason(index).cloned(),
            until: at,
            workload,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::later,
        state::{ClusterFacts, Setup},
        world::{ExistingWorkload, Node, Project},
    };

    #[test]
    fn drops_versions_no_read_shows() {
        let start = Timestamp::UNIX_EPOCH;
        let mut state = State::new(Setup {
            behaviours: Vec::new(),
            cluster: ClusterFacts { created_at: start, name: String::new(), uuid: String::new() },
            exec: false,
            nodes: vec![Node::default()],
            policy: None,
            projects: vec![Project::named("p")],
            strict: false,
            templates: Vec::new(),
        });
        let kept = |state: &State| state.versions.by_index.values().map(VecDeque::len).sum::<usize>();
        let workload = |name: &str| ExistingWorkload { name: name.into(), running: Some(5.0), ..Default::default() };
        let at = |seconds| later(start, Duration::from_secs(seconds));
        state.add_existing(workload("before"), start).unwrap();
        state.advance(at(1));
        assert_eq!(kept(&state), 0);
        state.keep_versions(Duration::from_secs(10));
        state.add_existing(workload("after"), at(1)).unwrap();
        state.advance(at(10));
        // Running of both, and Creating and Initializing of the second.
        assert_eq!((kept(&state), state.versions.ends.len()), (4, 4));
        state.add_existing(workload("later"), at(100)).unwrap();
        state.advance(at(101));
        assert_eq!((kept(&state), state.versions.ends.len()), (2, 2));
    }
}
