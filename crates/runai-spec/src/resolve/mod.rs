//! Texts to a step that cannot be wrong, and all that was found on the way.

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
use self::context::{nothing, parse_operator};
pub(crate) use self::keys::{SETTINGS_KEY, in_settings};
pub(crate) use self::merge::{Layer, origins, overridden};
pub use self::source::{Source, SourceReport};
pub use self::step::Step;

/// Reads a document, together with what else has a say in its settings.
///
/// From weak to strong: built-in defaults, the operator file, variables, the document, overrides. Maps are merged key by
/// key, lists are replaced, a `null` unsets.
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

/// One value that stands above the document.
#[derive(Clone, Copy, Debug)]
struct Override<'t> {
    source: Source<'t>,
    key: &'t str,
}

/// What became of a document.
#[derive(Debug)]
pub struct Resolution<'t> {
    pub(crate) sources: Vec<Source<'t>>,
    /// What each source is.
    pub(crate) origins: Vec<Origin>,
    /// The values of each step.
    pub(crate) parts: Vec<Vec<StepPart<'t>>>,
    /// How many of the sources are files: the document, and the operator file if there is one.
    files: usize,
    findings: Vec<RawDiagnostic>,
    redaction: Redaction,
    kind: Option<Kind>,
    pub(crate) steps: Vec<Step>,
    operator: Option<OperatorSettings>,
    /// The step settings of the operator file by themselves.
    pub(crate) operator_step: Option<StepSettings>,
}

impl<'t> Resolver<'t> {
    /// Reads `document`, of the kind that its keys speak for.
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

    /// Takes the document for one of this kind.
    #[must_use]
    pub const fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Takes defaults from this operator file.
    #[must_use]
    pub const fn operator(mut self, operator: Source<'t>) -> Self {
        self.operator = Some(operator);
        self
    }

    /// Takes one key of the operator file from elsewhere: a variable of the environment, a flag. It is stronger than the
    /// file, and than what was taken before; messages call it `name`. Nothing happens for a key that no operator file has.
    #[must_use]
    pub fn operator_value(mut self, name: &'t str, key: &'t str, value: &'t str) -> Self {
        if OPERATOR_KEYS.contains(&key) {
            let source = Source { name, text: value, format: Format::Yaml };
            self.operator_values.push(Override { source, key });
        }
        self
    }

    /// Takes a setting from a variable of the environment, such as `RUNAI_GPU_DEVICES_REQUEST`. Only scalar settings have
    /// variables; others are passed over.
    #[must_use]
    pub fn variable(mut self, name: &'t str, value: &'t str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Overrides one value: a setting (`gpu_portion_request`), a part of one (`labels.team`), or a part of the step file
    /// (`image`, `environment.EPOCHS`). The value is read as YAML where the setting is not a text; messages call it `name`.
    #[must_use]
    pub fn set(mut self, name: &'t str, key: &'t str, value: &'t str) -> Self {
        self.overrides.push(Override { source: Source { name, text: value, format: Format::Yaml }, key });
        self
    }

    /// Replaces `${NAME}` in a ZenML run configuration by these variables, as ZenML does with those of its own process, and
    /// reports which are missing. Without them the values stay unknown, and a step that depends on them is not resolved.
    #[must_use]
    pub const fn process_environment(mut self, variables: &'t [(String, String)]) -> Self {
        self.process_environment = Some(variables);
        self
    }

    /// Reads it all, and finds everything that is wrong in one pass.
    #[must_use]
    pub fn resolve(self) -> Resolution<'t> {
        let mut context = ResolveContext {
            sources: vec![self.document],
            origins: vec![Origin::Document],
            parts: Vec::new(),
            findings: Vec::new(),
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
                let id = context.source(operator, Origin::Operator);
                let root = parse_operator(operator.text, operator.format, id, &mut context.redaction);
                root.map_err(|finding| {
                    context.redaction.unparsed.push(id);
                    context.findings.push(finding);
                })
                .ok()
            }
            // A document that is an operator file itself takes them; without any file they stand alone.
            None if context.operator_values.is_empty() || context.kind == Some(Kind::Operator) => None,
            None => Some(nothing(SourceId(0))),
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
            findings: context.findings,
            redaction: context.redaction,
            kind: context.kind,
            steps: context.steps,
            operator: context.operator,
            operator_step: context.operator_step,
        }
    }
}

impl<'t> Resolution<'t> {
    /// What was found in the document itself.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report_of(SourceId(0))
    }

    /// What was found anywhere: the document first, then every other text in which something was found.
    #[must_use]
    pub fn reports(&self) -> Vec<SourceReport<'t>> {
        let ids = (0..self.sources.len()).filter_map(|index| u16::try_from(index).ok()).map(SourceId);
        ids.filter(|id| *id == SourceId(0) || self.findings.iter().any(|finding| finding.span.source == *id))
            .map(|id| {
                let source = self.sources[usize::from(id.0)];
                let shown = self.redaction.shown(id, source.text);
                SourceReport { name: source.name, shown, report: self.report_of(id) }
            })
            .collect()
    }

    /// What was found, in no particular order.
    #[must_use]
    pub fn findings(&self) -> &[RawDiagnostic] {
        &self.findings
    }

    /// Whether any text has an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(RawDiagnostic::is_error)
    }

    /// What kind of document it is; unknown if it does not parse.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// The step, if there is one, nothing is wrong, and no placeholder is left in it. For a ZenML run configuration, its first
    /// step on a Run:ai step operator.
    #[must_use]
    pub fn step(&self) -> Option<&Step> {
        self.steps.first().filter(|step| !step.unresolved && !self.has_errors())
    }

    /// The step of this name in a ZenML run configuration, if nothing is wrong and no placeholder is left in it.
    #[must_use]
    pub fn step_named(&self, name: &str) -> Option<&Step> {
        let step = self.steps.iter().find(|step| step.block.as_deref() == Some(name));
        step.filter(|step| !step.unresolved && !self.has_errors())
    }

    /// Names of the steps of a ZenML run configuration that run on a Run:ai step operator.
    pub fn step_names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| step.block.as_deref())
    }

    /// The keys of the operator file, if it has no error of its own.
    #[must_use]
    pub const fn operator(&self) -> Option<&OperatorSettings> {
        self.operator.as_ref()
    }

    fn report_of(&self, id: SourceId) -> Report {
        let found = self.findings.iter().filter(|found| found.span.source == id);
        Report::of_source(&self.sources, self.files, id, found)
    }
}

/// Variables of settings are called this and the key in capitals.
pub const VARIABLE_PREFIX: &str = "RUNAI_";
