//! Adds help, fixes, related places and tags to the diagnostic that a rule reports.

use runai_syntax::{SourceId, Span, Tree};

use super::context::RuleContext;
use crate::diagnostic::{RawDiagnostic, Tag};
use crate::fix::{Applicability, FixPlan};

/// Extends the diagnostic that was reported last. Paths are relative to the context's `base`.
pub(crate) struct DiagnosticBuilder<'c, 'a, 't> {
    pub(super) context: &'c mut RuleContext<'a, 't>,
}

impl DiagnosticBuilder<'_, '_, '_> {
    fn diagnostic(&mut self) -> Option<&mut RawDiagnostic> {
        self.context.diagnostics.last_mut()
    }

    /// Sets the help text.
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

    /// Adds the value at `path` as a related place, if the document sets it.
    pub(crate) fn with_related(mut self, path: &str, message: impl Into<String>) -> Self {
        if let Some(span) = self.context.span_of(path)
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

    /// Adds a fix that sets the value at `path`.
    pub(crate) fn with_value(self, path: &str, value: impl Into<Tree<'static>>, applicability: Applicability) -> Self {
        let Some(target) = self.same_source_target(path) else { return self };
        let fix = if target.anchor.0 == target.pointer {
            FixPlan::replace_value(target, value, applicability)
        } else {
            FixPlan::add_setting(target, value, applicability)
        };
        self.with_fix(fix)
    }

    /// Adds a fix that removes the value at `path`, if the document sets it.
    pub(crate) fn with_removal(self, path: &str, applicability: Applicability) -> Self {
        match self.same_source_target(path) {
            Some(target) if target.anchor.0 == target.pointer => self.with_fix(FixPlan::remove(target, applicability)),
            _ => self,
        }
    }

    /// Adds a fix that renames the key of the entry at `path`.
    pub(crate) fn with_renamed_key(self, path: &str, key: &str, applicability: Applicability) -> Self {
        match self.context.key_at(path) {
            Some((span, old)) => self.with_fix(FixPlan::rename_key(span, &old, key, applicability)),
            None => self,
        }
    }

    /// Adds a fix that removes the value at `path`, which has no effect. It is safe unless other settings override it.
    pub(crate) fn with_unused_removal(self, path: &str) -> Self {
        let here = self.context.diagnostics.last().is_some_and(|found| found.span.source == SourceId(0));
        let applicability = if self.context.shared || !here { Applicability::Unsafe } else { Applicability::Safe };
        self.with_removal(path, applicability)
    }

    /// Returns the value at `path`, if it is in the diagnostic's source or belongs there.
    fn same_source_target(&self, path: &str) -> Option<crate::fix::Target> {
        let place: Span = self.context.diagnostics.last()?.span;
        self.context.target(path).filter(|target| target.anchor.1.source == place.source)
    }
}
