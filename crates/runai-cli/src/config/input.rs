//! Reads files as text.

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
    /// The text, or the report about invalid bytes and their lossy text.
    pub(crate) text: Result<String, (Report, String)>,
    /// Whether it is an operator file found in a parent folder, which may belong to someone else.
    pub(crate) found_upward: bool,
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
///
/// Returns a message that names the file, with a hint.
pub(crate) fn read(path: &Path) -> Result<Input, String> {
    let name = path.display().to_string();
    let standard_input = path == Path::new("-");
    let bytes = if standard_input { read_limited(io::stdin().lock()) } else { open(path) };
    let bytes = bytes.map_err(|error| read_error(&name, path, &error))?;
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

/// Reads one byte more than the limit, so that a larger text is detected without reading it all.
fn read_limited(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(runai_syntax::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_error(name: &str, path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::IsADirectory => {
            format!(
                "`{name}` is a directory\nhint: pass the files in it, such as `{}`",
                path.join("*.runai.yaml").display()
            )
        }
        io::ErrorKind::NotFound => format!("file `{name}` does not exist"),
        io::ErrorKind::PermissionDenied => format!("cannot read `{name}`: permission denied"),
        _ => format!("cannot read `{name}`: {error}"),
    }
}

/// Guesses the format of stdin, which has no file ending: a text that starts with a brace is JSON.
fn guess(text: &str) -> Format {
    if text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('{') {
        Format::Json
    } else {
        Format::Yaml
    }
}
