//! Problems of the document, of the operator file, and of the policy in the facts.

use std::ops::Range;

use runai_spec::rules::Severity;
use runai_spec::{Diagnostic, Fix, Tag};

use crate::document::{EditorDocument, Target};
use crate::scan::Entry;
use crate::schema;

/// Code of a problem that the policy of the facts file makes.
pub const POLICY_CODE: &str = "policy";
/// Code of the problem that the operator file has errors.
pub const OPERATOR_CODE: &str = "operator-file";

/// A problem at a place of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Code of the rule, [`POLICY_CODE`] or [`OPERATOR_CODE`].
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One headline that stands alone.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// JSON pointer of the value.
    pub pointer: String,
    /// The place.
    pub range: Range<usize>,
    /// Other places that the problem is about, and what is there.
    pub related: Vec<(Target, String)>,
    /// What the problem means for an editor.
    pub tags: Vec<Tag>,
    /// Edits that solve the problem, the most likely first.
    pub fixes: Vec<Fix>,
}

impl From<&Diagnostic> for Problem {
    fn from(found: &Diagnostic) -> Self {
        let related = found.related.iter().map(|related| {
            let target = Target { name: related.path.clone(), range: related.offset..related.end_offset };
            (target, related.message.clone())
        });
        Self {
            code: found.code,
            severity: found.severity,
            message: found.message.clone(),
            help: found.help.clone(),
            pointer: found.path.clone(),
            range: found.offset..found.end_offset,
            related: related.collect(),
            tags: found.tags.clone(),
            fixes: found.fixes.clone(),
        }
    }
}

impl EditorDocument {
    /// Returns the problems of the document, in the order of their places.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.document.report().diagnostics.iter().map(Problem::from).collect();
        problems.extend(self.operator_problem());
        problems.extend(self.policy_problems());
        problems.sort_by_key(|problem| problem.range.start);
        problems
    }

    /// One problem for all errors of the operator file, which has its own list.
    fn operator_problem(&self) -> Option<Problem> {
        let operator = self.document.operator()?;
        let report = self.document.operator_report()?;
        let error = report.diagnostics.iter().find(|found| found.severity == Severity::Error)?;
        let target = Target { name: operator.name.to_owned(), range: error.offset..error.end_offset };
        Some(Problem {
            code: OPERATOR_CODE,
            severity: Severity::Error,
            message: format!("the operator file `{}` has errors", operator.name),
            help: Some("correct the operator file; its defaults apply to this file".to_owned()),
            pointer: String::new(),
            range: 0..0,
            related: vec![(target, error.message.clone())],
            tags: Vec::new(),
            fixes: Vec::new(),
        })
    }

    fn policy_problems(&self) -> Vec<Problem> {
        let Some(policy) = self.facts.as_ref().and_then(|facts| facts.effective_policy()) else { return Vec::new() };
        let mut problems = Vec::new();
        for step in self.steps() {
            let Some(view) = self.step_view(step.as_deref()).filter(|view| view.is_current) else { continue };
            for violation in policy.violations(&view.body["spec"]) {
                let member = format!("/spec/{}", violation.field.replace(['.', '['], "/").replace(']', ""));
                let source = view.map.of_member(&member);
                let own = source.and_then(|source| source.place.clone()).filter(|place| place.name == self.name());
                let range = own.map_or_else(|| self.step_range(view.step.as_deref()), |own| own.offset..own.end_offset);
                let setting = source.and_then(|source| source.setting.clone());
                let named = setting.as_deref().map_or_else(|| violation.field.clone(), schema::explained_path);
                problems.push(Problem {
                    code: POLICY_CODE,
                    severity: Severity::Warning,
                    message: format!("{} rejects `{named}`: {}", violation.source, violation.details),
                    help: Some("change the value, or ask the owner of the policy".to_owned()),
                    pointer: setting.unwrap_or_default(),
                    range,
                    related: Vec::new(),
                    tags: Vec::new(),
                    fixes: Vec::new(),
                });
            }
        }
        problems.dedup();
        problems
    }

    /// The key that a step's settings are below.
    fn step_range(&self, step: Option<&str>) -> Range<usize> {
        let outline = self.outline(None);
        let pointer = step.map_or_else(|| "/settings".to_owned(), |step| crate::scan::join("/steps", step));
        let is_step = |entry: &&Entry| entry.pointer == pointer;
        outline.entries.iter().find(is_step).map_or(0..0, |entry| entry.key.clone())
    }
}
