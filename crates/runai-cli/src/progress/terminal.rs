//! Progress as live lines on a terminal, plain lines elsewhere, and one JSON object per event for programs.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use runai_api::phase::Stage;
use runai_client::{Error, Event, OutageScope, SubmitEvent, Submitted};
use runai_sim::{Output, Stream};
use serde_json::json;

use super::messages::{duplicate_message, end_message, event_json, event_message, interruption_message, merge};
use super::{Interruption, Rejection, Reporter};
use crate::args::ResultFormat;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::output::secrets::scrub;
use crate::output::time;
use crate::tracking::End;

/// Maximum number of live lines of workloads; the summary line counts all workloads.
const MAX_LINES: usize = 12;
/// Refresh interval of live lines.
const TICK: Duration = Duration::from_millis(200);

/// Writes progress to stderr, and events for programs to stdout.
pub(crate) struct TerminalReporter {
    format: ResultFormat,
    /// Whether messages start with the name of their workload.
    several: bool,
    live: Option<LiveLines>,
    workloads: HashMap<String, WorkloadView>,
}

/// The displayed state of a workload.
struct WorkloadView {
    name: String,
    stage: Stage,
    phase: String,
    reason: Option<String>,
    pools: Vec<String>,
    /// When the phase was first observed.
    since: Instant,
}

/// Live lines.
struct LiveLines {
    lines: MultiProgress,
    sum: Option<ProgressBar>,
    bars: HashMap<String, ProgressBar>,
}

impl TerminalReporter {
    pub(crate) fn new(format: ResultFormat, several: bool) -> Self {
        let live = (format == ResultFormat::Human && !output::is_quiet()).then(|| LiveLines::new(several)).flatten();
        Self { format, several, live, workloads: HashMap::new() }
    }
}

impl Reporter for TerminalReporter {
    fn status(&mut self, text: &str) {
        self.write_status(text);
    }

    fn warn(&mut self, text: &str) {
        self.above(|| output::warning(text));
    }

    fn fail(&mut self, failure: &Failure) -> Exit {
        let mut exit = failure.exit;
        self.above(|| exit = failure.report());
        exit
    }

    fn rejected(&mut self, rejection: &Rejection) -> Exit {
        let Rejection { file, name, failure, several, excerpts } = rejection;
        if let Some(file) = file
            && self.format != ResultFormat::Human
        {
            let object = json!({"event": "refused", "file": file, "name": name, "error": failure.message});
            let _ = output::item(self.format, &object);
        }
        let exit = match file {
            Some(file) if *several => self.fail(&failure.clone().about(file)),
            _ => self.fail(failure),
        };
        if !excerpts.is_empty() {
            self.above(|| drop(output::human::eprint(excerpts)));
        }
        exit
    }

    fn submitted(&mut self, file: &str, submitted: &Submitted, project: &str) {
        let Submitted { name, already_existed, receipt_error, differences, duplicates, duplicate_of, .. } = submitted;
        if self.format == ResultFormat::Human {
            let (how, to) = if *already_existed { ("attached to", "of") } else { ("submitted", "to") };
            self.write_status(&format!("{how} {name} {to} project {project}"));
        } else {
            let mut event = json!({"event": "submitted", "file": file, "project": project});
            merge(&mut event, serde_json::to_value(submitted).unwrap_or_default());
            let _ = output::item(self.format, &event);
        }
        if let Some(why) = receipt_error {
            self.warn(&format!("cannot write the receipt of {name}: {why}"));
        }
        if !differences.is_empty() {
            let places: Vec<_> = differences.iter().map(|place| format!("`{place}`")).collect();
            self.warn(&format!("stored spec of {name} differs from the submitted one at {}", places.join(", ")));
        }
        if !duplicates.is_empty() {
            let ids: Vec<String> = std::iter::once(&submitted.workload_id).chain(duplicates).cloned().collect();
            self.warn(&duplicate_message(name, &ids));
        }
        if let Some(older) = duplicate_of {
            let id = &submitted.workload_id;
            self.warn(&format!(
                "{name} exists twice: {id} appeared after {older}, which is no longer listed\nhint: delete the younger with \
                 `runai-step delete {id}`"
            ));
        }
    }

    fn submission(&mut self, event: &SubmitEvent) {
        let (words, object) = match event {
            SubmitEvent::Ambiguous { name, error, settle_time } => {
                let error = error.to_string();
                let error = scrub(&error);
                let seconds = settle_time.as_secs_f64();
                (
                    format!(
                        "submission of {name} is unconfirmed ({error}); looking it up, and resending it after {seconds} s \
                         of empty lookups"
                    ),
                    json!({"event": "ambiguous", "name": name, "error": error, "settle_seconds": seconds}),
                )
            }
            SubmitEvent::Resending { name } => {
                (format!("resending {name}: no lookup found it"), json!({"event": "resending", "name": name}))
            }
            _ => return,
        };
        if self.format == ResultFormat::Human {
            self.write_status(&words);
        } else {
            let _ = output::item(self.format, &object);
        }
    }

    fn result_id(&mut self, workload_id: &str) {
        if self.format == ResultFormat::Human {
            let _ = output::line(workload_id);
        }
    }

    fn watch(&mut self, workload_id: &str, name: &str) {
        let shown = WorkloadView {
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

    fn event(&mut self, workload_id: &str, event: &Event) {
        let Some(shown) = self.workloads.get_mut(workload_id) else { return };
        let name = shown.name.clone();
        match event {
            // Already reported when the command attached to the workload.
            Event::Phase { phase, node_pools, .. } if *phase == shown.phase && *node_pools == shown.pools => return,
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
        if let Event::Duplicate { workload_ids } = event {
            // A duplicate costs money, so this is shown even with `--quiet`.
            self.warn(&duplicate_message(&name, workload_ids));
        }
        if self.format == ResultFormat::Human {
            // The live line already shows these.
            let is_drawn = self.live.is_some() && matches!(event, Event::Phase { .. } | Event::Waiting { .. });
            if let Some(text) = event_message(event).filter(|_| !is_drawn) {
                self.write_status(&self.named(&name, &text));
            }
        } else if let Some(mut object) = event_json(event) {
            merge(&mut object, json!({"workload_id": workload_id, "name": name}));
            let _ = output::item(self.format, &object);
        }
        self.draw(workload_id);
    }

    fn outage_began(&mut self, scope: &OutageScope, error: &Error) {
        let error = error.to_string();
        let error = scrub(&error);
        if self.format == ResultFormat::Human {
            self.write_status(&format!("lost contact with {scope} ({error}); workloads continue to run"));
        } else {
            let _ = output::item(
                self.format,
                &json!({"event": "outage_began", "scope": scope.to_string(), "error": error}),
            );
        }
    }

    fn outage_ended(&mut self, scope: &OutageScope, lasted: Duration) {
        let seconds = lasted.as_secs_f64();
        if self.format == ResultFormat::Human {
            self.write_status(&format!("contact with {scope} restored after {seconds:.0} s"));
        } else {
            let _ = output::item(
                self.format,
                &json!({"event": "outage_ended", "scope": scope.to_string(), "seconds": seconds}),
            );
        }
    }

    fn polling_singly(&mut self, project_id: &str) {
        if self.format == ResultFormat::Human {
            self.write_status(&format!(
                "lists of project {project_id} are incomplete; polling each workload separately, with more requests"
            ));
        } else {
            let _ = output::item(self.format, &json!({"event": "polling_singly", "project_id": project_id}));
        }
    }

    fn ended(&mut self, workload_id: &str, name: &str, end: &End) {
        self.workloads.remove(workload_id);
        if let Some(live) = &mut self.live
            && let Some(bar) = live.bars.remove(workload_id)
        {
            bar.finish_and_clear();
            live.lines.remove(&bar);
        }
        if self.format == ResultFormat::Human {
            self.write_status(&format!("{name} {} ({})", end_message(end), time::precise(end.took)));
            for line in &end.events {
                self.write_status(&self.named(name, line));
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
        // Show another workload in the free line.
        if let Some(next) = self.hidden() {
            self.draw(&next);
        }
        self.sum_up();
    }

    fn stored_cancel(&mut self, workload_id: &str, name: &str, resumed: bool) {
        if self.format != ResultFormat::Human {
            let object =
                json!({"event": "stored_cancel", "workload_id": workload_id, "name": name, "resumed": resumed});
            let _ = output::item(self.format, &object);
        } else if resumed {
            self.write_status(&format!("suspending {name}: completing the cancel of an interrupted command"));
        } else {
            self.warn(&format!(
                "dropped an unconfirmed cancel of {name} by an interrupted command; the workload is only \
                 followed\nhint: suspend it with `runai-step cancel {name}`"
            ));
        }
    }

    fn interrupted(&mut self, interruption: &Interruption) {
        if self.format == ResultFormat::Human {
            return self.write_status(&interruption_message(interruption));
        }
        let action = match interruption {
            Interruption::Leave => "leave",
            Interruption::Suspend { .. } => "cancel",
        };
        let _ = output::item(self.format, &json!({"event": "interrupted", "action": action}));
    }

    fn left(&mut self, workload_id: &str, name: &str, cancel_requested: bool) {
        if self.format != ResultFormat::Human {
            let object = json!({
                "event": "left",
                "workload_id": workload_id,
                "name": name,
                "cancel": if cancel_requested { "unconfirmed" } else { "none" },
            });
            let _ = output::item(self.format, &object);
        } else if cancel_requested {
            // A job that keeps running costs money, so this is shown even with `--quiet`.
            self.warn(&format!(
                "suspension of {name} is unconfirmed; it may continue to run\nhint: suspend it with `runai-step cancel \
                 {name}`, or follow it with `runai-step wait {name}`"
            ));
        } else {
            self.write_status(&format!(
                "{name} continues to run; follow it with `runai-step wait {name}`, suspend it with `runai-step cancel {name}`"
            ));
        }
    }

    fn output(&mut self, output: &Output) {
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

    fn summary(&mut self, rows: Vec<[String; 4]>) {
        if self.format == ResultFormat::Human && !output::is_quiet() {
            self.close();
            let table = output::table(["STEP", "WORKLOAD", "OUTCOME", "TIME"], rows);
            let _ = writeln!(anstream::stderr(), "\n{table}");
        }
    }

    fn close(&mut self) {
        if let Some(live) = self.live.take() {
            let _ = live.lines.clear();
        }
    }
}

impl TerminalReporter {
    fn write_status(&self, text: &str) {
        if self.format == ResultFormat::Human && !output::is_quiet() {
            self.above(|| output::status(text));
        }
    }

    fn named(&self, name: &str, text: &str) -> String {
        if self.several { format!("{name}: {text}") } else { text.to_owned() }
    }

    /// Prints above the live lines.
    fn above(&self, print: impl FnOnce()) {
        match &self.live {
            Some(live) => live.lines.suspend(print),
            None => print(),
        }
    }

    /// Returns a workload without a live line.
    fn hidden(&self) -> Option<String> {
        let live = self.live.as_ref()?;
        self.workloads.keys().find(|id| !live.bars.contains_key(*id)).cloned()
    }

    fn draw(&mut self, workload_id: &str) {
        let (Some(live), Some(shown)) = (&mut self.live, self.workloads.get(workload_id)) else { return };
        if !live.bars.contains_key(workload_id) {
            if live.bars.len() >= MAX_LINES {
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

    /// Updates the summary line, which counts workloads by stage.
    fn sum_up(&self) {
        let Some(sum) = self.live.as_ref().and_then(|live| live.sum.as_ref()) else { return };
        let count = |stage: Stage| self.workloads.values().filter(|shown| shown.stage == stage).count();
        let counts = [(Stage::Queued, count(Stage::Queued)), (Stage::Running, count(Stage::Running))];
        let rest = self.workloads.len() - counts.iter().map(|(_, count)| count).sum::<usize>();
        let mut words: Vec<_> =
            counts.iter().filter(|(_, count)| *count > 0).map(|(stage, count)| format!("{count} {stage}")).collect();
        if rest > 0 {
            words.push(format!("{rest} ending"));
        }
        sum.set_message(words.join(", "));
    }
}

impl WorkloadView {
    /// Returns the phase with its reason or node pools.
    fn state(&self) -> String {
        let phase = if self.phase.is_empty() { "submitted" } else { &self.phase };
        match &self.reason {
            Some(reason) => format!("{phase}: {reason}"),
            None if self.pools.is_empty() => phase.to_owned(),
            None => format!("{phase} on {}", self.pools.join(", ")),
        }
    }
}

impl LiveLines {
    /// Returns live lines, or `None` without a terminal.
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

    /// Adds a line above the summary line.
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
    // The templates above are valid; the default style is an acceptable fallback.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
