//! Edits change one value only.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use runai_syntax::{Edit, EditError, Format, apply, convert, edit};
use serde_json::{Value, json};

/// Returns the text after an edit.
fn edited(text: &str, format: Format, pointer: &str, value: &Value) -> String {
    let value = Some(value).filter(|value| **value != json!("<remove>"));
    match edit(text, format, pointer, value) {
        Ok(edits) => {
            assert!(edits.windows(2).all(|pair| pair[0].to <= pair[1].from), "{edits:?}");
            apply(text, &edits)
        }
        Err(error) => panic!("{pointer}: {error}\n{text}"),
    }
}

/// Checks edits, given as the text before, a pointer, a value (or `<remove>`), and the text after.
fn check(format: Format, cases: &[(&str, &str, Value, &str)]) {
    for (before, pointer, value, after) in cases {
        let found = edited(before, format, pointer, value);
        assert_eq!(found, *after, "{pointer} {value} in\n{before}");
        // The same with Windows line breaks.
        let (before, after) = (before.replace('\n', "\r\n"), after.replace('\n', "\r\n"));
        if before.contains('\n') && !value.to_string().contains("\\n") {
            assert_eq!(edited(&before, format, pointer, value), after, "{pointer} {value} in\n{before}");
        }
        let marked = format!("\u{feff}{before}");
        assert_eq!(
            edited(&marked, format, pointer, value).replace('\r', ""),
            format!("\u{feff}{after}").replace('\r', "")
        );
    }
}

fn remove() -> Value {
    json!("<remove>")
}

#[test]
fn replaces_yaml_scalars() {
    check(
        Format::Yaml,
        &[
            ("a: 1 # c\nb: 2\n", "/a", json!(2), "a: 2 # c\nb: 2\n"),
            ("a: 'x'\n", "/a", json!("it's"), "a: 'it''s'\n"),
            ("a: \"x\"\n", "/a", json!("y"), "a: \"y\"\n"),
            ("a: 8Gi\n", "/a", json!("16Gi"), "a: 16Gi\n"),
            ("a: 8Gi\n", "/a", json!("16"), "a: \"16\"\n"),
            ("a: 8Gi\n", "/a", json!("yes"), "a: \"yes\"\n"),
            ("a: 8.0\n", "/a", json!(16), "a: 16.0\n"),
            ("a: # c\nb: 1\n", "/a", json!("x"), "a: x # c\nb: 1\n"),
            ("a:\n", "/a", json!(null), "a:\n"),
            ("a: 1\n", "/a", json!(null), "a: null\n"),
            ("[x, y]\n", "/1", json!("a,b"), "[x, \"a,b\"]\n"),
            ("a: |\n  one\n  two\nb: 1\n", "/a", json!("three\nfour\n"), "a: |\n  three\n  four\nb: 1\n"),
            ("a: |\n  one\nb: 1\n", "/a", json!("x"), "a: x\nb: 1\n"),
            ("a: &x 1 # c\n", "/a", json!(2), "a: &x 2 # c\n"),
            ("a: !!str 5 # c\n", "/a", json!(5), "a: 5 # c\n"),
            ("a: 1\n", "/a", json!({"b": 1}), "a:\n  b: 1\n"),
            ("a: 1 # c\nz: 1\n", "/a", json!({"b": 1}), "a: # c\n  b: 1\nz: 1\n"),
            ("a:\n  b: 1 # c\nz: 1\n", "/a", json!("x"), "a: x\nz: 1\n"),
            ("a: # c\n  - 1\n", "/a", json!("x"), "a: x # c\n"),
        ],
    );
}

#[test]
fn adds_yaml_keys() {
    check(
        Format::Yaml,
        &[
            ("a: 1\n", "/b", json!(2), "a: 1\nb: 2\n"),
            ("a: 1", "/b", json!(2), "a: 1\nb: 2"),
            ("a: 1 # c\n# end\n", "/b", json!(2), "a: 1 # c\nb: 2\n# end\n"),
            ("s:\n  a: 1 # c\n\n# z\nz: 1\n", "/s/b", json!("x"), "s:\n  a: 1 # c\n  b: x\n\n# z\nz: 1\n"),
            ("s:\n    a: 1\n", "/s/l", json!({"t": 1}), "s:\n    a: 1\n    l:\n        t: 1\n"),
            ("s: {a: 1}\n", "/s/b", json!("x"), "s: {a: 1, b: x}\n"),
            ("s: {a: 1, }\n", "/s/b", json!("x"), "s: {a: 1, b: x, }\n"),
            ("s: {\n  a: 1, # one\n}\n", "/s/b", json!("x"), "s: {\n  a: 1, # one\n  b: x,\n}\n"),
            ("s: {\n  a: 1 # one\n}\n", "/s/b", json!("x"), "s: {\n  a: 1, # one\n  b: x\n}\n"),
            ("s: {} # c\n", "/s/b", json!("x"), "s: # c\n  b: x\n"),
            ("s:\n", "/s/b", json!("x"), "s:\n  b: x\n"),
            ("s: # c\nz: 1\n", "/s/b", json!("x"), "s: # c\n  b: x\nz: 1\n"),
            ("", "/image", json!("x"), "image: x\n"),
            ("# only this\n", "/s/l/t", json!("x"), "# only this\ns:\n  l:\n    t: x\n"),
            ("---\n", "/a", json!(1), "---\na: 1\n"),
            ("{}\n", "/a", json!(1), "a: 1\n"),
            ("null\n", "/a", json!(1), "a: 1\n"),
            ("a: 1\n", "/s/pools/-", json!("x"), "a: 1\ns:\n  pools: [x]\n"),
            ("a: |+\n  x\n\n\nb: 1\n", "/c", json!(1), "a: |+\n  x\n\n\nb: 1\nc: 1\n"),
            ("b:\n  a: |+\n    x\n\n\nz: 1\n", "/b/c", json!(1), "b:\n  a: |+\n    x\n\n\n  c: 1\nz: 1\n"),
            ("a: |\n  x\n\n\nz: 1\n", "/w", json!(1), "a: |\n  x\n\n\nz: 1\nw: 1\n"),
            ("l:\n- a: 1\n", "/l/0/b", json!(2), "l:\n- a: 1\n  b: 2\n"),
            ("x: {a: &d {p: 1}}\ny:\n  <<: *d\n", "/y/p", json!(2), "x: {a: &d {p: 1}}\ny:\n  <<: *d\n  p: 2\n"),
        ],
    );
}

#[test]
fn removes_yaml_keys() {
    check(
        Format::Yaml,
        &[
            ("a: 1\n# b\nb: 2 # two\nc: 3\n", "/b", remove(), "a: 1\n# b\nc: 3\n"),
            ("a: 1\nb:\n  x: 1\n  y: [1,\n    2] # y\nc: 3\n", "/b", remove(), "a: 1\nc: 3\n"),
            ("a: 1\nb: 2", "/b", remove(), "a: 1\n"),
            ("s:\n  a: 1\n", "/s/a", remove(), "s: {}\n"),
            ("s: # c\n  # d\n  a: 1 # e\nz: 1\n", "/s/a", remove(), "s: {} # c\n  # d\nz: 1\n"),
            ("# c\na: 1\n", "/a", remove(), "# c\n{}\n"),
            ("l:\n  - a: 1 # own\n    b: 2\n", "/l/0/a", remove(), "l:\n  - b: 2\n"),
            ("l:\n  - a: 1\n    # b\n    b: 2\n", "/l/0/a", remove(), "l:\n  - \n    # b\n    b: 2\n"),
            ("l:\n  - a: 1\n", "/l/0/a", remove(), "l:\n  - {}\n"),
            ("s: {a: 1, b: 2, c: 3}\n", "/s/b", remove(), "s: {a: 1, c: 3}\n"),
            ("s: {a: 1, b: 2}\n", "/s/b", remove(), "s: {a: 1}\n"),
            ("s: {a: 1, b: 2, }\n", "/s/b", remove(), "s: {a: 1, }\n"),
            ("s: { a: 1 }\n", "/s/a", remove(), "s: {}\n"),
            ("s: {\n  a: 1, # one\n  b: 2 # two\n}\n", "/s/b", remove(), "s: {\n  a: 1 # one\n}\n"),
            ("s: {\n  a: 1, # one\n  b: 2 # two\n}\n", "/s/a", remove(), "s: {\n  b: 2 # two\n}\n"),
            ("a: 1\n", "/b", remove(), "a: 1\n"),
            ("a: 1\n", "/s/x/y", remove(), "a: 1\n"),
            ("a: &x 1\nb: *x\nc: 1\n", "/b", remove(), "a: &x 1\nc: 1\n"),
        ],
    );
}

#[test]
fn adds_and_removes_yaml_items() {
    check(
        Format::Yaml,
        &[
            ("l: [a, b]\n", "/l/-", json!("c"), "l: [a, b, c]\n"),
            ("l: [a, b]\n", "/l/2", json!("c"), "l: [a, b, c]\n"),
            ("l: [a, b]\n", "/l/0", remove(), "l: [b]\n"),
            ("l: [a]\n", "/l/0", remove(), "l: []\n"),
            ("l: [a, c]\n", "/l", json!(["a", "b", "c"]), "l: [a, b, c]\n"),
            ("l: [a, b]\n", "/l", json!([]), "l: []\n"),
            ("l: []\n", "/l/-", json!("c"), "l: [c]\n"),
            ("l: [] # c\n", "/l/-", json!({"a": 1}), "l: # c\n  - a: 1\n"),
            ("l:\n- a # one\n# end\n", "/l/-", json!("c"), "l:\n- a # one\n- c\n# end\n"),
            ("l:\n  - a: 1\n", "/l/-", json!({"b": 2, "c": 3}), "l:\n  - a: 1\n  - b: 2\n    c: 3\n"),
            ("l:\n  - a\n  - c\n", "/l", json!(["b", "a", "c"]), "l:\n  - b\n  - a\n  - c\n"),
            ("l:\n  - a # a\n  # c\n  - c\n", "/l", json!(["a", "b", "c"]), "l:\n  - a # a\n  - b\n  # c\n  - c\n"),
            ("l:\n  - a # a\n  - b\n", "/l/0", remove(), "l:\n  - b\n"),
            ("l:\n  - a # a\n", "/l/0", remove(), "l: []\n"),
            ("l: # c\n  - a # a\n", "/l/0", remove(), "l: [] # c\n"),
            ("- - a\n  - b\n", "/0/0", remove(), "- - b\n"),
            ("l:\n-\n- b\n", "/l/0", json!("a"), "l:\n- a\n- b\n"),
            ("l: [\n  a, # a\n  b\n]\n", "/l/-", json!("c"), "l: [\n  a, # a\n  b,\n  c\n]\n"),
        ],
    );
}

#[test]
fn changes_maps_by_key() {
    check(
        Format::Yaml,
        &[(
            "s:\n  # keep\n  a: 1 # one\n  b: 2\n  c: 'x'\n",
            "/s",
            json!({"a": 1, "c": "y", "d": {"e": 1}}),
            "s:\n  # keep\n  a: 1 # one\n  c: 'y'\n  d:\n    e: 1\n",
        )],
    );
}

#[test]
fn json_keeps_its_layout() {
    check(
        Format::Json,
        &[
            ("{\"a\":1}", "/b", json!("x"), "{\"a\":1,\"b\":\"x\"}".replace(",\"", ", \"").as_str()),
            ("{\"a\":1,\"b\":2}", "/c", json!({"d": [1]}), "{\"a\":1,\"b\":2,\"c\":{\"d\":[1]}}"),
            (
                "{\n  \"a\": 1\n}\n",
                "/b",
                json!({"c": [1, 2]}),
                "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [1, 2]\n  }\n}\n",
            ),
            ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "/b", remove(), "{\n  \"a\": 1\n}\n"),
            ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "/a", remove(), "{\n  \"b\": 2\n}\n"),
            ("{\n    \"s\": {}\n}\n", "/s/a", json!(1), "{\n    \"s\": {\n        \"a\": 1\n    }\n}\n"),
            ("{\"l\": [1, 2]}", "/l/0", remove(), "{\"l\": [2]}"),
            ("{\"l\": [1, 2]}", "/l/1", remove(), "{\"l\": [1]}"),
            ("{\"l\": [1]}", "/l/0", remove(), "{\"l\": []}"),
            ("{\"l\": []}", "/l/-", json!("a:b"), "{\"l\": [\"a:b\"]}"),
            ("", "/a", json!(1), "{\n  \"a\": 1\n}\n"),
            ("{}", "/a", json!(1), "{\n  \"a\": 1\n}"),
            ("{\"a\": {\"b\": 1}}", "/a", json!("x"), "{\"a\": \"x\"}"),
        ],
    );
}

#[test]
fn toml_keeps_its_tables() {
    check(
        Format::Toml,
        &[
            ("a = 1 # c\n", "/a", json!(2), "a = 2 # c\n"),
            ("a = 'x'\n", "/a", json!("y"), "a = 'y'\n"),
            ("a = 'x'\n", "/a", json!("it's"), "a = \"it's\"\n"),
            ("a = 1.0\n", "/a", json!(2), "a = 2.0\n"),
            ("a = 1\n", "/b", json!("x"), "a = 1\nb = \"x\"\n"),
            ("", "/a", json!(1), "a = 1\n"),
            ("# only this\n", "/s/a", json!(1), "# only this\n\n[s]\na = 1\n"),
            ("a = 1\n", "/s/a", json!(1), "a = 1\n\n[s]\na = 1\n"),
            ("a = 1\n\n# s\n[s]\nb = 1\n", "/c", json!(1), "a = 1\nc = 1\n\n# s\n[s]\nb = 1\n"),
            ("# s\n[s]\nb = 1\n", "/c", json!(1), "c = 1\n\n# s\n[s]\nb = 1\n"),
            ("[s]\nb = 1 # c\n\n[t]\n", "/s/c", json!(1), "[s]\nb = 1 # c\nc = 1\n\n[t]\n"),
            ("[s]\nb = 1\n\n[t]\n", "/s/l/x", json!(1), "[s]\nb = 1\n\n[s.l]\nx = 1\n\n[t]\n"),
            ("[s] # c\n", "/s/b", json!(1), "[s] # c\nb = 1\n"),
            ("[s]\nl = { a = 1 }\n", "/s/l/b", json!(2), "[s]\nl = { a = 1, b = 2 }\n"),
            ("l = {}\n", "/l/b", json!(2), "l = { b = 2 }\n"),
            ("a.b = 1\n", "/a/c", json!(2), "a.b = 1\na.c = 2\n"),
            ("[a.b]\nx = 1\n", "/a/c", json!(2), "[a]\nc = 2\n\n[a.b]\nx = 1\n"),
            ("[s]\na = 1\nb = 2 # own\nc = 3\n", "/s/b", remove(), "[s]\na = 1\nc = 3\n"),
            ("[s]\na = [\n  1, # one\n]\nc = 3\n", "/s/a", remove(), "[s]\nc = 3\n"),
            ("a = 1\n\n# s\n[s]\nb = 1\n\n# t\n[t]\n", "/s", remove(), "a = 1\n\n# s\n# t\n[t]\n"),
            ("a.b = 1\nc = 1\n", "/a/b", remove(), "c = 1\na = {}\n"),
            ("[s]\na = 1\n", "/s/a", remove(), "[s]\n"),
            ("[[l]]\na = 1\n", "/l/-", json!({"b": 2}), "[[l]]\na = 1\n\n[[l]]\nb = 2\n"),
            ("[[l]]\na = 1\n\n[[l]]\nb = 2\n", "/l/0", remove(), "[[l]]\nb = 2\n"),
            ("x = 1\n\n[[l]]\na = 1\n", "/l/0", remove(), "x = 1\nl = []\n\n"),
            (
                "[[l]]\na = 1\n\n[[l]]\nc = 1\n\n[z]\n",
                "/l/0/b",
                json!({"x": 1}),
                "[[l]]\na = 1\n\n[l.b]\nx = 1\n\n[[l]]\nc = 1\n\n[z]\n",
            ),
            ("z = 1\n[[l]]\na = 1\n", "/l/-", json!("x"), "z = 1\nl = [\n    { a = 1 },\n    \"x\",\n]\n"),
            ("[[l]]\na = 1\n", "/l/0", json!({}), "[[l]]\n"),
            ("d = { a.b = 1 }\n", "/d/a/c", json!(2), "d = { a = { b = 1, c = 2 } }\n"),
            ("[s]\nl = [1, 2]\n", "/s/l/-", json!(3), "[s]\nl = [1, 2, 3]\n"),
            ("l = [\n  1, # one\n]\n", "/l/-", json!(2), "l = [\n  1, # one\n  2,\n]\n"),
            ("l = [\n  1,\n  2,\n]\n", "/l/1", remove(), "l = [\n  1,\n]\n"),
            ("a = 1\n[s]\nb = 1\n", "/s", json!("x"), "a = 1\ns = \"x\"\n"),
        ],
    );
}

#[test]
fn reports_impossible_edits() {
    let aliased = "d: &d {a: 1}\nx: *d\ny:\n  <<: *d\n";
    let cases = [
        (aliased, Format::Yaml, "/x/a", json!(2), "aliased"),
        (aliased, Format::Yaml, "/x", json!({"a": 2}), "aliased"),
        (aliased, Format::Yaml, "/y/a", remove(), "aliased"),
        (aliased, Format::Yaml, "/d/a", json!(2), "unsafe"),
        ("a: [\n", Format::Yaml, "/a", json!(2), "unreadable"),
        ("{\"a\": 1,}", Format::Json, "/a", json!(2), "unreadable"),
        ("a = 1\n", Format::Toml, "/a", json!(null), "not-in-format"),
        ("a = 1\n", Format::Toml, "/b", json!({"c": [null]}), "not-in-format"),
        ("a: 1\n", Format::Yaml, "/a/b", json!(2), "not-a-container"),
        ("a: [1]\n", Format::Yaml, "/a/7", json!(2), "no-place"),
        ("a: [1]\n", Format::Yaml, "/a/b", json!(2), "no-place"),
        ("a: 1\n", Format::Yaml, "a", json!(2), "invalid-pointer"),
    ];
    for (text, format, pointer, value, code) in cases {
        let value = Some(&value).filter(|value| **value != remove());
        let error = edit(text, format, pointer, value).unwrap_err();
        assert_eq!(error.code(), code, "{pointer}: {error}");
        assert!(!error.to_string().is_empty() && !error.help().is_empty());
    }
}

/// Realistic texts in all three formats.
fn corpus() -> Vec<(String, String, Format)> {
    let mut texts = Vec::new();
    for folder in ["tests/fixtures/edit", "../runai-spec/tests/fixtures/valid"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension != "snap")) {
            let text = fs::read_to_string(path).unwrap();
            let (name, format) = (path.display().to_string(), Format::of_path(&path.to_string_lossy()));
            texts.push((format!("{name} (CRLF)"), text.replace('\n', "\r\n"), format));
            texts.push((format!("{name} (no end)"), text.trim_end().to_owned(), format));
            texts.push((name, text, format));
        }
    }
    texts
}

fn as_json(text: &str, format: Format) -> Value {
    let json = convert(text, format, Format::Json).unwrap_or_else(|error| panic!("{error}\n{text}"));
    serde_json::from_str(&json).unwrap_or(Value::Null)
}

fn pointers(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(value, &format!("{pointer}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// A change of a value.
#[derive(Clone, Debug)]
enum Change {
    Add(String, Value),
    Append(Value),
    Remove,
    Set(Value),
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        "[ -~]{0,12}",
        Just("yes".to_owned()),
        Just("0644".to_owned()),
        Just("a: b #c".to_owned()),
        Just("two\nlines\n".to_owned()),
        "[\\PC\t\n]{0,8}",
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any_text().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1000..1000).prop_map(|number| Value::from(f64::from(number) / 8.0)),
        any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(any_text(), inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any_text(), any_value()).prop_map(|(key, value)| Change::Add(key, value)),
        any_value().prop_map(Change::Append),
        Just(Change::Remove),
        any_value().prop_map(Change::Set),
    ]
}

/// Changes the value at `pointer`, and returns the arguments of `edit`, if anything changes.
fn change(root: &mut Value, pointer: &str, change: &Change) -> Option<(String, Option<Value>)> {
    let at = root.pointer_mut(pointer)?;
    match change {
        Change::Set(value) if !pointer.is_empty() => {
            *at = value.clone();
            Some((pointer.to_owned(), Some(value.clone())))
        }
        Change::Add(key, value) => {
            let map = at.as_object_mut().filter(|map| !map.contains_key(key))?;
            map.insert(key.clone(), value.clone());
            Some((format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), Some(value.clone())))
        }
        Change::Append(value) => {
            at.as_array_mut()?.push(value.clone());
            Some((format!("{pointer}/-"), Some(value.clone())))
        }
        Change::Remove => {
            let (parent, last) = pointer.rsplit_once('/')?;
            match root.pointer_mut(parent)? {
                Value::Array(items) => drop(items.remove(last.parse().ok()?)),
                Value::Object(map) => drop(map.shift_remove(&last.replace("~1", "/").replace("~0", "~"))),
                _ => return None,
            }
            Some((pointer.to_owned(), None))
        }
        Change::Set(_) => None,
    }
}

/// Converts numbers to floats, so that 2 equals 2.0.
fn by_value(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(by_value).collect(),
        Value::Object(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), by_value(value))).collect()),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changes_one_value_only((which, at) in any::<(Index, Index)>(), what in any_change()) {
        let corpus = corpus();
        let (name, text, format) = which.get(&corpus);
        let old = as_json(text, *format);
        let mut places = Vec::new();
        pointers(&old, "", &mut places);
        let place = at.get(&places);
        let mut expected = old.clone();
        let Some((pointer, value)) = change(&mut expected, place, &what) else { return Ok(()) };
        let edits = match edit(text, *format, &pointer, value.as_ref()) {
            Ok(edits) => edits,
            // Only these texts contain aliases.
            Err(error) if name.contains("anchors") => {
                prop_assert!(matches!(error, EditError::Aliased { .. } | EditError::Unsafe { .. }), "{}", error);
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(format!("{name} {pointer} {value:?}: {error}"))),
        };
        let changed = apply(text, &edits);
        prop_assert_eq!(by_value(&as_json(&changed, *format)), by_value(&expected), "{}", changed);
        prop_assert_eq!(edits.is_empty(), by_value(&old) == by_value(&expected), "{}", name);
        if let Some(value) = &value && !pointer.ends_with("/-") {
            prop_assert_eq!(edit(&changed, *format, &pointer, Some(value)), Ok(Vec::<Edit>::new()), "{}", changed);
        }
        // Comments are kept, except inside removed values.
        let adds = old.pointer(&pointer).is_none_or(|old| !old.is_array() && !old.is_object());
        if value.is_some() && adds {
            for comment in text.lines().filter_map(|line| line.split_once("# ")).map(|(_, comment)| comment) {
                prop_assert!(changed.contains(comment), "{} {}\n{}", name, pointer, changed);
            }
        }
        // Other lines are unchanged and in order.
        if *format == Format::Yaml && adds && value.as_ref().is_some_and(|value| !value.is_array() && !value.is_object()) {
            let kept = changed.lines().filter(|line| text.lines().any(|old| old == *line)).count();
            let spread = old.pointer(&pointer).and_then(Value::as_str).map_or(1, |old| old.lines().count() + 3);
            prop_assert!(kept + spread >= text.lines().count(), "{} {}\n{}", name, pointer, changed);
        }
    }

    #[test]
    fn never_panics_on_any_text(
        text in "([a-z]{1,3}: ?|[\\[\\]{}\"',|>&*!#=.0-9 a-]|\r?\n *|é){0,40}",
        pointer in "(/[a-z0-9-]{0,2}){0,3}",
        value in prop::option::of(any_value()),
    ) {
        for format in [Format::Json, Format::Toml, Format::Yaml] {
            if let Ok(edits) = edit(&text, format, &pointer, value.as_ref()) {
                let changed = apply(&text, &edits);
                if !edits.is_empty() {
                    prop_assert!(convert(&changed, format, Format::Yaml).is_ok(), "{:?} -> {:?}", text, changed);
                }
            }
        }
    }
}
