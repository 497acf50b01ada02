//! Shell quoting and splitting of commands, which the API represents as strings.

use std::borrow::Cow;

/// Quotes `token` for a POSIX shell, with the same result as Python's `shlex.quote`.
///
/// ZenML quotes with `shlex`, and the body must equal ZenML's; no Rust crate returns the same bytes.
#[must_use]
pub fn shell_quote(token: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./-_".contains(&byte);
    if !token.is_empty() && token.bytes().all(plain) {
        return token.into();
    }
    format!("'{}'", token.replace('\'', r#"'"'"'"#)).into()
}

/// Quotes `tokens` and joins them with spaces.
#[must_use]
pub fn shell_join<T: AsRef<str>>(tokens: &[T]) -> String {
    let mut joined = String::new();
    for (index, token) in tokens.iter().enumerate() {
        joined.push_str(if index == 0 { "" } else { " " });
        joined.push_str(&shell_quote(token.as_ref()));
    }
    joined
}

/// Maximum number of tokens in the API's `command`; the others become `args`.
///
/// ZenML uses three, which keeps `python -m module` together.
const COMMAND_TOKENS: usize = 3;

/// Splits `tokens` into the API's `command` and `args`.
///
/// Of more than three tokens, the first three become the command and the rest the arguments. Up to three all become
/// the command.
#[must_use]
pub fn split<T: AsRef<str>>(tokens: &[T]) -> (String, Option<String>) {
    if tokens.len() > COMMAND_TOKENS {
        let (command, args) = tokens.split_at(COMMAND_TOKENS);
        (shell_join(command), Some(shell_join(args)))
    } else {
        (shell_join(tokens), None)
    }
}

/// Splits a command line into words as a POSIX shell does. Returns `None` if it needs a shell (`&&`, pipes,
/// redirections, variables, patterns) or has an unclosed quote.
#[must_use]
pub fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.trim().chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '$' | '`' => return None,
                        '\\' => match rest.next()? {
                            c @ ('"' | '\\' | '$' | '`') => word.push(c),
                            '\n' => {}
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => match rest.next()? {
                // Line continuation.
                '\n' => {}
                c => word.get_or_insert_default().push(c),
            },
            '\n' | '&' | '|' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '*' | '?' | '[' => return None,
            '~' | '#' | '{' | '!' if word.is_none() => return None,
            // `A=b program` sets a variable.
            '=' if words.is_empty() && word.as_deref().is_some_and(is_identifier) => return None,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!words.is_empty()).then_some(words)
}

fn is_identifier(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_words_like_a_shell() {
        for (line, split) in [
            ("python train.py", Some(vec!["python", "train.py"])),
            (
                "bash -c \"cd /w && python train.py --lr 1e-3\"",
                Some(vec!["bash", "-c", "cd /w && python train.py --lr 1e-3"]),
            ),
            ("a 'b c' d\\ e \"f \\\"g\\\"\"", Some(vec!["a", "b c", "d e", "f \"g\""])),
            ("a '' b", Some(vec!["a", "", "b"])),
            ("a=b", None),
            ("python --lr=1", Some(vec!["python", "--lr=1"])),
            ("cd /w && python", None),
            ("echo $HOME", None),
            ("echo '$HOME'", Some(vec!["echo", "$HOME"])),
            ("ls *.csv", None),
            ("a 'b", None),
            ("a\nb", None),
            ("", None),
        ] {
            let split: Option<Vec<String>> = split.map(|words| words.into_iter().map(str::to_owned).collect());
            assert_eq!(words(line), split, "{line}");
        }
    }

    #[test]
    fn quotes_as_python_does() {
        for (token, quoted) in [
            ("", "''"),
            ("train.py", "train.py"),
            ("a b", "'a b'"),
            ("it's", r#"'it'"'"'s'"#),
            ("$HOME", "'$HOME'"),
            ("a@b%c+d=e:f,g./h-i_j", "a@b%c+d=e:f,g./h-i_j"),
            ("ü", "'ü'"),
            ("~", "'~'"),
        ] {
            assert_eq!(shell_quote(token), quoted, "{token:?}");
        }
    }

    #[test]
    fn splits_after_third_token() {
        assert_eq!(split(&["python", "-m", "train"]), ("python -m train".into(), None));
        assert_eq!(split(&["a", "b", "c", "d", "e f"]), ("a b c".into(), Some("d 'e f'".into())));
        assert_eq!(split::<&str>(&[]), (String::new(), None));
    }
}
