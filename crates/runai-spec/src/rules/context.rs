//! The rules' view of a document: which settings are set, where, and which are invalid.

use std::fmt::Display;

use runai_syntax::{Lines, Node, Span, unescape};

use super::Rule;
use super::builder::DiagnosticBuilder;
use crate::diagnostic::RawDiagnostic;
use crate::fix::Target;
use crate::resolve::Source;

/// Collects the diagnostics of rules, and locates settings.
pub(crate) struct RuleContext<'a, 't> {
    pub(crate) sources: &'a [Source<'t>],
    /// The settings, merged from all sources.
    pub(crate) root: &'a Node<'t>,
    /// JSON pointer, in `root`, of the map that the rules' paths are relative to.
    pub(crate) base: &'a str,
    /// JSON pointers, in `root`, of values that are missing or were replaced because they are invalid, sorted.
    pub(crate) invalid: &'a [String],
    /// The maps that were merged into `base`: the span of each, and its JSON pointer in its source.
    pub(crate) origins: &'a [(Span, String)],
    pub(crate) diagnostics: &'a mut Vec<RawDiagnostic>,
    /// Whether other settings may override these, so that a setting without effect here may have one elsewhere.
    pub(crate) shared: bool,
}

impl<'a, 't> RuleContext<'a, 't> {
    /// Whether the value at `path` is set.
    pub(crate) fn is_set(&self, path: &str) -> bool {
        self.root.find(&self.pointer(path)).is_some()
    }

    /// Returns the span of the value at `path`, if it is set.
    pub(super) fn span_of(&self, path: &str) -> Option<Span> {
        self.root.find(&self.pointer(path)).map(|node| node.span)
    }

    /// Whether a value at or below one of `paths` is invalid, so that rules must not report it again.
    ///
    /// Paths are only formatted if the document has invalid values: pass `format_args!` for computed paths.
    pub(crate) fn is_invalid<P: Display>(&self, paths: &[P]) -> bool {
        !self.invalid.is_empty()
            && paths.iter().any(|path| {
                let pointer = self.pointer(path);
                let below = format!("{pointer}/");
                let first_below = self.invalid.get(self.invalid.partition_point(|invalid| *invalid < below));
                self.is_replaced(&pointer) || first_below.is_some_and(|invalid| invalid.starts_with(&below))
            })
    }

    /// Whether the value at `path`, or a value that contains it, was replaced.
    pub(crate) fn item_is_invalid(&self, path: impl Display) -> bool {
        !self.invalid.is_empty() && {
            let pointer = self.pointer(&path);
            let around = pointer.match_indices('/').map(|(at, _)| &pointer[..at]);
            around.chain([pointer.as_str()]).any(|pointer| self.is_replaced(pointer))
        }
    }

    fn is_replaced(&self, pointer: &str) -> bool {
        self.invalid.binary_search_by(|invalid| invalid.as_str().cmp(pointer)).is_ok()
    }

    /// Reports `rule` at the value at `path`. The returned builder adds help and fixes.
    pub(crate) fn report(
        &mut self,
        rule: &'static Rule,
        path: impl Display,
        message: String,
    ) -> DiagnosticBuilder<'_, 'a, 't> {
        let pointer = self.pointer(path);
        let span = self.span(&pointer);
        let diagnostic = RawDiagnostic::new(rule, span, message).at(self.pointer_in_source(span, pointer));
        self.diagnostics.push(diagnostic);
        DiagnosticBuilder { context: self }
    }

    /// Returns where the value at `path` is set: ` (the default)`, ` (in runai-step.toml, line 3)`, or nothing if it is in
    /// the source of `other`.
    pub(crate) fn origin(&self, path: &str, other: &str) -> String {
        let Some(found) = self.root.find(&self.pointer(path)) else { return " (the default)".to_owned() };
        let here = self.span(&self.pointer(other));
        let there = found.span;
        if there.source == here.source {
            return String::new();
        }
        let Some(source) = self.sources.get(usize::from(there.source.0)) else { return String::new() };
        let (line, _) = Lines::new(source.text).position(there.start as usize);
        format!(" (in {}, line {line})", source.name)
    }

    /// Returns the key of the entry at `path`, and its span.
    pub(super) fn key_at(&self, path: &str) -> Option<(Span, String)> {
        let pointer = self.pointer(path);
        let (map, key) = pointer.rsplit_once('/')?;
        let entry = self.root.find(map)?.as_map()?.entry(&unescape(key))?;
        Some((entry.key_span, entry.key.to_string()))
    }

    /// Returns the value at `path` as a target of fixes. If it is missing, the target is anchored at its parent.
    pub(super) fn target(&self, path: &str) -> Option<Target> {
        let mut anchor = self.pointer(path);
        let wanted = anchor.clone();
        let node = loop {
            match self.root.find(&anchor) {
                Some(node) => break node,
                None => anchor.truncate(anchor.rfind('/')?),
            }
        };
        let rest = wanted[anchor.len()..].to_owned();
        let anchor = self.pointer_in_source(node.span, anchor);
        Some(Target { pointer: format!("{anchor}{rest}"), anchor: (anchor, node.span) })
    }

    fn pointer(&self, path: impl Display) -> String {
        format!("{}/{path}", self.base)
    }

    /// Returns the span of the value, or of its nearest parent that is set.
    fn span(&self, pointer: &str) -> Span {
        let mut pointer = pointer;
        loop {
            if let Some(found) = self.root.find(pointer) {
                return found.span;
            }
            match pointer.rsplit_once('/') {
                Some((parent, _)) => pointer = parent,
                None => return self.root.span,
            }
        }
    }

    /// Returns the pointer from the root of the source that contains `span`.
    fn pointer_in_source(&self, span: Span, pointer: String) -> String {
        let origin = self
            .origins
            .iter()
            .find(|(map, _)| map.source == span.source && map.start <= span.start && span.end <= map.end);
        match (origin, pointer.strip_prefix(self.base)) {
            (Some((_, map)), Some(rest)) => format!("{map}{rest}"),
            _ => pointer,
        }
    }
}
