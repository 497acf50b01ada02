//! A text in another language.

use std::fmt;

use crate::edit::{pointer_of, read};
use crate::emit::{json, toml, yaml};
use crate::{Format, Lines, SyntaxError, Tree};

/// Why a text was not converted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConvertError {
    /// The other language has no word for a value, such as null in TOML.
    NotInFormat {
        /// The language.
        format: Format,
        /// JSON pointer of the value.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// The text does not parse.
    Unreadable {
        /// Why not; the span is a place in the text.
        error: SyntaxError,
        /// The line of the error, from 1.
        line: usize,
    },
}

impl ConvertError {
    /// A stable word for it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotInFormat { .. } => "not-in-format",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::NotInFormat { .. } => "leave the value out",
            Self::Unreadable { .. } => "mend the text first",
        }
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInFormat { format, path, what } if path.is_empty() => {
                write!(f, "the document is {what}, which {format} cannot say")
            }
            Self::NotInFormat { format, path, what } => write!(f, "`{path}` is {what}, which {format} cannot say"),
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

/// `text` in another language: the same values, in the same order as far as the language has one. Comments are lost, and
/// aliases are written out. A number keeps its digits where both languages know them.
///
/// # Errors
///
/// The text does not parse, or the other language has no word for one of its values.
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
        let error = error.behind(whole.len() - text.len());
        let (line, _) = Lines::new(whole).position(error.span.start as usize);
        ConvertError::Unreadable { error, line }
    })?;
    let refuse = |path, what| Err(ConvertError::NotInFormat { format: to, path, what });
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    if let Some((path, unrepresentable)) = tree.unrepresentable(to) {
        return refuse(pointer_of(&path), unrepresentable.what);
    }
    let printed = match (to, &tree) {
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
        (Format::Toml, _) => return refuse(String::new(), "no map"),
    };
    // Nothing is given out that says something else.
    if read(&printed, to).ok().is_some_and(|again| again == tree.as_read_in(to)) {
        Ok(printed)
    } else {
        refuse(String::new(), "too unusual a text")
    }
}
