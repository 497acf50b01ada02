//! Validates names of workloads and Kubernetes objects, and keys and values of labels.

/// Whether `name` is a workload name: a DNS label that starts with a letter and has at most `longest` characters.
pub(crate) fn is_workload_name(name: &str, longest: usize) -> bool {
    is_object_name(name) && name.len() <= longest && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Whether `name` matches the API's pattern for names of Kubernetes objects: `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`.
/// The length is not limited.
pub(crate) fn is_object_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.chars().all(|c| plain(c) || c == '-') && name.starts_with(plain) && name.ends_with(plain)
}

/// Whether `key` is a Kubernetes label key (`name` or `prefix/name`) with at most 63 characters.
///
/// The limit is the API's; Kubernetes alone allows longer prefixes.
pub(super) fn is_label_key(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let domain = |prefix: &str| prefix.split('.').all(is_object_name);
    key.len() <= 63 && !name.is_empty() && is_label_value(name) && prefix.is_none_or(domain)
}

/// Whether `value` is a Kubernetes label value: empty, or 1 to 63 letters, digits, `-`, `_` and `.`, starting and
/// ending with a letter or digit.
pub(super) fn is_label_value(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric();
    let inside = value.chars().all(|c| plain(c) || "-_.".contains(c));
    value.is_empty() || (value.len() <= 63 && inside && value.starts_with(plain) && value.ends_with(plain))
}

/// Maximum length of a workload name, in characters.
pub(crate) const NAME_LENGTH: usize = 63;

/// Length of the suffix that completes a name prefix, in characters: a dash and five random characters.
pub(crate) const SUFFIX_LENGTH: usize = 6;
