//! Why a text was not edited.

use std::fmt;

use crate::{Format, SyntaxError};

/// Why a text was not edited.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EditError {
    /// The value stands in an alias or comes from a merge key of YAML: a change there would change other places too.
    Aliased {
        /// JSON pointer of the value.
        path: String,
    },
    /// The pointer is none: it does not begin with `/`.
    InvalidPointer {
        /// The pointer.
        pointer: String,
    },
    /// There is no such place: an index beyond the end of a list, or a key where a list stands.
    NoPlace {
        /// JSON pointer of what is not there.
        path: String,
    },
    /// On the way there stands a value that is neither list nor map.
    NotAContainer {
        /// JSON pointer of that value.
        path: String,
    },
    /// The language has no word for the value, such as null in TOML.
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
    /// No edit was found that changes this value and nothing else; the way the text is written is too unusual.
    Unsafe {
        /// JSON pointer of the value.
        path: String,
    },
}

impl EditError {
    /// A stable word for it: `aliased`, `unreadable`, …
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Aliased { .. } => "aliased",
            Self::InvalidPointer { .. } => "invalid-pointer",
            Self::NoPlace { .. } => "no-place",
            Self::NotAContainer { .. } => "not-a-container",
            Self::NotInFormat { .. } => "not-in-format",
            Self::Unreadable { .. } => "unreadable",
            Self::Unsafe { .. } => "unsafe",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Aliased { .. } => "edit the text where the anchor stands, or write the value out here",
            Self::InvalidPointer { .. } => "write `/key` or `/list/0`",
            Self::NoPlace { .. } => "`-` in place of an index adds an item at the end of a list",
            Self::NotAContainer { .. } => "set or remove that value first",
            Self::NotInFormat { .. } => "leave the value out",
            Self::Unreadable { .. } => "mend the text first",
            Self::Unsafe { .. } => "edit the text by hand",
        }
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aliased { path } => {
                write!(f, "`{path}` is not written there: an alias or merge key brings it from another place")
            }
            Self::InvalidPointer { pointer } => write!(f, "`{pointer}` is no JSON pointer"),
            Self::NoPlace { path } => write!(f, "there is no place `{path}` in the text"),
            Self::NotAContainer { path } => write!(f, "`{path}` is neither a list nor a map"),
            Self::NotInFormat { format, path, what } => write!(f, "`{path}` is {what}, which {format} cannot say"),
            Self::Unreadable { error, line } => write!(f, "line {line}: {error}"),
            Self::Unsafe { path } => {
                write!(f, "`{path}` cannot be changed without changing something else: the text is written unusually")
            }
        }
    }
}

impl std::error::Error for EditError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            _ => None,
        }
    }
}
