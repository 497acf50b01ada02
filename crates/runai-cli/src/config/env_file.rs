//! Parses files of environment variables like `docker run --env-file`: one `NAME=VALUE` per line, with literal values.

use std::path::Path;

use crate::failure::Failure;
use crate::output::secrets;

/// An invalid line. The error does not show the line, whose value may be a secret.
#[derive(Debug, PartialEq, Eq)]
struct LineError {
    /// Line number, from 1.
    line: usize,
    why: &'static str,
    help: &'static str,
}

/// Reads the variables of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|problem| Failure::usage(format!("cannot read `{shown}`: {problem}")))?;
    let variables = parse(&bytes, |name| std::env::var(name).ok())
        .map_err(|LineError { line, why, help }| Failure::usage(format!("`{shown}`, line {line}: {why}")).hint(help))?;
    for (_, value) in &variables {
        secrets::conceal(value);
    }
    Ok(variables)
}

/// Parses a file. A name without `=` gets its value from `inherited`, or is skipped. The last value of a name wins.
fn parse(bytes: &[u8], inherited: impl Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>, LineError> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut variables: Vec<(String, String)> = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let error = |why, help| Err(LineError { line: index + 1, why, help });
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(line) = str::from_utf8(line) else {
            return error("line is not UTF-8", "save the file as UTF-8");
        };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.contains('\0') {
            return error("NUL character in the line", "remove the NUL character");
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line, inherited(line)),
        };
        if name.is_empty() {
            return error("missing name before `=`", "write NAME=VALUE");
        }
        if name.contains([' ', '\t']) {
            return error("whitespace in the name", "write NAME=VALUE, without `export` and without spaces around `=`");
        }
        let Some(value) = value else { continue };
        match variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => variables.push((name.to_owned(), value)),
        }
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &[u8]) -> Vec<(String, String)> {
        parse(text, |name| (name == "SET").then(|| "here".to_owned())).unwrap()
    }

    #[test]
    fn values_are_literal() {
        for (line, value) in [
            ("A=pa$word", "pa$word"),
            ("A=ab$$cd", "ab$$cd"),
            ("A=${SCRATCH}/logs", "${SCRATCH}/logs"),
            ("A=$(date)", "$(date)"),
            ("A='quoted'", "'quoted'"),
            ("A=\"quoted\"", "\"quoted\""),
            ("A=a b  ", "a b  "),
            ("A= a", " a"),
            ("A=a # no comment", "a # no comment"),
            ("A=a\\nb", "a\\nb"),
            ("A=b=c", "b=c"),
            ("A=", ""),
            ("  A=x", "x"),
            ("A=x\r", "x"),
        ] {
            assert_eq!(pairs(line.as_bytes()), [("A".to_owned(), value.to_owned())], "{line}");
        }
    }

    #[test]
    fn parses_bom_comments_and_names() {
        let text = "\u{feff}# a comment\n\nSET\nUNSET\nA=1\n  # another\nA=2\n";
        assert_eq!(pairs(text.as_bytes()), [("SET".to_owned(), "here".to_owned()), ("A".to_owned(), "2".to_owned())]);
    }

    #[test]
    fn errors_have_line_numbers() {
        let line = |text: &[u8]| parse(text, |_| None).unwrap_err().line;
        assert_eq!(line(b"A=1\n\n=x\n"), 3);
        assert_eq!(line(b"# a\nexport A=1\n"), 2);
        assert_eq!(line(b"A =1\n"), 1);
        assert_eq!(line(b"A=1\nB=\xff\n"), 2);
        assert_eq!(line(b"A=1\nB=\0\n"), 2);
    }
}
