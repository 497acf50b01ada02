//! What someone sees while workloads run: a [`Reporter`] is told, and shows it to people or to programs.

mod terminal;
mod words;

use std::time::Duration;

use runai_client::{Error, Event, OutageScope, SubmitEvent, Submitted};
use runai_sim::Output;

pub(crate) use self::terminal::TerminalReporter;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Checked;
use crate::tracking::End;

/// Shows the progress of workloads.
pub(crate) trait Reporter: Send {
    /// Something that people want to know, and programs learn from events.
    fn status(&mut self, text: &str);

    /// Something that the user should know and that stops nothing.
    fn warn(&mut self, text: &str);

    /// A failure of the command, or of one of several items; returns its exit code.
    fn fail(&mut self, failure: &Failure) -> Exit;

    /// A step was not submitted, or a workload was not found.
    fn rejected(&mut self, rejection: &Rejection) -> Exit;

    /// A step has become a workload of `project`.
    fn submitted(&mut self, file: &str, submitted: &Submitted, project: &str);

    /// Something happened on the way to a workload.
    fn submission(&mut self, event: &SubmitEvent);

    /// The id of a workload that was submitted and is not followed, as the command's result.
    fn result_id(&mut self, workload_id: &str);

    /// A workload is followed from now on.
    fn watch(&mut self, workload_id: &str, name: &str);

    /// Something happened to a workload.
    fn event(&mut self, workload_id: &str, event: &Event);

    /// The control plane, or one project, became unreachable.
    fn outage_began(&mut self, scope: &OutageScope, error: &Error);

    /// It is reachable again.
    fn outage_ended(&mut self, scope: &OutageScope, lasted: Duration);

    /// The workloads of a project are polled one by one, because its lists do not show them.
    fn polling_singly(&mut self, project_id: &str);

    /// A workload ended.
    fn ended(&mut self, workload_id: &str, name: &str, end: &End);

    /// A stored cancel of a workload is withdrawn, or resumed.
    fn stored_cancel(&mut self, workload_id: &str, name: &str, resumed: bool);

    /// The user interrupted the command.
    fn interrupted(&mut self, interruption: &Interruption);

    /// A workload is left by the command before it ended.
    fn left(&mut self, workload_id: &str, name: &str, cancel_requested: bool);

    /// A line that a local command printed.
    fn output(&mut self, output: &Output);

    /// How every item went: file, workload, outcome, duration.
    fn summary(&mut self, rows: Vec<[String; 4]>);

    /// Nothing more is drawn over.
    fn close(&mut self);
}

/// Why an item of a command came to nothing.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    /// The step's file; absent where no step was to be submitted.
    pub(crate) file: Option<String>,
    /// The workload's name, as far as it is known.
    pub(crate) name: String,
    pub(crate) failure: Failure,
    /// Whether the failure must name the item, as there are several.
    pub(crate) several: bool,
    /// The places in the file that the control plane refuses.
    pub(crate) excerpts: Vec<Checked>,
}

/// What an interrupt does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The command ends; workloads are left alone.
    Leave,
    /// Workloads are suspended.
    Suspend {
        /// The names of those that are followed.
        names: Vec<String>,
        /// Submissions in flight.
        in_flight: usize,
    },
}
