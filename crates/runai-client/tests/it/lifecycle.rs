//! The state machine of a wait.

use std::time::Duration;

use runai_api::phase::Stage;
use runai_client::lifecycle::{
    Action, MAX_OUTAGE_INTERVAL, Observation, Outcome, Snapshot, SuspendReason, WaitPolicy, WaitState,
};

const ALL_PHASES: [&str; 14] = [
    "Creating",
    "Initializing",
    "Resuming",
    "Pending",
    "Deleting",
    "Running",
    "Updating",
    "Stopped",
    "Stopping",
    "Degraded",
    "Failed",
    "Completed",
    "Terminating",
    "Unknown",
];

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn seen(phase: &str) -> Observation {
    Observation::Seen(Snapshot::of_phase(phase))
}

/// A snapshot of a phase since `since`, in a response with this `date` and these totals.
fn figures(phase: &str, since: u64, date: u64, pending: u64, running: u64) -> Observation {
    Observation::Seen({
        let mut snapshot = Snapshot::of_phase(phase);
        snapshot.phase_updated_at = Some(secs(since));
        snapshot.created_at = Some(secs(since));
        snapshot.server_time = Some(secs(date));
        snapshot.total_pending = Some(secs(pending));
        snapshot.total_running = Some(secs(running));
        snapshot
    })
}

fn timeouts(pending: u64, workload: u64, delete_on_failure: bool) -> WaitPolicy {
    WaitPolicy::default()
        .pending_timeout(secs(pending))
        .workload_timeout(secs(workload))
        .delete_on_failure(delete_on_failure)
}

/// A waiter; `now` advances by the returned intervals.
struct Waiter {
    policy: WaitPolicy,
    state: WaitState,
    now: Duration,
}

impl Waiter {
    fn new(policy: WaitPolicy) -> Self {
        Self { policy, state: WaitState::default(), now: secs(7) }
    }

    fn step(&mut self, observation: &Observation) -> Action {
        let next = self.state.step(&self.policy, self.now, observation);
        if let Action::PollAgain { after } = next {
            self.now += after;
        }
        next
    }

    #[track_caller]
    fn polls_again(&mut self, observation: &Observation) -> Duration {
        match self.step(observation) {
            Action::PollAgain { after } => after,
            other => panic!("{other:?} after {observation:?}"),
        }
    }

    /// Resumes from the stored state in another process.
    fn restart(self) -> Self {
        let written = serde_json::to_string(&self.state).unwrap();
        Self { state: serde_json::from_str(&written).unwrap(), now: secs(0), policy: self.policy }
    }
}

#[test]
fn maps_stages_to_actions() {
    for phase in ALL_PHASES.into_iter().chain(["Hibernating", "", "succeeded", "ERROR"]) {
        let next = Waiter::new(WaitPolicy::default()).step(&seen(phase));
        let expected = match Stage::of_phase(phase) {
            Stage::Succeeded => Some(Outcome::Succeeded),
            Stage::Failed => Some(Outcome::Failed),
            Stage::Stopped => Some(Outcome::Stopped),
            _ => None,
        };
        match expected {
            Some(outcome) => assert_eq!(next, Action::Done(outcome), "{phase:?}"),
            None => assert!(matches!(next, Action::PollAgain { .. }), "{phase:?}: {next:?}"),
        }
    }
}

#[test]
fn state_contains_last_phase() {
    let mut waiter = Waiter::new(WaitPolicy::default());
    assert_eq!((waiter.state.phase(), waiter.state.stage()), (None, None));
    waiter.polls_again(&seen("running"));
    waiter.polls_again(&Observation::Unavailable);
    assert_eq!((waiter.state.phase(), waiter.state.stage()), (Some("running"), Some(Stage::Running)));
}

#[test]
fn missing_timestamps_do_not_end_a_stay() {
    let mut waiter = Waiter::new(WaitPolicy::default());
    let dated = |since: Option<u64>| {
        Observation::Seen({
            let mut snapshot = Snapshot::of_phase("Pending");
            snapshot.phase_updated_at = since.map(secs);
            snapshot
        })
    };
    let looks = [None, Some(100), None, Some(100)].map(|since| waiter.polls_again(&dated(since)).as_secs());
    assert_eq!(looks, [1, 2, 4, 8]);
    // Another timestamp is another stay.
    assert_eq!(waiter.polls_again(&dated(Some(101))), secs(1));
}

#[test]
fn no_timeout_without_policy() {
    let mut waiter = Waiter::new(WaitPolicy::default().delete_on_failure(true));
    for phase in ALL_PHASES.into_iter().filter(|phase| !Stage::of_phase(phase).is_final()) {
        for date in [0, 1_000_000] {
            waiter.polls_again(&figures(phase, 0, date, date, date));
        }
    }
}

#[test]
fn polls_faster_after_change() {
    let mut waiter = Waiter::new(WaitPolicy::default().monitoring_interval(secs(10)));
    let intervals: Vec<_> = (0..6).map(|_| waiter.polls_again(&seen("Pending")).as_secs()).collect();
    assert_eq!(intervals, [1, 2, 4, 8, 10, 10]);
    assert_eq!(waiter.polls_again(&seen("Running")), secs(1));
}

#[test]
fn zero_interval_is_clamped() {
    let mut waiter = Waiter::new(WaitPolicy::default().monitoring_interval(Duration::ZERO));
    assert_eq!(waiter.polls_again(&seen("Pending")), Duration::from_millis(100));
    assert_eq!(waiter.polls_again(&Observation::Missing), Duration::from_millis(100));
}

#[test]
fn polls_when_timeout_is_due() {
    let mut waiter = Waiter::new(timeouts(500, 500, false).monitoring_interval(secs(300)));
    for date in [0, 1, 3, 7, 15, 31, 63, 127, 255] {
        waiter.now = secs(7 + date);
        waiter.polls_again(&figures("Pending", 0, date, date, 0));
    }
    waiter.now = secs(7 + 470);
    assert_eq!(waiter.polls_again(&figures("Pending", 0, 470, 470, 0)), secs(30));
    assert_eq!(waiter.step(&figures("Pending", 0, 500, 500, 0)), Action::Suspend(SuspendReason::PendingTimeout));
}

#[test]
fn outage_backs_off_to_30_s() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    waiter.polls_again(&figures("Running", 100, 110, 0, 10));
    let intervals: Vec<_> = (0..8).map(|_| waiter.polls_again(&Observation::Unavailable).as_secs()).collect();
    assert_eq!(intervals, [1, 2, 4, 8, 16, 30, 30, 30]);
    for _ in 0..10_000 {
        assert!(waiter.state.is_outage());
        assert_eq!(waiter.polls_again(&Observation::Unavailable), MAX_OUTAGE_INTERVAL);
    }
    assert_eq!(waiter.step(&figures("Completed", 150, 9_000, 0, 50)), Action::Done(Outcome::Succeeded));
    assert!(!waiter.state.is_outage());
}

#[test]
fn totals_override_wrong_clocks() {
    for phase in ["Pending", "Running"] {
        let mut waiter = Waiter::new(timeouts(300, 300, true));
        for second in [0, 100, 299] {
            waiter.polls_again(&figures(phase, 1_000, 90_000 + second, second, second));
        }
    }
}

#[test]
fn constant_total_does_not_block_timeout() {
    let mut waiter = Waiter::new(timeouts(0, 60, false));
    while !matches!(waiter.step(&figures("Running", 0, 90, 0, 0)), Action::Suspend(_)) {
        assert!(waiter.now < secs(200));
    }
    assert!(waiter.now >= secs(7 + 60));
}

#[test]
fn timeouts_depend_on_stage() {
    let mut waiter = Waiter::new(timeouts(10, 1_000, false));
    waiter.polls_again(&figures("Running", 1_000, 1_001, 5_000, 1));
    let mut waiter = Waiter::new(timeouts(1_000, 10, false));
    waiter.polls_again(&figures("Pending", 1_000, 1_001, 1, 5_000));
}

#[test]
fn timeout_suspends_and_confirms() {
    for (phase, why) in [("Pending", SuspendReason::PendingTimeout), ("Running", SuspendReason::WorkloadTimeout)] {
        let mut waiter = Waiter::new(timeouts(60, 60, false));
        assert_eq!(waiter.step(&figures(phase, 0, 60, 60, 60)), Action::Suspend(why));
        assert_eq!(waiter.state.suspending(), Some(why));
        waiter.polls_again(&figures(phase, 0, 61, 61, 61));
        waiter.polls_again(&seen("Stopping"));
        waiter.polls_again(&Observation::Unavailable);
        assert_eq!(waiter.step(&seen("Stopped")), Action::Done(why.outcome()));
    }
}

#[test]
fn resends_suspend_without_effect() {
    let mut waiter = Waiter::new(timeouts(60, 60, false));
    let asks = (0..26)
        .filter(|_| waiter.step(&figures("Running", 0, 70, 0, 70)) == Action::Suspend(SuspendReason::WorkloadTimeout))
        .count();
    assert_eq!(asks, 6);
    waiter.state.action_failed(false);
    assert!(matches!(waiter.step(&figures("Running", 0, 70, 0, 70)), Action::Suspend(_)));
}

#[test]
fn phase_change_does_not_resend_suspend() {
    let mut waiter = Waiter::new(WaitPolicy::default());
    waiter.state.cancel();
    assert_eq!(waiter.step(&seen("Creating")), Action::Suspend(SuspendReason::Cancelled));
    waiter.polls_again(&seen("Running"));
}

#[test]
fn completed_before_suspend_is_success() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    let _ = waiter.step(&figures("Running", 0, 60, 0, 60));
    assert_eq!(waiter.step(&seen("Completed")), Action::Done(Outcome::Succeeded));
}

#[test]
fn timers_resume_in_another_process() {
    let mut waiter = Waiter::new(timeouts(100, 100, false));
    for (second, phase) in [(0, "Creating"), (20, "Creating"), (21, "Pending"), (60, "Pending"), (61, "Initializing")] {
        waiter.now = secs(second);
        waiter.polls_again(&seen(phase));
    }
    let mut waiter = waiter.restart();
    waiter.polls_again(&seen("Initializing"));
    waiter.now = secs(40);
    waiter.polls_again(&seen("Initializing"));
    assert_eq!(waiter.state.queued(), secs(20 + 39 + 40));
    let mut waiter = waiter.restart();
    waiter.polls_again(&seen("Initializing"));
    assert_eq!(waiter.step(&seen("Initializing")), Action::Suspend(SuspendReason::PendingTimeout));
    // A suspend of one process is not mistaken for someone else's by the next.
    let mut waiter = waiter.restart();
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::PendingTimeout));
}

#[test]
fn local_clock_skips_outages_and_restarts() {
    let mut waiter = Waiter::new(timeouts(1_000, 1_000, false));
    for _ in 0..4 {
        waiter.polls_again(&seen("Initializing"));
    }
    assert_eq!(waiter.state.queued(), secs(1 + 2 + 4));
    waiter.polls_again(&Observation::Unavailable);
    waiter.polls_again(&seen("Initializing"));
    let mut waiter = waiter.restart();
    waiter.polls_again(&seen("Initializing"));
    assert_eq!(waiter.state.queued(), secs(1 + 2 + 4));
}

#[test]
fn backward_clocks_fire_no_timeout() {
    let mut waiter = Waiter::new(timeouts(10, 10, false));
    waiter.polls_again(&figures("Initializing", 5_000, 1_000, 0, 0));
    waiter.now = Duration::ZERO;
    waiter.polls_again(&seen("Initializing"));
    assert_eq!(waiter.state.queued(), Duration::ZERO);
}

#[test]
fn deletes_only_failed_or_timed_out() {
    let policy = timeouts(60, 60, true);
    for (phases, deleted) in [
        (&["Failed"][..], Some(Outcome::Failed)),
        (&["Running", "error"], Some(Outcome::Failed)),
        (&["Completed"], None),
        (&["Stopped"], None),
        (&["Running", "Stopping", "Stopped"], None),
    ] {
        let mut waiter = Waiter::new(policy.clone());
        let next = phases.iter().map(|phase| waiter.step(&seen(phase))).last();
        match deleted {
            Some(outcome) => assert_eq!(next, Some(Action::Delete(outcome)), "{phases:?}"),
            None => assert!(matches!(next, Some(Action::Done(_))), "{phases:?}: {next:?}"),
        }
    }
    let mut waiter = Waiter::new(policy);
    assert!(matches!(waiter.step(&figures("Pending", 0, 60, 60, 0)), Action::Suspend(_)));
    assert_eq!(waiter.step(&seen("Stopped")), Action::Delete(Outcome::PendingTimeout));
    waiter.polls_again(&seen("Stopped"));
    waiter.polls_again(&seen("Deleting"));
    assert_eq!(waiter.step(&Observation::Missing), Action::Done(Outcome::PendingTimeout));
}

#[test]
fn resends_delete_of_stopped_workload() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    assert_eq!(waiter.step(&seen("Failed")), Action::Delete(Outcome::Failed));
    let again = (0..10).filter(|_| waiter.step(&seen("Failed")) == Action::Delete(Outcome::Failed)).count();
    assert_eq!(again, 2);
    waiter.state.action_failed(false);
    waiter.polls_again(&seen("Resuming"));
    waiter.polls_again(&seen("Running"));
    assert_eq!(waiter.step(&seen("Failed")), Action::Delete(Outcome::Failed));
    let deleted = Observation::Deleted(Snapshot::of_phase("Deleting"));
    assert_eq!(waiter.restart().step(&deleted), Action::Done(Outcome::Failed));
}

#[test]
fn leaves_stopped_workload_alone() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    waiter.polls_again(&figures("Running", 0, 10, 0, 10));
    waiter.polls_again(&seen("Stopping"));
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::Stopped));
}

#[test]
fn cancel_suspends_and_confirms() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    waiter.polls_again(&figures("Running", 0, 10, 0, 10));
    waiter.state.cancel();
    assert_eq!(waiter.step(&seen("Running")), Action::Suspend(SuspendReason::Cancelled));
    waiter.polls_again(&seen("Running"));
    waiter.state.cancel();
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::Cancelled));
    // A failure after the suspend is a cancellation; one before it is a failure.
    let mut waiter = Waiter::new(timeouts(60, 60, false));
    waiter.state.cancel();
    assert_eq!(waiter.step(&seen("Failed")), Action::Done(Outcome::Failed));
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    waiter.state.cancel();
    let _ = waiter.step(&seen("Hibernating"));
    assert_eq!(waiter.step(&seen("Failed")), Action::Done(Outcome::Cancelled));
}

#[test]
fn cancel_keeps_earlier_timeout() {
    let mut waiter = Waiter::new(timeouts(60, 60, false));
    let _ = waiter.step(&figures("Running", 0, 60, 0, 60));
    waiter.state.cancel();
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::WorkloadTimeout));
}

#[test]
fn outcome_of_deleted_record() {
    for (phase, outcome) in [
        ("Completed", Outcome::Succeeded),
        ("Failed", Outcome::Failed),
        ("Running", Outcome::Vanished),
        ("Deleting", Outcome::Vanished),
        ("Stopped", Outcome::Vanished),
        ("Deleted", Outcome::Vanished),
    ] {
        let deleted = Observation::Deleted(Snapshot::of_phase(phase));
        let mut waiter = Waiter::new(timeouts(60, 60, true));
        assert_eq!(waiter.step(&deleted), Action::Done(outcome), "{phase}");
    }
}

#[test]
fn deletion_during_suspend_keeps_reason() {
    let deleted = Observation::Deleted(Snapshot::of_phase("Deleting"));
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    let _ = waiter.step(&figures("Running", 0, 60, 0, 60));
    assert_eq!(waiter.step(&deleted), Action::Done(Outcome::WorkloadTimeout));

    let mut waiter = Waiter::new(WaitPolicy::default());
    waiter.state.cancel();
    let _ = waiter.step(&seen("Running"));
    waiter.polls_again(&Observation::Missing);
    waiter.now += secs(300);
    assert_eq!(waiter.step(&Observation::Missing), Action::Done(Outcome::Cancelled));
}

#[test]
fn outcomes_and_states_round_trip() {
    for outcome in Outcome::ALL {
        let written = serde_json::to_string(&outcome).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&written).unwrap(), outcome);
        assert_eq!(outcome.to_string().replace(' ', "-"), written.trim_matches('"'));
    }
    let why = [SuspendReason::Cancelled, SuspendReason::PendingTimeout, SuspendReason::WorkloadTimeout];
    assert_eq!(why.map(|why| why.to_string()), why.map(|why| why.outcome().to_string()));
    // A receipt of an older version lacks newer members.
    assert_eq!(serde_json::from_str::<WaitState>("{}").unwrap(), WaitState::default());
}

/// A waiter whose process created the workload at second 1,000 of the control plane's clock.
fn creator(policy: WaitPolicy, date: u64) -> Waiter {
    let mut waiter = Waiter::new(policy);
    waiter.state.created(secs(1_000), secs(date), waiter.now);
    waiter
}

/// A phase without totals.
fn dated(phase: &str, since: u64, date: u64) -> Observation {
    Observation::Seen({
        let mut snapshot = Snapshot::of_phase(phase);
        snapshot.phase_updated_at = Some(secs(since));
        snapshot.created_at = Some(secs(1_000));
        snapshot.server_time = Some(secs(date));
        snapshot
    })
}

#[test]
fn counts_local_clock_without_totals() {
    for (phase, why) in [
        ("Creating", SuspendReason::PendingTimeout),
        ("Initializing", SuspendReason::PendingTimeout),
        ("Resuming", SuspendReason::PendingTimeout),
        ("Updating", SuspendReason::WorkloadTimeout),
        ("Degraded", SuspendReason::WorkloadTimeout),
    ] {
        let mut waiter = Waiter::new(timeouts(60, 60, false));
        let begun = waiter.now;
        while waiter.step(&seen(phase)) != Action::Suspend(why) {
            assert!(waiter.now < begun + secs(90), "{phase}");
        }
        assert_eq!(waiter.now, begun + secs(60), "{phase}");
    }
}

#[test]
fn date_alone_fires_no_timeout() {
    for phase in ["Pending", "Initializing", "Running", "Degraded"] {
        let mut waiter = Waiter::new(timeouts(3_600, 3_600, true));
        for second in 0..1_000 {
            waiter.now = secs(7 + second);
            waiter.polls_again(&dated(phase, 1_000, 90_000 + second));
        }
        assert!(waiter.state.queued().max(waiter.state.running()) < secs(1_000), "{phase}");
    }
}

#[test]
fn measures_skew_at_creation() {
    // The proxy's clock is two hours ahead of that of the phases.
    let mut waiter = creator(timeouts(10_000, 600, false), 8_200);
    let begun = waiter.now;
    waiter.polls_again(&dated("Pending", 1_000, 8_201));
    for _ in 0..50 {
        waiter.polls_again(&Observation::Unavailable);
    }
    // It started to run 300 s ago, during an outage.
    let passed = waiter.now.checked_sub(begun).unwrap().as_secs();
    waiter.polls_again(&dated("Running", 1_000 + passed - 300, 8_200 + passed));
    assert_eq!(waiter.state.running(), secs(300));
}

#[test]
fn ignores_drifting_date() {
    for dates in [[1_000, 1_000, 1_000], [1_000, 90_000, 90_100], [1_000, 0, 5], [90_000, 1_100, 1_200]] {
        let mut waiter = creator(timeouts(300, 300, true), dates[0]);
        waiter.now += secs(100);
        waiter.polls_again(&dated("Running", 1_100, dates[1]));
        waiter.now = secs(207);
        waiter.polls_again(&dated("Running", 1_100, dates[2]));
        assert!(waiter.state.running() <= secs(100), "{dates:?}: {:?}", waiter.state.running());
    }
}

#[test]
fn tolerates_decreasing_totals() {
    let mut waiter = Waiter::new(timeouts(100, 100, true));
    let mut fired = None;
    for (second, total) in (0..=110).zip([0, 50, 10, 0, 60, 0].into_iter().cycle()) {
        waiter.now = secs(second);
        let action = waiter.step(&figures("Running", 1_000, 1_000 + second, 0, total.min(second)));
        if let Action::Suspend(_) = action {
            fired = fired.or(Some(second));
        }
    }
    assert!(fired.is_some_and(|second| (95..=101).contains(&second)), "{fired:?}");
}

#[test]
fn pending_timeout_counts_current_wait() {
    // Preempted after a first wait of 1,000 s: the total is the sum of both waits, also after a restart.
    let mut waiter = Waiter::new(timeouts(600, 100_000, true));
    waiter.polls_again(&figures("Pending", 1_000, 1_500, 500, 0));
    waiter.polls_again(&figures("Running", 2_000, 2_010, 1_000, 10));
    waiter.polls_again(&figures("Pending", 5_000, 5_100, 1_100, 3_000));
    assert!(waiter.state.queued() < secs(600));
    let mut waiter = waiter.restart();
    waiter.polls_again(&figures("Pending", 5_000, 5_200, 1_200, 3_000));
    // Another waiter without state: all earlier waits were before the current phase.
    let mut stranger = Waiter::new(timeouts(600, 100_000, true));
    let preempted = {
        let mut snapshot = Snapshot::of_phase("Pending");
        snapshot.phase_updated_at = Some(secs(5_000));
        snapshot.created_at = Some(secs(1_000));
        snapshot.total_pending = Some(secs(1_200));
        snapshot.// The total was reset.
        total_running = Some(secs(0));
        snapshot
    };
    stranger.polls_again(&Observation::Seen(preempted.clone()));
    assert_eq!(stranger.state.queued(), Duration::ZERO);
    let long = {
        let mut snapshot = preempted;
        snapshot.total_pending = Some(secs(4_600));
        snapshot
    };
    assert_eq!(stranger.step(&Observation::Seen(long)), Action::Suspend(SuspendReason::PendingTimeout));
}

#[test]
fn queue_wait_spans_phases() {
    let mut waiter = Waiter::new(timeouts(60, 60, false));
    for (second, phase) in [(0, "Creating"), (20, "Creating"), (21, "Pending"), (40, "Pending"), (41, "Initializing")] {
        waiter.now = secs(second);
        waiter.polls_again(&seen(phase));
    }
    assert_eq!(waiter.state.queued(), secs(39));
    waiter.polls_again(&Observation::Unavailable);
    // It is unknown what happened in between.
    waiter.polls_again(&seen("Pending"));
    assert_eq!(waiter.state.queued(), Duration::ZERO);
}

#[test]
fn dates_count_across_outages() {
    let mut waiter = creator(timeouts(100, 1_000, false), 1_000);
    waiter.polls_again(&dated("Initializing", 1_000, 1_000));
    waiter.polls_again(&Observation::Unavailable);
    waiter.now = secs(7 + 99);
    waiter.polls_again(&dated("Initializing", 1_000, 1_099));
    waiter.now = secs(7 + 100);
    assert_eq!(waiter.step(&dated("Initializing", 1_000, 1_100)), Action::Suspend(SuspendReason::PendingTimeout));
}

#[test]
fn discards_suspend_without_reason() {
    // The suspend never reached the control plane, and the job runs now.
    let mut waiter = Waiter::new(timeouts(60, 1_000, true));
    assert_eq!(waiter.step(&figures("Pending", 0, 60, 60, 0)), Action::Suspend(SuspendReason::PendingTimeout));
    waiter.state.action_failed(false);
    waiter.polls_again(&figures("Running", 70, 75, 70, 5));
    assert_eq!(waiter.state.suspending(), None);
    // It was accepted and lost: not resent while the job runs.
    let mut waiter = Waiter::new(timeouts(60, 1_000, true));
    assert_eq!(waiter.step(&figures("Pending", 0, 60, 60, 0)), Action::Suspend(SuspendReason::PendingTimeout));
    for second in 0..40 {
        waiter.polls_again(&figures("Running", 70, 75 + second, 70, 5 + second));
    }
    assert_eq!(waiter.state.suspending(), None);
    // Accepted and late: the outcome is this waiter's, but a workload that has run is not deleted.
    let mut waiter = Waiter::new(timeouts(60, 1_000, false));
    let _ = waiter.step(&figures("Pending", 0, 60, 60, 0));
    waiter.polls_again(&figures("Running", 70, 75, 70, 5));
    waiter.polls_again(&seen("Stopping"));
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::PendingTimeout));
}

#[test]
fn does_not_suspend_resumed_workload() {
    for phase in ["Resuming", "Pending", "Running"] {
        let mut waiter = Waiter::new(timeouts(100_000, 60, true));
        assert_eq!(waiter.step(&figures("Running", 0, 60, 0, 60)), Action::Suspend(SuspendReason::WorkloadTimeout));
        waiter.polls_again(&figures("Stopping", 61, 62, 0, 61));
        for second in 0..200 {
            waiter.polls_again(&figures(phase, 100, 110 + second, 0, 61));
        }
        waiter.polls_again(&figures("Running", 500, 510, 0, 300));
        assert_eq!(waiter.step(&seen("Completed")), Action::Done(Outcome::Succeeded), "{phase}");
    }
    let mut waiter = Waiter::new(WaitPolicy::default());
    waiter.state.cancel();
    let _ = waiter.step(&seen("Running"));
    waiter.polls_again(&seen("Stopping"));
    assert_eq!(waiter.step(&seen("Resuming")), Action::Done(Outcome::Cancelled));
}

#[test]
fn stop_before_suspend_is_not_ours() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    assert_eq!(waiter.step(&figures("Running", 0, 60, 0, 60)), Action::Suspend(SuspendReason::WorkloadTimeout));
    waiter.state.action_failed(false);
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::Stopped));
    // A suspend without a response may have stopped it.
    let mut waiter = Waiter::new(timeouts(60, 60, false));
    let _ = waiter.step(&figures("Running", 0, 60, 0, 60));
    waiter.state.action_failed(true);
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::WorkloadTimeout));
}

#[test]
fn discards_stored_suspend() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    waiter.state.cancel();
    let mut waiter = waiter.restart();
    assert_eq!(waiter.state.discard_suspend(), Some(SuspendReason::Cancelled));
    waiter.polls_again(&seen("Running"));
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::Stopped));
    assert_eq!(waiter.state.discard_suspend(), None);
    // A suspend that was sent may still take effect.
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    let _ = waiter.step(&figures("Running", 0, 1, 0, 1));
    waiter.state.cancel();
    let _ = waiter.step(&figures("Running", 0, 2, 0, 2));
    let mut waiter = waiter.restart();
    waiter.state.discard_suspend();
    waiter.polls_again(&figures("Running", 0, 3, 0, 3));
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::Cancelled));
}

#[test]
fn ignores_stale_polls() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    waiter.polls_again(&figures("Running", 100, 110, 0, 10));
    for _ in 0..20 {
        waiter.polls_again(&figures("Failed", 50, 120, 0, 10));
    }
    assert_eq!(waiter.state.phase(), Some("Running"));
    assert_eq!(waiter.step(&figures("Failed", 50, 120, 0, 10)), Action::Delete(Outcome::Failed));
}

#[test]
fn vanishes_after_long_absence() {
    let mut waiter = Waiter::new(WaitPolicy::default());
    waiter.polls_again(&seen("Running"));
    let begun = waiter.now;
    while waiter.step(&Observation::Missing) != Action::Done(Outcome::Vanished) {
        assert!(waiter.now < begun + secs(320));
    }
    assert!(waiter.now >= begun + secs(300));
    // Outages do not count, and a poll that shows the workload resets the count.
    let mut waiter = Waiter::new(WaitPolicy::default());
    waiter.polls_again(&seen("Running"));
    for _ in 0..100 {
        waiter.polls_again(&Observation::Missing);
        waiter.polls_again(&Observation::Unavailable);
    }
    waiter.polls_again(&seen("Running"));
    waiter.polls_again(&Observation::Missing);
    waiter.now += secs(298);
    waiter.polls_again(&Observation::Missing);
}

#[test]
fn deleting_workload_vanishes_immediately() {
    for phase in ["Deleting", "Terminating"] {
        let mut waiter = Waiter::new(timeouts(60, 60, true));
        waiter.polls_again(&seen(phase));
        assert_eq!(waiter.step(&Observation::Missing), Action::Done(Outcome::Vanished), "{phase}");
    }
}

#[test]
fn unknown_final_phase_ends_wait() {
    let ended = Observation::Seen({
        let mut snapshot = Snapshot::of_phase("Hibernated");
        snapshot.is_completed = true;
        snapshot
    });
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    let begun = waiter.now;
    while waiter.step(&ended) != Action::Done(Outcome::UnknownEnd) {
        assert!(waiter.now < begun + secs(90));
    }
    assert!(waiter.now >= begun + secs(60));
    // Without `completedAt` the wait continues without limit.
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    for _ in 0..1_000 {
        waiter.polls_again(&seen("Hibernated"));
    }
}

#[test]
fn unknown_phase_counts_no_time_twice() {
    let mut waiter = creator(timeouts(1_000, 250, true), 1_000);
    for second in 0..200 {
        waiter.now = secs(7 + 100 + second);
        let phase = if second % 3 == 1 { "Archived" } else { "Running" };
        waiter.polls_again(&dated(phase, 1_100, 1_100 + second));
        assert!(waiter.state.running() <= secs(second), "{:?} after {second} s", waiter.state.running());
    }
}

#[test]
fn unknown_phases_count_no_time_twice() {
    let mut waiter = creator(timeouts(1_000, 250, true), 1_000);
    for second in 0..200 {
        waiter.now = secs(7 + 100 + second);
        let phase = ["Running", "Reconciling", "Archived", "Reconciling"][usize::try_from(second % 4).unwrap()];
        waiter.polls_again(&dated(phase, 1_100, 1_100 + second));
        assert!(waiter.state.running() <= secs(second), "{:?} after {second} s", waiter.state.running());
    }
    assert!(waiter.state.running() >= secs(190), "{:?}", waiter.state.running());
}

#[test]
fn missing_phase_time_counts_no_time_twice() {
    let mut waiter = creator(timeouts(1_000, 250, true), 1_000);
    for second in 0..200 {
        waiter.now = secs(7 + 100 + second);
        let observation = match second % 4 {
            1 => dated("Archived", 1_100, 1_100 + second),
            2 => seen("Running"),
            _ => dated("Running", 1_100, 1_100 + second),
        };
        waiter.polls_again(&observation);
        assert!(waiter.state.running() <= secs(second), "{:?} after {second} s", waiter.state.running());
    }
    assert!(waiter.state.running() >= secs(190), "{:?}", waiter.state.running());
}
