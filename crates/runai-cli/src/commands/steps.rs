//! The steps to submit. All files are read before the first step is submitted.

use std::path::{Path, PathBuf};

use runai_api::Submission;
use runai_client::{Placement, StepOperator};
use runai_spec::settings::OperatorSettings;
use runai_spec::{Context, Step};

use crate::args::LaunchArgs;
use crate::config::input::Input;
use crate::config::sources::{Sources, choose};
use crate::failure::Failure;
use crate::output;

/// All steps of a command.
pub(crate) struct Steps {
    pub(crate) all: Vec<LaunchStep>,
    pub(crate) settings: OperatorSettings,
    pub(crate) operator_file: Option<Input>,
}

/// A step and its file.
pub(crate) struct LaunchStep {
    pub(crate) file: Input,
    pub(crate) step: Step,
    /// The run id; without one, each launch is a new run.
    pub(crate) run_id: Option<String>,
    pub(crate) context: Context,
}

impl Steps {
    /// Reads every file and reports all problems. Fails if there is any.
    pub(crate) fn read(args: &LaunchArgs, local: bool) -> Result<Self, Failure> {
        if args.files.len() > 1 {
            let single = [("--name", args.name.is_some()), ("--run-id", args.run_id.is_some())];
            if let Some((flag, _)) = single.into_iter().find(|(_, given)| *given) {
                return Err(Failure::usage(format!(
                    "`{flag}` applies to a single step, but {} files were given",
                    args.files.len()
                ))
                .hint(format!("remove `{flag}`, or submit one file at a time")));
            }
        }
        let overrides: Vec<_> = args.connect.overrides().into_iter().chain(args.watch.overrides()).collect();
        let mut all = Vec::new();
        let mut operator_and_file = None;
        let mut failures = Vec::new();
        for path in &args.files {
            let mut read = || {
                let sources = Sources::read(path, &args.sources, overrides.clone())?;
                let resolution = sources.resolve(&args.sources)?;
                let step = choose(&resolution, args.sources.step.as_deref())?.clone();
                let context = sources.context(&args.sources, args.image.as_ref(), &args.command);
                let context = Context { name: args.name.clone(), ..context };
                if context.image.is_none() && step.image().is_none()
                    || context.command.is_none() && step.command().is_none()
                {
                    return Err(Failure::usage(format!("no image or command for {}", path.display()))
                        .hint("set `image` and `command` in the step file, or use `--image IMAGE` and `-- COMMAND`"));
                }
                let operator = resolution.operator().cloned().unwrap_or_default();
                drop(resolution);
                let Sources { file, operator: operator_file, .. } = sources;
                operator_and_file = Some((operator, operator_file));
                Ok(LaunchStep { file, step, run_id: args.run_id.clone(), context })
            };
            match read() {
                Ok(step) => all.push(step),
                Err(failure) => failures.push(failure.report()),
            }
        }
        if let Some(exit) = failures.first() {
            if args.files.len() > 1 && !local {
                output::status("nothing was submitted");
            }
            return Err(Failure::already_reported(*exit));
        }
        let (settings, operator_file) = operator_and_file.unwrap_or_default();
        Ok(Self { all, settings, operator_file })
    }
}

impl LaunchStep {
    /// Returns the submission and its run id.
    pub(crate) fn submission(&self, operator: &StepOperator, placement: &Placement) -> (Submission, String) {
        let run_id = self.run_id.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let context = Context {
            project_id: Some(placement.project_id.clone()),
            cluster_id: Some(placement.cluster_id.clone()),
            submission_id: Some(operator.submission_id(placement, &run_id)),
            ..self.context.clone()
        };
        (self.step.submission(&context), run_id)
    }
}

/// Returns the folder of the files; the working directory for stdin.
pub(crate) fn folder(files: &[PathBuf]) -> Result<PathBuf, Failure> {
    let folder = |file: &PathBuf| {
        let parent = if file == Path::new("-") { None } else { file.parent() };
        parent.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
    };
    let folders: Vec<_> = files.iter().map(folder).collect();
    match folders.iter().find(|folder| **folder != folders[0]) {
        None => Ok(folders[0].clone()),
        Some(other) => Err(Failure::usage(format!(
            "files in different folders, `{}` and `{}`: local commands run in the folder of their file",
            folders[0].display(),
            other.display()
        ))
        .hint("run the files one at a time")),
    }
}
