//! The rules: one static per rule, with its code, severity, documentation and two examples.
//!
//! Explanations and the rules page are generated from this registry. The list of errors is closed: what the reference
//! implementations reject, and a few documented additions. Every other problem is a warning.

use runai_syntax::Format;
use serde::Serialize;

use crate::diagnostic::Report;
use crate::resolve::{Resolver, Source};
use crate::syntax::decode;

mod builder;
mod context;
pub(crate) mod lifecycle;
pub(crate) mod network;
pub(crate) mod operator;
mod reference;
pub(crate) mod resources;
pub(crate) mod scheduling;
pub(crate) mod security;
pub(crate) mod step;
pub(crate) mod storage;
pub(crate) mod text;
pub(crate) mod value;
pub(crate) mod zenml;

pub(crate) use context::RuleContext;
pub use reference::reference;

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document cannot be rendered or submitted.
    Error,
    /// The document is valid, but probably not what its author intends.
    Warning,
    /// A value cannot be checked here. Notes never change an exit code.
    Note,
}

impl Severity {
    /// Returns the name in reports: `error`, `note` or `warning`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

/// A rule for documents.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rule {
    /// The stable name, such as `unknown-key`.
    pub code: &'static str,
    /// The severity of its diagnostics.
    pub severity: Severity,
    /// The problem in a few words.
    pub summary: &'static str,
    docs: &'static [&'static str],
    /// A valid document.
    pub valid: Example,
    /// A document that violates the rule.
    pub invalid: Example,
}

impl Rule {
    /// Returns the documentation in Markdown: why the rule exists, and what to do.
    #[must_use]
    pub fn docs(&self) -> String {
        let lines: Vec<_> = self.docs.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        lines.join("\n")
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

/// An example document of a rule.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Example {
    /// A generated document: its description, and the function that generates it.
    Generated(&'static str, fn() -> Vec<u8>),
    /// A YAML document whose placeholders are replaced from an empty environment.
    Substituted(&'static str),
    /// A YAML document.
    Yaml(&'static str),
}

impl Example {
    /// Returns the bytes of the document.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Generated(_, make) => make(),
            Self::Substituted(text) | Self::Yaml(text) => text.as_bytes().to_vec(),
        }
    }

    /// Checks the document.
    #[must_use]
    pub fn check(&self) -> Report {
        let bytes = self.bytes();
        let text = match decode(&bytes) {
            Ok(text) => text,
            Err(report) => return report,
        };
        let resolver = Resolver::new(Source { name: "example.yaml", text, format: Format::Yaml });
        match self {
            Self::Substituted(_) => resolver.process_environment(&[]),
            Self::Generated(..) | Self::Yaml(_) => resolver,
        }
        .resolve()
        .report()
    }

    /// Returns the document, or the description of a generated one.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            Self::Generated(text, _) | Self::Substituted(text) | Self::Yaml(text) => text,
        }
    }
}

/// Declares rules, and their list `RULES`.
macro_rules! rules {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident {
            code: $code:literal,
            severity: $severity:ident,
            summary: $summary:literal,
            valid: $valid:expr,
            invalid: $invalid:expr,
        }
    )+) => {
        $(
            $(#[doc = $doc])+
            pub(crate) static $name: $crate::rules::Rule = $crate::rules::Rule {
                code: $code,
                severity: $crate::rules::Severity::$severity,
                summary: $summary,
                docs: &[$($doc),+],
                valid: $valid,
                invalid: $invalid,
            };
        )+

        pub(super) static RULES: &[&$crate::rules::Rule] = &[$(&$name),+];
    };
}
use rules;

/// Returns every rule, grouped by topic.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    groups().into_iter().flat_map(|(_, rules)| rules).copied()
}

/// Returns the headings of the rules page, with the rules of each.
fn groups() -> [(&'static str, &'static [&'static Rule]); 11] {
    [
        ("Files and syntax", text::RULES),
        ("Single values", value::RULES),
        ("Steps", step::RULES),
        ("GPU, CPU and memory", resources::RULES),
        ("Scheduling", scheduling::RULES),
        ("Storage", storage::RULES),
        ("Security", security::RULES),
        ("Network", network::RULES),
        ("Lifecycle", lifecycle::RULES),
        ("Operator file", operator::RULES),
        ("ZenML run configurations", zenml::RULES),
    ]
}

/// Returns the rule with this code.
#[must_use]
pub fn by_code(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code == code)
}

/// Applies all rules for the settings of a step.
pub(crate) fn check_settings(settings: &crate::settings::StepSettings, context: &mut RuleContext<'_, '_>) {
    resources::check(settings, context);
    scheduling::check(settings, context);
    storage::check(settings, context);
    security::check(settings, context);
    network::check(settings, context);
    lifecycle::check(settings, context);
}
