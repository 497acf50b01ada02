//! The rules: one static each, with its code, severity, documentation and two examples.
//!
//! From this registry come `explain`, the rules page, and the texts of reports. The error list is closed: what the
//! Python peers refuse, plus what they should have; everything else that looks wrong is a warning.

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
pub(crate) mod shape;
pub(crate) mod step;
pub(crate) mod storage;
pub(crate) mod text;
pub(crate) mod zenml;

pub(crate) use context::RuleContext;
pub use reference::reference;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The text cannot be used.
    Error,
    /// The text can be used, but probably does not say what is meant.
    Warning,
    /// Something that cannot be known here. Never changes an exit code.
    Note,
}

impl Severity {
    /// The word for it, as reports write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

/// A rule that texts are held to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rule {
    /// Stable name: `unknown-key`.
    pub code: &'static str,
    /// Whether breaking it is an error.
    pub severity: Severity,
    /// What is wrong, in a few words.
    pub summary: &'static str,
    docs: &'static [&'static str],
    /// A text that keeps the rule.
    pub valid: Example,
    /// A text that breaks it.
    pub invalid: Example,
}

impl Rule {
    /// Why the rule is there and what to do, in Markdown.
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

/// A text that shows a rule.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Example {
    /// Too large or too odd to be written out: what it is, and how it is made.
    Made(&'static str, fn() -> Vec<u8>),
    /// A YAML text whose placeholders are replaced from an empty environment.
    Substituted(&'static str),
    /// A YAML text.
    Yaml(&'static str),
}

impl Example {
    /// The bytes of the text.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Made(_, make) => make(),
            Self::Substituted(text) | Self::Yaml(text) => text.as_bytes().to_vec(),
        }
    }

    /// Checks the text.
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
            Self::Made(..) | Self::Yaml(_) => resolver,
        }
        .resolve()
        .report()
    }

    /// The text, or what it is.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            Self::Made(text, _) | Self::Substituted(text) | Self::Yaml(text) => text,
        }
    }
}

/// Declares rules, and `RULES`, the list of them.
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

/// Every rule, by the modules they stand in.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    groups().into_iter().flat_map(|(_, rules)| rules).copied()
}

/// The rules of each module, under the heading that the rules page has for them.
fn groups() -> [(&'static str, &'static [&'static Rule]); 11] {
    [
        ("The text itself", text::RULES),
        ("Single values", shape::RULES),
        ("Around the settings", step::RULES),
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

/// The rule with this code.
#[must_use]
pub fn by_code(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code == code)
}

/// All rules about the settings of a step.
pub(crate) fn check_settings(settings: &crate::settings::StepSettings, context: &mut RuleContext<'_, '_>) {
    resources::check(settings, context);
    scheduling::check(settings, context);
    storage::check(settings, context);
    security::check(settings, context);
    network::check(settings, context);
    lifecycle::check(settings, context);
}
