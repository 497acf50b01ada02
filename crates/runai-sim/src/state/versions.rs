//! Older versions of workloads, which lagging reads show.
//!
//! Versions are only kept once a fault needs them, so that the simulator stays fast without one.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;

use super::{State, Workload};
use crate::scheduler::{PendingReason, Placement};

/// Older versions of workloads.
#[derive(Default)]
pub(super) struct Versions {
    by_index: HashMap<usize, VecDeque<Version>>,
    /// How far back a read may look; nothing is remembered while it is zero.
    reach: Duration,
}

/// A workload until a change.
pub(super) struct Version {
    placement: Option<Placement>,
    pending_reason: Option<PendingReason>,
    until: Timestamp,
    /// Without its records.
    workload: Workload,
}

/// A workload at some moment.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    index: usize,
    /// Where it is not the present one.
    older: Option<&'a Version>,
    state: &'a State,
    pub(crate) workload: &'a Workload,
}

impl<'a> View<'a> {
    /// Where the workload was placed, as long as it holds that.
    pub(crate) fn placement(&self) -> Option<&'a Placement> {
        match self.older {
            Some(older) => older.placement.as_ref(),
            None => self.state.placement(self.index),
        }
    }

    /// Why the workload waits for resources, if it does.
    pub(crate) fn pending_reason(&self) -> Option<&'a PendingReason> {
        match self.older {
            Some(older) => older.pending_reason.as_ref(),
            None => self.state.pending_reason(self.index),
        }
    }

    /// Why the workload is in its phase, for people.
    pub(crate) fn message(&self) -> &'a str {
        self.pending_reason().map_or(self.workload.message.as_str(), |pending_reason| pending_reason.message.as_str())
    }
}

impl State {
    /// Remembers from now on how workloads were as long as `reach` ago.
    pub(crate) fn keep_versions(&mut self, reach: Duration) {
        self.versions.reach = self.versions.reach.max(reach);
    }

    /// The workload at `at`, or now; `None` if it was not created by then.
    pub(crate) fn view(&self, index: usize, at: Option<Timestamp>) -> Option<View<'_>> {
        let current = View { index, older: None, state: self, workload: &self.workloads[index] };
        let Some(at) = at else { return Some(current) };
        if at < current.workload.created_at {
            return None;
        }
        let older = self.versions.by_index.get(&index).and_then(|them| them.iter().find(|it| at < it.until));
        Some(older.map_or(current, |it| View { older: Some(it), workload: &it.workload, ..current }))
    }

    /// Keeps the version of a workload before it changes at `at`. Of several changes at one moment, only the version
    /// before the first is ever visible.
    pub(super) fn remember(&mut self, index: usize, at: Timestamp) {
        if self.versions.reach.is_zero() {
            return;
        }
        let oldest = at.checked_sub(self.versions.reach).unwrap_or(Timestamp::MIN);
        let versions = self.versions.by_index.entry(index).or_default();
        if versions.back().is_some_and(|last| last.until == at) {
            return;
        }
        while versions.front().is_some_and(|first| first.until <= oldest) {
            versions.pop_front();
        }
        let records = std::mem::take(&mut self.workloads[index].records);
        let workload = self.workloads[index].clone();
        self.workloads[index].records = records;
        // A placement that the scheduler has just made is part of the change.
        let held = self.scheduler.placement(index).filter(|_| workload.phase.holds_resources());
        versions.push_back(Version {
            placement: held.cloned(),
            pending_reason: self.scheduler.pending_reason(index).cloned(),
            until: at,
            workload,
        });
    }
}
