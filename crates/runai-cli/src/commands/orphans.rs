//! Orphans: submissions of killed commands that this command would repeat.
//!
//! Without `--run-id`, an orphan is recognized by its request. On a terminal the user chooses whether to resume it.
//! Elsewhere the step is submitted again, with a warning that names the run id to resume.

use std::env;
use std::io::{self, BufRead, IsTerminal as _};

use jiff::Timestamp;
use runai_api::Submission;
use runai_client::{Placement, Receipt, StepOperator};

use crate::commands::receipts::read_all;
use crate::commands::steps::LaunchStep;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::output;
use crate::output::time;
use crate::progress::Reporter;

/// An unconfirmed submission whose command no longer runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Orphan {
    /// The workload's name.
    pub(crate) name: String,
    pub(crate) run_id: Option<String>,
    /// Time since the submission, formatted.
    pub(crate) age: String,
}

/// Asks which of `steps` resume an orphan, and sets the run id of those steps.
///
/// A step with `--run-id` resumes its submission anyway.
pub(crate) async fn resume(
    steps: &mut [LaunchStep],
    operator: &StepOperator,
    placement: &Placement,
    interrupts: &mut Interrupts,
    reporter: &mut dyn Reporter,
) -> Result<(), Failure> {
    // The submission reports unreadable receipts.
    let (receipts, _) = read_all().unwrap_or_default();
    // `operator.orphans` reads all receipts for each step.
    if !receipts.iter().any(|receipt| receipt.progress().is_unsettled()) {
        return Ok(());
    }
    let console = Console::of_process();
    for step in steps.iter_mut().filter(|step| step.run_id.is_none()) {
        let (submission, _) = step.submission(operator, placement);
        let orphans = find_orphans(operator, &submission).await;
        step.run_id = choose(&step.file.name, &orphans, &console, interrupts, reporter).await?;
    }
    Ok(())
}

/// Returns the orphans of the same request, newest first.
async fn find_orphans(operator: &StepOperator, submission: &Submission) -> Vec<Orphan> {
    let mut receipts = operator.orphans(submission).await;
    receipts.sort_by_key(|receipt| std::cmp::Reverse(receipt.first_sent_at));
    let orphan = |receipt: Receipt| {
        let sent = receipt.first_sent_at.and_then(|sent| Timestamp::from_millisecond(i64::try_from(sent).ok()?).ok());
        let age = sent.map_or("some time".to_owned(), |sent| time::ago(&sent.to_string()));
        Orphan { name: receipt.name, run_id: receipt.run_id, age }
    };
    receipts.into_iter().map(orphan).collect()
}

/// A terminal for questions.
pub(crate) struct Console {
    /// Reads one line, or `None` at the end of input. Absent without a terminal.
    read: Option<fn() -> io::Result<Option<String>>>,
}

impl Console {
    /// Returns the terminal of this process. In CI, or without a terminal on stdin and stderr, there is none.
    pub(crate) fn of_process() -> Self {
        let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        let is_ci = env::var_os("CI").is_some_and(|value| !value.is_empty());
        Self { read: (is_terminal && !is_ci).then_some(read_line) }
    }
}

fn read_line() -> io::Result<Option<String>> {
    let mut line = String::new();
    let count = io::stdin().lock().read_line(&mut line)?;
    Ok((count > 0).then_some(line))
}

/// Returns the run id to resume, if the user chooses to resume the newest orphan. `file` is the step's file.
pub(crate) async fn choose(
    file: &str,
    orphans: &[Orphan],
    console: &Console,
    interrupts: &mut Interrupts,
    reporter: &mut dyn Reporter,
) -> Result<Option<String>, Failure> {
    let Some(orphan) = orphans.first() else { return Ok(None) };
    if let (Some(read), Some(run_id)) = (console.read, &orphan.run_id) {
        loop {
            output::ask(&question(file, orphan));
            let answer = async {
                let line = tokio::task::spawn_blocking(read).await;
                Ok(line.ok().and_then(Result::ok).flatten())
            };
            // End of input: there is no answer.
            let Some(line) = interrupts.guard(answer, "nothing was submitted").await? else { break };
            match is_yes(&line) {
                Some(true) => return Ok(Some(run_id.clone())),
                Some(false) => return Ok(None),
                None => {}
            }
        }
    }
    reporter.warn(&warning(file, orphan));
    Ok(None)
}

fn question(file: &str, orphan: &Orphan) -> String {
    let Orphan { name, age, .. } = orphan;
    format!(
        "a command was killed {age} ago while submitting {file}; workload {name} may exist\nResume that submission instead \
         of submitting a second workload? [Y/n] "
    )
}

fn warning(file: &str, orphan: &Orphan) -> String {
    let Orphan { name, age, run_id } = orphan;
    let hint = match run_id {
        Some(run_id) => format!("resume that submission with `--run-id {run_id}`"),
        None => "check that submission with `runai-step receipts recover`".to_owned(),
    };
    format!(
        "a command was killed {age} ago while submitting {file}; workload {name} may exist, and this command submits a \
         second one\nhint: {hint}"
    )
}

/// Parses an answer; `None` if it is neither yes nor no.
fn is_yes(answer: &str) -> Option<bool> {
    match answer.trim().to_ascii_lowercase().as_str() {
        "" | "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::testing::{Recorder, ReportEvent};

    fn orphan(run_id: Option<&str>) -> Orphan {
        let (name, age) = ("fit-k3q7xw2ah5mb".to_owned(), "5m".to_owned());
        Orphan { name, run_id: run_id.map(str::to_owned), age }
    }

    async fn chosen(console: Console, orphans: &[Orphan]) -> (Result<Option<String>, Failure>, Vec<ReportEvent>) {
        let (_sender, receiver) = unbounded_channel();
        let mut recorder = Recorder::default();
        let mut interrupts = Interrupts::from_channel(receiver);
        let chosen = choose("fit.runai.yaml", orphans, &console, &mut interrupts, &mut recorder).await;
        (chosen, recorder.records)
    }

    fn warned(records: &[ReportEvent], text: &str) -> bool {
        matches!(records, [ReportEvent::Warned(warning)] if warning.contains(text))
    }

    #[tokio::test]
    async fn user_chooses_on_terminal() {
        let yes = Console { read: Some(|| Ok(Some("\n".to_owned()))) };
        let (chosen_id, records) = chosen(yes, &[orphan(Some("r1")), orphan(Some("r0"))]).await;
        assert_eq!((chosen_id.unwrap().as_deref(), records.as_slice()), (Some("r1"), &[][..]));
        let no = Console { read: Some(|| Ok(Some("No\n".to_owned()))) };
        let (chosen_id, records) = chosen(no, &[orphan(Some("r1"))]).await;
        assert_eq!((chosen_id.unwrap(), records.as_slice()), (None, &[][..]));
    }

    #[tokio::test]
    async fn warns_without_terminal() {
        let (chosen_id, records) = chosen(Console { read: None }, &[orphan(Some("r1"))]).await;
        assert!(chosen_id.unwrap().is_none() && warned(&records, "`--run-id r1`"), "{records:?}");
        let at_its_end = Console { read: Some(|| Ok(None)) };
        let (chosen_id, records) = chosen(at_its_end, &[orphan(Some("r1"))]).await;
        assert!(chosen_id.unwrap().is_none() && warned(&records, "`--run-id r1`"), "{records:?}");
        let (chosen_id, records) = chosen(Console { read: None }, &[orphan(None)]).await;
        assert!(chosen_id.unwrap().is_none() && warned(&records, "receipts recover"), "{records:?}");
    }

    #[tokio::test]
    async fn asks_nothing_without_orphans() {
        let never = Console { read: Some(|| panic!("asked without orphans")) };
        assert_eq!(chosen(never, &[]).await.1, []);
    }

    #[test]
    fn parses_answers() {
        for (answer, meaning) in [("\n", Some(true)), (" YES\n", Some(true)), ("n", Some(false)), ("maybe", None)] {
            assert_eq!(is_yes(answer), meaning, "{answer:?}");
        }
    }
}
