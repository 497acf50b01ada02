//! Phase transitions of workloads, by time and by decisions of the scheduler.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{DesiredPhase, Order, Phase, PodId, PodOrder, SETTING_UP, State, What, pod_name};
use crate::{clock::later, scheduler::Decision, script::Script, world::End};

impl State {
    /// What happens to a workload when its time in its phase is over, or when its last pod has gone.
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
                    self.enter(index, Phase::Pending, format!("held back by {}", Script::PENDING), at);
                    self.set_due(index, Some(later(at, pending)));
                }
            }
            Phase::Pending => {
                if workload.leaving {
                    workload.leaving = false;
                    self.scheduler.forget(index);
                }
                self.enqueue(index);
            }
            Phase::Initializing if workload.script.end == End::ImagePullError => {
                let image = workload.spec.image.as_deref().unwrap_or_default();
                workload.message = format!("ImagePullBackOff: the image `{image}` cannot be pulled");
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
            Phase::Running => self.running_is_over(index, at),
            Phase::Stopping if workload.never_stops => {}
            Phase::Stopping => {
                self.scheduler.forget(index);
                self.workloads[index].leaving = false;
                if self.workloads[index].desired == DesiredPhase::Running {
                    self.set_up_again(index, at);
                } else {
                    self.tidy_up(index);
                    self.enter(index, Phase::Stopped, String::new(), at);
                }
            }
            Phase::Terminating => {
                let how = workload.ending.take().unwrap_or_default();
                self.finish(index, Phase::Failed, how, at);
            }
            Phase::Completed | Phase::Deleting | Phase::Failed => {
                self.scheduler.forget(index);
                self.tidy_up(index);
                let workload = &mut self.workloads[index];
                workload.desired = DesiredPhase::Deleted;
                workload.deleted_at = Some(at);
            }
            Phase::Stopped => {}
        }
    }

    /// What a script says about a workload that runs, when its time has come.
    fn running_is_over(&mut self, index: usize, at: Timestamp) {
        let workload = &mut self.workloads[index];
        let ran = crate::clock::between(workload.phase_since, at);
        if workload.script.preempt_after.is_some_and(|after| after <= ran) {
            workload.script.preempt_after = None;
            return self.preempt(index, "preempted as the scenario says", at);
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
                    workload.warn(at, "OOMKilled", format!("{name} used more memory than it may"));
                }
                self.finish(index, Phase::Failed, message, at);
            }
            End::Stopped => {
                workload.desired = DesiredPhase::Stopped;
                self.wind_down(index, Phase::Stopping, String::new(), at);
            }
        }
    }

    fn set_running_due(&mut self, index: usize, at: Timestamp) {
        let script = &self.workloads[index].script;
        let end = self.workloads[index].scripted.then_some(script.running);
        let first = [end, script.preempt_after].into_iter().flatten().min();
        self.set_due(index, first.map(|first| later(at, first)));
    }

    /// Lets a workload wait for resources.
    pub(super) fn enqueue(&mut self, index: usize) {
        self.scheduler.enqueue(index, self.workloads[index].request.clone());
    }

    /// Carries out what the scheduler decides.
    pub(super) fn schedule(&mut self, at: Timestamp) {
        loop {
            let decisions = self.scheduler.pass();
            if decisions.is_empty() {
                return;
            }
            for decision in decisions {
                match decision {
                    Decision::Evict(index, why) => self.preempt(index, &why, at),
                    Decision::Start(index) => self.set_up(index, at),
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

    fn set_up(&mut self, index: usize, at: Timestamp) {
        self.enter(index, Phase::Initializing, String::new(), at);
        if let Some(placement) = self.scheduler.placement(index) {
            let nodes = self.scheduler.cluster().nodes();
            let workload = &self.workloads[index];
            let texts: Vec<String> = placement
                .pods
                .iter()
                .enumerate()
                .map(|(slot, pod)| format!("{} goes to {}", pod_name(workload, slot), nodes[pod.node].facts.name))
                .collect();
            for text in texts {
                self.workloads[index].note(at, "Scheduled", text);
            }
        }
        let image = self.workloads[index].spec.image.clone();
        if let Some(image) = image {
            self.workloads[index].note(at, "Pulling", format!("pulling the image `{image}`"));
        }
        self.set_due(index, Some(later(at, SETTING_UP)));
    }

    /// Pushes a workload aside: it waits again once its pods have gone.
    pub(super) fn preempt(&mut self, index: usize, why: &str, at: Timestamp) {
        self.workloads[index].warn(at, "Preempted", why.to_owned());
        if self.workloads[index].spec.terminate_after_preemption == Some(true) {
            return self.fail(index, why.to_owned(), at);
        }
        self.workloads[index].leaving = true;
        self.wind_down(index, Phase::Pending, why.to_owned(), at);
    }

    /// Lets a workload fail once its pods have gone.
    pub(super) fn fail(&mut self, index: usize, how: String, at: Timestamp) {
        if self.workloads[index].pods.is_empty() {
            return self.finish(index, Phase::Failed, how, at);
        }
        self.workloads[index].ending = Some(how.clone());
        self.wind_down(index, Phase::Terminating, how, at);
    }

    pub(super) fn start_pod(&mut self, index: usize, slot: usize) {
        let workload = &mut self.workloads[index];
        workload.runs += 1;
        workload.pods.insert(workload.runs, slot);
        self.orders.push(Order::Start(PodOrder {
            pod: PodId { run: workload.runs, workload_id: workload.id.clone() },
            slot,
            spec: Arc::clone(&workload.spec),
            workload_name: workload.name.clone(),
        }));
    }

    /// Ends what runs; the workload stays in `phase` until that is done.
    pub(super) fn wind_down(&mut self, index: usize, phase: Phase, message: String, at: Timestamp) {
        self.remember(index, at);
        if self.scheduler.placement(index).is_some() {
            // So that nobody else sends it away meanwhile.
            self.scheduler.leaves(index);
        } else {
            self.scheduler.forget(index);
        }
        self.enter(index, phase, message, at);
        let workload = &mut self.workloads[index];
        if workload.pods.is_empty() {
            return self.set_due(index, Some(later(at, WINDING_DOWN)));
        }
        let pods: Vec<(u32, usize)> = workload.pods.iter().map(|(run, slot)| (*run, *slot)).collect();
        for (run, slot) in pods {
            let name = pod_name(workload, slot);
            workload.note(at, "Killing", format!("{name} is asked to end"));
            self.orders.push(Order::Stop(PodId { run, workload_id: workload.id.clone() }));
        }
    }

    pub(super) fn set_up_again(&mut self, index: usize, at: Timestamp) {
        let workload = &mut self.workloads[index];
        workload.desired = DesiredPhase::Running;
        workload.failures = 0;
        workload.succeeded = 0;
        workload.note(at, "Resumed", "the workload is resumed");
        self.enter(index, Phase::Resuming, String::new(), at);
        self.set_due(index, Some(later(at, SETTING_UP)));
    }

    pub(super) fn finish(&mut self, index: usize, phase: Phase, message: String, at: Timestamp) {
        self.remember(index, at);
        self.scheduler.forget(index);
        self.tidy_up(index);
        if phase == Phase::Failed {
            self.workloads[index].warn(at, "Failed", message.clone());
        } else {
            self.workloads[index].note(at, "Completed", "the workload has completed");
        }
        self.enter(index, phase, message, at);
        let workload = &mut self.workloads[index];
        workload.completed_at = Some(at);
        let kept = workload.spec.auto_deletion_time_after_completion_seconds.unwrap_or(KEPT_SECONDS);
        self.set_due(index, Some(later(at, Duration::from_secs(kept.unsigned_abs()))));
    }

    fn tidy_up(&mut self, index: usize) {
        if self.exec {
            self.orders.push(Order::TidyUp(self.workloads[index].id.clone()));
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
        workload.record(at, What::Phase { message: message.clone(), phase });
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

/// How long Stopping and Deleting take when no process has to end.
const WINDING_DOWN: Duration = Duration::from_millis(100);

/// Finished workloads are kept for 30 days, as the API says.
const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;
