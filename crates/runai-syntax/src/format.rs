//! The formats.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The format of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON (RFC 8259).
    Json,
    /// TOML 1.1.
    Toml,
    /// YAML 1.2 with the core schema, and merge keys.
    Yaml,
}

impl Format {
    /// Returns the format by the extension of a path: `.json`, `.toml`, otherwise YAML.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        match path.rsplit_once('.') {
            Some((_, ending)) if ending.eq_ignore_ascii_case("json") => Self::Json,
            Some((_, ending)) if ending.eq_ignore_ascii_case("toml") => Self::Toml,
            _ => Self::Yaml,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Toml => "TOML",
            Self::Yaml => "YAML",
        })
    }
}
