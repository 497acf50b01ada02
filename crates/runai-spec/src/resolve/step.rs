//! A step that cannot be wrong.

use runai_syntax::Format;

use super::{Resolver, Source};
use crate::diagnostic::Report;
use crate::kind::Kind;
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
    /// # Errors
    ///
    /// The same as for a text that says the same.
    pub fn new(file: &StepFile) -> Result<Self, Report> {
        let text = serde_json::to_string(file).unwrap_or_default();
        let source = Source { name: "step", text: &text, format: Format::Json };
        let resolution = Resolver::new(source).kind(Kind::Step).resolve();
        resolution.step().cloned().ok_or_else(|| resolution.report())
    }
}
