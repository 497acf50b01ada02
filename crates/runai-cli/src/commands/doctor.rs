//! `runai-step doctor`: diagnoses problems that would prevent a step from running.

use std::fmt::Write as _;

use runai_client::{Check, Preflight, PreflightFinding, PreflightSubject, Verdict};
use runai_spec::permissions::permissions;
use runai_spec::settings::OperatorSettings;
use runai_spec::{Context, setting_of};
use serde::Serialize;

use crate::args::DoctorArgs;
use crate::commands::permissions::of_every_step;
use crate::config;
use crate::config::connect::{self, Connection};
use crate::config::input::Input;
use crate::config::sources::{Sources, choose};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::output::human::plural;
use crate::runtime::block_on;

/// The result of one check.
#[derive(Serialize)]
struct CheckResult {
    check: String,
    verdict: Verdict,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// JSON pointer into the step file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip)]
    exit: Exit,
}

/// All results.
#[derive(Default, Serialize)]
struct Diagnosis {
    ok: bool,
    findings: Vec<CheckResult>,
}

/// Runs all checks in order. A failed check does not skip later ones that can still run.
pub(crate) fn doctor(args: &DoctorArgs) -> Result<Exit, Failure> {
    let mut diagnosis = Diagnosis::default();
    let (step, operator_file) = match &args.file {
        Some(file) => {
            let sources = Sources::read(file, &args.sources, args.connect.overrides())?;
            match step(&sources, args, &mut diagnosis) {
                Some((step, file)) => (Some(step), file),
                None => (None, sources.operator),
            }
        }
        None => (None, config::operator_file(args.sources.config.config.as_deref())?),
    };
    diagnosis.pass(
        "configuration",
        match &operator_file {
            Some(file) => format!("operator file `{}`", file.name),
            None => "no operator file, only variables and flags".to_owned(),
        },
    );
    let settings = settings(operator_file.as_ref(), args);
    let connection = settings.and_then(|settings| Connection::new(settings, operator_file.as_ref(), &args.connect));
    match connection {
        Ok(connection) => {
            let needed = match &step {
                Some(step) => step.needed.clone(),
                None => of_every_step(operator_file.as_ref(), &args.connect)?,
            };
            let done = block_on(async {
                let request = step.as_ref().map(|step| step.step.render(&step.context));
                let subject = request.as_ref().map(|request| PreflightSubject::new(request, &setting_of));
                let preflight = connection.operator.preflight(subject, Some(&needed)).await;
                diagnosis.add(preflight, step.as_ref().map(|step| &step.file));
                Ok(Exit::Success)
            });
            done?;
        }
        Err(failure) => diagnosis.fail("configuration", failure),
    }
    diagnosis.ok = diagnosis.findings.iter().all(|finding| finding.verdict != Verdict::Fail);
    let exit = diagnosis.findings.iter().find(|finding| finding.verdict == Verdict::Fail);
    let exit = exit.map_or(Exit::Success, |finding| finding.exit);
    let printed = output::result(args.format, &diagnosis, || output::line(diagnosis.text().trim_end()));
    Ok(Exit::first_failure([exit, output::exit_of(&printed)]))
}

/// A step to check.
struct CheckedStep {
    step: runai_spec::Step,
    context: Context,
    needed: runai_api::permissions::Permissions,
    file: Input,
}

/// Returns the step if its file is valid. Otherwise adds a failure, and the other checks still run.
fn step(sources: &Sources, args: &DoctorArgs, diagnosis: &mut Diagnosis) -> Option<(CheckedStep, Option<Input>)> {
    let read = || {
        let resolution = sources.resolve(&args.sources)?;
        let step = choose(&resolution, args.sources.step.as_deref())?.clone();
        let context = sources.context(&args.sources, None, &[]);
        Ok::<_, Failure>((step, context, permissions(&resolution)))
    };
    match read() {
        Ok((step, context, needed)) => {
            diagnosis.pass("step", format!("`{}` has no errors", sources.file.name));
            let file = sources.file.clone();
            Some((CheckedStep { step, context, needed, file }, sources.operator.clone()))
        }
        Err(failure) => {
            let message =
                format!("`{}` has errors: `runai-step check {}` shows them", sources.file.name, sources.file.name);
            let failure = if failure.message.is_empty() { Failure::new(failure.exit, message) } else { failure };
            diagnosis.fail("step", failure);
            None
        }
    }
}

fn settings(file: Option<&Input>, args: &DoctorArgs) -> Result<OperatorSettings, Failure> {
    let given: Vec<_> = config::overrides().into_iter().chain(args.connect.overrides()).collect();
    connect::operator_settings(file, &given)
}

impl Diagnosis {
    fn pass(&mut self, check: &str, message: String) {
        self.findings.push(CheckResult {
            check: check.to_owned(),
            verdict: Verdict::Pass,
            message,
            hint: None,
            pointer: None,
            line: None,
            exit: Exit::Success,
        });
    }

    fn fail(&mut self, check: &str, failure: Failure) {
        let message = if failure.message.is_empty() { "invalid configuration".to_owned() } else { failure.message };
        self.findings.push(CheckResult {
            check: check.to_owned(),
            verdict: Verdict::Fail,
            message,
            hint: failure.hint,
            pointer: None,
            line: None,
            exit: failure.exit,
        });
    }

    fn add(&mut self, preflight: Preflight, file: Option<&Input>) {
        let ended_by = preflight.error.as_ref().map(Exit::from);
        for finding in preflight.findings {
            let PreflightFinding { check, verdict, message, hint, pointer, .. } = finding;
            let line = pointer.as_ref().and_then(|pointer| {
                let source = file?.source().ok()?;
                let place = source.diagnose(pointer, "", String::new(), None)?;
                Some(place.line)
            });
            let exit = match check {
                Check::Connectivity | Check::Credentials | Check::Project => ended_by.unwrap_or(Exit::Refused),
                Check::NodePools | Check::Template => Exit::NotFound,
                Check::Permissions => Exit::Denied,
                Check::Cluster => Exit::Unreachable,
                _ => Exit::Refused,
            };
            self.findings.push(CheckResult { check: check.to_string(), verdict, message, hint, pointer, line, exit });
        }
    }

    fn text(&self) -> String {
        let width = self.findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
        let mut text = String::new();
        for CheckResult { check, verdict, message, hint, line, .. } in &self.findings {
            let mark = match verdict {
                Verdict::Pass => "\u{1b}[32m✓\u{1b}[0m",
                Verdict::Warn => "\u{1b}[33m!\u{1b}[0m",
                Verdict::Fail => "\u{1b}[31m✗\u{1b}[0m",
                _ => "\u{1b}[2m?\u{1b}[0m",
            };
            let place = line.map(|line| format!(" (line {line})")).unwrap_or_default();
            let _ = writeln!(text, "{mark} {check:width$}  {message}{place}");
            if let Some(hint) = hint {
                let _ = writeln!(text, "  {:width$}  hint: {hint}", "");
            }
        }
        let count = |verdict: Verdict| self.findings.iter().filter(|finding| finding.verdict == verdict).count();
        let _ = write!(
            text,
            "\n{}",
            match (count(Verdict::Fail), count(Verdict::Warn)) {
                (0, 0) => "no problems found".to_owned(),
                (0, warnings) => plural(warnings, "warning"),
                (problems, _) => format!("{} to fix", plural(problems, "problem")),
            }
        );
        text
    }
}
