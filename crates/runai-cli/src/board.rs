//! What someone sees while workloads are on their way: a live line each on a terminal, plain lines elsewhere, objects for
//! programs.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use runai_client::{Error, Event, Submitted};
use runai_sim::{Output, Stream};
use runai_spec::phase::Stage;
use runai_spec::wait::{Outcome, StopReason};
use serde_json::{Value, json};

use crate::args::ResultFormat;
use crate::exit::Exit;
use crate::output;
use crate::time;

/// Most workloads that have a line of their own; all of them are in the line that sums up.
const MOST_LINES: usize = 12;
/// How often a live line is drawn anew.
const TICK: Duration = Duration::from_millis(200);

/// Shows workloads on their way.
pub(crate) struct Board {
    format: ResultFormat,
    /// Whether names have to stand before what happens.
    several: bool,
    live: Option<Live>,
    workloads: HashMap<String, Shown>,
}

/// What is known about a workload.
struct Shown {
    name: String,
    stage: Stage,
    phase: String,
    reason: Option<String>,
    pools: Vec<String>,
    /// When the phase was seen first.
    since: Instant,
}

/// Lines that are drawn over.
struct Live {
    lines: MultiProgress,
    sum: Option<ProgressBar>,
    bars: HashMap<String, ProgressBar>,
}

impl Board {
    pub(crate) fn new(format: ResultFormat, several: bool) -> Self {
        let live = (format == ResultFormat::Human && !output::is_quiet()).then(|| Live::new(several)).flatten();
        Self { format, several, live, workloads: HashMap::new() }
    }

    /// Says how it goes; programs are told by events.
    pub(crate) fn say(&self, text: &str) {
        if self.format == ResultFormat::Human && !output::is_quiet() {
            self.above(|| output::say(text));
        }
    }

    /// A workload is there.
    pub(crate) fn submitted(&self, file: &str, submitted: &Submitted, project: &str) {
        let Submitted { name, adopted, unrecorded, .. } = submitted;
        if self.format == ResultFormat::Human {
            let how = if *adopted { "attached to" } else { "submitted" };
            self.say(&format!("{how} {name} {} project {project}", if *adopted { "of" } else { "to" }));
        } else {
            let mut event = json!({"event": "submitted", "file": file, "project": project});
            merge(&mut event, serde_json::to_value(submitted).unwrap_or_default());
            let _ = output::item(self.format, &event);
        }
        if let Some(why) = unrecorded {
            self.warn(&format!("there is no receipt of {name}: {why}"));
        }
    }

    /// A workload is followed from now on.
    pub(crate) fn watch(&mut self, workload_id: &str, name: &str) {
        let shown = Shown {
            name: name.to_owned(),
            stage: Stage::Queued,
            phase: String::new(),
            reason: None,
            pools: Vec::new(),
            since: Instant::now(),
        };
        self.workloads.insert(workload_id.to_owned(), shown);
        self.draw(workload_id);
    }

    /// Something happened to a workload.
    pub(crate) fn event(&mut self, workload_id: &str, event: &Event) {
        let Some(shown) = self.workloads.get_mut(workload_id) else { return };
        let name = shown.name.clone();
        match event {
            Event::Phase { phase, stage, node_pools } => {
                shown.stage = *stage;
                shown.phase.clone_from(phase);
                shown.pools.clone_from(node_pools);
                shown.since = Instant::now();
                if *stage != Stage::Queued {
                    shown.reason = None;
                }
            }
            Event::Waiting { reason } => shown.reason = Some(reason.clone()),
            _ => {}
        }
        if self.format == ResultFormat::Human {
            // A live line shows these by itself.
            let is_drawn = self.live.is_some() && matches!(event, Event::Phase { .. } | Event::Waiting { .. });
            if let Some(words) = words(event).filter(|_| !is_drawn) {
                self.say(&self.named(&name, &words));
            }
        } else if let Some(mut object) = object(event) {
            merge(&mut object, json!({"workload_id": workload_id, "name": name}));
            let _ = output::item(self.format, &object);
        }
        self.draw(workload_id);
    }

    /// The control plane is out of sight, or back.
    pub(crate) fn outage(&self, began: Result<&Error, Duration>) {
        if self.format == ResultFormat::Human {
            self.say(&match began {
                Ok(error) => format!("lost sight of the control plane ({error}); the workload goes on"),
                Err(lasted) => format!("the control plane is back after {:.0} s", lasted.as_secs_f64()),
            });
            return;
        }
        let object = match began {
            Ok(error) => json!({"event": "outage_began", "error": error.to_string()}),
            Err(lasted) => json!({"event": "outage_ended", "seconds": lasted.as_secs_f64()}),
        };
        let _ = output::item(self.format, &object);
    }

    /// A workload came to its end.
    pub(crate) fn ended(&mut self, workload_id: &str, name: &str, end: &End) {
        self.workloads.remove(workload_id);
        if let Some(live) = &mut self.live
            && let Some(bar) = live.bars.remove(workload_id)
        {
            bar.finish_and_clear();
            live.lines.remove(&bar);
        }
        if self.format == ResultFormat::Human {
            self.say(&format!("{name} {} ({})", end.words(), time::precise(end.took)));
            for line in &end.events {
                self.say(&self.named(name, line));
            }
        } else {
            let object = json!({
                "event": "ended",
                "workload_id": workload_id,
                "name": name,
                "outcome": end.outcome,
                "exit_code": Exit::from(end.outcome) as u8,
                "message": end.why,
                "seconds": end.took.as_secs_f64(),
            });
            let _ = output::item(self.format, &object);
        }
        // One that had no room for a line has now.
        if let Some(next) = self.hidden() {
            self.draw(&next);
        }
        self.sum_up();
    }

    /// A line that a local command printed.
    pub(crate) fn output(&self, output: &Output) {
        let Output { workload, stream, line } = output;
        if self.format != ResultFormat::Human {
            let stream = if *stream == Stream::Stdout { "stdout" } else { "stderr" };
            let _ = output::item(
                self.format,
                &json!({"event": "output", "name": workload, "stream": stream, "line": line}),
            );
            return;
        }
        let line = self.named(workload, line);
        self.above(|| {
            let _ = match stream {
                Stream::Stdout => output::line(&line),
                Stream::Stderr => writeln!(anstream::stderr(), "{line}"),
            };
        });
    }

    /// Says what does not keep anything from going on.
    pub(crate) fn warn(&self, text: &str) {
        self.above(|| {
            let _ = writeln!(anstream::stderr(), "warning: {text}");
        });
    }

    /// Tells a failure, above the live lines.
    pub(crate) fn fail(&self, failure: &crate::failure::Failure) -> Exit {
        let mut exit = failure.exit;
        self.above(|| exit = failure.tell());
        exit
    }

    /// Takes the live lines away.
    pub(crate) fn close(&mut self) {
        if let Some(live) = self.live.take() {
            let _ = live.lines.clear();
        }
    }

    fn named(&self, name: &str, text: &str) -> String {
        if self.several { format!("{name}: {text}") } else { text.to_owned() }
    }

    /// Prints without breaking the live lines.
    fn above(&self, print: impl FnOnce()) {
        match &self.live {
            Some(live) => live.lines.suspend(print),
            None => print(),
        }
    }

    /// A workload that has no line.
    fn hidden(&self) -> Option<String> {
        let live = self.live.as_ref()?;
        self.workloads.keys().find(|id| !live.bars.contains_key(*id)).cloned()
    }

    fn draw(&mut self, workload_id: &str) {
        let (Some(live), Some(shown)) = (&mut self.live, self.workloads.get(workload_id)) else { return };
        if !live.bars.contains_key(workload_id) {
            if live.bars.len() >= MOST_LINES {
                return self.sum_up();
            }
            let bar = live.add();
            live.bars.insert(workload_id.to_owned(), bar);
        }
        if let Some(bar) = live.bars.get(workload_id) {
            bar.set_prefix(shown.name.clone());
            bar.set_message(shown.state());
            if bar.elapsed() > shown.since.elapsed() + TICK {
                bar.reset_elapsed();
            }
        }
        self.sum_up();
    }

    /// Counts the workloads by stage, in the last line.
    fn sum_up(&self) {
        let Some(sum) = self.live.as_ref().and_then(|live| live.sum.as_ref()) else { return };
        let count = |stage: Stage| self.workloads.values().filter(|shown| shown.stage == stage).count();
        let counts = [(Stage::Queued, count(Stage::Queued)), (Stage::Running, count(Stage::Running))];
        let rest = self.workloads.len() - counts.iter().map(|(_, count)| count).sum::<usize>();
        let mut words: Vec<_> =
            counts.iter().filter(|(_, count)| *count > 0).map(|(stage, count)| format!("{count} {stage}")).collect();
        if rest > 0 {
            words.push(format!("{rest} on their way"));
        }
        sum.set_message(words.join(", "));
    }
}

impl Shown {
    /// The phase, and why or where.
    fn state(&self) -> String {
        let phase = if self.phase.is_empty() { "submitted" } else { &self.phase };
        match &self.reason {
            Some(reason) => format!("{phase}: {reason}"),
            None if self.pools.is_empty() => phase.to_owned(),
            None => format!("{phase} on {}", self.pools.join(", ")),
        }
    }
}

impl Live {
    /// Nothing where there is no terminal to draw on.
    fn new(several: bool) -> Option<Self> {
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        if lines.is_hidden() {
            return None;
        }
        let sum = several.then(|| {
            let sum = lines.add(ProgressBar::new_spinner());
            sum.set_style(style("  {wide_msg:.dim}"));
            sum
        });
        Some(Self { lines, sum, bars: HashMap::new() })
    }

    /// A new line, above the one that sums up.
    fn add(&self) -> ProgressBar {
        let bar = ProgressBar::new_spinner();
        let bar = match &self.sum {
            Some(sum) => self.lines.insert_before(sum, bar),
            None => self.lines.add(bar),
        };
        bar.set_style(style("{spinner:.cyan} {prefix:.bold} {elapsed:.dim} {wide_msg}"));
        bar.enable_steady_tick(TICK);
        bar
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates above are right; should one not be, the usual style is no loss.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// How a workload ended, as far as it can be told.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    pub(crate) why: Option<String>,
    /// What Kubernetes warned about last.
    pub(crate) events: Vec<String>,
    /// Since it was submitted, or followed.
    pub(crate) took: Duration,
}

impl End {
    fn words(&self) -> String {
        match self.outcome {
            Outcome::Cancelled => "was suspended".to_owned(),
            Outcome::Failed => match self.why.as_deref().filter(|why| !why.is_empty()) {
                Some(why) => format!("failed: {why}"),
                None => "failed".to_owned(),
            },
            Outcome::PendingTimeout => "was queued too long and is suspended".to_owned(),
            Outcome::Stopped => "was stopped by someone else".to_owned(),
            Outcome::Succeeded => "succeeded".to_owned(),
            Outcome::Vanished => "vanished: someone deleted it, or it never was".to_owned(),
            Outcome::WorkloadTimeout => "ran too long and is suspended".to_owned(),
        }
    }
}

/// An event for people; the end is summed up with what is known about it.
fn words(event: &Event) -> Option<String> {
    Some(match event {
        Event::CleanupFailed { error } => format!("could not delete the workload: {error}"),
        Event::Deleting { .. } => "deleting the workload, as `delete_on_failure` asks".to_owned(),
        Event::Phase { phase, node_pools, .. } if node_pools.is_empty() => phase.clone(),
        Event::Phase { phase, node_pools, .. } => format!("{phase} on {}", node_pools.join(", ")),
        Event::Suspending { why: StopReason::Cancelled } => {
            "interrupted: suspending the workload; Ctrl-C again leaves at once".to_owned()
        }
        Event::Suspending { why: StopReason::PendingTimeout } => {
            "suspending the workload, which was queued longer than `pending_timeout`".to_owned()
        }
        Event::Suspending { why: StopReason::WorkloadTimeout } => {
            "suspending the workload, which ran longer than `workload_timeout`".to_owned()
        }
        Event::Unrecorded { error } => format!("the receipt is not up to date: {error}"),
        Event::Waiting { reason } => format!("waiting: {reason}"),
        _ => return None,
    })
}

/// An event for programs.
fn object(event: &Event) -> Option<Value> {
    Some(match event {
        Event::CleanupFailed { error } => json!({"event": "cleanup_failed", "error": error.to_string()}),
        Event::Deleting { outcome } => json!({"event": "deleting", "outcome": outcome}),
        Event::Phase { phase, stage, node_pools } => {
            json!({"event": "phase", "phase": phase, "stage": stage, "node_pools": node_pools})
        }
        Event::Suspending { why } => json!({"event": "suspending", "why": why.outcome()}),
        Event::Unrecorded { error } => json!({"event": "unrecorded", "error": error.to_string()}),
        Event::Waiting { reason } => json!({"event": "waiting", "reason": reason}),
        _ => return None,
    })
}

/// Adds the members of `more`.
fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}
