//! Converts texts between formats.

use std::fmt;

use crate::edit::{pointer_of, read};
use crate::emit::{json, toml, yaml};
use crate::{Format, Lines, SyntaxError, Tree};

/// The error of a conversion.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConvertError {
    /// The target format does not support a value, such as null in TOML.
    NotInFormat {
        /// The target format.
        format: Format,
        /// JSON pointer of the value.
        path: String,
        /// The value's description.
        what: &'static str,
    },
    /// The text does not parse.
    Unreadable {
        /// The syntax error.
        error: SyntaxError,
        /// The line of the error, from 1.
        line: usize,
    },
}

impl ConvertError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotInFormat { .. } => "not-in-format",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// Returns the help text.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::NotInFormat { .. } => "remove the value",
            Self::Unreadable { .. } => "fix the syntax error first",
        }
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInFormat { format, path, what } if path.is_empty() => {
                write!(f, "the document is {what}, which {format} does not support")
            }
            Self::NotInFormat { format, path, what } => {
                write!(f, "`{path}` is {what}, which {format} does not support")
            }
            Self::Unreadable { error, line } => write!(f, "line {line}: {error}"),
        }
    }
}

impl std::error::Error for ConvertError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            Self::NotInFormat { .. } => None,
        }
    }
}

/// Converts `text` to another format. Comments are lost, and aliases are expanded. Order is kept, except that TOML writes
/// tables last. Numbers keep their digits if both formats support the notation.
///
/// # Errors
///
/// The text does not parse, or the target format does not support one of its values.
///
/// ```
/// use runai_syntax::{Format, convert};
/// let text = "image: python:3.12\nsettings:\n  gpu_portion_request: 0.5\n";
/// let toml = convert(text, Format::Yaml, Format::Toml).unwrap();
/// assert_eq!(toml, "image = \"python:3.12\"\n\n[settings]\ngpu_portion_request = 0.5\n");
/// ```
pub fn convert(text: &str, from: Format, to: Format) -> Result<String, ConvertError> {
    let whole = text;
    let text = whole.strip_prefix('\u{feff}').unwrap_or(whole);
    let tree = read(text, from).map_err(|error| {
        let error = error.shifted_by(whole.len() - text.len());
        let (line, _) = Lines::new(whole).position(error.span.start as usize);
        ConvertError::Unreadable { error, line }
    })?;
    let unsupported = |path, what| Err(ConvertError::NotInFormat { format: to, path, what });
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    if let Some((path, unrepresentable)) = tree.unrepresentable(to) {
        return unsupported(pointer_of(&path), unrepresentable.what);
    }
    let emitted = match (to, &tree) {
        (Format::Json, _) => {
            json::value(&tree, &json::Style { newline: "\n", indent: "  ", spaced: true, short_lists: true }, "") + "\n"
        }
        (Format::Yaml, _) => {
            yaml::block(&tree, &yaml::Style { newline: "\n", step: 2, list_step: 2, blocks: true }, 0) + "\n"
        }
        (Format::Toml, Tree::Map(map)) => {
            let mut out = String::new();
            toml::table(map, &[], "\n", &mut out);
            out
        }
        (Format::Toml, _) => return unsupported(String::new(), "not a map"),
    };
    // The result is only returned if it parses to the same value.
    if read(&emitted, to).ok().is_some_and(|again| again == tree.as_read_in(to)) {
        Ok(emitted)
    } else {
        unsupported(String::new(), "a value")
    }
}
