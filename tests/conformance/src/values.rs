//! Valid and invalid values of every kind.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::{
    case::raw,
    shape::{Field, Kind, Shape, Text},
};

/// Returns valid values of every kind, including the bounds.
pub(crate) fn right(shape: &Shape) -> Vec<Value> {
    let mut values = match &shape.kind {
        Kind::Bool => vec![json!(true), json!(false)],
        Kind::Enum(values) => values.iter().map(|value| json!(value)).collect(),
        Kind::Int { min, max } => {
            let (low, high) = (min.unwrap_or(-2), max.unwrap_or(1 << 40));
            let float = format!("{}.0", low + 1);
            vec![json!(low), json!(low + 1), json!(high), raw(&float), raw(&format!("{}e0", low + 2))]
        }
        Kind::List { item, min } => {
            let items = right(item);
            let mut lists: Vec<Value> = items.iter().map(|item| json!([item])).collect();
            if item.fields().is_empty() {
                lists.push(Value::Array(items));
            }
            lists.extend((*min == 0).then(|| json!([])));
            lists
        }
        Kind::Map { key, value } => {
            let (keys, values) = (right_texts(key), right(value));
            let mut maps: Vec<Value> = keys.iter().map(|key| json!({key.clone(): values[0]})).collect();
            maps.extend(values.iter().map(|value| json!({keys[0].clone(): value})));
            maps.push(
                keys.iter().zip(values.iter().cycle()).map(|(key, value)| (key.clone(), value.clone())).collect(),
            );
            maps.push(json!({}));
            maps
        }
        Kind::Number { min, max, exclusive } => {
            let low = min.unwrap_or(0.0);
            let low = if *exclusive { low + 0.001 } else { low };
            let high = max.unwrap_or(1e6);
            let middle = f64::midpoint(low, high);
            let mut numbers = vec![
                json!(low),
                json!(high),
                json!(middle),
                json!(1),
                raw("1.0"),
                raw("5e-1"),
                raw("0.30000000000000004"),
            ];
            numbers.extend(max.is_none().then(|| raw("9223372036854775808")));
            numbers
        }
        Kind::Scalar => vec![
            json!("x"),
            json!(""),
            json!("two\nlines"),
            json!("1"),
            json!(true),
            json!(false),
            json!(7),
            raw("1.50"),
            raw("1e3"),
            raw("-0"),
            raw("123456789012345678901234567890"),
        ],
        Kind::Struct(fields) => vec![least(fields), all(fields)],
        Kind::Text(text) => right_texts(text).into_iter().map(Value::String).collect(),
    };
    values.extend(shape.nullable.then_some(Value::Null));
    values
}

/// Returns one valid value.
pub(crate) fn any_right(shape: &Shape, rng: &mut Rng) -> Value {
    if shape.nullable && rng.u8(..) < 16 {
        return Value::Null;
    }
    match &shape.kind {
        Kind::List { item, min } => {
            let least = usize::try_from(*min).unwrap_or_default();
            (0..rng.usize(least..4)).map(|_| any_right(item, rng)).collect()
        }
        Kind::Map { key, value } => {
            let keys = right_texts(key);
            (0..rng.usize(..4)).map(|_| (pick(&keys, rng), any_right(value, rng))).collect()
        }
        Kind::Struct(fields) => any_struct(fields, rng, 96),
        _ => pick(&right(shape), rng),
    }
}

/// Returns a struct with each field present with probability `chance`/256.
pub(crate) fn any_struct(fields: &[Field], rng: &mut Rng, chance: u8) -> Value {
    let mut members: Vec<(String, Value)> = Vec::new();
    for field in fields {
        if field.required || rng.u8(..) < chance {
            let alias = field.alias.as_ref().filter(|_| rng.bool());
            members.push((alias.unwrap_or(&field.name).clone(), any_right(&field.shape, rng)));
        }
    }
    // The order of keys does not matter.
    rng.shuffle(&mut members);
    members.into_iter().collect()
}

/// Returns a struct with only the required fields.
pub(crate) fn least(fields: &[Field]) -> Value {
    let required = fields.iter().filter(|field| field.required);
    required.map(|field| (field.name.clone(), right(&field.shape)[0].clone())).collect()
}

/// Returns a struct with all fields.
fn all(fields: &[Field]) -> Value {
    fields.iter().map(|field| (field.name.clone(), right(&field.shape)[0].clone())).collect()
}

/// Returns invalid values with descriptions.
pub(crate) fn wrong(shape: &Shape) -> Vec<(String, Value)> {
    let mut values = other_types(shape);
    match &shape.kind {
        Kind::Bool | Kind::Scalar => {}
        Kind::Enum(known) => {
            for text in
                ["", "x", "Größe", &known[0].to_uppercase(), &known[0].to_lowercase(), &format!("{} ", known[0])]
            {
                if !known.iter().any(|known| known == text) {
                    values.push((format!("no value `{text}`"), json!(text)));
                }
            }
            values.push(("value with a line break".to_owned(), json!(format!("{}\n", known[0]))));
        }
        Kind::Int { min, max } => {
            values.extend(min.map(|min| ("below its least".to_owned(), json!(min - 1))));
            values.extend(min.map(|min| ("far below its least".to_owned(), json!(min - 1_000_000_000_000))));
            values.extend(max.map(|max| ("above its most".to_owned(), json!(max + 1))));
            for number in ["1.5", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e400"] {
                values.push((format!("number {number}"), raw(number)));
            }
        }
        Kind::List { item, min } => {
            values.extend((*min > 0).then(|| ("empty list".to_owned(), json!([]))));
            for (way, value) in wrong(item) {
                values.push((format!("item: {way}"), json!([value])));
            }
        }
        Kind::Map { key, value } => {
            let (keys, right) = (right_texts(key), right(value));
            for (way, text) in wrong_texts(key) {
                values.push((format!("key: {way}"), json!({text: right[0]})));
            }
            for (way, value) in wrong(value) {
                values.push((format!("entry: {way}"), json!({keys[0].clone(): value})));
            }
        }
        Kind::Number { min, max, exclusive } => {
            values.extend(min.map(|min| {
                ("below its least".to_owned(), if *exclusive { json!(min) } else { json!(min - 0.000_000_1) })
            }));
            values.push(("negative".to_owned(), json!(-1)));
            values.extend(max.map(|max| ("above its most".to_owned(), json!(max + 0.000_000_1))));
            for number in ["1e400", "-1e400"] {
                values.push((format!("number {number}"), raw(number)));
            }
        }
        Kind::Struct(fields) => {
            let mut unknown = least(fields);
            unknown["not_a_key"] = json!(1);
            values.push(("unknown key".to_owned(), unknown));
            for field in fields.iter().filter(|field| field.required) {
                let mut missing = all(fields);
                if let Some(map) = missing.as_object_mut() {
                    map.remove(&field.name);
                }
                values.push((format!("no `{}`", field.name), missing));
            }
            for field in fields {
                if let Some(alias) = &field.alias {
                    let mut both = all(fields);
                    both[alias] = both[&field.name].clone();
                    values.push((format!("`{}` in both spellings", field.name), both));
                }
            }
        }
        Kind::Text(text) => {
            values.extend(wrong_texts(text).into_iter().map(|(way, text)| (way, Value::String(text))));
        }
    }
    values
}

/// Returns values of other types, including convertible ones.
fn other_types(shape: &Shape) -> Vec<(String, Value)> {
    let fits = |value: &Value| match (&shape.kind, value) {
        (_, Value::Null) => shape.nullable,
        (Kind::Bool | Kind::Scalar, Value::Bool(_))
        | (Kind::Enum(_) | Kind::Scalar | Kind::Text(_), Value::String(_))
        | (Kind::Number { .. } | Kind::Scalar, Value::Number(_))
        | (Kind::List { .. }, Value::Array(_))
        | (Kind::Map { .. } | Kind::Struct(_), Value::Object(_)) => true,
        (Kind::Int { .. }, Value::Number(number)) => number.is_i64(),
        _ => false,
    };
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(2.5),
        json!(""),
        json!("1"),
        json!("0.5"),
        json!("true"),
        json!("x"),
        json!([]),
        json!([1]),
        json!(["x"]),
        json!({}),
        json!({"x": "y"}),
    ];
    values.into_iter().filter(|value| !fits(value)).map(|value| (format!("type of `{value}`"), value)).collect()
}

fn right_texts(text: &Text) -> Vec<String> {
    let known: &[&str] = match text.form.as_deref() {
        Some("absolute-path") => {
            &["/data", "/", "/a b/c", "/mnt/d\u{e4}ta", "//x", "/trailing/", "/..", "/two\nlines", "/x\n", "/{{x}}"]
        }
        Some("attribute-key") => &["dnsname", "a", "A.b_c-9", "trailing\n"],
        Some("base-url") => &[
            "https://my-org.run.ai",
            "http://127.0.0.1:8080/",
            "https://[::1]:443/x",
            "https://host?",
            "https://host/path//",
            "https://user:pw@host",
            "https://HOST",
            "https://h\u{f6}st",
            "http://localhost#",
            "https://a b",
        ],
        Some("file-mode") => &["0644", "0400", "0000", "0777"],
        Some("label-key") => &[
            "team",
            "a",
            "example.com/team",
            "A_b.c-9",
            "a.b.c/x",
            "name-of-exactly-sixty-three-characters-which-is-the-most-it-takes",
        ],
        Some("label-value") => &["ml", "", "A_b.c-9", "0", "true"],
        Some("memory") => {
            &["4G", "512Mi", "0G", "0.0Ki", "1.5T", "007K", "100Ti", "8Gi\n", "0.1M", "1024Ki", "99999999999999999999G"]
        }
        Some("object-name") => &["a", "my-object", "0", "a--b", "9-x", "trailing\n"],
        Some("optional-object-name") => &["", "regcred", "a-b", "0", "trailing\n"],
        Some("quantity") => {
            &["1", "50Gi", "0", "1e3", "+1", "1.5", "1..5", ".", "1E", "100m", "1e-3", "2Ki\n", "1kkk", "0Gi"]
        }
        Some(form) => panic!("no values of the form `{form}` are known here"),
        None => &[
            "x",
            "a b",
            "\u{e9}",
            "\u{65e5}\u{672c}",
            " ",
            "two\nlines",
            "trailing\n",
            "null",
            "0",
            "'it\"s'",
            "{x}",
            "\u{1f600}",
            "-",
            "",
        ],
    };
    let long = text.max.filter(|_| text.form.is_none()).map(|max| "a".repeat(max));
    let endless = (text.max.is_none() && text.form.is_none()).then(|| "long ".repeat(200));
    let texts = known.iter().map(|text| (*text).to_owned()).chain(long).chain(endless);
    let fits = |length| text.min <= length && text.max.is_none_or(|max| length <= max);
    texts.filter(|text| fits(text.chars().count())).collect()
}

fn wrong_texts(text: &Text) -> Vec<(String, String)> {
    let known: &[&str] = match text.form.as_deref() {
        Some("absolute-path") => &["", "data", "./data", "~/data", " /data", "C:\\data", "\n/data"],
        Some("attribute-key") => &["", "-a", "a-", "a b", "\u{e4}", "a/b", "a\n\n", "\n"],
        Some("base-url") => &[
            "",
            "my-org.run.ai",
            "ftp://host",
            "https://",
            "https:///x",
            "https://host?q=1",
            "https://host#part",
            "HTTPS://host",
            "https://:80",
            "https://user@",
            "https://[::1",
            " https://host",
            "https:/host",
        ],
        Some("file-mode") => &["", "644", "0648", "00644", "0x1f", "1644", "0644 ", "\u{660}644", "0o644"],
        Some("label-key") => &["", "-a", "a-", "a b", "/a", "a/", "A.com/a", "a/b/c", "\u{e4}", "a_b/c", "a\n", ".a"],
        Some("label-value") => &["-a", "a-", "a b", "\u{e4}", "a/b", "a\n", " ", "_"],
        Some("memory") => &[
            "", "4", "4GB", "4 G", "G", "-4G", "+4G", "4g", "4KiB", ".5G", "5.G", "1e3M", "4G\n\n", "\u{664}G", "4P",
            "4Ei", "4Gi ", " 4G", "1_000M", "0x10G",
        ],
        Some("object-name") => &["", "-a", "a-", "A", "a_b", "a.b", "a b", "\u{e4}", "a\n\n", "\n"],
        Some("optional-object-name") => &["-a", "a-", "A", "a_b", "a.b", "a b", "\u{e4}", "\n", "a\n\n"],
        Some("quantity") => {
            &["", "x", "-1", "1 Gi", "Gi", "1GB", "\u{661}", "1Gi\n\n", "1e3e3x", "+", "++1", "1e+-3", "1,5"]
        }
        Some(form) => panic!("no values of the form `{form}` are known here"),
        None => &[],
    };
    let mut wrong: Vec<(String, String)> =
        known.iter().map(|text| (format!("text {text:?}"), (*text).to_owned())).collect();
    if text.min > 0 && text.form.is_none() {
        wrong.push(("empty text".to_owned(), String::new()));
    }
    if let Some(max) = text.max {
        wrong.push(("one character too many".to_owned(), "a".repeat(max + 1)));
        wrong.push(("far too long".to_owned(), "a".repeat(max * 5)));
    }
    if text.form.as_deref() == Some("attribute-key") {
        wrong.push(("one character too many".to_owned(), "a".repeat(64)));
        wrong.push(("a line break too many".to_owned(), format!("{}\n", "a".repeat(63))));
    }
    wrong
}

pub(crate) fn pick<T: Clone>(values: &[T], rng: &mut Rng) -> T {
    values[rng.usize(..values.len())].clone()
}

/// Changes settings so that they are valid in combination.
pub(crate) fn reconcile(settings: &mut Map<String, Value>) {
    for (limit, request) in [
        ("gpu_portion_limit", "gpu_portion_request"),
        ("cpu_core_limit", "cpu_core_request"),
        ("gpu_memory_limit", "gpu_memory_request"),
        ("cpu_memory_limit", "cpu_memory_request"),
    ] {
        if let Some(value) = settings.get(limit).filter(|value| !value.is_null()).cloned() {
            settings.insert(request.to_owned(), value);
        }
    }
    if settings.get("gpu_request_type").is_some_and(|value| value == "memory")
        && settings.get("gpu_memory_request").is_none_or(Value::is_null)
    {
        settings.insert("gpu_memory_request".to_owned(), json!("20Gi"));
    }
    if settings.get("parallelism").is_some_and(|value| !value.is_null())
        && let Some(completions) = settings.get_mut("completions")
    {
        *completions = Value::Null;
    }
    for toleration in items(settings, "tolerations") {
        if toleration["operator"] == "Exists" {
            toleration.as_object_mut().map(|map| map.remove("value"));
        } else if toleration["key"].is_null() {
            toleration["key"] = json!("nvidia.com/gpu");
        }
    }
    for url in items(settings, "external_urls") {
        if url["authorized_users"].as_array().is_some_and(|users| !users.is_empty()) {
            url.as_object_mut().map(|map| map.remove("authorized_groups"));
        }
    }
    let mut taken: Vec<String> = Vec::new();
    for (list, key) in MOUNT_PATHS {
        for mount in items(settings, list) {
            let Some(path) = mount[key].as_str().map(str::to_owned) else { continue };
            let mut own = path.clone();
            while taken.contains(&own) {
                own = format!("{path}/{}", taken.len());
            }
            mount[key] = json!(own);
            taken.push(own);
        }
    }
}

/// The path key of each kind of mount.
pub(crate) const MOUNT_PATHS: [(&str, &str); 6] = [
    ("pvc_mounts", "path"),
    ("config_map_mounts", "mount_path"),
    ("secret_mounts", "mount_path"),
    ("nfs_mounts", "mount_path"),
    ("s3_mounts", "path"),
    ("host_path_mounts", "mount_path"),
];

fn items<'m>(settings: &'m mut Map<String, Value>, key: &str) -> impl Iterator<Item = &'m mut Value> {
    let items = settings.get_mut(key).and_then(Value::as_array_mut);
    items.into_iter().flatten().filter(|item| item.is_object())
}
