//! `runai-step check`

use std::path::Path;

use runai_spec::{Report, Resolver, Source};

use crate::args::{CheckArgs, CheckFormat};
use crate::exit::Exit;
use crate::input::{self, Input};
use crate::output::{self, Checked};

/// Checks every file, prints what was found, and sums it up.
pub(crate) fn check(args: &CheckArgs) -> Exit {
    let config = match args.config.as_deref().map(input::read).transpose() {
        Ok(config) => config,
        Err(message) => return output::usage(&message),
    };
    let mut checked = Vec::new();
    let exits: Vec<_> = args.files.iter().map(|path| check_file(path, args, config.as_ref(), &mut checked)).collect();
    let printed = match args.format {
        CheckFormat::Github => output::github::print(&checked),
        CheckFormat::Human => output::human::print(&checked),
        CheckFormat::Json => output::json(&Files { files: &checked }),
        CheckFormat::Sarif => output::sarif::print(&checked),
    };
    if printed.is_ok() && args.format == CheckFormat::Human && !checked.is_empty() {
        output::human::sum_up(&checked);
    }
    Exit::first_failure(exits)
}

/// What `--format json` prints.
#[derive(serde::Serialize)]
struct Files<'c> {
    files: &'c [Checked],
}

fn check_file(path: &Path, args: &CheckArgs, config: Option<&Input>, checked: &mut Vec<Checked>) -> Exit {
    let input = match input::read(path) {
        Ok(input) => input,
        Err(message) => return output::usage(&message),
    };
    let found = resolve(&input, args, config);
    let exit = if found.iter().all(|found| found.report.ok) { Exit::Success } else { Exit::Invalid };
    for found in found {
        // An operator file that several files are checked with is reported once.
        if !checked.contains(&found) {
            checked.push(found);
        }
    }
    exit
}

fn resolve(input: &Input, args: &CheckArgs, config: Option<&Input>) -> Vec<Checked> {
    let text = match &input.text {
        Ok(text) => text,
        Err(broken) => return vec![broken_input(&input.name, broken)],
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
        Some((config, Err(broken))) => found.push(broken_input(&config.name, broken)),
        None => {}
    }
    let resolution = resolver.resolve();
    found.splice(0..0, resolution.reports().into_iter().map(Checked::from));
    found
}

fn broken_input(name: &str, (report, shown): &(Report, String)) -> Checked {
    Checked { path: name.to_owned(), report: report.clone(), shown: shown.clone() }
}
