//! Errors of edits.

use std::fmt;

use crate::{Format, SyntaxError};

/// The error of an edit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EditError {
    /// The value comes from a YAML alias or merge key, so an edit would change other values, too.
    Aliased {
        /// JSON pointer of the value.
        path: String,
    },
    /// The pointer does not start with `/`.
    InvalidPointer {
        /// The pointer.
        pointer: String,
    },
    /// The path does not exist: an index is out of range, or a key refers to a list.
    NoPlace {
        /// The JSON pointer.
        path: String,
    },
    /// The path leads through a value that is neither list nor map.
    NotAContainer {
        /// The JSON pointer of that value.
        path: String,
    },
    /// The format does not support the value, such as null in TOML.
    NotInFormat {
        /// The format.
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
    /// No edit changes only this value.
    Unsafe {
        /// JSON pointer of the value.
        path: String,
    },
}

impl EditError {
    /// Returns the stable code: `aliased`, `unreadable`, …
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

    /// Returns the help text.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Aliased { .. } => "edit the value at the anchor, or replace the alias by the value",
            Self::InvalidPointer { .. } => "write `/key` or `/list/0`",
            Self::NoPlace { .. } => "write `-` instead of an index to append an item to a list",
            Self::NotAContainer { .. } => "set or remove that value first",
            Self::NotInFormat { .. } => "remove the value",
            Self::Unreadable { .. } => "fix the syntax error first",
            Self::Unsafe { .. } => "edit the text manually",
        }
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aliased { path } => {
                write!(f, "`{path}` comes from an alias or merge key")
            }
            Self::InvalidPointer { pointer } => write!(f, "invalid JSON pointer `{pointer}`"),
            Self::NoPlace { path } => write!(f, "`{path}` does not exist in the document"),
            Self::NotAContainer { path } => write!(f, "`{path}` is neither a list nor a map"),
            Self::NotInFormat { format, path, what } => {
                write!(f, "`{path}` is {what}, which {format} does not support")
            }
            Self::Unreadable { error, line } => write!(f, "line {line}: {error}"),
            Self::Unsafe { path } => {
                write!(f, "`{path}` cannot be changed without changing other values")
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
