//! Fixes: edits that solve a diagnostic.
//!
//! A rule builds a `FixPlan` from values. The edits are computed when a report is made, and a fix is only reported if the
//! edited source parses.

mod edits;
pub(crate) mod values;

use std::borrow::Cow;

use runai_api::secrets::names_a_secret;
use runai_syntax::emit::yaml;
use runai_syntax::{Span, Tree, escape, one_line, unescape};
use serde::Serialize;

use crate::redact::is_secret_key;
pub(crate) use edits::FixWriter;

/// Edits that solve a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fix {
    /// What the fix does, in the imperative: ``Rename `gpu_portion` to `gpu_portion_request` ``.
    pub title: String,
    /// Whether the fix can be applied without review.
    pub applicability: Applicability,
    /// Edits in ascending order, which do not overlap.
    pub edits: Vec<FixEdit>,
}

/// One edit of a fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FixEdit {
    /// The name of the edited source, usually a file's path.
    pub path: String,
    /// The first replaced byte, from 0.
    pub offset: usize,
    /// The end of the replaced bytes, from 0, exclusive.
    pub end_offset: usize,
    /// The replacement.
    pub insert: String,
}

/// Whether a fix can be applied without review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// The fix keeps the meaning, or no other meaning is possible.
    Safe,
    /// The fix may change the meaning.
    Unsafe,
    /// The fix contains a placeholder, or removes something that may be intended. It is never applied automatically.
    DisplayOnly,
}

impl Applicability {
    /// Returns the name in reports: `safe`, `unsafe` or `display-only`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DisplayOnly => "display-only",
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
        }
    }
}

impl Fix {
    /// Whether the fix may be applied automatically: if it is safe, or unsafe and `include_unsafe` is set.
    #[must_use]
    pub fn applies(&self, include_unsafe: bool) -> bool {
        match self.applicability {
            Applicability::Safe => true,
            Applicability::Unsafe => include_unsafe,
            Applicability::DisplayOnly => false,
        }
    }
}

/// A fix whose edits are not computed yet.
#[derive(Clone, Debug)]
pub(crate) struct FixPlan {
    pub(crate) title: String,
    pub(crate) applicability: Applicability,
    pub(crate) changes: Vec<Change>,
}

/// A change of a document. The changes of a plan are applied in order.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Adds a missing value.
    Insert(Target, Tree<'static>),
    /// Removes a value.
    Remove(Target),
    /// Removes the entry whose key is at `first`, because the key is repeated at `again`.
    RemoveDuplicate { first: Span, again: Span },
    /// Replaces a key.
    Rename { span: Span, key: String },
    /// Replaces the text at `span`.
    Replace { span: Span, insert: String },
    /// Sets a value.
    Set(Target, Tree<'static>),
    /// Replaces tabs in the indentation by spaces.
    Untab(Span),
}

/// A value in one of the sources.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// JSON pointer of the value.
    pub(crate) pointer: String,
    /// Pointer and span of the value, or of its nearest parent that is set. A value that was merged from another source is
    /// not changed.
    pub(crate) anchor: (String, Span),
}

impl Target {
    /// A value that is set at `span`.
    pub(crate) fn at(pointer: impl Into<String>, span: Span) -> Self {
        let pointer = pointer.into();
        Self { anchor: (pointer.clone(), span), pointer }
    }

    /// A value that the map at `parent` lacks.
    pub(crate) fn below(parent: (String, Span), key: &str) -> Self {
        Self { pointer: format!("{}/{}", parent.0, escape(key)), anchor: parent }
    }

    /// Whether `value`, set at this target, may be or contain a secret.
    fn is_secret_with(&self, value: &Tree<'_>) -> bool {
        let (parent, key) = self.pointer.rsplit_once('/').unwrap_or_default();
        let has_secret = || value.entries().iter().any(|(name, _)| names_a_secret(name));
        is_secret_key(key, parent.ends_with("/environment")) || key == "environment" && has_secret()
    }

    /// Returns the key, or the list with the index.
    fn name(&self) -> String {
        let (parent, key) = self.pointer.rsplit_once('/').unwrap_or_default();
        let list = unescape(parent.rsplit('/').next().unwrap_or_default());
        match key {
            "-" => list.into_owned(),
            _ if !list.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) => format!("{list}[{key}]"),
            _ => unescape(key).into_owned(),
        }
    }
}

/// The maximum length of a value in a title, in characters.
const MAX_SHOWN: usize = 60;

/// Returns a value for a title, unless it is too long.
fn shown(value: &Tree<'_>) -> Option<String> {
    let text = match value {
        Tree::Map(map) if map.len() == 1 => match &map[0].1 {
            Tree::Map(_) | Tree::List(_) => return None,
            value => format!("{}: {}", map[0].0, yaml::flow(value)),
        },
        value => yaml::flow(value),
    };
    (text.chars().count() <= MAX_SHOWN && !text.contains(['`', '\n'])).then_some(text)
}

impl FixPlan {
    pub(crate) fn new(title: impl Into<String>, applicability: Applicability, changes: Vec<Change>) -> Self {
        Self { title: one_line(title.into()), applicability, changes }
    }

    /// Renames the key at `span`.
    pub(crate) fn rename_key(span: Span, old: &str, new: &str, applicability: Applicability) -> Self {
        let change = Change::Rename { span, key: new.to_owned() };
        Self::new(format!("Rename `{}` to `{new}`", without_backticks(old)), applicability, vec![change])
    }

    /// Replaces a value.
    pub(crate) fn replace_value(target: Target, value: impl Into<Tree<'static>>, applicability: Applicability) -> Self {
        let value = value.into();
        let title = match shown(&value) {
            Some(shown) => format!("Change `{}` to `{shown}`", without_backticks(&target.name())),
            None => format!("Change `{}`", without_backticks(&target.name())),
        };
        Self::new(title, applicability, vec![Change::Set(target, value)])
    }

    /// Adds a missing value.
    pub(crate) fn add_setting(target: Target, value: impl Into<Tree<'static>>, applicability: Applicability) -> Self {
        let value = value.into();
        let name = target.name();
        let title = match shown(&value) {
            Some(shown) if target.pointer.ends_with("/-") => format!("Add `{shown}` to `{name}`"),
            Some(shown) if matches!(value, Tree::Map(_)) => format!("Add `{name}: {{{shown}}}`"),
            Some(shown) => format!("Add `{name}: {shown}`"),
            None => format!("Add `{name}`"),
        };
        Self::new(title, applicability, vec![Change::Set(target, value)])
    }

    /// Removes the first of two entries with one key.
    pub(crate) fn remove_duplicate(key: &str, first: Span, again: Span, applicability: Applicability) -> Self {
        let title = format!("Remove the first `{}`", without_backticks(key));
        Self::new(title, applicability, vec![Change::RemoveDuplicate { first, again }])
    }

    /// Replaces tabs in the indentation of all lines. One of the tabs is at `span`.
    pub(crate) fn replace_tabs(span: Span) -> Self {
        Self::new("Replace tabs in the indentation by spaces", Applicability::Safe, vec![Change::Untab(span)])
    }

    /// Replaces a text that causes a syntax error.
    pub(crate) fn write(span: Span, text: &str) -> Self {
        let title = match text.trim() {
            "" => "Replace unusual characters by spaces".to_owned(),
            text => format!("Write `{}`", without_backticks(text)),
        };
        Self::replace_text(span, text, title, Applicability::Safe)
    }

    /// Removes a value.
    pub(crate) fn remove(target: Target, applicability: Applicability) -> Self {
        Self::new(
            format!("Remove `{}`", without_backticks(&target.name())),
            applicability,
            vec![Change::Remove(target)],
        )
    }

    /// Replaces the text at `span`.
    pub(crate) fn replace_text(
        span: Span,
        insert: impl Into<String>,
        title: impl Into<String>,
        applicability: Applicability,
    ) -> Self {
        Self::new(title, applicability, vec![Change::Replace { span, insert: insert.into() }])
    }
}

/// Returns the text without backticks, which would end the code span of a title.
fn without_backticks(text: &str) -> Cow<'_, str> {
    if text.contains('`') { text.replace('`', "").into() } else { text.into() }
}
