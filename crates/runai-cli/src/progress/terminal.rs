//! Progress on a terminal: a live line per workload. Elsewhere plain lines, and for programs one object per event.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use runai_api::phase::Stage;
use runai_client::{Error, Event, OutageScope, SubmitEvent, Submitted};
use runai_sim::{Output, Stream};
use serde_json::json;

use super::words::{duplicate_words, end_words, interruption_words, merge, object, words};
use super::{Interruption, Rejection, Reporter};
use crate::args::ResultFormat;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::output::secrets::scrub;
use crate::output::time;
use crate::tracking::End;

/// Most workloads that have their own line; the summary line counts all of them.
const MOST_LINES: usize = 12;
/// How often a live line is drawn anew.
const TICK: Duration = Duration::from_millis(200);

/// Writes progress to stderr, and events for programs to stdout.
pub(crate) struct TerminalReporter {
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

impl TerminalReporter {
    pub(crate) fn new(format: ResultFormat, several: bool) -> Self {
        let live = (format == ResultFormat::Human && !output::is_quiet()).then(|| Live::new(several)).flatten();
        Self { format, several, live, workloads: HashMap::new() }
    }
}

impl Reporter for TerminalReporter {
    fn status(&mut self, text: &str) {
        self.say(text);
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
            self.say(&format!("{how} {name} {to} project {project}"));
        } else {
            let mut event = json!({"event": "submitted", "file": file, "project": project});
            merge(&mut event, serde_json::to_value(submitted).unwrap_or_default());
            let _ = output::item(self.format, &event);
        }
        if let Some(why) = receipt_error {
            self.warn(&format!("there is no receipt of {name}: {why}"));
        }
        if !differences.is_empty() {
            let places: Vec<_> = differences.iter().map(|place| format!("`{place}`")).collect();
            self.warn(&format!("the stored spec of {name} differs from this one at {}", places.join(", ")));
        }
        if !duplicates.is_empty() {
            let ids: Vec<String> = std::iter::once(&submitted.workload_id).chain(duplicates).cloned().collect();
            self.warn(&duplicate_words(name, &ids));
        }
        if let Some(older) = duplicate_of {
            let id = &submitted.workload_id;
            self.warn(&format!(
                "{name} exists a second time: {id} appeared beside {older}, which is no longer listed\nhint: `runai-step \
                 delete {id}` deletes the younger"
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
                        "it is not known whether {name} was submitted ({error}); looking for it, and sending it again only if \
                         look-ups find nothing for {seconds} s"
                    ),
                    json!({"event": "ambiguous", "name": name, "error": error, "settle_seconds": seconds}),
                )
            }
            SubmitEvent::Resending { name } => {
                (format!("no look-up found {name}; sending it again"), json!({"event": "resending", "name": name}))
            }
            _ => return,
        };
        if self.format == ResultFormat::Human {
            self.say(&words);
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

    fn event(&mut self, workload_id: &str, event: &Event) {
        let Some(shown) = self.workloads.get_mut(workload_id) else { return };
        let name = shown.name.clone();
        match event {
            // The phase that was reported when it was attached to.
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
            // Two jobs that run cost twice: also with `--quiet`.
            self.warn(&duplicate_words(&name, workload_ids));
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

    fn outage_began(&mut self, scope: &OutageScope, error: &Error) {
        let error = error.to_string();
        let error = scrub(&error);
        if self.format == ResultFormat::Human {
            self.say(&format!("lost contact with {scope} ({error}); workloads continue to run"));
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
            self.say(&format!("{scope} is back after {seconds:.0} s"));
        } else {
            let _ = output::item(
                self.format,
                &json!({"event": "outage_ended", "scope": scope.to_string(), "seconds": seconds}),
            );
        }
    }

    fn polling_singly(&mut self, project_id: &str) {
        if self.format == ResultFormat::Human {
            self.say(&format!(
                "the lists of project {project_id} do not show all workloads; polling them one by one, with more requests"
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
            self.say(&format!("{name} {} ({})", end_words(end), time::precise(end.took)));
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
        // There is room for the line of another one now.
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
            self.say(&format!("suspending {name}: an earlier command was interrupted before it could"));
        } else {
            self.warn(&format!(
                "an earlier command was interrupted and could not confirm that {name} is suspended; it is followed and \
                 not suspended\nhint: `runai-step cancel {name}` suspends it"
            ));
        }
    }

    fn interrupted(&mut self, interruption: &Interruption) {
        if self.format == ResultFormat::Human {
            return self.say(&interruption_words(interruption));
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
            // Without `--quiet` or with it: someone who believes that the job is suspended pays for it.
            self.warn(&format!(
                "it is not confirmed that {name} is suspended, so it may continue to run\nhint: `runai-step cancel \
                 {name}` suspends it, `runai-step wait {name}` follows it without suspending it"
            ));
        } else {
            self.say(&format!(
                "{name} continues to run: `runai-step wait {name}` follows it, `runai-step cancel {name}` suspends it"
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
    fn say(&self, text: &str) {
        if self.format == ResultFormat::Human && !output::is_quiet() {
            self.above(|| output::say(text));
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
