//! What the rules see of the text: which settings were written, where, and which of them are broken.

use std::fmt::Display;

use runai_syntax::{Lines, Node, Span, unescape};

use super::Rule;
use super::builder::DiagnosticBuilder;
use crate::diagnostic::RawDiagnostic;
use crate::fix::Target;
use crate::resolve::Source;

/// Collects what the rules find, and knows the place of each setting.
pub(crate) struct RuleContext<'a, 't> {
    pub(crate) sources: &'a [Source<'t>],
    /// The settings, merged from wherever they come.
    pub(crate) root: &'a Node<'t>,
    /// Pointer, in `root`, of the map that the rules' paths start from.
    pub(crate) base: &'a str,
    /// Pointers, in `root`, of what is missing or was replaced because it is wrong, in order.
    pub(crate) broken: &'a [String],
    /// Where settings stand that were merged into `base`: a stretch of text, and the pointer of their map in it.
    pub(crate) origins: &'a [(Span, String)],
    pub(crate) findings: &'a mut Vec<RawDiagnostic>,
    /// Whether other settings are merged over these, so that what has no effect here may have one elsewhere.
    pub(crate) shared: bool,
}

impl<'a, 't> RuleContext<'a, 't> {
    /// Whether the text says something at `path`.
    pub(crate) fn written(&self, path: &str) -> bool {
        self.root.find(&self.pointer(path)).is_some()
    }

    /// Where the value at `path` is written, if it is.
    pub(super) fn written_at(&self, path: &str) -> Option<Span> {
        self.root.find(&self.pointer(path)).map(|node| node.span)
    }

    /// Whether anything at or below one of `paths` was wrong already, so that nothing more can be said about it.
    ///
    /// Paths are only spelled out if anything is broken at all: give them as `format_args!` where they have to be made.
    pub(crate) fn broken<P: Display>(&self, paths: &[P]) -> bool {
        !self.broken.is_empty()
            && paths.iter().any(|path| {
                let pointer = self.pointer(path);
                let below = format!("{pointer}/");
                let first_below = self.broken.get(self.broken.partition_point(|broken| *broken < below));
                self.is_broken(&pointer) || first_below.is_some_and(|broken| broken.starts_with(&below))
            })
    }

    /// Whether the value at `path`, or one around it, was replaced as a whole.
    pub(crate) fn item_broken(&self, path: impl Display) -> bool {
        !self.broken.is_empty() && {
            let pointer = self.pointer(&path);
            let around = pointer.match_indices('/').map(|(at, _)| &pointer[..at]);
            around.chain([pointer.as_str()]).any(|pointer| self.is_broken(pointer))
        }
    }

    fn is_broken(&self, pointer: &str) -> bool {
        self.broken.binary_search_by(|broken| broken.as_str().cmp(pointer)).is_ok()
    }

    /// Reports `rule` at the value at `path`. What can be done about it goes to the returned builder.
    pub(crate) fn report(
        &mut self,
        rule: &'static Rule,
        path: impl Display,
        message: String,
    ) -> DiagnosticBuilder<'_, 'a, 't> {
        let pointer = self.pointer(path);
        let span = self.span(&pointer);
        let diagnostic = RawDiagnostic::new(rule, span, message).at(self.in_its_text(span, pointer));
        self.findings.push(diagnostic);
        DiagnosticBuilder { context: self }
    }

    /// Where the value at `path` comes from, if that is not the text that `beside` is in: ` (the default)`,
    /// ` (in runai-step.toml, line 3)`, or nothing.
    pub(crate) fn origin(&self, path: &str, beside: &str) -> String {
        let Some(found) = self.root.find(&self.pointer(path)) else { return " (the default)".to_owned() };
        let here = self.span(&self.pointer(beside));
        let there = found.span;
        if there.source == here.source {
            return String::new();
        }
        let Some(source) = self.sources.get(usize::from(there.source.0)) else { return String::new() };
        let (line, _) = Lines::new(source.text).position(there.start as usize);
        format!(" (in {}, line {line})", source.name)
    }

    /// The key of the entry at `path`, and where it is written.
    pub(super) fn key_at(&self, path: &str) -> Option<(Span, String)> {
        let pointer = self.pointer(path);
        let (map, key) = pointer.rsplit_once('/')?;
        let entry = self.root.find(map)?.as_map()?.entry(&unescape(key))?;
        Some((entry.key_span, entry.key.to_string()))
    }

    /// The value at `path`, in the text that it is in; if it is missing, its place there.
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
        let anchor = self.in_its_text(node.span, anchor);
        Some(Target { pointer: format!("{anchor}{rest}"), anchor: (anchor, node.span) })
    }

    fn pointer(&self, path: impl Display) -> String {
        format!("{}/{path}", self.base)
    }

    /// The place of the value, or of the nearest one around it.
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

    /// The pointer from the root of the text that the place is in.
    fn in_its_text(&self, span: Span, pointer: String) -> String {
        let origin = self.origins.iter().find(|(stretch, _)| {
            stretch.source == span.source && stretch.start <= span.start && span.end <= stretch.end
        });
        match (origin, pointer.strip_prefix(self.base)) {
            (Some((_, map)), Some(rest)) => format!("{map}{rest}"),
            _ => pointer,
        }
    }
}
