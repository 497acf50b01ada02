//! `check --fix`: applies the fixes of a file until none is left.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use runai_spec::{Diagnostic, Fix, FixEdit};
use similar::TextDiff;
use uuid::Uuid;

use super::{CheckArgs, resolve};
use crate::config::input::Input;
use crate::output::CheckedFile;

/// Maximum number of rounds: a fix may uncover another fixable problem.
const MAX_ROUNDS: usize = 32;
/// Rules that report syntax errors.
const SYNTAX_RULES: [&str; 2] = ["duplicate-key", "syntax"];

/// A fixed file.
pub(super) struct Fixed {
    pub(super) text: String,
    /// Number of applied fixes.
    pub(super) count: usize,
    /// Remaining diagnostics, of the file and of the operator file.
    pub(super) found: Vec<CheckedFile>,
}

/// Applies the fixes of a text until none is left.
pub(super) fn fix(input: &Input, text: &str, args: &CheckArgs, config: Option<&Input>) -> Fixed {
    let check = |text: &str| resolve(&Input { text: Ok(text.to_owned()), ..input.clone() }, args, config);
    let mut result = Fixed { text: text.to_owned(), count: 0, found: check(text) };
    let mut seen = HashSet::from([text.to_owned()]);
    for _ in 0..MAX_ROUNDS {
        let Some(diagnostics) = own(&result.found, &input.name) else { break };
        let fixes = chosen(diagnostics, &input.name, args.unsafe_fixes);
        let parsed = parses(diagnostics);
        // Two correct fixes may conflict, for example if they rename two keys to the same name.
        let tries = [fixes.as_slice(), fixes.get(..1).unwrap_or_default()];
        let next = tries.into_iter().filter(|fixes| !fixes.is_empty()).find_map(|fixes| {
            let next = apply(&result.text, fixes)?;
            let found = check(&next);
            let still_parses = own(&found, &input.name).is_some_and(parses);
            (still_parses || !parsed).then_some((next, found, fixes.len()))
        });
        let Some((text, found, count)) = next.filter(|(text, ..)| seen.insert(text.clone())) else { break };
        result = Fixed { text, count: result.count + count, found };
    }
    result
}

fn own<'c>(found: &'c [CheckedFile], name: &str) -> Option<&'c [Diagnostic]> {
    found.iter().find(|found| found.path == name).map(|found| found.report.diagnostics.as_slice())
}

fn parses(diagnostics: &[Diagnostic]) -> bool {
    !diagnostics.iter().any(|found| SYNTAX_RULES.contains(&found.code))
}

/// Returns the first applicable fix of each problem, without fixes whose edits touch.
fn chosen<'d>(diagnostics: &'d [Diagnostic], name: &str, include_unsafe: bool) -> Vec<&'d Fix> {
    let mut taken: Vec<&FixEdit> = Vec::new();
    let mut chosen = Vec::new();
    for found in diagnostics {
        let Some(fix) = applicable(found, include_unsafe) else { continue };
        let touches = |one: &FixEdit, two: &FixEdit| one.offset <= two.end_offset && two.offset <= one.end_offset;
        let is_apart =
            fix.edits.iter().all(|edit| edit.path == name && !taken.iter().any(|taken| touches(taken, edit)));
        if is_apart {
            taken.extend(&fix.edits);
            chosen.push(fix);
        }
    }
    chosen
}

/// Returns the fix that `--fix` applies to a problem.
pub(crate) fn applicable(found: &Diagnostic, include_unsafe: bool) -> Option<&Fix> {
    let safest = found.fixes.iter().find(|fix| fix.applies(false));
    safest.or_else(|| found.fixes.iter().find(|fix| fix.applies(include_unsafe)))
}

fn apply(text: &str, fixes: &[&Fix]) -> Option<String> {
    let mut edits: Vec<_> = fixes.iter().flat_map(|fix| &fix.edits).collect();
    edits.sort_by_key(|edit| edit.offset);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        out += text.get(at..edit.offset)?;
        out += &edit.insert;
        at = edit.end_offset;
    }
    out += text.get(at..)?;
    Some(out)
}

/// Returns a unified diff of two texts.
pub(super) fn unified_diff(name: &str, before: &str, after: &str) -> String {
    TextDiff::from_lines(before, after).unified_diff().header(name, name).to_string()
}

/// Replaces a file atomically. Keeps its permissions, and follows symbolic links.
///
/// # Errors
///
/// Returns a message that names the file.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    let write_error = |error: io::Error| format!("`{}` cannot be written: {error}", path.display());
    let file = path.canonicalize().map_err(write_error)?;
    let metadata = fs::metadata(&file).map_err(write_error)?;
    if !metadata.is_file() {
        return Err(format!("`{}` cannot be written: it is not a regular file", path.display()));
    }
    if metadata.permissions().readonly() {
        return Err(format!("`{}` cannot be written: it is read-only", path.display()));
    }
    let part = temporary_path(&file);
    let written = write_new(&part, text, metadata.permissions()).and_then(|()| fs::rename(&part, &file));
    written.map_err(|error| {
        let _ = fs::remove_file(&part);
        write_error(error)
    })
}

fn temporary_path(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.{}.tmp", Uuid::new_v4().simple()))
}

fn write_new(part: &Path, text: &str, permissions: fs::Permissions) -> io::Result<()> {
    let mut file = fs::File::create_new(part)?;
    file.set_permissions(permissions)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
