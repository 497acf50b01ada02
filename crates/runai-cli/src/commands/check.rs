//! `runai-step check`

mod fix;

use std::path::Path;

use runai_spec::{Report, Resolver, Source};

pub(crate) use fix::applicable;

use crate::args::{CheckArgs, CheckFormat};
use crate::config::input::{self, Input};
use crate::exit::Exit;
use crate::output::human::Options;
use crate::output::{self, CheckedFile};

/// The results of all files.
#[derive(Default)]
struct CheckOutcome {
    checked: Vec<CheckedFile>,
    /// Number of applied fixes.
    fixed: usize,
}

/// Checks every file, applies fixes if requested, and prints diagnostics and a summary.
pub(crate) fn check(args: &CheckArgs) -> Exit {
    let config = match args.config.as_deref().map(input::read).transpose() {
        Ok(config) => config,
        Err(message) => return output::usage(&message),
    };
    let fixes_input = args.fix && !args.diff && args.files.iter().any(|path| path == Path::new("-"));
    if fixes_input && args.format != CheckFormat::Human {
        return output::usage("the fixed text of `-` and the report cannot both go to stdout\nhint: remove `--format`");
    }
    let mut outcome = CheckOutcome::default();
    let exits: Vec<_> = args.files.iter().map(|path| check_file(path, args, config.as_ref(), &mut outcome)).collect();
    let options = Options { marks_fixes: true, unsafe_fixes: args.unsafe_fixes };
    let checked = &outcome.checked;
    let printed = match args.format {
        _ if args.diff => Ok(()),
        CheckFormat::Human if fixes_input => output::human::eprint_with(checked, options),
        CheckFormat::Github => output::github::print(checked),
        CheckFormat::Human => output::human::print(checked, options),
        CheckFormat::Json => output::json(&Files { files: checked }),
        CheckFormat::Sarif => output::sarif::print(checked),
    };
    if printed.is_ok() && args.format == CheckFormat::Human && !checked.is_empty() {
        sum_up(args, &outcome);
    }
    Exit::first_failure(exits)
}

/// The output of `--format json`.
#[derive(serde::Serialize)]
struct Files<'c> {
    files: &'c [CheckedFile],
}

fn sum_up(args: &CheckArgs, CheckOutcome { checked, fixed }: &CheckOutcome) {
    let plural = output::human::plural;
    if args.diff {
        match fixed {
            0 => output::human::summary("no fixes to apply"),
            _ => output::human::summary(&format!("{} would be fixed", plural(*fixed, "problem"))),
        }
        return;
    }
    output::human::sum_up(checked);
    if *fixed > 0 {
        output::human::summary(&format!("{} fixed", plural(*fixed, "problem")));
    }
    let found = || checked.iter().flat_map(|checked| &checked.report.diagnostics);
    let count = |include_unsafe| found().filter(|found| applicable(found, include_unsafe).is_some()).count();
    let (fixable, hidden) = (count(args.unsafe_fixes), count(true) - count(args.unsafe_fixes));
    match (args.fix, fixable, hidden) {
        (false, 1.., 0) => output::human::summary(&format!("[*] {fixable} fixable with the `--fix` option")),
        (false, 1.., _) => output::human::summary(&format!(
            "[*] {fixable} fixable with the `--fix` option ({hidden} more with `--unsafe-fixes`)"
        )),
        (_, _, 1..) => {
            output::human::summary(&format!("{hidden} fixable with the `--fix` and `--unsafe-fixes` options"));
        }
        _ => {}
    }
}

fn check_file(path: &Path, args: &CheckArgs, config: Option<&Input>, outcome: &mut CheckOutcome) -> Exit {
    let input = match input::read(path) {
        Ok(input) => input,
        Err(message) => return output::usage(&message),
    };
    let (found, exit) = match &input.text {
        Ok(text) if args.fix || args.diff => {
            let fixed = fix::fix(&input, text, args, config);
            outcome.fixed += fixed.count;
            let exit = if args.diff { print_diff(&input, text, &fixed) } else { write_fixed(path, text, &fixed) };
            (fixed.found, exit)
        }
        _ => (resolve(&input, args, config), Exit::Success),
    };
    let is_ok = args.diff || found.iter().all(|found| found.report.ok);
    for found in found {
        // Reports a shared operator file once.
        if !outcome.checked.contains(&found) {
            outcome.checked.push(found);
        }
    }
    Exit::first_failure([exit, if is_ok { Exit::Success } else { Exit::Invalid }])
}

/// Writes a fixed file; the fixed text of stdin goes to stdout.
fn write_fixed(path: &Path, text: &str, fixed: &fix::Fixed) -> Exit {
    if path == Path::new("-") {
        return output::exit_of(&output::text(&fixed.text));
    }
    if fixed.text == text {
        return Exit::Success;
    }
    match fix::write(path, &fixed.text) {
        Ok(()) => Exit::Success,
        Err(message) => output::usage(&message),
    }
}

/// Prints the changes of the fixes as a diff, without secrets.
fn print_diff(input: &Input, text: &str, fixed: &fix::Fixed) -> Exit {
    if fixed.text == text {
        return Exit::Success;
    }
    let shown = |text: &str| Source { name: &input.name, text, format: input.format }.shown().into_owned();
    let diff = fix::unified_diff(&input.name, &shown(text), &shown(&fixed.text));
    match output::exit_of(&output::text(&diff)) {
        Exit::Success => Exit::Invalid,
        failure => failure,
    }
}

fn resolve(input: &Input, args: &CheckArgs, config: Option<&Input>) -> Vec<CheckedFile> {
    let text = match &input.text {
        Ok(text) => text,
        Err(error) => return vec![invalid_input(&input.name, error)],
    };
    let mut resolver = Resolver::new(Source { name: &input.name, text, format: input.format });
    if let Some(kind) = args.kind {
        resolver = resolver.kind(kind);
    }
    let mut found = Vec::new();
    match config.map(|config| (config, &config.text)) {
        Some((config, Ok(text))) => {
            resolver = resolver.operator(Source { name: &config.name, text, format: config.format });
        }
        Some((config, Err(error))) => found.push(invalid_input(&config.name, error)),
        None => {}
    }
    let resolution = resolver.resolve();
    found.splice(0..0, resolution.reports().into_iter().map(CheckedFile::from));
    found
}

fn invalid_input(name: &str, (report, shown): &(Report, String)) -> CheckedFile {
    CheckedFile { path: name.to_owned(), report: report.clone(), shown: shown.clone() }
}
