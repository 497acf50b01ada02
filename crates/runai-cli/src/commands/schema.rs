//! `runai-step schema`

use crate::args::SchemaArgs;
use crate::exit::Exit;
use crate::output;

/// Prints a schema, identical to its file in `schemas/`.
pub(crate) fn schema(args: &SchemaArgs) -> Exit {
    // The argument parser accepts only known names.
    let text = runai_spec::schema::text(&args.name).unwrap_or_default();
    output::exit_of(&output::line(text.trim_end()))
}
