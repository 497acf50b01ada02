//! String types with a format: memory, quantities, paths, names, URLs.
//!
//! Each type has a pattern for JSON Schemas and a hand-written matcher for the core. A test compares the two.
//!
//! Some patterns end in `\n?$`, because `$` in ZenML's patterns also matches before a final line break. A rule warns about
//! the line break.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;
use runai_syntax::{Node, Tree};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::fields::{Mismatches, Setting, ToTree};
use super::matchers::{
    is_base_url, is_label_key, is_memory, is_object_name, is_qualified_name, is_quantity, without_line_break,
};

/// The error of parsing a string with an invalid format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidText {
    text: String,
    expected: &'static str,
}

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not {}", self.text, self.expected)
    }
}

impl std::error::Error for InvalidText {}

/// A string type for the validator: its name (`x-text` in the schema), matcher and messages.
#[derive(Debug)]
pub(crate) struct TextType {
    pub(crate) name: &'static str,
    #[cfg(test)]
    pub(crate) pattern: &'static str,
    pub(crate) matches: fn(&str) -> bool,
    /// Completes "`value` is not …".
    pub(crate) expected: &'static str,
    /// The general help text.
    pub(crate) help: &'static str,
    pub(crate) example: &'static str,
    /// Code of the rule that reports invalid strings.
    pub(crate) rule: &'static str,
}

/// Declares string types, and their table [`TEXT_TYPES`].
macro_rules! text_types {
    ($(
        $(#[doc = $doc:literal])+
        $type:ident {
            name: $name:literal,
            pattern: $pattern:literal,
            matches: $matches:expr,
            expected: $expected:literal,
            help: $help:literal,
            example: $example:literal,
            rule: $rule:literal,
        }
    )+) => {
        pub(crate) static TEXT_TYPES: &[TextType] = &[$(
            TextType {
                name: $name,
                #[cfg(test)]
                pattern: $pattern,
                matches: $matches,
                expected: $expected,
                help: $help,
                example: $example,
                rule: $rule,
            },
        )+];

        $(
            $(#[doc = $doc])+
            #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
            #[serde(transparent)]
            pub struct $type(String);

            impl $type {
                /// Returns the string as it is in the source.
                #[must_use]
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl Setting for $type {
                fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
                    Self(Setting::read(node, mismatches))
                }

                fn default_value() -> Self {
                    Self(String::new())
                }
            }

            impl ToTree for $type {
                fn tree(&self) -> Tree<'_> {
                    self.0.tree()
                }
            }

            impl FromStr for $type {
                type Err = InvalidText;

                fn from_str(text: &str) -> Result<Self, InvalidText> {
                    let matches: fn(&str) -> bool = $matches;
                    if matches(text) {
                        Ok(Self(text.to_owned()))
                    } else {
                        Err(InvalidText { text: text.to_owned(), expected: $expected })
                    }
                }
            }

            impl fmt::Display for $type {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }

            impl<'de> Deserialize<'de> for $type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
                }
            }

            impl JsonSchema for $type {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($type).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({"type": "string", "pattern": $pattern, "x-text": $name})
                }
            }
        )+
    };
}

text_types! {
    /// An absolute path, which starts with `/`.
    AbsolutePath {
        name: "absolute-path",
        pattern: r"^/",
        matches: |text| text.starts_with('/'),
        expected: "an absolute path",
        help: "write a path that starts with `/`",
        example: "/mnt/data",
        rule: "relative-path",
    }

    /// Key of a new claim's annotation: 1 to 63 letters, digits, `-`, `_` and `.`, starting and ending with a letter or
    /// digit.
    AttributeKey {
        name: "attribute-key",
        pattern: r"^(?=[\s\S]{1,63}$)([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\n?$",
        matches: |text| text.len() <= 63 && is_qualified_name(without_line_break(text)),
        expected: "a valid annotation key",
        help: "write up to 63 letters, digits, `-`, `_` and `.`, starting and ending with a letter or digit",
        example: "dnsname",
        rule: "invalid-name",
    }

    /// URL of a control plane: `http://` or `https://` and a host, without query or fragment.
    BaseUrl {
        name: "base-url",
        pattern: r"^https?://(?![/?#])[^?#]+\??#?$",
        matches: is_base_url,
        expected: "the URL of a control plane",
        help: "write only a scheme and a host, such as `https://my-org.run.ai`",
        example: "https://my-org.run.ai",
        rule: "invalid-url",
    }

    /// File permissions: four octal digits that start with `0`.
    FileMode {
        name: "file-mode",
        pattern: r"^0[0-7]{3}$",
        matches: |text| {
            text.len() == 4 && text.starts_with('0') && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit))
        },
        expected: "four octal digits that start with `0`",
        help: "write a quoted mode, such as `\"0644\"` or `\"0400\"`",
        example: "0644",
        rule: "invalid-mode",
    }

    /// An amount of memory: a number with `K`, `M`, `G`, `T` (powers of 1000), `Ki`, `Mi`, `Gi` or `Ti` (powers of 1024).
    Memory {
        name: "memory",
        pattern: r"^[0-9]+(\.[0-9]+)?[KMGT]i?\n?$",
        matches: is_memory,
        expected: "an amount of memory",
        help: "write a number followed by `K`, `M`, `G`, `T`, `Ki`, `Mi`, `Gi` or `Ti`, such as `4G` or `8Gi`",
        example: "8Gi",
        rule: "invalid-quantity",
    }

    /// Name of a Kubernetes object: lowercase letters, digits and dashes, not starting or ending with a dash.
    ObjectName {
        name: "object-name",
        pattern: r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?\n?$",
        matches: |text| is_object_name(without_line_break(text)),
        expected: "the name of a Kubernetes object",
        help: "write lowercase letters, digits and dashes, starting and ending with a letter or digit",
        example: "my-object",
        rule: "invalid-name",
    }

    /// Name of a Kubernetes object, or an empty string.
    OptionalObjectName {
        name: "optional-object-name",
        pattern: r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\n?)?$",
        matches: |text| text.is_empty() || is_object_name(without_line_break(text)),
        expected: "the name of a Kubernetes object",
        help: "write lowercase letters, digits and dashes, starting and ending with a letter or digit",
        example: "my-object",
        rule: "invalid-name",
    }

    /// A Kubernetes quantity: `1`, `50Gi`, `1e3`.
    Quantity {
        name: "quantity",
        pattern: r"^[+]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*\n?$",
        matches: |text| is_quantity(without_line_break(text)),
        expected: "a quantity",
        help: "write a number with an optional unit, such as `1` or `50Gi`",
        example: "50Gi",
        rule: "invalid-quantity",
    }
}

impl Default for Memory {
    /// 4 GB, the default of `cpu_memory_request`.
    fn default() -> Self {
        Self("4G".to_owned())
    }
}

impl BaseUrl {
    /// Returns the URL without trailing slashes, so that paths can be appended.
    #[must_use]
    pub fn trimmed(&self) -> &str {
        self.0.trim_end_matches('/')
    }
}

/// A string that is never logged, shown or serialized, and is wiped from memory on drop.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Secret(SecretString);

impl Secret {
    /// Returns the secret, to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "x-secret": true})
    }
}

/// The maximum length of a label or annotation key with its prefix, and of a label value, in characters.
///
/// Kubernetes limits the part after the prefix to 63; the official SDK limits the whole key.
pub(crate) const MAX_LABEL_LENGTH: usize = 63;

/// Declares map types with arbitrary keys and string values, in the order of the source.
macro_rules! map_types {
    ($($(#[doc = $doc:literal])+ $type:ident: $schema:tt)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(pub IndexMap<String, String>);

        impl Setting for $type {
            fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
                Self(Setting::read(node, mismatches))
            }

            fn default_value() -> Self {
                Self::default()
            }
        }

        impl ToTree for $type {
            fn tree(&self) -> Tree<'_> {
                self.0.tree()
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

map_types! {
    /// Kubernetes labels: keys are names with an optional prefix, values are names or empty.
    Labels: {
        "type": "object",
        "propertyNames": {"pattern": LABEL_KEY_PATTERN, "maxLength": MAX_LABEL_LENGTH, "x-text": "label-key"},
        "additionalProperties": {
            "type": "string", "pattern": LABEL_VALUE_PATTERN, "maxLength": MAX_LABEL_LENGTH, "x-text": "label-value",
        },
    }

    /// Kubernetes annotations: keys are names with an optional prefix, values are any strings.
    Annotations: {
        "type": "object",
        "propertyNames": {"pattern": LABEL_KEY_PATTERN, "maxLength": MAX_LABEL_LENGTH, "x-text": "label-key"},
        "additionalProperties": {"type": "string"},
    }

    /// Quantities of node resources by name.
    ExtendedResources: {
        "type": "object",
        "propertyNames": {"minLength": 1},
        "additionalProperties": {"type": "string", "pattern": QUANTITY_PATTERN, "x-text": "quantity"},
    }
}

const LABEL_KEY_PATTERN: &str =
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$";
const LABEL_VALUE_PATTERN: &str = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$";
const QUANTITY_PATTERN: &str = r"^[+]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*\n?$";

/// String types of keys and values of maps, which remain plain strings in Rust.
pub(crate) static MAP_TEXT_TYPES: &[TextType] = &[
    TextType {
        name: "label-key",
        #[cfg(test)]
        pattern: LABEL_KEY_PATTERN,
        matches: is_label_key,
        expected: "a Kubernetes key",
        help: "write up to 63 letters, digits, `-`, `_` and `.`, starting and ending with a letter or digit, after an \
               optional DNS name and `/`",
        example: "team",
        rule: "invalid-label",
    },
    TextType {
        name: "label-value",
        #[cfg(test)]
        pattern: LABEL_VALUE_PATTERN,
        matches: |text| text.is_empty() || is_qualified_name(text),
        expected: "a Kubernetes label value",
        help: "write up to 63 letters, digits, `-`, `_` and `.`, starting and ending with a letter or digit",
        example: "ml-research",
        rule: "invalid-label",
    },
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    /// Returns the engine of an ECMAScript pattern, unless it has a look-ahead, which the engine does not support.
    fn engine(pattern: &str) -> Option<Regex> {
        (!pattern.contains("(?")).then(|| Regex::new(&pattern.replace('$', r"\z")).unwrap())
    }

    fn all_types() -> impl Iterator<Item = &'static TextType> {
        TEXT_TYPES.iter().chain(MAP_TEXT_TYPES)
    }

    #[test]
    fn examples_match() {
        for text_type in all_types() {
            assert!((text_type.matches)(text_type.example), "{}", text_type.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let names: Vec<_> = all_types().map(|text_type| text_type.name).collect();
        let unique: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
    }

    proptest! {
        #[test]
        fn matchers_agree_with_patterns(text in "[0-9]{0,3}[.]?[0-9]{0,2}[KMGTPkme]{0,2}i?[+-]?[0-9]?\n?|[-a-cA-C0-9_./é]{0,6}\n?|0[0-8]{2,4}\n?") {
            for text_type in all_types() {
                if let Some(engine) = engine(text_type.pattern) {
                    prop_assert_eq!((text_type.matches)(&text), engine.is_match(&text), "{} {:?}", text_type.name, &text);
                }
            }
        }
    }

    #[test]
    fn checks_base_urls() {
        for (url, good) in [
            ("https://my-org.run.ai", true),
            ("http://127.0.0.1:8080/", true),
            ("https://[::1]:443/x", true),
            ("https://[fe80::1%25eth0]", true),
            ("https://[fe80::1%]", false),
            ("https://[v1.a]", true),
            ("https://[v1.]", false),
            ("https://a\u{2100}b", false),
            ("https://a/\u{2100}b", true),
            ("https://\n", false),
            ("https://a\n", true),
            ("https://host?", true),
            ("https://user:pw@host", true),
            ("https://", false),
            ("https:///path", false),
            ("https://:80", false),
            ("https://user@", false),
            ("https://host?q=1", false),
            ("https://host#part", false),
            ("https://[::1", false),
            ("ftp://host", false),
            ("HTTPS://host", false),
            ("my-org.run.ai", false),
            ("", false),
        ] {
            assert_eq!(is_base_url(url), good, "{url}");
        }
    }

    #[test]
    fn counts_line_break_in_attribute_key() {
        let key = "a".repeat(63);
        assert!(key.parse::<AttributeKey>().is_ok());
        assert!(format!("{key}\n").parse::<AttributeKey>().is_err());
        assert!("a\n".parse::<AttributeKey>().is_ok());
    }

    #[test]
    fn debug_hides_secret() {
        let secret = Secret::from("canary".to_owned());
        assert!(!format!("{secret:?}").contains("canary"));
        assert_eq!(secret.expose(), "canary");
    }
}
