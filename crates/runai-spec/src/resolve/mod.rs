//! Resolves documents to valid steps and diagnostics.

mod context;
mod keys;
mod merge;
mod source;
mod step;

use runai_syntax::{Format, SourceId};

use crate::diagnostic::{RawDiagnostic, Report};
use crate::kind::{Kind, OPERATOR_KEYS};
use crate::redact::Redaction;
use crate::settings::{OperatorSettings, StepSettings};
use crate::source_map::{Origin, StepPart};

pub(crate) use self::context::ResolveContext;
use self::context::{empty_map, parse_operator};
pub(crate) use self::keys::{SETTINGS_KEY, in_settings};
pub(crate) use self::merge::{Layer, origins, overridden};
pub use self::source::{Source, SourceReport};
pub use self::step::Step;

/// Resolves a document together with the other sources of its settings.
///
/// In ascending precedence: built-in defaults, operator file, variables, document, overrides. Maps are merged by key, lists
/// are replaced, and `null` unsets a value.
///
/// ```
/// use runai_spec::{Resolver, Source};
/// use runai_syntax::Format;
/// let text = "image: python:3.12\ncommand: [python, train.py]\nsettings: {gpu_portion_request: 0.5}\n";
/// let source = Source { name: "step.runai.yaml", text, format: Format::Yaml };
/// let resolution = Resolver::new(source).resolve();
/// assert!(resolution.report().ok);
/// assert_eq!(resolution.step().unwrap().settings().gpu_portion_request, 0.5);
/// ```
#[derive(Clone, Debug)]
pub struct Resolver<'t> {
    document: Source<'t>,
    kind: Option<Kind>,
    operator: Option<Source<'t>>,
    operator_values: Vec<Override<'t>>,
    variables: Vec<(&'t str, &'t str)>,
    overrides: Vec<Override<'t>>,
    process_environment: Option<&'t [(String, String)]>,
}

/// A value that overrides the document or the operator file.
#[derive(Clone, Copy, Debug)]
struct Override<'t> {
    source: Source<'t>,
    key: &'t str,
}

/// The result of resolving a document.
#[derive(Debug)]
pub struct Resolution<'t> {
    pub(crate) sources: Vec<Source<'t>>,
    /// The origin of each source.
    pub(crate) origins: Vec<Origin>,
    /// The values of each step, for source maps.
    pub(crate) parts: Vec<Vec<StepPart<'t>>>,
    /// The number of sources that are files: the document, and the operator file if there is one.
    files: usize,
    diagnostics: Vec<RawDiagnostic>,
    redaction: Redaction,
    kind: Option<Kind>,
    pub(crate) steps: Vec<Step>,
    operator: Option<OperatorSettings>,
    /// The step settings in the operator file, typed.
    pub(crate) operator_step: Option<StepSettings>,
}

impl<'t> Resolver<'t> {
    /// Resolves `document`. Its kind is detected.
    #[must_use]
    pub const fn new(document: Source<'t>) -> Self {
        Self {
            document,
            kind: None,
            operator: None,
            operator_values: Vec::new(),
            variables: Vec::new(),
            overrides: Vec::new(),
            process_environment: None,
        }
    }

    /// Sets the kind of the document.
    #[must_use]
    pub const fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sets the operator file, whose settings are defaults.
    #[must_use]
    pub const fn operator(mut self, operator: Source<'t>) -> Self {
        self.operator = Some(operator);
        self
    }

    /// Overrides a key of the operator file, and earlier overrides of it. Messages use `name` as the source's name, such as
    /// an environment variable or a flag. Unknown keys are ignored.
    #[must_use]
    pub fn operator_value(mut self, name: &'t str, key: &'t str, value: &'t str) -> Self {
        if OPERATOR_KEYS.contains(&key) {
            let source = Source { name, text: value, format: Format::Yaml };
            self.operator_values.push(Override { source, key });
        }
        self
    }

    /// Sets a scalar setting by an environment variable, such as `RUNAI_GPU_DEVICES_REQUEST`. Other variables are ignored.
    #[must_use]
    pub fn variable(mut self, name: &'t str, value: &'t str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Overrides a value: a setting (`gpu_portion_request`), a part of one (`labels.team`), or a part of the step file
    /// (`image`, `environment.EPOCHS`). The value is parsed as YAML unless the setting is a string. Messages use `name` as
    /// the source's name.
    #[must_use]
    pub fn set(mut self, name: &'t str, key: &'t str, value: &'t str) -> Self {
        self.overrides.push(Override { source: Source { name, text: value, format: Format::Yaml }, key });
        self
    }

    /// Sets the variables that replace `${NAME}` in a ZenML run configuration. Missing variables are reported. Without this
    /// call, placeholders are notes, and steps that depend on them are not resolved.
    #[must_use]
    pub const fn process_environment(mut self, variables: &'t [(String, String)]) -> Self {
        self.process_environment = Some(variables);
        self
    }

    /// Parses, merges and checks all sources in one pass.
    #[must_use]
    pub fn resolve(self) -> Resolution<'t> {
        let mut context = ResolveContext {
            sources: vec![self.document],
            origins: vec![Origin::Document],
            parts: Vec::new(),
            diagnostics: Vec::new(),
            redaction: Redaction::default(),
            defaults: None,
            operator: None,
            operator_step: None,
            operator_values: self.operator_values,
            kind: self.kind,
            steps: Vec::new(),
            process_environment: self.process_environment,
        };
        let files = 1 + usize::from(self.operator.is_some());
        let operator = match self.operator {
            Some(operator) => {
                let id = context.add_source(operator, Origin::Operator);
                let root = parse_operator(operator.text, operator.format, id, &mut context.redaction);
                root.map_err(|diagnostic| {
                    context.redaction.unparsed.push(id);
                    context.diagnostics.push(diagnostic);
                })
                .ok()
            }
            // If the document is the operator file, the overrides apply to it; without an operator file, to an empty one.
            None if context.operator_values.is_empty() || context.kind == Some(Kind::Operator) => None,
            None => Some(empty_map(SourceId(0))),
        };
        if let Some(root) = operator {
            let settings = context.operator_file(root);
            context.defaults = settings.map(|settings| Layer { settings, pointer: String::new() });
        }
        context.parse_document(&self.variables, &self.overrides);
        Resolution {
            sources: context.sources,
            origins: context.origins,
            parts: context.parts,
            files,
            diagnostics: context.diagnostics,
            redaction: context.redaction,
            kind: context.kind,
            steps: context.steps,
            operator: context.operator,
            operator_step: context.operator_step,
        }
    }
}

impl<'t> Resolution<'t> {
    /// Returns the diagnostics of the document.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report_of(SourceId(0))
    }

    /// Returns the report of the document, followed by those of all other sources with diagnostics.
    #[must_use]
    pub fn reports(&self) -> Vec<SourceReport<'t>> {
        let ids = (0..self.sources.len()).filter_map(|index| u16::try_from(index).ok()).map(SourceId);
        ids.filter(|id| *id == SourceId(0) || self.diagnostics.iter().any(|diagnostic| diagnostic.span.source == *id))
            .map(|id| {
                let source = self.sources[usize::from(id.0)];
                let shown = self.redaction.shown(id, source.text);
                SourceReport { name: source.name, shown, report: self.report_of(id) }
            })
            .collect()
    }

    /// Returns the diagnostics of all sources, in no particular order.
    #[must_use]
    pub fn diagnostics(&self) -> &[RawDiagnostic] {
        &self.diagnostics
    }

    /// Whether any source has an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(RawDiagnostic::is_error)
    }

    /// Returns the kind of the document, if it parses.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// Returns the step, if there are no errors and no unresolved placeholders in it. For a ZenML run configuration, returns
    /// the first step on a Run:ai step operator.
    #[must_use]
    pub fn step(&self) -> Option<&Step> {
        self.steps.first().filter(|step| !step.unresolved && !self.has_errors())
    }

    /// Returns the step of this name in a ZenML run configuration, under the same conditions.
    #[must_use]
    pub fn step_named(&self, name: &str) -> Option<&Step> {
        let step = self.steps.iter().find(|step| step.block.as_deref() == Some(name));
        step.filter(|step| !step.unresolved && !self.has_errors())
    }

    /// Returns the names of the steps of a ZenML run configuration that run on a Run:ai step operator.
    pub fn step_names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| step.block.as_deref())
    }

    /// Returns the keys of the operator file, if it has no errors.
    #[must_use]
    pub const fn operator(&self) -> Option<&OperatorSettings> {
        self.operator.as_ref()
    }

    fn report_of(&self, id: SourceId) -> Report {
        let found = self.diagnostics.iter().filter(|found| found.span.source == id);
        Report::of_source(&self.sources, self.files, id, found)
    }
}

/// The prefix of environment variables for settings, which is followed by the key in capitals.
pub const VARIABLE_PREFIX: &str = "RUNAI_";
