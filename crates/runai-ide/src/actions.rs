//! What can be done about a place: fixes of rules, and changes that keep the request valid.

use std::collections::BTreeSet;
use std::ops::Range;

use runai_spec::{Applicability, Document, Fix, Kind, Source};
use runai_syntax::{Edit, SourceId, Tree, edit_to, in_steps, parse, unescape};

use crate::document::{EditorDocument, TextEdit};
use crate::scan::{Entry, Outline, join, parent};
use crate::{schema, secrets};

/// Something that can be done about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Action {
    /// What it does, in the imperative.
    pub title: String,
    /// What it is.
    pub kind: ActionKind,
    /// Code of the rule that it is about.
    pub code: Option<&'static str>,
    /// Whether it is the fix to choose without a look.
    pub is_preferred: bool,
    /// In order, and apart from each other within each text. None for an explanation.
    pub edits: Vec<TextEdit>,
}

/// What an action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Shows the explanation of the rule.
    Explain,
    /// Solves a problem.
    Fix,
    /// Writes the same or another request in another way.
    Refactor,
}

/// `text` after edits that are in order.
pub(crate) fn applied(text: &str, edits: &[TextEdit]) -> String {
    let mut changed = text.to_owned();
    for edit in edits.iter().rev() {
        if text.get(edit.range.clone()).is_some() {
            changed.replace_range(edit.range.clone(), &edit.insert);
        }
    }
    changed
}

/// A change of a value: its pointer, and the new value or none.
type Change<'c> = (String, Option<Tree<'c>>);

impl EditorDocument {
    /// Returns what can be done about the text in `range`.
    #[must_use]
    pub fn code_actions(&self, range: &Range<usize>) -> Vec<Action> {
        let mut actions = self.fixes(range);
        let outline = self.outline(None);
        let kind = self.kind(&outline);
        if let Some(entry) = innermost(&outline, range.start) {
            actions.extend(self.set_default(kind, entry));
            actions.extend(self.to_memory_request(kind, entry, &outline));
            actions.extend(self.to_operator_file(kind, entry, &outline));
        }
        actions
    }

    fn fixes(&self, range: &Range<usize>) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut explained = BTreeSet::new();
        let is_here = |own: &Range<usize>| own.start <= range.end && range.start <= own.end;
        for found in self.diagnostics().into_iter().filter(|found| is_here(&found.range)) {
            for (index, fix) in found.fixes.iter().enumerate() {
                let is_preferred = index == 0 && fix.applicability == Applicability::Safe;
                let (title, code) = (fix.title.clone(), Some(found.code));
                actions.push(Action { title, kind: ActionKind::Fix, code, is_preferred, edits: edits_of(fix) });
            }
            if runai_spec::rules::by_code(found.code).is_some() && explained.insert(found.code) {
                actions.push(Action {
                    title: format!("Explain `{}`", found.code),
                    kind: ActionKind::Explain,
                    code: Some(found.code),
                    is_preferred: false,
                    edits: Vec::new(),
                });
            }
        }
        // What is done comes before what is said.
        actions.sort_by_key(|action| action.kind == ActionKind::Explain);
        actions
    }

    fn set_default(&self, kind: Kind, entry: &Entry) -> Option<Action> {
        let default = schema::at(kind, &entry.pointer)?.default()?;
        let text = default.to_string();
        let tree = Tree::from_json(&text).ok().filter(Tree::is_scalar)?;
        let key = key_of(&entry.pointer);
        let title = format!("Set `{key}` to its default `{}`", default.as_str().unwrap_or(&text));
        self.refactoring(title, &[(entry.pointer.clone(), Some(tree))])
    }

    /// From a fraction of a GPU to an amount of its memory. Nobody here knows how much memory a device has, so the amount is
    /// the example of the setting.
    fn to_memory_request(&self, kind: Kind, entry: &Entry, outline: &Outline) -> Option<Action> {
        let (map, key) = entry.pointer.rsplit_once('/')?;
        let is_settings = schema::at(kind, &join(map, MEMORY)).is_some();
        if !is_settings || !["gpu_portion_request", "gpu_portion_limit", TYPE].contains(&key) {
            return None;
        }
        let has = |key: &str| outline.entries.iter().any(|entry| entry.pointer == join(map, key));
        if !has("gpu_portion_request") && !has("gpu_portion_limit") {
            return None;
        }
        let example = schema::at(kind, &join(map, MEMORY))?.examples().first()?.as_str()?;
        let mut changes: Vec<Change<'_>> = vec![(join(map, TYPE), Some(Tree::from("memory")))];
        if !has(MEMORY) {
            changes.push((join(map, MEMORY), Some(Tree::from(example))));
        }
        let portions = ["gpu_portion_request", "gpu_portion_limit"].into_iter().filter(|key| has(key));
        changes.extend(portions.map(|key| (join(map, key), None)));
        self.refactoring(format!("Convert to a memory request (`{MEMORY}: {example}`)"), &changes)
    }

    /// Moves a setting to the operator file, where it is the default of all steps.
    fn to_operator_file(&self, kind: Kind, entry: &Entry, outline: &Outline) -> Option<Action> {
        let operator = self.document.operator().filter(|_| kind != Kind::Operator)?;
        // The setting itself, wherever inside of it the cursor is.
        let mut pointer = entry.pointer.as_str();
        let setting = loop {
            let path = schema::setting(kind, pointer)?;
            if path.pointer.rfind('/') == Some(0) && schema::at(Kind::Settings, &path.pointer).is_some() {
                break path.pointer;
            }
            pointer = parent(pointer);
        };
        if kind == Kind::Step && !pointer.starts_with("/settings/") || self.has_secret(pointer, outline) {
            return None;
        }
        let root = parse(self.text(), self.format(), SourceId(0)).ok()?;
        let value = Tree::from(root.find(pointer)?);
        let known = parse(operator.text, operator.format, SourceId(0)).ok();
        if matches!(value, Tree::Null) || known.is_some_and(|known| known.find(&setting).is_some()) {
            return None;
        }
        let own = edit_to(self.text(), self.format(), pointer, None).ok()?;
        let theirs = edit_to(operator.text, operator.format, &setting, Some(&value)).ok()?;
        let mut edits = text_edits(self.name(), own);
        edits.extend(text_edits(operator.name, theirs));
        let key = key_of(pointer);
        let action = Action {
            title: format!("Move `{key}` to the operator file"),
            kind: ActionKind::Refactor,
            code: None,
            is_preferred: false,
            edits,
        };
        self.adds_no_problem(&action).then_some(action)
    }

    /// Whether a part of a value may be a secret.
    fn has_secret(&self, pointer: &str, outline: &Outline) -> bool {
        let is_part = |entry: &&Entry| entry.pointer.starts_with(pointer);
        outline
            .entries
            .iter()
            .filter(is_part)
            .any(|entry| secrets::is_secret(&entry.pointer, self.text().get(entry.value.clone()).unwrap_or_default()))
    }

    /// Changes of values as an action, if they change the text and make no new problem.
    fn refactoring(&self, title: String, changes: &[Change<'_>]) -> Option<Action> {
        let format = self.format();
        let edits = in_steps(self.text(), changes, |text, (pointer, value)| {
            edit_to(text, format, pointer, value.as_ref()).ok()
        })?;
        let edits = text_edits(self.name(), edits);
        let action = Action { title, kind: ActionKind::Refactor, code: None, is_preferred: false, edits };
        (!action.edits.is_empty() && self.adds_no_problem(&action)).then_some(action)
    }

    /// Whether the texts after an action have no problem that they did not have before.
    fn adds_no_problem(&self, action: &Action) -> bool {
        let source = self.document.source();
        let own: Vec<_> = action.edits.iter().filter(|edit| edit.name == source.name).cloned().collect();
        let text = applied(source.text, &own);
        let operator_text = self.document.operator().map(|operator| {
            let theirs: Vec<_> = action.edits.iter().filter(|edit| edit.name == operator.name).cloned().collect();
            applied(operator.text, &theirs)
        });
        let operator = self.document.operator();
        let operator = operator.zip(operator_text.as_deref()).map(|(operator, text)| Source { text, ..operator });
        let after = Document::new(Source { text: &text, ..source }).with_operator(operator);
        problems(&after).is_subset(&problems(&self.document))
    }
}

/// What is wrong with a document, and with its operator file.
fn problems(document: &Document) -> BTreeSet<(bool, &'static str, String)> {
    let own = document.report().diagnostics.iter().map(|found| (true, found));
    let operator = document.operator_report().into_iter().flat_map(|report| &report.diagnostics);
    own.chain(operator.map(|found| (false, found))).map(|(own, found)| (own, found.code, found.path.clone())).collect()
}

const MEMORY: &str = "gpu_memory_request";
const TYPE: &str = "gpu_request_type";

fn key_of(pointer: &str) -> String {
    unescape(pointer.rsplit('/').next().unwrap_or_default()).into_owned()
}

/// The entry whose key or value is at `offset`.
fn innermost(outline: &Outline, offset: usize) -> Option<&Entry> {
    let contains = |range: &Range<usize>| range.start <= offset && offset <= range.end;
    outline.entries.iter().rfind(|entry| {
        contains(&entry.key) && !entry.key.is_empty() || contains(&entry.value) && !entry.value.is_empty()
    })
}

fn edits_of(fix: &Fix) -> Vec<TextEdit> {
    let edit = |edit: &runai_spec::FixEdit| TextEdit {
        name: edit.path.clone(),
        range: edit.offset..edit.end_offset,
        insert: edit.insert.clone(),
    };
    fix.edits.iter().map(edit).collect()
}

fn text_edits(name: &str, edits: Vec<Edit>) -> Vec<TextEdit> {
    let edit = |Edit { from, to, insert }| TextEdit { name: name.to_owned(), range: from..to, insert };
    edits.into_iter().map(edit).collect()
}
