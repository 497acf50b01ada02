//! The step file and all other sources of its settings.

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
use crate::output::{self, CheckedFile};

/// The step file and all other sources of its settings.
pub(crate) struct Sources {
    pub(crate) file: Input,
    pub(crate) operator: Option<Input>,
    variables: Vec<(String, String)>,
    /// Operator keys from variables and flags, lowest precedence first.
    overrides: Vec<ConfigOverride>,
    /// Variables of `--env-file`.
    environment: Vec<(String, String)>,
    /// Variables of this process, for the placeholders of ZenML run configurations.
    process_environment: Vec<(String, String)>,
}

impl Sources {
    /// Reads all sources; `flags` are operator keys from flags.
    pub(crate) fn read(file: &Path, args: &SourceArgs, flags: Vec<ConfigOverride>) -> Result<Self, Failure> {
        args.check_assignments()?;
        let file = input::read(file).map_err(Failure::usage)?;
        let operator = config::operator_file(args.config.config.as_deref())?;
        let environment = args.env_file.as_deref().map(env_file::read).transpose()?.unwrap_or_default();
        let pull_secret = args.image_pull_secret.as_deref();
        let pull_secret =
            pull_secret.map(|name| ConfigOverride::flag("--image-pull-secret", "image_pull_secret_name", name));
        let overrides = config::overrides().into_iter().chain(flags).chain(pull_secret).collect();
        let process_environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Self { file, operator, variables: config::variables(), overrides, environment, process_environment })
    }

    /// Resolves the step, prints diagnostics to stderr, and fails if there are errors.
    pub(crate) fn resolve<'s>(&'s self, args: &'s SourceArgs) -> Result<Resolution<'s>, Failure> {
        let mut resolver = Resolver::new(self.file.source()?).process_environment(&self.process_environment);
        if let Some(kind) = args.kind {
            resolver = resolver.kind(kind);
        }
        if let Some(operator) = &self.operator {
            resolver = resolver.operator(operator.source()?);
        }
        for ConfigOverride { name, key, value } in &self.overrides {
            resolver = resolver.operator_value(name, key, value);
        }
        for (name, value) in &self.variables {
            resolver = resolver.variable(name, value);
        }
        for Assignment { name, key, value, .. } in &args.set {
            resolver = resolver.set(name, key, value);
        }
        let resolution = resolver.resolve();
        let mut found: Vec<_> = resolution.reports().into_iter().map(CheckedFile::from).collect();
        for checked in &mut found {
            if args.set.iter().any(|set| set.name == checked.path && set.is_secret()) {
                checked.shown = output::mask(&checked.shown);
            }
        }
        let _ = output::human::eprint(&found);
        if resolution.has_errors() { Err(Failure::already_reported(Exit::Invalid)) } else { Ok(resolution) }
    }

    /// Returns the values that a request needs in addition to the step, from files and flags.
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
    /// Rejects malformed values of `--set`, and conceals secret ones in all further output.
    fn check_assignments(&self) -> Result<(), Failure> {
        if let Some(problem) = self.set.iter().find_map(|set| set.problem.as_ref()) {
            return Err(Failure::usage(problem).hint("write `--set KEY=VALUE`, such as `--set environment.EPOCHS=3`"));
        }
        self.set.iter().filter(|set| set.is_secret()).for_each(|set| secrets::conceal(&set.value));
        Ok(())
    }
}

impl Assignment {
    /// Whether the value is concealed: that of a variable, or of an unknown key, which may be misspelt.
    fn is_secret(&self) -> bool {
        let first = self.key.split('.').next().unwrap_or_default();
        first == "environment" || !(STEP_KEYS.contains(&first) || setting_paths().iter().any(|path| path == first))
    }
}

/// Keys of a step that are neither settings nor secrets.
const STEP_KEYS: [&str; 4] = ["command", "image", "name", "settings"];

impl Input {
    /// Returns the source, or reports that the file is not valid text.
    pub(crate) fn source(&self) -> Result<Source<'_>, Failure> {
        match &self.text {
            Ok(text) => Ok(Source { name: &self.name, text, format: self.format }),
            Err((report, shown)) => {
                let checked = CheckedFile { path: self.name.clone(), report: report.clone(), shown: shown.clone() };
                let _ = output::human::eprint(&[checked]);
                Err(Failure::already_reported(Exit::Invalid))
            }
        }
    }
}

/// Selects a step by name, or the only one. The failure lists the known steps.
pub(crate) fn choose<'r>(resolution: &'r Resolution<'_>, name: Option<&str>) -> Result<&'r Step, Failure> {
    let step = match name {
        Some(name) => resolution.step_named(name),
        None => resolution.step(),
    };
    step.ok_or_else(|| {
        let known: Vec<_> = resolution.step_names().map(|name| format!("`{name}`")).collect();
        let hint = if known.is_empty() {
            "add a step that uses a Run:ai step operator".to_owned()
        } else {
            format!("steps that use a Run:ai step operator: {}", known.join(", "))
        };
        let message = match name {
            Some(name) => format!("unknown step `{name}`"),
            None => "no step in the file".to_owned(),
        };
        Failure::new(Exit::NotFound, message).hint(hint)
    })
}
