//! What is said about the key or value at the pointer.

use std::fmt::Write as _;
use std::ops::Range;

use runai_spec::explain::{Explanation, explain};
use runai_spec::{Kind, MemberSource, Origin};
use serde_json::Value as Json;

use crate::document::EditorDocument;
use crate::scan::Slot;
use crate::schema::{self, SchemaNode, SettingPath};
use crate::secrets;

/// A text about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// The key or value that it is about.
    pub range: Range<usize>,
    /// The text, in Markdown.
    pub markdown: String,
}

/// Longest value that is shown, in characters.
const LONGEST_VALUE: usize = 200;

impl EditorDocument {
    /// Returns what is known of the key or value at `offset`: documentation, type, default, the value in force with its
    /// origin, and the members of the request.
    #[must_use]
    pub fn hover(&self, offset: usize) -> Option<Hover> {
        let outline = self.outline(Some(offset));
        let place = outline.place.as_ref().filter(|place| place.slot != Slot::Text && !place.word.is_empty())?;
        let kind = self.kind(&outline);
        let node = schema::at(kind, &place.pointer)?;
        let mut markdown = String::new();
        let path = schema::setting(kind, &place.pointer);
        if place.slot == Slot::Value
            && let Some(meaning) = self.meaning_of_value(node, place.word.clone())
        {
            markdown.push_str(&meaning);
        }
        // An item is described where its list is, as far as it has no description of its own.
        let (named, pointer) = match node.text("markdownDescription") {
            Some(_) => (node, place.pointer.as_str()),
            None => (schema::at(kind, &place.parent)?, place.parent.as_str()),
        };
        let description = named.text("markdownDescription")?;
        let own_path = schema::setting(kind, pointer).map(|path| schema::explained_path(&path.pointer));
        let name = own_path.unwrap_or_else(|| schema::explained_path(pointer));
        let expected = match explain(&name) {
            Ok(Explanation::Setting { value, .. }) => format!(" — {value}"),
            _ => String::new(),
        };
        let _ = write!(markdown, "**`{name}`**{expected}\n\n{description}");
        if let Some(path) = path {
            self.write_in_force(&mut markdown, kind, &path, named);
        }
        Some(Hover { range: place.word.clone(), markdown })
    }

    /// The documentation of the allowed value at `word`.
    fn meaning_of_value(&self, node: SchemaNode, word: Range<usize>) -> Option<String> {
        let value = self.text().get(word)?.trim_matches(['"', '\'']);
        let (_, meaning) = node.choices().into_iter().find(|(choice, _)| *choice == value)?;
        Some(format!("`{value}`: {}\n\n---\n\n", meaning?))
    }

    /// The value in force, and what of the request it is.
    fn write_in_force(&self, markdown: &mut String, kind: Kind, path: &SettingPath, node: SchemaNode) {
        if let Some(inactive) = self.inactive(path) {
            let _ = write!(markdown, "\n\nNot sent: {inactive}.");
            return;
        }
        let Some(view) = self.step_view(path.step.as_deref()) else { return };
        let mut shown_source = None;
        for source in view.map.of_setting(&path.pointer) {
            // Parts of a value are named only where they come from elsewhere.
            if shown_source == Some(source.source) {
                continue;
            }
            let Some(value) = view.body.pointer(&source.member) else { continue };
            shown_source = shown_source.or(Some(source.source));
            let own = source.setting.as_deref().unwrap_or_default();
            let member = source.member.trim_start_matches('/').replace('/', ".");
            let _ = write!(markdown, "\n\nRequest: `{member}` = {}{}", shown(value, own), origin(source));
            if !view.is_current {
                markdown.push_str(" (of the last text without errors)");
            }
        }
        if shown_source.is_none() && kind != Kind::Operator && node.text("x-api").is_some() {
            markdown.push_str("\n\nRequest: not sent.");
        }
    }

    /// Why a setting has no effect, if it has none.
    pub(crate) fn inactive(&self, path: &SettingPath) -> Option<&str> {
        let of_step = self.document.inactive().iter().find(|found| found.step == path.step || path.step.is_none())?;
        let is_it =
            |own: &str| path.pointer.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        of_step.settings.iter().find(|inactive| is_it(&inactive.path)).map(|inactive| inactive.because.as_str())
    }
}

/// A value of a body in code, shortened and without secrets.
fn shown(value: &Json, pointer: &str) -> String {
    let text = match value {
        Json::String(text) => secrets::shown(pointer, text).into_owned(),
        scalar => scalar.to_string(),
    };
    let mut short: String = text.chars().take(LONGEST_VALUE).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{}`", short.replace('`', "'").replace('\n', " "))
}

/// Where a value comes from, in words that follow it.
fn origin(source: &MemberSource) -> String {
    let named = |text: &str| match &source.place {
        Some(place) => format!(", {text} `{}`", place.name),
        None => format!(", {text}"),
    };
    match source.source {
        Origin::Context => ", from the context".to_owned(),
        Origin::Default => ", the default".to_owned(),
        Origin::Operator => named("from the operator file"),
        Origin::Override => named("set by"),
        Origin::Variable => named("from the variable"),
        // Of the document itself, and what a later version adds.
        _ => String::new(),
    }
}
