//! Progress of workloads: a [`Reporter`] receives it and shows it to people or programs.

mod messages;
mod terminal;

use std::time::Duration;

use runai_client::{Error, Event, OutageScope, SubmitEvent, Submitted};
use runai_sim::Output;

pub(crate) use self::terminal::TerminalReporter;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::CheckedFile;
use crate::tracking::End;

/// Shows the progress of workloads.
pub(crate) trait Reporter: Send {
    /// Shows a status line to people. Programs get events instead.
    fn status(&mut self, text: &str);

    /// Shows a warning.
    fn warn(&mut self, text: &str);

    /// Reports a failure of the command or of an item, and returns its exit code.
    fn fail(&mut self, failure: &Failure) -> Exit;

    /// A step was not submitted, or a workload was not found.
    fn rejected(&mut self, rejection: &Rejection) -> Exit;

    /// A step was submitted to `project`, or attached to its workload.
    fn submitted(&mut self, file: &str, submitted: &Submitted, project: &str);

    /// An event of a submission that is not confirmed yet.
    fn submission(&mut self, event: &SubmitEvent);

    /// The id of a submitted workload that is not followed: the result of the command.
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

    /// A stored cancel of a workload is dropped, or resumed.
    fn stored_cancel(&mut self, workload_id: &str, name: &str, resumed: bool);

    /// The user interrupted the command.
    fn interrupted(&mut self, interruption: &Interruption);

    /// The command stops following a workload before it ended.
    fn left(&mut self, workload_id: &str, name: &str, cancel_requested: bool);

    /// A line that a local command printed.
    fn output(&mut self, output: &Output);

    /// The final table: file, workload, outcome and duration of every item.
    fn summary(&mut self, rows: Vec<[String; 4]>);

    /// Removes the live lines.
    fn close(&mut self);
}

/// Why a step was not submitted, or a workload was not found.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    /// The step's file; absent if the item is not a step.
    pub(crate) file: Option<String>,
    /// The workload's name, or the text with which the user selects it.
    pub(crate) name: String,
    pub(crate) failure: Failure,
    /// Whether the command has several items, so that the failure must name this one.
    pub(crate) several: bool,
    /// Excerpts of the settings that the control plane rejects.
    pub(crate) excerpts: Vec<CheckedFile>,
}

/// What an interrupt does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The command ends and leaves the workloads running.
    Leave,
    /// Workloads are suspended.
    Suspend {
        /// Names of the workloads that are followed.
        names: Vec<String>,
        /// Number of submissions in flight.
        in_flight: usize,
    },
}
