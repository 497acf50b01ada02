//! A step that cannot be wrong.

use runai_syntax::{Format, Span, Tree};
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use super::{Resolver, Source};
use crate::diagnostic::{RawDiagnostic, Report};
use crate::kind::Kind;
use crate::rules;
use crate::settings::{Environment, StepFile, StepSettings};

/// A step without mistakes: only a resolution makes one, and only from texts without errors.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) name: Option<String>,
    pub(crate) block: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) environment: Environment,
    pub(crate) settings: StepSettings,
    pub(crate) image_pull_secret: Option<String>,
    /// Whether a value of it is not known before placeholders are substituted.
    pub(crate) unresolved: bool,
}

impl Step {
    /// Name of the step; for a ZenML run configuration that of its step.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Name of the step of a ZenML run configuration that it comes from.
    #[must_use]
    pub fn block(&self) -> Option<&str> {
        self.block.as_deref()
    }

    /// Its image, unless the document is one of settings alone.
    #[must_use]
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// Its command, one item a token, unless the document is one of settings alone.
    #[must_use]
    pub fn command(&self) -> Option<&[String]> {
        self.command.as_deref()
    }

    /// Its environment.
    #[must_use]
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Its settings, merged from wherever they come.
    #[must_use]
    pub const fn settings(&self) -> &StepSettings {
        &self.settings
    }

    /// Name of the secret that its image is pulled with.
    #[must_use]
    pub fn image_pull_secret(&self) -> Option<&str> {
        self.image_pull_secret.as_deref()
    }

    /// The step that `file` describes, which was built in Rust code.
    ///
    /// Its bounds are checked by [`Validate`], and everything by the rules.
    ///
    /// # Errors
    ///
    /// The same as for a text that says the same. A bound that only [`Validate`] knows is reported at the beginning of
    /// the text, with the pointer of the setting.
    pub fn new(file: &StepFile) -> Result<Self, Report> {
        let text = serde_json::to_string(file).unwrap_or_default();
        let source = Source { name: "step", text: &text, format: Format::Json };
        let mut resolution = Resolver::new(source).kind(Kind::Step).resolve();
        for violation in violations(file) {
            // The check of the text says more about the same value.
            if !resolution.findings.iter().any(|found| found.is_error() && found.path == violation.path) {
                resolution.findings.push(violation);
            }
        }
        resolution.step().cloned().ok_or_else(|| resolution.report())
    }
}

/// What [`Validate`] finds in settings that were built in Rust code.
fn violations(file: &StepFile) -> Vec<RawDiagnostic> {
    let mut found = Vec::new();
    if let Err(errors) = file.validate() {
        collect(&errors, "", &mut found);
    }
    found
}

fn collect(errors: &ValidationErrors, pointer: &str, found: &mut Vec<RawDiagnostic>) {
    for (name, kind) in errors.errors() {
        let pointer = format!("{pointer}/{name}");
        match kind {
            ValidationErrorsKind::Struct(inner) => collect(inner, &pointer, found),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(inner, &format!("{pointer}/{index}"), found);
                }
            }
            ValidationErrorsKind::Field(errors) => found.extend(errors.iter().map(|error| {
                let is_short =
                    || error.params.get("value").is_some_and(|value| Tree::from(value).is_empty() || value == "");
                let (rule, what) = match &*error.code {
                    "length" if is_short() => (&rules::shape::EMPTY_VALUE, "is empty"),
                    "length" => (&rules::shape::TOO_LONG, "is too long"),
                    _ => (&rules::shape::OUT_OF_RANGE, "is out of its range"),
                };
                RawDiagnostic::new(rule, Span::default(), format!("`{name}` {what}")).at(&*pointer)
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Severity;
    use crate::settings::SecurityContext;

    fn file(settings: StepSettings) -> StepFile {
        StepFile {
            name: None,
            image: "train:4".to_owned(),
            command: vec!["train".to_owned()],
            environment: None,
            settings: Some(settings),
        }
    }

    /// The bounds that `file` violates, as `validator` finds them, are those that the text reports.
    fn check(file: &StepFile, expected: &[(&str, &str)]) {
        let mut own: Vec<_> = violations(file).iter().map(|found| (found.rule.code, found.path.clone())).collect();
        own.sort_unstable();
        let report = Step::new(file).unwrap_err();
        let errors = report.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let mut reported: Vec<_> = errors.map(|found| (found.code, found.path.clone())).collect();
        reported.sort_unstable();
        let mut expected: Vec<_> = expected.iter().map(|(code, path)| (*code, (*path).to_owned())).collect();
        expected.sort_unstable();
        assert_eq!(own, expected);
        assert_eq!(reported, expected);
    }

    #[test]
    fn violated_bounds_are_found_in_values_and_in_texts_alike() {
        let settings = StepSettings::default;
        check(
            &StepFile { image: String::new(), command: Vec::new(), ..file(settings()) },
            &[("empty-value", "/image"), ("empty-value", "/command")],
        );
        check(
            &file(StepSettings { gpu_devices_request: -1, gpu_portion_request: 1.5, ..settings() }),
            &[("out-of-range", "/settings/gpu_devices_request"), ("out-of-range", "/settings/gpu_portion_request")],
        );
        let security = SecurityContext { run_as_uid: Some(-1), ..SecurityContext::default() };
        check(
            &file(StepSettings { security_context: Some(security), ..settings() }),
            &[("out-of-range", "/settings/security_context/run_as_uid")],
        );
    }
}
