//! Computes the edits of fix plans.

use std::cell::{Cell, OnceCell};

use runai_syntax::emit::{self, quoted};
use runai_syntax::{Edit, Format, Node, SourceId, Span, Tree, Value, apply, edit_parsed, edit_to, escape, in_steps};

use super::{Change, Fix, FixEdit, FixPlan, Target};
use crate::resolve::Source;
use crate::rules::text::{DUPLICATE_KEY, SYNTAX};
use crate::syntax::parse;

/// The maximum number of bytes to parse for the fixes of one report. Later diagnostics have no fixes, which bounds the time
/// for large texts with many problems.
const MAX_PARSED: usize = 1024 * 1024;
/// The maximum number of duplicate keys in a text for which they are fixed.
const MAX_DUPLICATES: usize = 8;

/// Computes the edits of plans for one source.
pub(crate) struct FixWriter<'s, 't> {
    source: &'s Source<'t>,
    id: SourceId,
    /// The parsed source, with spans and as a value.
    parsed_text: OnceCell<Option<(Node<'t>, Tree<'t>)>>,
    parsed: Cell<usize>,
}

impl<'s, 't> FixWriter<'s, 't> {
    pub(crate) const fn new(source: &'s Source<'t>, id: SourceId) -> Self {
        Self { source, id, parsed_text: OnceCell::new(), parsed: Cell::new(0) }
    }

    /// Returns the fix, or `None` if the edits cannot be computed.
    pub(crate) fn fix(&self, plan: &FixPlan) -> Option<Fix> {
        // An edit that writes a secret would expose it in the report.
        let writes_secret = |change: &Change| match change {
            Change::Insert(target, value) | Change::Set(target, value) => target.is_secret_with(value),
            _ => false,
        };
        if plan.changes.iter().any(writes_secret) {
            return None;
        }
        let edits = match plan.changes.as_slice() {
            [change] => self.edits(self.source.text, change, true)?,
            changes => in_steps(self.source.text, changes.iter().enumerate(), |text, (index, change)| {
                self.edits(text, change, index == 0)
            })?,
        };
        // `edit_parsed` has already compared the result with the new value. A removal may leave an empty text.
        let is_verified = matches!(plan.changes.as_slice(), [Change::Set(..) | Change::Insert(..)]);
        if edits.is_empty() || !is_verified && !self.parses(&edits) {
            return None;
        }
        let edit = |Edit { from, to, insert }| FixEdit {
            path: self.source.name.to_owned(),
            offset: from,
            end_offset: to,
            insert,
        };
        Some(Fix {
            title: plan.title.clone(),
            applicability: plan.applicability,
            edits: edits.into_iter().map(edit).collect(),
        })
    }

    /// Returns the edits of `text` for one change. Only the `first` change may use spans, which refer to the original text.
    fn edits(&self, text: &str, change: &Change, first: bool) -> Option<Vec<Edit>> {
        let format = self.source.format;
        match change {
            Change::Remove(target) => self.value_edits(text, target, None, first),
            Change::Set(target, value) => self.value_edits(text, target, Some(value), first),
            Change::Insert(target, value) => {
                let is_taken = if first {
                    self.parsed_text()?.0.find(&target.pointer).is_some()
                } else {
                    self.spend(text.len())?;
                    parse(text, format, self.id).ok()?.find(&target.pointer).is_some()
                };
                (!is_taken).then(|| self.edit_value(text, target, Some(value), first))?
            }
            Change::Rename { span, key } => {
                let (from, to) = self.range(*span)?;
                Some(vec![Edit { from, to, insert: emit::key(key, format) }])
            }
            Change::Replace { span, insert } => {
                let (from, to) = self.range(*span)?;
                Some(vec![Edit { from, to, insert: insert.clone() }])
            }
            Change::RemoveDuplicate { first, again } => self.without_duplicate(text, *first, *again),
            Change::Untab(span) => {
                let (tab, _) = self.range(*span)?;
                self.untabbed(text, tab)
            }
        }
    }

    /// Sets or removes a value, if its anchor is still at the plan's span.
    fn value_edits(&self, text: &str, target: &Target, value: Option<&Tree<'_>>, first: bool) -> Option<Vec<Edit>> {
        let (pointer, span) = &target.anchor;
        if first && self.parsed_text()?.0.find(pointer)?.span != *span {
            return None;
        }
        self.edit_value(text, target, value, first)
    }

    fn edit_value(&self, text: &str, target: &Target, value: Option<&Tree<'_>>, first: bool) -> Option<Vec<Edit>> {
        self.spend(4 * text.len())?;
        if first {
            edit_parsed(text, self.source.format, &self.parsed_text()?.1, &target.pointer, value).ok()
        } else {
            edit_to(text, self.source.format, &target.pointer, value).ok()
        }
    }

    /// Parses the original text once for all fixes.
    fn parsed_text(&self) -> Option<&(Node<'t>, Tree<'t>)> {
        let parsed = self.parsed_text.get_or_init(|| {
            self.spend(self.source.text.len())?;
            let root = parse(self.source.text, self.source.format, self.id).ok()?;
            let value = Tree::from(&root);
            Some((root, value))
        });
        parsed.as_ref()
    }

    fn range(&self, span: Span) -> Option<(usize, usize)> {
        let (from, to) = (span.start as usize, span.end as usize);
        (span.source == self.id && self.source.text.get(from..to).is_some()).then_some((from, to))
    }

    /// Counts parsed bytes. Returns `None` above [`MAX_PARSED`].
    fn spend(&self, bytes: usize) -> Option<()> {
        self.parsed.set(self.parsed.get().saturating_add(bytes));
        (self.parsed.get() <= MAX_PARSED).then_some(())
    }

    /// Whether the edited text parses, or its first syntax error is later than before.
    fn parses(&self, edits: &[Edit]) -> bool {
        let text = apply(self.source.text, edits);
        if self.spend(text.len()).is_none() {
            return false;
        }
        let Err(after) = parse(&text, self.source.format, self.id) else { return true };
        if after.rule != &SYNTAX && after.rule != &DUPLICATE_KEY {
            return false;
        }
        let last = edits.iter().map(|edit| edit.from + edit.insert.len()).max().unwrap_or_default();
        parse(self.source.text, self.source.format, self.id)
            .is_err_and(|before| before.span.start < after.span.start && last <= after.span.start as usize)
    }

    /// Removes the first entry of a duplicate key. The later duplicates are temporarily renamed, so that the text parses.
    fn without_duplicate(&self, text: &str, first: Span, again: Span) -> Option<Vec<Edit>> {
        let (from, to) = self.range(again)?;
        let format = self.source.format;
        let mut renamed = text.to_owned();
        let (mut from, mut to) = (from, to);
        for count in 0..MAX_DUPLICATES {
            let name = format!("duplicate-{count}-{}", text.len());
            let name = if format == Format::Json { quoted(&name) } else { name };
            renamed.replace_range(from..to, &name);
            self.spend(2 * renamed.len())?;
            match parse(&renamed, format, self.id) {
                Ok(root) => {
                    let pointer = pointer_of_key(&root, first)?;
                    let edits = edit_to(&renamed, format, &pointer, None).ok()?;
                    return edits.iter().all(|edit| edit.to <= again.start as usize).then_some(edits);
                }
                Err(error) if error.rule == &DUPLICATE_KEY => {
                    (from, to) = (error.span.start as usize, error.span.end as usize);
                    renamed.get(from..to)?;
                }
                Err(_) => return None,
            }
        }
        None
    }

    /// Replaces tabs in the indentation by 2, 4 or 8 spaces, whichever parses. A tab after spaces may belong to a block
    /// scalar, so it is only replaced at `tab`.
    fn untabbed(&self, text: &str, tab: usize) -> Option<Vec<Edit>> {
        let lines = text.split_inclusive('\n').scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line))
        });
        let indents: Vec<_> = lines
            .filter_map(|(start, line)| {
                let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
                let is_indent = indent.starts_with('\t') || (start..start + indent.len()).contains(&tab);
                (is_indent && !line.trim().is_empty()).then_some((start, indent))
            })
            .collect();
        [2, 4, 8].into_iter().find_map(|width| {
            let edit = |(start, indent): &(usize, &str)| Edit {
                from: *start,
                to: start + indent.len(),
                insert: indent.replace('\t', &" ".repeat(width)),
            };
            let edits: Vec<_> = indents.iter().map(edit).collect();
            self.parses(&edits).then_some(edits)
        })
    }
}

/// Returns the JSON pointer of the entry whose key is at `key`.
fn pointer_of_key(node: &Node<'_>, key: Span) -> Option<String> {
    match &node.value {
        Value::Map(map) => map.0.iter().find_map(|entry| {
            let below = if entry.key_span == key { Some(String::new()) } else { pointer_of_key(&entry.value, key) };
            below.map(|below| format!("/{}{below}", escape(&entry.key)))
        }),
        Value::List(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| pointer_of_key(item, key).map(|below| format!("/{index}{below}"))),
        _ => None,
    }
}
