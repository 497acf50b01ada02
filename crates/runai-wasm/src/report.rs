//! Converts reports, fixes and edits to objects for JavaScript.
//!
//! Offsets are converted from UTF-8 bytes to UTF-16 code units, which browser editors count.

use runai_spec::permissions::Permissions;
use runai_spec::{Diagnostic, Fix, Kind, Related, Report};
use runai_syntax::{Edit, Tree, to_tree};

use crate::utf16;

/// Returns an object of the members that are not null.
pub(crate) fn object<'t, const N: usize>(members: [(&'static str, Tree<'t>); N]) -> Tree<'t> {
    let members = members.into_iter().filter(|(_, value)| !matches!(value, Tree::Null));
    Tree::Map(members.map(|(key, value)| (key.into(), value)).collect())
}

/// Returns a report with offsets in UTF-16 code units. Its member `operator` is the report of the operator file.
///
/// `texts` contains the name and text of each source that the report refers to. The reported document comes first.
pub(crate) fn utf16_report(
    texts: &[(&str, &str)],
    report: &Report,
    kind: Option<Kind>,
    operator: Option<Tree<'static>>,
) -> Tree<'static> {
    let (name, text) = texts.first().copied().unwrap_or_default();
    // `diagnostic` below consumes the converted offsets in the order in which this loop collects them.
    let mut offsets = Vec::new();
    for found in &report.diagnostics {
        offsets.extend([found.offset, found.end_offset]);
        offsets
            .extend(found.related.iter().filter(|other| other.path == name).flat_map(|it| [it.offset, it.end_offset]));
        let edits = found.fixes.iter().flat_map(|fix| &fix.edits);
        offsets.extend(edits.flat_map(|edit| [edit.offset, edit.end_offset]));
    }
    let mut places = utf16::places(text, &offsets).into_iter();
    let mut place = || count(places.next().unwrap_or_default());
    let diagnostic = |diagnostic: &Diagnostic| {
        let (start, end) = (place(), place());
        let related = diagnostic.related.iter().map(|other| {
            let (from, to) = if other.path == name { (place(), place()) } else { related_range(texts, other) };
            let (path, message) = (other.path.clone().into(), other.message.clone().into());
            object([("path", path), ("from", from), ("to", to), ("message", message)])
        });
        let related: Tree<'static> = related.collect();
        let fixes: Tree<'static> = diagnostic.fixes.iter().map(|fix| utf16_fix(fix, &mut place)).collect();
        let mut found = to_tree(diagnostic);
        if let Tree::Map(members) = &mut found {
            members.retain(|(key, _)| !matches!(&**key, "related" | "fixes"));
            members.extend([
                ("utf16_offset".into(), start),
                ("utf16_end_offset".into(), end),
                ("related".into(), related),
                ("fixes".into(), fixes),
            ]);
        }
        found
    };
    let diagnostics: Tree<'static> = report.diagnostics.iter().map(diagnostic).collect();
    object([
        ("ok", report.ok.into()),
        ("kind", kind.map(Kind::as_str).into()),
        ("diagnostics", diagnostics),
        ("operator", operator.unwrap_or(Tree::Null)),
    ])
}

/// Returns the range of a related place in another source, in UTF-16 code units.
fn related_range(texts: &[(&str, &str)], other: &Related) -> (Tree<'static>, Tree<'static>) {
    let text = texts.iter().find(|(name, _)| *name == other.path).map_or("", |(_, text)| text);
    let places = utf16::places(text, &[other.offset, other.end_offset]);
    (count(places[0]), count(places[1]))
}

/// Returns a fix. `place` returns the next offset in UTF-16 code units: start and end of each edit, in order.
pub(crate) fn utf16_fix(fix: &Fix, place: &mut impl FnMut() -> Tree<'static>) -> Tree<'static> {
    let edits = fix.edits.iter().map(|edit| {
        let (from, to) = (place(), place());
        object([("path", edit.path.clone().into()), ("from", from), ("to", to), ("insert", edit.insert.clone().into())])
    });
    let edits: Tree<'static> = edits.collect();
    let (title, applicability) = (fix.title.clone().into(), fix.applicability.as_str().into());
    object([("title", title), ("applicability", applicability), ("edits", edits)])
}

pub(crate) fn count(number: usize) -> Tree<'static> {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

/// Returns edits of `text` with offsets in UTF-16 code units.
pub(crate) fn utf16_edits(text: &str, edits: Vec<Edit>) -> Tree<'static> {
    let offsets: Vec<usize> = edits.iter().flat_map(|edit| [edit.from, edit.to]).collect();
    let places = utf16::places(text, &offsets);
    let edit = |(edit, at): (Edit, &[usize])| {
        object([("from", count(at[0])), ("to", count(at[1])), ("insert", edit.insert.into())])
    };
    edits.into_iter().zip(places.chunks(2)).map(edit).collect()
}

/// Returns the permissions that a service account needs, and the request for a role with them.
pub(crate) fn needs(permissions: &Permissions) -> Tree<'static> {
    let role = to_tree(&permissions.role_request("runai-step", |_| None));
    object([("permissions", to_tree(permissions)), ("sets", to_tree(&permissions.sets())), ("role", role)])
}
