//! What a rule adds to a problem that it reports: help, fixes, related places, tags.

use runai_syntax::{SourceId, Span, Tree};

use super::context::RuleContext;
use crate::diagnostic::{RawDiagnostic, Tag};
use crate::fix::{Applicability, FixPlan};

/// The problem that was reported last. Paths are those of the rules.
pub(crate) struct DiagnosticBuilder<'c, 'a, 't> {
    pub(super) context: &'c mut RuleContext<'a, 't>,
}

impl DiagnosticBuilder<'_, '_, '_> {
    fn diagnostic(&mut self) -> Option<&mut RawDiagnostic> {
        self.context.findings.last_mut()
    }

    /// Says what to do.
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        if let Some(diagnostic) = self.diagnostic() {
            diagnostic.help = Some(help.into());
        }
        self
    }

    pub(crate) fn with_tag(mut self, tag: Tag) -> Self {
        if let Some(diagnostic) = self.diagnostic() {
            diagnostic.details_mut().tags.push(tag);
        }
        self
    }

    /// Names another place of the problem, if the value there is written.
    pub(crate) fn with_related(mut self, path: &str, message: impl Into<String>) -> Self {
        if let Some(span) = self.context.written_at(path)
            && let Some(diagnostic) = self.diagnostic()
        {
            diagnostic.details_mut().related.push((span, message.into()));
        }
        self
    }

    pub(crate) fn with_fix(mut self, fix: impl Into<Option<FixPlan>>) -> Self {
        if let (Some(fix), Some(diagnostic)) = (fix.into(), self.diagnostic()) {
            diagnostic.details_mut().fixes.push(fix);
        }
        self
    }

    /// Offers to set the value at `path`.
    pub(crate) fn with_value(self, path: &str, value: impl Into<Tree<'static>>, applicability: Applicability) -> Self {
        let Some(target) = self.in_this_text(path) else { return self };
        let fix = if target.anchor.0 == target.pointer {
            FixPlan::replace_value(target, value, applicability)
        } else {
            FixPlan::add_setting(target, value, applicability)
        };
        self.with_fix(fix)
    }

    /// Offers to remove the value at `path`, if it is written.
    pub(crate) fn with_removal(self, path: &str, applicability: Applicability) -> Self {
        match self.in_this_text(path) {
            Some(target) if target.anchor.0 == target.pointer => self.with_fix(FixPlan::remove(target, applicability)),
            _ => self,
        }
    }

    /// Offers to rename the key of the entry at `path`.
    pub(crate) fn with_renamed_key(self, path: &str, key: &str, applicability: Applicability) -> Self {
        match self.context.key_at(path) {
            Some((span, old)) => self.with_fix(FixPlan::rename_key(span, &old, key, applicability)),
            None => self,
        }
    }

    /// Offers to remove the value at `path`, which has no effect: safely, if nothing is merged over it.
    pub(crate) fn with_unused_removal(self, path: &str) -> Self {
        let here = self.context.findings.last().is_some_and(|found| found.span.source == SourceId(0));
        let applicability = if self.context.shared || !here { Applicability::Unsafe } else { Applicability::Safe };
        self.with_removal(path, applicability)
    }

    /// The value at `path`, if it is, or belongs, in the text that the problem is in.
    fn in_this_text(&self, path: &str) -> Option<crate::fix::Target> {
        let place: Span = self.context.findings.last()?.span;
        self.context.target(path).filter(|target| target.anchor.1.source == place.source)
    }
}
