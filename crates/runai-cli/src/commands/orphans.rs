//! Submissions that an earlier command was killed in, and that this command would repeat.
//!
//! Without `--run-id` nothing but the request tells that they are the same. On a terminal the user decides; elsewhere the
//! step is submitted anew, with a warning that names the run id to resume with.

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

/// A submission of which it is not known whether it arrived, and whose command does not run any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Orphan {
    /// The workload's name.
    pub(crate) name: String,
    pub(crate) run_id: Option<String>,
    /// How long ago it was submitted, for people.
    pub(crate) age: String,
}

/// Asks which of `steps` resume the submission of a command that was killed, and gives those its run id.
///
/// A step with a run id of the user's resumes its submission anyway.
pub(crate) async fn resume(
    steps: &mut [LaunchStep],
    operator: &StepOperator,
    placement: &Placement,
    interrupts: &mut Interrupts,
    reporter: &mut dyn Reporter,
) -> Result<(), Failure> {
    // Where receipts cannot be read, the submission says so.
    let (receipts, _) = read_all().unwrap_or_default();
    // Each of thousands of steps would read all receipts.
    if !receipts.iter().any(|receipt| receipt.progress().is_unsettled()) {
        return Ok(());
    }
    let console = Console::of_process();
    for step in steps.iter_mut().filter(|step| step.run_id.is_none()) {
        let (submission, _) = step.submission(operator, placement);
        let orphans = orphaned(operator, &submission).await;
        step.run_id = choose(&step.file.name, &orphans, &console, interrupts, reporter).await?;
    }
    Ok(())
}

/// The submissions of the same request that earlier commands were killed in, the newest first.
async fn orphaned(operator: &StepOperator, submission: &Submission) -> Vec<Orphan> {
    let mut receipts = operator.orphans(submission).await;
    receipts.sort_by_key(|receipt| std::cmp::Reverse(receipt.first_sent_at));
    let orphan = |receipt: Receipt| {
        let sent = receipt.first_sent_at.and_then(|sent| Timestamp::from_millisecond(i64::try_from(sent).ok()?).ok());
        let age = sent.map_or("some time".to_owned(), |sent| time::ago(&sent.to_string()));
        Orphan { name: receipt.name, run_id: receipt.run_id, age }
    };
    receipts.into_iter().map(orphan).collect()
}

/// Someone who can be asked.
pub(crate) struct Console {
    /// Reads one line of an answer; nothing at the end of input.
    read: Option<fn() -> io::Result<Option<String>>>,
}

impl Console {
    /// The terminal of this process. In CI, or without a terminal on stdin and stderr, nobody can be asked.
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

/// The run id to resume, if the user wants to resume one of `orphans`, the newest of which comes first. `what` is the
/// step's file.
pub(crate) async fn choose(
    what: &str,
    orphans: &[Orphan],
    console: &Console,
    interrupts: &mut Interrupts,
    reporter: &mut dyn Reporter,
) -> Result<Option<String>, Failure> {
    let Some(orphan) = orphans.first() else { return Ok(None) };
    if let (Some(read), Some(run_id)) = (console.read, &orphan.run_id) {
        loop {
            output::ask(&question(what, orphan));
            let answer = async {
                let line = tokio::task::spawn_blocking(read).await;
                Ok(line.ok().and_then(Result::ok).flatten())
            };
            // Nobody answers at the end of input.
            let Some(line) = interrupts.guard(answer, "nothing was submitted").await? else { break };
            match is_yes(&line) {
                Some(true) => return Ok(Some(run_id.clone())),
                Some(false) => return Ok(None),
                None => {}
            }
        }
    }
    reporter.warn(&warning(what, orphan));
    Ok(None)
}

fn question(what: &str, orphan: &Orphan) -> String {
    let Orphan { name, age, .. } = orphan;
    format!(
        "an earlier command was killed {age} ago while it submitted {what}, and {name} may exist\nResume that submission \
         instead of submitting a second one? [Y/n] "
    )
}

fn warning(what: &str, orphan: &Orphan) -> String {
    let Orphan { name, age, run_id } = orphan;
    let hint = match run_id {
        Some(run_id) => format!("`--run-id {run_id}` resumes the earlier submission"),
        None => "`runai-step receipts recover` finds out what became of the earlier submission".to_owned(),
    };
    format!(
        "an earlier command was killed {age} ago while it submitted {what}, and {name} may exist; this command submits a \
         second workload\nhint: {hint}"
    )
}

/// What an answer means; nothing if it means neither.
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
    use crate::testing::{Record, Recorder};

    fn orphan(run_id: Option<&str>) -> Orphan {
        let (name, age) = ("fit-k3q7xw2ah5mb".to_owned(), "5m".to_owned());
        Orphan { name, run_id: run_id.map(str::to_owned), age }
    }

    async fn chosen(console: Console, orphans: &[Orphan]) -> (Result<Option<String>, Failure>, Vec<Record>) {
        let (_sender, receiver) = unbounded_channel();
        let mut recorder = Recorder::default();
        let mut interrupts = Interrupts::from_channel(receiver);
        let chosen = choose("fit.runai.yaml", orphans, &console, &mut interrupts, &mut recorder).await;
        (chosen, recorder.records)
    }

    fn warned(records: &[Record], text: &str) -> bool {
        matches!(records, [Record::Warned(warning)] if warning.contains(text))
    }

    #[tokio::test]
    async fn on_a_terminal_the_user_decides_and_return_resumes() {
        let yes = Console { read: Some(|| Ok(Some("\n".to_owned()))) };
        let (chosen_id, records) = chosen(yes, &[orphan(Some("r1")), orphan(Some("r0"))]).await;
        assert_eq!((chosen_id.unwrap().as_deref(), records.as_slice()), (Some("r1"), &[][..]));
        let no = Console { read: Some(|| Ok(Some("No\n".to_owned()))) };
        let (chosen_id, records) = chosen(no, &[orphan(Some("r1"))]).await;
        assert_eq!((chosen_id.unwrap(), records.as_slice()), (None, &[][..]));
    }

    #[tokio::test]
    async fn where_nobody_can_be_asked_the_run_id_is_named_and_the_step_submitted_anew() {
        let (chosen_id, records) = chosen(Console { read: None }, &[orphan(Some("r1"))]).await;
        assert!(chosen_id.unwrap().is_none() && warned(&records, "`--run-id r1` resumes"), "{records:?}");
        let at_its_end = Console { read: Some(|| Ok(None)) };
        let (chosen_id, records) = chosen(at_its_end, &[orphan(Some("r1"))]).await;
        assert!(chosen_id.unwrap().is_none() && warned(&records, "`--run-id r1` resumes"), "{records:?}");
        let (chosen_id, records) = chosen(Console { read: None }, &[orphan(None)]).await;
        assert!(chosen_id.unwrap().is_none() && warned(&records, "receipts recover"), "{records:?}");
    }

    #[tokio::test]
    async fn without_orphans_nothing_is_asked_or_said() {
        let never = Console { read: Some(|| panic!("nobody is asked")) };
        assert_eq!(chosen(never, &[]).await.1, []);
    }

    #[test]
    fn answers_are_read_leniently() {
        for (answer, meaning) in [("\n", Some(true)), (" YES\n", Some(true)), ("n", Some(false)), ("maybe", None)] {
            assert_eq!(is_yes(answer), meaning, "{answer:?}");
        }
    }
}
