//! Snapshot tests of all files in `tests/fixtures`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use runai_spec::{Applicability, Context, Diagnostic, Resolver, Source};

use runai_syntax::Format;

use crate::{line, lines};

/// Checks every file in a folder of fixtures. Snapshots of `valid` files contain the rendered body.
fn check_all(folder: &str, valid: bool) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    settings.set_snapshot_path(&root);
    let mut files: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (snapshots, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| path.extension().unwrap() == "snap");
    for path in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(path).unwrap();
        let source = Source { name, text: &text, format: Format::of_path(name) };
        let resolution = Resolver::new(source).resolve();
        let report = resolution.report();
        assert_eq!(report.ok, valid, "{name}:\n{}", lines(&report));
        let mut shown: String =
            report.diagnostics.iter().map(|found| line(found) + &fixes(found, name, &text)).collect();
        if let Some(step) = resolution.step() {
            shown += &serde_json::to_string_pretty(&step.render(&Context::default())).unwrap();
        }
        settings.bind(|| insta::assert_snapshot!(name, shown));
    }
    for snapshot in snapshots {
        let of = snapshot.file_stem().unwrap().to_str().unwrap();
        assert!(root.join(of).exists(), "{} has no fixture; delete it", snapshot.display());
    }
}

/// Formats the fixes of a diagnostic: one line per fix, and one per edit.
fn fixes(found: &Diagnostic, name: &str, text: &str) -> String {
    let mut shown = String::new();
    for fix in &found.fixes {
        let applicability = match fix.applicability {
            Applicability::Safe => "safe",
            Applicability::Unsafe => "unsafe",
            Applicability::DisplayOnly => "display-only",
        };
        writeln!(shown, "    {applicability} fix: {}", fix.title).unwrap();
        for edit in &fix.edits {
            assert_eq!(edit.path, name, "{}", fix.title);
            let removed = &text[edit.offset..edit.end_offset];
            writeln!(shown, "        [{}..{}] {removed:?} -> {:?}", edit.offset, edit.end_offset, edit.insert).unwrap();
        }
    }
    shown
}

#[test]
fn reports_invalid_fixtures() {
    check_all("invalid", false);
}

#[test]
fn renders_valid_fixtures() {
    check_all("valid", true);
}
