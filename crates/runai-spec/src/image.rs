//! Checks image references by the grammar of the OCI distribution project.

/// Why an image reference is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InvalidImage {
    Blank,
    Digest,
    Host,
    Path,
    Placeholder,
    Scheme,
    Tag,
    TooLong,
    Uppercase,
}

impl InvalidImage {
    /// Returns the end of the message, and the help.
    pub(crate) const fn message_and_help(self) -> (&'static str, &'static str) {
        match self {
            Self::Blank => ("contains whitespace", "write the reference without spaces: `registry/name:tag`"),
            Self::Digest => ("has an invalid digest", "write `@sha256:` and 64 hexadecimal digits"),
            Self::Host => ("has an invalid host", "write `registry/name:tag`"),
            Self::Path => {
                ("has an invalid name", "write lowercase letters and digits, separated by `/`, `.`, `_` or `-`")
            }
            Self::Placeholder => ("contains a variable, which is not replaced", "write the value of the variable"),
            Self::Scheme => ("has a URL scheme", "start the reference with the host"),
            Self::Tag => ("has an invalid tag", "write up to 128 letters, digits, `_`, `.` and `-` after the `:`"),
            Self::TooLong => ("has a name of more than 255 characters", "shorten the name"),
            Self::Uppercase => ("has uppercase letters in its name", "write the name in lowercase"),
        }
    }
}

impl InvalidImage {
    /// Returns a valid reference that is similar to `image`.
    pub(crate) fn fixed(self, image: &str) -> Option<String> {
        let fixed = match self {
            Self::Blank => image.split_whitespace().collect(),
            Self::Scheme => image.split_once("://")?.1.to_owned(),
            Self::Uppercase => image.to_ascii_lowercase(),
            Self::Digest | Self::Host | Self::Path | Self::Placeholder | Self::Tag | Self::TooLong => return None,
        };
        check(&fixed).is_ok().then_some(fixed)
    }
}

/// Checks `[host[:port]/]path[:tag][@digest]`.
pub(crate) fn check(image: &str) -> Result<(), InvalidImage> {
    if image.contains("${") || image.contains("$(") || image.contains("{{") {
        return Err(InvalidImage::Placeholder);
    }
    if image.contains(char::is_whitespace) {
        return Err(InvalidImage::Blank);
    }
    if image.contains("://") {
        return Err(InvalidImage::Scheme);
    }
    let (image, digest) = match image.split_once('@') {
        Some((image, digest)) => (image, Some(digest)),
        None => (image, None),
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Err(InvalidImage::Digest);
    }
    // A colon after the last slash starts the tag; one before it starts the port.
    let last = image.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match image[last..].split_once(':') {
        Some((path, tag)) => (&image[..last + path.len()], Some(tag)),
        None => (image, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(InvalidImage::Tag);
    }
    if name.len() > 255 {
        return Err(InvalidImage::TooLong);
    }
    let path = match name.split_once('/') {
        Some((host, path)) if is_host_like(host) => {
            if !is_host(host) {
                return Err(InvalidImage::Host);
            }
            path
        }
        _ => name,
    };
    if path.split('/').all(is_component) {
        Ok(())
    } else if path.to_ascii_lowercase().split('/').all(is_component) {
        Err(InvalidImage::Uppercase)
    } else {
        Err(InvalidImage::Path)
    }
}

/// Whether the first part of a name is a registry's host.
fn is_host_like(part: &str) -> bool {
    part.contains(['.', ':']) || part == "localhost" || part.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ipv6, rest)) => {
            let is_ipv6 = !ipv6.is_empty() && ipv6.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
            return is_ipv6 && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        ends.iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `text` consists of groups of lowercase letters and digits, separated by `.`, `_`, `__` or dashes.
fn is_component(text: &str) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut separator = String::new();
    let mut after_letter = false;
    for c in text.chars() {
        if is_alphanumeric(c) {
            let is_separator =
                matches!(separator.as_str(), "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-');
            if !is_separator || !separator.is_empty() && !after_letter {
                return false;
            }
            separator.clear();
            after_letter = true;
        } else if matches!(c, '.' | '_' | '-') {
            separator.push(c);
        } else {
            return false;
        }
    }
    after_letter && separator.is_empty()
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let enough = match algorithm {
        "sha256" => hex.len() == 64,
        "sha512" => hex.len() == 128,
        _ => hex.len() >= 32,
    };
    algorithm.split(['+', '.', '-', '_']).all(is_part) && enough && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_references() {
        for image in [
            "python",
            "python:3.12",
            "a/b",
            "registry.example.com/ml/train:4",
            "registry.example.com:5000/ml/train",
            "NVCR.io/nvidia/pytorch:24.01-py3",
            "localhost:5000/a__b/c-d--e.f_g:v1_2",
            "[::1]:5000/a",
            "a/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "a/b:v1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(check(image), Ok(()), "{image}");
        }
        for (image, why) in [
            ("NVCR.io/nvidia/PyTorch:24.01-py3", InvalidImage::Uppercase),
            ("Python:3.12", InvalidImage::Uppercase),
            ("https://registry.example.com/a", InvalidImage::Scheme),
            ("docker://a/b", InvalidImage::Scheme),
            ("a b", InvalidImage::Blank),
            ("a/b:${TAG}", InvalidImage::Placeholder),
            ("a/b:", InvalidImage::Tag),
            ("a/b:-x", InvalidImage::Tag),
            ("a/b@sha256:12", InvalidImage::Digest),
            ("a//b", InvalidImage::Path),
            ("a/_b", InvalidImage::Path),
            ("a/b..c", InvalidImage::Path),
            ("-a.example.com/b", InvalidImage::Host),
            ("", InvalidImage::Path),
        ] {
            assert_eq!(check(image), Err(why), "{image}");
        }
    }
}
