//! A step, from its file and whatever else has a say in its settings.

use std::path::Path;

use runai_spec::explain::setting_paths;
use runai_spec::{Context, Resolution, Resolver, Source, Step};

use crate::args::{Assignment, SourceArgs};
use crate::config::env_file;
use crate::config::input::{self, Input};
use crate::config::{self, ConfigOverride};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::secrets;
use crate::output::{self, Checked};

/// The file of a step, and whatever else has a say in its settings.
pub(crate) struct Sources {
    pub(crate) file: Input,
    pub(crate) operator: Option<Input>,
    variables: Vec<(String, String)>,
    /// Keys of the operator file from variables and flags, the weakest first.
    given: Vec<ConfigOverride>,
    /// Of the file that `--env-file` names.
    environment: Vec<(String, String)>,
    /// Variables of this process, for the placeholders of ZenML run configurations.
    process_environment: Vec<(String, String)>,
}

impl Sources {
    /// Reads them all; `given` are keys of the operator file from flags.
    pub(crate) fn read(file: &Path, args: &SourceArgs, given: Vec<ConfigOverride>) -> Result<Self, Failure> {
        args.check_assignments()?;
        let file = input::read(file).map_err(Failure::usage)?;
        let operator = config::operator_file(args.config.config.as_deref())?;
        let environment = args.env_file.as_deref().map(env_file::read).transpose()?.unwrap_or_default();
        let pull_secret = args.image_pull_secret.as_deref();
        let pull_secret =
            pull_secret.map(|name| ConfigOverride::flag("--image-pull-secret", "image_pull_secret_name", name));
        let given = config::overrides().into_iter().chain(given).chain(pull_secret).collect();
        let process_environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Self { file, operator, variables: config::variables(), given, environment, process_environment })
    }

    /// Resolves them; prints what was found on standard error, and fails if there are errors.
    pub(crate) fn resolve<'s>(&'s self, args: &'s SourceArgs) -> Result<Resolution<'s>, Failure> {
        let mut resolver = Resolver::new(self.file.source()?).process_environment(&self.process_environment);
        if let Some(kind) = args.kind {
            resolver = resolver.kind(kind);
        }
        if let Some(operator) = &self.operator {
            resolver = resolver.operator(operator.source()?);
        }
        for ConfigOverride { name, key, value } in &self.given {
            resolver = resolver.operator_value(name, key, value);
        }
        for (name, value) in &self.variables {
            resolver = resolver.variable(name, value);
        }
        for Assignment { name, key, value, .. } in &args.set {
            resolver = resolver.set(name, key, value);
        }
        let resolution = resolver.resolve();
        let mut found: Vec<_> = resolution.reports().into_iter().map(Checked::from).collect();
        for checked in &mut found {
            if args.set.iter().any(|set| set.name == checked.path && set.is_secret()) {
                checked.shown = output::stars(&checked.shown);
            }
        }
        let _ = output::human::eprint(&found);
        if resolution.has_errors() { Err(Failure::already_reported(Exit::Invalid)) } else { Ok(resolution) }
    }

    /// What a request needs beside the step, as far as files and flags say it.
    pub(crate) fn context(&self, args: &SourceArgs, image: Option<&String>, command: &[String]) -> Context {
        let is_set = |name: &str| {
            args.set.iter().any(|set| set.key.strip_prefix("environment.").is_some_and(|variable| variable == name))
        };
        Context {
            image: image.cloned(),
            command: Some(command.to_vec()).filter(|command| !command.is_empty()),
            environment: self.environment.iter().filter(|(name, _)| !is_set(name)).cloned().collect(),
            ..Context::default()
        }
    }
}

impl SourceArgs {
    /// Refuses malformed values of `--set`, and conceals the secret ones from now on.
    fn check_assignments(&self) -> Result<(), Failure> {
        if let Some(problem) = self.set.iter().find_map(|set| set.problem.as_ref()) {
            return Err(Failure::usage(problem).hint("write `--set KEY=VALUE`, such as `--set environment.EPOCHS=3`"));
        }
        self.set.iter().filter(|set| set.is_secret()).for_each(|set| secrets::conceal(&set.value));
        Ok(())
    }
}

impl Assignment {
    /// Whether the value is not shown: that of a variable, or of a key that is no setting and may be a misspelt one.
    fn is_secret(&self) -> bool {
        let first = self.key.split('.').next().unwrap_or_default();
        first == "environment" || !(STEP_KEYS.contains(&first) || setting_paths().iter().any(|path| path == first))
    }
}

/// Keys of a step that are no settings, and no secrets.
const STEP_KEYS: [&str; 4] = ["command", "image", "name", "settings"];

impl Input {
    /// The text, which is told to be none if it is none.
    pub(crate) fn source(&self) -> Result<Source<'_>, Failure> {
        match &self.text {
            Ok(text) => Ok(Source { name: &self.name, text, format: self.format }),
            Err((report, shown)) => {
                let checked = Checked { path: self.name.clone(), report: report.clone(), shown: shown.clone() };
                let _ = output::human::eprint(&[checked]);
                Err(Failure::already_reported(Exit::Invalid))
            }
        }
    }
}

/// The step that is meant, or a sentence about those that there are.
pub(crate) fn choose<'r>(resolution: &'r Resolution<'_>, name: Option<&str>) -> Result<&'r Step, Failure> {
    let step = match name {
        Some(name) => resolution.step_named(name),
        None => resolution.step(),
    };
    step.ok_or_else(|| {
        let known: Vec<_> = resolution.step_names().map(|name| format!("`{name}`")).collect();
        let hint = if known.is_empty() {
            "the file has no step on a Run:ai step operator".to_owned()
        } else {
            format!("steps on a Run:ai step operator are {}", known.join(", "))
        };
        let message = match name {
            Some(name) => format!("there is no step `{name}`"),
            None => "there is no step to render".to_owned(),
        };
        Failure::new(Exit::NotFound, message).hint(hint)
    })
}
