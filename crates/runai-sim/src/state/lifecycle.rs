//! Phase transitions of workloads, by time and by scheduler decisions.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{DesiredPhase, EntryKind, Phase, PodId, PodLaunch, ProcessCommand, SETUP_DELAY, State, pod_name};
use crate::{clock::later, scheduler::Decision, script::Script, world::End};

impl State {
    /// Applies the next transition of a workload when its phase is due, or its last pod has ended.
    pub(super) fn step(&mut self, index: usize, at: Timestamp) {
        self.remember(index, at);
        let workload = &mut self.workloads[index];
        match workload.phase {
            Phase::Creating | Phase::Resuming => {
                let pending = workload.script.pending;
                if pending.is_zero() {
                    self.enter(index, Phase::Pending, String::new(), at);
                    self.enqueue(index);
                } else {
                    self.enter(index, Phase::Pending, format!("delayed by {}", Script::PENDING), at);
                    self.set_due(index, Some(later(at, pending)));
                }
            }
            Phase::Pending => {
                if workload.preempting {
                    workload.preempting = false;
                    self.scheduler.forget(index);
                }
                self.enqueue(index);
            }
            Phase::Initializing if workload.script.end == End::ImagePullError => {
                let image = workload.spec.image.as_deref().unwrap_or_default();
                workload.message = format!("ImagePullBackOff: cannot pull image `{image}`");
                let message = workload.message.clone();
                workload.warn(at, "Failed", message);
            }
            Phase::Initializing => {
                self.enter(index, Phase::Running, String::new(), at);
                let pods = self.workloads[index].request.pods as usize;
                for slot in 0..pods {
                    let name = pod_name(&self.workloads[index], slot);
                    self.workloads[index].note(at, "Started", format!("{name} started"));
                    if !self.workloads[index].scripted {
                        self.start_pod(index, slot);
                    }
                }
                self.set_running_due(index, at);
            }
            Phase::Running => self.on_running_due(index, at),
            Phase::Stopping if workload.stuck_stopping => {}
            Phase::Stopping => {
                self.scheduler.forget(index);
                self.workloads[index].preempting = false;
                if self.workloads[index].desired == DesiredPhase::Running {
                    self.restart(index, at);
                } else {
                    self.clean_up(index);
                    self.enter(index, Phase::Stopped, String::new(), at);
                }
            }
            Phase::Terminating => {
                let how = workload.ending.take().unwrap_or_default();
                self.finish(index, Phase::Failed, how, at);
            }
            Phase::Completed | Phase::Deleting | Phase::Failed => {
                self.scheduler.forget(index);
                self.clean_up(index);
                let workload = &mut self.workloads[index];
                workload.desired = DesiredPhase::Deleted;
                workload.deleted_at = Some(at);
            }
            Phase::Stopped => {}
        }
    }

    /// Applies the script of a running workload when it is due.
    fn on_running_due(&mut self, index: usize, at: Timestamp) {
        let workload = &mut self.workloads[index];
        let ran = crate::clock::between(workload.phase_since, at);
        if workload.script.preempt_after.is_some_and(|after| after <= ran) {
            workload.script.preempt_after = None;
            return self.preempt(index, "preempted by the scenario", at);
        }
        if !workload.scripted {
            return;
        }
        let message = workload.script.message.clone();
        match workload.script.end {
            End::Completed | End::ImagePullError => {
                workload.succeeded = workload.succeeded.saturating_add(workload.request.pods);
                if workload.succeeded < workload.completions {
                    let due = later(at, workload.script.running);
                    return self.set_due(index, Some(due));
                }
                self.finish(index, Phase::Completed, message, at);
            }
            End::Failed | End::OutOfMemory => {
                if workload.script.end == End::OutOfMemory {
                    let name = pod_name(workload, 0);
                    workload.warn(at, "OOMKilled", format!("{name} exceeded its memory limit"));
                }
                self.finish(index, Phase::Failed, message, at);
            }
            End::Stopped => {
                workload.desired = DesiredPhase::Stopped;
                self.terminate_pods(index, Phase::Stopping, String::new(), at);
            }
        }
    }

    fn set_running_due(&mut self, index: usize, at: Timestamp) {
        let script = &self.workloads[index].script;
        let end = self.workloads[index].scripted.then_some(script.running);
        let first = [end, script.preempt_after].into_iter().flatten().min();
        self.set_due(index, first.map(|first| later(at, first)));
    }

    /// Adds a workload to the scheduler's queue.
    pub(super) fn enqueue(&mut self, index: usize) {
        self.scheduler.enqueue(index, self.workloads[index].request.clone());
    }

    /// Runs the scheduler and applies its decisions.
    pub(super) fn schedule(&mut self, at: Timestamp) {
        loop {
            let decisions = self.scheduler.pass();
            if decisions.is_empty() {
                return;
            }
            for decision in decisions {
                match decision {
                    Decision::Evict(index, why) => self.preempt(index, &why, at),
                    Decision::Start(index) => self.initialize(index, at),
                    Decision::Wait(index) => {
                        let message = self.message(index).to_owned();
                        if !message.is_empty() {
                            self.workloads[index].warn(at, "FailedScheduling", message);
                        }
                    }
                }
            }
        }
    }

    fn initialize(&mut self, index: usize, at: Timestamp) {
        self.enter(index, Phase::Initializing, String::new(), at);
        if let Some(placement) = self.scheduler.placement(index) {
            let nodes = self.scheduler.cluster().nodes();
            let workload = &self.workloads[index];
            let texts: Vec<String> = placement
                .pods
                .iter()
                .enumerate()
                .map(|(slot, pod)| {
                    format!("{} is assigned to {}", pod_name(workload, slot), nodes[pod.node].facts.name)
                })
                .collect();
            for text in texts {
                self.workloads[index].note(at, "Scheduled", text);
            }
        }
        let image = self.workloads[index].spec.image.clone();
        if let Some(image) = image {
            self.workloads[index].note(at, "Pulling", format!("pulling image `{image}`"));
        }
        self.set_due(index, Some(later(at, SETUP_DELAY)));
    }

    /// Preempts a workload: it is pending again after its pods have ended.
    pub(super) fn preempt(&mut self, index: usize, why: &str, at: Timestamp) {
        self.workloads[index].warn(at, "Preempted", why.to_owned());
        if self.workloads[index].spec.terminate_after_preemption == Some(true) {
            return self.fail(index, why.to_owned(), at);
        }
        self.workloads[index].preempting = true;
        self.terminate_pods(index, Phase::Pending, why.to_owned(), at);
    }

    /// Fails a workload after its pods have ended.
    pub(super) fn fail(&mut self, index: usize, how: String, at: Timestamp) {
        if self.workloads[index].pods.is_empty() {
            return self.finish(index, Phase::Failed, how, at);
        }
        self.workloads[index].ending = Some(how.clone());
        self.terminate_pods(index, Phase::Terminating, how, at);
    }

    pub(super) fn start_pod(&mut self, index: usize, slot: usize) {
        let workload = &mut self.workloads[index];
        workload.runs += 1;
        workload.pods.insert(workload.runs, slot);
        self.commands.push(ProcessCommand::Start(PodLaunch {
            pod: PodId { run: workload.runs, workload_id: workload.id.clone() },
            slot,
            spec: Arc::clone(&workload.spec),
            workload_name: workload.name.clone(),
        }));
    }

    /// Stops all pods; the workload stays in `phase` until they have ended.
    pub(super) fn terminate_pods(&mut self, index: usize, phase: Phase, message: String, at: Timestamp) {
        self.remember(index, at);
        if self.scheduler.placement(index).is_some() {
            // Other workloads must not preempt it as well.
            self.scheduler.mark_releasing(index);
        } else {
            self.scheduler.forget(index);
        }
        self.enter(index, phase, message, at);
        let workload = &mut self.workloads[index];
        if workload.pods.is_empty() {
            return self.set_due(index, Some(later(at, TERMINATION_DELAY)));
        }
        let pods: Vec<(u32, usize)> = workload.pods.iter().map(|(run, slot)| (*run, *slot)).collect();
        for (run, slot) in pods {
            let name = pod_name(workload, slot);
            workload.note(at, "Killing", format!("stopping {name}"));
            self.commands.push(ProcessCommand::Stop(PodId { run, workload_id: workload.id.clone() }));
        }
    }

    pub(super) fn restart(&mut self, index: usize, at: Timestamp) {
        let workload = &mut self.workloads[index];
        workload.desired = DesiredPhase::Running;
        workload.failures = 0;
        workload.succeeded = 0;
        workload.note(at, "Resumed", "the workload is resumed");
        self.enter(index, Phase::Resuming, String::new(), at);
        self.set_due(index, Some(later(at, SETUP_DELAY)));
    }

    pub(super) fn finish(&mut self, index: usize, phase: Phase, message: String, at: Timestamp) {
        self.remember(index, at);
        self.scheduler.forget(index);
        self.clean_up(index);
        if phase == Phase::Failed {
            self.workloads[index].warn(at, "Failed", message.clone());
        } else {
            self.workloads[index].note(at, "Completed", "the workload has completed");
        }
        self.enter(index, phase, message, at);
        let workload = &mut self.workloads[index];
        workload.completed_at = Some(at);
        let kept = workload.spec.auto_deletion_time_after_completion_seconds.unwrap_or(RETENTION_SECONDS);
        self.set_due(index, Some(later(at, Duration::from_secs(kept.unsigned_abs()))));
    }

    fn clean_up(&mut self, index: usize) {
        if self.exec {
            self.commands.push(ProcessCommand::CleanUp(self.workloads[index].id.clone()));
        }
    }

    pub(super) fn enter(&mut self, index: usize, phase: Phase, message: String, at: Timestamp) {
        self.remember(index, at);
        self.set_due(index, None);
        let workload = &mut self.workloads[index];
        workload.pending = workload.total_pending(at);
        workload.running = workload.total_running(at);
        workload.phase = phase;
        workload.phase_since = at;
        workload.record(at, EntryKind::Phase { message: message.clone(), phase });
        workload.message = message;
    }

    pub(super) fn set_due(&mut self, index: usize, due: Option<Timestamp>) {
        let former = std::mem::replace(&mut self.workloads[index].due, due);
        if let Some(former) = former {
            self.due.remove(&(former, index));
        }
        if let Some(due) = due {
            self.due.insert((due, index));
        }
    }
}

/// Duration of the phases Stopping and Deleting without local processes.
const TERMINATION_DELAY: Duration = Duration::from_millis(100);

/// Retention of ended workloads, 30 days as in the API description.
const RETENTION_SECONDS: i64 = 30 * 24 * 60 * 60;
