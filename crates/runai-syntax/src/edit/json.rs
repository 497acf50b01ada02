//! Edits of JSON.

use super::layout::{Layout, Lost, Shape, find, of_json};
use super::plan::{Change, Step};
use super::{Edit, flow, lines};
use crate::emit::json;
use crate::{Format, SourceId, parse};

impl Step<'_> {
    pub(super) fn json(&self, text: &str) -> Result<Vec<Edit>, Lost> {
        let newline = lines::line_break(text);
        let Ok(node) = parse(text, Format::Json, SourceId(0)) else {
            let Change::Replace(value) = &self.change else { return Err(Lost::Missing) };
            let style = json::Style { newline, indent: "  ", spaced: true, short_lists: true };
            let word = text.trim();
            let at = if word.is_empty() { text.len() } else { text.find(word).unwrap_or(0) };
            let line_break = if word.is_empty() { newline } else { "" };
            let value = json::value(value, &style, "");
            return Ok(vec![Edit::new(at, at + word.len(), value + line_break)]);
        };
        let root = of_json(&node);
        let indent = json_indent(text, &root);
        let spaced = root.items().first().is_none_or(|item| text[..item.value.start].ends_with(' '));
        let style = json::Style { newline, indent: &indent, spaced, short_lists: true };
        Ok(match &self.change {
            Change::Replace(value) => {
                let layout = find(&root, &self.path)?.layout;
                let value = json::value(value, &style, lines::indent(text, layout.start));
                vec![Edit::new(layout.start, layout.end, value)]
            }
            Change::InsertKey(key, value) => {
                let layout = find(&root, &self.path)?.layout;
                let before = json_inner(text, layout, &style);
                let pair = json::pair(key, value, &style, &before);
                json_insert(text, layout, layout.items().len(), &pair, &style)
            }
            Change::InsertItem(index, value) => {
                let layout = find(&root, &self.path)?.layout;
                let before = json_inner(text, layout, &style);
                json_insert(text, layout, *index, &json::value(value, &style, &before), &style)
            }
            Change::Remove => {
                let (parent, index) = self.parent(&root)?;
                flow::remove(text, parent.layout, index)
            }
        })
    }
}

/// Returns the indentation of one level, or an empty string if the text is on one line.
fn json_indent(text: &str, root: &Layout) -> String {
    let Shape::Flow { items, .. } = &root.shape else { return "  ".to_owned() };
    match items.first() {
        None if text.trim().len() <= 2 => "  ".to_owned(),
        Some(first) if text[root.start..first.start].contains('\n') => {
            let (inner, outer) = (lines::indent(text, first.start), lines::indent(text, root.start));
            let own = inner.strip_prefix(outer).unwrap_or(inner);
            if own.is_empty() { "  ".to_owned() } else { own.to_owned() }
        }
        _ => String::new(),
    }
}

/// Returns the indentation of a new entry or item.
fn json_inner(text: &str, layout: &Layout, style: &json::Style<'_>) -> String {
    match layout.items().first() {
        Some(first) => lines::indent(text, first.start).to_owned(),
        None => format!("{}{}", lines::indent(text, layout.start), style.indent),
    }
}

fn json_insert(text: &str, layout: &Layout, index: usize, part: &str, style: &json::Style<'_>) -> Vec<Edit> {
    if layout.items().is_empty() && part.starts_with(['{', '"']) && part.contains(':') && !style.indent.is_empty() {
        let outer = lines::indent(text, layout.start);
        let newline = style.newline;
        let lines = format!("{newline}{outer}{}{part}{newline}{outer}", style.indent);
        return vec![Edit::new(layout.start + 1, layout.end - 1, lines)];
    }
    flow::insert(text, layout, index, part)
}
