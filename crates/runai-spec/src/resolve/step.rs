//! Valid steps.

use runai_syntax::{Format, Span, Tree};
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use super::{Resolver, Source};
use crate::diagnostic::{RawDiagnostic, Report};
use crate::kind::Kind;
use crate::rules;
use crate::settings::{Environment, StepFile, StepSettings};

/// A valid step, which only a resolution without errors creates.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) name: Option<String>,
    pub(crate) block: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) environment: Environment,
    pub(crate) settings: StepSettings,
    pub(crate) image_pull_secret: Option<String>,
    /// Whether a value depends on placeholders that are not substituted.
    pub(crate) unresolved: bool,
}

impl Step {
    /// Returns the name of the step.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the name of the step in a ZenML run configuration.
    #[must_use]
    pub fn block(&self) -> Option<&str> {
        self.block.as_deref()
    }

    /// Returns the image, unless the document contains only settings.
    #[must_use]
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// Returns the tokens of the command, unless the document contains only settings.
    #[must_use]
    pub fn command(&self) -> Option<&[String]> {
        self.command.as_deref()
    }

    /// Returns the environment.
    #[must_use]
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the settings, merged from all sources.
    #[must_use]
    pub const fn settings(&self) -> &StepSettings {
        &self.settings
    }

    /// Returns the name of the image pull secret.
    #[must_use]
    pub fn image_pull_secret(&self) -> Option<&str> {
        self.image_pull_secret.as_deref()
    }

    /// Creates a step from a value that was built in Rust code. Bounds are checked by [`Validate`], everything else by the
    /// rules.
    ///
    /// # Errors
    ///
    /// The same errors as for an equivalent document. A violation that only [`Validate`] finds is reported at offset 0, with
    /// the pointer of the setting.
    pub fn new(file: &StepFile) -> Result<Self, Report> {
        let text = serde_json::to_string(file).unwrap_or_default();
        let source = Source { name: "step", text: &text, format: Format::Json };
        let mut resolution = Resolver::new(source).kind(Kind::Step).resolve();
        for violation in violations(file) {
            // The validator's error about the same value is more specific.
            if !resolution.diagnostics.iter().any(|found| found.is_error() && found.path == violation.path) {
                resolution.diagnostics.push(violation);
            }
        }
        resolution.step().cloned().ok_or_else(|| resolution.report())
    }
}

/// Returns the violations that [`Validate`] finds.
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
                    "length" if is_short() => (&rules::value::EMPTY_VALUE, "is empty"),
                    "length" => (&rules::value::TOO_LONG, "is too long"),
                    _ => (&rules::value::OUT_OF_RANGE, "is out of range"),
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

    /// Asserts that `validator` and the report of the document find the same violations.
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
    fn values_and_documents_report_same_bounds() {
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
