//! Fixes: edits that solve what a rule reports.
//!
//! A rule builds a `FixPlan` from values. The edits of a text are computed when a report is made, and every result is
//! parsed again before it is given out.

mod edits;
pub(crate) mod values;

use std::borrow::Cow;

use runai_api::secrets::names_a_secret;
use runai_syntax::emit::yaml;
use runai_syntax::{Span, Tree, escape, unescape};
use serde::Serialize;

pub(crate) use edits::FixWriter;

/// An edit of one or more places that solves a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fix {
    /// What the fix does, in the imperative: ``Rename `gpu_portion` to `gpu_portion_request` ``.
    pub title: String,
    /// Whether the fix can be applied without a look at it.
    pub applicability: Applicability,
    /// In order, and apart from each other.
    pub edits: Vec<FixEdit>,
}

/// One edit of a fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FixEdit {
    /// Name of the edited text: usually the path of its file.
    pub path: String,
    /// First byte that goes away, from 0.
    pub offset: usize,
    /// Byte behind the last one that goes away, from 0.
    pub end_offset: usize,
    /// The text that takes the place.
    pub insert: String,
}

/// Whether a fix can be applied without a look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// The fix keeps the meaning of the text, or the text has no other possible meaning.
    Safe,
    /// The fix may change the meaning of the text.
    Unsafe,
    /// The fix contains a placeholder, or takes away what may be wanted: for people to choose, never for `check --fix`.
    DisplayOnly,
}

impl Applicability {
    /// Returns the word of reports: `safe`, `unsafe` or `display-only`.
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
    /// Whether `check --fix` applies it; with `--unsafe-fixes` if `include_unsafe`.
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

/// A change of a document. Changes of one plan follow each other.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Sets the value that a target names, which is missing.
    Insert(Target, Tree<'static>),
    /// Removes the value that a target names.
    Remove(Target),
    /// Removes the entry whose key is at `first`, because its key is at `again` once more.
    RemoveDuplicate { first: Span, again: Span },
    /// Writes another key at a place.
    Rename { span: Span, key: String },
    /// Writes another text at a place.
    Replace { span: Span, insert: String },
    /// Sets the value that a target names.
    Set(Target, Tree<'static>),
    /// Indents lines by spaces instead of tabs.
    Untab(Span),
}

/// A value in one of the texts.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// JSON pointer of the value.
    pub(crate) pointer: String,
    /// Pointer and place of the value, or of the nearest one around it that is written. A value that is elsewhere, because
    /// it was merged from another text, is not changed.
    pub(crate) anchor: (String, Span),
}

impl Target {
    /// A value that is written at `span`.
    pub(crate) fn at(pointer: impl Into<String>, span: Span) -> Self {
        let pointer = pointer.into();
        Self { anchor: (pointer.clone(), span), pointer }
    }

    /// A value that is missing in the map at `parent`.
    pub(crate) fn below(parent: (String, Span), key: &str) -> Self {
        Self { pointer: format!("{}/{}", parent.0, escape(key)), anchor: parent }
    }

    /// Whether `value`, written here, may be a secret or contain one.
    fn is_secret_with(&self, value: &Tree<'_>) -> bool {
        let (parent, key) = self.pointer.rsplit_once('/').unwrap_or_default();
        let has_secret = || value.entries().iter().any(|(name, _)| names_a_secret(name));
        key == "client_secret"
            || key == "environment" && has_secret()
            || parent.ends_with("/environment") && names_a_secret(key)
    }

    /// The key, or the list and the index.
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

/// Longest value in a title, in characters.
const MAX_SHOWN: usize = 60;

/// A value for a title.
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
        let title = title.into();
        let title = if title.contains(char::is_control) {
            title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
        } else {
            title
        };
        Self { title, applicability, changes }
    }

    /// Renames the key at `span`.
    pub(crate) fn rename_key(span: Span, old: &str, new: &str, applicability: Applicability) -> Self {
        let change = Change::Rename { span, key: new.to_owned() };
        Self::new(format!("Rename `{}` to `{new}`", clean(old)), applicability, vec![change])
    }

    /// Replaces a value that is written.
    pub(crate) fn replace_value(target: Target, value: impl Into<Tree<'static>>, applicability: Applicability) -> Self {
        let value = value.into();
        let title = match shown(&value) {
            Some(shown) => format!("Change `{}` to `{shown}`", clean(&target.name())),
            None => format!("Change `{}`", clean(&target.name())),
        };
        Self::new(title, applicability, vec![Change::Set(target, value)])
    }

    /// Adds a value that is not written.
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
        let title = format!("Remove the first `{}`", clean(key));
        Self::new(title, applicability, vec![Change::RemoveDuplicate { first, again }])
    }

    /// Replaces the tabs that lines begin with; one of them is at `span`.
    pub(crate) fn replace_tabs(span: Span) -> Self {
        Self::new("Replace tabs at the start of lines by spaces", Applicability::Safe, vec![Change::Untab(span)])
    }

    /// Writes a text that parses in place of one that does not.
    pub(crate) fn write(span: Span, text: &str) -> Self {
        let title = match text.trim() {
            "" => "Replace unusual characters by spaces".to_owned(),
            text => format!("Write `{}`", clean(text)),
        };
        Self::replace_text(span, text, title, Applicability::Safe)
    }

    /// Removes a value that is written.
    pub(crate) fn remove(target: Target, applicability: Applicability) -> Self {
        Self::new(format!("Remove `{}`", clean(&target.name())), applicability, vec![Change::Remove(target)])
    }

    /// Writes another text at a place.
    pub(crate) fn replace_text(
        span: Span,
        insert: impl Into<String>,
        title: impl Into<String>,
        applicability: Applicability,
    ) -> Self {
        Self::new(title, applicability, vec![Change::Replace { span, insert: insert.into() }])
    }
}

/// A key without characters that cannot be in a title.
fn clean(key: &str) -> Cow<'_, str> {
    if key.contains(|c: char| c == '`' || c.is_control()) {
        key.chars().filter(|c| *c != '`' && !c.is_control()).collect::<String>().into()
    } else {
        key.into()
    }
}
