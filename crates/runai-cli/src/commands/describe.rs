//! `runai-step completions` and `runai-step man`.

use std::fs;
use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::args::{Args, CompletionsArgs, ManArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Prints shell completions.
pub(crate) fn completions(args: &CompletionsArgs) -> Exit {
    // `generate` panics if the reader closes the pipe, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "runai-step", &mut script);
    output::exit_of(&io::stdout().write_all(&script))
}

/// Prints the main page, or writes the pages of all commands.
pub(crate) fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let command = Args::command();
    let Some(folder) = &args.folder else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page).map_err(|problem| Failure::usage(problem.to_string()))?;
        return Ok(output::exit_of(&io::stdout().write_all(&page)));
    };
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    written.map_err(|problem| Failure::usage(format!("cannot write to `{}`: {problem}", folder.display())))?;
    output::status(&format!("wrote manual pages to {}", folder.display()));
    Ok(Exit::Success)
}
