//! Values of `runai-ide` as those of the protocol.

use std::ops::Range;
use std::str::FromStr as _;

use lsp_types as lsp;
use runai_ide::{Completion, CompletionKind, Encoding, Hover, LineIndex, Position, Problem, plain_text};
use runai_spec::Tag;
use runai_spec::rules::{self, Severity};

/// Page that explains each rule under a heading of its own.
const RULES: &str = "https://github.com/runai-step/runai-step/blob/main/docs/rules.md";

/// A text with what positions in it need.
#[derive(Clone, Copy)]
pub(super) struct Places<'d> {
    pub(super) text: &'d str,
    pub(super) lines: &'d LineIndex,
    pub(super) encoding: Encoding,
}

impl Places<'_> {
    pub(super) fn range(&self, range: &Range<usize>) -> lsp::Range {
        lsp::Range { start: self.position(range.start), end: self.position(range.end) }
    }

    fn position(&self, offset: usize) -> lsp::Position {
        let Position { line, character } = self.lines.position(self.text, offset, self.encoding);
        lsp::Position { line, character }
    }

    pub(super) fn offset(&self, position: lsp::Position) -> usize {
        let lsp::Position { line, character } = position;
        self.lines.offset(self.text, Position { line, character }, self.encoding)
    }

    pub(super) fn offsets(&self, range: lsp::Range) -> Range<usize> {
        let start = self.offset(range.start);
        start..self.offset(range.end).max(start)
    }

    /// A problem; `location` finds other texts.
    pub(super) fn diagnostic(
        &self,
        problem: &Problem,
        location: impl Fn(&runai_ide::Target) -> Option<lsp::Location>,
    ) -> lsp::Diagnostic {
        let tags = problem.tags.iter().filter_map(|tag| match tag {
            Tag::Deprecated => Some(lsp::DiagnosticTag::DEPRECATED),
            Tag::Unnecessary => Some(lsp::DiagnosticTag::UNNECESSARY),
            _ => None,
        });
        let tags: Vec<_> = tags.collect();
        let related = problem.related.iter().filter_map(|(target, message)| {
            let (location, message) = (location(target)?, message.clone());
            Some(lsp::DiagnosticRelatedInformation { location, message })
        });
        let related: Vec<_> = related.collect();
        let page = rules::by_code(problem.code).and_then(|_| uri(&format!("{RULES}#{}", problem.code)));
        let message = match &problem.help {
            Some(help) => format!("{}\nhelp: {help}", problem.message),
            None => problem.message.clone(),
        };
        lsp::Diagnostic {
            range: self.range(&problem.range),
            severity: Some(match problem.severity {
                Severity::Error => lsp::DiagnosticSeverity::ERROR,
                Severity::Warning => lsp::DiagnosticSeverity::WARNING,
                Severity::Note => lsp::DiagnosticSeverity::INFORMATION,
            }),
            code: Some(lsp::NumberOrString::String(problem.code.to_owned())),
            code_description: page.map(|href| lsp::CodeDescription { href }),
            source: Some("runai-step".to_owned()),
            message,
            related_information: (!related.is_empty()).then_some(related),
            tags: (!tags.is_empty()).then_some(tags),
            data: None,
        }
    }

    pub(super) fn completion(&self, index: usize, found: &Completion, snippets: bool) -> lsp::CompletionItem {
        let new_text = if snippets { found.snippet.clone() } else { plain_text(&found.snippet) };
        let is_snippet = snippets && found.snippet.contains('$');
        let edit = lsp::TextEdit { range: self.range(&found.range), new_text };
        lsp::CompletionItem {
            label: found.label.clone(),
            kind: Some(match found.kind {
                CompletionKind::Choice => lsp::CompletionItemKind::ENUM_MEMBER,
                CompletionKind::Key => lsp::CompletionItemKind::PROPERTY,
                CompletionKind::Name => lsp::CompletionItemKind::REFERENCE,
                CompletionKind::Snippet => lsp::CompletionItemKind::SNIPPET,
                CompletionKind::Value => lsp::CompletionItemKind::VALUE,
            }),
            detail: found.detail.clone(),
            documentation: found.documentation.clone().map(|value| {
                lsp::Documentation::MarkupContent(lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value })
            }),
            sort_text: Some(format!("{index:04}")),
            // Some clients compare with the whole word that is replaced, quotes included.
            filter_text: Some(match self.text.get(found.range.clone()) {
                Some(word) if word.starts_with('"') => format!("\"{}\"", found.label),
                _ => found.label.clone(),
            }),
            insert_text_format: Some(if is_snippet {
                lsp::InsertTextFormat::SNIPPET
            } else {
                lsp::InsertTextFormat::PLAIN_TEXT
            }),
            text_edit: Some(lsp::CompletionTextEdit::Edit(edit)),
            ..lsp::CompletionItem::default()
        }
    }

    pub(super) fn hover(&self, hover: Hover) -> lsp::Hover {
        let contents = lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value: hover.markdown };
        lsp::Hover { contents: lsp::HoverContents::Markup(contents), range: Some(self.range(&hover.range)) }
    }
}

/// A URI of the protocol's types.
pub(super) fn uri(text: &str) -> Option<lsp::Uri> {
    lsp::Uri::from_str(text).ok()
}
