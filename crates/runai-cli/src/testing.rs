//! Drives the program's own launch and wait with values instead of the process: any transport, interrupts from a
//! channel, progress as records. Only for this repository's tests and campaigns; it may change at any time.

use std::sync::Arc;
use std::time::Duration;

use runai_client::{Error, Event, OutageScope, ReceiptStore, StepOperator, SubmitEvent, Submitted};
use runai_sim::Output;
use runai_spec::settings::OperatorSettings;
use runai_spec::wait::Outcome;
use runai_spec::{Context, Format, Resolver};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::connect::Connection;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::Input;
use crate::interrupts::Interrupts;
use crate::launch::Launch;
use crate::progress::{Interruption, Rejection, Reporter};
use crate::sources::choose;
use crate::steps::LaunchStep;
use crate::tracking::{End, OnInterrupt, Plan, Tracked};

/// A launch of steps, as `runai-step run` does it.
#[derive(Debug)]
pub struct Campaign {
    /// The project's operator, on any transport.
    pub operator: StepOperator,
    /// Where receipts are kept.
    pub receipts: Option<Arc<dyn ReceiptStore>>,
    /// Seconds between two polls while nothing changes.
    pub monitoring_interval: f64,
    /// The steps.
    pub steps: Vec<CampaignStep>,
    /// Most steps at a time.
    pub jobs: usize,
    /// Whether workloads are followed to their end.
    pub follow: bool,
    /// Whether an interrupt suspends the workloads.
    pub interrupt_cancels: bool,
}

/// A step of a [`Campaign`].
#[derive(Clone, Debug)]
pub struct CampaignStep {
    /// Name of its file; the ending gives the format.
    pub file: String,
    /// Text of its file.
    pub text: String,
    /// As `--run-id`.
    pub run_id: Option<String>,
}

/// How a [`Campaign`] went.
#[derive(Clone, Debug)]
pub struct CampaignReport {
    /// The exit code of the command.
    pub exit_code: u8,
    /// The exit code of each step; absent where the command ended first.
    pub exit_codes: Vec<Option<u8>>,
    /// What was reported, in order.
    pub records: Vec<Record>,
}

/// Something that was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A workload ended.
    Ended {
        /// Its name.
        name: String,
        /// How it ended.
        outcome: Outcome,
    },
    /// The command failed as a whole.
    Failed(String),
    /// The user interrupted; whether the workloads are suspended.
    Interrupted(bool),
    /// A workload was left before it ended.
    Left {
        /// Its name.
        name: String,
        /// Whether its suspension was asked for and is not confirmed.
        cancel_requested: bool,
    },
    /// The control plane became unreachable, or reachable again.
    Outage(bool),
    /// A workload changed its phase, or had it when it was attached to.
    Phase(String),
    /// A step was not submitted.
    Rejected(String),
    /// A submission was sent again; the workload's name.
    Resent(String),
    /// A stored cancel was found; whether it is carried out.
    StoredCancel(bool),
    /// A step became a workload; whether it existed before.
    Submitted {
        /// Its name.
        name: String,
        /// Whether it existed before.
        adopted: bool,
    },
    /// A warning.
    Warned(String),
}

/// Runs a campaign to its end. Each message of `interrupts` is one Ctrl-C.
///
/// # Errors
/// The project cannot be resolved, or a step's text has errors.
pub async fn launch(campaign: Campaign, interrupts: UnboundedReceiver<()>) -> Result<CampaignReport, String> {
    let Campaign { operator, receipts, monitoring_interval, steps, jobs, follow, interrupt_cancels } = campaign;
    let message = |failure: Failure| failure.message;
    let settings = OperatorSettings { monitoring_interval, ..OperatorSettings::default() };
    let connection = Connection::over(operator, receipts, settings);
    let placement = connection.placement().await.map_err(message)?;
    let steps = steps.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let plan = Plan {
        max_starting: jobs,
        max_active: jobs,
        follow,
        on_interrupt: if interrupt_cancels { OnInterrupt::Cancel } else { OnInterrupt::Leave },
        summarize: true,
        resume_cancel: false,
    };
    let mut recorder = Recorder::default();
    let launch = Launch::new(steps, connection, placement);
    let Tracked { exit, exits, .. } =
        launch.drive(plan, &mut Interrupts::from_channel(interrupts), &mut recorder, None).await;
    let exit_codes = exits.into_iter().map(|exit| exit.map(|exit| exit as u8)).collect();
    Ok(CampaignReport { exit_code: exit as u8, exit_codes, records: recorder.0 })
}

fn read(step: CampaignStep) -> Result<LaunchStep, String> {
    let CampaignStep { file, text, run_id } = step;
    let file = Input { format: Format::of_path(&file), name: file, text: Ok(text), found_upward: false };
    let source = file.source().map_err(|failure| failure.message)?;
    let resolution = Resolver::new(source).resolve();
    if resolution.has_errors() {
        return Err(format!("`{}` has errors: {:?}", file.name, resolution.reports()));
    }
    let step = choose(&resolution, None).map_err(|failure| failure.message)?.clone();
    drop(resolution);
    Ok(LaunchStep { file, step, run_id, context: Context::default() })
}

/// Keeps what is reported.
#[derive(Debug, Default)]
pub(crate) struct Recorder(pub(crate) Vec<Record>);

impl Reporter for Recorder {
    fn status(&mut self, _: &str) {}

    fn warn(&mut self, text: &str) {
        self.0.push(Record::Warned(text.to_owned()));
    }

    fn fail(&mut self, failure: &Failure) -> Exit {
        self.0.push(Record::Failed(failure.message.clone()));
        failure.exit
    }

    fn rejected(&mut self, rejection: &Rejection) -> Exit {
        self.0.push(Record::Rejected(rejection.failure.message.clone()));
        rejection.failure.exit
    }

    fn submitted(&mut self, _: &str, submitted: &Submitted, _: &str) {
        self.0.push(Record::Submitted { name: submitted.name.clone(), adopted: submitted.already_existed });
    }

    fn submission(&mut self, event: &SubmitEvent) {
        if let SubmitEvent::Resending { name } = event {
            self.0.push(Record::Resent(name.clone()));
        }
    }

    fn result_id(&mut self, _: &str) {}

    fn watch(&mut self, _: &str, _: &str) {}

    fn event(&mut self, _: &str, event: &Event) {
        if let Event::Phase { phase, .. } = event {
            self.0.push(Record::Phase(phase.clone()));
        }
    }

    fn outage_began(&mut self, _: &OutageScope, _: &Error) {
        self.0.push(Record::Outage(true));
    }

    fn outage_ended(&mut self, _: &OutageScope, _: Duration) {
        self.0.push(Record::Outage(false));
    }

    fn polling_singly(&mut self, _: &str) {}

    fn ended(&mut self, _: &str, name: &str, end: &End) {
        self.0.push(Record::Ended { name: name.to_owned(), outcome: end.outcome });
    }

    fn stored_cancel(&mut self, _: &str, _: &str, resumed: bool) {
        self.0.push(Record::StoredCancel(resumed));
    }

    fn interrupted(&mut self, interruption: &Interruption) {
        self.0.push(Record::Interrupted(matches!(interruption, Interruption::Suspend { .. })));
    }

    fn left(&mut self, _: &str, name: &str, cancel_requested: bool) {
        self.0.push(Record::Left { name: name.to_owned(), cancel_requested });
    }

    fn output(&mut self, _: &Output) {}

    fn summary(&mut self, _: Vec<[String; 4]>) {}

    fn close(&mut self) {}
}
