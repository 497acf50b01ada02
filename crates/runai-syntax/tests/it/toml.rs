//! Compares the TOML parser with the `toml` crate.

use proptest::prelude::*;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use std::borrow::Cow;

use runai_syntax::{
    Entry, Format, MAX_DEPTH, Map, Node, SourceId, Span, SyntaxError, SyntaxErrorKind, Text, Value, parse,
};

/// Asserts that the parser and the `toml` crate accept the same texts, with the same values and spans, except for dotted keys
/// into an array of tables, which TOML forbids and the crate accepts.
fn check(text: &str) -> Result<Option<Node<'_>>, SyntaxError> {
    let read = match parse(text, Format::Toml, SourceId(0)) {
        Err(error) if error.kind == SyntaxErrorKind::Empty => Ok(None),
        read => read.map(Some),
    };
    match (&read, DeTable::parse(text)) {
        (Ok(node), Ok(table)) => {
            let mut node = node.clone().unwrap_or(Node { value: Value::Map(Map::default()), span: Span::default() });
            sort(&mut node);
            assert_eq!(
                node,
                from_toml_crate(text, Spanned::new(table.span(), DeValue::Table(table.into_inner()))),
                "{text}"
            );
        }
        (Ok(_), Err(error)) => panic!("{text}: {error}"),
        (Err(error), other) => {
            let into_list = text.contains("[[") && error.kind.code() == "duplicate-key";
            assert!(other.is_err() || into_list || error.kind.code() == "too-deep", "{text}: {error:?}");
        }
    }
    read
}

/// Sorts keys in the order of the `toml` crate.
fn sort(node: &mut Node<'_>) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(sort),
        Value::Map(map) => {
            map.0.sort_by(|one, two| one.key.cmp(&two.key));
            map.0.iter_mut().for_each(|entry| sort(&mut entry.value));
        }
        _ => {}
    }
}

fn from_toml_crate<'t>(source: &'t str, value: Spanned<DeValue<'t>>) -> Node<'t> {
    let span = span_of(&value);
    let raw = &source[value.span()];
    let value = match value.into_inner() {
        DeValue::String(text) => Value::String(Text { text, plain: false }),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or(Value::BigInt(raw), |value| Value::Int(value, raw)),
        DeValue::Float(digits) => digits.as_str().parse().map_or(Value::BigInt(raw), |value| Value::Float(value, raw)),
        DeValue::Boolean(value) => Value::Bool(value, raw),
        DeValue::Datetime(_) => Value::DateTime(raw),
        DeValue::Array(items) => Value::List(items.into_iter().map(|item| from_toml_crate(source, item)).collect()),
        DeValue::Table(table) => {
            let entry = |(key, value): (Spanned<Cow<'t, str>>, _)| Entry {
                key_span: span_of(&key),
                key: key.into_inner(),
                value: from_toml_crate(source, value),
            };
            Value::Map(Map(table.into_iter().map(entry).collect()))
        }
    };
    Node { value, span }
}

fn span_of<T>(spanned: &Spanned<T>) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap();
    let range = spanned.span();
    Span { source: SourceId(0), start: offset(range.start), end: offset(range.end) }
}

/// Few keys, so that they collide.
fn path() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec!["a", "b", "\"\\u0061\"", "'b'"]);
    prop::collection::vec(key, 1..4).prop_map(|keys| keys.join("."))
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "-1_000",
        "0xfF",
        "0o17",
        "0b11",
        "99999999999999999999",
        "1.5",
        "1e3",
        "inf",
        "true",
        "false",
        "\"\"",
        "\"a\\tb\\u00e9\"",
        "'c:\\d'",
        "\"\"\"\na\\\n  b\"\"\"",
        "'''\nx\ny'''",
        "2026-11-26",
        "07:14:13",
        "2026-11-26T07:14:13Z",
        "2026-13-26",
        "1__0",
        "01",
        "\"\\q\"",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(3, 12, 3, |inner| {
        let pair = (path(), inner.clone()).prop_map(|(path, value)| format!("{path} = {value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(|items| format!("[ {} ]", items.join(" , "))),
            prop::collection::vec(pair, 0..3).prop_map(|pairs| format!("{{ {} }}", pairs.join(", "))),
        ]
    })
}

fn document() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        2 => path().prop_map(|path| format!("[{path}]")),
        1 => path().prop_map(|path| format!("[[ {path} ]] # of many")),
        4 => (path(), value()).prop_map(|(path, value)| format!("{path} = {value}")),
    ];
    prop::collection::vec(line, 0..7).prop_map(|lines| lines.join("\n"))
}

#[test]
fn extends_tables_where_toml_allows() {
    for (text, taken) in [
        ("a.b = 1\na.c = 2", true),
        ("[a]\n[a.b]\n[b]\n[a.c]", true),
        ("[a.b]\n[a]\nc = 1", true),
        ("[a]\nb.c = 1\n[a.d]", true),
        ("[[a]]\n[a.b]\n[[a]]\n[a.b]", true),
        ("a = { b.c = 1, b.d = 2 }", true),
        ("[a]\n[a]", false),
        ("a.b = 1\n[a]", false),
        ("[a.b.c]\n[a]\nb.d = 1\n[a.b]", false),
        ("[a.b]\n[a]\nb.c = 1", false),
        ("a = {}\n[a.b]", false),
        ("a = {}\na.b = 1", false),
        ("a = { b = {}, b.c = 1 }", false),
        ("a = [{}]\n[[a]]", false),
        ("a = [{}]\n[a.b]", false),
        ("[a]\n[[a]]", false),
        ("[a.b]\n[[a]]", false),
        ("[[a]]\n[a]", false),
        ("[[a.b]]\n[a]\nb.c = 1", false),
        ("[[a.b]]\n[a]\nb.c.d = 1", false),
        ("a = 1\n[a.b]", false),
    ] {
        assert_eq!(check(text).is_ok(), taken, "{text}");
    }
}

#[test]
fn limits_nesting() {
    let deep = MAX_DEPTH - 1;
    let keys = |count| vec!["a"; count].join(".");
    for (text, taken) in [
        (format!("a = {}{}", "[".repeat(deep), "]".repeat(deep)), true),
        (format!("a = {}{}", "[".repeat(deep + 1), "]".repeat(deep + 1)), false),
        (format!("a = {}{}", "[".repeat(9_000), "]".repeat(9_000)), false),
        (format!("{} = 1", keys(deep + 1)), true),
        (format!("{} = 1", keys(deep + 2)), false),
        (format!("{} = {{}}", keys(deep + 1)), false),
        (format!("[{}]", keys(deep)), true),
        (format!("[{}]", keys(deep + 1)), false),
        (format!("[[{}]]", keys(deep - 1)), true),
        (format!("[[{}]]", keys(deep)), false),
        (format!("[{}]\na = {{}}", keys(deep)), false),
    ] {
        let refused = check(&text).map_err(|error| error.kind.code()).err();
        assert_eq!(refused, (!taken).then_some("too-deep"), "{text}");
    }
}

#[test]
fn rejects_invalid_toml() {
    for (text, why) in [
        ("a", "key with no value, expected `=`"),
        ("a = ", "string values must be quoted, expected literal string"),
        ("a = [1", "unclosed array, expected `]`"),
        ("a = 2026-13-26", "invalid date, expected month between 01 and 12"),
        ("a = \"\\q\"", "missing escaped value"),
        ("a = 1 b = 2", "unexpected key or value, expected a line break, `#`"),
        ("a = {}\na.b = 1", "`a` is an inline table and cannot be extended"),
        ("a = []\na.b = 1", "`a` is a list and cannot be extended"),
        ("a = 1\na.b = 1", "`a` is a single value and cannot be extended"),
    ] {
        let message = check(text).unwrap_err().message;
        assert!(message.starts_with(&format!("invalid TOML: {why}")), "{text}: {message}");
    }
    assert_eq!(check("[a]\nb=1\nb=2").unwrap_err().message, "duplicate key `b`");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_toml_crate(text in document()) {
        let _ = check(&text);
    }

    #[test]
    fn agrees_with_toml_crate_on_mutated_texts(text in document(), at: prop::sample::Index, c: char) {
        let mut text: Vec<_> = text.chars().chain(['\n']).collect();
        let at = at.index(text.len());
        text[at] = c;
        let _ = check(&text.iter().collect::<String>());
        text.remove(at);
        let _ = check(&text.into_iter().collect::<String>());
    }
}
