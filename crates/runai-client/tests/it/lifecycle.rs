//! The wait machine, fed by hand.

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

/// The phase since `since`, in an answer of the moment `date`, with the two figures.
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

/// A waiter and what it is fed; `now` advances by what it is told to wait.
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

    /// Another process goes on with what was written down.
    fn restart(self) -> Self {
        let written = serde_json::to_string(&self.state).unwrap();
        Self { state: serde_json::from_str(&written).unwrap(), now: secs(0), policy: self.policy }
    }
}

#[test]
fn every_phase_leads_where_its_stage_says() {
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
fn a_state_tells_the_phase_that_was_seen_last() {
    let mut waiter = Waiter::new(WaitPolicy::default());
    assert_eq!((waiter.state.phase(), waiter.state.stage()), (None, None));
    waiter.polls_again(&seen("running"));
    waiter.polls_again(&Observation::Unavailable);
    assert_eq!((waiter.state.phase(), waiter.state.stage()), (Some("running"), Some(Stage::Running)));
}

#[test]
fn a_date_that_comes_or_goes_does_not_make_another_spell() {
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
    // Another date is another spell.
    assert_eq!(waiter.polls_again(&dated(Some(101))), secs(1));
}

#[test]
fn without_timeouts_nothing_is_touched_however_long_it_takes() {
    let mut waiter = Waiter::new(WaitPolicy::default().delete_on_failure(true));
    for phase in ALL_PHASES.into_iter().filter(|phase| !Stage::of_phase(phase).is_final()) {
        for date in [0, 1_000_000] {
            waiter.polls_again(&figures(phase, 0, date, date, date));
        }
    }
}

#[test]
fn looks_quickly_after_a_change_and_then_at_the_interval_of_the_user() {
    let mut waiter = Waiter::new(WaitPolicy::default().monitoring_interval(secs(10)));
    let intervals: Vec<_> = (0..6).map(|_| waiter.polls_again(&seen("Pending")).as_secs()).collect();
    assert_eq!(intervals, [1, 2, 4, 8, 10, 10]);
    assert_eq!(waiter.polls_again(&seen("Running")), secs(1));
}

#[test]
fn an_interval_of_nothing_is_no_busy_loop() {
    let mut waiter = Waiter::new(WaitPolicy::default().monitoring_interval(Duration::ZERO));
    assert_eq!(waiter.polls_again(&seen("Pending")), Duration::from_millis(100));
    assert_eq!(waiter.polls_again(&Observation::Missing), Duration::from_millis(100));
}

#[test]
fn looks_when_a_timeout_is_due_rather_than_an_interval_later() {
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
fn an_outage_grows_to_thirty_seconds_and_touches_nothing() {
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
fn beside_a_figure_no_clock_that_is_off_counts() {
    for phase in ["Pending", "Running"] {
        let mut waiter = Waiter::new(timeouts(300, 300, true));
        for second in [0, 100, 299] {
            waiter.polls_again(&figures(phase, 1_000, 90_000 + second, second, second));
        }
    }
}

#[test]
fn a_figure_that_stands_still_does_not_hold_up_a_timeout() {
    let mut waiter = Waiter::new(timeouts(0, 60, false));
    while !matches!(waiter.step(&figures("Running", 0, 90, 0, 0)), Action::Suspend(_)) {
        assert!(waiter.now < secs(200));
    }
    assert!(waiter.now >= secs(7 + 60));
}

#[test]
fn a_queue_timeout_does_not_fire_on_a_running_job_nor_the_other_way_round() {
    let mut waiter = Waiter::new(timeouts(10, 1_000, false));
    waiter.polls_again(&figures("Running", 1_000, 1_001, 5_000, 1));
    let mut waiter = Waiter::new(timeouts(1_000, 10, false));
    waiter.polls_again(&figures("Pending", 1_000, 1_001, 1, 5_000));
}

#[test]
fn timeouts_are_suspended_and_confirmed() {
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
fn a_suspend_without_effect_is_asked_for_again_but_not_at_every_look() {
    let mut waiter = Waiter::new(timeouts(60, 60, false));
    let asks = (0..26)
        .filter(|_| waiter.step(&figures("Running", 0, 70, 0, 70)) == Action::Suspend(SuspendReason::WorkloadTimeout))
        .count();
    assert_eq!(asks, 6);
    waiter.state.action_failed(false);
    assert!(matches!(waiter.step(&figures("Running", 0, 70, 0, 70)), Action::Suspend(_)));
}

#[test]
fn a_suspend_is_not_asked_for_again_because_the_phase_changes() {
    let mut waiter = Waiter::new(WaitPolicy::default());
    waiter.state.cancel();
    assert_eq!(waiter.step(&seen("Creating")), Action::Suspend(SuspendReason::Cancelled));
    waiter.polls_again(&seen("Running"));
}

#[test]
fn a_job_that_completes_before_the_suspend_reaches_it_has_succeeded() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    let _ = waiter.step(&figures("Running", 0, 60, 0, 60));
    assert_eq!(waiter.step(&seen("Completed")), Action::Done(Outcome::Succeeded));
}

#[test]
fn timeouts_resume_their_count_in_another_process() {
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
    // A stop that one process asked for is not taken for someone else's by the next.
    let mut waiter = waiter.restart();
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::PendingTimeout));
}

#[test]
fn without_dates_the_clock_of_the_caller_counts_but_not_through_an_outage_or_a_restart() {
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
fn clocks_that_go_backwards_never_fire_a_timeout() {
    let mut waiter = Waiter::new(timeouts(10, 10, false));
    waiter.polls_again(&figures("Initializing", 5_000, 1_000, 0, 0));
    waiter.now = Duration::ZERO;
    waiter.polls_again(&seen("Initializing"));
    assert_eq!(waiter.state.queued(), Duration::ZERO);
}

#[test]
fn deletes_on_failure_only_what_failed_or_timed_out() {
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
fn a_delete_is_confirmed_and_asked_for_again_only_while_the_workload_lies() {
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
fn a_stop_by_someone_else_is_stopped_and_left_alone() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    waiter.polls_again(&figures("Running", 0, 10, 0, 10));
    waiter.polls_again(&seen("Stopping"));
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::Stopped));
}

#[test]
fn a_cancel_suspends_confirms_and_never_deletes() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    waiter.polls_again(&figures("Running", 0, 10, 0, 10));
    waiter.state.cancel();
    assert_eq!(waiter.step(&seen("Running")), Action::Suspend(SuspendReason::Cancelled));
    waiter.polls_again(&seen("Running"));
    waiter.state.cancel();
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::Cancelled));
    // What the suspend killed was cancelled; what had failed before had failed.
    let mut waiter = Waiter::new(timeouts(60, 60, false));
    waiter.state.cancel();
    assert_eq!(waiter.step(&seen("Failed")), Action::Done(Outcome::Failed));
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    waiter.state.cancel();
    let _ = waiter.step(&seen("Hibernating"));
    assert_eq!(waiter.step(&seen("Failed")), Action::Done(Outcome::Cancelled));
}

#[test]
fn a_cancel_does_not_hide_a_timeout_that_came_first() {
    let mut waiter = Waiter::new(timeouts(60, 60, false));
    let _ = waiter.step(&figures("Running", 0, 60, 0, 60));
    waiter.state.cancel();
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::WorkloadTimeout));
}

#[test]
fn a_deleted_workload_ended_as_its_record_says() {
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
fn a_workload_deleted_while_it_is_being_stopped_was_stopped() {
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
fn outcomes_and_states_print_and_parse_back() {
    for outcome in Outcome::ALL {
        let written = serde_json::to_string(&outcome).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&written).unwrap(), outcome);
        assert_eq!(outcome.to_string().replace(' ', "-"), written.trim_matches('"'));
    }
    let why = [SuspendReason::Cancelled, SuspendReason::PendingTimeout, SuspendReason::WorkloadTimeout];
    assert_eq!(why.map(|why| why.to_string()), why.map(|why| why.outcome().to_string()));
    // A receipt of an older version lacks what it did not know.
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
fn phases_without_a_total_count_by_the_local_clock() {
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
fn no_date_alone_fires_a_timeout_for_a_waiter_that_created_nothing() {
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
fn the_skew_of_date_is_measured_when_the_workload_is_created() {
    // The front's clock is two hours ahead of the one that stamps phases.
    let mut waiter = creator(timeouts(10_000, 600, false), 8_200);
    let begun = waiter.now;
    waiter.polls_again(&dated("Pending", 1_000, 8_201));
    for _ in 0..50 {
        waiter.polls_again(&Observation::Unavailable);
    }
    // It began to run 300 s ago, while nobody could see it.
    let passed = waiter.now.checked_sub(begun).unwrap().as_secs();
    waiter.polls_again(&dated("Running", 1_000 + passed - 300, 8_200 + passed));
    assert_eq!(waiter.state.running(), secs(300));
}

#[test]
fn a_date_that_does_not_move_with_the_local_clock_does_not_count() {
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
fn totals_that_go_back_or_reset_neither_fire_nor_hold_up_a_timeout() {
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
fn pending_timeout_counts_the_present_wait_only() {
    // Preempted after a first wait of 1,000 s: the total is the sum of both waits, also after a restart.
    let mut waiter = Waiter::new(timeouts(600, 100_000, true));
    waiter.polls_again(&figures("Pending", 1_000, 1_500, 500, 0));
    waiter.polls_again(&figures("Running", 2_000, 2_010, 1_000, 10));
    waiter.polls_again(&figures("Pending", 5_000, 5_100, 1_100, 3_000));
    assert!(waiter.state.queued() < secs(600));
    let mut waiter = waiter.restart();
    waiter.polls_again(&figures("Pending", 5_000, 5_200, 1_200, 3_000));
    // Another waiter, that knows nothing: all earlier waits fit before the present phase.
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
fn a_wait_in_the_queue_spans_its_phases_unless_the_job_may_have_run() {
    let mut waiter = Waiter::new(timeouts(60, 60, false));
    for (second, phase) in [(0, "Creating"), (20, "Creating"), (21, "Pending"), (40, "Pending"), (41, "Initializing")] {
        waiter.now = secs(second);
        waiter.polls_again(&seen(phase));
    }
    assert_eq!(waiter.state.queued(), secs(39));
    waiter.polls_again(&Observation::Unavailable);
    // Nobody knows what happened meanwhile.
    waiter.polls_again(&seen("Pending"));
    assert_eq!(waiter.state.queued(), Duration::ZERO);
}

#[test]
fn a_phase_that_did_not_change_counts_across_an_outage_by_the_dates_of_its_creator() {
    let mut waiter = creator(timeouts(100, 1_000, false), 1_000);
    waiter.polls_again(&dated("Initializing", 1_000, 1_000));
    waiter.polls_again(&Observation::Unavailable);
    waiter.now = secs(7 + 99);
    waiter.polls_again(&dated("Initializing", 1_000, 1_099));
    waiter.now = secs(7 + 100);
    assert_eq!(waiter.step(&dated("Initializing", 1_000, 1_100)), Action::Suspend(SuspendReason::PendingTimeout));
}

#[test]
fn a_decision_to_suspend_is_dropped_when_its_reason_is_gone() {
    // The suspend never reached the control plane, and the job runs now.
    let mut waiter = Waiter::new(timeouts(60, 1_000, true));
    assert_eq!(waiter.step(&figures("Pending", 0, 60, 60, 0)), Action::Suspend(SuspendReason::PendingTimeout));
    waiter.state.action_failed(false);
    waiter.polls_again(&figures("Running", 70, 75, 70, 5));
    assert_eq!(waiter.state.suspending(), None);
    // It was accepted and lost: not sent again while the job runs.
    let mut waiter = Waiter::new(timeouts(60, 1_000, true));
    assert_eq!(waiter.step(&figures("Pending", 0, 60, 60, 0)), Action::Suspend(SuspendReason::PendingTimeout));
    for second in 0..40 {
        waiter.polls_again(&figures("Running", 70, 75 + second, 70, 5 + second));
    }
    assert_eq!(waiter.state.suspending(), None);
    // Accepted and late: it still was this waiter's, but what had begun to run is not deleted.
    let mut waiter = Waiter::new(timeouts(60, 1_000, false));
    let _ = waiter.step(&figures("Pending", 0, 60, 60, 0));
    waiter.polls_again(&figures("Running", 70, 75, 70, 5));
    waiter.polls_again(&seen("Stopping"));
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::PendingTimeout));
}

#[test]
fn a_workload_that_someone_resumed_is_not_suspended_again() {
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
fn what_someone_else_stopped_before_a_timeout_was_sent_is_neither_ours_nor_deleted() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    assert_eq!(waiter.step(&figures("Running", 0, 60, 0, 60)), Action::Suspend(SuspendReason::WorkloadTimeout));
    waiter.state.action_failed(false);
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::Stopped));
    // A suspend whose answer was lost may be what stopped it.
    let mut waiter = Waiter::new(timeouts(60, 60, false));
    let _ = waiter.step(&figures("Running", 0, 60, 0, 60));
    waiter.state.action_failed(true);
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::WorkloadTimeout));
}

#[test]
fn a_stored_stop_can_be_dropped() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    waiter.state.cancel();
    let mut waiter = waiter.restart();
    assert_eq!(waiter.state.discard_suspend(), Some(SuspendReason::Cancelled));
    waiter.polls_again(&seen("Running"));
    assert_eq!(waiter.step(&seen("Stopped")), Action::Done(Outcome::Stopped));
    assert_eq!(waiter.state.discard_suspend(), None);
    // One that was sent may still take effect, and is then the cause.
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
fn an_older_state_than_one_before_is_ignored_for_a_while() {
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    waiter.polls_again(&figures("Running", 100, 110, 0, 10));
    for _ in 0..20 {
        waiter.polls_again(&figures("Failed", 50, 120, 0, 10));
    }
    assert_eq!(waiter.state.phase(), Some("Running"));
    assert_eq!(waiter.step(&figures("Failed", 50, 120, 0, 10)), Action::Delete(Outcome::Failed));
}

#[test]
fn a_workload_vanishes_only_when_it_is_absent_for_long_while_its_project_answers() {
    let mut waiter = Waiter::new(WaitPolicy::default());
    waiter.polls_again(&seen("Running"));
    let begun = waiter.now;
    while waiter.step(&Observation::Missing) != Action::Done(Outcome::Vanished) {
        assert!(waiter.now < begun + secs(320));
    }
    assert!(waiter.now >= begun + secs(300));
    // Time that nobody answered does not count, and a poll that shows it starts the count anew.
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
fn a_workload_that_was_being_deleted_has_vanished_at_once() {
    for phase in ["Deleting", "Terminating"] {
        let mut waiter = Waiter::new(timeouts(60, 60, true));
        waiter.polls_again(&seen(phase));
        assert_eq!(waiter.step(&Observation::Missing), Action::Done(Outcome::Vanished), "{phase}");
    }
}

#[test]
fn a_final_phase_that_is_not_known_ends_the_wait_after_a_minute() {
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
    // Without `completedAt` it may do anything, for ever.
    let mut waiter = Waiter::new(timeouts(60, 60, true));
    for _ in 0..1_000 {
        waiter.polls_again(&seen("Hibernated"));
    }
}

#[test]
fn a_phase_that_nobody_knows_in_between_counts_no_time_twice() {
    let mut waiter = creator(timeouts(1_000, 250, true), 1_000);
    for second in 0..200 {
        waiter.now = secs(7 + 100 + second);
        let phase = if second % 3 == 1 { "Archived" } else { "Running" };
        waiter.polls_again(&dated(phase, 1_100, 1_100 + second));
        assert!(waiter.state.running() <= secs(second), "{:?} after {second} s", waiter.state.running());
    }
}

#[test]
fn several_phases_that_nobody_knows_in_a_row_count_no_time_twice() {
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
fn an_answer_without_the_time_of_its_phase_counts_no_time_twice() {
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
