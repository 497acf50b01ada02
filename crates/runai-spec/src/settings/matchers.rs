//! Hand-written matchers of the string types' patterns. A regular-expression engine would double the wasm module's size.

pub(super) fn without_line_break(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

pub(super) fn is_memory(text: &str) -> bool {
    let text = without_line_break(text);
    let number = text.strip_suffix('i').unwrap_or(text).strip_suffix(['K', 'M', 'G', 'T']);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    number.is_some_and(|number| match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(number),
    })
}

pub(super) fn is_quantity(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let exponent = unit.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    unit.len() < rest.len() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn is_object_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && !text.starts_with('-') && !text.ends_with('-') && text.bytes().all(inner)
}

/// Whether `text` consists of letters, digits, `-`, `_` and `.`, and starts and ends with a letter or digit.
pub(super) fn is_qualified_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

pub(super) fn is_label_key(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => prefix.split('.').all(is_object_name) && is_qualified_name(name),
        None => is_qualified_name(text),
    }
}

/// Whether ZenML accepts the URL: it starts with `http://` or `https://`, and has a host and no non-empty query or
/// fragment.
pub(super) fn is_base_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    // URL parsers remove these characters.
    let rest = &*rest.replace(['\t', '\n', '\r'], "");
    let rest = rest.strip_suffix('#').unwrap_or(rest);
    let rest = rest.strip_suffix('?').unwrap_or(rest);
    if rest.contains(['?', '#']) {
        return false;
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains(LOOKALIKE_DELIMITERS) {
        return false;
    }
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let name = match host.strip_prefix('[') {
        Some(address) => return address.split_once(']').is_some_and(|(address, _)| is_bracketed_address(address)),
        None => host.split(':').next().unwrap_or_default(),
    };
    !name.is_empty() && !host.contains(['[', ']'])
}

/// Characters that compatibility normalization (NFKC) converts to `/`, `?`, `#`, `@` or `:`, which could change the host.
const LOOKALIKE_DELIMITERS: [char; 19] = [
    '\u{2047}', '\u{2048}', '\u{2049}', '\u{2100}', '\u{2101}', '\u{2105}', '\u{2106}', '\u{2A74}', '\u{FE13}',
    '\u{FE16}', '\u{FE55}', '\u{FE56}', '\u{FE5F}', '\u{FE6B}', '\u{FF03}', '\u{FF0F}', '\u{FF1A}', '\u{FF1F}',
    '\u{FF20}',
];

/// Whether `address` is an IPv6 address, with or without a zone, or an `IPvFuture` address (RFC 3986, 3.2.2).
fn is_bracketed_address(address: &str) -> bool {
    if let Some((version, address)) = address.strip_prefix('v').and_then(|future| future.split_once('.')) {
        return !address.is_empty() && !version.is_empty() && version.bytes().all(|digit| digit.is_ascii_hexdigit());
    }
    let (address, zone) = address.split_once('%').map_or((address, None), |(address, zone)| (address, Some(zone)));
    zone.is_none_or(|zone| !zone.is_empty() && !zone.contains('%')) && address.parse::<std::net::Ipv6Addr>().is_ok()
}
