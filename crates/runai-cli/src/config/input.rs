//! Files as texts.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use runai_spec::{Report, decode};

use runai_syntax::Format;

/// A file that was read.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// The path as it was given; `<stdin>` for standard input.
    pub(crate) name: String,
    pub(crate) format: Format,
    /// The text, or why the bytes are none and how they look.
    pub(crate) text: Result<String, (Report, String)>,
    /// Whether it is an operator file that was found upward from the working directory, and may be someone else's.
    pub(crate) found_upward: bool,
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
///
/// A sentence about the file, and what to do.
pub(crate) fn read(path: &Path) -> Result<Input, String> {
    let name = path.display().to_string();
    let standard_input = path == Path::new("-");
    let bytes = if standard_input { read_limited(io::stdin().lock()) } else { open(path) };
    let bytes = bytes.map_err(|error| refuse(&name, path, &error))?;
    let text = match decode(&bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(report) => Err((report, String::from_utf8_lossy(&bytes).into_owned())),
    };
    let format = if standard_input { guess(text.as_deref().unwrap_or_default()) } else { Format::of_path(&name) };
    let name = if standard_input { "<stdin>".to_owned() } else { name };
    Ok(Input { name, format, text, found_upward: false })
}

fn open(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    read_limited(file)
}

/// A little more than is looked at, so that a text which is too large shows as such without being read whole.
fn read_limited(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(runai_syntax::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn refuse(name: &str, path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::IsADirectory => {
            format!(
                "`{name}` is a directory\nhint: name the files in it, such as `{}`",
                path.join("*.runai.yaml").display()
            )
        }
        io::ErrorKind::NotFound => format!("`{name}` does not exist"),
        io::ErrorKind::PermissionDenied => format!("`{name}` cannot be read: permission denied"),
        _ => format!("`{name}` cannot be read: {error}"),
    }
}

/// Standard input has no ending to go by; a text in braces is JSON.
fn guess(text: &str) -> Format {
    if text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('{') {
        Format::Json
    } else {
        Format::Yaml
    }
}
