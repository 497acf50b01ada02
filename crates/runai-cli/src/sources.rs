//! A step, from its file and whatever else has a say in its settings.

use std::path::Path;

use runai_spec::{Resolution, Resolver, Source, Step};

use crate::args::{Assignment, SourceArgs};
use crate::config;
use crate::exit::Exit;
use crate::input::{self, Input};
use crate::output::{self, Checked};

/// Reads the step of this name, or the first, and does something with it. Says what is wrong on standard error; nothing is
/// done if there are errors.
pub(crate) fn with_step(
    file: &Path,
    args: &SourceArgs,
    name: Option<&str>,
    act: impl FnOnce(&Resolution<'_>, &Step) -> Exit,
) -> Exit {
    let done = || {
        let sources = Sources::read(file, args)?;
        let resolution = sources.resolve(args)?;
        let step = choose(&resolution, name)?;
        Ok(act(&resolution, step))
    };
    done().unwrap_or_else(|exit: Exit| exit)
}

/// The file of a step, and whatever else has a say in its settings.
struct Sources {
    file: Input,
    operator: Option<Input>,
    variables: Vec<(String, String)>,
}

impl Sources {
    /// Reads them all; says on standard error why one cannot be read.
    fn read(file: &Path, args: &SourceArgs) -> Result<Self, Exit> {
        let file = input::read(file).map_err(|message| output::usage(&message))?;
        let operator = config::operator_file(args.config.as_deref()).map_err(|message| output::usage(&message))?;
        Ok(Self { file, operator, variables: config::variables() })
    }

    /// Resolves them; prints what was found on standard error, and fails if there are errors.
    fn resolve<'s>(&'s self, args: &'s SourceArgs) -> Result<Resolution<'s>, Exit> {
        let text = |input: &'s Input| {
            input.text.as_deref().map_err(|(report, shown)| {
                let checked = Checked { path: input.name.clone(), report: report.clone(), shown: shown.clone() };
                let _ = output::human::eprint(&[checked]);
                Exit::Invalid
            })
        };
        let source = |input: &'s Input| -> Result<Source<'s>, Exit> {
            Ok(Source { name: &input.name, text: text(input)?, format: input.format })
        };
        let mut resolver = Resolver::new(source(&self.file)?);
        if let Some(kind) = args.kind {
            resolver = resolver.kind(kind);
        }
        if let Some(operator) = &self.operator {
            resolver = resolver.operator(source(operator)?);
        }
        for (name, value) in &self.variables {
            resolver = resolver.variable(name, value);
        }
        for Assignment { name, key, value } in &args.set {
            resolver = resolver.set(name, key, value);
        }
        let resolution = resolver.resolve();
        let found: Vec<_> = resolution.reports().into_iter().map(Checked::from).collect();
        let _ = output::human::eprint(&found);
        if resolution.has_errors() { Err(Exit::Invalid) } else { Ok(resolution) }
    }
}

/// The step that is meant, or a sentence about those that there are.
fn choose<'r>(resolution: &'r Resolution<'_>, name: Option<&str>) -> Result<&'r Step, Exit> {
    let step = match name {
        Some(name) => resolution.step_named(name),
        None => resolution.step(),
    };
    step.ok_or_else(|| {
        let known: Vec<_> = resolution.step_names().map(|name| format!("`{name}`")).collect();
        let hint = if known.is_empty() {
            "the file has no step with a `step_operator` block".to_owned()
        } else {
            format!("steps with a `step_operator` block are {}", known.join(", "))
        };
        output::error(&match name {
            Some(name) => format!("there is no step `{name}`\nhint: {hint}"),
            None => format!("there is no step to render\nhint: {hint}"),
        });
        Exit::NotFound
    })
}
